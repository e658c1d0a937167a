#include "base/map.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "base/memory.h"

static size_t home(const struct map *map, uint64_t key)
{
    return (size_t)hash_number(key) & map->mask;
}

/* The slot of `key`, or the free one for it. */
static size_t find(const struct map *map, uint64_t key)
{
    invariant(map->count <= map->mask); /* one slot is free, so the loop ends */
    size_t at = home(map, key);
    while (map->at[at].value && map->at[at].key != key)
        at = (at + 1) & map->mask;
    return at;
}

static void grow(struct map *map)
{
    struct map old = *map;
    size_t places = old.at ? 2 * (old.mask + 1) : 16;
    assert((places & (places - 1)) == 0);
    map->at = memory_new(places * sizeof *map->at);
    map->mask = places - 1;
    for (size_t i = 0; old.at && i <= old.mask; i++)
        if (old.at[i].value)
            map->at[find(map, old.at[i].key)] = old.at[i];
    free(old.at);
}

void *map_get(const struct map *map, uint64_t key)
{
    return map->at ? map->at[find(map, key)].value : NULL;
}

void **map_place(struct map *map, uint64_t key)
{
    if (!map->at || 4 * (map->count + 1) > 3 * (map->mask + 1))
        grow(map);
    struct map_entry *entry = &map->at[find(map, key)];
    if (!entry->value)
        map->count++;
    entry->key = key;
    return &entry->value;
}

void map_put(struct map *map, uint64_t key, void *value)
{
    assert(value);
    *map_place(map, key) = value;
}

void *map_remove(struct map *map, uint64_t key)
{
    if (!map->at)
        return NULL;
    size_t hole = find(map, key);
    void *value = map->at[hole].value;
    if (!value)
        return NULL;
    /* Close the hole: move back every later entry whose search would stop at it. */
    for (size_t at = (hole + 1) & map->mask; map->at[at].value; at = (at + 1) & map->mask) {
        size_t wanted = home(map, map->at[at].key);
        bool may_stay =
            hole <= at ? (hole < wanted && wanted <= at) : (hole < wanted || wanted <= at);
        if (may_stay)
            continue;
        map->at[hole] = map->at[at];
        hole = at;
    }
    map->at[hole].value = NULL;
    map->count--;
    return value;
}

void *map_next(const struct map *map, size_t *at)
{
    while (map->at && *at <= map->mask) {
        void *value = map->at[(*at)++].value;
        if (value)
            return value;
    }
    return NULL;
}

void map_clear(struct map *map)
{
    free(map->at);
    *map = (struct map){0};
}
