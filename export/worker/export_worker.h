/* export/worker/export_worker.h -- what an exporting thread holds; shared by the files of this folder. */
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
    METRIC_DROPPED, /* by enum exporter_event, the last of which drops nothing */
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

/* A partition that is ours. */
struct export_part {
    int32_t number;
    struct exporter *exporter;
    struct outbox state;
    struct outbox put[OUTPUT_TOPICS]; /* by outputs whose receivers read topics; to be committed */
    int64_t next;                     /* behind the last record taken */
    int64_t sent;                     /* the offset that was committed last */
    int64_t time_ms;                  /* of the last record taken */
    bool at_end;
    uint64_t over_told; /* in the metrics */
};

/* An output that is on. */
struct export_output {
    const struct output_kind *kind;
    size_t word; /* in metrics */
    void *self;
    bool done; /* it has the interval in hand */
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
    size_t told_parts;
    struct export_output outputs[OUTPUT_KINDS];
    size_t output_count;
    const char *topics[OUTPUT_TOPICS]; /* that outputs put to; NULL: none does */
    /* The interval in hand, that not all outputs have taken; of a partition that is ours. */
    bool in_hand;
    struct export_interval interval;
    struct export_part *part;          /* whose interval that is */
    uint64_t try_ms, blocked_since_ms; /* the next try; when the first one failed, 0: none has */
    struct backoff trying;
    bool paused;
    uint64_t flush_ms, forget_after_ms, dirty_since_ms, forgot_ms;
    bool broken; /* a partition could not be restored: leave */
};

/* --- restore_export.c --- */

/* Makes the partition from what is kept of it; *offset is where to read from. RETRY: no answer from
 * the broker, or asked to stop. REJECT, STOP: it cannot be made. */
MUST_CHECK enum status export_part_restore(struct export_worker *worker, int32_t number,
                                           struct export_part **out, int64_t *offset,
                                           struct failure *why);
void export_part_free(struct export_part *part); /* NULL is fine */

/* --- send_interval.c --- */

/* Tries the outputs that have not taken what is in hand, if it is time to. */
void export_send(struct export_worker *worker);
bool export_is_over(void *context); /* of a worker: leave now */

/* --- export_worker.c --- */

int64_t export_now_ms(void); /* since the Unix epoch */
/* Works until asked to stop. OK, REJECT: a setting; or STOP. */
MUST_CHECK enum status export_run(struct service *service, struct failure *why);

#endif
