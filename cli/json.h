/* cli/json.h -- a report as JSON Lines: the contract of `report --format json`
 * (docs/RESULTS.md). Fields of the contract first and in its order; what is more comes after,
 * as does the type `file`. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdio.h>

#include "base/bytes.h"
#include "results/report.h"

/* The caller looks at ferror(out) when it closes it. */
void report_write_json(FILE *out, const struct report *report);

/* One JSON string, quoted. Bytes that are no UTF-8 become U+FFFD (cli/utf8.h): a name from a
 * trace may be any bytes, JSON may not. */
void json_write_text(FILE *out, struct text text);

#endif
