/* tests/laws/random_trace.h -- traces that no machine would write: few CPUs, threads and
 * descriptor numbers, much happening to each, and lies among it. */
#ifndef TESTS_LAWS_RANDOM_TRACE_H
#define TESTS_LAWS_RANDOM_TRACE_H

#include "law.h"

struct random_trace_options {
    size_t events;
    unsigned lies;     /* of 100 events, how many contradict what went before */
    unsigned filtered; /* of 100 switches, how many are not recorded */
    unsigned losses;   /* of 1000 events, how many are borders */
    unsigned pauses;   /* of 100 events, how many come seconds after the one before */
    bool contexts;     /* kernel events carry tid and pid */
    bool numbers;      /* events carry vtid, vpid, pid_ns, procname as they like; programs */
    bool no_switches;  /* the kernel trace has no sched_switch */
    bool no_calls;     /* nor system calls */
    bool user_only;
    /* Of 100 events, how many are of a server that hands requests from thread to thread; most of the others are
     * such as leave its threads alive. */
    unsigned handed;
    bool wide;    /* more threads and numbers */
    bool changes; /* definitions of phases change from piece to piece; for whoever maps it */
};

/* Phase definitions that these traces use; others that they are changed to. */
extern const char random_trace_phases[];
/* Of traces with `handed`: those alone that it begins and ends. */
extern const char random_trace_handed_phases[];
/* Counts, for a file of definitions with any of the phases. */
enum { RANDOM_TRACE_COUNTS = 4 };
extern const char *const random_trace_counts[RANDOM_TRACE_COUNTS];
enum { RANDOM_TRACE_OTHERS = 4 };
extern const char *const random_trace_other_phases[RANDOM_TRACE_OTHERS];

void random_trace(struct law_trace *trace, uint64_t seed,
                  const struct random_trace_options *options);

#endif
