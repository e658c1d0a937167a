/* cli/timeline/timeline.h -- a Perfetto trace: phases, system calls and user-space events of each
 * thread; runs and interrupts of each CPU; requests of block devices; wakeups with their wakers;
 * counters.
 *
 * It is written while the events are read; memory holds open slices, and a little per thread. */
#ifndef CLI_TIMELINE_TIMELINE_H
#define CLI_TIMELINE_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/story/follow.h"
#include "results/report.h"

/* A time range that is shown, inclusive; Unix epoch. */
struct timeline_window {
    int64_t begin_ns, end_ns;
};

/* A highlighted time range, on a separate track. */
struct timeline_mark {
    struct timeline_window window;
    struct text name;
};

struct timeline_options {
    const struct chunk_ref *chunks; /* of one session, in order */
    size_t count;
    const struct phase_definitions *phases;
    const struct session_report *report; /* names of threads and descriptors; NULL: unknown */
    struct reader_warnings warnings;
    /* Selects the processes whose phases, calls and events are shown; runs on CPUs are shown for
     * all. `pid` may be REPORT_NONE. NULL: all. */
    bool (*shows)(const void *context, int64_t pid);
    const void *shows_context;
    const struct timeline_window *windows; /* ascending, disjoint */
    size_t window_count;
    const struct timeline_mark *marks;
    size_t mark_count;
    bool (*stop)(void *context); /* called occasionally; NULL: never stops */
};

struct timeline_counts {
    uint64_t calls;          /* shown ones that began in a window */
    uint64_t unknown_events; /* calls and user-space events whose thread is unknown: not shown */
    size_t failed;           /* chunks */
    bool stopped;
};

/* False: not all could be written to `out`. */
bool timeline_write(const struct timeline_options *options, FILE *out,
                    struct timeline_counts *counts);

#endif
