/* Counts with more different values than the row limit. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "results/fold.h"

enum { VALUES = 3 * FOLD_COUNT_KEYS };

static void take(struct fold *fold, uint64_t number, uint64_t times)
{
    struct count_part part = {.word = COUNT_BY_FIELD,
                              .field = text_of("code"),
                              .value = {.type = FIELD_UINT, .u = number}};
    struct count_cell cell = {.count = times};
    struct count_result content = {
        .name = text_of("errors"), .parts = &part, .part_count = 1, .cell = &cell};
    struct result result = {.type = RESULT_COUNT, .count = &content};
    fold_take(fold, &result);
}

/* Each value as often as its number, in either order; some in two parts. */
static void fill(struct fold *fold, bool backwards)
{
    for (uint64_t i = 0; i < VALUES; i++) {
        uint64_t number = backwards ? VALUES - i : i + 1;
        take(fold, number, number);
    }
    for (uint64_t number = 7; number <= VALUES; number += 7)
        take(fold, number, 1);
}

Test(fold_counts, what_stays_does_not_depend_on_the_order)
{
    struct arena arena = {.first = NULL};
    struct session_report reports[2];
    struct fold *folds[2];
    for (unsigned i = 0; i < 2; i++) {
        folds[i] = fold_new(text_of("host/s/t"));
        fill(folds[i], i == 1);
        fold_report(folds[i], &arena, &reports[i]);
        cr_assert(eq(sz, reports[i].count_count, FOLD_COUNT_KEYS + 1));
    }
    uint64_t whole = 0;
    for (size_t i = 0; i <= FOLD_COUNT_KEYS; i++) {
        const struct count_row *row = &reports[0].counts[i], *other = &reports[1].counts[i];
        bool last = i == FOLD_COUNT_KEYS;
        cr_assert(eq(int, row->others, last));
        cr_assert(eq(int, other->others, last));
        cr_assert(eq(u64, row->cell.count, other->cell.count));
        whole += row->cell.count;
        if (last)
            break;
        uint64_t number = row->values[0].value.u;
        cr_assert(eq(u64, number, other->values[0].value.u));
        cr_assert(eq(u64, row->cell.count, number + (number % 7 == 0)), "whole, or not at all");
    }
    cr_expect(eq(u64, whole, (uint64_t)VALUES * (VALUES + 1) / 2 + VALUES / 7));
    for (unsigned i = 0; i < 2; i++)
        fold_free(folds[i]);
    arena_clear(&arena);
}
