#include "member/member.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "member/kept_records.h"
#include "wire/key.h"

enum { POLL_MS = 50 };

/* With more in memory, the transaction is not delayed. */
#define QUEUED_BYTES_MAX ((size_t)8 << 20)

int64_t member_now_ms(void)
{
    return (int64_t)clock_ms(CLOCK_REALTIME);
}

bool member_is_over(void *context)
{
    struct member *member = context;
    health_turn(service_health(member->service));
    return service_drain_left_ms(member->service) == 0;
}

/* --- rebalances --- */

static void free_part(const struct member *member, struct member_part *part)
{
    for (size_t i = 0; i < MEMBER_QUEUES; i++)
        outbox_clear(&part->queues[i]);
    member->kind->free_part(part);
}

static void drop_parts(struct member *member)
{
    for (size_t i = 0; i < member->part_count; i++)
        free_part(member, member->parts[i]);
    member->part_count = 0;
    member->dirty_since_ms = 0;
    member->kind->dropped(member);
}

/* *offset is where to read from. RETRY: no answer from the broker, or the service is stopping.
 * REJECT, STOP: not possible. */
static enum status restore(struct member *member, struct member_part *part, int64_t *offset,
                           struct failure *why)
{
    uint64_t begin_ms = service_now_ms();
    struct kept_records kept;
    enum status status = kept_records_read(member, part->number, &kept, offset, why);
    if (status == STATUS_OK)
        status = member->kind->restore(member, part, kept.at, kept.count, why);
    size_t count = kept.count, read = kept.read;
    kept_records_clear(&kept);
    if (status != STATUS_OK)
        return status;
    part->next = part->sent = *offset == BUS_OFFSET_NONE ? 0 : *offset;
    uint64_t took_ms = service_now_ms() - begin_ms;
    metrics_observe(service_metrics(member->service), METRIC_RESTORE_TIME, 0, took_ms);
    log_say(service_log(member->service), LOG_INFO, "partition restored",
            log_integer("partition", part->number), log_integer("offset", *offset),
            log_integer("records", (int64_t)count), log_integer("read", (int64_t)read),
            log_real("seconds", (double)took_ms / 1000));
    return STATUS_OK;
}

static int64_t on_assigned(void *context, int32_t number)
{
    struct member *member = context;
    int64_t offset = BUS_OFFSET_NONE;
    struct failure why;
    if (member->kind->is_fit && !member->kind->is_fit(member, number))
        return BUS_OFFSET_LEAVE;
    health_ready(service_health(member->service), false, "restoring state");
    struct member_part *part = member->kind->new_part(member);
    part->number = number;
    enum status status = restore(member, part, &offset, &why);
    if (status != STATUS_OK) {
        free_part(member, part);
        member->broken = true;
        log_say(service_log(member->service), status == STATUS_RETRY ? LOG_WARNING : LOG_ERROR,
                "partition not restored", log_integer("partition", number),
                log_text("why", why.text));
        return BUS_OFFSET_NONE;
    }
    member->parts = memory_grow(member->parts, &member->part_room, member->part_count + 1,
                                sizeof *member->parts);
    member->parts[member->part_count++] = part;
    metrics_add(service_metrics(member->service), METRIC_REBALANCES, 0, 1);
    return offset;
}

/* The next owner of the partition repeats what was not committed. */
static void on_revoked(void *context, bool lost)
{
    struct member *member = context;
    log_say(service_log(member->service), LOG_INFO, "partitions revoked",
            log_integer("partitions", (int64_t)member->part_count), log_integer("lost", lost));
    drop_parts(member);
}

static void say(void *context, const char *sentence)
{
    const struct member *member = context;
    log_say(service_log(member->service), LOG_WARNING, "kafka", log_text("what", sentence));
}

/* --- transactions --- */

static size_t queued_records(const struct member_part *part)
{
    size_t count = 0;
    for (size_t i = 0; i < MEMBER_QUEUES; i++)
        count += part->queues[i].count;
    return count;
}

static bool is_dirty(const struct member *member)
{
    for (size_t i = 0; i < member->part_count; i++) {
        const struct member_part *part = member->parts[i];
        if (queued_records(part) > 0 || member->kind->oldest(part) != part->sent)
            return true;
    }
    return false;
}

static bool is_due(struct member *member)
{
    if (member->is_busy || !is_dirty(member))
        return false;
    if (member->dirty_since_ms == 0)
        member->dirty_since_ms = service_now_ms();
    size_t bytes = 0;
    for (size_t i = 0; i < member->part_count; i++)
        for (size_t queue = MEMBER_STATE + 1; queue < MEMBER_QUEUES; queue++)
            bytes += member->parts[i]->queues[queue].bytes;
    return bytes > QUEUED_BYTES_MAX ||
           service_now_ms() - member->dirty_since_ms >= member->flush_ms;
}

static size_t add_records(struct bus_record *records, const struct member_part *part,
                          const struct outbox *outbox, const struct member_queue *to)
{
    for (size_t i = 0; i < outbox->count; i++) {
        const struct outbox_record *from = &outbox->records[i];
        static const uint8_t empty;
        records[i] = (struct bus_record){.topic = to->topic,
                                         .foreign = to->foreign,
                                         .partition = to->by_session ? -1 : part->number,
                                         .route = key_session(from->key),
                                         .key = from->key,
                                         .value = from->value};
        if (!from->tombstone && !from->value.at)
            records[i].value.at = &empty;
    }
    return outbox->count;
}

static enum status transact(struct member *member, const struct bus_record *records, size_t count,
                            const struct bus_offset *offsets, struct failure *why)
{
    struct metrics *metrics = service_metrics(member->service);
    struct bus_patience patience = {member_is_over, member};
    uint64_t begin_ms = service_now_ms();
    enum status status = STATUS_OK;
    if (member->kind->committing)
        status = member->kind->committing(member, records, count, offsets, why);
    if (status == STATUS_OK)
        status = bus_transact(member->producer, records, count, member->consumer, offsets,
                              member->part_count, &patience, why);
    if (status == STATUS_OK) {
        metrics_observe(metrics, METRIC_TRANSACTION_TIME, 0, service_now_ms() - begin_ms);
        member->kind->committed(member);
        for (size_t i = 0; i < member->part_count; i++) {
            for (size_t queue = 0; queue < MEMBER_QUEUES; queue++)
                outbox_reset(&member->parts[i]->queues[queue]);
            member->parts[i]->sent = offsets[i].offset;
        }
        member->dirty_since_ms = 0;
        return STATUS_OK;
    }
    if (status != STATUS_RETRY)
        return STATUS_STOP;
    /* Its records are kept and go with the next transaction, unless the partitions are revoked. */
    metrics_add(metrics, METRIC_TRANSACTIONS_ABORTED, 0, 1);
    log_say(service_log(member->service), LOG_WARNING, "transaction aborted",
            log_text("why", why->text));
    member->dirty_since_ms = service_now_ms();
    return STATUS_RETRY;
}

enum status member_commit(struct member *member, struct failure *why)
{
    size_t count = 0, used = 0;
    for (size_t i = 0; i < member->part_count; i++) {
        member->kind->save(member->parts[i]);
        count += queued_records(member->parts[i]);
    }
    struct bus_record *records = memory_new((count + 1) * sizeof *records);
    struct bus_offset *offsets = memory_new((member->part_count + 1) * sizeof *offsets);
    for (size_t i = 0; i < member->part_count; i++) {
        const struct member_part *part = member->parts[i];
        for (size_t queue = 0; queue < MEMBER_QUEUES; queue++)
            used += add_records(&records[used], part, &part->queues[queue], &member->queues[queue]);
        offsets[i] = (struct bus_offset){part->number, member->kind->oldest(part), NULL};
    }
    enum status status = transact(member, records, used, offsets, why);
    free(records);
    free(offsets);
    return status;
}

/* --- records --- */

static struct member_part *part_of(const struct member *member, int32_t number)
{
    for (size_t i = 0; i < member->part_count; i++)
        if (member->parts[i]->number == number)
            return member->parts[i];
    return NULL;
}

static enum status take(struct member *member, const struct bus_message *message,
                        struct failure *why)
{
    struct member_part *part = part_of(member, message->partition);
    if (!part)
        return STATUS_OK; /* fetched before the partition was revoked */
    part->at_end = message->end;
    if (message->end)
        return STATUS_OK;
    enum status status = member->kind->take(member, part, message, why);
    if (status == STATUS_END)
        return bus_consumer_seek(member->consumer, message->partition, message->offset, why) ==
                       STATUS_OK
                   ? STATUS_OK
                   : STATUS_STOP;
    part->next = message->offset + 1;
    part->time_ms = message->time_ms;
    if (status == STATUS_REJECT) {
        log_say(service_log(member->service), LOG_WARNING, "record refused",
                log_integer("partition", message->partition),
                log_integer("offset", message->offset), log_text("why", why->text));
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        failure_prefix(why, "partition %d, offset %lld", (int)message->partition,
                       (long long)message->offset);
    return status;
}

/* --- metrics --- */

static void update_metrics(struct member *member)
{
    int64_t behind_ms = 0, now_ms = member_now_ms();
    for (size_t i = 0; i < member->part_count; i++) {
        const struct member_part *part = member->parts[i];
        if (!part->at_end && part->time_ms > 0 && now_ms - part->time_ms > behind_ms)
            behind_ms = now_ms - part->time_ms;
    }
    metrics_set(service_metrics(member->service), METRIC_BEHIND, 0,
                behind_ms > 0 ? (int64_t)service_now_ms() - behind_ms : 0);
    member->kind->update_metrics(member);
}

/* Called when the metrics are read. */
static void refresh(void *context)
{
    struct member *member = context;
    struct metrics *metrics = service_metrics(member->service);
    size_t partitions;
    metrics_set(metrics, METRIC_LAG, 0,
                bus_consumer_unread(member->consumer, service_brokers_answer(member->service),
                                    &partitions));
    metrics_set(metrics, METRIC_PARTITIONS, 0, (int64_t)partitions);
}

/* --- the loop --- */

static enum status turn(struct member *member, struct failure *why)
{
    struct bus_message message;
    health_turn(service_health(member->service));
    enum status status = bus_consumer_poll(member->consumer, POLL_MS, &message, why);
    bool changed = status == STATUS_OK || member->part_count != member->parts_before;
    if (status == STATUS_OK)
        status = take(member, &message, why);
    if (changed)
        update_metrics(member);
    member->parts_before = member->part_count;
    if (member->broken && !service_stopping(member->service))
        return fail(why, STATUS_STOP, "a partition could not be restored");
    if (status != STATUS_OK && status != STATUS_END)
        return status;
    const char *unready = member->kind->turn(member);
    health_ready(service_health(member->service), member->part_count > 0 && !unready,
                 unready ? unready : "waiting for partitions");
    if (is_due(member))
        status = member_commit(member, why);
    return status == STATUS_RETRY || status == STATUS_END ? STATUS_OK : status;
}

/* Before partitions are assigned, there is nothing to finish. */
static bool is_stopping(void *context)
{
    const struct member *member = context;
    health_turn(service_health(member->service));
    return service_stopping(member->service);
}

static enum status open_all(struct member *member, struct failure *why)
{
    struct health *health = service_health(member->service);
    char *id = memory_format("%s-%s-%s", member->bus->prefix, member->role, member->name);
    struct bus_patience patience = {is_stopping, member};
    health_ready(health, false, "waiting for the broker");
    enum status status = bus_producer_new(member->bus, id, &patience, &member->producer, why);
    if (status == STATUS_OK)
        status = bus_reader_new(member->bus, true, &member->reader, why);
    if (status == STATUS_OK) {
        health_ready(health, false, "waiting for partitions");
        struct bus_consumer_options options = {
            .topic = member->kind->topic,
            .role = member->role,
            .instance = service_instance_is_given(member->service) ? member->name : NULL,
            .rebalance = {on_assigned, on_revoked, say, member}};
        status = bus_consumer_new(member->bus, &options, &member->consumer, why);
    }
    if (status == STATUS_OK)
        metrics_refresh(service_metrics(member->service), refresh, member);
    free(id);
    return status;
}

static void close_all(struct member *member)
{
    metrics_refresh_end(service_metrics(member->service), member);
    bus_consumer_free(member->consumer);
    bus_producer_free(member->producer);
    bus_reader_free(member->reader);
    drop_parts(member);
    free(member->parts);
}

enum status member_run(struct member *member, struct failure *why)
{
    member->bus = service_bus(member->service);
    enum status status = open_all(member, why);
    while (status == STATUS_OK && !service_stopping(member->service))
        status = turn(member, why);
    if (status == STATUS_OK && !member->is_busy && is_dirty(member))
        status = member_commit(member, why);
    if (status == STATUS_RETRY && service_stopping(member->service))
        status = STATUS_OK;  /* exiting now loses nothing */
    if (status != STATUS_OK) /* logged before closing, which may take long, or hang */
        log_say(service_log(member->service), LOG_ERROR, "leaving", log_text("reason", why->text));
    close_all(member);
    return status;
}
