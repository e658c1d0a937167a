/* cli/report_options.h -- what `spanmill report` was asked for, checked as far as it can be
 * before a trace is open. */
#ifndef CLI_REPORT_OPTIONS_H
#define CLI_REPORT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/options.h"
#include "cli/render/report_view.h"
#include "cli/time_point.h"
#include "trace/phases.h"

/* Strings belong to argv. */
struct report_options {
    enum report_format format;
    const char **phase_files;
    size_t phase_file_count, phase_file_room;
    const char **phases; /* in the period grammar */
    size_t phase_count, phase_room;
    size_t top;
    int64_t *pids; /* empty: all */
    size_t pid_count, pid_room;
    const char **processes; /* empty: all */
    size_t process_count, process_room;
    struct time_point since, until;
    unsigned jobs;      /* 0: as many as there are CPUs */
    const char *output; /* NULL: stdout */
    const char *reader; /* NULL: the usual one */
    enum when color, progress;
    bool strict;
    bool stats;
    char **traces; /* the operands; at least one */
    size_t trace_count;
};

/* Fills `options`, which report_options_clear() empties whatever the outcome. */
enum options_outcome report_options_parse(struct report_options *options, int argc, char **argv,
                                          FILE *out, FILE *err);
void report_options_clear(struct report_options *options);

/* All definitions: of the files first, then of the command line, so that these may name those as
 * parents. REJECT names file or period, and the place. */
MUST_CHECK enum status report_options_phases(const struct report_options *options,
                                             struct phase_definitions *phases, struct failure *why);

bool report_options_progress(const struct report_options *options, FILE *stream);

#endif
