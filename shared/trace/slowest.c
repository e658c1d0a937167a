#include "trace/slowest.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int instance_rank_compare(const struct instance_rank *a, const struct instance_rank *b)
{
    int order = compare(b->ns, a->ns);
    if (order == 0)
        order = compare(a->begin_ns, b->begin_ns);
    return order ? order : compare(a->order, b->order);
}

/* Whether the rule keeps an item of `ns` after `before` others. The kept items are a prefix of the
 * order, so the items before it are not shorter. */
static bool keeps(const struct slowest_rule *rule, size_t before, uint64_t ns)
{
    return before < rule->count ||
           (rule->over_ns > 0 && ns >= rule->over_ns && before < SLOWEST_OVER_MAX);
}

/* The shortest duration that would be kept, at the end of the list or instead of the last item. */
static uint64_t least_of(const struct slowest *list)
{
    const struct slowest_rule *rule = &list->rule;
    if (list->count < rule->count)
        return 0;
    if (rule->over_ns > 0 && list->count < SLOWEST_OVER_MAX) {
        bool all_over = list->count == 0 || list->at[list->count - 1].rank.ns >= rule->over_ns;
        return all_over ? rule->over_ns : list->at[list->count - 1].rank.ns;
    }
    return list->count > 0 ? list->at[list->count - 1].rank.ns : UINT64_MAX;
}

void slowest_init(struct slowest *list, struct slowest_rule rule)
{
    *list = (struct slowest){.rule = rule};
    list->least_ns = least_of(list);
}

void slowest_clear(struct slowest *list)
{
    free(list->at);
    slowest_init(list, list->rule);
}

void *slowest_put(struct slowest *list, struct instance_rank rank, void *item)
{
    if (rank.ns < list->least_ns)
        return item;
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = instance_rank_compare(&list->at[middle].rank, &rank);
        if (order == 0)
            return item;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (!keeps(&list->rule, low, rank.ns))
        return item;
    list->at = memory_grow(list->at, &list->room, list->count + 1, sizeof *list->at);
    memmove(list->at + low + 1, list->at + low, (list->count - low) * sizeof *list->at);
    list->at[low] = (struct slowest_place){rank, item};
    const struct slowest_place *last = &list->at[list->count];
    void *left = NULL;
    if (keeps(&list->rule, list->count, last->rank.ns))
        list->count++;
    else
        left = last->item;
    list->least_ns = least_of(list);
    return left;
}

void *slowest_find(const struct slowest *list, uint64_t order)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i].rank.order == order)
            return list->at[i].item;
    return NULL;
}
