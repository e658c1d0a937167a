/* base/arena.h -- memory that is freed all at once.
 *
 * Large arenas that are used one after the other may have a store, which keeps their large blocks:
 * new pages cost the kernel about as much as decoding the data for them. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/attrs.h"
#include "base/bytes.h"

struct arena_block;

/* Shared by arenas of any thread; it outlives them. */
struct arena_store;

/* All zero is an empty arena. */
struct arena {
    struct arena_block *first;
    size_t used;               /* bytes of the first block */
    size_t whole;              /* bytes of all blocks */
    struct arena_store *store; /* or NULL */
};

struct arena_store *arena_store_new(void);
/* Frees its blocks; arenas may continue to use it. */
void arena_store_empty(struct arena_store *store);
/* Call it when no arena uses it any more. */
void arena_store_free(struct arena_store *store);

/* Zeroed, aligned for anything, valid until arena_clear(). */
RETURNS_NONNULL void *arena_take(struct arena *arena, size_t size);
/* The same, not zeroed. */
RETURNS_NONNULL void *arena_buffer(struct arena *arena, size_t size);
/* The same, a copy of `size` bytes. */
RETURNS_NONNULL void *arena_copy(struct arena *arena, const void *from, size_t size);
/* A terminated copy of `text`. */
RETURNS_NONNULL char *arena_string(struct arena *arena, struct text text);
/* Empties it, and removes its store. */
void arena_clear(struct arena *arena);
/* Empties it, but keeps the last block: new data goes where the cache is warm. */
void arena_reuse(struct arena *arena);
/* Moves the contents of `from` to `into`; `from` is empty afterwards. */
void arena_adopt(struct arena *into, struct arena *from);

#endif
