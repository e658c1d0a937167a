/* reducer/worker/reducer_worker.h -- the state of one reducer thread; shared by the files of this
 * folder. */
#ifndef REDUCER_WORKER_REDUCER_WORKER_H
#define REDUCER_WORKER_REDUCER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/admin.h"
#include "bus/consumer.h"
#include "bus/producer.h"
#include "bus/bus_reader.h"
#include "reducer/partition.h"
#include "service/backoff.h"
#include "service/service.h"
#include "wire/outbox.h"

enum reducer_metric {
    METRIC_RECORDS,
    METRIC_CHUNKS,
    METRIC_EVENTS,
    METRIC_TALLIES, /* by enum tally */
    METRIC_GAPS,
    METRIC_MISMATCHES,
    METRIC_REPEATED,
    METRIC_REFUSED,
    METRIC_SESSIONS_ENDED,
    METRIC_RESULTS,
    METRIC_STATES,
    METRIC_TRANSACTION_TIME,
    METRIC_TRANSACTIONS_ABORTED,
    METRIC_REBALANCES,
    METRIC_PARTITIONS,
    METRIC_WAITING,
    METRIC_WAITING_BYTES,
    METRIC_SPILLED_BYTES,
    METRIC_LAG,
    METRIC_BEHIND,
    METRIC_RESTORE_TIME,
    REDUCER_METRICS
};

/* A chunk that is missing while a later one waits. */
struct hole_watch {
    char *session;
    uint64_t next, first_chunk;
    uint64_t idle_ms;     /* time for which nothing has been in flight */
    int64_t *chunks_ends; /* end offsets of the topic of chunks when the hole was first seen */
    bool written;         /* the gap is in the log, or being written */
    bool seen;            /* in this round */
};

/* An assigned partition. */
struct part {
    int32_t number;
    struct partition *partition;
    struct partition_counts reported; /* already in the metrics */
    struct outbox results, state, gaps;
    int64_t next;    /* after the last record taken */
    int64_t sent;    /* the last committed offset */
    int64_t time_ms; /* of the last record taken */
    bool at_end;
    struct hole_watch *holes;
    size_t hole_count, hole_room;
};

struct worker {
    struct service *service;
    const struct bus_settings *bus;
    unsigned thread;
    struct bus_consumer *consumer;
    struct bus_producer *producer;
    struct bus_reader *reader; /* for the state, and for end offsets of other topics */
    struct bus_admin *admin;
    struct part **parts;
    size_t part_count, part_room;
    size_t parts_before; /* in the metrics */
    uint64_t flush_ms, gap_after_ms, expire_after_ms, forget_after_ms;
    uint64_t dirty_since_ms; /* 0: nothing waits for a transaction */
    uint64_t watched_ms;     /* when holes and silences were last checked */
    int32_t chunk_partitions;
    bool progress_unknown;  /* the progress of mappers is unknown: no gap is written */
    bool broken;            /* a partition could not be restored: exit */
    size_t unfit;           /* partitions without a state partition: not processed */
    uint64_t fit_ms;        /* when to check this again */
    struct backoff fitting; /* between checks */
};

/* --- restore_partition.c --- */

/* Restores the partition from the state topic; *offset is where to read from. RETRY: no answer from
 * the broker, or asked to stop. REJECT, STOP: not possible. */
MUST_CHECK enum status restore_part(struct worker *worker, int32_t number, struct part **out,
                                    int64_t *offset, struct failure *why);
void part_free(struct part *part); /* NULL is fine */

/* --- send_results.c --- */

/* Whether anything waits for a transaction. */
bool worker_is_dirty(const struct worker *worker);
/* Sends results, state, and offsets of all partitions. OK also if the transaction was aborted: its
 * records wait for the next one. STOP: exit. */
MUST_CHECK enum status worker_transact(struct worker *worker, struct failure *why);
struct bus_patience worker_patience(struct worker *worker);

/* --- watch_holes.c --- */

/* Finds chunks that do not arrive and silent sessions, and writes a record to the log for each, so
 * that a replay makes the same decision. */
void worker_watch(struct worker *worker, uint64_t passed_ms);
void hole_watch_clear(struct hole_watch *hole);
int64_t now_unix_ms(void);

/* --- reducer_worker.c --- */

/* Runs until asked to stop. OK, or STOP. */
MUST_CHECK enum status worker_run(struct service *service, unsigned thread, struct failure *why);

#endif
