/* mapper/ctf/packet_list.h -- where the packets of a stream's file lie and what their headers say,
 * as the reader of events needs it. What it says of losses is what archive/packets.h says:
 * packet_loss_of(). */
#ifndef MAPPER_CTF_PACKET_LIST_H
#define MAPPER_CTF_PACKET_LIST_H

#include "archive/packets.h"
#include "ctf/cycles.h"
#include "ctf/layout.h"
#include "ctf/walk.h"

struct packet_at {
    struct packet head;
    const uint8_t *bytes; /* head.size of them */
    uint64_t content_bits;
    const struct layout_stream *stream;
    bool has_end;    /* else head.end_ns is 0 */
    bool after_hole; /* bytes in front of it are left out */
};

struct packet_row {
    struct packet_at *at;
    size_t count, room;
};

/* What goes on from packet to packet, and how far a head reaches. */
struct packet_reading {
    uint64_t *slots;     /* layout->slot_count; left as the packet's events need them */
    uint64_t clock;      /* cycles */
    uint64_t events_bit; /* where the events begin */
};

/* Reads the head of the packet that begins at `offset` of `file`.
 * OK; END at the end of `file`; REJECT if no whole packet lies there, `why` says the offset. If it
 * tells its size all the same, that is out->head.size, else 0. */
MUST_CHECK enum status packet_head(const struct layout *layout, struct bytes file, size_t offset,
                                   struct packet_reading *reading, struct packet_at *out,
                                   struct failure *why);

/* Adds all whole packets of `file`. Where one is damaged, those behind it are found again by the
 * file's index (`index/NAME.idx`, may be empty), or by its size, if either tells.
 * OK; or REJECT if something of the file is unreadable: `out` has the rest, `why` says what. */
MUST_CHECK enum status packet_row_add(struct packet_row *out, const struct layout *layout,
                                      struct bytes file, struct bytes index, struct failure *why);
void packet_row_clear(struct packet_row *packets);

/* Of the clock of `stream`; that of nanoseconds if it has none. */
uint64_t stream_frequency(const struct layout *layout, const struct layout_stream *stream);

#endif
