/* cli/render/html.h -- a report as a self-contained HTML page, without network access. */
#ifndef CLI_RENDER_HTML_H
#define CLI_RENDER_HTML_H

#include <stdbool.h>
#include <stdio.h>

#include "results/report.h"

/* The page contains rows of report_write_json(): of each table the 1,000 that took longest, and the
 * number of the others (`left_out`); no descriptors. `stories` of the slowest instances has one
 * JSON object per line, with `session`, `id` and `story`, the text of `spanmill explain`. The
 * caller also checks ferror(out); false: no memory for the stream. */
bool report_write_html(FILE *out, const struct report *report, unsigned jobs, const char *stories);

#endif
