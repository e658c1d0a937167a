#include "mapper/decode/walk_kept.h"

#include "base/utf8.h"

bool walk_numbers(struct walk *walk, const struct layout_field *field, size_t most,
                  struct scratch *scratch, const int64_t **out, size_t *count)
{
    const struct layout_field *element = &field->fields[0];
    uint64_t all = field->type == LAYOUT_ARRAY ? field->count : walk->slots[field->from];
    walk->at = bits_aligned(walk->at, field->align);
    /* Each element takes at least one bit, so a wrong length allocates no memory. */
    if (walk->at > walk->limit || walk->limit - walk->at < all) {
        walk->fault = WALK_PAST_END;
        return false;
    }
    size_t kept = all < most ? (size_t)all : most;
    int64_t *numbers = scratch_take(scratch, kept * sizeof *numbers);
    for (uint64_t i = 0; i < all; i++) {
        uint64_t number;
        if (!walk_number(walk, element, &number))
            return false;
        if (i < kept)
            numbers[i] = (int64_t)number;
    }
    *out = numbers;
    *count = kept;
    return true;
}

/* --- text --- */

static const uint32_t NO_CHARACTER = 0xFFFD;

static uint32_t unit_at(struct text text, size_t at, const struct layout_field *field)
{
    const uint8_t *bytes = (const uint8_t *)text.at + at;
    return (uint32_t)(field->big_endian ? bits_big(bytes, field->unit)
                                        : bits_little(bytes, field->unit));
}

/* Decodes the character at *at, and moves *at after it. */
static uint32_t next_character(struct text text, size_t *at, const struct layout_field *field)
{
    uint32_t c = unit_at(text, *at, field);
    *at += field->unit;
    if (field->unit == 2 && c >= 0xD800 && c < 0xDC00 && text.count - *at >= 2) {
        uint32_t low = unit_at(text, *at, field);
        if (low >= 0xDC00 && low < 0xE000) {
            *at += 2;
            return 0x10000 + ((c - 0xD800) << 10 | (low - 0xDC00));
        }
    }
    return (c >= 0xD800 && c < 0xE000) || c > 0x10FFFF ? NO_CHARACTER : c;
}

bool walk_wide(struct walk *walk, const struct layout_field *field, struct scratch *scratch,
               struct text *out)
{
    struct text text;
    if (!walk_units(walk, field, &text))
        return false;
    /* At most 3 bytes for each 2, 4 for each 4. */
    char *made = scratch_take(scratch, text.count + text.count / 2 + 4);
    size_t count = 0;
    for (size_t at = 0; text.count - at >= field->unit;) {
        uint32_t c = next_character(text, &at, field);
        if (c == 0)
            break;
        count += utf8_put(c, made + count);
    }
    *out = (struct text){made, count};
    return true;
}
