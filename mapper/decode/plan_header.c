/* The short form of event headers, if there is one. */
#include "ctf/bits.h"
#include "mapper/decode/plan.h"

struct header_maker {
    struct plan_header *out;
    uint64_t bits;  /* from the begin of the header */
    uint64_t align; /* of it */
    uint64_t id_bit, time_bit;
    bool has_id, has_option;
};

static bool place_integer(struct header_maker *maker, const struct layout_field *field)
{
    struct plan_header *out = maker->out;
    if (field->meaning == LAYOUT_EVENT_ID) {
        if (maker->has_id || (out->has_time && field->big_endian != out->big_endian))
            return false;
        maker->has_id = true;
        maker->id_bit = maker->bits;
        out->id_bits = field->size;
        out->save = field->save;
        out->big_endian = field->big_endian;
    } else if (field->meaning == LAYOUT_TIMESTAMP) {
        if (out->has_time || (maker->has_id && field->big_endian != out->big_endian))
            return false;
        out->has_time = true;
        maker->time_bit = maker->bits;
        out->time_bits = field->size;
        out->big_endian = field->big_endian;
    }
    if (field->meaning != LAYOUT_EVENT_ID && field->save != LAYOUT_NONE)
        return false;
    if (field->is_reversed && field->meaning != LAYOUT_NOTHING)
        return false;
    maker->bits += field->size;
    return !field->is_signed && maker->bits <= 1024;
}

static bool place(struct header_maker *maker, const struct layout_field *field);

/* Takes the first option; the others are the long form. */
static bool place_variant(struct header_maker *maker, const struct layout_field *field)
{
    struct plan_header *out = maker->out;
    if (maker->has_option || !maker->has_id || field->from != out->save || field->is_signed ||
        field->count == 0 || field->fields[0].range_count == 0)
        return false;
    maker->has_option = true;
    out->low = field->fields[0].ranges[0].low;
    out->high = field->fields[0].ranges[0].high;
    return place(maker, &field->fields[0]);
}

static bool place(struct header_maker *maker, const struct layout_field *field)
{
    if (field->align > maker->align)
        return false;
    maker->bits = bits_aligned(maker->bits, field->align);
    if (field->type == LAYOUT_INTEGER)
        return place_integer(maker, field);
    if (field->type == LAYOUT_VARIANT)
        return place_variant(maker, field);
    if (field->type != LAYOUT_STRUCT)
        return false;
    for (uint32_t i = 0; i < field->count; i++)
        if (!place(maker, &field->fields[i]))
            return false;
    return true;
}

/* --- bit positions where fields end --- */

/* `from`, advanced by `bits`. */
static uint8_t passed(uint8_t from, uint64_t bits)
{
    unsigned by = (unsigned)(bits % 8);
    return (uint8_t)(from << by | from >> (8 - by));
}

static uint8_t aligned(uint8_t from, uint32_t align)
{
    uint8_t to = 0;
    for (unsigned bit = 0; bit < 8; bit++)
        if (from >> bit & 1)
            to |= (uint8_t)(1u << (bits_aligned(bit, align) % 8));
    return to;
}

/* After `count` elements; UINT64_MAX: after any number. Only checks one element, and returns all
 * bits if that is not enough. */
static uint8_t elements_end(const struct layout_field *field, uint8_t from, uint64_t count)
{
    uint8_t one = count > 0 ? plan_ends(&field->fields[0], from) : from;
    if (count <= 1 || one == from)
        return one;
    return count == UINT64_MAX && (one & ~from) == 0 ? from : UINT8_MAX;
}

uint8_t plan_ends(const struct layout_field *field, uint8_t from)
{
    uint8_t to = 0, at = aligned(from, field->align);
    if (field->is_fixed)
        return passed(at, field->bits);
    switch ((enum layout_type)field->type) {
    case LAYOUT_INTEGER:
    case LAYOUT_FLOAT: return passed(at, field->size);
    case LAYOUT_VARINT: return at;
    case LAYOUT_STRING:
    case LAYOUT_WIDE:
    case LAYOUT_STRING_FIXED:
    case LAYOUT_STRING_SIZED:
    case LAYOUT_BLOB_FIXED:
    case LAYOUT_BLOB_SIZED: return PLAN_ON_BYTE;
    case LAYOUT_ARRAY: return elements_end(field, at, field->count);
    case LAYOUT_SEQUENCE: return elements_end(field, at, UINT64_MAX);
    case LAYOUT_STRUCT:
        for (uint32_t i = 0; i < field->count; i++)
            at = plan_ends(&field->fields[i], at);
        return at;
    case LAYOUT_OPTIONAL: return at | plan_ends(&field->fields[0], at);
    case LAYOUT_VARIANT:
        for (uint32_t i = 0; i < field->count; i++)
            to |= plan_ends(&field->fields[i], at);
        return to;
    }
    return UINT8_MAX;
}

/* --- */

/* Finds the bits in the 8 bytes from `*at` on, as a number; false if they do not fit. */
static bool load_from(uint64_t bit, unsigned bits, bool big_endian, uint32_t *at, uint8_t *shift)
{
    unsigned within = (unsigned)(bit % 8);
    *at = (uint32_t)(bit / 8);
    *shift = (uint8_t)(big_endian ? 64 - within - bits : within);
    return within + bits <= 64;
}

static bool uses(const struct layout_field *field, uint32_t slot)
{
    bool many = field->type == LAYOUT_STRUCT || field->type == LAYOUT_VARIANT;
    uint32_t inside = many ? field->count : field->fields ? 1 : 0;
    bool has_from = field->type == LAYOUT_STRING_SIZED || field->type == LAYOUT_BLOB_SIZED ||
                    field->type == LAYOUT_SEQUENCE || field->type == LAYOUT_VARIANT ||
                    field->type == LAYOUT_OPTIONAL;
    if (has_from && field->from == slot)
        return true;
    for (uint32_t i = 0; i < inside; i++)
        if (uses(&field->fields[i], slot))
            return true;
    return false;
}

/* Whether any event of the stream uses the slot after its header. */
static bool events_use(const struct layout_stream *stream, uint32_t slot)
{
    if (slot == LAYOUT_NONE)
        return false;
    if (stream->event_context && uses(stream->event_context, slot))
        return true;
    for (uint32_t i = 0; i < stream->event_count; i++) {
        const struct layout_event *event = stream->by_id[i];
        if ((event->context && uses(event->context, slot)) ||
            (event->payload && uses(event->payload, slot)))
            return true;
    }
    return false;
}

struct plan_header plan_header(const struct layout_stream *stream)
{
    const struct layout_field *header = stream->event_header;
    struct plan_header out = {.save = LAYOUT_NONE, .align = 1, .high = UINT64_MAX};
    out.by_bytes = header && header->align % 8 == 0;
    if (!out.by_bytes)
        return out;
    out.ragged = plan_ends(header, PLAN_ON_BYTE) != PLAN_ON_BYTE;
    struct header_maker maker = {.out = &out, .align = header->align};
    bool placed = place(&maker, header) && maker.has_id && maker.bits % 8 == 0 &&
                  load_from(maker.id_bit, out.id_bits, out.big_endian, &out.id_at, &out.id_shift);
    if (placed && out.has_time)
        placed =
            load_from(maker.time_bit, out.time_bits, out.big_endian, &out.time_at, &out.time_shift);
    if (!placed)
        return out;
    out.is_short = true;
    out.align = header->align / 8;
    out.bytes = (uint32_t)(maker.bits / 8);
    out.reach = (out.id_at > out.time_at ? out.id_at : out.time_at) + 8;
    if (out.reach < out.bytes)
        out.reach = out.bytes;
    out.id_mask = bits_mask(out.id_bits);
    out.time_mask = out.has_time ? bits_mask(out.time_bits) : 0;
    if (!events_use(stream, out.save))
        out.save = LAYOUT_NONE;
    return out;
}
