/* export/worker/export_worker.h -- the state of an exporting thread; private to this folder. */
#ifndef EXPORT_WORKER_EXPORT_WORKER_H
#define EXPORT_WORKER_EXPORT_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bus_reader.h"
#include "bus/consumer.h"
#include "bus/producer.h"
#include "export/exporter.h"
#include "export/output/output.h"
#include "service/backoff.h"
#include "service/service.h"
#include "wire/outbox.h"

enum export_metric {
    METRIC_RECORDS,
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
    METRIC_TRANSACTION_TIME,
    METRIC_TRANSACTIONS_ABORTED,
    METRIC_REBALANCES,
    METRIC_PARTITIONS,
    METRIC_LAG,
    METRIC_BEHIND,
    METRIC_RESTORE_TIME,
    EXPORT_METRICS
};

/* An assigned partition. */
struct export_part {
    int32_t number;
    struct exporter *exporter;
    struct outbox state;
    struct outbox put[OUTPUT_TOPICS]; /* by outputs that write to topics; to be committed */
    int64_t next;                     /* after the last record taken */
    int64_t sent;                     /* the last committed offset */
    int64_t time_ms;                  /* of the last record taken */
    bool at_end;
    uint64_t over_reported; /* in the metrics */
};

/* An enabled output. */
struct export_output {
    const struct output_kind *kind;
    size_t word; /* in metrics */
    void *self;
    bool done; /* it has accepted the current interval */
};

struct export_worker {
    struct service *service;
    const struct bus_settings *bus;
    const char *group;
    struct bus_consumer *consumer;
    struct bus_producer *producer;
    struct bus_reader *reader;
    struct export_part **parts;
    size_t part_count, part_room;
    size_t parts_before;
    struct export_output outputs[OUTPUT_KINDS];
    size_t output_count;
    const char *topics[OUTPUT_TOPICS]; /* that outputs write to; NULL: not used */
    /* The current interval: not all outputs have accepted it. */
    bool is_working;
    struct export_interval interval;
    struct export_part *part;          /* its partition */
    uint64_t try_ms, blocked_since_ms; /* the next try; when the first one failed, 0: none did */
    struct backoff trying;
    bool paused;
    uint64_t flush_ms, forget_after_ms, dirty_since_ms, forgot_ms;
    bool broken; /* a partition could not be restored: exit */
};

/* --- restore_export.c --- */

/* Restores the partition from its saved state; *offset is where to read from. RETRY: the broker
 * does not respond, or the service is stopping. REJECT, STOP: it cannot be restored. */
MUST_CHECK enum status export_part_restore(struct export_worker *worker, int32_t number,
                                           struct export_part **out, int64_t *offset,
                                           struct failure *why);
void export_part_free(struct export_part *part); /* NULL is fine */

/* --- send_interval.c --- */

/* Tries the outputs that have not accepted the current interval, if the next try is due. */
void export_send(struct export_worker *worker);
bool export_is_over(void *context); /* a worker; true: exit now */

/* --- export_worker.c --- */

/* Runs until the service stops. OK; REJECT: a setting is invalid; STOP. */
MUST_CHECK enum status export_run(struct service *service, struct failure *why);

#endif
