/* results/slow_instances.h -- the slowest instances of a phase, for batches and folds. */
#ifndef RESULTS_SLOW_INSTANCES_H
#define RESULTS_SLOW_INSTANCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "results/result.h"
#include "trace/slowest.h"

/* A thread that an instance has waited for, and that its owner has dropped. */
struct gone_thread {
    int64_t pid, tid; /* or REPORT_NONE */
    uint32_t name;    /* name id of its owner */
};

/* One instance, owning its texts and values. */
struct slow_instance {
    uint64_t thread;  /* id of the one that began it; 0: only `tid` and `name` are known */
    uint32_t stretch; /* of the thread, for before_* of its time */
    int32_t tid;      /* thread 0; TID_UNKNOWN if there was none */
    uint32_t name;    /* thread 0: name of the thread, as a name id of its owner */
    struct instance_result content;
    int32_t filed_pid, filed_tid; /* as in struct result */
    struct gone_thread *gone; /* owned: `who` of a wait is then an index into it (fold_waits.c) */
    size_t gone_count;
};

/* Of one process and phase: a list per rule, nearly always one. All zero is empty. */
struct slow_instances {
    struct slowest *lists;
    size_t count, room;
};

/* Whether an instance of this duration may be kept. */
bool slow_instances_want(const struct slow_instances *all, const struct instance_result *content);
/* A copy of a RESULT_INSTANCE, but with an empty time. */
struct slow_instance *slow_instance_new(const struct result *result);
void slow_instance_free(struct slow_instance *instance);
/* Keeps it, or frees it; frees the one that it replaces. */
void slow_instances_take(struct slow_instances *all, struct slow_instance *take_instance);
/* The one with that order; NULL. */
struct slow_instance *slow_instances_find(const struct slow_instances *all, uint64_t order);
/* Moves the contents of `from` into `to`; `from` is empty afterwards. */
void slow_instances_merge(struct slow_instances *to, struct slow_instances *from);
/* Iterates: start with *at == 0, ends with NULL. */
struct slow_instance *slow_instances_next(const struct slow_instances *all, size_t *at);
void slow_instances_clear(struct slow_instances *all);

#endif
