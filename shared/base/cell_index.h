/* base/cell_index.h -- index of a key's cell in a growing array: by linear search if there are few,
 * else by hash. */
#ifndef BASE_CELL_INDEX_H
#define BASE_CELL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

/* All zero is empty. */
struct cell_index {
    uint64_t *keys;
    size_t count, room;
    struct map places; /* key -> index + 1, if there are many */
};

/* The index of `key`; a new one gets the next index. */
size_t cell_index_at(struct cell_index *index, uint64_t key, bool *is_new);
void cell_index_clear(struct cell_index *index); /* empty again, memory kept */
void cell_index_free(struct cell_index *index);

#endif
