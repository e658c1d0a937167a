/* wire/chunk_codec.h -- encodes and decodes announcements of chunks, and segments of their
 * archives, as protobuf records. The format is proto/chunk.proto. */
#ifndef WIRE_CHUNK_CODEC_H
#define WIRE_CHUNK_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/failure.h"

/* A record of spanmill.archives. */
struct segment_place {
    int32_t partition;
    int64_t offset;
};

struct chunk_ready {
    struct text session; /* host/name/created */
    uint64_t chunk;
    uint64_t first_chunk;      /* the first chunk of the session that was ever published */
    uint8_t clock_uuid[16];    /* zeros if unknown */
    uint64_t begin_ns, end_ns; /* raw clock; UINT64_MAX: open */
    bool final;                /* the last chunk of the session */
    bool lost;                 /* the host has lost it: there is no archive */
    struct text lost_reason;
    uint64_t length, digest; /* of the archive; XXH3, 64 bits */
    /* One of these; the archive is in the announcement, in segments, or in a file. */
    struct bytes archive;
    const struct segment_place *segments;
    size_t segment_count;
    struct text uri;
    uint64_t upload;      /* of the segments */
    int64_t published_ms; /* Unix epoch */
};

/* Limits an inline archive, so that the whole announcement is below 900 KiB. */
enum { CHUNK_INLINE_MAX = 768 << 10, CHUNK_SEGMENTS_MAX = 1024 };

/* The record, in `arena`. */
struct bytes chunk_ready_encode(const struct chunk_ready *ready, struct arena *arena);
/* `out` points into `record` and `arena`.
 * REJECT: not an announcement, or an inconsistent one.
 * STOP: a newer format than this program knows: the program is outdated, the data is valid. */
MUST_CHECK enum status chunk_ready_decode(struct bytes record, struct arena *arena,
                                          struct chunk_ready *out, struct failure *why);

struct archive_segment {
    struct text session;
    uint64_t chunk;
    uint64_t upload; /* random, different each time an archive is stored */
    uint32_t index;
    struct bytes bytes;
};

struct bytes archive_segment_encode(const struct archive_segment *segment, struct arena *arena);
/* As chunk_ready_decode(). */
MUST_CHECK enum status archive_segment_decode(struct bytes record, struct arena *arena,
                                              struct archive_segment *out, struct failure *why);

#endif
