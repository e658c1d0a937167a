/* wire/chunk_codec.h -- announcements of chunks, and segments of their archives, as protobuf
 * records and back. The format is proto/chunk.proto. */
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
    uint64_t first_chunk;      /* the session's first that was ever published */
    uint8_t clock_uuid[16];    /* zeros if not told */
    uint64_t begin_ns, end_ns; /* raw clock; UINT64_MAX: open */
    bool final;                /* the session ends with it */
    bool lost;                 /* the host has lost it: there is no archive */
    struct text lost_reason;
    uint64_t length, digest; /* of the archive; XXH3, 64 bits */
    /* One of these; the archive is in the announcement, in segments, or elsewhere. */
    struct bytes archive;
    const struct segment_place *segments;
    size_t segment_count;
    struct text uri;
    uint64_t upload;      /* of the segments */
    int64_t published_ms; /* Unix epoch */
};

/* Room for what an announcement adds to an archive that it has inline, below 900 KiB in all. */
enum { CHUNK_INLINE_MAX = 768 << 10, CHUNK_SEGMENTS_MAX = 1024 };

/* The record, in `arena`. */
struct bytes chunk_ready_encode(const struct chunk_ready *ready, struct arena *arena);
/* What `out` points to lies in `record` and `arena`.
 * REJECT: not an announcement, or one that contradicts itself. STOP: of a newer format than this
 * program knows: the program is old, the data is good. */
MUST_CHECK enum status chunk_ready_decode(struct bytes record, struct arena *arena,
                                          struct chunk_ready *out, struct failure *why);

struct archive_segment {
    struct text session;
    uint64_t chunk;
    uint64_t upload; /* drawn for each time that an archive is stored */
    uint32_t index;
    struct bytes bytes;
};

struct bytes archive_segment_encode(const struct archive_segment *segment, struct arena *arena);
/* As chunk_ready_decode(). */
MUST_CHECK enum status archive_segment_decode(struct bytes record, struct arena *arena,
                                              struct archive_segment *out, struct failure *why);

#endif
