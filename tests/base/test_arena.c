#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/arena.h"

enum { PIECE = 1 << 20, PIECES = 16 };

static void fill(struct arena *arena, int with)
{
    for (unsigned i = 0; i < PIECES; i++) {
        unsigned char *piece = arena_take(arena, PIECE);
        for (size_t at = 0; at < PIECE; at += 997)
            cr_assert(eq(int, piece[at], 0), "byte %zu of piece %u", at, i);
        memset(piece, with, PIECE);
    }
}

Test(arena, takes_zeroed_memory_from_a_store_again)
{
    struct arena_store *store = arena_store_new();
    struct arena first = {.store = store}, second = {.store = store};
    fill(&first, 1);
    arena_clear(&first);
    cr_expect(eq(sz, first.whole, 0));
    fill(&second, 2);
    arena_store_empty(store);
    arena_clear(&second);
    struct arena without = {.first = NULL};
    fill(&without, 3);
    arena_clear(&without);
    arena_store_free(store);
}

Test(arena, goes_on_in_its_last_block)
{
    struct arena arena = {.first = NULL};
    arena_reuse(&arena);
    for (int round = 1; round <= 3; round++) {
        fill(&arena, round);
        const void *last = arena.first;
        arena_reuse(&arena);
        cr_expect(arena.first == last && arena.used == 0 && arena.whole >= PIECE);
    }
    arena_clear(&arena);
}
