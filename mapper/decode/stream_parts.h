/* mapper/decode/stream_parts.h -- functions that bound.c, decode.c, run.c, and stream.c share. */
#ifndef MAPPER_DECODE_STREAM_PARTS_H
#define MAPPER_DECODE_STREAM_PARTS_H

#include "mapper/decode/stream.h"

/* bound.c: the class of `id`; NULL if the stream has none. */
const struct bound *bound_find(struct bound_trace *trace, const struct bound_stream *stream,
                               uint64_t id);

/* decode.c: reads the header of the next event, of which at least one bit is there, and sets the
 * head to it; false if the packet is inconsistent. */
MUST_CHECK bool decode_header(struct stream *stream);

/* Sets the head after an event, in this or the next packet. */
void decode_next(struct stream *stream);

/* Fills in the event or loss at the head, and sets the next head. Returns the number of events: 0
 * if the packet is inconsistent. */
size_t decode_one(struct stream *stream, struct event *event);

/* run.c: skips events at or before `last_ns`, up to the next loss. */
void stream_pass(struct stream *stream, uint64_t last_ns);

/* stream.c: sets the head after the current packet, which has ended, or is inconsistent. */
void stream_next_packet(struct stream *stream);
void stream_bad_packet(struct stream *stream);
/* Reports a backward clock, once. */
void stream_backwards(struct stream *stream);

static inline uint64_t stream_bit(const struct stream *stream)
{
    return (uint64_t)(stream->at - stream->packet) * 8 + stream->bit;
}

/* Whether it has no texts, contexts, arrays, and fields; their members are 0. */
static inline bool event_is_plain(const struct event *event)
{
    return (event->has | event->present >> EVENT_VALUES | event->int_count | event->field_count) ==
           0;
}

static inline bool stream_packet_over(const struct stream *stream)
{
    return stream->class->header->by_bytes ? stream->at == stream->end
                                           : stream_bit(stream) == stream->content_bits;
}

#endif
