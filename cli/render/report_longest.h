/* cli/render/report_longest.h -- reduces a report to what a page can show. */
#ifndef CLI_RENDER_REPORT_LONGEST_H
#define CLI_RENDER_REPORT_LONGEST_H

#include <stddef.h>

#include "results/report.h"

/* The number of rows left out of each table. */
struct report_left_out {
    size_t processes, threads, syscalls, phases, instances, fds, files, counts, spans, scheds,
        wakers, ran_instead;
};

/* A copy of the session without descriptors, with the `most` rows of each table that took longest,
 * in their order. Processes and threads are selected by CPU time, counts by number. Strings are
 * borrowed from the report; the caller owns the arrays: session_longest_free(). */
struct session_report session_longest(const struct session_report *session, size_t most,
                                      struct report_left_out *left_out);
void session_longest_free(struct session_report *longest);

#endif
