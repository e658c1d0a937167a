/* trace/slowest.h -- the slowest instances of a phase, in an order without ties.
 *
 * The order is by duration, the longest first; then by begin, the earliest first; then by the
 * number of the begin in the session. It depends only on the events, so parts can be selected
 * separately: the slowest of all are among the slowest of each part. */
#ifndef TRACE_SLOWEST_H
#define TRACE_SLOWEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Default and maximum of the number that a definition keeps. */
enum { SLOWEST_COUNT = 10, SLOWEST_COUNT_MAX = 1000 };
/* Maximum number of instances at or over a threshold. */
enum { SLOWEST_OVER_MAX = 1000 };

/* Which instances of a definition to keep. */
struct slowest_rule {
    uint32_t count;   /* the slowest ones */
    uint64_t over_ns; /* and all of at least this, up to SLOWEST_OVER_MAX in all; 0: none */
};

static inline bool slowest_rule_equal(struct slowest_rule a, struct slowest_rule b)
{
    return a.count == b.count && a.over_ns == b.over_ns;
}

struct instance_rank {
    uint64_t ns;       /* its duration */
    uint64_t begin_ns; /* its begin */
    uint64_t order;    /* number of its begin, unique in the session (or in what is compared) */
};

/* Below 0: `a` is first. */
int instance_rank_compare(const struct instance_rank *a, const struct instance_rank *b);

struct slowest_place {
    struct instance_rank rank;
    void *item;
};

/* The kept items, in order. All zero but `rule` is empty. */
struct slowest {
    struct slowest_rule rule;
    uint64_t least_ns;        /* shorter instances are not kept */
    struct slowest_place *at; /* owned; the items are not */
    size_t count, room;
};

void slowest_init(struct slowest *list, struct slowest_rule rule);
/* Frees the places. */
void slowest_clear(struct slowest *list);

/* Inserts an item. Returns the item that is not kept: NULL, an earlier item, or `item` itself. An
 * item whose order is already present is not kept. */
void *slowest_put(struct slowest *list, struct instance_rank rank, void *item);
/* The item with that order; NULL. */
void *slowest_find(const struct slowest *list, uint64_t order);

#endif
