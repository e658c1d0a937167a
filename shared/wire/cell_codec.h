/* wire/cell_codec.h -- encodes and decodes cells of analyses as messages of proto/result.proto, by
 * the field descriptors of that file. The message of a kind is the field of Result whose number is
 * the tag of the kind; a column is the field of that message with the number of the column's tag,
 * and with its name. For the encoder and decoder of results. */
#ifndef WIRE_CELL_CODEC_H
#define WIRE_CELL_CODEC_H

#include "analysis/atom.h"
#include "base/arena.h"
#include "result.pb-c.h"

#define KIND(kind) SPANMILL__RESULTS__RESULT__KIND_##kind

/* Functions of the encoder or decoder of the whole record. */
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
/* NULL: the result is of an unknown kind. */
const struct atom *cell_decode(const struct cell_parts *parts,
                               const Spanmill__Results__Result *from);

#endif
