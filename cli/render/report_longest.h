/* cli/render/report_longest.h -- a report cut down to what a page can show. */
#ifndef CLI_RENDER_REPORT_LONGEST_H
#define CLI_RENDER_REPORT_LONGEST_H

#include <stddef.h>

#include "results/report.h"

/* So many rows were left out of each table. */
struct report_left_out {
    size_t processes, threads, syscalls, phases, instances, fds, files, counts, spans, scheds,
        wakers, ran_instead;
};

/* A copy of the session with no descriptors, and with the `most` rows of each table that took longest, in
 * their order. Processes and threads go by their CPU time, counts by how many. Strings stay the report's; the arrays are
 * the caller's: session_longest_free(). */
struct session_report session_longest(const struct session_report *session, size_t most,
                                      struct report_left_out *left_out);
void session_longest_free(struct session_report *longest);

#endif
