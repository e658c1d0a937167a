/* cli/render/report_view.h -- how a report is shown; what commands that show one have in common. */
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
    unsigned jobs; /* threads that may work on it; 0 is one */
    struct report_filter filter;
};

/* Drops what is not asked for. NULL, or a sentence, the caller's: processes were asked for, and there
 * is none of them; it names some that there are. */
char *report_view_filter(const struct report_view *view, struct report *report);
/* Tables of the width of `screen`, and with colors if it is a terminal and they are not
 * forbidden; it is where `out`, perhaps a buffer, will go. */
void report_view_write(const struct report_view *view, const struct report *report, FILE *out,
                       FILE *screen);
/* Whether it tells of lost events or missing chunks. */
/* Says of each phase definition that matches nothing why. Returns how many do. */
size_t report_view_say_faults(const struct report *report,
                              void (*say)(void *context, const char *sentence), void *context);
bool report_view_is_lossy(const struct report *report);

/* `auto` means: `stream` is a terminal; for colors also: NO_COLOR is not set (no-color.org). */
bool report_view_is_now(enum when when, FILE *stream);
bool report_view_color(enum when when, FILE *stream);

/* Of a terminal; 0 where there is none. */
struct screen_size {
    unsigned columns, rows;
};
struct screen_size report_view_screen(FILE *stream);

#endif
