/* trace/passed.h -- descriptors from their creation to their end, one behind the other, as bytes: what a mapper
 * says of those that it has seen whole, and nobody needs to look into before they are rows of a report.
 *
 * Of each, as numbers of base/row.h: its number; its kind and its flags; its begin, as the difference to the
 * end of the one before (of the first: to 0), and its end, as the difference to its begin, both signed; its
 * name, if it has one; its uses, if there are any, as durations_put(), and the bytes read and written. */
#ifndef TRACE_PASSED_H
#define TRACE_PASSED_H

#include "trace/cells.h"

struct passed {
    int32_t fd;
    uint8_t kind; /* enum descriptor_kind */
    bool named, end_hard;
    uint64_t begin_ns, end_ns;
    struct text name;
    struct use_cell uses; /* of its owner, in one phase */
};

/* Bytes in the making; all zero is none. */
struct passed_out {
    uint8_t *at;
    size_t count, room;
    uint64_t passed; /* how many */
    uint64_t end_ns; /* of the last */
};

void passed_put(struct passed_out *out, const struct passed *passed);

/* Bytes being read, of `count` descriptors or as many as there are. */
struct passed_in {
    struct row_reader row;
    uint64_t end_ns;
};

static inline struct passed_in passed_in(struct bytes bytes)
{
    return (struct passed_in){.row = {bytes.at, bytes.at + bytes.count, false}};
}

/* The next one: its name points into the bytes, its uses into `arena`. False: there is none, or `in->row` is bad. */
bool passed_take(struct passed_in *in, struct arena *arena, struct passed *out);

/* Whether the bytes are `count` descriptors. */
bool passed_are(struct bytes bytes, uint64_t count);

#endif
