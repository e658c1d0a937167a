/* The result does not depend on the order of adding and merging, nor on the representation;
 * quantiles are within 5 %; decoding restores what was encoded. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/durations.h"

enum { ROOM = (4 + 2 * DURATIONS_BUCKETS) * ROW_NUMBER + ROW_SLACK };

static uint64_t next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15;
    uint64_t z = (*state ^ *state >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static struct durations durations_from(const uint64_t *ns, size_t count)
{
    struct durations all = {0};
    for (size_t i = 0; i < count; i++)
        durations_add(&all, ns[i]);
    return all;
}

/* Same sums and buckets, and the same bytes. */
static void expect_same(const struct durations *a, const struct durations *b)
{
    cr_assert(eq(u64, a->count, b->count));
    if (a->count == 0)
        return;
    cr_assert(eq(u64, a->total_ns, b->total_ns));
    cr_assert(eq(u64, a->min_ns, b->min_ns));
    cr_assert(eq(u64, a->max_ns, b->max_ns));
    struct durations_bucket left, right;
    size_t i = 0, k = 0;
    while (durations_next(a, &i, &left)) {
        cr_assert(durations_next(b, &k, &right));
        cr_assert(eq(u16, left.bucket, right.bucket));
        cr_assert(eq(u64, left.count, right.count));
    }
    cr_assert(not(durations_next(b, &k, &right)));
    static uint8_t mine[ROOM], other[ROOM];
    size_t bytes = (size_t)(durations_put(mine, a) - mine);
    cr_assert(eq(sz, (size_t)(durations_put(other, b) - other), bytes));
    cr_assert(memcmp(mine, other, bytes) == 0);
    for (unsigned share = 0; share <= 1000; share += 50)
        cr_assert(eq(u64, durations_quantile(a, share), durations_quantile(b, share)));
}

/* --- buckets --- */

enum { LIMBS = 18 };

/* Whether number^8 is above 2^(504 + part). */
static bool is_above(uint64_t number, unsigned part)
{
    uint32_t power[LIMBS] = {1};
    for (unsigned i = 0; i < 8; i++) {
        uint32_t next[LIMBS + 2] = {0};
        for (unsigned half = 0; half < 2; half++) {
            uint64_t carry = 0, factor = (uint32_t)(number >> 32 * half);
            for (unsigned k = 0; k + half < LIMBS; k++) {
                carry += next[k + half] + factor * power[k];
                next[k + half] = (uint32_t)carry;
                carry >>= 32;
            }
        }
        memcpy(power, next, sizeof power);
    }
    for (unsigned k = LIMBS; k-- > 16;)
        if (power[k])
            return true;
    unsigned bit = 504 + part - 480; /* in limb 15 */
    return power[15] >> bit != 0;
}

Test(durations, borders_are_exact)
{
    for (unsigned part = 0; part + 1 < DURATIONS_PARTS; part++) {
        cr_expect(not(is_above(durations_border[part], part + 1)), "%u", part);
        cr_expect(is_above(durations_border[part] + 1, part + 1), "%u", part);
        for (unsigned power = 0; power < 64; power++) {
            uint64_t below = durations_border[part] >> (63 - power);
            if (below >> power == 1)
                cr_expect(durations_bucket(below) <= power * 8 + part);
            if (power > 4)
                cr_expect(eq(uint, durations_bucket(below), power * 8 + part));
            if ((below + 1) >> power == 1)
                cr_expect(gt(uint, durations_bucket(below + 1), power * 8 + part));
        }
    }
}

Test(durations, powers_of_two_are_borders)
{
    cr_expect(eq(uint, durations_bucket(0), 0));
    for (unsigned power = 0; power < 64; power++) {
        cr_expect(eq(uint, durations_bucket(UINT64_C(1) << power), power * 8));
        if (power > 3)
            cr_expect(eq(uint, durations_bucket((UINT64_C(1) << power) - 1), power * 8 - 1));
    }
    cr_expect(eq(uint, durations_bucket(UINT64_MAX), DURATIONS_BUCKETS - 1));
}

Test(durations, longer_ones_are_in_no_lower_bucket)
{
    uint64_t state = 1;
    for (unsigned i = 0; i < 1000000; i++) {
        uint64_t a = next_random(&state) >> next_random(&state) % 64;
        uint64_t b = a + (next_random(&state) >> next_random(&state) % 64);
        if (b >= a)
            cr_assert(durations_bucket(a) <= durations_bucket(b));
    }
    for (uint64_t ns = 1; ns < 100000; ns++)
        cr_assert(durations_bucket(ns) - durations_bucket(ns - 1) <= 8);
}

Test(durations, eight_buckets_are_one_of_log2)
{
    uint64_t state = 2, log2[DURATIONS_POWERS] = {0}, found[DURATIONS_POWERS];
    struct durations all = {0};
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t ns = next_random(&state) >> next_random(&state) % 64;
        if (i % 97 == 0)
            ns = UINT64_C(1) << i % 64;
        log2[ns < 2 ? 0 : 63 - __builtin_clzll(ns)]++;
        durations_add(&all, ns);
        if (i < 5 || i % 1000 == 0) {
            durations_log2(&all, found);
            cr_assert(memcmp(log2, found, sizeof log2) == 0);
        }
    }
    durations_clear(&all);
}

/* --- adding and merging --- */

Test(durations, few_take_no_memory)
{
    static const uint64_t NS[] = {70, 3, 900};
    struct durations all = durations_from(NS, 3);
    cr_expect(eq(uint, all.form, DURATIONS_FEW));
    cr_expect(eq(u64, all.middle_ns, 70));
    cr_expect(eq(u64, all.min_ns, 3));
    cr_expect(eq(u64, all.max_ns, 900));
    cr_expect(eq(u64, all.total_ns, 973));
}

Test(durations, memory_is_that_of_the_spread)
{
    struct durations all = {0};
    for (unsigned i = 0; i < 1000; i++)
        durations_add(&all, 1024 + i % 1000);
    cr_expect(eq(uint, all.form, DURATIONS_NARROW));
    cr_expect(eq(uint, all.size, 4 * DURATIONS_PARTS));
    durations_add(&all, 256);
    durations_add(&all, 16383);
    cr_expect(eq(uint, all.size, 8 * DURATIONS_PARTS));
    durations_clear(&all);
    cr_expect(eq(u64, all.count, 0));
}

Test(durations, merging_in_any_order_is_adding)
{
    uint64_t state = 3;
    for (unsigned round = 0; round < 2000; round++) {
        uint64_t ns[64];
        size_t count = next_random(&state) % 64;
        unsigned widest = next_random(&state) % 64;
        for (size_t i = 0; i < count; i++)
            ns[i] = next_random(&state) >> (next_random(&state) % (widest + 1));
        struct durations whole = durations_from(ns, count);
        struct durations parts[8] = {{0}}, merged = {0};
        struct arena arena = {0};
        for (size_t i = 0; i < count; i++)
            durations_add(&parts[next_random(&state) % 8], ns[i]);
        unsigned turn = next_random(&state) % 8;
        for (unsigned i = 0; i < 8; i++) {
            const struct durations *part = &parts[(i * 3 + turn) % 8];
            struct durations copy = durations_copy(&arena, part);
            if (part->count)
                expect_same(part, &copy);
            if (i == 0 && next_random(&state) % 2)
                merged = copy; /* borrowed until it changes */
            else
                durations_merge(&merged, next_random(&state) % 2 ? part : &copy);
        }
        expect_same(&whole, &merged);
        for (unsigned i = 0; i < 8; i++)
            durations_clear(&parts[i]);
        durations_clear(&merged);
        durations_clear(&whole);
        arena_clear(&arena);
    }
}

Test(durations, counters_become_wide)
{
    struct durations all = {0}, doubled = {0};
    for (unsigned i = 0; i < 200000; i++)
        durations_add(&all, i % 3 == 0 ? 40 : 4000);
    cr_expect(eq(uint, all.form, DURATIONS_WIDE));
    durations_add(&all, 1000000);
    for (unsigned i = 0; i < 40; i++) {
        doubled = (struct durations){0};
        durations_merge(&doubled, &all);
        durations_merge(&doubled, &all);
        durations_clear(&all);
        all = doubled;
    }
    uint64_t log2[DURATIONS_POWERS];
    durations_log2(&all, log2);
    cr_expect(eq(u64, log2[5], UINT64_C(66667) << 40));
    cr_expect(eq(u64, log2[11], UINT64_C(133333) << 40));
    cr_expect(eq(u64, log2[19], UINT64_C(1) << 40));
    cr_expect(eq(u64, all.count, UINT64_C(200001) << 40));
    cr_expect(eq(u64, durations_quantile(&all, 1000), 1000000));
    durations_clear(&all);
}

Test(durations, counters_that_merging_would_fill_become_wide)
{
    enum { EACH = 40000 }; /* of two bytes, twice as many are not */
    struct durations a = {0}, b = {0}, whole = {0};
    for (unsigned i = 0; i < EACH; i++) {
        durations_add(&a, 1000);
        durations_add(&b, i % 2 ? 1000 : 50000);
        durations_add(&whole, 1000);
        durations_add(&whole, i % 2 ? 1000 : 50000);
    }
    durations_merge(&a, &b);
    expect_same(&whole, &a);
    cr_expect(eq(uint, a.form, DURATIONS_NARROW));
    durations_merge(&a, &b);
    for (unsigned i = 0; i < EACH; i++)
        durations_add(&whole, i % 2 ? 1000 : 50000);
    expect_same(&whole, &a);
    cr_expect(eq(uint, a.form, DURATIONS_WIDE));
    durations_clear(&a);
    durations_clear(&b);
    durations_clear(&whole);
}

Test(durations, sums_stay_at_the_most_that_64_bits_hold)
{
    static const uint64_t NS[] = {UINT64_MAX, UINT64_MAX - 1, 7, 1, UINT64_C(1) << 63};
    for (size_t count = 1; count <= 5; count++) {
        struct durations all = durations_from(NS, count), back;
        cr_expect(eq(u64, all.total_ns, UINT64_MAX));
        cr_expect(eq(u64, all.max_ns, UINT64_MAX));
        uint8_t at[ROOM];
        struct arena arena = {0};
        struct row_reader row = {at, durations_put(at, &all), false};
        durations_take(&row, &arena, &back);
        cr_assert(not(row.bad));
        expect_same(&all, &back);
        durations_clear(&all);
        arena_clear(&arena);
    }
    struct durations many, sum = {0};
    struct durations_bucket bucket = {UINT64_MAX, (uint16_t)durations_bucket(5)};
    cr_assert(durations_of_buckets(&many, &bucket, 1, UINT64_MAX, 5, 5));
    for (unsigned i = 0; i < 4; i++)
        durations_merge(&sum, &many);
    durations_add(&sum, 5);
    cr_expect(eq(u64, sum.count, UINT64_MAX));
    cr_expect(eq(u64, durations_quantile(&sum, 500), 5));
    durations_clear(&sum);
}

/* --- quantiles --- */

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void expect_close(uint64_t *ns, size_t count, const char *what)
{
    struct durations all = durations_from(ns, count);
    qsort(ns, count, sizeof *ns, compare);
    for (unsigned share = 0; share <= 1000; share++) {
        size_t rank = (count * share + 999) / 1000;
        uint64_t right = ns[rank ? rank - 1 : 0];
        uint64_t found = durations_quantile(&all, share);
        uint64_t off = found > right ? found - right : right - found;
        cr_assert(off <= right / 20 + 1, "%s, %u of 1000: %llu, not %llu", what, share,
                  (unsigned long long)found, (unsigned long long)right);
    }
    durations_clear(&all);
}

/* As -log2(1 - u) for u from 0 to 1, times 2^20, straight between whole numbers. */
static uint64_t exponential(uint64_t *state)
{
    uint64_t random = next_random(state) | 1;
    unsigned zeros = (unsigned)__builtin_clzll(random);
    return ((uint64_t)zeros << 20) + ((UINT64_MAX - (random << zeros)) >> 43);
}

Test(durations, quantiles_are_within_5_percent)
{
    enum { COUNT = 20000 };
    static uint64_t ns[COUNT];
    uint64_t state = 4;
    for (size_t i = 0; i < COUNT; i++)
        ns[i] = 1000 + next_random(&state) % 61;
    expect_close(ns, COUNT, "narrow");
    for (size_t i = 0; i < COUNT; i++)
        ns[i] = next_random(&state) % 1000000;
    expect_close(ns, COUNT, "uniform");
    for (size_t i = 0; i < COUNT; i++)
        ns[i] = exponential(&state);
    expect_close(ns, COUNT, "exponential");
    for (size_t i = 0; i < COUNT; i++)
        ns[i] = UINT64_MAX / (next_random(&state) | 1) * 200;
    expect_close(ns, COUNT, "heavy tail");
    for (size_t i = 0; i < COUNT; i++)
        ns[i] = i % 10 ? 1030 : 5000000000;
    expect_close(ns, COUNT, "two");
    for (size_t i = 0; i < COUNT; i++)
        ns[i] = next_random(&state) >> next_random(&state) % 64;
    expect_close(ns, COUNT, "all lengths");
    for (size_t i = 0; i < COUNT; i++)
        ns[i] = i % 40;
    expect_close(ns, COUNT, "small");
    for (size_t count = 1; count < 50; count++) {
        for (size_t i = 0; i < count; i++)
            ns[i] = next_random(&state) >> next_random(&state) % 64;
        expect_close(ns, count, "few");
    }
}

Test(durations, quantiles_of_none_are_0_and_of_few_exact)
{
    static const uint64_t NS[] = {1030, 5, 2000000};
    struct durations all = {0};
    cr_expect(eq(u64, durations_quantile(&all, 500), 0));
    cr_expect(eq(u64, durations_quantile_rounded(&all, 500), 0));
    all = durations_from(NS, 3);
    cr_expect(eq(u64, durations_quantile(&all, 0), 5));
    cr_expect(eq(u64, durations_quantile(&all, 500), 1030));
    cr_expect(eq(u64, durations_quantile(&all, 990), 2000000));
}

Test(durations, rounded_quantiles_have_the_digits_that_they_are_worth)
{
    struct durations all = {0};
    for (unsigned i = 0; i < 1000; i++)
        durations_add(&all, i % 2 ? 29876 : 5000000);
    cr_expect(eq(u64, durations_quantile_rounded(&all, 400), 29900));
    cr_expect(eq(u64, durations_quantile_rounded(&all, 1000), 5000000));
    durations_clear(&all);
    for (unsigned i = 0; i < 1000; i++)
        durations_add(&all, 1030);
    cr_expect(eq(u64, durations_quantile_rounded(&all, 500), 1030));
    durations_clear(&all);
    for (unsigned i = 0; i < 1000; i++)
        durations_add(&all, 123456);
    cr_expect(eq(u64, durations_quantile_rounded(&all, 500), 123456), "not below the minimum");
    durations_add(&all, UINT64_MAX);
    cr_expect(durations_quantile_rounded(&all, 1000) >= UINT64_MAX / 100 * 99);
    durations_clear(&all);
}

Test(durations, quantiles_are_in_order_from_minimum_to_maximum)
{
    uint64_t state = 8;
    for (unsigned round = 0; round < 3000; round++) {
        struct durations all = {0};
        unsigned shift = (unsigned)(next_random(&state) % 60);
        uint64_t least = next_random(&state) >> next_random(&state) % 64;
        for (uint64_t left = 1 + next_random(&state) % 60; left > 0; left--)
            durations_add(&all, least / 2 + (next_random(&state) >> shift >> 4));
        uint64_t exact = all.min_ns, shown = all.min_ns;
        for (unsigned share = 0; share <= 1000; share++) {
            uint64_t next = durations_quantile(&all, share);
            uint64_t next_shown = durations_quantile_rounded(&all, share);
            cr_assert(next >= exact && next <= all.max_ns);
            cr_assert(next_shown >= shown && next_shown <= all.max_ns, "%u of 1000", share);
            exact = next;
            shown = next_shown;
        }
        durations_clear(&all);
    }
}

/* --- bytes --- */

Test(durations, what_is_read_is_what_was_written)
{
    static uint8_t at[ROOM];
    uint64_t state = 5;
    for (unsigned round = 0; round < 2000; round++) {
        struct durations all = {0}, back;
        size_t count = 1 + next_random(&state) % 100;
        uint64_t scale = next_random(&state) % 64;
        for (size_t i = 0; i < count; i++)
            durations_add(&all, next_random(&state) >> scale >> next_random(&state) % 8);
        uint8_t *end = durations_put(at, &all);
        cr_assert(le(sz, (size_t)(end - at), durations_numbers(&all) * ROW_NUMBER));
        struct arena arena = {0};
        struct row_reader row = {at, end, false};
        durations_take(&row, &arena, &back);
        cr_assert(not(row.bad));
        cr_assert(eq(sz, row_left(&row), 0));
        expect_same(&all, &back);
        durations_clear(&all);
        arena_clear(&arena);
    }
}

Test(durations, like_durations_take_few_bytes)
{
    uint8_t at[ROOM];
    struct durations all = {0};
    for (unsigned i = 0; i < 100; i++)
        durations_add(&all, 1000 + i);
    cr_expect(le(sz, (size_t)(durations_put(at, &all) - at), 12));
    durations_clear(&all);
}

/* Damaged bytes are refused or decode to valid durations. */
Test(durations, what_contradicts_itself_is_refused)
{
    static uint8_t good[ROOM], bad[ROOM], again[ROOM];
    uint64_t state = 6;
    struct durations all = {0};
    for (unsigned i = 0; i < 50; i++)
        durations_add(&all, next_random(&state) >> 40);
    size_t bytes = (size_t)(durations_put(good, &all) - good);
    durations_clear(&all);
    unsigned refused = 0;
    for (unsigned round = 0; round < 100000; round++) {
        memcpy(bad, good, bytes);
        for (unsigned i = 0; i <= round % 3; i++)
            bad[next_random(&state) % bytes] = (uint8_t)next_random(&state);
        struct row_reader row = {bad, bad + (round % 5 ? bytes : round % bytes), false};
        struct arena arena = {0};
        struct durations back;
        durations_take(&row, &arena, &back);
        refused += row.bad;
        if (row.bad) {
            cr_assert(eq(u64, back.count, 0));
        } else {
            durations_add(&back, 77);
            (void)durations_put(again, &back);
            cr_assert(durations_quantile(&back, 990) <= back.max_ns);
            durations_clear(&back);
        }
        arena_clear(&arena);
    }
    cr_expect(refused > 50000, "%u", refused);
    struct durations none;
    struct durations_bucket two[] = {{4, 80}, {1, 80}};
    cr_expect(not(durations_of_buckets(&none, two, 2, 6000, 1030, 1040)));
    cr_expect(not(durations_of_buckets(&none, two, 1, 4000, 1030, 1040)));
    cr_expect(not(durations_of_buckets(&none, two, 1, 4120, 1030, 4000)));
    cr_expect(durations_of_buckets(&none, two, 1, 4120, 1030, 1040));
    cr_expect(not(durations_of_few(&none, 2, 9, 0, 8)));
    cr_expect(not(durations_of_few(&none, 3, 7, 10, 9)));
    cr_expect(not(durations_of_few(&none, 0, 0, 0, 0)));
}
