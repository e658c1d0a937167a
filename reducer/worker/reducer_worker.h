/* reducer/worker/reducer_worker.h -- what one reducing thread holds; shared by the files of this folder. */
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
    uint64_t idle_ms;     /* so long has nothing been on its way */
    int64_t *chunks_ends; /* of the topic of chunks, when it was first seen */
    bool written;         /* the gap is in the log, or on its way there */
    bool seen;            /* in this round */
};

/* A partition that is ours. */
struct part {
    int32_t number;
    struct partition *partition;
    struct partition_counts told; /* in the metrics already */
    struct outbox results, state, gaps;
    int64_t next;    /* behind the last record taken */
    int64_t sent;    /* the offset that was committed last */
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
    struct bus_reader *reader; /* of the state, and of other topics' ends */
    struct bus_admin *admin;
    struct part **parts;
    size_t part_count, part_room;
    size_t told_parts; /* in the metrics */
    uint64_t flush_ms, gap_after_ms, expire_after_ms, forget_after_ms;
    uint64_t dirty_since_ms; /* 0: nothing waits for a transaction */
    uint64_t watched_ms;     /* when holes and silences were looked for */
    int32_t chunk_partitions;
    bool blind;             /* whether mappers are done cannot be asked: no gap is written */
    bool broken;            /* a partition could not be restored: leave */
    size_t unfit;           /* partitions without a partition of state: left alone */
    uint64_t fit_ms;        /* when that is looked at again */
    struct backoff fitting; /* from look to look */
};

/* --- restore.c --- */

/* Makes the partition from what the state topic has of it; *offset is where to read from. RETRY:
 * no answer from the broker, or asked to stop. REJECT, STOP: it cannot be made. */
MUST_CHECK enum status restore_part(struct worker *worker, int32_t number, struct part **out,
                                    int64_t *offset, struct failure *why);
void part_free(struct part *part); /* NULL is fine */

/* --- transact.c --- */

/* Whether something waits for a transaction. */
bool worker_is_dirty(const struct worker *worker);
/* Sends results, state and offsets of all partitions. OK also where the transaction was aborted:
 * what it had waits for the next. STOP: leave. */
MUST_CHECK enum status worker_transact(struct worker *worker, struct failure *why);
struct bus_patience worker_patience(struct worker *worker);

/* --- watch.c --- */

/* Looks for chunks that do not come and sessions that are silent, and writes to the log what a
 * replay has to find there. */
void worker_watch(struct worker *worker, uint64_t passed_ms);
void hole_watch_clear(struct hole_watch *hole);
int64_t now_unix_ms(void);

/* --- worker.c --- */

/* Works until asked to stop. OK, or STOP. */
MUST_CHECK enum status worker_run(struct service *service, unsigned thread, struct failure *why);

#endif
