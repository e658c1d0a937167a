/* trace/passed.h -- descriptors that a mapper has seen from creation to end, encoded as a sequence
 * of bytes. Only the fold decodes them, for the rows of a report.
 *
 * For each descriptor, as numbers of base/row.h: its number; its kind and its flags; its begin,
 * relative to the end of the previous one (the first: to 0), and its end, relative to its begin,
 * both signed; its name, if it has one; its uses, if there are any, as durations_put(), and the
 * bytes read and written. */
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

/* The encoder; all zero is empty. */
struct passed_out {
    uint8_t *at;
    size_t count, room;
    uint64_t passed; /* number of descriptors */
    uint64_t end_ns; /* of the last */
};

void passed_put(struct passed_out *out, const struct passed *passed);

/* The decoder, of `count` descriptors or fewer. */
struct passed_in {
    struct row_reader row;
    uint64_t end_ns;
};

static inline struct passed_in passed_in(struct bytes bytes)
{
    /* Without bytes, `at` may be NULL: nothing may be added to it. */
    const uint8_t *end = bytes.count > 0 ? bytes.at + bytes.count : bytes.at;
    return (struct passed_in){.row = {bytes.at, end, false}};
}

/* Decodes the next one: its name points into the bytes, its uses into `arena` (NULL: it is only
 * checked). False: no more, or `in->row` is bad. */
bool passed_take(struct passed_in *in, struct arena *arena, struct passed *out);

/* Whether the bytes are `count` valid descriptors. */
bool passed_are(struct bytes bytes, uint64_t count);

#endif
