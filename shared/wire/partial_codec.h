/* wire/partial_codec.h -- partials as protobuf records, and back: with protobuf-c, but for the items
 * of a partial, which are many: partial_file.c writes them. The format is proto/partial.proto.
 *
 * One attempt at mapping a chunk becomes a row of records: partials, each with the items filed
 * under one key, and at last one interval end, which tells how many came before it. */
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

/* Takes each record with its key: "SESSION/PID", "SESSION/t/TID" or "SESSION/host". Both are
 * borrowed for the call. */
struct record_sink {
    void (*take)(void *context, struct text key, struct bytes record);
    void *context;
};

/* Encodes the items of one interval as they come, in the order of its row. What is written is held
 * until partial_encoder_finish(). */
struct partial_encoder;

/* The classes and calls of the items to come are those of `schema`, which is borrowed until
 * partial_encoder_free(). */
struct partial_encoder *partial_encoder_new(const struct schema *schema);
void partial_encoder_free(struct partial_encoder *encoder); /* NULL is fine */

/* The next item. Everything is copied. */
void partial_encoder_add(struct partial_encoder *encoder, const struct item *item);
uint64_t partial_encoder_items(const struct partial_encoder *encoder);

/* Gives all records to `sink`: the partials by key, then the interval's end. To be called once. */
void partial_encoder_finish(struct partial_encoder *encoder, const struct record_meta *meta,
                            const struct interval_end *end, struct record_sink sink);

/* The same of a row of the core, as the bytes that row_write() made. */
void partial_encode_row(struct bytes row, const struct record_meta *meta,
                        const struct interval_end *end, struct record_sink sink);

/* Encodes the one record of a gap. */
void partial_encode_gap(const struct record_meta *meta, const struct gap *gap,
                        struct record_sink sink);

/* One item, and where it stands in the row of its interval. */
struct placed_item {
    uint64_t position;
    struct item *item; /* of item_bytes() */
};

struct decoded_record {
    struct record_meta meta;
    uint64_t index; /* in its attempt */
    bool is_end, is_gap;
    struct interval_end end;   /* if is_end */
    struct gap gap;            /* if is_gap */
    uint64_t records;          /* if is_end: how many came before it */
    struct bytes row;          /* else, a part of the row's bytes; or of older formats: */
    struct placed_item *items; /* ascending by position */
    size_t count;
};

/* Decodes a record into `arena`, with classes and calls of `schema`, the classes under `phases`: those
 * of the interval's end. NULL if that does not tell: events then are without the fields for phases.
 * An end or a gap needs neither; without a schema, an end is without its phases.
 * REJECT: not a record, or one that contradicts itself. STOP: of a newer format than this
 * program knows: the program is old, the data is good. */
MUST_CHECK enum status partial_decode(struct bytes record, struct schema *schema,
                                      const struct phase_set *phases, struct arena *arena,
                                      struct decoded_record *out, struct failure *why);

#endif
