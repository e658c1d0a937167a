#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { BLOCK_BYTES = 64 << 10 };

struct arena_block {
    struct arena_block *next;
    size_t room;
    alignas(max_align_t) uint8_t at[];
};

void *arena_take(struct arena *arena, size_t size)
{
    size_t step = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!arena->first || arena->first->room - arena->used < step) {
        size_t room = step > BLOCK_BYTES ? step : BLOCK_BYTES;
        struct arena_block *block = memory_new(sizeof *block + room);
        block->room = room;
        block->next = arena->first;
        arena->first = block;
        arena->used = 0;
        arena->whole += room;
    }
    void *taken = arena->first->at + arena->used;
    arena->used += step;
    return taken;
}

char *arena_string(struct arena *arena, struct text text)
{
    char *copy = arena_take(arena, text.count + 1);
    if (text.count)
        memcpy(copy, text.at, text.count);
    return copy;
}

void arena_clear(struct arena *arena)
{
    while (arena->first) {
        struct arena_block *next = arena->first->next;
        free(arena->first);
        arena->first = next;
    }
    *arena = (struct arena){0};
}
