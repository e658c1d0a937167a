/* reducer/worker/reducer_worker.h -- the state of a reducer; shared by the files of this folder. */
#ifndef REDUCER_WORKER_REDUCER_WORKER_H
#define REDUCER_WORKER_REDUCER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/admin.h"
#include "member/member.h"
#include "reducer/partition.h"
#include "service/backoff.h"

enum reducer_metric {
    METRIC_RECORDS = MEMBER_METRICS,
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
    METRIC_WAITING,
    METRIC_WAITING_BYTES,
    METRIC_SPILLED_BYTES,
    REDUCER_METRICS
};

enum { QUEUE_RESULTS = MEMBER_STATE + 1, QUEUE_GAPS };

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
    struct member_part base;
    struct partition *partition;
    struct partition_counts reported; /* already in the metrics */
    struct hole_watch *holes;
    size_t hole_count, hole_room;
};

struct worker {
    struct member member;
    struct bus_admin *admin;
    uint64_t gap_after_ms, expire_after_ms, forget_after_ms;
    uint64_t watched_ms; /* when holes and silences were last checked */
    int32_t chunk_partitions;
    bool progress_unknown;  /* the progress of mappers is unknown: no gap is written */
    size_t unfit;           /* partitions without a state partition: not processed */
    uint64_t fit_ms;        /* when to check this again */
    struct backoff fitting; /* between checks */
};

static inline struct part *part_at(const struct member *member, size_t i)
{
    return (struct part *)member->parts[i];
}

/* --- reducer_part.c --- */

struct member_part *reducer_part_new(struct member *member);
void reducer_part_free(struct member_part *part);

/* --- watch_holes.c --- */

/* Finds chunks that do not arrive and silent sessions, and writes a record to the log for each, so
 * that a replay makes the same decision. */
void worker_watch(struct worker *worker, uint64_t passed_ms);
void hole_watch_clear(struct hole_watch *hole);

/* --- reducer_worker.c --- */

/* Runs until asked to stop. OK; REJECT: a setting is invalid; STOP. */
MUST_CHECK enum status worker_run(struct service *service, struct failure *why);

#endif
