#include "member/kept_records.h"

#include <stdlib.h>

#include "base/memory.h"

enum { TRY_MS = 200 };

/* While reading, key i has name i, and a tombstone has no value. */
static void keep(struct kept_records *kept, const struct bus_message *message)
{
    size_t known = kept->keys.count;
    uint32_t id = names_id(&kept->keys, message->key);
    kept->read++;
    if (id == known) {
        kept->at = memory_grow(kept->at, &kept->room, id + 1, sizeof *kept->at);
        kept->at[id] = (struct key_value){names_text(&kept->keys, id), {NULL, 0}};
        kept->count = id + 1;
    }
    struct bytes *value = &kept->at[id].value;
    free((void *)(uintptr_t)value->at);
    *value = (struct bytes){NULL, 0};
    if (!message->value.at)
        return;
    uint8_t *copy = memory_new(message->value.count + 1);
    memcpy(copy, message->value.at, message->value.count);
    *value = (struct bytes){copy, message->value.count};
}

static void drop_tombstones(struct kept_records *kept)
{
    size_t used = 0;
    for (size_t i = 0; i < kept->count; i++)
        if (kept->at[i].value.at)
            kept->at[used++] = kept->at[i];
    kept->count = used;
}

void kept_records_clear(struct kept_records *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        free((void *)(uintptr_t)kept->at[i].value.at);
    free(kept->at);
    names_clear(&kept->keys);
    *kept = (struct kept_records){.at = NULL};
}

struct reading {
    const struct member *member;
    struct kept_records *kept;
};

static bool is_over(void *context)
{
    const struct reading *reading = context;
    health_turn(service_health(reading->member->service));
    return service_stopping(reading->member->service);
}

static void take(void *context, const struct bus_message *message)
{
    const struct reading *reading = context;
    keep(reading->kept, message);
}

static enum status read_kept(struct reading *reading, int32_t partition, struct failure *why)
{
    const struct bus_reading all = {take, is_over, reading};
    kept_records_clear(reading->kept);
    return bus_reader_all(reading->member->reader, reading->member->queues[MEMBER_STATE].topic,
                          partition, &all, why);
}

enum status kept_records_read(const struct member *member, int32_t partition,
                              struct kept_records *out, int64_t *offset, struct failure *why)
{
    char metadata[BUS_METADATA_MAX];
    enum status status;
    struct reading reading = {member, out};
    *out = (struct kept_records){.at = NULL};
    /* Reads the offset first: the state cannot be newer, since both are written at once. */
    while ((status = bus_consumer_committed(member->consumer, partition, offset, metadata, why)) ==
               STATUS_RETRY &&
           !is_over(&reading))
        service_sleep(member->service, TRY_MS);
    if (status != STATUS_OK)
        return status;
    while ((status = read_kept(&reading, partition, why)) == STATUS_RETRY && !is_over(&reading))
        service_sleep(member->service, TRY_MS);
    drop_tombstones(out);
    return status;
}
