/* base/arena.h -- memory that is given back all at once. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/attrs.h"
#include "base/bytes.h"

struct arena_block;

/* All zero is an empty arena. */
struct arena {
    struct arena_block *first;
    size_t used;  /* bytes of the first block */
    size_t whole; /* bytes held, over all blocks */
};

/* Zeroed, aligned for anything, valid until arena_clear(). */
RETURNS_NONNULL void *arena_take(struct arena *arena, size_t size);
/* A terminated copy of `text`. */
RETURNS_NONNULL char *arena_string(struct arena *arena, struct text text);
void arena_clear(struct arena *arena);
/* What `from` holds becomes part of `into`; `from` is empty then. */
void arena_adopt(struct arena *into, struct arena *from);

#endif
