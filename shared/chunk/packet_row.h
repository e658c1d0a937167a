/* chunk/packet_row.h -- the packets of a stream's file and their headers, for any layout.
 *
 * chunk/packets.h is a simpler interface for LTTng's packet headers. Both define losses the same
 * way: packet_loss_of(). */
#ifndef CHUNK_PACKET_ROW_H
#define CHUNK_PACKET_ROW_H

#include "chunk/packets.h"
#include "ctf/layout.h"
#include "ctf/stream_time.h"
#include "ctf/walk.h"

/* Why a packet is left out. */
enum packet_fault {
    PACKET_DAMAGED, /* its header contradicts itself, or the layout */
    PACKET_CUT,
    PACKET_OF_ANOTHER_TRACE,
    PACKET_UNFINISHED, /* the tracer has not written its sizes yet */
    PACKET_OUT_OF_TIME /* it cannot be placed on the session's clock */
};

struct packet_at {
    struct packet head;   /* times are on the session's clock */
    const uint8_t *bytes; /* head.size bytes */
    size_t stated_size;   /* bytes; more than head.size if the file ends in its padding */
    uint64_t content_bits;
    uint64_t clock; /* cycles, at its begin */
    const struct layout_stream *stream;
    bool has_begin, has_end; /* else head.begin_ns and head.end_ns are 0 */
    bool after_hole;         /* bytes before it are left out */
    bool after_lost;         /* packets before it are missing, whatever its number */
    uint8_t fault;           /* enum packet_fault, if packet_head() is not OK */
    bool of_seam;            /* of the previous chunk, which reports its faults */
    bool cpu_is_wrong;       /* not a valid CPU number: head.cpu is -1 */
    uint64_t wrong_cpu;
};

struct packet_row {
    struct packet_at *at;
    size_t count, room;
};

/* The state between packets, and the extent of a header. */
struct packet_reading {
    const struct stream_time *times; /* of the layout's streams, in order */
    uint64_t *slots;                 /* layout->slot_count; then valid for the packet's events */
    uint64_t clock;                  /* cycles, from the packets so far: initially 0 */
    uint64_t events_bit;             /* the begin of the events */
};

/* Reads the header of the packet at `offset` of `file`.
 * OK; END at the end of `file`; REJECT if there is no complete packet, or it is inconsistent; `why`
 * has the offset. If it has a valid size nevertheless, that is out->head.size, else 0. A packet
 * that only lacks padding is complete. */
MUST_CHECK enum status packet_head(const struct layout *layout, struct bytes file, size_t offset,
                                   struct packet_reading *reading, struct packet_at *out,
                                   struct failure *why);

/* The parts of a file that are left out. */
struct packet_damage {
    size_t holes; /* places where bytes are left out */
    size_t bytes;
    struct failure first; /* about the first of them */
    uint8_t fault;        /* likewise; enum packet_fault */
    size_t padding;       /* missing bytes of the last packet, only of its padding */
    bool size_lies;       /* of a kept packet: the next begins inside of it */
    bool has_wrong_cpu;   /* of the first packet with an invalid CPU number: */
    size_t wrong_cpu_offset;
    uint64_t wrong_cpu;
};

/* Adds all complete packets of `file` after those that are in `out`. After a damaged one, the next
 * is found by the file's index (`index/NAME.idx`, may be empty), by the damaged one's size, or by
 * the magic number. */
void packet_row_add(struct packet_row *out, const struct layout *layout,
                    const struct stream_time *times, struct bytes file, struct bytes index,
                    struct packet_damage *damage);
void packet_row_clear(struct packet_row *packets);

/* The index of a packet among those of the chunk itself. */
static inline size_t packet_row_number(const struct packet_row *packets, size_t index)
{
    size_t number = 0;
    for (size_t i = 0; i < index; i++)
        number += !packets->at[i].of_seam;
    return number;
}

#endif
