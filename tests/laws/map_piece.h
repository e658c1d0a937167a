/* tests/laws/map_piece.h -- maps events to the records of one interval, like a mapper does for a
 * chunk. */
#ifndef TESTS_LAWS_MAP_PIECE_H
#define TESTS_LAWS_MAP_PIECE_H

#include "base/arena.h"
#include "core/columns.h"
#include "core/core.h"
#include "wire/partial_codec.h"

struct map_piece {
    struct schema *schema;
    struct core *core; /* takes events, core_map() */
    struct row row;
    struct columns_out bytes; /* of earlier records of the row */
    struct interval_end end;
};

/* `end` has the interval, its chunk, and facts of its traces. Classes, calls and definitions are
 * those of `schema`. */
void map_piece_begin(struct map_piece *piece, struct schema *schema,
                     const struct interval_end *end);
/* In small batches, so that records become bytes between any events. */
void map_piece_add(struct map_piece *piece, const struct event *events, size_t count);
/* Passes its records to `sink`. */
void map_piece_end(struct map_piece *piece, const struct record_meta *meta,
                   struct record_sink sink);

/* The records of one piece, in memory of the arena. All zero is empty. */
struct piece_records {
    struct arena arena;
    struct bytes at[64];
    size_t count;
};

/* For a sink whose context is a struct piece_records. More than there is room for end the test. */
void piece_records_take(void *context, struct text key, struct bytes record);

#endif
