/* cli/render/report_filter.h -- restricts a report to some processes. */
#ifndef CLI_RENDER_REPORT_FILTER_H
#define CLI_RENDER_REPORT_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "results/report.h"

struct report_filter {
    const int64_t *pids; /* none: all */
    size_t pid_count;
    const char *const *processes; /* names, or shell patterns; none: all */
    size_t process_count;
};

/* Whether the filter selects process `pid` (or REPORT_NONE) of the session. */
bool report_filter_wants(const struct report_filter *filter, const struct session_report *session,
                         int64_t pid);

/* Drops the rows of processes that the filter does not select by pid or name (if it has both, both
 * must match), and rows without a process; keeps CPUs, the summary, and counts that are not by
 * process. Returns the number of remaining processes. */
size_t report_filter(struct report *report, const struct report_filter *filter);

/* The process with the name nearest to a requested one, if any is near, and the processes of the
 * report, the busiest first: "the nearest is shopd (120); there are shopd (120), ..."; the caller
 * frees it. */
char *report_filter_known(const struct report *report, const struct report_filter *filter);

/* `not in the traces: process `shopt` (the nearest is shopd), pid 42`: what of the filter no process matches, if others are
 * matched; the caller frees it. NULL: nothing. To be called before report_filter(). */
char *report_filter_missing(const struct report *report, const struct report_filter *filter);

/* Drops processes, threads and descriptors without data since then (Unix epoch), even if they may
 * be live. */
void report_filter_since(struct report *report, int64_t begin_ns);

#endif
