/* core/row_bytes.h -- a row as bytes, and back. */
#ifndef CORE_ROW_BYTES_H
#define CORE_ROW_BYTES_H

#include "core/columns.h"
#include "core/core_row.h"

/* `schema` made its calls and classes. */
void row_write(const struct row *row, const struct schema *schema, struct columns_out *out);
/* The same in steps, so that a row is never large: between events, the records that are in it pass to its bytes;
 * at its end, the rest. */
void row_write_some(struct row *row, const struct schema *schema, struct columns_out *out);
void row_write_rest(struct row *row, const struct schema *schema, struct columns_out *out);

/* Into an empty row, which borrows the bytes; `schema` makes calls, and classes under `phases`.
 * REJECT: the bytes contradict themselves. STOP: they are newer than this program. The row is empty then. */
MUST_CHECK enum status row_read(struct bytes bytes, struct schema *schema,
                                const struct phase_set *phases, struct row *row,
                                struct failure *why);

#endif
