/* cli/render/json.h -- a report as JSON Lines: the format of `report --format json`
 * (docs/RESULTS.md). Documented fields come first and in the documented order, then additional ones
 * and the type `file`. */
#ifndef CLI_RENDER_JSON_H
#define CLI_RENDER_JSON_H

#include <stdio.h>

#include "base/bytes.h"
#include "results/report.h"

/* The caller checks ferror(out). If `jobs` is more than one, several threads format long reports;
 * the output is the same. */
void report_write_json(FILE *out, const struct report *report, unsigned jobs);

/* json_string() of cli/render/json_text.h. */
void json_write_text(FILE *out, struct text text);

#endif
