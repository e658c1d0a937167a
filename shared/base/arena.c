#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/invariant.h"
#include "base/memory.h"

/* An arena that holds much goes on in blocks of large pages: 4 KiB of new memory cost the kernel
 * about as much as decoding what is put there. */
enum { BLOCK_BYTES = 64 << 10, LARGE_BLOCK_BYTES = 4 << 20, MUCH_BYTES = 2 << 20 };

struct arena_block {
    struct arena_block *next;
    size_t room;
    alignas(max_align_t) uint8_t at[];
};

static void add_block(struct arena *arena, size_t least)
{
    size_t whole = arena->whole < MUCH_BYTES ? BLOCK_BYTES : LARGE_BLOCK_BYTES;
    if (whole - sizeof(struct arena_block) < least)
        whole = sizeof(struct arena_block) + least;
    struct arena_block *block = memory_buffer(whole);
    *block = (struct arena_block){.next = arena->first, .room = whole - sizeof *block};
    arena->first = block;
    arena->used = 0;
    arena->whole += block->room;
}

/* Zeroed piece by piece, when it is about to be used anyway. */
void *arena_take(struct arena *arena, size_t size)
{
    size_t step = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!arena->first || arena->first->room - arena->used < step)
        add_block(arena, step);
    invariant(step >= size && arena->used % alignof(max_align_t) == 0);
    invariant(step <= arena->first->room - arena->used);
    void *taken = arena->first->at + arena->used;
    arena->used += step;
    memset(taken, 0, step);
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

void arena_adopt(struct arena *into, struct arena *from)
{
    assert(into != from);
    struct arena_block **last = &into->first;
    if (!into->first)
        into->used = from->used; /* of what is now the first block */
    while (*last)
        last = &(*last)->next;
    *last = from->first;
    into->whole += from->whole;
    *from = (struct arena){0};
}
