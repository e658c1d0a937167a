/* reducer/decoded_chunk.h -- decodes the records of one chunk into its row. */
#ifndef REDUCER_DECODED_CHUNK_H
#define REDUCER_DECODED_CHUNK_H

#include "base/arena.h"
#include "core/core_row.h"
#include "base/failure.h"
#include "trace/partial.h"
#include "trace/schema.h"

struct decoded_chunk {
    struct row row; /* `end` points into its arena */
    struct interval_end end;
};

/* Decodes the records of a chunk that is not a gap, in order, with classes and calls of `schema`,
 * in memory of `store` (or NULL); the caller always clears it. REJECT: inconsistent records. STOP:
 * a newer format. */
MUST_CHECK enum status decoded_chunk_read(const struct bytes *records, size_t count,
                                          struct schema *schema, struct arena_store *store,
                                          struct decoded_chunk *out, struct failure *why);
void decoded_chunk_clear(struct decoded_chunk *whole);

#endif
