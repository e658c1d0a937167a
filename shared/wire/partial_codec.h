/* wire/partial_codec.h -- encodes and decodes partials as protobuf records. The format is
 * proto/partial.proto.
 *
 * One attempt at mapping a chunk is a sequence of records: partials, which together contain the
 * bytes of the interval's row (core/row_bytes.h), and then one interval end, which has the number
 * of records before it. */
#ifndef WIRE_PARTIAL_CODEC_H
#define WIRE_PARTIAL_CODEC_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "trace/partial.h"
#include "trace/schema.h"

/* Common to all records of an attempt. */
struct record_meta {
    struct text session;  /* host/name/created */
    uint64_t chunk;       /* number of the rotation */
    uint64_t first_chunk; /* the first chunk of the session that was ever published */
    uint64_t attempt;     /* random, from the mapper: two attempts at a chunk are never mixed */
};

enum gap_cause { GAP_LOST = 1, GAP_DAMAGED, GAP_ABSENT, GAP_SILENCE };

/* Replaces a chunk without partials in the log. */
struct gap {
    uint32_t cause; /* enum gap_cause, or one of a later version */
    struct text reason;
    bool final; /* the last chunk of the session */
};

/* Takes each record with its key, "SESSION/host". Both are borrowed for the call. */
struct record_sink {
    void (*take)(void *context, struct text key, struct bytes record);
    void *context;
};

/* Passes all records of an interval to `sink`: partials with the output of row_write(), then its
 * end. `compresses`: partials that leave the process are compressed. */
void partial_encode(struct bytes row, const struct record_meta *meta,
                    const struct interval_end *end, bool compresses, struct record_sink sink);

/* Encodes the single record of a gap. */
void partial_encode_gap(const struct record_meta *meta, const struct gap *gap,
                        struct record_sink sink);

struct decoded_record {
    struct record_meta meta;
    uint64_t index; /* in its attempt */
    bool is_end, is_gap;
    struct interval_end end; /* if is_end */
    struct gap gap;          /* if is_gap */
    uint64_t records;        /* if is_end: number of records before it */
    struct bytes row;        /* else: a part of the row's bytes */
};

/* Decodes a record into `arena`; the definitions of an end become a set of `schema`; without a
 * schema, an end has none.
 * REJECT: not a record, or an inconsistent one, or a format that is too old.
 * STOP: a newer format than this program knows: the program is outdated, the data is valid. */
MUST_CHECK enum status partial_decode(struct bytes record, struct schema *schema,
                                      struct arena *arena, struct decoded_record *out,
                                      struct failure *why);

/* Concatenates the row's bytes from all of its partials, in `arena`. Failures as above; a record
 * that is not a partial is rejected. */
MUST_CHECK enum status partial_decode_row(const struct bytes *records, size_t count,
                                          struct arena *arena, struct bytes *out,
                                          struct failure *why);

#endif
