#include "base/arena.h"

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/invariant.h"
#include "base/memory.h"

/* A large arena uses blocks of large pages: 4 KiB of new memory cost the kernel about as much as
 * decoding the data for them. */
enum {
    CACHE_LINE = 64,
    BLOCK_BYTES = 64 << 10,
    LARGE_BLOCK_BYTES = 4 << 20,
    MUCH_BYTES = 2 << 20,
    STORE_BLOCKS = 16 /* maximum blocks in a store */
};

struct arena_block {
    struct arena_block *next;
    size_t room;
    uint8_t unused[CACHE_LINE - sizeof(struct arena_block *) - sizeof(size_t)];
    alignas(max_align_t) uint8_t at[]; /* of large blocks: whole cache lines */
};

struct arena_store {
    pthread_mutex_t lock;
    struct arena_block *first;
    size_t count;
};

static bool is_large(const struct arena_block *block)
{
    return block->room == LARGE_BLOCK_BYTES - sizeof *block;
}

static struct arena_block *block_of_store(struct arena_store *store)
{
    pthread_mutex_lock(&store->lock);
    struct arena_block *block = store->first;
    if (block) {
        store->first = block->next;
        store->count--;
    }
    pthread_mutex_unlock(&store->lock);
    return block;
}

static void give_back(struct arena_store *store, struct arena_block *take_block)
{
    if (store && is_large(take_block)) {
        pthread_mutex_lock(&store->lock);
        bool keeps = store->count < STORE_BLOCKS;
        if (keeps) {
            take_block->next = store->first;
            store->first = take_block;
            store->count++;
        }
        pthread_mutex_unlock(&store->lock);
        if (keeps)
            return;
    }
    free(take_block);
}

struct arena_store *arena_store_new(void)
{
    struct arena_store *store = memory_new(sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
    return store;
}

void arena_store_empty(struct arena_store *store)
{
    for (struct arena_block *block; (block = block_of_store(store)) != NULL;)
        free(block);
}

void arena_store_free(struct arena_store *store)
{
    arena_store_empty(store);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static struct arena_block *new_block(struct arena *arena, size_t least)
{
    size_t whole = arena->whole + least < MUCH_BYTES ? BLOCK_BYTES : LARGE_BLOCK_BYTES;
    struct arena_block *block = NULL;
    if (whole - sizeof *block < least)
        whole = sizeof *block + least;
    if (arena->store && whole == LARGE_BLOCK_BYTES)
        block = block_of_store(arena->store);
    if (block)
        return block;
    block = memory_buffer(whole);
    block->room = whole - sizeof *block;
    return block;
}

static void add_block(struct arena *arena, size_t least)
{
    struct arena_block *block = new_block(arena, least);
    block->next = arena->first;
    arena->first = block;
    arena->used = 0;
    arena->whole += block->room;
}

static inline void *take(struct arena *arena, size_t size)
{
    size_t step = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!arena->first || arena->first->room - arena->used < step)
        add_block(arena, step);
    invariant(step >= size && arena->used % alignof(max_align_t) == 0);
    invariant(step <= arena->first->room - arena->used);
    void *taken = arena->first->at + arena->used;
    arena->used += step;
    return taken;
}

/* Zeroed piece by piece, just before it is used. */
void *arena_take(struct arena *arena, size_t size)
{
    return memset(take(arena, size), 0, size);
}

void *arena_buffer(struct arena *arena, size_t size)
{
    return take(arena, size);
}

void *arena_copy(struct arena *arena, const void *from, size_t size)
{
    void *copy = take(arena, size);
    if (size > 0) /* else `from` may be NULL */
        memcpy(copy, from, size);
    return copy;
}

char *arena_string(struct arena *arena, struct text text)
{
    char *copy = take(arena, text.count + 1);
    if (text.count)
        memcpy(copy, text.at, text.count);
    copy[text.count] = '\0';
    return copy;
}

static void give_back_from(struct arena *arena, struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        give_back(arena->store, block);
        block = next;
    }
}

void arena_clear(struct arena *arena)
{
    give_back_from(arena, arena->first);
    *arena = (struct arena){0};
}

void arena_reuse(struct arena *arena)
{
    if (!arena->first)
        return;
    give_back_from(arena, arena->first->next);
    arena->first->next = NULL;
    arena->used = 0;
    arena->whole = arena->first->room;
}

void arena_adopt(struct arena *into, struct arena *from)
{
    assert(into != from);
    struct arena_block **last = &into->first;
    if (!into->first)
        into->used = from->used; /* of what is now the first block */
    while (*last)
        last = &(*last)->next;
    assert(!from->store);
    *last = from->first;
    into->whole += from->whole;
    *from = (struct arena){0};
}
