#include "base/cell_index.h"

#include <stdlib.h>

#include "base/memory.h"

enum { FEW = 24 };

/* Values in a map must not be NULL, so indices are stored + 1. */
static void *place_value(size_t place)
{
    return (void *)(uintptr_t)(place + 1);
}

size_t cell_index_at(struct cell_index *index, uint64_t key, bool *is_new)
{
    *is_new = false;
    if (index->places.count > 0) {
        uintptr_t place = (uintptr_t)map_get(&index->places, key);
        if (place)
            return place - 1;
    } else {
        for (size_t i = index->count; i-- > 0;)
            if (index->keys[i] == key)
                return i;
    }
    *is_new = true;
    index->keys = memory_grow(index->keys, &index->room, index->count + 1, sizeof *index->keys);
    index->keys[index->count] = key;
    if (index->places.count > 0)
        map_put(&index->places, key, place_value(index->count));
    else if (index->count == FEW)
        for (size_t i = 0; i <= FEW; i++)
            map_put(&index->places, index->keys[i], place_value(i));
    return index->count++;
}

void cell_index_clear(struct cell_index *index)
{
    index->count = 0;
    map_clear(&index->places);
}

void cell_index_free(struct cell_index *index)
{
    free(index->keys);
    map_clear(&index->places);
    *index = (struct cell_index){.keys = NULL};
}
