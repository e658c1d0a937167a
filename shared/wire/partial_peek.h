/* wire/partial_peek.h -- reads the metadata of a partial's record without decoding it. */
#ifndef WIRE_PARTIAL_PEEK_H
#define WIRE_PARTIAL_PEEK_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "wire/partial_codec.h"

struct record_place {
    struct record_meta meta; /* its session points into the record */
    uint64_t index;          /* in its attempt; of the end: number of records before it */
    unsigned format;
    bool is_end, is_gap; /* neither: a partial */
    bool is_zstd;        /* a partial, compressed */
    struct bytes body;   /* in the record: a message of that type, or a frame */
};

/* REJECT: not a record. STOP: a newer format than this program knows. */
MUST_CHECK enum status partial_peek(struct bytes record, struct record_place *out,
                                    struct failure *why);

#endif
