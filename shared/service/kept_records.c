#include "service/kept_records.h"

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

static bool is_over(const struct kept_source *source)
{
    health_turn(service_health(source->service));
    return service_stopping(source->service);
}

struct reading {
    const struct kept_source *source;
    struct kept_records *kept;
};

static void take(void *context, const struct bus_message *message)
{
    const struct reading *reading = context;
    keep(reading->kept, message);
}

static bool is_left(void *context)
{
    const struct reading *reading = context;
    return is_over(reading->source);
}

static enum status read_kept(const struct kept_source *source, int32_t partition,
                             struct kept_records *out, struct failure *why)
{
    struct reading reading = {source, out};
    const struct bus_reading all = {take, is_left, &reading};
    kept_records_clear(out);
    return bus_reader_all(source->reader, source->topic, partition, &all, why);
}

enum status kept_records_read(const struct kept_source *source, int32_t partition,
                              struct kept_records *out, int64_t *offset, struct failure *why)
{
    char metadata[BUS_METADATA_MAX];
    enum status status;
    *out = (struct kept_records){.at = NULL};
    /* Reads the offset first: the state cannot be newer, since both are written at once. */
    while ((status = bus_consumer_committed(source->consumer, partition, offset, metadata, why)) ==
               STATUS_RETRY &&
           !is_over(source))
        service_sleep(source->service, TRY_MS);
    if (status != STATUS_OK)
        return status;
    while ((status = read_kept(source, partition, out, why)) == STATUS_RETRY && !is_over(source))
        service_sleep(source->service, TRY_MS);
    drop_tombstones(out);
    return status;
}
