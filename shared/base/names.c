#include "base/names.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"

static size_t find(const struct names *names, struct text text)
{
    size_t at = (size_t)hash_text(text) & names->mask;
    while (names->places[at] && !text_equal(names->at[names->places[at] - 1], text))
        at = (at + 1) & names->mask;
    return at;
}

static void grow(struct names *names)
{
    size_t places = names->places ? 2 * (names->mask + 1) : 64;
    free(names->places);
    names->places = memory_new(places * sizeof *names->places);
    names->mask = places - 1;
    for (size_t id = 0; id < names->count; id++)
        names->places[find(names, names->at[id])] = (uint32_t)id + 1;
}

uint32_t names_find(const struct names *names, struct text text)
{
    if (!names->places)
        return NAMES_NONE;
    uint32_t place = names->places[find(names, text)];
    return place ? place - 1 : NAMES_NONE;
}

uint32_t names_id(struct names *names, struct text text)
{
    uint32_t found = names_find(names, text);
    if (found != NAMES_NONE)
        return found;
    if (!names->places || 2 * (names->count + 1) > names->mask)
        grow(names);
    names->at = memory_grow(names->at, &names->room, names->count + 1, sizeof *names->at);
    struct text copy = {arena_string(&names->arena, text), text.count};
    names->places[find(names, text)] = (uint32_t)names->count + 1;
    names->at[names->count] = copy;
    return (uint32_t)names->count++;
}

void names_clear(struct names *names)
{
    arena_clear(&names->arena);
    free(names->at);
    free(names->places);
    *names = (struct names){0};
}
