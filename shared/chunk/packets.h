/* chunk/packets.h -- the packets of a stream file and their headers.
 *
 * The layout of headers and contexts is that of the trace's metadata. */
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
    size_t content;            /* bytes, without padding */
    uint64_t begin_ns, end_ns; /* on the session's clock */
    uint64_t discarded;        /* events its stream has dropped so far */
    uint64_t sequence;         /* from 0, if has_sequence */
    uint64_t stream_id;
    uint64_t instance;
    int32_t cpu; /* -1 if unknown */
    bool has_sequence, has_instance;
    bool has_begin;                        /* else begin_ns is 0 */
    uint8_t discarded_bits, sequence_bits; /* of the counters, which wrap; 0: 64 */
};

struct packet_list {
    struct packet *at; /* in the order of the file */
    size_t count, room;
};

/* Adds all complete packets of `file`; chunk/packet_row.h describes how packets after a damaged one
 * are found.
 * OK; or REJECT if a part of the file is unreadable: `out` has the rest, `why` the reason. */
MUST_CHECK enum status packets_scan(const struct metadata *metadata, struct bytes file,
                                    struct bytes index, struct packet_list *out,
                                    struct failure *why);
/* The offset of the first packet after `offset` in the index; `none` if there is none. */
size_t packets_index_next(struct bytes index, size_t offset, size_t none);
/* The same for increasing offsets; `*at`, initially 0, is the position in the index. */
size_t packets_index_follow(struct bytes index, size_t *at, size_t offset, size_t none);
/* The end of the last packet in the index; 0 without an index. */
size_t packets_index_end(struct bytes index);
void packets_clear(struct packet_list *packets);

/* The loss around packet `index`, as shown by it and the previous packets. */
struct packet_loss {
    uint64_t discarded; /* events dropped since the previous packet */
    uint64_t missing;   /* packets between the two, by their numbers */
    bool before;        /* everything is unknown from the end of the previous packet on */
    bool after;         /* and again from the last event of this packet on */
    /* End of the previous packet, but not after the begin of this one; for a stream's first packet,
     * its begin. */
    uint64_t since_ns;
};

/* `before` is NULL for a stream's first packet: its counter counts if its sequence number is 0,
 * else not: earlier losses are not of this trace. */
struct packet_loss packet_loss_of(const struct packet *before, const struct packet *packet);

/* The packets that the next chunk needs as its seam, if that chunk begins at `boundary_ns`: returns
 * the index of the first, packets->count if there are none. Those that end at or after the
 * boundary, and at least the last, so that loss counters can be compared; one more if the first of
 * them reports losses that only the previous packet can quantify. */
size_t packets_seam(const struct packet_list *packets, uint64_t boundary_ns);

#endif
