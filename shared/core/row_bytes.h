/* core/row_bytes.h -- encodes a row as bytes, and decodes it. */
#ifndef CORE_ROW_BYTES_H
#define CORE_ROW_BYTES_H

#include "core/columns.h"
#include "core/core_row.h"

/* `schema` created the row's calls and classes. */
void row_write(const struct row *row, const struct schema *schema, struct columns_out *out);
/* The same in steps, to keep the row small: between events, encodes and removes the records so far;
 * at the end, the rest. */
void row_write_some(struct row *row, const struct schema *schema, struct columns_out *out);
void row_write_rest(struct row *row, const struct schema *schema, struct columns_out *out);

/* Reads into an empty row, which borrows the bytes; `schema` creates calls, and classes for
 * `phases`.
 * REJECT  the bytes are inconsistent; the row is empty
 * STOP    they are newer than this program; likewise */
MUST_CHECK enum status row_read(struct bytes bytes, struct schema *schema,
                                const struct phase_set *phases, struct row *row,
                                struct failure *why);

#endif
