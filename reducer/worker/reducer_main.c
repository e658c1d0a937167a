#include <stdio.h>

#include "reducer/worker/reducer_settings.h"
#include "reducer/worker/reducer_worker.h"

static const struct metric_row rows[REDUCER_METRICS] = {
    [METRIC_RECORDS] = {METRIC_COUNTER, "spanmill_reducer_records_total", "Partial records read."},
    [METRIC_CHUNKS] = {METRIC_COUNTER, "spanmill_reducer_chunks_total", "Chunks joined."},
    [METRIC_EVENTS] = {METRIC_COUNTER, "spanmill_reducer_events_total",
                       "Events of the chunks joined."},
    [METRIC_TALLIES] = {METRIC_COUNTER, "spanmill_reducer_tallies_total",
                        "Lost and skipped data of the chunks joined.", .label = "tally",
                        .words = TALLY_WORDS},
    [METRIC_GAPS] = {METRIC_COUNTER, "spanmill_reducer_gaps_total", "Chunks given up as missing."},
    [METRIC_MISMATCHES] = {METRIC_COUNTER, "spanmill_reducer_border_mismatches_total",
                           "Chunks that do not begin where the previous chunk ended."},
    [METRIC_REPEATED] = {METRIC_COUNTER, "spanmill_reducer_repeated_records_total",
                         "Duplicate chunk records."},
    [METRIC_REFUSED] = {METRIC_COUNTER, "spanmill_reducer_refused_total",
                        "Records and chunks that the reducer refused to join."},
    [METRIC_SESSIONS_ENDED] = {METRIC_COUNTER, "spanmill_reducer_sessions_ended_total",
                               "Sessions ended."},
    [METRIC_RESULTS] = {METRIC_COUNTER, "spanmill_reducer_result_records_total",
                        "Result records committed."},
    [METRIC_STATES] = {METRIC_COUNTER, "spanmill_reducer_state_records_total",
                       "State records committed."},
    [METRIC_TRANSACTION_TIME] = {METRIC_HISTOGRAM, "spanmill_reducer_transaction_seconds",
                                 "Duration of committed transactions.", .unit = METRIC_MS,
                                 .least = 1, .most = 1 << 14},
    [METRIC_TRANSACTIONS_ABORTED] = {METRIC_COUNTER, "spanmill_reducer_transactions_aborted_total",
                                     "Transactions aborted."},
    [METRIC_REBALANCES] = {METRIC_COUNTER, "spanmill_reducer_assigned_partitions_total",
                           "Partitions assigned to this process by rebalances."},
    [METRIC_PARTITIONS] = {METRIC_GAUGE, "spanmill_reducer_partitions", "Partitions assigned now."},
    [METRIC_WAITING] = {METRIC_GAUGE, "spanmill_reducer_waiting_chunks",
                        "Chunks waiting for records or for an earlier chunk."},
    [METRIC_WAITING_BYTES] = {METRIC_GAUGE, "spanmill_reducer_waiting_bytes",
                              "Memory of waiting chunks."},
    [METRIC_SPILLED_BYTES] = {METRIC_GAUGE, "spanmill_reducer_spilled_bytes",
                              "Bytes of waiting chunks spilled to files."},
    [METRIC_LAG] = {METRIC_GAUGE, "spanmill_reducer_lag_records", "Partial records not yet read."},
    [METRIC_BEHIND] = {METRIC_GAUGE, "spanmill_reducer_behind_seconds",
                       "Age of the last record read; 0 at the end of the topic.",
                       .unit = METRIC_SINCE_MS},
    [METRIC_RESTORE_TIME] = {METRIC_HISTOGRAM, "spanmill_reducer_restore_seconds",
                             "Time to restore a partition.", .unit = METRIC_MS, .least = 1,
                             .most = 1 << 18},
};

int main(int argc, char **argv)
{
    struct config *config;
    enum config_outcome outcome =
        config_load(&reducer_program, argc, argv, stdout, stderr, &config);
    if (outcome != CONFIG_RUN)
        return (int)outcome;
    struct failure why;
    struct service *service = NULL;
    enum status status = service_open(config, rows, REDUCER_METRICS, &service, &why);
    if (status == STATUS_OK)
        status = worker_run(service, &why);
    if (status != STATUS_OK)
        service_say_end(service, config, &why);
    service_close(service);
    config_free(config);
    return service_exit_code(status);
}
