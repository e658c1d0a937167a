/* chunk/metadata.h -- what a trace's metadata states about the whole trace: who recorded it, on
 * which clock, and the layout of its packet headers.
 *
 * For code that finds packets in files, cuts seams, and counts losses, but reads no events: fields
 * of events are skipped, so metadata is usable even if the parser does not support these. */
#ifndef CHUNK_METADATA_H
#define CHUNK_METADATA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "ctf/session_clock.h"

struct metadata {
    struct layout *layout; /* of LAYOUT_HEADS; owns the following */
    bool is_shared;        /* `layout` belongs to a metadata_cache */
    bool is_ctf2;
    /* From `env`; empty if unknown. The parts of the session's name are as base/session_name.h
     * makes them. */
    struct text hostname;
    struct text domain; /* "kernel", "ust" */
    struct text session;
    struct text created;
    bool has_vpid; /* a per-process trace */
    int32_t vpid;
    struct text procname;
    struct stream_time *times; /* of the layout's streams */
    /* Of the clock: the first that a stream uses. */
    uint8_t clock_uuid[16]; /* zeros if unknown */
    uint64_t frequency;
    int64_t offset_ns;
};

/* Parses the file `metadata`, and keeps nothing of it. In any case, *out must be cleared.
 * REJECT: empty, not CTF, visibly truncated, without a stream, or a clock that exceeds 64 bits. */
MUST_CHECK enum status metadata_read(struct bytes file, struct metadata *out, struct failure *why);
/* The same for metadata that was read before: without its events, which are not checked again. */
MUST_CHECK enum status metadata_read_packets(struct bytes file, struct metadata *out,
                                             struct failure *why);
/* The same for the layout of metadata that was read before; it is borrowed until
 * metadata_clear(). */
MUST_CHECK enum status metadata_share(struct layout *layout, struct metadata *out,
                                      struct failure *why);
void metadata_clear(struct metadata *metadata);

/* Converts the times of packets to the session's clock: of all traces of a chunk, in order, the
 * first that has a clock defines it, as for a reader.
 * REJECT: not possible, so a reader leaves the trace out; the times are unchanged. */
MUST_CHECK enum status metadata_join(struct metadata *metadata, struct session_clock *session,
                                     struct failure *why);

#endif
