#include "mapper/worker/mapper_worker.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

enum { POLL_MS = 100 };

/* --- during long work --- */

bool worker_poll_once(struct worker *worker)
{
    health_turn_of(service_health(worker->service), worker->thread);
    if (service_drain_left_ms(worker->service) == 0)
        return true;
    uint64_t now = service_now_ms();
    if (now - worker->polled_ms < worker->poll_ms)
        return false;
    worker->polled_ms = now;
    /* While all partitions are paused, only rebalances and errors can arrive. A record that arrives
     * nevertheless would be read again from the committed offset. Only long work justifies a pause:
     * it discards prefetched records. */
    bus_consumer_pause(worker->consumer);
    struct bus_message message;
    struct failure why;
    enum status status = bus_consumer_poll(worker->consumer, 0, &message, &why);
    if (status == STATUS_OK && !message.end)
        status = bus_consumer_seek(worker->consumer, message.partition, message.offset, &why);
    return status == STATUS_STOP;
}

static bool is_over(void *context)
{
    return worker_poll_once(context);
}

struct bus_patience worker_patience(struct worker *worker)
{
    return (struct bus_patience){is_over, worker};
}

/* --- rebalances, warnings --- */

static int64_t on_assigned(void *context, int32_t partition)
{
    struct worker *worker = context;
    worker_forget_tries(worker, partition);
    metrics_add(service_metrics(worker->service), METRIC_REBALANCES, 0, 1);
    return BUS_OFFSET_NONE;
}

static void say(void *context, const char *sentence)
{
    const struct worker *worker = context;
    log_say(service_log(worker->service), LOG_WARNING, "kafka", log_text("what", sentence));
}

static void warn(void *context, const char *sentence)
{
    const struct worker *worker = context;
    assert(worker->work); /* it is being mapped */
    worker_warn_chunk(worker, worker->work, "trace", NULL, "what", sentence);
}

/* --- the loop --- */

static int64_t age_ms(int64_t time_ms)
{
    int64_t now_ms = (int64_t)clock_ms(CLOCK_REALTIME);
    return time_ms > 0 && now_ms > time_ms ? now_ms - time_ms : 0;
}

/* Called when the metrics are read: chunks not mapped yet, including the current one. */
static void refresh(void *context)
{
    struct worker *worker = context;
    struct metrics *metrics = service_metrics(worker->service);
    size_t partitions;
    int64_t unread =
        bus_consumer_unread(worker->consumer, service_brokers_answer(worker->service), &partitions);
    metrics_set(metrics, METRIC_PARTITIONS, worker->thread, (int64_t)partitions);
    metrics_set(metrics, METRIC_LAG, worker->thread, unread + atomic_load(&worker->is_working));
}

static enum status take(struct worker *worker, const struct bus_message *message,
                        struct failure *why)
{
    struct metrics *metrics = service_metrics(worker->service);
    atomic_store(&worker->is_working, true);
    metrics_set(metrics, METRIC_BEHIND, worker->thread,
                (int64_t)service_now_ms() - age_ms(message->time_ms));
    enum status status = worker_take_chunk(worker, message, why);
    metrics_set(metrics, METRIC_BEHIND, worker->thread, 0);
    atomic_store(&worker->is_working, false);
    return status;
}

/* Whether all records of the partition have expired. */
static bool has_expired(struct worker *worker, int32_t partition)
{
    int64_t first, end;
    struct failure why;
    if (!worker->reader && bus_reader_new(worker->bus, false, &worker->reader, &why) != STATUS_OK)
        return false;
    return bus_reader_range(worker->reader, BUS_CHUNKS, partition, &first, &end, &why) ==
               STATUS_OK &&
           first == end;
}

/* The group would have no offset for a partition without a record to read, or one of a record that
 * has expired, and autoscaling by lag would count all records that it ever had, or since then: its
 * end is committed. No mapper has begun anything after it. */
static void on_end(struct worker *worker, const struct bus_message *end)
{
    char metadata[BUS_METADATA_MAX];
    int64_t committed, *known = &worker->known[end->partition];
    struct failure why;
    if (*known != BUS_OFFSET_NONE || end->offset == 0 ||
        bus_consumer_committed(worker->consumer, end->partition, &committed, metadata, &why) !=
            STATUS_OK)
        return;
    struct bus_offset offset = {end->partition, end->offset, NULL};
    bool is_committed = committed != BUS_OFFSET_NONE && committed >= end->offset;
    if (!is_committed && (committed == BUS_OFFSET_NONE || has_expired(worker, end->partition)))
        is_committed = bus_consumer_commit(worker->consumer, &offset, &why) == STATUS_OK;
    if (is_committed)
        *known = end->offset - 1;
}

static enum status turn(struct worker *worker, struct failure *why)
{
    struct bus_message message;
    health_turn_of(service_health(worker->service), worker->thread);
    enum status status = bus_consumer_poll(worker->consumer, POLL_MS, &message, why);
    size_t owned;
    bus_consumer_owned(worker->consumer, &owned);
    health_ready_of(service_health(worker->service), worker->thread, owned > 0,
                    "waiting for partitions");
    if (status == STATUS_OK && message.end)
        on_end(worker, &message);
    else if (status == STATUS_OK)
        status = take(worker, &message, why);
    return status == STATUS_END ? STATUS_OK : status;
}

static bool is_stopping(void *context)
{
    const struct worker *worker = context;
    health_turn_of(service_health(worker->service), worker->thread);
    return service_stopping(worker->service);
}

static enum status open_all(struct worker *worker, struct failure *why)
{
    char *id = memory_format("%s-mapper-%s-%u", worker->bus->prefix,
                             service_instance(worker->service), worker->thread);
    struct service *service = worker->service;
    struct bus_patience patience = {is_stopping, worker};
    health_ready_of(service_health(service), worker->thread, false, "waiting for the broker");
    /* The consumer is created last, so that no partition waits for a producer. */
    enum status status = bus_producer_new(worker->bus, id, &patience, &worker->producer, why);
    free(id);
    if (status != STATUS_OK)
        return status;
    health_ready_of(service_health(service), worker->thread, false, "waiting for partitions");
    /* No static membership: after scaling down, a mapper would keep its partitions until the
     * session times out. */
    struct bus_consumer_options options = {
        .topic = BUS_CHUNKS,
        .role = "mapper",
        .long_work = true,
        .rebalance = {.assigned = on_assigned, .say = say, .context = worker}};
    status = bus_consumer_new(worker->bus, &options, &worker->consumer, why);
    if (status == STATUS_OK)
        metrics_refresh(service_metrics(service), refresh, worker);
    return status;
}

enum status worker_run(struct service *service, const struct phase_definitions *phases,
                       const struct map_guard *guard, unsigned thread, struct failure *why)
{
    struct worker worker = {.service = service,
                            .bus = service_bus(service),
                            .phases = phases,
                            .guard = *guard,
                            .cache = plan_cache_new(),
                            .thread = thread,
                            .poll_ms = config_duration_ms(service_config(service), "poll")};
    worker.warnings = (struct reader_warnings){.say = warn, .context = &worker};
    enum status status = open_all(&worker, why);
    while (status == STATUS_OK && !service_stopping(service))
        status = turn(&worker, why);
    if (status == STATUS_RETRY && service_stopping(service))
        status = STATUS_OK;  /* no answer from the broker, and asked to stop */
    if (status != STATUS_OK) /* report it before closing, which may take long, or hang */
        log_say(service_log(service), LOG_ERROR, "leaving", log_text("reason", why->text));
    metrics_refresh_end(service_metrics(service), &worker);
    bus_consumer_free(worker.consumer);
    bus_producer_free(worker.producer);
    bus_reader_free(worker.reader);
    outbox_clear(&worker.partials);
    archive_room_clear(&worker.room);
    free(worker.known);
    plan_cache_free(worker.cache);
    health_loop_over(service_health(service), thread);
    return status;
}
