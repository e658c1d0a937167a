/* chunk/packets.h -- where the packets of a stream file lie and what their headers say.
 *
 * Their headers and contexts are laid out as the trace's metadata says. */
#ifndef CHUNK_PACKETS_H
#define CHUNK_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/metadata.h"
#include "base/bytes.h"
#include "base/failure.h"

struct packet {
    size_t offset;             /* in its file */
    size_t size;               /* bytes, with padding */
    size_t content;            /* bytes, without */
    uint64_t begin_ns, end_ns; /* of the session's clock */
    uint64_t discarded;        /* events its stream has dropped so far */
    uint64_t sequence;         /* from 0, if has_sequence */
    uint64_t stream_id;
    uint64_t instance;
    int32_t cpu; /* -1 if not told */
    bool has_sequence, has_instance;
    bool has_begin;                        /* else begin_ns is 0 */
    uint8_t discarded_bits, sequence_bits; /* of the counters, which wrap; 0: 64 */
};

struct packet_list {
    struct packet *at; /* in the order of the file */
    size_t count, room;
};

/* Reads the header of the packet at `offset`.
 * OK; END at the end of `file`; REJECT if no whole packet lies there, `why` says the offset. */
MUST_CHECK enum status packet_read(const struct metadata *metadata, struct bytes file,
                                   size_t offset, struct packet *out, struct failure *why);

/* Adds all whole packets of `file`: chunk/packet_row.h says how those behind a damaged one are
 * found again.
 * OK; or REJECT if something of the file is unreadable: `out` has the rest, `why` says what. */
MUST_CHECK enum status packets_scan(const struct metadata *metadata, struct bytes file,
                                    struct bytes index, struct packet_list *out,
                                    struct failure *why);
/* The offset of the first packet behind `offset` that the index tells; `none` if it tells none. */
size_t packets_index_next(struct bytes index, size_t offset, size_t none);
/* The same for rising offsets; `*at`, at first 0, is how far the index was read. */
size_t packets_index_follow(struct bytes index, size_t *at, size_t offset, size_t none);
/* Where the last packet that the index tells of ends; 0 without an index. */
size_t packets_index_end(struct bytes index);
void packets_clear(struct packet_list *packets);

/* What was lost around packet `index`, as far as the packets before it tell. */
struct packet_loss {
    uint64_t discarded; /* events dropped since the packet before */
    uint64_t missing;   /* packets between the two, as far as their numbers tell */
    bool before;        /* nothing is known from the end of the packet before on */
    bool after;         /* and again from the last event of this packet on */
    /* End of the packet before, but not after the begin of this one; of a stream's first packet, its
     * begin. */
    uint64_t since_ns;
};

/* `before` is NULL for a stream's first packet: its counter counts in full if its sequence number
 * is 0, else not: what was dropped before is not of this trace. */
struct packet_loss packet_loss_of(const struct packet *before, const struct packet *packet);

/* Which packets the next chunk needs of this one as its seam, if that begins at `boundary_ns`: the
 * index of the first, packets->count if there are none. Those that end at or after the boundary,
 * and at least the last, so that loss counters can be compared; one more if the first of them
 * counts losses that only the packet before tells apart. */
size_t packets_seam(const struct packet_list *packets, uint64_t boundary_ns);

#endif
