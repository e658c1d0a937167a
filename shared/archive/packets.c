#include "packets.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

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

static uint64_t field_at(const struct packet_layout *layout, const uint8_t *packet,
                         enum packet_field field)
{
    struct packet_place place = layout->place[field];
    return number_at(packet + place.offset, place.size, place.big_endian);
}

/* The layouts of a trace share the header, so any tells the stream's id. */
static const struct packet_layout *layout_of(const struct metadata *metadata, const uint8_t *packet,
                                             size_t left)
{
    const struct packet_layout *any = &metadata->layouts[0];
    if (left < any->size)
        return NULL;
    if (any->place[PACKET_STREAM_ID].size == 0)
        return any;
    return metadata_layout(metadata, field_at(any, packet, PACKET_STREAM_ID));
}

enum status packet_read(const struct metadata *metadata, struct bytes file, size_t offset,
                        struct packet *out, struct failure *why)
{
    if (offset >= file.count)
        return STATUS_END;
    const uint8_t *packet = file.at + offset;
    size_t left = file.count - offset;
    const struct packet_layout *any = &metadata->layouts[0];
    if (left < any->size)
        return fail(why, STATUS_REJECT, "packet at %zu: cut inside its header", offset);
    if (any->place[PACKET_MAGIC].size != 0 &&
        field_at(any, packet, PACKET_MAGIC) != PACKET_MAGIC_VALUE)
        return fail(why, STATUS_REJECT, "packet at %zu: no magic number", offset);
    const struct packet_layout *layout = layout_of(metadata, packet, left);
    if (layout == NULL || left < layout->size)
        return fail(why, STATUS_REJECT, "packet at %zu: of no stream that metadata declares",
                    offset);
    uint64_t content = layout->place[PACKET_CONTENT_SIZE].size != 0
                           ? field_at(layout, packet, PACKET_CONTENT_SIZE)
                           : (uint64_t)left * 8;
    uint64_t size =
        layout->place[PACKET_SIZE].size != 0 ? field_at(layout, packet, PACKET_SIZE) : content;
    if (size % 8 != 0 || content > size || (content + 7) / 8 < layout->size)
        return fail(why, STATUS_REJECT,
                    "packet at %zu: content of %llu bits in a packet of %llu bits", offset,
                    (unsigned long long)content, (unsigned long long)size);
    if (size / 8 > left)
        return fail(why, STATUS_REJECT, "packet at %zu: cut: %zu of %llu bytes", offset, left,
                    (unsigned long long)(size / 8));
    const struct packet_place *place = layout->place;
    *out = (struct packet){
        .offset = offset,
        .size = (size_t)(size / 8),
        .content = (size_t)((content + 7) / 8),
        .begin_ns = metadata_ns(metadata, field_at(layout, packet, PACKET_BEGIN)),
        .end_ns = metadata_ns(metadata, field_at(layout, packet, PACKET_END)),
        .discarded = field_at(layout, packet, PACKET_DISCARDED),
        .sequence = field_at(layout, packet, PACKET_SEQUENCE),
        .stream_id = field_at(layout, packet, PACKET_STREAM_ID),
        .instance = field_at(layout, packet, PACKET_INSTANCE),
        .cpu = place[PACKET_CPU].size != 0
                   ? (int32_t)(field_at(layout, packet, PACKET_CPU) & INT32_MAX)
                   : -1,
        .has_sequence = place[PACKET_SEQUENCE].size != 0,
        .has_instance = place[PACKET_INSTANCE].size != 0,
    };
    return STATUS_OK;
}

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
    for (;;) {
        struct packet packet;
        struct failure damage;
        enum status status = packet_read(metadata, file, offset, &packet, &damage);
        if (status == STATUS_END)
            return result;
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
