/* cli/render/report_view.h -- common options and output of commands that show a report. */
#ifndef CLI_RENDER_REPORT_VIEW_H
#define CLI_RENDER_REPORT_VIEW_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/render/report_filter.h"
#include "results/report.h"

enum report_format { FORMAT_TEXT, FORMAT_JSON };
#define FORMAT_WORDS "text json"

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };
#define WHEN_WORDS "auto always never"

enum { TOP_MAX = 1000000 };

struct report_view {
    enum report_format format;
    size_t top; /* rows of a table */
    enum when color;
    unsigned jobs; /* number of threads; 0 is one */
    struct report_filter filter;
};

/* Drops what the filter does not select. Returns NULL; or, if none of the given processes exists, a
 * message that names some existing ones, which the caller frees. */
char *report_view_filter(const struct report_view *view, struct report *report);
/* `screen` is the destination of `out`, which may be a buffer: it defines the width of tables, and
 * whether there are colors. */
void report_view_write(const struct report_view *view, const struct report *report, FILE *out,
                       FILE *screen);
/* Reports the reason for each phase definition that matches nothing. Returns their number. */
size_t report_view_say_faults(const struct report *report,
                              void (*say)(void *context, const char *sentence), void *context);
/* Whether events were lost or chunks are missing. */
bool report_view_is_lossy(const struct report *report);

/* `auto` means: `stream` is a terminal; for colors also: NO_COLOR is not set (no-color.org). */
bool report_view_is_now(enum when when, FILE *stream);
bool report_view_color(enum when when, FILE *stream);

/* Of a terminal; elsewhere $COLUMNS, if it is exported, or 0. */
struct screen_size {
    unsigned columns, rows;
};
struct screen_size report_view_screen(FILE *stream);

#endif
