#include "saved_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void keep(void *context, struct text key, struct bytes record)
{
    struct saved_state *saved = context;
    uint8_t *copy = arena_take(&saved->arena, record.count + 1);
    if (record.count > 0)
        memcpy(copy, record.at, record.count);
    saved->records =
        memory_grow(saved->records, &saved->room, saved->count + 1, sizeof *saved->records);
    saved->records[saved->count++] =
        (struct kept_record){{arena_string(&saved->arena, key), key.count}, {copy, record.count}};
}

struct keep_sink saved_state_sink(struct saved_state *saved)
{
    return (struct keep_sink){.take = keep, .context = saved};
}

void saved_state_clear(struct saved_state *saved)
{
    arena_clear(&saved->arena);
    free(saved->records);
    *saved = (struct saved_state){.count = 0};
}
