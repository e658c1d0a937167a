#include "mapper/decode/stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "mapper/decode/stream_parts.h"
#include "mapper/decode/stream_rules.h"

static PRINTF_LIKE(3, 4) void report(const struct stream *stream, struct damage damage,
                                     const char *format, ...)
{
    if (!stream->strict && stream->in_seam)
        return; /* reported by the previous chunk */
    char text[FAILURE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    stream->report(stream->context, stream, damage, text);
}

static void set_loss(struct stream *stream, uint64_t time_ns, uint64_t discarded, uint64_t missing)
{
    stream->head = HEAD_LOSS;
    stream->head_ns = time_ns > stream->last_ns ? time_ns : stream->last_ns;
    stream->loss_discarded = discarded;
    stream->loss_missing = missing;
}

static uint8_t stream_quick(const struct stream *stream)
{
    const struct quick_header *header = &stream->class->quick;
    if (!header->is_usable)
        return QUICK_NONE;
    return header->is_usual && stream->time.frequency == CYCLES_NS_PER_S ? QUICK_NS : QUICK_ANY;
}

/* Moves to the next packet. */
static void begin_packet(struct stream *stream)
{
    size_t index = stream->packet_next++;
    const struct packet_at *packet = &stream->packets.at[index];
    const struct bound_trace *trace = stream->trace;
    const struct layout *layout = trace->set->layout;
    struct packet_reading reading = {
        .times = trace->times, .slots = stream->slots, .clock = packet->clock};
    struct packet_at again;
    /* It was readable when the packets were listed, and the memory is the same. */
    enum status status = packet_head(layout, (struct bytes){packet->bytes, packet->head.size}, 0,
                                     &reading, &again, NULL);
    stream->loss = stream_loss_around(&stream->packets, index);
    stream->packet_end_ns = packet->head.end_ns;
    stream->in_packet = status == STATUS_OK;
    stream->packet = packet->bytes;
    stream->class = &trace->streams[packet->stream - layout->streams];
    stream->time = trace->times[packet->stream - layout->streams];
    stream->in_seam = packet->of_seam;
    stream->quick = stream_quick(stream);
    if (packet->has_begin)
        stream->clock = packet->clock;
    stream->content_bits = packet->content_bits;
    bool by_bytes = stream->class->header->by_bytes;
    uint64_t first = bits_aligned(reading.events_bit, by_bytes ? 8 : 1);
    stream->at = packet->bytes + first / 8;
    stream->bit = (uint8_t)(first % 8);
    stream->end = packet->bytes + packet->head.content;
    stream->late_ns = stream_late_ns(&stream->time, packet);
    if (stream->strict && packet->has_end && packet->head.end_ns < stream->late_ns)
        stream->late_ns = packet->head.end_ns;
    if (stream->loss.before)
        set_loss(stream, stream->loss.since_ns, stream->loss.discarded, stream->loss.missing);
}

static void end_packet(struct stream *stream)
{
    stream->in_packet = false;
    if (stream->loss.after)
        set_loss(stream,
                 stream_loss_behind_ns(&stream->packets, stream->packet_next - 1,
                                       stream->trace->set->domain),
                 0, 0);
}

/* Data lost here is lost from the last event on. */
static void leave_packet(struct stream *stream)
{
    const struct packet_at *packet = &stream->packets.at[stream->packet_next - 1];
    uint64_t known_ns = stream->last_ns;
    stream->in_packet = false;
    if (stream->last_ns < stream->least_ns)
        stream->last_ns = stream->least_ns; /* found after other streams had continued */
    set_loss(stream, stream->last_ns, 0, 0);
    char unknown[64];
    const char *fault = stream->fault;
    if (!fault) {
        snprintf(unknown, sizeof unknown, "no event class has the id %llu",
                 (unsigned long long)stream->fault_id);
        fault = unknown;
    }
    struct damage damage = {.scope = DAMAGE_PACKET,
                            .cause = DAMAGE_BY_DAMAGED,
                            .count = 1,
                            .bytes =
                                stream->end > stream->at ? (size_t)(stream->end - stream->at) : 0};
    report(stream, damage,
           "packet %zu at byte %zu, offset %zu in it: %s; its events after clock time %llu ns are "
           "lost",
           packet_row_number(&stream->packets, stream->packet_next - 1), packet->head.offset,
           (size_t)(stream->at - stream->packet), fault, (unsigned long long)known_ns);
}

static void finish(struct stream *stream)
{
    if (!stream->cut)
        return;
    stream->cut = false;
    set_loss(stream,
             stream->packet_end_ns > stream->gone_ns ? stream->packet_end_ns : stream->gone_ns, 0,
             0);
}

void stream_next_packet(struct stream *stream)
{
    stream->head = HEAD_NONE;
    while (stream->head == HEAD_NONE) {
        if (stream->in_packet && stream_packet_over(stream)) {
            end_packet(stream);
        } else if (stream->in_packet) {
            if (!decode_header(stream))
                leave_packet(stream);
        } else if (stream->packet_next < stream->packets.count) {
            begin_packet(stream);
        } else {
            finish(stream);
            return;
        }
    }
}

void stream_bad_packet(struct stream *stream)
{
    stream->head = HEAD_NONE;
    leave_packet(stream);
    if (stream->head == HEAD_NONE)
        stream_next_packet(stream);
}

void stream_backwards(struct stream *stream)
{
    if (!stream->backwards)
        report(
            stream, (struct damage){.scope = DAMAGE_STREAM, .cause = DAMAGE_BY_CLOCK, .count = 1},
            "its clock goes backwards at %llu ns; such events get the time of the previous event",
            (unsigned long long)stream->last_ns);
    stream->backwards = true;
}

void stream_init(struct stream *stream, struct bound_trace *trace, struct packet_row take_packets,
                 const char *name)
{
    *stream = (struct stream){.trace = trace, .packets = take_packets, .name = name};
    stream->cpu = take_packets.at[0].head.cpu;
    stream->slots = memory_new(trace->set->layout->slot_count * sizeof *stream->slots);
}

void stream_clear(struct stream *stream)
{
    packet_row_clear(&stream->packets);
    free(stream->slots);
}

void stream_start(struct stream *stream, uint64_t begin_ns)
{
    stream_next_packet(stream);
    if (begin_ns > 0)
        stream_pass(stream, begin_ns - 1);
}
