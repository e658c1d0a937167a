/* mapper/ctf/stream_parts.h -- what bound.c, decode.c and stream.c share of a stream. */
#ifndef MAPPER_CTF_STREAM_PARTS_H
#define MAPPER_CTF_STREAM_PARTS_H

#include "mapper/ctf/stream.h"

/* bound.c: the class of `id`; NULL if the stream has none. */
const struct bound *bound_find(struct bound_trace *trace, const struct bound_stream *stream,
                               uint64_t id);

/* decode.c: reads the header of the next event, of which there is at least a bit, and sets the
 * head to it; false if the packet lies. */
MUST_CHECK bool decode_header(struct stream *stream);

/* stream.c: sets the head behind the packet in hand, which is over, or lies. */
void stream_next_packet(struct stream *stream);
void stream_lie(struct stream *stream);
/* Says once that the clock goes backwards. */
void stream_backwards(struct stream *stream);

static inline uint64_t stream_bit(const struct stream *stream)
{
    return (uint64_t)(stream->at - stream->packet) * 8 + stream->bit;
}

static inline bool stream_packet_over(const struct stream *stream)
{
    return stream->class->header->by_bytes ? stream->at == stream->end
                                           : stream_bit(stream) == stream->content_bits;
}

#endif
