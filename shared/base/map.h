/* base/map.h -- a hash table from 64-bit keys to pointers that somebody else owns. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_entry {
    uint64_t key;
    void *value; /* NULL: the place is free */
};

/* All zero is an empty map. */
struct map {
    struct map_entry *at;
    size_t mask; /* places - 1; 0 without any */
    size_t count;
};

void *map_get(const struct map *map, uint64_t key); /* NULL if absent */
/* `value` must not be NULL; replaces what was there. */
void map_put(struct map *map, uint64_t key, void *value);
/* Where the value of `key` is; NULL is there if it was absent: the caller puts a value before anything else
 * is done with the map. */
void **map_place(struct map *map, uint64_t key);
/* Returns what was there, NULL if nothing. */
void *map_remove(struct map *map, uint64_t key);
/* Walks all values in an order that differs from process to process: start with *at == 0, ends with NULL. The map must not
 * change during the walk. */
void *map_next(const struct map *map, size_t *at);
void map_clear(struct map *map);

#endif
