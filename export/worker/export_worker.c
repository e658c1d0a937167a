#include "export/worker/export_worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "wire/key.h"

/* Limits of the main loop; POLL_MS: waiting for a record. */
enum { POLL_MS = 50, FORGET_EVERY_MS = 60000, TRY_LEAST_MS = 100, TRY_MOST_MS = 10000 };

/* Since the Unix epoch. */
static int64_t export_now_ms(void)
{
    return (int64_t)clock_ms(CLOCK_REALTIME);
}

/* --- rebalances --- */

static void take_from_hand(struct export_worker *worker)
{
    worker->is_working = false;
    for (size_t i = 0; i < worker->output_count; i++)
        worker->outputs[i].done = false;
}

static void drop_parts(struct export_worker *worker)
{
    for (size_t i = 0; i < worker->part_count; i++)
        export_part_free(worker->parts[i]);
    worker->part_count = 0;
    worker->dirty_since_ms = worker->blocked_since_ms = 0;
    take_from_hand(worker);
}

static int64_t on_assigned(void *context, int32_t number)
{
    struct export_worker *worker = context;
    struct export_part *part;
    int64_t offset = BUS_OFFSET_NONE;
    struct failure why;
    health_ready(service_health(worker->service), false, "restoring sums");
    crash_point("export-restoring");
    enum status status = export_part_restore(worker, number, &part, &offset, &why);
    if (status != STATUS_OK) {
        worker->broken = true;
        log_say(service_log(worker->service), status == STATUS_RETRY ? LOG_WARNING : LOG_ERROR,
                "partition not restored", log_integer("partition", number),
                log_text("why", why.text));
        return BUS_OFFSET_NONE;
    }
    worker->parts = memory_grow(worker->parts, &worker->part_room, worker->part_count + 1,
                                sizeof *worker->parts);
    worker->parts[worker->part_count++] = part;
    metrics_add(service_metrics(worker->service), METRIC_REBALANCES, 0, 1);
    return offset;
}

/* The next owner of the partition repeats what was not committed. */
static void on_revoked(void *context, bool lost)
{
    struct export_worker *worker = context;
    log_say(service_log(worker->service), LOG_INFO, "partitions revoked",
            log_integer("partitions", (int64_t)worker->part_count), log_integer("lost", lost));
    drop_parts(worker);
}

static void say(void *context, const char *sentence)
{
    const struct export_worker *worker = context;
    log_say(service_log(worker->service), LOG_WARNING, "kafka", log_text("what", sentence));
}

/* --- transactions --- */

static bool is_dirty(const struct export_part *part)
{
    return part->state.count > 0 || exporter_oldest(part->exporter, part->next) != part->sent;
}

static bool any_dirty(const struct export_worker *worker)
{
    for (size_t i = 0; i < worker->part_count; i++)
        if (is_dirty(worker->parts[i]))
            return true;
    return false;
}

static size_t add_records(const struct export_worker *worker, struct bus_record *records,
                          const struct export_part *part)
{
    size_t used = 0;
    for (size_t topic = 0; topic < OUTPUT_TOPICS; topic++)
        for (size_t i = 0; i < part->put[topic].count; i++)
            records[used++] = (struct bus_record){.foreign = worker->topics[topic],
                                                  .key = part->put[topic].records[i].key,
                                                  .value = part->put[topic].records[i].value};
    for (size_t i = 0; i < part->state.count; i++, used++) {
        const struct outbox_record *from = &part->state.records[i];
        static const uint8_t empty;
        records[used] = (struct bus_record){.topic = BUS_EXPORT,
                                            .partition = part->number,
                                            .route = from->key,
                                            .key = from->key,
                                            .value = from->value};
        if (!from->tombstone && !from->value.at)
            records[used].value.at = &empty;
    }
    return used;
}

static enum status transact(struct export_worker *worker, const struct bus_record *records,
                            size_t count, const struct bus_offset *offsets, struct failure *why)
{
    struct metrics *metrics = service_metrics(worker->service);
    struct bus_patience patience = {export_is_over, worker};
    uint64_t begin_ms = service_now_ms();
    enum status status = bus_transact(worker->producer, records, count, worker->consumer, offsets,
                                      worker->part_count, &patience, why);
    if (status == STATUS_OK) {
        metrics_observe(metrics, METRIC_TRANSACTION_TIME, 0, service_now_ms() - begin_ms);
        for (size_t i = 0; i < worker->part_count; i++) {
            outbox_reset(&worker->parts[i]->state);
            for (size_t topic = 0; topic < OUTPUT_TOPICS; topic++)
                outbox_reset(&worker->parts[i]->put[topic]);
            worker->parts[i]->sent = offsets[i].offset;
        }
        worker->dirty_since_ms = 0;
        crash_point("export-committed");
        return STATUS_OK;
    }
    if (status != STATUS_RETRY)
        return STATUS_STOP;
    /* Its records are kept and go with the next transaction, unless the partitions are revoked. */
    metrics_add(metrics, METRIC_TRANSACTIONS_ABORTED, 0, 1);
    log_say(service_log(worker->service), LOG_WARNING, "transaction aborted",
            log_text("why", why->text));
    worker->dirty_since_ms = service_now_ms();
    return STATUS_RETRY;
}

/* Commits sums and offsets of all partitions. RETRY: not now. */
static enum status commit(struct export_worker *worker, struct failure *why)
{
    size_t count = 0;
    for (size_t i = 0; i < worker->part_count; i++) {
        exporter_save(worker->parts[i]->exporter);
        count += worker->parts[i]->state.count;
        for (size_t topic = 0; topic < OUTPUT_TOPICS; topic++)
            count += worker->parts[i]->put[topic].count;
    }
    struct bus_record *records = memory_new((count + 1) * sizeof *records);
    struct bus_offset *offsets = memory_new((worker->part_count + 1) * sizeof *offsets);
    size_t used = 0;
    for (size_t i = 0; i < worker->part_count; i++) {
        const struct export_part *part = worker->parts[i];
        used += add_records(worker, &records[used], part);
        offsets[i] =
            (struct bus_offset){part->number, exporter_oldest(part->exporter, part->next), NULL};
    }
    enum status status = transact(worker, records, used, offsets, why);
    free(records);
    free(offsets);
    return status;
}

static bool is_due(struct export_worker *worker)
{
    if (worker->is_working || !any_dirty(worker))
        return false;
    if (worker->dirty_since_ms == 0)
        worker->dirty_since_ms = service_now_ms();
    return service_now_ms() - worker->dirty_since_ms >= worker->flush_ms;
}

/* --- records --- */

static struct export_part *part_of(const struct export_worker *worker, int32_t number)
{
    for (size_t i = 0; i < worker->part_count; i++)
        if (worker->parts[i]->number == number)
            return worker->parts[i];
    return NULL;
}

/* Seeks back, to read it again later. */
static enum status put_back(struct export_worker *worker, const struct bus_message *message,
                            struct failure *why)
{
    enum status status =
        bus_consumer_seek(worker->consumer, message->partition, message->offset, why);
    return status == STATUS_OK ? STATUS_OK : STATUS_STOP;
}

/* Samples that were sent for a session must be committed before more of it is taken. */
static bool must_commit_first(const struct export_part *part, const struct bus_message *message)
{
    return part->state.count > 0 || exporter_is_unsaved(part->exporter, key_session(message->key));
}

static enum status take_record(struct export_worker *worker, struct export_part *part,
                               const struct bus_message *message, struct failure *why)
{
    enum status status = exporter_take(part->exporter, message->value, message->offset,
                                       message->time_ms, &worker->interval, why);
    part->next = message->offset + 1;
    part->time_ms = message->time_ms;
    metrics_add(service_metrics(worker->service), METRIC_RECORDS, 0, 1);
    if (status == STATUS_REJECT) {
        log_say(service_log(worker->service), LOG_WARNING, "record refused",
                log_integer("partition", message->partition),
                log_integer("offset", message->offset), log_text("why", why->text));
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        failure_prefix(why, "partition %d, offset %lld", (int)message->partition,
                       (long long)message->offset);
        return status;
    }
    if (worker->interval.record_count > 0) {
        take_from_hand(worker);
        worker->is_working = true;
        worker->part = part;
        worker->try_ms = 0;
    }
    return STATUS_OK;
}

static enum status take(struct export_worker *worker, const struct bus_message *message,
                        struct failure *why)
{
    struct export_part *part = part_of(worker, message->partition);
    if (!part)
        return STATUS_OK; /* fetched before the partition was revoked */
    part->at_end = message->end;
    if (message->end)
        return STATUS_OK;
    if (worker->is_working)
        return put_back(worker, message, why);
    if (must_commit_first(part, message)) {
        enum status status = commit(worker, why);
        if (status == STATUS_RETRY)
            return put_back(worker, message, why);
        if (status != STATUS_OK)
            return status;
    }
    return take_record(worker, part, message, why);
}

/* --- numbers --- */

static void update_metrics(struct export_worker *worker)
{
    struct metrics *metrics = service_metrics(worker->service);
    int64_t sessions = 0, series = 0, behind_ms = 0;
    for (size_t i = 0; i < worker->part_count; i++) {
        struct export_part *part = worker->parts[i];
        uint64_t over;
        sessions += (int64_t)exporter_sessions(part->exporter);
        series += (int64_t)exporter_series(part->exporter, &over);
        metrics_add(metrics, METRIC_OVER_LIMIT, 0, over - part->over_reported);
        part->over_reported = over;
        if (!part->at_end && part->time_ms > 0 && export_now_ms() - part->time_ms > behind_ms)
            behind_ms = export_now_ms() - part->time_ms;
    }
    metrics_set(metrics, METRIC_SESSIONS, 0, sessions);
    metrics_set(metrics, METRIC_SERIES, 0, series);
    metrics_set(metrics, METRIC_BEHIND, 0,
                behind_ms > 0 ? (int64_t)service_now_ms() - behind_ms : 0);
}

/* Called when the metrics are read. */
static void refresh(void *context)
{
    struct export_worker *worker = context;
    struct metrics *metrics = service_metrics(worker->service);
    size_t partitions;
    metrics_set(metrics, METRIC_LAG, 0,
                bus_consumer_unread(worker->consumer, service_brokers_answer(worker->service),
                                    &partitions));
    metrics_set(metrics, METRIC_PARTITIONS, 0, (int64_t)partitions);
}

/* --- the loop --- */

/* Pauses reading until all outputs have accepted the current interval. */
static void hold_back(struct export_worker *worker)
{
    metrics_set(service_metrics(worker->service), METRIC_BLOCKED, 0,
                (int64_t)worker->blocked_since_ms);
    if (worker->is_working == worker->paused)
        return;
    if (worker->is_working)
        bus_consumer_pause(worker->consumer);
    else
        bus_consumer_resume(worker->consumer);
    worker->paused = worker->is_working;
}

static void forget(struct export_worker *worker)
{
    if (service_now_ms() - worker->forgot_ms < FORGET_EVERY_MS || worker->is_working)
        return;
    worker->forgot_ms = service_now_ms();
    for (size_t i = 0; i < worker->part_count; i++)
        if (worker->parts[i]->at_end)
            exporter_forget(worker->parts[i]->exporter,
                            export_now_ms() - (int64_t)worker->forget_after_ms);
}

static enum status turn(struct export_worker *worker, struct failure *why)
{
    struct bus_message message;
    health_turn(service_health(worker->service));
    enum status status = bus_consumer_poll(worker->consumer, POLL_MS, &message, why);
    bool changed = status == STATUS_OK || worker->part_count != worker->parts_before;
    if (status == STATUS_OK)
        status = take(worker, &message, why);
    if (status == STATUS_END)
        status = STATUS_OK;
    if (worker->broken && !service_stopping(worker->service))
        return fail(why, STATUS_STOP, "a partition could not be restored");
    if (status != STATUS_OK)
        return status;
    export_send(worker);
    hold_back(worker);
    if (changed)
        update_metrics(worker);
    worker->parts_before = worker->part_count;
    health_ready(service_health(worker->service), worker->part_count > 0, "waiting for partitions");
    forget(worker);
    if (is_due(worker))
        status = commit(worker, why);
    return status == STATUS_RETRY ? STATUS_OK : status;
}

/* Without partitions, there is nothing to finish. */
static bool is_stopping(void *context)
{
    const struct export_worker *worker = context;
    health_turn(service_health(worker->service));
    return service_stopping(worker->service);
}

static enum status open_outputs(struct export_worker *worker, struct failure *why)
{
    const struct config *config = service_config(worker->service);
    for (size_t i = 0; i < OUTPUT_KINDS; i++) {
        const struct output_kind *kind = output_kinds[i];
        if (kind->is_wanted ? !kind->is_wanted(config) : !config_text(config, kind->option))
            continue;
        struct export_output *output = &worker->outputs[worker->output_count];
        *output = (struct export_output){.kind = kind, .word = i};
        enum status status = kind->open(config, &output->self, why);
        if (status != STATUS_OK)
            return status;
        worker->output_count++;
        for (size_t topic = 0; topic < OUTPUT_TOPICS && kind->put; topic++)
            worker->topics[topic] = kind->topic(output->self, (enum output_topic)topic);
    }
    return worker->output_count > 0
               ? STATUS_OK
               : fail(why, STATUS_REJECT,
                      "no receiver given: use --remote-write, --otlp, --otlp-kafka, or --postgres");
}

static enum status check_group(const char *group, struct failure *why)
{
    for (const char *at = group; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *at))
            return fail(why, STATUS_REJECT, "group: `%s` may contain only letters, digits, and ._-",
                        group);
    if (*group && strcmp(group, "mapper") != 0 && strcmp(group, "reducer") != 0)
        return STATUS_OK;
    return fail(why, STATUS_REJECT, "group: `%s` is not allowed as the name of an exporter group",
                group);
}

static enum status open_all(struct export_worker *worker, struct failure *why)
{
    const char *instance = service_instance(worker->service);
    char *id = memory_format("%s-%s-%s", worker->bus->prefix, worker->group, instance);
    struct bus_patience patience = {is_stopping, worker};
    health_ready(service_health(worker->service), false, "waiting for the broker");
    enum status status = bus_producer_new(worker->bus, id, &patience, &worker->producer, why);
    if (status == STATUS_OK)
        status = bus_reader_new(worker->bus, true, &worker->reader, why);
    if (status == STATUS_OK) {
        health_ready(service_health(worker->service), false, "waiting for partitions");
        struct bus_consumer_options options = {
            .topic = BUS_RESULTS,
            .role = worker->group,
            .instance = service_instance_is_given(worker->service) ? instance : NULL,
            .rebalance = {on_assigned, on_revoked, say, worker}};
        status = bus_consumer_new(worker->bus, &options, &worker->consumer, why);
    }
    if (status == STATUS_OK)
        metrics_refresh(service_metrics(worker->service), refresh, worker);
    free(id);
    return status;
}

static void close_all(struct export_worker *worker)
{
    metrics_refresh_end(service_metrics(worker->service), worker);
    bus_consumer_free(worker->consumer);
    bus_producer_free(worker->producer);
    bus_reader_free(worker->reader);
    drop_parts(worker);
    free(worker->parts);
    for (size_t i = 0; i < worker->output_count; i++)
        worker->outputs[i].kind->close(worker->outputs[i].self);
}

enum status export_run(struct service *service, struct failure *why)
{
    const struct config *config = service_config(service);
    struct export_worker worker = {.service = service,
                                   .bus = service_bus(service),
                                   .group = config_text(config, "group"),
                                   .flush_ms = config_duration_ms(config, "flush"),
                                   .forget_after_ms = config_duration_ms(config, "forget-after"),
                                   .trying =
                                       backoff_make(TRY_LEAST_MS, TRY_MOST_MS, service_now_ms())};
    enum status status = check_group(worker.group, why);
    if (status == STATUS_OK)
        status = open_outputs(&worker, why);
    if (status == STATUS_OK)
        status = open_all(&worker, why);
    while (status == STATUS_OK && !service_stopping(service))
        status = turn(&worker, why);
    /* If not all outputs have accepted the current interval, the next owner sends it again. */
    if (status == STATUS_OK && !worker.is_working && any_dirty(&worker))
        status = commit(&worker, why);
    if (status == STATUS_RETRY && service_stopping(service))
        status = STATUS_OK;  /* exiting now loses nothing */
    if (status != STATUS_OK) /* log it before closing, which may take time or hang */
        log_say(service_log(service), LOG_ERROR, "leaving", log_text("reason", why->text));
    close_all(&worker);
    return status;
}
