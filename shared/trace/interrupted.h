/* trace/interrupted.h -- the time that interrupt and softirq handlers took from a running thread.
 * It is a part of the thread's running time, in or outside of calls, not an addition to it. */
#ifndef TRACE_INTERRUPTED_H
#define TRACE_INTERRUPTED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

struct interrupted {
    uint64_t irq_ns;     /* in interrupt handlers */
    uint64_t softirq_ns; /* in softirqs, without interrupts during them */
    uint64_t sys_ns;     /* part of both, in calls */
    uint64_t before_ns;  /* part of both, in before_running_ns of a struct time_vector */
};

static inline void interrupted_add(struct interrupted *to, const struct interrupted *more)
{
    to->irq_ns += more->irq_ns;
    to->softirq_ns += more->softirq_ns;
    to->sys_ns += more->sys_ns;
    to->before_ns += more->before_ns;
}

/* Modulo 2^64. */
static inline void interrupted_subtract(struct interrupted *from, const struct interrupted *less)
{
    from->irq_ns -= less->irq_ns;
    from->softirq_ns -= less->softirq_ns;
    from->sys_ns -= less->sys_ns;
    from->before_ns -= less->before_ns;
}

static inline bool interrupted_any(const struct interrupted *interrupted)
{
    return (interrupted->irq_ns | interrupted->softirq_ns | interrupted->sys_ns |
            interrupted->before_ns) != 0;
}

/* Assigns the time before the first call: in a call, or in none. */
static inline void interrupted_resolve(struct interrupted *interrupted, bool in_call)
{
    if (in_call)
        interrupted->sys_ns += interrupted->before_ns;
    interrupted->before_ns = 0;
}

/* The softirqs of threads that exist to run softirqs are their own work. `name`: of the thread, or
 * its process. */
static inline void interrupted_by_others(struct interrupted *interrupted, struct text name)
{
    static const char softirqs[] = "ksoftirqd/";
    enum { COUNT = sizeof softirqs - 1 };
    if (name.count <= COUNT || memcmp(name.at, softirqs, COUNT) != 0)
        return;
    interrupted->softirq_ns = 0;
    if (interrupted->sys_ns > interrupted->irq_ns)
        interrupted->sys_ns = interrupted->irq_ns;
}

#endif
