/* base/id_map.h -- maps dense ids to pointers owned by others: adjacent ids are in adjacent memory,
 * so entities used together are found without hashing. */
#ifndef BASE_ID_MAP_H
#define BASE_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

enum { ID_PAGE_BITS = 7, ID_PAGE = 1 << ID_PAGE_BITS };

struct id_page {
    uint64_t number; /* of its first id, / ID_PAGE */
    size_t count;
    void *at[ID_PAGE]; /* NULL: none */
};

/* All zero is an empty map. */
struct id_map {
    struct map pages;     /* by number */
    struct id_page *last; /* the last used one; NULL */
    size_t count;
};

void *id_map_get(struct id_map *map, uint64_t id); /* NULL if absent */
/* The same, safe for concurrent readers. */
void *id_map_find(const struct id_map *map, uint64_t id);
/* `value` must not be NULL; replaces the previous one. */
void id_map_put(struct id_map *map, uint64_t id, void *value);
/* Returns the previous value, NULL if none. */
void *id_map_remove(struct id_map *map, uint64_t id);
/* Iterates over all values, in an order that differs between processes: begins as all zero, ends
 * with NULL. The map must not change meanwhile. */
struct id_walk {
    size_t at, next; /* the next page; the position in this one */
    const struct id_page *page;
};
void *id_map_next(const struct id_map *map, struct id_walk *walk);
/* All values in the order of their ids, `map->count` of them, to `out`. */
void id_map_all(const struct id_map *map, void **out);
void id_map_clear(struct id_map *map);

#endif
