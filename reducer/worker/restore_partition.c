#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "reducer/worker/reducer_worker.h"

enum { TRY_MS = 200 };

/* What was read of the state topic, in its order. */
struct state_log {
    struct arena arena;
    struct logged {
        struct state_entry entry; /* record at NULL: a tombstone */
        size_t order;
    } * at;
    size_t count, room;
};

static void log_add(struct state_log *log, const struct bus_message *message)
{
    log->at = memory_grow(log->at, &log->room, log->count + 1, sizeof *log->at);
    struct logged *logged = &log->at[log->count];
    *logged = (struct logged){.order = log->count};
    log->count++;
    logged->entry.key = (struct text){arena_string(&log->arena, message->key), message->key.count};
    if (!message->value.at)
        return;
    uint8_t *copy = arena_take(&log->arena, message->value.count + 1);
    memcpy(copy, message->value.at, message->value.count);
    logged->entry.record = (struct bytes){copy, message->value.count};
}

static int by_key_and_order(const void *a, const void *b)
{
    const struct logged *left = a, *right = b;
    size_t shorter = left->entry.key.count < right->entry.key.count ? left->entry.key.count
                                                                    : right->entry.key.count;
    int order = memcmp(left->entry.key.at, right->entry.key.at, shorter);
    if (order != 0)
        return order;
    if (left->entry.key.count != right->entry.key.count)
        return left->entry.key.count < right->entry.key.count ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

/* Leaves the newest record of each key that still has one. */
static size_t compact(struct state_log *log, struct state_entry *out)
{
    size_t kept = 0;
    if (log->count > 0)
        qsort(log->at, log->count, sizeof *log->at, by_key_and_order);
    for (size_t i = 0; i < log->count; i++) {
        bool last =
            i + 1 == log->count || !text_equal(log->at[i].entry.key, log->at[i + 1].entry.key);
        if (last && log->at[i].entry.record.at)
            out[kept++] = log->at[i].entry;
    }
    return kept;
}

static bool should_leave(struct worker *worker)
{
    health_turn(service_health(worker->service));
    return service_drain_left_ms(worker->service) == 0 || service_stopping(worker->service);
}

struct restoring {
    struct worker *worker;
    struct state_log *log;
};

static void take_record(void *context, const struct bus_message *message)
{
    const struct restoring *restoring = context;
    log_add(restoring->log, message);
}

static bool is_left(void *context)
{
    const struct restoring *restoring = context;
    return should_leave(restoring->worker);
}

static enum status read_state(struct worker *worker, int32_t number, struct state_log *log,
                              struct failure *why)
{
    struct restoring restoring = {worker, log};
    struct bus_reading reading = {take_record, is_left, &restoring};
    return bus_reader_all(worker->reader, BUS_STATE, number, &reading, why);
}

/* --- what the partition gives --- */

static void tell(void *context, const struct partition_news *news)
{
    static const struct {
        enum log_level level;
        const char *event;
    } lines[] = {[PARTITION_SESSION_BEGUN] = {LOG_INFO, "session begun"},
                 [PARTITION_JOINED] = {LOG_INFO, "interval joined"},
                 [PARTITION_PHASES_CHANGED] = {LOG_INFO, "phases changed"},
                 [PARTITION_PHASE_FAULT] = {LOG_WARNING, "phase matches nothing"},
                 [PARTITION_GAP] = {LOG_WARNING, "gap"},
                 [PARTITION_MISMATCH] = {LOG_WARNING, "borders do not meet"},
                 [PARTITION_REFUSED] = {LOG_WARNING, "chunk refused"},
                 [PARTITION_SILENT] = {LOG_WARNING, "session silent"},
                 [PARTITION_SESSION_ENDED] = {LOG_INFO, "session ended"}};
    enum { FIELDS = 5 };
    const struct worker *worker = context;
    struct log_field fields[FIELDS + TALLY_COUNT] = {log_text("event", lines[news->event].event),
                                                     log_text("session", news->session),
                                                     log_integer("chunk", (int64_t)news->chunk)};
    size_t count = 3;
    if (news->tallies)
        fields[count++] = log_integer("events", (int64_t)news->events);
    for (size_t i = 0; i < TALLY_COUNT && news->tallies; i++)
        if (news->tallies->at[i] > 0)
            fields[count++] = log_integer(tally_rows[i].json, (int64_t)news->tallies->at[i]);
    if (news->what)
        fields[count++] = log_text("what", news->what);
    log_write(service_log(worker->service), lines[news->event].level, fields, count);
}

static struct part *new_part(struct worker *worker, int32_t number)
{
    struct part *part = memory_new(sizeof *part);
    part->number = number;
    part->partition = partition_new(&(struct partition_options){
        .waiting_max = (size_t)config_bytes(service_config(worker->service), "waiting-limit"),
        .spill_folder = config_text(service_config(worker->service), "spill-dir"),
        .results = outbox_sink(&part->results),
        .state = outbox_sink(&part->state),
        .tell = tell,
        .context = worker,
    });
    return part;
}

void part_free(struct part *part)
{
    if (!part)
        return;
    partition_free(part->partition);
    outbox_clear(&part->results);
    outbox_clear(&part->state);
    outbox_clear(&part->gaps);
    for (size_t i = 0; i < part->hole_count; i++)
        hole_watch_clear(&part->holes[i]);
    free(part->holes);
    free(part);
}

/* Asks again while the broker does not answer. */
static enum status committed(struct worker *worker, int32_t number, int64_t *offset,
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

enum status restore_part(struct worker *worker, int32_t number, struct part **out, int64_t *offset,
                         struct failure *why)
{
    *out = NULL;
    uint64_t begin_ms = service_now_ms();
    struct state_log log = {.count = 0};
    /* The offset first: state that is newer than it cannot be, since both are written at once. */
    enum status status = committed(worker, number, offset, why);
    while (status == STATUS_OK &&
           (status = read_state(worker, number, &log, why)) == STATUS_RETRY) {
        if (should_leave(worker))
            break;
        arena_clear(&log.arena);
        log.count = 0;
        service_sleep(worker->service, TRY_MS);
        status = STATUS_OK;
    }
    struct part *part = new_part(worker, number);
    struct state_entry *entries = memory_new((log.count + 1) * sizeof *entries);
    size_t count = compact(&log, entries);
    if (status == STATUS_OK)
        status = partition_restore(part->partition, entries, count, why);
    free(entries);
    free(log.at);
    arena_clear(&log.arena);
    if (status != STATUS_OK) {
        part_free(part);
        return status;
    }
    part->next = part->sent = *offset == BUS_OFFSET_NONE ? 0 : *offset;
    uint64_t took_ms = service_now_ms() - begin_ms;
    metrics_observe(service_metrics(worker->service), METRIC_RESTORE_TIME, 0, took_ms);
    log_say(service_log(worker->service), LOG_INFO, "partition restored",
            log_integer("partition", number), log_integer("offset", *offset),
            log_integer("records", (int64_t)count), log_integer("read", (int64_t)log.count),
            log_real("seconds", (double)took_ms / 1000));
    *out = part;
    return STATUS_OK;
}
