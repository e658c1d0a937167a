#include "packet_list.h"

#include <stdlib.h>

#include "base/memory.h"

/* Source: CTF 1.8.3, 5.1. */
static const uint64_t MAGIC = UINT64_C(0xC1FC1FC1);

static bool has(const struct walk_found *found, enum layout_meaning meaning)
{
    return found->has >> meaning & 1;
}

static const struct layout_stream *stream_of(const struct layout *layout,
                                             const struct walk_found *found)
{
    if (has(found, LAYOUT_STREAM_CLASS_ID))
        return layout_stream(layout, found->value[LAYOUT_STREAM_CLASS_ID]);
    return layout->stream_count == 1 ? &layout->streams[0] : NULL;
}

/* How long the packet is and how much of it is of use; `left` bytes are there. */
static enum status measure(const struct walk_found *found, uint64_t head_bits, size_t left,
                           struct packet_at *out, struct failure *why)
{
    size_t offset = out->head.offset;
    uint64_t all = (uint64_t)left * 8;
    uint64_t content = has(found, LAYOUT_CONTENT_BITS)  ? found->value[LAYOUT_CONTENT_BITS]
                       : has(found, LAYOUT_PACKET_BITS) ? found->value[LAYOUT_PACKET_BITS]
                                                        : all;
    uint64_t size = has(found, LAYOUT_PACKET_BITS) ? found->value[LAYOUT_PACKET_BITS]
                    : content < all                ? bits_aligned(content, 8)
                                                   : content;
    if (size % 8 == 0 && size <= all)
        out->head.size = (size_t)(size / 8);
    if (size % 8 != 0 || content > size || content < head_bits || size == 0)
        return fail(why, STATUS_REJECT,
                    "packet at %zu: content of %llu bits in a packet of %llu bits", offset,
                    (unsigned long long)content, (unsigned long long)size);
    if (size > all)
        return fail(why, STATUS_REJECT, "packet at %zu: cut: %zu of %llu bytes", offset, left,
                    (unsigned long long)(size / 8));
    out->content_bits = content;
    out->head.content = (size_t)((content + 7) / 8);
    return STATUS_OK;
}

uint64_t stream_frequency(const struct layout *layout, const struct layout_stream *stream)
{
    return stream->clock < layout->clock_count ? layout->clocks[stream->clock].frequency
                                               : UINT64_C(1000000000);
}

static void take_found(const struct walk_found *found, uint64_t frequency, struct packet_at *out)
{
    struct packet *head = &out->head;
    out->has_end = has(found, LAYOUT_PACKET_END);
    if (has(found, LAYOUT_PACKET_BEGIN))
        head->begin_ns = cycles_ns(found->clock, frequency);
    head->end_ns = cycles_ns(found->value[LAYOUT_PACKET_END], frequency);
    head->discarded = found->value[LAYOUT_DISCARDED];
    head->sequence = found->value[LAYOUT_SEQUENCE_NUMBER];
    head->stream_id = out->stream->id;
    head->instance = found->value[LAYOUT_STREAM_ID];
    head->cpu = has(found, LAYOUT_CPU) ? (int32_t)(found->value[LAYOUT_CPU] & INT32_MAX) : -1;
    head->has_sequence = has(found, LAYOUT_SEQUENCE_NUMBER);
    head->has_instance = has(found, LAYOUT_STREAM_ID);
}

enum status packet_head(const struct layout *layout, struct bytes file, size_t offset,
                        struct packet_reading *reading, struct packet_at *out, struct failure *why)
{
    if (offset >= file.count)
        return STATUS_END;
    size_t left = file.count - offset;
    struct walk_found found = {.clock = reading->clock};
    struct walk walk = {.packet = file.at + offset,
                        .limit = (uint64_t)left * 8,
                        .slots = reading->slots,
                        .found = &found};
    *out = (struct packet_at){.head.offset = offset, .bytes = file.at + offset};
    if (layout->packet_header && !walk_skip(&walk, layout->packet_header))
        return fail(why, STATUS_REJECT, "packet at %zu: cut inside its header", offset);
    if (has(&found, LAYOUT_MAGIC) && found.value[LAYOUT_MAGIC] != MAGIC)
        return fail(why, STATUS_REJECT, "packet at %zu: no magic number", offset);
    out->stream = stream_of(layout, &found);
    if (!out->stream)
        return fail(why, STATUS_REJECT, "packet at %zu: of no stream that metadata declares",
                    offset);
    bool walked = !out->stream->packet_context || walk_skip(&walk, out->stream->packet_context);
    take_found(&found, stream_frequency(layout, out->stream), out);
    enum status status = measure(&found, walked ? walk.at : 0, left, out, why);
    if (!walked)
        return fail(why, STATUS_REJECT, "packet at %zu: in its context: %s", offset, walk.fault);
    if (status == STATUS_OK) {
        reading->clock = found.clock;
        reading->events_bit = walk.at;
    }
    return status;
}

enum status packet_row_add(struct packet_row *out, const struct layout *layout, struct bytes file,
                           struct bytes index, struct failure *why)
{
    enum status result = STATUS_OK;
    size_t offset = 0;
    bool hole = false;
    struct packet_reading reading = {.slots = memory_new(layout->slot_count * sizeof(uint64_t))};
    for (;;) {
        struct packet_at packet;
        struct failure damage;
        enum status status = packet_head(layout, file, offset, &reading, &packet, &damage);
        if (status == STATUS_END)
            break;
        if (status != STATUS_OK) {
            size_t next = index.count > 0        ? packets_index_next(index, offset, file.count)
                          : packet.head.size > 0 ? offset + packet.head.size
                                                 : file.count;
            hole = true;
            if (result == STATUS_OK)
                result = fail(why, status, "%s; %zu bytes left out", damage.text, next - offset);
            offset = next;
            continue;
        }
        packet.after_hole = hole;
        hole = false;
        out->at = memory_grow(out->at, &out->room, out->count + 1, sizeof *out->at);
        out->at[out->count++] = packet;
        offset += packet.head.size;
    }
    free(reading.slots);
    return result;
}

void packet_row_clear(struct packet_row *packets)
{
    free(packets->at);
    *packets = (struct packet_row){.at = NULL};
}
