#include <stdio.h>

#include "export/worker/export_settings.h"
#include "export/worker/export_worker.h"

static const struct metric_row rows[EXPORT_METRICS] = {
    [METRIC_RECORDS] = {METRIC_COUNTER, "spanmill_export_records_total", "Result records read."},
    [METRIC_INTERVALS] = {METRIC_COUNTER, "spanmill_export_intervals_total",
                          "Intervals accepted by all outputs."},
    [METRIC_DROPPED] = {METRIC_COUNTER, "spanmill_export_notices_total",
                        "Duplicate intervals, incomplete intervals, and sessions over the series "
                        "limit.",
                        .label = "what", .words = "repeated torn over_limit"},
    [METRIC_SAMPLES] = {METRIC_COUNTER, "spanmill_export_samples_total",
                        "Samples, spans, or rows accepted by the receiver.", .label = "output",
                        .words = OUTPUT_WORDS},
    [METRIC_REFUSED] = {METRIC_COUNTER, "spanmill_export_refused_samples_total",
                        "Samples, spans, or rows permanently refused by the receiver and dropped.",
                        .label = "output", .words = OUTPUT_WORDS},
    [METRIC_REFUSED_EXEMPLARS] =
        {METRIC_COUNTER, "spanmill_export_refused_exemplars_total",
         "Exemplars that the receiver reports as dropped from accepted samples.", .label = "output",
         .words = OUTPUT_WORDS},
    [METRIC_OUTDATED] = {METRIC_COUNTER, "spanmill_export_outdated_total",
                         "Instances whose times changed after they were sent.", .label = "output",
                         .words = OUTPUT_WORDS},
    [METRIC_REQUESTS] = {METRIC_COUNTER, "spanmill_export_requests_total",
                         "Requests, including failed ones.", .label = "output",
                         .words = OUTPUT_WORDS},
    [METRIC_SENT_BYTES] = {METRIC_COUNTER, "spanmill_export_sent_bytes_total", "Bytes of requests.",
                           .label = "output", .words = OUTPUT_WORDS},
    [METRIC_RETRIES] = {METRIC_COUNTER, "spanmill_export_retries_total",
                        "Times that sending was postponed.", .label = "output",
                        .words = OUTPUT_WORDS},
    [METRIC_DENIED] = {METRIC_COUNTER, "spanmill_export_denied_total",
                       "Responses that need an operator: permission denied, wrong address.",
                       .label = "output", .words = OUTPUT_WORDS},
    [METRIC_SEND_TIME] = {METRIC_HISTOGRAM, "spanmill_export_send_seconds",
                          "Time to send an accepted interval.", .unit = METRIC_MS,
                          .label = "output", .words = OUTPUT_WORDS, .least = 1, .most = 1 << 15},
    [METRIC_OVER_LIMIT] = {METRIC_COUNTER, "spanmill_export_over_limit_total",
                           "Values added to `other` because of the series limit."},
    [METRIC_OPENED] = {METRIC_COUNTER, "spanmill_export_opened_series_total",
                       "New series and series without a sample in the previous interval; a start "
                       "sample is sent for them."},
    [METRIC_SESSIONS] = {METRIC_GAUGE, "spanmill_export_sessions", "Sessions with sums in memory."},
    [METRIC_SERIES] = {METRIC_GAUGE, "spanmill_export_series", "Series of these sessions."},
    [METRIC_BLOCKED] = {METRIC_GAUGE, "spanmill_export_blocked_seconds",
                        "How long a receiver has not accepted the current interval.",
                        .unit = METRIC_SINCE_MS},
    [METRIC_TRANSACTION_TIME] = {METRIC_HISTOGRAM, "spanmill_export_transaction_seconds",
                                 "Duration of committed transactions.", .unit = METRIC_MS,
                                 .least = 1, .most = 1 << 14},
    [METRIC_TRANSACTIONS_ABORTED] = {METRIC_COUNTER, "spanmill_export_transactions_aborted_total",
                                     "Transactions aborted."},
    [METRIC_REBALANCES] = {METRIC_COUNTER, "spanmill_export_assigned_partitions_total",
                           "Partitions assigned to this process by rebalances."},
    [METRIC_PARTITIONS] = {METRIC_GAUGE, "spanmill_export_partitions", "Partitions assigned now."},
    [METRIC_LAG] = {METRIC_GAUGE, "spanmill_export_lag_records", "Result records not yet read."},
    [METRIC_BEHIND] = {METRIC_GAUGE, "spanmill_export_behind_seconds",
                       "Age of the last record read; 0 at the end of the topic.",
                       .unit = METRIC_SINCE_MS},
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
