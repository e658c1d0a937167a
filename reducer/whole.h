/* reducer/whole.h -- the records of one chunk, decoded and put in their row again. */
#ifndef REDUCER_WHOLE_H
#define REDUCER_WHOLE_H

#include "base/arena.h"
#include "core/core_row.h"
#include "base/failure.h"
#include "trace/partial.h"
#include "trace/schema.h"

struct whole_chunk {
    struct row row; /* what the end points to is in its arena */
    struct interval_end end;
};

/* Decodes the records of a chunk that is no gap, in their order, with classes and calls of `schema`, in
 * memory of `store` (or NULL); to be cleared in any case. REJECT: the records contradict themselves. STOP: of a newer format. */
MUST_CHECK enum status whole_decode(const struct bytes *records, size_t count,
                                    struct schema *schema, struct arena_store *store,
                                    struct whole_chunk *out, struct failure *why);
void whole_clear(struct whole_chunk *whole);

#endif
