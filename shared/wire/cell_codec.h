/* wire/cell_codec.h -- cells of analyses as messages of proto/result.proto, and back: by what the
 * published file itself says of its fields. A kind's message is the field of Result whose number is its tag; a
 * column is the field of that message whose number is the column's tag, and has its name. For the files of
 * results. */
#ifndef WIRE_CELL_CODEC_H
#define WIRE_CELL_CODEC_H

#include "analysis/atom.h"
#include "base/arena.h"
#include "result.pb-c.h"

/* Whoever encodes or decodes the rest of a record. */
struct cell_parts {
    uint32_t (*name)(void *context, struct text text); /* its number */
    Spanmill__Results__Durations *(*durations)(void *context, const struct durations *from);
    struct text (*text)(void *context, uint32_t name);
    void (*take_durations)(void *context, const Spanmill__Results__Durations *from,
                           struct durations *to);
    void *context;
    struct arena *arena;
};

void cell_encode(const struct cell_parts *parts, const struct atom *cell,
                 Spanmill__Results__Result *out);
/* NULL: the result is of a kind that this program does not know. */
const struct atom *cell_decode(const struct cell_parts *parts,
                               const Spanmill__Results__Result *from);

#endif
