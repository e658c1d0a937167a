/* cli/result_rows.h -- results as rows, one for each interval of so long: as they come. */
#ifndef CLI_RESULT_ROWS_H
#define CLI_RESULT_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/result_log.h"

struct result_rows;

/* Rows of `every_ns`: JSON Lines, or a table whose columns have fixed widths. */
struct result_rows *result_rows_new(bool json, uint64_t every_ns);
/* Where they go, before the first; borrowed. */
void result_rows_to(struct result_rows *rows, FILE *out);
void result_rows_free(struct result_rows *rows); /* NULL is fine */

/* What one transaction says. It is of the row in which its last event was; that row is written when one of
 * a later row comes. */
void result_rows_take(struct result_rows *rows, const struct result_flush *flush);
/* Writes rows to which nothing came for so long, by the monotonic clock; 0: all. */
void result_rows_write(struct result_rows *rows, double quiet_s);

#endif
