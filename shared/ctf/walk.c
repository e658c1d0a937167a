#include "walk.h"

#include "base/invariant.h"

const char WALK_PAST_END[] = "a field goes past the end of the packet";

static bool fault(struct walk *walk, const char *what)
{
    walk->fault = what;
    return false;
}

static bool has_left(struct walk *walk, uint64_t bits)
{
    return walk->at <= walk->limit && walk->limit - walk->at >= bits ? true
                                                                     : fault(walk, WALK_PAST_END);
}

/* Stores a value of which `bits` were read. */
static void note(struct walk *walk, const struct layout_field *field, uint64_t value, unsigned bits)
{
    if (field->save != LAYOUT_NONE)
        walk->slots[field->save] = value;
    if (field->meaning == LAYOUT_NOTHING || !walk->found)
        return;
    struct walk_found *found = walk->found;
    invariant(field->meaning < WALK_MEANINGS && bits >= 1 && bits <= 64);
    found->value[field->meaning] = value;
    bool counter = field->meaning == LAYOUT_SEQUENCE_NUMBER || field->meaning == LAYOUT_DISCARDED;
    found->bits[field->meaning] =
        counter && field->type == LAYOUT_VARINT ? 64 : (uint8_t)bits; /* does not wrap */
    found->has |= 1u << field->meaning;
    if (field->meaning == LAYOUT_TIMESTAMP || field->meaning == LAYOUT_PACKET_BEGIN)
        found->clock = walk_clock(found->clock, value & bits_mask(bits), bits);
}

static bool read_integer(struct walk *walk, const struct layout_field *field, uint64_t *out)
{
    invariant(field->type == LAYOUT_INTEGER || field->type == LAYOUT_FLOAT);
    if (!has_left(walk, field->size))
        return false;
    uint64_t value = bits_read(walk->packet + walk->at / 8, (unsigned)(walk->at % 8), field->size,
                               field->big_endian);
    walk->at += field->size;
    if (field->is_reversed)
        value = bits_reversed(value, field->size);
    *out = field->is_signed ? bits_sign_extended(value, field->size) : value;
    return true;
}

/* Whether the bits of a byte that begins at bit `shift`, 63 or above, only extend the 64 bits of
 * `value`. */
static bool repeats(uint64_t value, uint64_t byte, unsigned shift, bool is_signed)
{
    uint64_t above = byte & 0x7F;
    uint64_t sign = is_signed && value >> 63 ? 0x7F : 0;
    return shift == 63 && !is_signed ? above <= 1 : above == sign;
}

/* LEB128; bits above 64 are an error. *bits is the number read, 7 per byte. */
static bool read_varint(struct walk *walk, const struct layout_field *field, uint64_t *out,
                        unsigned *bits)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (!has_left(walk, 8))
            return false;
        uint64_t byte = bits_read(walk->packet + walk->at / 8, (unsigned)(walk->at % 8), 8, false);
        walk->at += 8;
        if (shift < 64)
            value |= (byte & 0x7F) << shift;
        if (shift >= 63 && !repeats(value, byte, shift, field->is_signed))
            return fault(walk, "an integer of variable length has more than 64 bits");
        if (byte & 0x80)
            continue;
        unsigned size = shift + 7;
        *out = field->is_signed && size < 64 ? bits_sign_extended(value, size) : value;
        *bits = size < 64 ? size : 64;
        return true;
    }
}

static bool read_number(struct walk *walk, const struct layout_field *field, uint64_t *out)
{
    unsigned bits = field->size;
    bool read = field->type == LAYOUT_VARINT ? read_varint(walk, field, out, &bits)
                                             : read_integer(walk, field, out);
    if (read)
        note(walk, field, *out, bits);
    return read;
}

bool walk_number(struct walk *walk, const struct layout_field *field, uint64_t *out)
{
    walk->at = bits_aligned(walk->at, field->align);
    return read_number(walk, field, out);
}

/* The bytes of a string or blob; they begin on a byte. */
static bool take_bytes(struct walk *walk, uint64_t count, struct text *out)
{
    walk->at = bits_aligned(walk->at, 8);
    if (walk->at > walk->limit || (walk->limit - walk->at) / 8 < count)
        return fault(walk, WALK_PAST_END);
    *out = (struct text){(const char *)walk->packet + walk->at / 8, (size_t)count};
    walk->at += count * 8;
    return true;
}

static bool read_string(struct walk *walk, struct text *out)
{
    walk->at = bits_aligned(walk->at, 8);
    if (walk->at >= walk->limit)
        return fault(walk, WALK_PAST_END);
    const char *from = (const char *)walk->packet + walk->at / 8;
    const char *end = memchr(from, '\0', (size_t)((walk->limit - walk->at) / 8));
    if (!end)
        return fault(walk, "a string is not terminated");
    *out = (struct text){from, (size_t)(end - from)};
    walk->at += (out->count + 1) * 8;
    return true;
}

bool walk_text(struct walk *walk, const struct layout_field *field, struct text *out)
{
    walk->at = bits_aligned(walk->at, field->align);
    if (field->type == LAYOUT_STRING)
        return read_string(walk, out);
    uint64_t count = field->type == LAYOUT_STRING_FIXED ? field->count : walk->slots[field->from];
    if (!take_bytes(walk, count, out))
        return false;
    out->count = strnlen(out->at, out->count);
    return true;
}

bool walk_units(struct walk *walk, const struct layout_field *field, struct text *out)
{
    walk->at = bits_aligned(walk->at, field->align);
    if (field->type != LAYOUT_WIDE)
        return take_bytes(
            walk, field->type == LAYOUT_BLOB_FIXED ? field->count : walk->slots[field->from], out);
    walk->at = bits_aligned(walk->at, 8);
    if (walk->at > walk->limit)
        return fault(walk, WALK_PAST_END);
    const char *from = (const char *)walk->packet + walk->at / 8;
    static const char ZEROS[4];
    size_t left = (size_t)((walk->limit - walk->at) / 8);
    for (size_t count = 0; left - count >= field->unit; count += field->unit)
        if (memcmp(from + count, ZEROS, field->unit) == 0) {
            *out = (struct text){from, count};
            walk->at += (count + field->unit) * 8;
            return true;
        }
    return fault(walk, "a string is not terminated");
}

static bool skip_bytes(struct walk *walk, uint64_t count)
{
    struct text ignored;
    return take_bytes(walk, count, &ignored);
}

/* The chosen option; NULL if none. */
static const struct layout_field *chosen(const struct walk *walk, const struct layout_field *field,
                                         uint32_t options)
{
    invariant(field->from != LAYOUT_NONE);
    uint64_t tag = walk->slots[field->from];
    for (uint32_t i = 0; i < options; i++) {
        const struct layout_field *option = &field->fields[i];
        for (uint32_t j = 0; j < option->range_count; j++) {
            struct layout_range range = option->ranges[j];
            bool inside = field->is_signed ? (int64_t)tag >= (int64_t)range.low &&
                                                 (int64_t)tag <= (int64_t)range.high
                                           : tag >= range.low && tag <= range.high;
            if (inside)
                return option;
        }
    }
    return NULL;
}

/* The size of the elements, in bits, if all have the same, and no value in them is needed; else
 * 0. */
static uint64_t element_bits(const struct layout_field *element)
{
    bool is_ignored = element->type == LAYOUT_INTEGER && element->meaning == LAYOUT_NOTHING &&
                      element->save == LAYOUT_NONE;
    uint64_t bits = element->is_fixed ? element->bits : is_ignored ? element->size : 0;
    return bits % element->align == 0 ? bits : 0;
}

static bool skip_elements(struct walk *walk, const struct layout_field *field, uint64_t count)
{
    const struct layout_field *element = &field->fields[0];
    uint64_t bits = element_bits(element);
    if (bits > 0) {
        invariant(walk->at % element->align == 0);
        if (count > 0 && (walk->at > walk->limit || (walk->limit - walk->at) / bits < count))
            return fault(walk, WALK_PAST_END);
        walk->at += count * bits;
        return true;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t before = walk->at;
        if (!walk_skip(walk, element))
            return false;
        if (walk->at == before)
            break; /* elements of size 0 make no progress */
    }
    return true;
}

/* Copies the bytes of a LAYOUT_UUID at the current position; code that skips it detects missing
 * bytes. */
static void note_uuid(const struct walk *walk)
{
    struct walk_found *found = walk->found;
    if (!found || walk->at > walk->limit || walk->limit - walk->at < 8 * sizeof found->uuid)
        return;
    const uint8_t *from = walk->packet + walk->at / 8;
    if (walk->at % 8 == 0)
        memcpy(found->uuid, from, sizeof found->uuid);
    for (size_t i = 0; walk->at % 8 != 0 && i < sizeof found->uuid; i++)
        found->uuid[i] = (uint8_t)bits_read(from + i, (unsigned)(walk->at % 8), 8, false);
    found->has |= 1u << LAYOUT_UUID;
}

bool walk_skip(struct walk *walk, const struct layout_field *field)
{
    uint64_t number;
    struct text text;
    const struct layout_field *option;
    walk->at = bits_aligned(walk->at, field->align);
    if (field->meaning == LAYOUT_UUID)
        note_uuid(walk);
    if (field->is_fixed) {
        invariant(field->save == LAYOUT_NONE);
        if (!has_left(walk, field->bits))
            return false;
        walk->at += field->bits;
        return true;
    }
    switch ((enum layout_type)field->type) {
    case LAYOUT_INTEGER:
    case LAYOUT_VARINT: return read_number(walk, field, &number);
    case LAYOUT_FLOAT:
        if (!has_left(walk, field->size))
            return false;
        walk->at += field->size;
        return true;
    case LAYOUT_STRING: return read_string(walk, &text);
    case LAYOUT_WIDE: return walk_units(walk, field, &text);
    case LAYOUT_STRING_FIXED:
    case LAYOUT_BLOB_FIXED: return skip_bytes(walk, field->count);
    case LAYOUT_STRING_SIZED:
    case LAYOUT_BLOB_SIZED: return skip_bytes(walk, walk->slots[field->from]);
    case LAYOUT_ARRAY: return skip_elements(walk, field, field->count);
    case LAYOUT_SEQUENCE: return skip_elements(walk, field, walk->slots[field->from]);
    case LAYOUT_STRUCT:
        for (uint32_t i = 0; i < field->count; i++)
            if (!walk_skip(walk, &field->fields[i]))
                return false;
        return has_left(walk, 0);
    case LAYOUT_VARIANT:
        option = chosen(walk, field, field->count);
        if (!option)
            return fault(walk, "the tag of a variant selects none of its options");
        return walk_skip(walk, option);
    case LAYOUT_OPTIONAL:
        option = chosen(walk, field, 1);
        return !option || walk_skip(walk, option);
    }
    return fault(walk, "a field of unknown type");
}
