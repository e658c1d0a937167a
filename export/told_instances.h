/* export/told_instances.h -- the phase instances that an interval tells of one by one, as outputs need
 * them: with names, with times since the Unix epoch, with the instance that each is part of. */
#ifndef EXPORT_TOLD_INSTANCES_H
#define EXPORT_TOLD_INSTANCES_H

#include "export/interval.h"

struct told_blocked {
    struct text call; /* empty: in none */
    int64_t ns;
};

struct told_one {
    uint64_t order;    /* its identity within the session; report_instance_id() writes it */
    uint64_t thread;   /* id, of the one that began it */
    struct text phase; /* a path */
    int64_t begin_ns, end_ns;
    struct text process;       /* what it is called; empty: nothing tells it */
    struct text thread_name;   /* likewise */
    int32_t pid, tid, end_tid; /* 0: not known; end_tid: of another thread that ended it */
    int64_t user_ns, sys_ns, runnable_ns, blocked_ns, unknown_ns;
    int64_t irq_ns, softirq_ns;   /* of user_ns and sys_ns: struct interrupted */
    struct told_blocked *blocked; /* what blocked_ns is the sum of; each call once */
    size_t blocked_count;
    const struct instance_told *told; /* for its values */
    uint64_t syscalls;
    /* The innermost one of this interval that it is part of, as far as that is known: it began within
     * it, ended within it, and has its path but for the last name. NULL: none. */
    const struct told_one *parent;
};

struct told_instances {
    struct told_one *at; /* by begin, then by order */
    size_t count;
    /* Times of instances of intervals before turned out to be others: what was told of them is not
     * corrected. */
    uint64_t late;
};

/* In `arena`; texts are views of the interval's. */
void told_instances_of(const struct export_interval *interval, struct arena *arena,
                       struct told_instances *out);

#endif
