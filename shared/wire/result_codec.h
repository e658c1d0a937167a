/* wire/result_codec.h -- encodes and decodes results as protobuf records. The format is
 * proto/result.proto, which is public: fields never change their meaning, new ones get new
 * numbers. */
#ifndef WIRE_RESULT_CODEC_H
#define WIRE_RESULT_CODEC_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "results/batch.h"
#include "results/result.h"
#include "wire/partial_codec.h"

/* Longer names are cut: a record must stay below the broker's limit. */
enum { RESULT_NAME_MAX = 64 << 10, RESULT_RECORD_MAX = 700 << 10 };

struct result_meta {
    struct text session;    /* host/name/created */
    uint64_t chunk;         /* whose join made the results */
    uint8_t clock_uuid[16]; /* of the session's clock; zeros if unknown */
};

/* Passes to `sink` the records of `groups`, each below RESULT_RECORD_MAX bytes, with their keys:
 * "SESSION/PID", "SESSION/t/TID", or "SESSION/host". */
void result_encode(const struct result_meta *meta, const struct result_group *groups, size_t count,
                   struct record_sink sink);

/* Encodes everything in the batch, and clears it. An empty batch makes no record. */
void result_flush(const struct result_meta *meta, struct result_batch *batch,
                  struct record_sink sink);

struct result_record {
    struct result_meta meta;
    uint32_t part; /* index of the record in its flush, from 0 */
    bool last;     /* of that flush */
    struct result *results;
    size_t count;
};

/* Decodes a record into `arena`; texts point into the arena. Results refer to no schema.
 * REJECT: not a record, or an inconsistent one. STOP: a newer format than this program knows: the
 * program is outdated, the data is valid. */
MUST_CHECK enum status result_decode(struct bytes record, struct arena *arena,
                                     struct result_record *out, struct failure *why);

/* NULL, or what is wrong with the description of a viewed kind's cells in the published file. */
const char *result_cell_fault(const struct atom_kind *kind);

#endif
