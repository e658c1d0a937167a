#include "reducer/worker/reducer_worker.h"

#include <stdlib.h>

#include "base/memory.h"
#include "bus/fit.h"

/* Timeouts: waiting for a record; checks for holes, silences, and missing state partitions. */
enum { POLL_MS = 50, WATCH_MS = 500, FIT_LEAST_MS = 2000, FIT_MOST_MS = 60000 };

/* With more in memory, the transaction is not delayed. */
#define OUTBOX_BYTES_MAX ((size_t)8 << 20)

/* --- rebalances --- */

static void drop_parts(struct worker *worker)
{
    for (size_t i = 0; i < worker->part_count; i++)
        part_free(worker->parts[i]);
    worker->part_count = 0;
    worker->dirty_since_ms = 0;
    worker->unfit = 0;
}

/* Whether there is a state partition for it. Without an answer it is restored, which waits for
 * one. */
static bool is_fit(struct worker *worker, int32_t number)
{
    int32_t state, partials;
    struct failure why;
    if (bus_reader_partitions(worker->reader, BUS_STATE, &state, &why) != STATUS_OK ||
        number < state)
        return true;
    if (bus_reader_partitions(worker->reader, BUS_PARTIALS, &partials, &why) != STATUS_OK ||
        partials <= number)
        partials = number + 1;
    if (bus_fit_check(worker->bus, partials, state, &why) != STATUS_OK)
        log_say(service_log(worker->service), LOG_ERROR, "topics do not match",
                log_integer("partition", number), log_text("why", why.text));
    if (worker->unfit++ == 0)
        worker->fit_ms = service_now_ms() + backoff_next_ms(&worker->fitting);
    return false;
}

/* Checks again whether state partitions now exist. */
static void look_at_unfit(struct worker *worker)
{
    if (worker->unfit == 0 || service_now_ms() < worker->fit_ms)
        return;
    worker->unfit = 0;
    bus_consumer_ask_left(worker->consumer);
    if (worker->unfit == 0)
        backoff_reset(&worker->fitting);
}

static int64_t on_assigned(void *context, int32_t number)
{
    struct worker *worker = context;
    struct part *part;
    int64_t offset = BUS_OFFSET_NONE;
    struct failure why;
    if (!is_fit(worker, number))
        return BUS_OFFSET_LEAVE;
    health_ready(service_health(worker->service), false, "restoring state");
    crash_point("reducer-restoring");
    enum status status = restore_part(worker, number, &part, &offset, &why);
    crash_point("reducer-restored");
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

/* The next owner of the partition repeats what was not sent. */
static void on_revoked(void *context, bool lost)
{
    struct worker *worker = context;
    log_say(service_log(worker->service), LOG_INFO, "partitions revoked",
            log_integer("partitions", (int64_t)worker->part_count), log_integer("lost", lost));
    drop_parts(worker);
}

static void say(void *context, const char *sentence)
{
    const struct worker *worker = context;
    log_say(service_log(worker->service), LOG_WARNING, "kafka", log_text("what", sentence));
}

/* --- records --- */

static struct part *part_of(const struct worker *worker, int32_t number)
{
    for (size_t i = 0; i < worker->part_count; i++)
        if (worker->parts[i]->number == number)
            return worker->parts[i];
    return NULL;
}

static enum status take(struct worker *worker, const struct bus_message *message,
                        struct failure *why)
{
    struct part *part = part_of(worker, message->partition);
    if (!part)
        return STATUS_OK; /* fetched before the partition was revoked */
    part->at_end = message->end;
    if (message->end)
        return STATUS_OK;
    enum status status =
        partition_take(part->partition, message->value, message->offset, message->time_ms, why);
    part->next = message->offset + 1;
    part->time_ms = message->time_ms;
    if (status == STATUS_REJECT) {
        log_say(service_log(worker->service), LOG_WARNING, "record refused",
                log_integer("partition", message->partition),
                log_integer("offset", message->offset), log_text("why", why->text));
        status = STATUS_OK;
    }
    if (status != STATUS_OK)
        failure_prefix(why, "partition %d, offset %lld", (int)message->partition,
                       (long long)message->offset);
    return status;
}

static bool is_due(struct worker *worker)
{
    if (!worker_is_dirty(worker))
        return false;
    if (worker->dirty_since_ms == 0)
        worker->dirty_since_ms = service_now_ms();
    size_t bytes = 0;
    for (size_t i = 0; i < worker->part_count; i++)
        bytes += worker->parts[i]->results.bytes;
    return bytes > OUTBOX_BYTES_MAX ||
           service_now_ms() - worker->dirty_since_ms >= worker->flush_ms;
}

/* --- metrics --- */

static void count_in_metrics(struct metrics *metrics, struct part *part)
{
    struct partition_counts now = partition_counts(part->partition), *reported = &part->reported;
    metrics_add(metrics, METRIC_RECORDS, 0, now.records - reported->records);
    metrics_add(metrics, METRIC_CHUNKS, 0, now.chunks - reported->chunks);
    metrics_add(metrics, METRIC_EVENTS, 0, now.events - reported->events);
    for (size_t i = 0; i < TALLY_COUNT; i++)
        metrics_add(metrics, METRIC_TALLIES, i, now.tallies.at[i] - reported->tallies.at[i]);
    metrics_add(metrics, METRIC_GAPS, 0, now.gaps - reported->gaps);
    metrics_add(metrics, METRIC_MISMATCHES, 0, now.mismatches - reported->mismatches);
    metrics_add(metrics, METRIC_REPEATED, 0, now.repeated - reported->repeated);
    metrics_add(metrics, METRIC_REFUSED, 0, now.refused - reported->refused);
    metrics_add(metrics, METRIC_SESSIONS_ENDED, 0, now.sessions_ended - reported->sessions_ended);
    *reported = now;
}

/* Metrics that only the loop changes, updated immediately. */
static void update_metrics(struct worker *worker)
{
    struct metrics *metrics = service_metrics(worker->service);
    int64_t waiting = 0, behind_ms = 0;
    size_t bytes = 0, spilled = 0;
    for (size_t i = 0; i < worker->part_count; i++) {
        struct part *part = worker->parts[i];
        count_in_metrics(metrics, part);
        size_t in_file;
        waiting += (int64_t)partition_waiting(part->partition);
        bytes += partition_waiting_bytes(part->partition, &in_file);
        spilled += in_file;
        if (!part->at_end && part->time_ms > 0 && now_unix_ms() - part->time_ms > behind_ms)
            behind_ms = now_unix_ms() - part->time_ms;
    }
    metrics_set(metrics, METRIC_WAITING, 0, waiting);
    metrics_set(metrics, METRIC_WAITING_BYTES, 0, (int64_t)bytes);
    metrics_set(metrics, METRIC_SPILLED_BYTES, 0, (int64_t)spilled);
    metrics_set(metrics, METRIC_BEHIND, 0,
                behind_ms > 0 ? (int64_t)service_now_ms() - behind_ms : 0);
}

/* Called when the metrics are read. */
static void refresh(void *context)
{
    struct worker *worker = context;
    struct metrics *metrics = service_metrics(worker->service);
    size_t partitions;
    metrics_set(metrics, METRIC_LAG, 0,
                bus_consumer_unread(worker->consumer, service_brokers_answer(worker->service),
                                    &partitions));
    metrics_set(metrics, METRIC_PARTITIONS, 0, (int64_t)partitions);
}

/* --- the loop --- */

static void watch(struct worker *worker)
{
    uint64_t now = service_now_ms();
    if (now - worker->watched_ms < WATCH_MS)
        return;
    uint64_t passed = now - worker->watched_ms;
    worker->watched_ms = now;
    worker_watch(worker, passed < 2 * WATCH_MS ? passed : WATCH_MS);
}

static enum status turn(struct worker *worker, struct failure *why)
{
    struct bus_message message;
    health_turn(service_health(worker->service));
    enum status status = bus_consumer_poll(worker->consumer, POLL_MS, &message, why);
    bool changed = status == STATUS_OK || worker->part_count != worker->parts_before;
    if (status == STATUS_OK)
        status = take(worker, &message, why);
    if (changed)
        update_metrics(worker);
    worker->parts_before = worker->part_count;
    if (status == STATUS_END)
        status = STATUS_OK;
    if (worker->broken && !service_stopping(worker->service))
        return fail(why, STATUS_STOP, "a partition could not be restored");
    if (status == STATUS_OK)
        watch(worker);
    look_at_unfit(worker);
    health_ready(service_health(worker->service), worker->part_count > 0 && worker->unfit == 0,
                 worker->unfit > 0 ? "topics do not match: partials have more partitions than state"
                                   : "waiting for partitions");
    if (status == STATUS_OK && is_due(worker))
        status = worker_transact(worker, why);
    return status;
}

/* Before partitions are assigned, there is nothing to finish. */
static bool is_stopping(void *context)
{
    const struct worker *worker = context;
    health_turn(service_health(worker->service));
    return service_stopping(worker->service);
}

static enum status open_all(struct worker *worker, struct failure *why)
{
    const char *instance = service_instance(worker->service);
    char *member = memory_format("%s-%u", instance, worker->thread);
    char *id = memory_format("%s-reducer-%s", worker->bus->prefix, member);
    struct bus_patience patience = {is_stopping, worker};
    health_ready(service_health(worker->service), false, "waiting for the broker");
    enum status status = bus_producer_new(worker->bus, id, &patience, &worker->producer, why);
    if (status == STATUS_OK)
        status = bus_reader_new(worker->bus, true, &worker->reader, why);
    if (status == STATUS_OK)
        status = bus_admin_new(worker->bus, &worker->admin, why);
    if (status == STATUS_OK) {
        health_ready(service_health(worker->service), false, "waiting for partitions");
        struct bus_consumer_options options = {
            .topic = BUS_PARTIALS,
            .role = "reducer",
            .instance = service_instance_is_given(worker->service) ? member : NULL,
            .rebalance = {on_assigned, on_revoked, say, worker}};
        status = bus_consumer_new(worker->bus, &options, &worker->consumer, why);
    }
    if (status == STATUS_OK)
        metrics_refresh(service_metrics(worker->service), refresh, worker);
    free(id);
    free(member);
    return status;
}

static void close_all(struct worker *worker)
{
    metrics_refresh_end(service_metrics(worker->service), worker);
    bus_consumer_free(worker->consumer);
    bus_producer_free(worker->producer);
    bus_admin_free(worker->admin);
    bus_reader_free(worker->reader);
    drop_parts(worker);
    free(worker->parts);
}

/* If nothing can be spilled, all waiting data stays in memory: report that before the memory is
 * full. */
static enum status check_spill_folder(const struct service *service, struct failure *why)
{
    const struct config *config = service_config(service);
    enum status status = waiting_check_folder(config_text(config, "spill-dir"), why);
    if (status == STATUS_OK)
        return status;
    failure_prefix(why, "spill-dir (%s)", config_source(config, "spill-dir"));
    if (config_is_given(config, "spill-dir"))
        return STATUS_REJECT;
    log_say(service_log(service), LOG_WARNING, "cannot spill waiting chunks",
            log_text("why", why->text),
            log_text("what", "waiting chunks stay in memory, even above --waiting-limit"));
    return STATUS_OK;
}

enum status worker_run(struct service *service, unsigned thread, struct failure *why)
{
    const struct config *config = service_config(service);
    struct worker worker = {.service = service,
                            .bus = service_bus(service),
                            .thread = thread,
                            .flush_ms = config_duration_ms(config, "flush"),
                            .gap_after_ms = config_duration_ms(config, "gap-after"),
                            .expire_after_ms = config_duration_ms(config, "expire-after"),
                            .forget_after_ms = config_duration_ms(config, "forget-after"),
                            .watched_ms = service_now_ms(),
                            .fitting = backoff_make(FIT_LEAST_MS, FIT_MOST_MS, service_now_ms())};
    enum status status = check_spill_folder(service, why);
    if (status == STATUS_OK)
        status = open_all(&worker, why);
    while (status == STATUS_OK && !service_stopping(service))
        status = turn(&worker, why);
    if (status == STATUS_OK && worker_is_dirty(&worker))
        status = worker_transact(&worker, why);
    if (status == STATUS_RETRY && service_stopping(service))
        status = STATUS_OK;  /* no answer from the broker, and asked to stop */
    if (status != STATUS_OK) /* report it before closing, which may take long, or hang */
        log_say(service_log(service), LOG_ERROR, "leaving", log_text("reason", why->text));
    close_all(&worker);
    return status;
}
