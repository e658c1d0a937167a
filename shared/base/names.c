#include "base/names.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"

/* The id of `text`, else NAMES_NONE; *key is its key in `ids`, or the one for it. */
static uint32_t find(const struct names *names, struct text text, uint64_t *key)
{
    uintptr_t place;
    *key = hash_text(text);
    for (; (place = (uintptr_t)map_get(&names->ids, *key)) != 0; ++*key)
        if (text_equal(names->at[place - 1], text))
            return (uint32_t)(place - 1);
    return NAMES_NONE;
}

uint32_t names_find(const struct names *names, struct text text)
{
    uint64_t key;
    return find(names, text, &key);
}

uint32_t names_id(struct names *names, struct text text)
{
    uint64_t key;
    uint32_t found = find(names, text, &key);
    if (found != NAMES_NONE)
        return found;
    assert(names->count < NAMES_NONE);
    names->at = memory_grow(names->at, &names->room, names->count + 1, sizeof *names->at);
    names->at[names->count] = (struct text){arena_string(&names->arena, text), text.count};
    map_put(&names->ids, key, (void *)(uintptr_t)(names->count + 1));
    return (uint32_t)names->count++;
}

void names_clear(struct names *names)
{
    arena_clear(&names->arena);
    free(names->at);
    map_clear(&names->ids);
    *names = (struct names){0};
}
