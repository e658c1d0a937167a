#include "wire/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void take(void *context, struct text key, struct bytes record)
{
    struct outbox *outbox = context;
    outbox->records =
        memory_grow(outbox->records, &outbox->room, outbox->count + 1, sizeof *outbox->records);
    struct outbox_record *out = &outbox->records[outbox->count++];
    *out = (struct outbox_record){.key = {arena_string(&outbox->arena, key), key.count},
                                  .tombstone = record.at == NULL};
    outbox->bytes += key.count + record.count;
    if (record.count == 0)
        return;
    uint8_t *copy = arena_take(&outbox->arena, record.count);
    memcpy(copy, record.at, record.count);
    out->value = (struct bytes){copy, record.count};
}

struct record_sink outbox_sink(struct outbox *outbox)
{
    return (struct record_sink){take, outbox};
}

void outbox_reset(struct outbox *outbox)
{
    arena_clear(&outbox->arena);
    outbox->count = outbox->bytes = 0;
}

void outbox_clear(struct outbox *outbox)
{
    outbox_reset(outbox);
    free(outbox->records);
    *outbox = (struct outbox){.count = 0};
}
