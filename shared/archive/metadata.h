/* archive/metadata.h -- what a trace's metadata says about the trace as a whole: who recorded it,
 * on which clock, and how the heads of its packets are laid out.
 *
 * For those who find packets in files, cut seams and count losses, but read no events: fields of
 * events are passed over, so that metadata of which only those are beyond the parser is of use. */
#ifndef ARCHIVE_METADATA_H
#define ARCHIVE_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "ctf/layout.h"

struct metadata {
    struct layout *layout; /* of LAYOUT_HEADS; owns what follows */
    bool is_ctf2;
    /* Of `env`; empty if not told. */
    struct text hostname;
    struct text domain; /* "kernel", "ust" */
    struct text session;
    struct text created;
    bool has_vpid; /* a trace of one process */
    int32_t vpid;
    struct text procname;
    /* Of the clock: the first that a stream has. */
    uint8_t clock_uuid[16]; /* zeros if not told */
    uint64_t frequency;
    int64_t offset_ns;
};

/* Reads the file `metadata`; nothing of `file` is kept. Whether OK or not, *out is to be cleared.
 * REJECT: empty, no CTF, cut where that shows, or without a stream. */
MUST_CHECK enum status metadata_read(struct bytes file, struct metadata *out, struct failure *why);
void metadata_clear(struct metadata *metadata);

/* The clock of the trace: the first that a stream has, or the first; NULL if there is none. */
const struct layout_clock *metadata_clock(const struct layout *layout);
/* Of its zero, from its origin. */
int64_t metadata_offset_ns(const struct layout_clock *clock);

#endif
