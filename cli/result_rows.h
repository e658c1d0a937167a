/* cli/result_rows.h -- prints results as rows, one for each `every_ns`, as they arrive. */
#ifndef CLI_RESULT_ROWS_H
#define CLI_RESULT_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/result_log.h"

struct result_rows;

/* JSON Lines, or a table with fixed column widths. */
struct result_rows *result_rows_new(bool json, uint64_t every_ns);
/* Sets the destination, before the first row; borrowed. */
void result_rows_to(struct result_rows *rows, FILE *out);
void result_rows_free(struct result_rows *rows); /* NULL is fine */

/* Adds the results of a transaction to the row of its last event; a row is written when data of a
 * later row arrives. */
void result_rows_take(struct result_rows *rows, const struct result_flush *flush);
/* Writes rows without new data for `quiet_s`, by the monotonic clock; 0: all. */
void result_rows_write(struct result_rows *rows, double quiet_s);

#endif
