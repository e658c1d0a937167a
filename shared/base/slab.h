/* base/slab.h -- an allocator for objects of one size, which reuses freed objects.
 *
 * Its memory is in an arena, which may have several slabs, and lives as long. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <string.h>

#include "base/arena.h"

struct slab_free {
    struct slab_free *next;
};

/* All zero is an empty slab. */
struct slab {
    struct slab_free *first;
};

/* Zeroed. `size` is always the same, and at least that of a pointer. */
static inline void *slab_take(struct slab *slab, struct arena *arena, size_t size)
{
    struct slab_free *taken = slab->first;
    if (!taken)
        return arena_take(arena, size);
    slab->first = taken->next;
    return memset(taken, 0, size);
}

static inline void slab_give(struct slab *slab, void *given)
{
    struct slab_free *free_one = given;
    free_one->next = slab->first;
    slab->first = free_one;
}

#endif
