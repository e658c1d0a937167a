/* cli/render/report_filter.h -- only some processes of a report. */
#ifndef CLI_RENDER_REPORT_FILTER_H
#define CLI_RENDER_REPORT_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "results/report.h"

struct report_filter {
    const int64_t *pids; /* none: all */
    size_t pid_count;
    const char *const *processes; /* names, or patterns as of a shell; none: all */
    size_t process_count;
};

/* Whether process `pid` (or REPORT_NONE) of the session is asked for. */
bool report_filter_wants(const struct report_filter *filter, const struct session_report *session,
                         int64_t pid);

/* Drops the rows of processes that are neither asked for by pid nor by name (if both are asked
 * for, of those that are not both). What belongs to no process goes too; CPUs, the
 * summary and counts that are not by process stay. Returns how many processes are left. */
size_t report_filter(struct report *report, const struct report_filter *filter);

/* What processes there are, the busiest first, as words for people: "there are shopd (120), ..."; the
 * caller's. */
char *report_filter_known(const struct report *report);

/* Drops processes, threads and descriptors of which nothing was seen from then on (Unix epoch), though they
 * may live. */
void report_filter_since(struct report *report, int64_t begin_ns);

#endif
