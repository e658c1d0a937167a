/* trace/slowest.h -- the slowest of some instances of a phase: the first of them in one order that has
 * no ties.
 *
 * The order is by duration, the longest first; of equal ones, the one begun first; and of those begun
 * at one instant, by the number of their begin in the session. It depends on nothing but the events, so
 * whoever has some of the instances may drop what is not among the slowest of these: the slowest of all
 * are among the slowest of each part. */
#ifndef TRACE_SLOWEST_H
#define TRACE_SLOWEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many are kept where a definition does not say, and how many it may ask for. */
enum { SLOWEST_COUNT = 10, SLOWEST_COUNT_MAX = 1000 };
/* Of instances that are at or over a threshold, so many at most. */
enum { SLOWEST_OVER_MAX = 1000 };

/* What is kept of the instances of a definition. */
struct slowest_rule {
    uint32_t count;   /* the slowest ones */
    uint64_t over_ns; /* and all that take that long, up to SLOWEST_OVER_MAX in all; 0: none */
};

static inline bool slowest_rule_equal(struct slowest_rule a, struct slowest_rule b)
{
    return a.count == b.count && a.over_ns == b.over_ns;
}

struct instance_rank {
    uint64_t ns;       /* its duration */
    uint64_t begin_ns; /* its begin */
    uint64_t order;    /* of its begin, unique in the session (or in what is compared) */
};

/* Below 0: `a` comes first. */
int instance_rank_compare(const struct instance_rank *a, const struct instance_rank *b);

struct slowest_place {
    struct instance_rank rank;
    void *item;
};

/* Those kept of what was put in, in their order. All zero but `rule` is an empty one. */
struct slowest {
    struct slowest_rule rule;
    uint64_t least_ns;        /* what takes less has no place */
    struct slowest_place *at; /* owned; the items are not */
    size_t count, room;
};

void slowest_init(struct slowest *list, struct slowest_rule rule);
/* Frees the places. */
void slowest_clear(struct slowest *list);

/* Puts an item in its place. Returns what has none any more: NULL, an item that was there, or `item`
 * itself. One of an order that is there already has none. */
void *slowest_put(struct slowest *list, struct instance_rank rank, void *item);
/* The item of that order; NULL. */
void *slowest_find(const struct slowest *list, uint64_t order);

#endif
