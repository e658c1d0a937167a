/* wire/partial_codec.h -- partials as protobuf records, and back. The format is proto/partial.proto.
 *
 * One attempt at mapping a chunk becomes a row of records: partials, which together hold the bytes of the
 * interval's row (core/row_bytes.h), and at last one interval end, which tells how many came before it. */
#ifndef WIRE_PARTIAL_CODEC_H
#define WIRE_PARTIAL_CODEC_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "trace/partial.h"
#include "trace/schema.h"

/* What every record of an attempt carries. */
struct record_meta {
    struct text session;  /* host/name/created */
    uint64_t chunk;       /* number of the rotation */
    uint64_t first_chunk; /* the session's first that was ever published */
    uint64_t attempt;     /* drawn by the mapper: two attempts at a chunk are never mixed */
};

enum gap_cause { GAP_LOST = 1, GAP_DAMAGED, GAP_ABSENT, GAP_SILENCE };

/* What stands in the log in place of a chunk that gives no partials. */
struct gap {
    uint32_t cause; /* enum gap_cause, or one of a later version */
    struct text reason;
    bool final; /* the session ends with it */
};

/* Takes each record with its key, "SESSION/host". Both are borrowed for the call. */
struct record_sink {
    void (*take)(void *context, struct text key, struct bytes record);
    void *context;
};

/* Gives all records of an interval to `sink`: partials with the bytes that row_write() made, then its end. */
void partial_encode(struct bytes row, const struct record_meta *meta,
                    const struct interval_end *end, struct record_sink sink);

/* Encodes the one record of a gap. */
void partial_encode_gap(const struct record_meta *meta, const struct gap *gap,
                        struct record_sink sink);

struct decoded_record {
    struct record_meta meta;
    uint64_t index; /* in its attempt */
    bool is_end, is_gap;
    struct interval_end end; /* if is_end */
    struct gap gap;          /* if is_gap */
    uint64_t records;        /* if is_end: how many came before it */
    struct bytes row;        /* else: a part of the row's bytes */
};

/* Decodes a record into `arena`; the definitions of an end become a set of `schema`, without which an end
 * has none.
 * REJECT: not a record, or one that contradicts itself, or of a format that this program reads no more.
 * STOP: of a newer format than this program knows: the program is old, the data is good. */
MUST_CHECK enum status partial_decode(struct bytes record, struct schema *schema,
                                      struct arena *arena, struct decoded_record *out,
                                      struct failure *why);

/* The bytes of a row from all of its partials, one behind the other, into `arena`. The same failures; a record
 * that is no partial is refused. */
MUST_CHECK enum status partial_decode_row(const struct bytes *records, size_t count,
                                          struct arena *arena, struct bytes *out,
                                          struct failure *why);

#endif
