/* mapper/decode/stream_parts.h -- what bound.c, decode.c and stream.c share of a stream. */
#ifndef MAPPER_DECODE_STREAM_PARTS_H
#define MAPPER_DECODE_STREAM_PARTS_H

#include "mapper/decode/stream.h"

/* bound.c: the class of `id`; NULL if the stream has none. */
const struct bound *bound_find(struct bound_trace *trace, const struct bound_stream *stream,
                               uint64_t id);

/* decode.c: reads the header of the next event, of which there is at least a bit, and sets the
 * head to it; false if the packet lies. */
MUST_CHECK bool decode_header(struct stream *stream);

/* Sets the head behind an event, wherever that is. */
void decode_next(struct stream *stream);

/* Fills in what is at the head, event or loss, and sets the next. Returns how many: 0 if the
 * packet lies. */
size_t decode_one(struct stream *stream, struct event *event);

/* run.c: passes over events at or before `last_ns`, up to the next loss. */
void stream_pass(struct stream *stream, uint64_t last_ns);

/* stream.c: sets the head behind the packet in hand, which is over, or lies. */
void stream_next_packet(struct stream *stream);
void stream_lie(struct stream *stream);
/* Says once that the clock goes backwards. */
void stream_backwards(struct stream *stream);

static inline uint64_t stream_bit(const struct stream *stream)
{
    return (uint64_t)(stream->at - stream->packet) * 8 + stream->bit;
}

/* Whether it has no texts, contexts, arrays and fields; what there would be of them is 0. */
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
