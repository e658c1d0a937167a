#include <stdio.h>

#include "mapper/worker/mapper_settings.h"
#include "mapper/worker/mapper_worker.h"
#include "service/crew.h"

static const struct metric_row rows[MAPPER_METRICS] = {
    [METRIC_CHUNKS] = {METRIC_COUNTER, "spanmill_mapper_chunks_total",
                       "Chunks processed, by outcome.", .label = "outcome", .words = OUTCOME_WORDS},
    [METRIC_EVENTS] = {METRIC_COUNTER, "spanmill_mapper_events_total", "Events mapped."},
    [METRIC_TALLIES] = {METRIC_COUNTER, "spanmill_mapper_tallies_total",
                        "Lost and skipped data of the chunks mapped.", .label = "tally",
                        .words = TALLY_WORDS},
    [METRIC_PHASE_FAULTS] =
        {METRIC_COUNTER, "spanmill_mapper_phase_faults_total",
         "Begin and end conditions of phase definitions that no event of a chunk "
         "can match, summed over the chunks mapped."},
    [METRIC_RAW_BYTES] = {METRIC_COUNTER, "spanmill_mapper_trace_bytes_total",
                          "Bytes of the streams mapped."},
    [METRIC_ARCHIVE_BYTES] = {METRIC_COUNTER, "spanmill_mapper_archive_bytes_total",
                              "Bytes of the archives fetched."},
    [METRIC_PARTIAL_BYTES] = {METRIC_COUNTER, "spanmill_mapper_partial_bytes_total",
                              "Bytes of the partials sent."},
    [METRIC_RECORDS] = {METRIC_COUNTER, "spanmill_mapper_partial_records_total",
                        "Partial records sent."},
    [METRIC_FETCH_TIME] = {METRIC_HISTOGRAM, "spanmill_mapper_fetch_seconds",
                           "Time to fetch an archive.", .unit = METRIC_MS, .least = 1,
                           .most = 1 << 16},
    [METRIC_MAP_TIME] = {METRIC_HISTOGRAM, "spanmill_mapper_map_seconds", "Time to map a chunk.",
                         .unit = METRIC_MS, .least = 1, .most = 1 << 16},
    [METRIC_TRANSACTION_TIME] = {METRIC_HISTOGRAM, "spanmill_mapper_transaction_seconds",
                                 "Duration of committed transactions.", .unit = METRIC_MS,
                                 .least = 1, .most = 1 << 14},
    [METRIC_TRANSACTIONS_ABORTED] = {METRIC_COUNTER, "spanmill_mapper_transactions_aborted_total",
                                     "Transactions aborted."},
    [METRIC_REBALANCES] = {METRIC_COUNTER, "spanmill_mapper_assigned_partitions_total",
                           "Partitions assigned to this process by rebalances."},
    [METRIC_PARTITIONS] = {METRIC_GAUGE, "spanmill_mapper_partitions",
                           "Partitions assigned to a thread.", .per_thread = true},
    [METRIC_LAG] = {METRIC_GAUGE, "spanmill_mapper_lag_records",
                    "Chunks not yet mapped in the partitions of a thread.", .per_thread = true},
    [METRIC_BEHIND] = {METRIC_GAUGE, "spanmill_mapper_behind_seconds",
                       "Age of the chunk being mapped; 0 if idle.", .unit = METRIC_SINCE_MS,
                       .per_thread = true},
};

struct task {
    struct service *service;
    const struct phase_definitions *phases;
    struct crew_lock *readers; /* one thread at a time uses the metadata cache */
};

static enum status run(void *context, unsigned thread, struct failure *why)
{
    const struct task *task = context;
    struct map_guard guard = {crew_lock_take, crew_lock_give, task->readers};
    return worker_run(task->service, task->phases, &guard, thread, why);
}

/* Adds the definitions in the settings to `phases`. REJECT: one is invalid. */
static enum status read_phases(const struct config *config, struct phase_definitions *phases,
                               struct failure *why)
{
    static const char *const files[] = {"definitions", "phases"};
    const char *const *texts;
    size_t count;
    enum status status = STATUS_OK;
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        count = config_list(config, files[k], &texts);
        for (size_t i = 0; i < count && status == STATUS_OK; i++)
            status = phases_add_file(phases, texts[i], why);
    }
    count = config_list(config, "phase", &texts);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = phases_add_period(phases, text_of(texts[i]), why);
    return status;
}

int main(int argc, char **argv)
{
    struct config *config;
    enum config_outcome outcome = config_load(&mapper_program, argc, argv, stdout, stderr, &config);
    if (outcome != CONFIG_RUN)
        return (int)outcome;
    struct failure why;
    struct service *service = NULL;
    struct phase_definitions phases;
    phases_init(&phases);
    enum status status = read_phases(config, &phases, &why);
    if (status == STATUS_OK)
        status = service_open(config, rows, MAPPER_METRICS, &service, &why);
    struct task task = {service, phases_are_none(&phases) ? NULL : &phases, crew_lock_new()};
    if (status == STATUS_OK)
        status = crew_run((unsigned)config_integer(config, "threads"), run, &task, &why);
    if (status != STATUS_OK)
        service_say_end(service, config, &why);
    crew_lock_free(task.readers);
    service_close(service);
    phases_clear(&phases);
    config_free(config);
    return service_exit_code(status);
}
