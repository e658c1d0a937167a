/* mapper/decode/stream_rules.h -- rules for plausible streams, common to all decoders. */
#ifndef MAPPER_DECODE_STREAM_RULES_H
#define MAPPER_DECODE_STREAM_RULES_H

#include "chunk/packet_row.h"
#include "trace/event.h"

/* How far an event may be after the end time of its packet: tracers before LTTng 2.10 wrote the end
 * time before the last event (LTTng's bug 1183). */
enum { STREAM_LATE_NS = 1000000000 };

/* The latest possible time of an event in the packet. */
static inline uint64_t stream_late_ns(const struct stream_time *time,
                                      const struct packet_at *packet)
{
    const struct packet *head = &packet->head;
    if (!packet->has_end || head->end_ns < head->begin_ns || head->end_ns > time->last_ns)
        return time->last_ns;
    uint64_t left_ns = time->last_ns - head->end_ns;
    return head->end_ns + (left_ns < STREAM_LATE_NS ? left_ns : STREAM_LATE_NS);
}

/* Why an event cannot have that time; NULL if it can. */
static inline const char *stream_time_fault(const struct stream_time *time, uint64_t late_ns,
                                            uint64_t time_ns)
{
    if (time_ns <= late_ns)
        return NULL;
    return time_ns > time->last_ns ? "the time of an event exceeds 64 bits of nanoseconds"
                                   : "an event is later than the end of the packet";
}

/* The loss around a packet of the row. */
static inline struct packet_loss stream_loss_around(const struct packet_row *packets, size_t index)
{
    const struct packet_at *packet = &packets->at[index];
    struct packet_loss loss = packet_loss_of(index > 0 ? &packet[-1].head : NULL, &packet->head);
    if (packet->after_lost || (packet->after_hole && !packet->head.has_sequence))
        loss.before = true;
    return loss;
}

/* The time of the loss after a packet that lost events. For user space, it is at most the begin of
 * the next packet: it delays no event. */
static inline uint64_t stream_loss_behind_ns(const struct packet_row *packets, size_t index,
                                             enum domain domain)
{
    const struct packet_at *packet = &packets->at[index];
    uint64_t end_ns = packet->head.end_ns;
    if (domain == DOMAIN_KERNEL || index + 1 >= packets->count || !packet[1].has_begin)
        return end_ns;
    return packet[1].head.begin_ns < end_ns ? packet[1].head.begin_ns : end_ns;
}

#endif
