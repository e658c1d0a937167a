/* tests/laws/map_piece.h -- events to the records of one interval, as a mapper makes them of a chunk. */
#ifndef TESTS_LAWS_MAP_PIECE_H
#define TESTS_LAWS_MAP_PIECE_H

#include "core/columns.h"
#include "core/core.h"
#include "wire/partial_codec.h"

struct map_piece {
    struct schema *schema;
    struct core *core; /* takes events, core_map() */
    struct row row;
    struct columns_out bytes; /* of records that the row had before */
    struct interval_end end;
};

/* `end` has the interval, its chunk, and what its traces tell. Classes and calls are those of `schema`,
 * whose definitions it is mapped with. */
void map_piece_begin(struct map_piece *piece, struct schema *schema,
                     const struct interval_end *end);
/* In batches of few, so that records pass to bytes between any events. */
void map_piece_add(struct map_piece *piece, const struct event *events, size_t count);
/* Gives its records to `sink`. */
void map_piece_end(struct map_piece *piece, const struct record_meta *meta,
                   struct record_sink sink);

#endif
