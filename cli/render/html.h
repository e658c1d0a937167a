/* cli/render/html.h -- a report as one page for a browser, which needs nothing else and asks no network. */
#ifndef CLI_RENDER_HTML_H
#define CLI_RENDER_HTML_H

#include <stdbool.h>
#include <stdio.h>

#include "results/report.h"

/* The page has rows of report_write_json() in it: of each table the 1,000 that took longest, and how many were
 * left out (`left_out`); descriptors are left out. Of the slowest instances it has `stories`: a JSON object a line,
 * of `session`, `id` and `story`, the text of `spanmill explain`. The caller looks at ferror(out) as well; false: memory
 * for the stream could not be had. */
bool report_write_html(FILE *out, const struct report *report, unsigned jobs, const char *stories);

#endif
