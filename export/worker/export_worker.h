/* export/worker/export_worker.h -- the state of an exporting thread; private to this folder. */
#ifndef EXPORT_WORKER_EXPORT_WORKER_H
#define EXPORT_WORKER_EXPORT_WORKER_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "export/exporter.h"
#include "export/output/output.h"
#include "member/member.h"
#include "service/backoff.h"

enum export_metric {
    METRIC_RECORDS = MEMBER_METRICS,
    METRIC_INTERVALS,
    METRIC_DROPPED, /* by enum exporter_event, except the last, which drops nothing */
    METRIC_SAMPLES, /* by output, as are those below */
    METRIC_REFUSED,
    METRIC_REFUSED_EXEMPLARS,
    METRIC_OUTDATED,
    METRIC_REQUESTS,
    METRIC_SENT_BYTES,
    METRIC_RETRIES,
    METRIC_DENIED,
    METRIC_SEND_TIME,
    METRIC_OVER_LIMIT,
    METRIC_OPENED,
    METRIC_SESSIONS,
    METRIC_SERIES,
    METRIC_BLOCKED,
    EXPORT_METRICS
};

/* The first queue of outputs that write to topics, by enum output_topic. */
enum { QUEUE_PUT = MEMBER_STATE + 1 };
static_assert(QUEUE_PUT + OUTPUT_TOPICS <= MEMBER_QUEUES, "each topic has a queue");

/* An assigned partition. */
struct export_part {
    struct member_part base;
    struct exporter *exporter;
    uint64_t over_reported; /* in the metrics */
};

/* An enabled output. */
struct export_output {
    const struct output_kind *kind;
    size_t word; /* in metrics */
    void *self;
    bool done; /* it has accepted the current interval */
};

/* Busy while not all outputs have accepted the current interval. */
struct export_worker {
    struct member member;
    struct export_output outputs[OUTPUT_KINDS];
    size_t output_count;
    struct export_interval interval;   /* the current one */
    struct member_part *part;          /* its partition */
    uint64_t try_ms, blocked_since_ms; /* the next try; when the first one failed, 0: none did */
    struct backoff trying;
    bool paused;
    uint64_t forget_after_ms, forgot_ms;
};

/* --- export_part.c --- */

struct member_part *export_part_new(struct member *member);
void export_part_free(struct member_part *part);

/* --- send_interval.c --- */

/* Tries the outputs that have not accepted the current interval, if the next try is due. */
void export_send(struct export_worker *worker);

/* --- export_worker.c --- */

/* Runs until the service stops. OK; REJECT: a setting is invalid; STOP. */
MUST_CHECK enum status export_run(struct service *service, struct failure *why);

#endif
