/* base/id_map.h -- pointers, which somebody else owns, by ids that are dense: neighbours lie side by
 * side, so that what is used together is found without a hash. */
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
    struct id_page *last; /* that was used; NULL */
    size_t count;
};

void *id_map_get(struct id_map *map, uint64_t id); /* NULL if absent */
/* The same, by several threads at once. */
void *id_map_find(const struct id_map *map, uint64_t id);
/* `value` must not be NULL; replaces what was there. */
void id_map_put(struct id_map *map, uint64_t id, void *value);
/* Returns what was there, NULL if nothing. */
void *id_map_remove(struct id_map *map, uint64_t id);
/* Walks all values, in an order that differs from process to process: the walk begins as zero, and ends
 * with NULL. The map must not change during the walk. */
struct id_walk {
    size_t at, next; /* the page after this one; its place in this one */
    const struct id_page *page;
};
void *id_map_next(const struct id_map *map, struct id_walk *walk);
/* All values by their ids, `map->count` of them, into `out`. */
void id_map_all(const struct id_map *map, void **out);
void id_map_clear(struct id_map *map);

#endif
