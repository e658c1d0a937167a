/* wire/partial_rows.h -- the items of a partial, read from its rows. For partial_decode.c. */
#ifndef WIRE_PARTIAL_ROWS_H
#define WIRE_PARTIAL_ROWS_H

#include "wire/partial_codec.h"

/* A message Partial, in place. */
struct partial_parts {
    unsigned format; /* of the record */
    const struct text *names;
    size_t name_count;
    uint64_t base_ns;
    uint64_t items;
    struct bytes rows;
};

/* The fewest bytes of an item. */
enum { ITEM_BYTES_MIN = 3 };

/* Reads all items into `items`, which has room for them and is all zero. `phases` as for
 * partial_decode(). Texts are those of `parts`, the rest is in `arena`. REJECT: they contradict themselves.
 * STOP: an analysis of a newer version has told of them. */
MUST_CHECK enum status partial_rows_decode(const struct partial_parts *parts, struct schema *schema,
                                           const struct phase_set *phases, struct arena *arena,
                                           struct placed_item *items, struct failure *why);

#endif
