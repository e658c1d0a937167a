/* results/slow_instances.h -- the slowest instances of a phase, as batches and folds keep them. */
#ifndef RESULTS_SLOW_INSTANCES_H
#define RESULTS_SLOW_INSTANCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "results/result.h"
#include "trace/slowest.h"

/* A thread that an instance has waited for, and that its owner has forgotten. */
struct gone_thread {
    int64_t pid, tid; /* or REPORT_NONE */
    uint32_t name;    /* as its owner numbers names */
};

/* One of them, with texts and values of its own. */
struct slow_instance {
    uint64_t thread;  /* id of the one that began it; 0: `tid` and `name` say all that is known */
    uint32_t stretch; /* of the thread: what before_* of its time is of */
    int32_t tid;      /* thread 0; TID_UNKNOWN if it was none */
    uint32_t name;    /* thread 0: of the thread, as its owner numbers names */
    struct instance_told told;
    int32_t filed_pid, filed_tid; /* as in struct result */
    struct gone_thread
        *gone; /* owned: `who` of a wait is then an index among them (fold_waits.c) */
    size_t gone_count;
};

/* Of one process and phase: a list for each rule, of which there is nearly always one. All zero is
 * empty. */
struct slow_instances {
    struct slowest *lists;
    size_t count, room;
};

/* Whether one that took so long may be kept. */
bool slow_instances_want(const struct slow_instances *all, const struct instance_told *told);
/* A copy of what a RESULT_INSTANCE tells, but for its time, which is empty. */
struct slow_instance *slow_instance_new(const struct result *result);
void slow_instance_free(struct slow_instance *instance);
/* Keeps it, or frees it; frees what it takes the place of. */
void slow_instances_take(struct slow_instances *all, struct slow_instance *take_instance);
/* That of this order; NULL. */
struct slow_instance *slow_instances_find(const struct slow_instances *all, uint64_t order);
/* Moves what `from` has into `to`; `from` is empty then. */
void slow_instances_merge(struct slow_instances *to, struct slow_instances *from);
/* Walks all: start with *at == 0, ends with NULL. */
struct slow_instance *slow_instances_next(const struct slow_instances *all, size_t *at);
void slow_instances_clear(struct slow_instances *all);

#endif
