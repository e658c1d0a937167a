/* cli/render/json.h -- a report as JSON Lines: the contract of `report --format json`
 * (docs/RESULTS.md). Fields of the contract first and in its order; what is more comes after,
 * as does the type `file`. */
#ifndef CLI_RENDER_JSON_H
#define CLI_RENDER_JSON_H

#include <stdio.h>

#include "base/bytes.h"
#include "results/report.h"

/* The caller looks at ferror(out) when it closes it. Several threads put long reports together if
 * `jobs` is more than one; they come out the same. */
void report_write_json(FILE *out, const struct report *report, unsigned jobs);

/* json_string() of cli/render/json_text.h. */
void json_write_text(FILE *out, struct text text);

#endif
