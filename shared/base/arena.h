/* base/arena.h -- memory that is given back all at once.
 *
 * Arenas that hold much, one after the other, may have a store: it keeps their large blocks, since pages
 * that are new cost the kernel about as much as decoding what is put there. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/attrs.h"
#include "base/bytes.h"

struct arena_block;

/* Shared by arenas of any threads; it outlives them. */
struct arena_store;

/* All zero is an empty arena. */
struct arena {
    struct arena_block *first;
    size_t used;               /* bytes of the first block */
    size_t whole;              /* bytes held, over all blocks */
    struct arena_store *store; /* or NULL */
};

struct arena_store *arena_store_new(void);
/* Frees what is in it; arenas may go on to use it. */
void arena_store_empty(struct arena_store *store);
/* To be called when no arena uses it any more. */
void arena_store_free(struct arena_store *store);

/* Zeroed, aligned for anything, valid until arena_clear(). */
RETURNS_NONNULL void *arena_take(struct arena *arena, size_t size);
/* The same, but nothing is in it yet. */
RETURNS_NONNULL void *arena_buffer(struct arena *arena, size_t size);
/* The same, a copy of `size` bytes. */
RETURNS_NONNULL void *arena_copy(struct arena *arena, const void *from, size_t size);
/* A terminated copy of `text`. */
RETURNS_NONNULL char *arena_string(struct arena *arena, struct text text);
/* It is empty, and without a store. */
void arena_clear(struct arena *arena);
/* It is empty, but for the block that it filled last: what is put there next is in a cache. */
void arena_reuse(struct arena *arena);
/* What `from` holds becomes part of `into`; `from` is empty then. */
void arena_adopt(struct arena *into, struct arena *from);

#endif
