/* tests/laws/random_trace.h -- traces that no real machine would write: few CPUs, threads, and
 * descriptor numbers, with many events each, some of them contradictory. */
#ifndef TESTS_LAWS_RANDOM_TRACE_H
#define TESTS_LAWS_RANDOM_TRACE_H

#include "law.h"

struct random_trace_options {
    size_t events;
    unsigned lies;     /* percentage of events that contradict earlier ones */
    unsigned filtered; /* percentage of switches that are not recorded */
    unsigned losses;   /* number of borders per 1000 events */
    unsigned pauses;   /* percentage of events that are seconds later than the previous one */
    bool contexts;     /* kernel events carry tid and pid */
    bool numbers;      /* events have vtid, vpid, pid_ns, procname at random; programs */
    bool no_switches;  /* the kernel trace has no sched_switch */
    bool no_calls;     /* it has no system calls */
    bool user_only;
    /* Percentage of events of a server that hands requests from thread to thread; most of the
     * others leave its threads alive. */
    unsigned handed;
    bool wide;    /* more threads and numbers */
    bool changes; /* phase definitions change from piece to piece; for the mapping code */
};

/* Phase definitions of these traces; others that they change to. */
extern const char random_trace_phases[];
/* For traces with `handed`: only the definitions that it begins and ends. */
extern const char random_trace_handed_phases[];
/* Counts, for a definitions file with any of the phases. */
enum { RANDOM_TRACE_COUNTS = 4 };
extern const char *const random_trace_counts[RANDOM_TRACE_COUNTS];
enum { RANDOM_TRACE_OTHERS = 4 };
extern const char *const random_trace_other_phases[RANDOM_TRACE_OTHERS];

void random_trace(struct law_trace *trace, uint64_t seed,
                  const struct random_trace_options *options);

#endif
