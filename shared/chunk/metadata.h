/* chunk/metadata.h -- what a trace's metadata says about the trace as a whole: who recorded it,
 * on which clock, and how the heads of its packets are laid out.
 *
 * For those who find packets in files, cut seams and count losses, but read no events: fields of
 * events are passed over, so that metadata of which only those are beyond the parser is of use. */
#ifndef CHUNK_METADATA_H
#define CHUNK_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "ctf/session_clock.h"

struct metadata {
    struct layout *layout; /* of LAYOUT_HEADS; owns what follows */
    bool is_ctf2;
    /* Of `env`; empty if not told. Those that name the session are as base/session_name.h makes them. */
    struct text hostname;
    struct text domain; /* "kernel", "ust" */
    struct text session;
    struct text created;
    bool has_vpid; /* a trace of one process */
    int32_t vpid;
    struct text procname;
    struct stream_time *times; /* of the layout's streams */
    /* Of the clock: the first that a stream has. */
    uint8_t clock_uuid[16]; /* zeros if not told */
    uint64_t frequency;
    int64_t offset_ns;
};

/* Reads the file `metadata`; nothing of `file` is kept. Whether OK or not, *out is to be cleared.
 * REJECT: empty, no CTF, cut where that shows, without a stream, or on a clock that 64 bits do not
 * hold. */
MUST_CHECK enum status metadata_read(struct bytes file, struct metadata *out, struct failure *why);
void metadata_clear(struct metadata *metadata);

/* Times of packets become those of the session's clock: of all traces of a chunk, in their order, the
 * first that has a clock tells it, as a reader has it.
 * REJECT: they cannot, so that a reader leaves the trace out; they stay as they were. */
MUST_CHECK enum status metadata_join(struct metadata *metadata, struct session_clock *session,
                                     struct failure *why);

#endif
