#include <stdio.h>

#include "export/worker/export_settings.h"
#include "export/worker/export_worker.h"

static const struct metric_row rows[EXPORT_METRICS] = {
    [METRIC_RECORDS] = {METRIC_COUNTER, "spanmill_export_records_total",
                        "Records of results that were read."},
    [METRIC_INTERVALS] = {METRIC_COUNTER, "spanmill_export_intervals_total",
                          "Intervals that all outputs have taken."},
    [METRIC_DROPPED] = {METRIC_COUNTER, "spanmill_export_notices_total",
                        "Intervals that were there before, intervals that are not whole, sessions "
                        "with too many series.",
                        .label = "what", .words = "repeated torn over_limit"},
    [METRIC_SAMPLES] = {METRIC_COUNTER, "spanmill_export_samples_total",
                        "Samples, spans or rows that the receiver has taken.", .label = "output",
                        .words = OUTPUT_WORDS},
    [METRIC_REFUSED] = {METRIC_COUNTER, "spanmill_export_refused_samples_total",
                        "Samples, spans or rows that the receiver refused for good: they are "
                        "dropped.",
                        .label = "output", .words = OUTPUT_WORDS},
    [METRIC_REFUSED_EXEMPLARS] = {METRIC_COUNTER, "spanmill_export_refused_exemplars_total",
                                  "Exemplars that the receiver has left out of samples that it "
                                  "took, as far as it says so.",
                                  .label = "output", .words = OUTPUT_WORDS},
    [METRIC_OUTDATED] = {METRIC_COUNTER, "spanmill_export_outdated_total",
                         "Times of instances that turned out to be otherwise after they were sent.",
                         .label = "output", .words = OUTPUT_WORDS},
    [METRIC_REQUESTS] = {METRIC_COUNTER, "spanmill_export_requests_total",
                         "Requests, those that failed among them.", .label = "output",
                         .words = OUTPUT_WORDS},
    [METRIC_SENT_BYTES] = {METRIC_COUNTER, "spanmill_export_sent_bytes_total", "Bytes of requests.",
                           .label = "output", .words = OUTPUT_WORDS},
    [METRIC_RETRIES] = {METRIC_COUNTER, "spanmill_export_retries_total",
                        "Times that sending was put off.", .label = "output",
                        .words = OUTPUT_WORDS},
    [METRIC_DENIED] = {METRIC_COUNTER, "spanmill_export_denied_total",
                       "Answers that somebody has to look at: not allowed, no such address.",
                       .label = "output", .words = OUTPUT_WORDS},
    [METRIC_SEND_TIME] = {METRIC_HISTOGRAM, "spanmill_export_send_seconds",
                          "Time to send an interval that was taken.", .unit = METRIC_MS,
                          .label = "output", .words = OUTPUT_WORDS, .least = 1, .most = 1 << 15},
    [METRIC_OVER_LIMIT] = {METRIC_COUNTER, "spanmill_export_over_limit_total",
                           "Numbers that were put together under `other`."},
    [METRIC_OPENED] = {METRIC_COUNTER, "spanmill_export_opened_series_total",
                       "Series that were new, or silent in the interval before: what they were at "
                       "the begin was sent as well."},
    [METRIC_SESSIONS] = {METRIC_GAUGE, "spanmill_export_sessions", "Sessions with sums."},
    [METRIC_SERIES] = {METRIC_GAUGE, "spanmill_export_series", "Series of these."},
    [METRIC_BLOCKED] = {METRIC_GAUGE, "spanmill_export_blocked_seconds",
                        "How long a receiver has not taken what is in hand.",
                        .unit = METRIC_SINCE_MS},
    [METRIC_TRANSACTION_TIME] = {METRIC_HISTOGRAM, "spanmill_export_transaction_seconds",
                                 "Time of transactions that were committed.", .unit = METRIC_MS,
                                 .least = 1, .most = 1 << 14},
    [METRIC_TRANSACTIONS_ABORTED] = {METRIC_COUNTER, "spanmill_export_transactions_aborted_total",
                                     "Transactions that were aborted."},
    [METRIC_REBALANCES] = {METRIC_COUNTER, "spanmill_export_assigned_partitions_total",
                           "Partitions that were given to this process."},
    [METRIC_PARTITIONS] = {METRIC_GAUGE, "spanmill_export_partitions",
                           "Partitions that this process has."},
    [METRIC_LAG] = {METRIC_GAUGE, "spanmill_export_lag_records",
                    "Records of results that are not read yet."},
    [METRIC_BEHIND] = {METRIC_GAUGE, "spanmill_export_behind_seconds",
                       "Age of the last record read, 0 at the end.", .unit = METRIC_SINCE_MS},
    [METRIC_RESTORE_TIME] = {METRIC_HISTOGRAM, "spanmill_export_restore_seconds",
                             "Time to restore a partition.", .unit = METRIC_MS, .least = 1,
                             .most = 1 << 18},
};

int main(int argc, char **argv)
{
    struct export_settings settings;
    export_settings_init(&settings);
    struct config *config;
    enum config_outcome outcome =
        config_load(&settings.program, argc, argv, stdout, stderr, &config);
    if (outcome != CONFIG_RUN)
        return (int)outcome;
    struct failure why;
    struct service *service = NULL;
    enum status status = service_open(config, rows, EXPORT_METRICS, &service, &why);
    if (status == STATUS_OK)
        status = export_run(service, &why);
    if (status != STATUS_OK)
        service_say_end(service, config, &why);
    service_close(service);
    config_free(config);
    return service_exit_code(status);
}
