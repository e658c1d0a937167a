#include "base/memory.h"
#include "tsdl_parser.h"

/* Compares the key of an attribute. */
static bool is_key(struct text key, const char *name)
{
    return text_equal(key, text_of(name));
}

static bool read_align(struct tsdl *tsdl, const struct value *value, uint32_t *out)
{
    uint64_t align;
    if (!tsdl_unsigned(tsdl, value, LAYOUT_ALIGN_MAX, &align))
        return false;
    if (align == 0 || (align & (align - 1)) != 0)
        return tsdl_fail_at(tsdl, value->at, "an alignment must be a power of two");
    *out = (uint32_t)align;
    return true;
}

static bool read_utf8(struct tsdl *tsdl, const struct value *value, bool *out)
{
    static const char *const NAMES[] = {"UTF8", "utf8", "UTF-8", "utf-8", "ASCII", "ascii"};
    *out = false;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        *out = *out || (!value->is_number && text_equal(value->text, text_of(NAMES[i])));
    if (*out || (!value->is_number && text_equal(value->text, text_of("none"))))
        return true;
    return tsdl_fail_at(tsdl, value->at, "expected an encoding: UTF8, ASCII, or none");
}

/* CTF 1.8, 4.1.5: bytes are aligned, bit fields packed. */
static uint32_t usual_align(unsigned bits)
{
    return bits % 8 == 0 ? 8 : 1;
}

/* --- integer --- */

static bool read_base(struct tsdl *tsdl, const struct value *value, uint8_t *out)
{
    static const struct {
        uint8_t base;
        const char *name;
    } BASES[] = {
        {2, "binary"},       {2, "b"},    {8, "octal"}, {8, "oct"}, {8, "o"},
        {10, "decimal"},     {10, "dec"}, {10, "d"},    {10, "i"},  {10, "u"},
        {16, "hexadecimal"}, {16, "hex"}, {16, "x"},    {16, "X"},  {16, "p"},
    };
    for (size_t i = 0; i < sizeof BASES / sizeof *BASES; i++) {
        *out = BASES[i].base;
        if (value->is_number ? value->number == BASES[i].base
                             : text_equal(value->text, text_of(BASES[i].name)))
            return true;
    }
    return tsdl_fail_at(tsdl, value->at, "expected a base: 2, 8, 10, or 16");
}

/* The name of a clock in "clock.NAME.value" or "clock.NAME"; false if it is neither. */
static bool clock_of(struct text text, struct text *name)
{
    static const char BEFORE[] = "clock.", BEHIND[] = ".value";
    size_t before = sizeof BEFORE - 1, behind = sizeof BEHIND - 1;
    if (text.count <= before || memcmp(text.at, BEFORE, before) != 0)
        return false;
    *name = (struct text){text.at + before, text.count - before};
    if (name->count > behind && memcmp(name->at + name->count - behind, BEHIND, behind) == 0)
        name->count -= behind;
    return memchr(name->at, '.', name->count) == NULL;
}

static bool read_map(struct tsdl *tsdl, const struct value *value, uint32_t *out)
{
    struct text name;
    if (value->is_number)
        return tsdl_fail_at(tsdl, value->at, "expected clock.NAME.value");
    /* A value without a clock name means no clock, as in babeltrace2. */
    if (!clock_of(value->text, &name))
        return true;
    *out = draft_clock(tsdl->draft, name, value->at);
    return *out != LAYOUT_NONE || tsdl_fail_at(tsdl, value->at, "too many clocks");
}

static bool set_integer(struct tsdl *tsdl, void *into, struct text key, const struct value *value)
{
    struct draft_type *type = into;
    uint64_t size;
    if (is_key(key, "size")) {
        if (!tsdl_unsigned(tsdl, value, 64, &size) || size == 0)
            return tsdl_fail_at(tsdl, value->at, "the size of an integer must be 1 to 64 bits");
        type->size = (uint8_t)size;
        return true;
    }
    if (is_key(key, "align"))
        return read_align(tsdl, value, &type->align);
    if (is_key(key, "signed"))
        return tsdl_boolean(tsdl, value, &type->is_signed);
    if (is_key(key, "byte_order"))
        return tsdl_order(tsdl, value, &type->order);
    if (is_key(key, "base"))
        return read_base(tsdl, value, &type->base);
    if (is_key(key, "encoding"))
        return read_utf8(tsdl, value, &type->is_utf8);
    if (is_key(key, "map"))
        return read_map(tsdl, value, &type->clock);
    return true;
}

bool tsdl_integer(struct tsdl *tsdl, struct draft_type **out)
{
    const char *place = tsdl->token.at;
    struct draft_type *type = draft_type_new(tsdl->draft, LAYOUT_INTEGER, place);
    type->align = 0;
    static const char *const ONCE[] = {"size", "align",    "signed", "byte_order",
                                       "base", "encoding", "map",    NULL};
    if (!tsdl_attributes(tsdl, type, ONCE, set_integer))
        return false;
    if (type->size == 0)
        return tsdl_fail_at(tsdl, place, "an integer has no size");
    if (type->align == 0)
        type->align = usual_align(type->size);
    *out = type;
    return true;
}

/* --- floating_point --- */

struct float_digits {
    struct draft_type *type;
    uint64_t exponent, mantissa;
};

static bool set_float(struct tsdl *tsdl, void *into, struct text key, const struct value *value)
{
    struct float_digits *digits = into;
    if (is_key(key, "exp_dig"))
        return tsdl_unsigned(tsdl, value, 128, &digits->exponent);
    if (is_key(key, "mant_dig"))
        return tsdl_unsigned(tsdl, value, 128, &digits->mantissa);
    if (is_key(key, "align"))
        return read_align(tsdl, value, &digits->type->align);
    if (is_key(key, "byte_order"))
        return tsdl_order(tsdl, value, &digits->type->order);
    return true;
}

bool tsdl_float(struct tsdl *tsdl, struct draft_type **out)
{
    /* IEEE 754-2008, 3.6: digits of the exponent and of the mantissa, including the hidden one. */
    static const uint8_t FORMATS[][2] = {{5, 11}, {8, 24}, {11, 53}, {15, 113}};
    const char *place = tsdl->token.at;
    struct float_digits digits = {draft_type_new(tsdl->draft, LAYOUT_FLOAT, place), 0, 0};
    digits.type->align = 0;
    static const char *const ONCE[] = {"exp_dig", "mant_dig", "align", "byte_order", NULL};
    if (!tsdl_attributes(tsdl, &digits, ONCE, set_float))
        return false;
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++)
        if (digits.exponent == FORMATS[i][0] && digits.mantissa == FORMATS[i][1])
            digits.type->size = (uint8_t)(FORMATS[i][0] + FORMATS[i][1]);
    if (digits.type->size == 0)
        return tsdl_fail_at(
            tsdl, place,
            "a floating-point number of %llu and %llu digits is not an IEEE 754 format",
            (unsigned long long)digits.exponent, (unsigned long long)digits.mantissa);
    if (digits.type->align == 0)
        digits.type->align = usual_align(digits.type->size);
    *out = digits.type;
    return true;
}

/* --- string --- */

static bool set_string(struct tsdl *tsdl, void *into, struct text key, const struct value *value)
{
    struct draft_type *type = into;
    return !is_key(key, "encoding") || read_utf8(tsdl, value, &type->is_utf8);
}

bool tsdl_string(struct tsdl *tsdl, struct draft_type **out)
{
    struct draft_type *type = draft_type_new(tsdl->draft, LAYOUT_STRING, tsdl->token.at);
    type->align = 8;
    *out = type;
    static const char *const ONCE[] = {"encoding", NULL};
    return !tsdl_is(tsdl, "{") || tsdl_attributes(tsdl, type, ONCE, set_string);
}

/* --- labels of enum --- */

static bool less(const struct draft_type *type, uint64_t a, uint64_t b)
{
    return type->is_signed ? (int64_t)a < (int64_t)b : a < b;
}

/* "= 1", "= 1 ... 5", or nothing: the previous value + 1. */
static bool read_range(struct tsdl *tsdl, const struct draft_type *type, uint64_t next,
                       struct layout_range *out)
{
    bool is;
    *out = (struct layout_range){next, next};
    if (!tsdl_accept(tsdl, "=", &is) || !is)
        return !tsdl_is(tsdl, "=");
    struct value low, high;
    if (!tsdl_value(tsdl, &low))
        return false;
    high = low;
    if (!tsdl_accept(tsdl, "...", &is) || (is && !tsdl_value(tsdl, &high)))
        return false;
    if (!low.is_number || !high.is_number)
        return tsdl_fail_at(tsdl, low.at, "the value of a label must be a number");
    if (less(type, high.number, low.number))
        return tsdl_fail_at(tsdl, low.at, "a range ends before it begins");
    *out = (struct layout_range){low.number, high.number};
    return true;
}

static bool read_label(struct tsdl *tsdl, const struct draft_type *type, uint64_t *next)
{
    struct text name = tsdl->token.text;
    if (tsdl->token.type == TOKEN_STRING)
        name = lexer_unescape(name, &tsdl->draft->arena);
    else if (tsdl->token.type != TOKEN_WORD)
        return tsdl_fail(tsdl, "expected a label");
    struct draft_range label = {.label = names_id(&tsdl->draft->names, name)};
    if (!tsdl_next(tsdl) || !read_range(tsdl, type, *next, &label.range) || !tsdl_count(tsdl))
        return false;
    *next = label.range.high + 1;
    tsdl->labels =
        memory_grow(tsdl->labels, &tsdl->label_room, tsdl->label_count + 1, sizeof *tsdl->labels);
    tsdl->labels[tsdl->label_count++] = label;
    return true;
}

bool tsdl_labels(struct tsdl *tsdl, struct draft_type *type)
{
    uint64_t next = 0;
    bool more = true;
    tsdl->label_count = 0; /* enumerations do not nest: the stack only has labels of one */
    if (!tsdl_expect(tsdl, "{"))
        return false;
    if (tsdl_is(tsdl, "}"))
        return tsdl_fail(tsdl, "expected a label");
    while (more && !tsdl_is(tsdl, "}"))
        if (!read_label(tsdl, type, &next) || !tsdl_accept(tsdl, ",", &more))
            return false;
    if (!tsdl_expect(tsdl, "}"))
        return false;
    type->is_enum = true;
    type->label_count = (uint32_t)tsdl->label_count;
    size_t size = tsdl->label_count * sizeof *type->labels;
    type->labels = arena_take(&tsdl->draft->arena, size);
    if (size > 0)
        memcpy(type->labels, tsdl->labels, size);
    draft_labels_done(tsdl->draft, type);
    return true;
}
