#include <stdlib.h>

#include "base/memory.h"
#include "base/names.h"
#include "export/worker/export_worker.h"

enum { TRY_MS = 200 };

/* The newest record of each key. */
struct kept {
    struct names keys;
    struct bytes *values; /* by key; at NULL: a tombstone; owned, as are these */
    size_t room;
};

static void keep(struct kept *kept, const struct bus_message *message)
{
    size_t known = kept->keys.count;
    uint32_t id = names_id(&kept->keys, message->key);
    if (id == known) {
        kept->values = memory_grow(kept->values, &kept->room, id + 1, sizeof *kept->values);
        kept->values[id] = (struct bytes){NULL, 0};
    }
    free((void *)(uintptr_t)kept->values[id].at);
    kept->values[id] = (struct bytes){NULL, 0};
    if (!message->value.at)
        return;
    uint8_t *copy = memory_new(message->value.count + 1);
    memcpy(copy, message->value.at, message->value.count);
    kept->values[id] = (struct bytes){copy, message->value.count};
}

static void kept_clear(struct kept *kept)
{
    for (size_t i = 0; i < kept->keys.count; i++)
        free((void *)(uintptr_t)kept->values[i].at);
    free(kept->values);
    names_clear(&kept->keys);
    *kept = (struct kept){.values = NULL};
}

static bool should_leave(struct export_worker *worker)
{
    health_turn(service_health(worker->service));
    return service_stopping(worker->service);
}

struct restoring {
    struct export_worker *worker;
    struct kept *kept;
};

static void take_record(void *context, const struct bus_message *message)
{
    const struct restoring *restoring = context;
    keep(restoring->kept, message);
}

static bool is_left(void *context)
{
    const struct restoring *restoring = context;
    return should_leave(restoring->worker);
}

static enum status read_kept(struct export_worker *worker, int32_t number, struct kept *kept,
                             struct failure *why)
{
    struct restoring restoring = {worker, kept};
    struct bus_reading reading = {take_record, is_left, &restoring};
    return bus_reader_all(worker->reader, BUS_EXPORT, number, &reading, why);
}

static void say_event(void *context, enum exporter_event event, struct text session, uint64_t chunk)
{
    static const char *const events[] = {[EXPORTER_REPEATED] = "interval repeated",
                                         [EXPORTER_TORN] = "interval torn",
                                         [EXPORTER_OVER_LIMIT] = "too many series"};
    static const char *const whats[] = {
        [EXPORTER_REPEATED] = "it was exported before, and does not count again",
        [EXPORTER_TORN] = "not all of its results could be read: none of them is exported",
        [EXPORTER_OVER_LIMIT] = "what is over --series-limit is put together under `other`"};
    const struct export_worker *worker = context;
    char *name = memory_string(session);
    metrics_add(service_metrics(worker->service), METRIC_DROPPED, event, 1);
    log_say(service_log(worker->service), LOG_WARNING, events[event], log_text("session", name),
            log_integer("chunk", (int64_t)chunk), log_text("what", whats[event]));
    free(name);
}

void export_part_free(struct export_part *part)
{
    if (!part)
        return;
    exporter_free(part->exporter);
    outbox_clear(&part->state);
    for (size_t topic = 0; topic < OUTPUT_TOPICS; topic++)
        outbox_clear(&part->put[topic]);
    free(part);
}

/* Asks again while the broker does not answer. */
static enum status committed(struct export_worker *worker, int32_t number, int64_t *offset,
                             struct failure *why)
{
    char metadata[BUS_METADATA_MAX];
    enum status status;
    while ((status = bus_consumer_committed(worker->consumer, number, offset, metadata, why)) ==
           STATUS_RETRY) {
        if (should_leave(worker))
            return STATUS_RETRY;
        service_sleep(worker->service, TRY_MS);
    }
    return status;
}

static struct export_part *new_part(struct export_worker *worker, int32_t number)
{
    struct export_part *part = memory_new(sizeof *part);
    part->number = number;
    part->exporter = exporter_new(&(struct exporter_options){
        .group = worker->group,
        .series_limit = (size_t)config_integer(service_config(worker->service), "series-limit"),
        .state = outbox_sink(&part->state),
        .tell = say_event,
        .context = worker});
    return part;
}

static enum status restore(struct export_part *part, const struct kept *kept, struct failure *why)
{
    size_t count = 0;
    struct exporter_entry *entries = memory_new((kept->keys.count + 1) * sizeof *entries);
    for (size_t i = 0; i < kept->keys.count; i++)
        if (kept->values[i].at)
            entries[count++] =
                (struct exporter_entry){names_text(&kept->keys, (uint32_t)i), kept->values[i]};
    enum status status = exporter_restore(part->exporter, entries, count, why);
    free(entries);
    return status;
}

enum status export_part_restore(struct export_worker *worker, int32_t number,
                                struct export_part **out, int64_t *offset, struct failure *why)
{
    *out = NULL;
    uint64_t begin_ms = service_now_ms();
    struct kept kept = {.values = NULL};
    /* The offset first: what is kept cannot be newer, since both are written at once. */
    enum status status = committed(worker, number, offset, why);
    while (status == STATUS_OK &&
           (status = read_kept(worker, number, &kept, why)) == STATUS_RETRY) {
        if (should_leave(worker))
            break;
        kept_clear(&kept);
        service_sleep(worker->service, TRY_MS);
        status = STATUS_OK;
    }
    struct export_part *part = new_part(worker, number);
    if (status == STATUS_OK)
        status = restore(part, &kept, why);
    kept_clear(&kept);
    if (status != STATUS_OK) {
        export_part_free(part);
        return status;
    }
    part->next = part->sent = *offset == BUS_OFFSET_NONE ? 0 : *offset;
    uint64_t took_ms = service_now_ms() - begin_ms;
    metrics_observe(service_metrics(worker->service), METRIC_RESTORE_TIME, 0, took_ms);
    log_say(service_log(worker->service), LOG_INFO, "partition restored",
            log_integer("partition", number), log_integer("offset", *offset),
            log_integer("sessions", (int64_t)exporter_sessions(part->exporter)),
            log_real("seconds", (double)took_ms / 1000));
    *out = part;
    return STATUS_OK;
}
