#include "packets.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ctf/cycles.h"
#include "ctf/walk.h"

/* CTF 1.8, 5.1. */
static const uint64_t PACKET_MAGIC_VALUE = UINT64_C(0xC1FC1FC1);

/* LTTng, ctf-index.hpp, 1.0 and 1.1: all fields big-endian. */
enum {
    INDEX_HEADER = 16,     /* magic, major, minor, bytes per entry: 4 each */
    INDEX_ENTRY_LEAST = 56 /* seven fields of 8; the first is the packet's offset */
};
static const uint64_t INDEX_MAGIC = UINT64_C(0xC1F1DCC1);

static uint64_t number_at(const uint8_t *at, size_t size, bool big_endian)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[big_endian ? i : size - 1 - i];
    return value;
}

/* --- heads --- */

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
                           struct packet *out, struct failure *why)
{
    uint64_t all = (uint64_t)left * 8;
    uint64_t content = has(found, LAYOUT_CONTENT_BITS)  ? found->value[LAYOUT_CONTENT_BITS]
                       : has(found, LAYOUT_PACKET_BITS) ? found->value[LAYOUT_PACKET_BITS]
                                                        : all;
    uint64_t size = has(found, LAYOUT_PACKET_BITS) ? found->value[LAYOUT_PACKET_BITS]
                    : content < all                ? bits_aligned(content, 8)
                                                   : content;
    if (size % 8 != 0 || content > size || content < head_bits || size == 0)
        return fail(why, STATUS_REJECT,
                    "packet at %zu: content of %llu bits in a packet of %llu bits", out->offset,
                    (unsigned long long)content, (unsigned long long)size);
    if (size > all)
        return fail(why, STATUS_REJECT, "packet at %zu: cut: %zu of %llu bytes", out->offset, left,
                    (unsigned long long)(size / 8));
    out->size = (size_t)(size / 8);
    out->content = (size_t)((content + 7) / 8);
    return STATUS_OK;
}

static void take_found(const struct layout *layout, const struct layout_stream *stream,
                       const struct walk_found *found, struct packet *out)
{
    uint64_t frequency = stream->clock < layout->clock_count
                             ? layout->clocks[stream->clock].frequency
                             : CYCLES_NS_PER_S;
    if (has(found, LAYOUT_PACKET_BEGIN))
        out->begin_ns = cycles_ns(found->clock, frequency);
    out->end_ns = cycles_ns(found->value[LAYOUT_PACKET_END], frequency);
    out->discarded = found->value[LAYOUT_DISCARDED];
    out->sequence = found->value[LAYOUT_SEQUENCE_NUMBER];
    out->stream_id = stream->id;
    out->instance = found->value[LAYOUT_STREAM_ID];
    out->cpu = has(found, LAYOUT_CPU) ? (int32_t)(found->value[LAYOUT_CPU] & INT32_MAX) : -1;
    out->has_sequence = has(found, LAYOUT_SEQUENCE_NUMBER);
    out->has_instance = has(found, LAYOUT_STREAM_ID);
}

/* What goes on from packet to packet of a file. */
struct reading {
    uint64_t *slots; /* layout->slot_count */
    uint64_t clock;  /* cycles */
};

static enum status read_head(const struct layout *layout, struct bytes file, size_t offset,
                             struct reading *reading, struct packet *out, struct failure *why)
{
    if (offset >= file.count)
        return STATUS_END;
    size_t left = file.count - offset;
    struct walk_found found = {.clock = reading->clock};
    struct walk walk = {.packet = file.at + offset,
                        .limit = (uint64_t)left * 8,
                        .slots = reading->slots,
                        .found = &found};
    *out = (struct packet){.offset = offset};
    if (layout->packet_header != NULL && !walk_skip(&walk, layout->packet_header))
        return fail(why, STATUS_REJECT, "packet at %zu: cut inside its header", offset);
    if (has(&found, LAYOUT_MAGIC) && found.value[LAYOUT_MAGIC] != PACKET_MAGIC_VALUE)
        return fail(why, STATUS_REJECT, "packet at %zu: no magic number", offset);
    const struct layout_stream *stream = stream_of(layout, &found);
    if (stream == NULL)
        return fail(why, STATUS_REJECT, "packet at %zu: of no stream that metadata declares",
                    offset);
    if (stream->packet_context != NULL && !walk_skip(&walk, stream->packet_context))
        return fail(why, STATUS_REJECT, "packet at %zu: in its context: %s", offset, walk.fault);
    take_found(layout, stream, &found, out);
    enum status status = measure(&found, walk.at, left, out, why);
    if (status == STATUS_OK)
        reading->clock = found.clock;
    return status;
}

enum status packet_read(const struct metadata *metadata, struct bytes file, size_t offset,
                        struct packet *out, struct failure *why)
{
    struct reading reading = {.slots = memory_new(metadata->layout->slot_count * sizeof(uint64_t))};
    enum status status = read_head(metadata->layout, file, offset, &reading, out, why);
    free(reading.slots);
    return status;
}

/* --- the index --- */

/* Bytes per entry; 0 if it is no index, or an empty one. */
static size_t index_entry(struct bytes index)
{
    if (index.count < INDEX_HEADER || number_at(index.at, 4, true) != INDEX_MAGIC)
        return 0;
    uint64_t entry = number_at(index.at + 12, 4, true);
    return entry < INDEX_ENTRY_LEAST || entry > index.count ? 0 : (size_t)entry;
}

size_t packets_index_next(struct bytes index, size_t offset, size_t none)
{
    size_t entry = index_entry(index);
    for (size_t at = INDEX_HEADER; entry != 0 && at <= index.count - entry; at += entry) {
        uint64_t told = number_at(index.at + at, 8, true);
        if (told > offset && told < none)
            return (size_t)told;
    }
    return none;
}

size_t packets_index_end(struct bytes index)
{
    size_t entry = index_entry(index);
    uint64_t end = 0;
    for (size_t at = INDEX_HEADER; entry != 0 && at <= index.count - entry; at += entry) {
        uint64_t offset = number_at(index.at + at, 8, true);
        uint64_t size = number_at(index.at + at + 8, 8, true) / 8;
        end = offset + size > end ? offset + size : end;
    }
    return end < SIZE_MAX ? (size_t)end : SIZE_MAX;
}

enum status packets_scan(const struct metadata *metadata, struct bytes file, struct bytes index,
                         struct packet_list *out, struct failure *why)
{
    enum status result = STATUS_OK;
    size_t offset = 0;
    const struct layout *layout = metadata->layout;
    struct reading reading = {.slots = memory_new(layout->slot_count * sizeof(uint64_t))};
    for (;;) {
        struct packet packet;
        struct failure damage;
        enum status status = read_head(layout, file, offset, &reading, &packet, &damage);
        if (status == STATUS_END)
            break;
        if (status != STATUS_OK) {
            size_t next = packets_index_next(index, offset, file.count);
            if (result == STATUS_OK)
                result = fail(why, status, "%s; %zu bytes left out", damage.text, next - offset);
            offset = next;
            continue;
        }
        out->at = memory_grow(out->at, &out->room, out->count + 1, sizeof *out->at);
        out->at[out->count++] = packet;
        offset += packet.size;
    }
    free(reading.slots);
    return result;
}

void packets_clear(struct packet_list *packets)
{
    free(packets->at);
    *packets = (struct packet_list){.at = NULL};
}

struct packet_loss packet_loss_of(const struct packet *before, const struct packet *packet)
{
    struct packet_loss loss = {.since_ns = packet->begin_ns};
    bool gap = false;
    if (before != NULL) {
        loss.since_ns = before->end_ns;
        if (packet->discarded > before->discarded)
            loss.discarded = packet->discarded - before->discarded;
        gap = packet->has_sequence && packet->sequence != before->sequence + 1;
    } else if (packet->has_sequence && packet->sequence == 0) {
        loss.discarded = packet->discarded;
    }
    loss.before = gap || loss.discarded > 0;
    loss.after = loss.discarded > 0;
    return loss;
}

size_t packets_seam(const struct packet_list *packets, uint64_t boundary_ns)
{
    if (packets->count == 0)
        return 0;
    size_t first = packets->count - 1;
    while (first > 0 && packets->at[first - 1].end_ns >= boundary_ns)
        first--;
    const struct packet *packet = &packets->at[first];
    if (first > 0 && packet->end_ns >= boundary_ns && packet->discarded != packet[-1].discarded)
        first--;
    return first;
}
