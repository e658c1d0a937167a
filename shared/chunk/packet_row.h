/* chunk/packet_row.h -- where the packets of a stream's file lie and what their headers say,
 * for any layout.
 *
 * chunk/packets.h knows LTTng's own headers only, but needs no layout. What both say of losses
 * is the same: packet_loss_of(). */
#ifndef CHUNK_PACKET_ROW_H
#define CHUNK_PACKET_ROW_H

#include "chunk/packets.h"
#include "ctf/layout.h"
#include "ctf/stream_time.h"
#include "ctf/walk.h"

/* Why a packet is left out. */
enum packet_fault {
    PACKET_DAMAGED, /* its head contradicts itself, or the layout */
    PACKET_CUT,
    PACKET_OF_ANOTHER_TRACE,
    PACKET_UNFINISHED, /* the tracer has not written its sizes yet */
    PACKET_OUT_OF_TIME /* it has no place on the session's clock */
};

struct packet_at {
    struct packet head;   /* times are those of the session's clock */
    const uint8_t *bytes; /* head.size of them */
    size_t told_size;     /* bytes; more than head.size if the file ends in its padding */
    uint64_t content_bits;
    uint64_t clock; /* cycles, at its begin */
    const struct layout_stream *stream;
    bool has_begin, has_end; /* else head.begin_ns and head.end_ns are 0 */
    bool after_hole;         /* bytes in front of it are left out */
    bool after_lost;         /* packets in front of it are missing, whatever its number */
    uint8_t fault;           /* enum packet_fault, where packet_head() is not OK */
    bool of_seam;            /* of the chunk before, which tells what is wrong with it */
    bool cpu_is_wrong;       /* there can be no CPU of that number: head.cpu is -1 */
    uint64_t wrong_cpu;
};

struct packet_row {
    struct packet_at *at;
    size_t count, room;
};

/* What goes on from packet to packet, and how far a head reaches. */
struct packet_reading {
    const struct stream_time *times; /* of the layout's streams, in their order */
    uint64_t *slots;                 /* layout->slot_count; left as the packet's events need them */
    uint64_t clock;                  /* cycles, as far as packets told: at first 0 */
    uint64_t events_bit;             /* where the events begin */
};

/* CPUs have numbers up to here: Linux' limit is 8192, and partials hold no more. */
enum { PACKET_CPU_MAX = 65535 };

/* Reads the head of the packet that begins at `offset` of `file`.
 * OK; END at the end of `file`; REJECT if no whole packet lies there, or it lies; `why` says the
 * offset. If it tells its size all the same, that is out->head.size, else 0.
 * A packet of which only padding is missing is whole. */
MUST_CHECK enum status packet_head(const struct layout *layout, struct bytes file, size_t offset,
                                   struct packet_reading *reading, struct packet_at *out,
                                   struct failure *why);

/* What of a file is left out. */
struct packet_damage {
    size_t holes; /* places where bytes are left out */
    size_t bytes;
    struct failure first; /* about the first of them */
    uint8_t fault;        /* likewise; enum packet_fault */
    size_t padding;       /* bytes of the last packet that are missing, of its padding alone */
    bool size_lies;       /* of a packet that is kept: the next begins inside of it */
    bool has_wrong_cpu;   /* of the first packet whose CPU number cannot be: */
    size_t wrong_cpu_offset;
    uint64_t wrong_cpu;
};

/* Adds all whole packets of `file`; `out` may have others, in front. Where one is damaged, those
 * behind it are found again by the file's index (`index/NAME.idx`, may be empty), by its size, or by
 * the magic number of the next. */
void packet_row_add(struct packet_row *out, const struct layout *layout,
                    const struct stream_time *times, struct bytes file, struct bytes index,
                    struct packet_damage *damage);
void packet_row_clear(struct packet_row *packets);

/* The number of packet `index` among those of the chunk itself. */
static inline size_t packet_row_number(const struct packet_row *packets, size_t index)
{
    size_t number = 0;
    for (size_t i = 0; i < index; i++)
        number += !packets->at[i].of_seam;
    return number;
}

#endif
