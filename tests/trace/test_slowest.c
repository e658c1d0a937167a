#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "trace/slowest.h"

/* Durations with many ties. */
static struct instance_rank rank_of(uint64_t number)
{
    return (struct instance_rank){
        .ns = number * 7919 % 23, .begin_ns = number * 31 % 11, .order = number + 1};
}

static const struct slowest_rule rules[] = {{.count = 3},
                                            {.count = 0},
                                            {.count = 0, .over_ns = 20},
                                            {.count = 5, .over_ns = 21},
                                            {.count = 200, .over_ns = 1}};
enum { RULES = sizeof rules / sizeof *rules, ALL = 120 };

/* Puts numbers `from` on, each `step`th, into the list; items are their numbers + 1. */
static void put(struct slowest *list, size_t from, size_t step)
{
    static char items[ALL];
    for (size_t i = from; i < ALL; i += step)
        (void)slowest_put(list, rank_of(i), &items[i]);
}

Test(slowest, are_the_first_of_the_order)
{
    for (size_t r = 0; r < RULES; r++) {
        struct slowest list;
        slowest_init(&list, rules[r]);
        put(&list, 0, 1);
        size_t over = 0;
        for (size_t i = 0; i < ALL; i++)
            over += rules[r].over_ns > 0 && rank_of(i).ns >= rules[r].over_ns;
        size_t most = rules[r].count > over ? rules[r].count : over;
        cr_expect(eq(sz, list.count, most < ALL ? most : ALL));
        for (size_t i = 1; i < list.count; i++)
            cr_expect(instance_rank_compare(&list.at[i - 1].rank, &list.at[i].rank) < 0);
        for (size_t i = 0; i < ALL; i++) {
            const struct instance_rank rank = rank_of(i);
            size_t before = 0;
            for (size_t k = 0; k < ALL; k++) {
                const struct instance_rank other = rank_of(k);
                before += instance_rank_compare(&other, &rank) < 0;
            }
            bool found = slowest_find(&list, rank.order) != NULL;
            cr_expect(found == (before < list.count));
        }
        slowest_clear(&list);
    }
}

Test(slowest, of_parts_are_those_of_the_whole)
{
    for (size_t r = 0; r < RULES; r++) {
        struct slowest whole, joined;
        slowest_init(&whole, rules[r]);
        slowest_init(&joined, rules[r]);
        put(&whole, 0, 1);
        for (size_t part = 0; part < 4; part++) {
            struct slowest list;
            slowest_init(&list, rules[r]);
            put(&list, part, 4);
            for (size_t i = 0; i < list.count; i++)
                (void)slowest_put(&joined, list.at[i].rank, list.at[i].item);
            slowest_clear(&list);
        }
        cr_assert(eq(sz, joined.count, whole.count));
        for (size_t i = 0; i < whole.count; i++)
            cr_expect(joined.at[i].item == whole.at[i].item);
        slowest_clear(&whole);
        slowest_clear(&joined);
    }
}

Test(slowest, over_a_threshold_are_bounded)
{
    struct slowest list;
    slowest_init(&list, (struct slowest_rule){.count = 1, .over_ns = 10});
    char item;
    for (uint64_t i = 0; i < 2 * SLOWEST_OVER_MAX; i++) {
        void *left = slowest_put(&list, (struct instance_rank){10 + i, 0, i + 1}, &item);
        cr_expect(i < SLOWEST_OVER_MAX ? left == NULL : left != NULL);
    }
    cr_expect(eq(sz, list.count, SLOWEST_OVER_MAX));
    cr_expect(eq(u64, list.least_ns, 10 + SLOWEST_OVER_MAX));
    void *again = slowest_put(&list, list.at[5].rank, &item);
    cr_expect(again == &item, "one is there once");
    slowest_clear(&list);
}
