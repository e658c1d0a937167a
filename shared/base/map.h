/* base/map.h -- a hash table from 64-bit keys to pointers owned by others. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_entry {
    uint64_t key;
    void *value; /* NULL: the slot is free */
};

/* All zero is an empty map. */
struct map {
    struct map_entry *at;
    size_t mask; /* slots - 1; 0 if there are none */
    size_t count;
};

void *map_get(const struct map *map, uint64_t key); /* NULL if absent */
/* `value` must not be NULL; replaces the previous one. */
void map_put(struct map *map, uint64_t key, void *value);
/* The slot for the value of `key`; NULL is in it if the key is new: the caller stores a value
 * before the next operation on the map. */
void **map_place(struct map *map, uint64_t key);
/* Returns the previous value, NULL if none. */
void *map_remove(struct map *map, uint64_t key);
/* Iterates over all values in an order that differs between processes: start with *at == 0, ends
 * with NULL. The map must not change meanwhile. */
void *map_next(const struct map *map, size_t *at);
void map_clear(struct map *map);

#endif
