#include <stdlib.h>

#include "base/memory.h"
#include "tests/mapper/random_layout.h"

/* The packet that is being written. */
struct writer {
    struct random *random;
    const struct layout *layout;
    const struct layout_stream *stream;
    const struct random_stream *wanted;
    uint8_t *at;
    size_t room;
    size_t base;  /* bytes of the packets before it */
    uint64_t bit; /* from the packet's begin */
    uint64_t now;
    uint64_t passed; /* since the previous event, or the begin of the packet */
    uint64_t last;   /* the last event's time */
    bool jumped;     /* `now` exceeds the range of the low bits of the time */
    const struct layout_event *event;
    uint64_t number, discarded;
    /* Fields of the packet context that are known at its end: their bits, 0 for none. */
    uint64_t places[LAYOUT_TIMESTAMP + 1];
    const struct layout_field *fields[LAYOUT_TIMESTAMP + 1];
    uint64_t *slots;
    const struct layout_field **users; /* of each slot: the first that needs it */
};

static uint64_t below(struct writer *writer, uint64_t limit)
{
    return random_below(writer->random, limit);
}

static uint64_t any_bits(struct writer *writer)
{
    return below(writer, UINT64_MAX) ^ below(writer, 3);
}

/* --- bits --- */

static void reserve(struct writer *writer, uint64_t bits)
{
    size_t needed = writer->base + (size_t)((writer->bit + bits + 7) / 8) + 8, old = writer->room;
    if (needed <= old)
        return;
    writer->at = memory_grow(writer->at, &writer->room, needed, 1);
    memset(writer->at + old, 0, writer->room - old);
}

/* CTF 1.8, 4.1.5: little-endian fields fill bytes from their lowest bit, others from the highest. */
static void put_bit(struct writer *writer, uint64_t place, bool big_endian, bool value)
{
    uint8_t *byte = &writer->at[writer->base + place / 8];
    unsigned shift = (unsigned)(big_endian ? 7 - place % 8 : place % 8);
    *byte = (uint8_t)((*byte & ~(1u << shift)) | (unsigned)value << shift);
}

static void put_at(struct writer *writer, uint64_t place, const struct layout_field *field,
                   uint64_t value)
{
    for (unsigned i = 0; i < field->size; i++)
        put_bit(writer, place + i, field->big_endian,
                value >> (field->big_endian ? field->size - 1 - i : i) & 1);
}

static void put(struct writer *writer, const struct layout_field *field, uint64_t value)
{
    reserve(writer, field->size);
    put_at(writer, writer->bit, field, value);
    writer->bit += field->size;
}

static void put_byte(struct writer *writer, uint8_t byte)
{
    reserve(writer, 8);
    writer->at[writer->base + writer->bit / 8] = byte;
    writer->bit += 8;
}

static void align(struct writer *writer, uint32_t bits)
{
    uint64_t aligned = (writer->bit + bits - 1) / bits * bits;
    reserve(writer, aligned - writer->bit);
    writer->bit = aligned;
}

/* --- the users of a slot --- */

static void find_users(struct writer *writer, const struct layout_field *field)
{
    if (field == NULL)
        return;
    if (field->from != LAYOUT_NONE && writer->users[field->from] == NULL)
        writer->users[field->from] = field;
    for (uint32_t i = 0; i < layout_part_count(field); i++)
        find_users(writer, &field->fields[i]);
}

/* Slots of packets are needed by all events, those of an event only by that event. */
static void find_all_users(struct writer *writer, const struct layout_event *event)
{
    memset(writer->users, 0, writer->layout->slot_count * sizeof *writer->users);
    const struct layout_stream *stream = writer->stream;
    find_users(writer, writer->layout->packet_header);
    find_users(writer, stream->packet_context);
    find_users(writer, stream->event_header);
    find_users(writer, stream->event_context);
    for (uint32_t i = 0; i < stream->event_count; i++) {
        if (event != NULL && stream->by_id[i] != event)
            continue;
        find_users(writer, stream->by_id[i]->context);
        find_users(writer, stream->by_id[i]->payload);
    }
}

/* --- values of fields --- */

static bool in_range(const struct layout_range *range, bool is_signed, uint64_t value)
{
    return is_signed
               ? (int64_t)value >= (int64_t)range->low && (int64_t)value <= (int64_t)range->high
               : value >= range->low && value <= range->high;
}

static const struct layout_field *chosen(const struct layout_field *field, uint64_t tag)
{
    for (uint32_t i = 0; i < layout_part_count(field); i++)
        for (uint32_t j = 0; j < field->fields[i].range_count; j++)
            if (in_range(&field->fields[i].ranges[j], field->is_signed, tag))
                return &field->fields[i];
    return NULL;
}

static const struct layout_field *part_that_means(const struct layout_field *field,
                                                  enum layout_meaning meaning)
{
    if (field == NULL || field->meaning == meaning)
        return field;
    for (uint32_t i = 0; i < layout_part_count(field); i++) {
        const struct layout_field *found = part_that_means(&field->fields[i], meaning);
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* The id, or the value for an extended header, whose id follows in a variant. */
static uint64_t id_value(struct writer *writer, const struct layout_field *field)
{
    uint64_t id = writer->event->id;
    const struct layout_field *user =
        field->save != LAYOUT_NONE ? writer->users[field->save] : NULL;
    if (user == NULL || user->type != LAYOUT_VARIANT)
        return id;
    const struct layout_field *option = chosen(user, id);
    if (option != NULL && part_that_means(option, LAYOUT_EVENT_ID) == NULL && !writer->jumped &&
        below(writer, 8) > 0)
        return id;
    for (uint32_t i = 0; i < user->count; i++)
        if (part_that_means(&user->fields[i], LAYOUT_EVENT_ID) != NULL)
            return user->fields[i].ranges[0].low;
    return id;
}

/* A value that selects one of the options of `user`. */
static uint64_t tag_value(struct writer *writer, const struct layout_field *user)
{
    uint32_t count = layout_part_count(user), first = (uint32_t)below(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct layout_field *option = &user->fields[(first + i) % count];
        if (option->range_count == 0)
            continue;
        const struct layout_range *range = &option->ranges[below(writer, option->range_count)];
        uint64_t width = range->high - range->low;
        return range->low + (width > 0 ? below(writer, width < 100 ? width + 1 : 100) : 0);
    }
    return 0;
}

static uint64_t plain_value(struct writer *writer, const struct layout_field *field)
{
    const struct layout_field *user =
        field->save != LAYOUT_NONE ? writer->users[field->save] : NULL;
    if (user == NULL)
        return below(writer, 2) > 0 ? any_bits(writer) : below(writer, 100);
    bool tag = user->type == LAYOUT_VARIANT || user->type == LAYOUT_OPTIONAL;
    return tag ? tag_value(writer, user) : below(writer, 5);
}

static uint64_t value_of(struct writer *writer, const struct layout_field *field)
{
    switch ((enum layout_meaning)field->meaning) {
    case LAYOUT_MAGIC: return UINT64_C(0xC1FC1FC1);
    case LAYOUT_STREAM_CLASS_ID: return writer->stream->id;
    case LAYOUT_STREAM_ID:
    case LAYOUT_CPU: return writer->wanted->instance;
    case LAYOUT_PACKET_BEGIN:
    case LAYOUT_TIMESTAMP: return writer->now;
    case LAYOUT_SEQUENCE_NUMBER: return writer->number;
    case LAYOUT_EVENT_ID: return id_value(writer, field);
    case LAYOUT_PACKET_END:
    case LAYOUT_CONTENT_BITS:
    case LAYOUT_PACKET_BITS:
    case LAYOUT_DISCARDED:
        writer->places[field->meaning] = writer->bit;
        writer->fields[field->meaning] = field;
        return 0;
    case LAYOUT_UUID:
    case LAYOUT_NOTHING: break;
    }
    return plain_value(writer, field);
}

static uint64_t low_bits(uint64_t value, unsigned bits, bool is_signed)
{
    if (bits >= 64)
        return value;
    uint64_t low = value & ((UINT64_C(1) << bits) - 1);
    bool negative = is_signed && (low >> (bits - 1) & 1) != 0;
    return negative ? low | ~((UINT64_C(1) << bits) - 1) : low;
}

/* --- fields --- */

static void write_field(struct writer *writer, const struct layout_field *field);

static void write_integer(struct writer *writer, const struct layout_field *field)
{
    uint64_t value = low_bits(value_of(writer, field), field->size, field->is_signed);
    put(writer, field, value);
    if (field->save != LAYOUT_NONE)
        writer->slots[field->save] = value;
}

/* The fewest low bytes of the time that determine it after the previous time. */
static void write_short_time(struct writer *writer)
{
    uint64_t left = writer->now, passed = writer->passed;
    do {
        passed >>= 7;
        put_byte(writer, (uint8_t)((left & 0x7f) | (passed > 0 ? 0x80 : 0)));
        left >>= 7;
    } while (passed > 0);
}

static void write_varint(struct writer *writer, const struct layout_field *field)
{
    if (field->meaning == LAYOUT_TIMESTAMP && field->save == LAYOUT_NONE) {
        write_short_time(writer);
        return;
    }
    uint64_t value = value_of(writer, field), left = value;
    bool more = true;
    while (more) {
        uint8_t byte = left & 0x7f;
        left = field->is_signed ? (uint64_t)((int64_t)left >> 7) : left >> 7;
        more = field->is_signed
                   ? !((left == 0 && byte < 0x40) || (left == UINT64_MAX && byte >= 0x40))
                   : left != 0;
        put_byte(writer, (uint8_t)(byte | (more ? 0x80 : 0)));
    }
    if (field->save != LAYOUT_NONE)
        writer->slots[field->save] = value;
}

/* Fractions that both widths represent exactly. */
static void write_float(struct writer *writer, const struct layout_field *field)
{
    double value = (double)(int64_t)low_bits(any_bits(writer), 20, true) / 8;
    uint64_t bits = 0;
    float narrow = (float)value;
    if (field->size == 32)
        memcpy(&bits, &narrow, sizeof narrow);
    else
        memcpy(&bits, &value, sizeof value);
    put(writer, field, bits);
}

static void write_bytes(struct writer *writer, uint64_t count, bool is_text)
{
    for (uint64_t i = 0; i < count; i++)
        put_byte(writer, (uint8_t)(is_text ? 'a' + below(writer, 26) : below(writer, 256)));
}

/* Of a fixed size: some end before it. */
static void write_text(struct writer *writer, uint64_t count)
{
    uint64_t used = below(writer, 2) > 0 ? count : below(writer, count + 1);
    write_bytes(writer, used, true);
    for (uint64_t i = used; i < count; i++)
        put_byte(writer, 0);
}

static void write_string(struct writer *writer)
{
    write_bytes(writer, below(writer, 4) > 0 ? below(writer, 12) : below(writer, 200), true);
    put_byte(writer, 0);
}

static void write_elements(struct writer *writer, const struct layout_field *field, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        write_field(writer, field->fields);
}

static void write_field(struct writer *writer, const struct layout_field *field)
{
    align(writer, field->align);
    uint64_t from = field->from != LAYOUT_NONE ? writer->slots[field->from] : 0;
    const struct layout_field *option;
    switch ((enum layout_type)field->type) {
    case LAYOUT_INTEGER: write_integer(writer, field); break;
    case LAYOUT_VARINT: write_varint(writer, field); break;
    case LAYOUT_FLOAT: write_float(writer, field); break;
    case LAYOUT_WIDE: /* not needed here */
    case LAYOUT_STRING: write_string(writer); break;
    case LAYOUT_STRING_FIXED: write_text(writer, field->count); break;
    case LAYOUT_STRING_SIZED: write_text(writer, from); break;
    case LAYOUT_BLOB_FIXED:
        if (field->meaning == LAYOUT_UUID)
            for (unsigned i = 0; i < 16; i++)
                put_byte(writer, writer->layout->uuid[i]);
        else
            write_bytes(writer, field->count, false);
        break;
    case LAYOUT_BLOB_SIZED: write_bytes(writer, from, false); break;
    case LAYOUT_ARRAY:
        if (field->meaning == LAYOUT_UUID)
            for (unsigned i = 0; i < 16; i++)
                put_byte(writer, writer->layout->uuid[i]);
        else
            write_elements(writer, field, field->count);
        break;
    case LAYOUT_SEQUENCE: write_elements(writer, field, from); break;
    case LAYOUT_STRUCT:
        for (uint32_t i = 0; i < field->count; i++)
            write_field(writer, &field->fields[i]);
        break;
    case LAYOUT_VARIANT:
    case LAYOUT_OPTIONAL:
        option = chosen(field, from);
        if (option != NULL)
            write_field(writer, option);
        break;
    }
}

static void write_root(struct writer *writer, const struct layout_field *root)
{
    if (root != NULL)
        write_field(writer, root);
}

/* --- events and packets --- */

/* The number of clock bits in the shortest timestamp of event headers, at least 8. */
static unsigned time_bits(const struct layout_field *field)
{
    unsigned least =
        field != NULL && field->meaning == LAYOUT_TIMESTAMP && field->size > 0 ? field->size : 64;
    for (uint32_t i = 0; field != NULL && i < layout_part_count(field); i++) {
        unsigned bits = time_bits(&field->fields[i]);
        least = bits < least ? bits : least;
    }
    return least;
}

static bool tells_all(const struct layout_field *header)
{
    const struct layout_field *v = part_that_means(header, LAYOUT_EVENT_ID);
    return v != NULL && v->save != LAYOUT_NONE;
}

/* Usually a little; sometimes up to the limit of a short timestamp, or beyond it if a longer one is
 * available. */
static void pass_time(struct writer *writer)
{
    const struct layout_field *header = writer->stream->event_header;
    unsigned bits = time_bits(header);
    uint64_t reach = bits < 40 ? UINT64_C(1) << bits : UINT64_C(1) << 40;
    uint64_t dice = below(writer, 50), before = writer->now;
    writer->jumped = dice == 0 && tells_all(header);
    if (writer->jumped)
        writer->now += reach + below(writer, reach);
    else
        writer->now += dice == 1 ? below(writer, reach) : below(writer, 1000) & (reach - 1);
    writer->passed = writer->now - before;
    writer->last = writer->now;
}

static void write_event(struct writer *writer)
{
    const struct layout_stream *stream = writer->stream;
    writer->event = stream->by_id[below(writer, stream->event_count)];
    find_all_users(writer, writer->event);
    pass_time(writer);
    write_root(writer, stream->event_header);
    write_root(writer, stream->event_context);
    write_root(writer, writer->event->context);
    write_root(writer, writer->event->payload);
}

static void settle(struct writer *writer, enum layout_meaning meaning, uint64_t value)
{
    if (writer->fields[meaning] != NULL)
        put_at(writer, writer->places[meaning], writer->fields[meaning], value);
}

static size_t write_packet(struct writer *writer)
{
    writer->bit = 0;
    memset(writer->fields, 0, sizeof writer->fields);
    find_all_users(writer, NULL);
    write_root(writer, writer->layout->packet_header);
    write_root(writer, writer->stream->packet_context);
    size_t events = writer->stream->event_count > 0 ? below(writer, writer->wanted->events + 1) : 0;
    for (size_t i = 0; i < events; i++)
        write_event(writer);
    uint64_t content = writer->bit;
    if (writer->wanted->packets > 1)
        writer->bit += below(writer, 3) * 64;
    align(writer, 8);
    /* Both readers treat everything after the last whole byte of the content as padding. */
    settle(writer, LAYOUT_CONTENT_BITS, content);
    settle(writer, LAYOUT_PACKET_BITS, writer->bit);
    writer->now += below(writer, 100);
    settle(writer, LAYOUT_PACKET_END, writer->now);
    if (writer->wanted->loses_packets && below(writer, 4) == 0)
        writer->discarded += 1 + below(writer, 100);
    settle(writer, LAYOUT_DISCARDED, writer->discarded);
    writer->number += 1 + (writer->wanted->loses_packets && below(writer, 4) == 0);
    reserve(writer, 0);
    writer->base += (size_t)(writer->bit / 8);
    return events;
}

struct written random_packets(struct random *random, const struct layout *layout,
                              const struct layout_stream *stream,
                              const struct random_stream *wanted)
{
    struct writer writer = {
        .random = random,
        .layout = layout,
        .stream = stream,
        .wanted = wanted,
        .now = wanted->begin,
        .slots = memory_new((layout->slot_count + 1) * sizeof(uint64_t)),
        .users = memory_new((layout->slot_count + 1) * sizeof(void *)),
    };
    struct written written = {.events = 0};
    for (unsigned i = 0; i < wanted->packets; i++) {
        written.events += write_packet(&writer);
        writer.now += below(&writer, 1000);
    }
    free(writer.slots);
    free(writer.users);
    written.at = writer.at;
    written.count = writer.base;
    written.end = writer.now;
    written.last = writer.last;
    return written;
}
