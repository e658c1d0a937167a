/* base/cell_index.h -- where the cell of a key is in an array that grows: few are searched one by one,
 * many by a hash. */
#ifndef BASE_CELL_INDEX_H
#define BASE_CELL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

/* All zero is an empty one. */
struct cell_index {
    uint64_t *keys;
    size_t count, room;
    struct map places; /* key -> place + 1, once there are many */
};

/* The place of `key`; of a new one, behind all others. */
size_t cell_index_at(struct cell_index *index, uint64_t key, bool *is_new);
void cell_index_clear(struct cell_index *index); /* empty again, room kept */
void cell_index_free(struct cell_index *index);

#endif
