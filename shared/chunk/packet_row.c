#include "chunk/packet_row.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu_number.h"
#include "base/invariant.h"
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

/* The size of the packet and of its content; `left` bytes are available. */
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
    if (content == 0 && size == 0) {
        out->fault = PACKET_UNFINISHED;
        return fail(
            why, STATUS_REJECT,
            "packet at byte %zu: incomplete, still being recorded (stop or rotate the session)",
            offset);
    }
    if (size % 8 != 0 || content > size || content < head_bits || size == 0)
        return fail(why, STATUS_REJECT,
                    "packet at byte %zu: content of %llu bits in a packet of %llu bits", offset,
                    (unsigned long long)content, (unsigned long long)size);
    out->fault = content > all ? PACKET_CUT : PACKET_DAMAGED;
    if (content > all)
        return fail(why, STATUS_REJECT, "packet at byte %zu: truncated: %zu of %llu bytes", offset,
                    left, (unsigned long long)(size / 8));
    out->content_bits = content;
    out->head.content = (size_t)((content + 7) / 8);
    out->head.size = size < all ? (size_t)(size / 8) : left;
    out->stated_size = size / 8 < SIZE_MAX ? (size_t)(size / 8) : SIZE_MAX;
    assert(out->head.content <= out->head.size && out->head.size <= left);
    assert(head_bits <= content && out->head.size <= out->stated_size);
    return STATUS_OK;
}

/* Extends times from the previous one, by less than one period of their bits. */
static void take_times(const struct walk_found *found, const struct stream_time *time,
                       struct packet_at *out)
{
    out->has_begin = has(found, LAYOUT_PACKET_BEGIN);
    out->has_end = has(found, LAYOUT_PACKET_END);
    out->clock = found->clock;
    if (out->has_begin)
        out->head.begin_ns = stream_ns(time, out->clock);
    if (!out->has_end)
        return;
    unsigned bits = found->bits[LAYOUT_PACKET_END];
    uint64_t end = found->value[LAYOUT_PACKET_END];
    if (out->has_begin && bits < 64)
        end = walk_clock(out->clock, end & bits_mask(bits), bits);
    out->head.end_ns = stream_ns(time, end);
}

static void take_found(const struct walk_found *found, const struct stream_time *time,
                       struct packet_at *out)
{
    struct packet *head = &out->head;
    take_times(found, time, out);
    head->discarded = found->value[LAYOUT_DISCARDED];
    head->discarded_bits = found->bits[LAYOUT_DISCARDED];
    head->sequence = found->value[LAYOUT_SEQUENCE_NUMBER];
    head->sequence_bits = found->bits[LAYOUT_SEQUENCE_NUMBER];
    head->stream_id = out->stream->id;
    head->instance = found->value[LAYOUT_STREAM_ID];
    head->cpu = -1;
    if (has(found, LAYOUT_CPU)) {
        uint64_t number = found->value[LAYOUT_CPU] & bits_mask(found->bits[LAYOUT_CPU]);
        out->cpu_is_wrong = number > CPU_NUMBER_MAX;
        out->wrong_cpu = number;
        if (!out->cpu_is_wrong)
            head->cpu = (int32_t)number;
    }
    head->has_sequence = has(found, LAYOUT_SEQUENCE_NUMBER);
    head->has_instance = has(found, LAYOUT_STREAM_ID);
    head->has_begin = out->has_begin;
}

/* LTTng leaves an end of 0 if a crash or a bug kept it from writing one. */
static bool ends_before_begin(const struct walk_found *found, const struct packet_at *packet)
{
    return packet->has_begin && packet->has_end && found->value[LAYOUT_PACKET_END] != 0 &&
           packet->head.end_ns < packet->head.begin_ns;
}

/* Checks the header, except sizes. */
static enum status check(const struct walk_found *found, const struct stream_time *time,
                         struct packet_at *packet, struct failure *why)
{
    size_t offset = packet->head.offset;
    packet->fault = PACKET_OUT_OF_TIME;
    if (packet->head.begin_ns > time->last_ns ||
        (found->value[LAYOUT_PACKET_END] != 0 && packet->head.end_ns > time->last_ns))
        return fail(why, STATUS_REJECT,
                    "packet at byte %zu: its time exceeds 64 bits of nanoseconds", offset);
    packet->fault = PACKET_DAMAGED;
    if (ends_before_begin(found, packet))
        return fail(why, STATUS_REJECT, "packet at byte %zu: it ends before it begins", offset);
    return STATUS_OK;
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
        return fail(why, STATUS_REJECT, "packet at byte %zu: truncated in its header", offset);
    if (has(&found, LAYOUT_MAGIC) && found.value[LAYOUT_MAGIC] != MAGIC)
        return fail(why, STATUS_REJECT, "packet at byte %zu: no magic number", offset);
    out->stream = stream_of(layout, &found);
    bool foreign = has(&found, LAYOUT_UUID) && layout->has_uuid &&
                   memcmp(found.uuid, layout->uuid, sizeof found.uuid) != 0;
    if (!out->stream && !foreign)
        return fail(why, STATUS_REJECT,
                    "packet at byte %zu: its stream is not declared in the metadata", offset);
    out->fault = foreign ? PACKET_OF_ANOTHER_TRACE : PACKET_DAMAGED;
    if (foreign) /* its context has another layout */
        return fail(why, STATUS_REJECT,
                    "packet at byte %zu: belongs to another trace (different uuid)", offset);
    const struct stream_time *time = &reading->times[out->stream - layout->streams];
    bool walked = !out->stream->packet_context || walk_skip(&walk, out->stream->packet_context);
    take_found(&found, time, out);
    enum status status = measure(&found, walked ? walk.at : 0, left, out, why);
    if (!walked)
        return fail(why, STATUS_REJECT, "packet at byte %zu: in its context: %s", offset,
                    walk.fault);
    if (status == STATUS_OK)
        status = check(&found, time, out, why);
    if (status == STATUS_OK) {
        reading->clock = found.clock;
        reading->events_bit = walk.at;
    }
    return status;
}

/* --- a file --- */

/* The state of a search for packets in a file. */
struct search {
    const struct layout *layout;
    struct bytes file, index;
    size_t index_at; /* position in the index */
    struct packet_reading reading;
};

static bool is_packet(const struct search *search, size_t offset)
{
    struct packet_reading reading = search->reading;
    struct packet_at packet;
    struct failure ignored;
    return packet_head(search->layout, search->file, offset, &reading, &packet, &ignored) ==
           STATUS_OK;
}

/* Packet headers begin with the magic number in whole bytes. */
static const struct layout_field *magic_of(const struct layout *layout)
{
    const struct layout_field *header = layout->packet_header;
    if (!header || header->count == 0)
        return NULL;
    const struct layout_field *first = &header->fields[0];
    return first->meaning == LAYOUT_MAGIC && first->type == LAYOUT_INTEGER && first->size == 32
               ? first
               : NULL;
}

/* The next packet after `offset` by its magic number; the end of the file if there is none. */
static size_t next_by_magic(const struct search *search, size_t offset)
{
    const struct layout_field *magic = magic_of(search->layout);
    uint8_t wanted[4];
    if (!magic)
        return search->file.count;
    for (unsigned i = 0; i < sizeof wanted; i++)
        wanted[i] = (uint8_t)(MAGIC >> 8 * (magic->big_endian ? 3 - i : i));
    assert(offset < search->file.count);
    const uint8_t *at = search->file.at + offset, *end = search->file.at + search->file.count;
    while ((at = memmem(at + 1, (size_t)(end - at) - 1, wanted, sizeof wanted)) != NULL)
        if (is_packet(search, (size_t)(at - search->file.at)))
            return (size_t)(at - search->file.at);
    return search->file.count;
}

/* Where to continue after `packet`, which is left out. */
static size_t next_packet(const struct search *search, const struct packet_at *packet)
{
    size_t offset = packet->head.offset, count = search->file.count;
    size_t next = packets_index_next(search->index, offset, count);
    if (next < count)
        return next;
    next = offset + packet->head.size;
    if (packet->head.size > 0 && (next == count || is_packet(search, next)))
        return next;
    return next_by_magic(search, offset);
}

/* The begin of the next packet, if one begins inside the stated size of a packet with complete
 * content: by the index, or, if that size exceeds the file, by the magic number. Otherwise the end
 * of the packet. */
static size_t end_of_whole(struct search *search, const struct packet_at *packet)
{
    size_t offset = packet->head.offset, end = offset + packet->head.size;
    size_t content_end = offset + packet->head.content;
    size_t next = packets_index_follow(search->index, &search->index_at, offset, end);
    if (next == end && packet->stated_size > packet->head.size && content_end > offset)
        next = next_by_magic(search, content_end - 1);
    return next >= content_end && next < end && is_packet(search, next) ? next : end;
}

static void note_damage(struct packet_damage *damage, const struct packet_at *packet,
                        const struct failure *why, size_t bytes)
{
    if (damage->holes++ == 0) {
        damage->first = *why;
        damage->fault = packet->fault;
    }
    damage->bytes += bytes;
}

/* The stated size of a complete packet is too large: the next one begins inside. */
static void shorten(struct packet_at *packet, size_t end, struct packet_damage *damage)
{
    struct failure why;
    enum status status =
        fail(&why, STATUS_REJECT,
             "packet at byte %zu: its size is %zu bytes, but the next packet is at byte %zu",
             packet->head.offset, packet->stated_size, end);
    (void)status;
    packet->fault = PACKET_DAMAGED;
    note_damage(damage, packet, &why, 0);
    damage->size_lies = true;
    assert(end > packet->head.offset && end - packet->head.offset >= packet->head.content);
    packet->head.size = packet->stated_size = end - packet->head.offset;
}

/* The packet's events are kept: their threads may be right. */
static void note_cpu(struct packet_damage *damage, const struct packet_at *packet)
{
    if (!packet->cpu_is_wrong || damage->has_wrong_cpu)
        return;
    damage->has_wrong_cpu = true;
    damage->wrong_cpu_offset = packet->head.offset;
    damage->wrong_cpu = packet->wrong_cpu;
}

static void add_packet(struct packet_row *out, const struct packet_at *packet)
{
    assert(packet->head.size > 0); /* the loop makes progress */
    out->at = memory_grow(out->at, &out->room, out->count + 1, sizeof *out->at);
    out->at[out->count++] = *packet;
}

void packet_row_add(struct packet_row *out, const struct layout *layout,
                    const struct stream_time *times, struct bytes file, struct bytes index,
                    struct packet_damage *damage)
{
    struct search search = {
        .layout = layout,
        .file = file,
        .index = index,
        .reading = {.times = times, .slots = memory_new(layout->slot_count * sizeof(uint64_t))}};
    *damage = (struct packet_damage){.holes = 0};
    if (out->count > 0)
        search.reading.clock = out->at[out->count - 1].clock;
    bool hole = false;
    for (size_t offset = 0;;) {
        struct packet_at packet;
        struct failure why;
        enum status status = packet_head(layout, file, offset, &search.reading, &packet, &why);
        if (status == STATUS_END)
            break;
        if (status == STATUS_OK) {
            size_t end = end_of_whole(&search, &packet);
            if (end < offset + packet.head.size)
                shorten(&packet, end, damage);
            packet.after_hole = hole;
            add_packet(out, &packet);
            note_cpu(damage, &packet);
            damage->padding = packet.stated_size - packet.head.size;
            offset += packet.head.size;
        } else {
            size_t next = next_packet(&search, &packet);
            assert(next > offset && next <= file.count);
            note_damage(damage, &packet, &why, next - offset);
            offset = next;
        }
        hole = status != STATUS_OK;
    }
    free(search.reading.slots);
}

void packet_row_clear(struct packet_row *packets)
{
    free(packets->at);
    *packets = (struct packet_row){.at = NULL};
}
