/* export/listed_instances.h -- the listed phase instances of an interval for outputs: with names,
 * Unix times, and the enclosing instance of each. */
#ifndef EXPORT_LISTED_INSTANCES_H
#define EXPORT_LISTED_INSTANCES_H

#include "export/interval.h"

struct listed_blocked {
    struct text call; /* empty: in no call */
    int64_t ns;
};

/* Waits of an instance for others with the same name. */
struct listed_wait {
    bool is_of_blocked; /* by waker; else of runnable time, by the running thread */
    struct text by;
    int64_t ns;
};

struct listed_instance {
    uint64_t order;    /* its id in the session; report_instance_id() formats it */
    uint64_t thread;   /* id, of the one that began it */
    struct text phase; /* a path */
    int64_t begin_ns, end_ns;
    struct text process;       /* its name; empty: unknown */
    struct text thread_name;   /* empty: unknown */
    int32_t pid, tid, end_tid; /* 0: unknown; end_tid: of another thread that ended it */
    int64_t user_ns, sys_ns, runnable_ns, blocked_ns, unknown_ns;
    int64_t irq_ns, softirq_ns;     /* of user_ns and sys_ns: struct interrupted */
    struct listed_blocked *blocked; /* they add up to blocked_ns; each call once */
    size_t blocked_count;
    struct listed_wait *waits; /* of its largest waits */
    size_t wait_count;
    const struct instance_result *content; /* for its values */
    uint64_t syscalls;
    /* The innermost enclosing instance listed in this interval: this one began and ended within it,
     * and its path is that of the parent plus one name. NULL: none known. */
    const struct listed_instance *parent;
};

struct listed_instances {
    struct listed_instance *at; /* by begin, then by order */
    size_t count;
    /* Number of corrections to times of instances of earlier intervals, which are not sent
     * again. */
    uint64_t late;
};

/* In `arena`; texts point into the interval. */
void listed_instances_of(const struct export_interval *interval, struct arena *arena,
                         struct listed_instances *out);

#endif
