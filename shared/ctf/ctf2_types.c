#include <stdlib.h>

#include "base/memory.h"
#include "ctf2_parser.h"

/* Of one field location. */
enum { LOCATION_MAX = 64 };
/* Length of the path to a class, which is kept for each class with a length or tag. */
enum { PLACE_MAX = 160 };

static bool is(struct text text, const char *what)
{
    return text_equal(text, text_of(what));
}

/* --- properties of several classes --- */

static bool read_align(struct ctf2 *ctf2, const json_t *json, const char *key, uint32_t *out)
{
    uint64_t align = 1;
    if (!ctf2_unsigned(ctf2, json, key, CTF2_OPTIONAL, LAYOUT_ALIGN_MAX, &align))
        return false;
    if (align == 0 || (align & (align - 1)) != 0)
        return ctf2_fail(ctf2, "\"%s\" is not a power of two", key);
    *out = (uint32_t)align;
    return true;
}

static bool read_order(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    struct text order = {"", 0}, bits = {"", 0};
    if (!ctf2_text(ctf2, json, "byte-order", CTF2_REQUIRED, &order) ||
        !ctf2_text(ctf2, json, "bit-order", CTF2_OPTIONAL, &bits))
        return false;
    bool big = is(order, "big-endian");
    if (!big && !is(order, "little-endian"))
        return ctf2_fail(ctf2, "\"byte-order\" is neither big-endian nor little-endian");
    type->order = big ? DRAFT_BIG : DRAFT_LITTLE;
    bool first = is(bits, "first-to-last");
    if (bits.count > 0 && !first && !is(bits, "last-to-first"))
        return ctf2_fail(ctf2, "\"bit-order\" is neither first-to-last nor last-to-first");
    /* This is the order implied by the byte order. */
    type->is_reversed = bits.count > 0 && first == big;
    return true;
}

static const struct {
    const char *name;
    uint32_t meanings; /* one for each possible position */
} ROLES[] = {
    {"data-stream-class-id", 1u << LAYOUT_STREAM_CLASS_ID},
    {"data-stream-id", 1u << LAYOUT_STREAM_ID},
    {"metadata-stream-uuid", 1u << LAYOUT_UUID},
    {"packet-magic-number", 1u << LAYOUT_MAGIC},
    {"default-clock-timestamp", 1u << LAYOUT_PACKET_BEGIN | 1u << LAYOUT_TIMESTAMP},
    {"packet-end-default-clock-timestamp", 1u << LAYOUT_PACKET_END},
    {"discarded-event-record-counter-snapshot", 1u << LAYOUT_DISCARDED},
    {"packet-content-length", 1u << LAYOUT_CONTENT_BITS},
    {"packet-total-length", 1u << LAYOUT_PACKET_BITS},
    {"packet-sequence-number", 1u << LAYOUT_SEQUENCE_NUMBER},
    {"event-record-class-id", 1u << LAYOUT_EVENT_ID},
};

static uint32_t role_of(const char *name)
{
    for (size_t i = 0; i < sizeof ROLES / sizeof *ROLES; i++)
        if (strcmp(name, ROLES[i].name) == 0)
            return ROLES[i].meanings;
    return 0;
}

static bool read_roles(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    const json_t *roles;
    if (!ctf2_array(ctf2, json, "roles", CTF2_OPTIONAL, &roles))
        return false;
    for (size_t i = 0; i < json_array_size(roles); i++) {
        const char *name = json_string_value(json_array_get(roles, i));
        uint32_t meanings = name != NULL ? role_of(name) : 0;
        if (meanings == 0)
            return ctf2_fail(ctf2, "unknown role \"%s\"", name != NULL ? name : "");
        type->roles |= meanings;
    }
    return true;
}

/* --- ranges --- */

static bool read_range(struct ctf2 *ctf2, const json_t *json, struct layout_range *out,
                       struct draft_ranges *ranges)
{
    bool low_negative = false, high_negative = false;
    if (json_array_size(json) != 2 ||
        !ctf2_number(json_array_get(json, 0), &out->low, &low_negative) ||
        !ctf2_number(json_array_get(json, 1), &out->high, &high_negative))
        return ctf2_fail(ctf2, "a range is not an array of two integers");
    bool ordered = low_negative == high_negative ? out->low <= out->high : low_negative;
    if (!ordered)
        return ctf2_fail(ctf2, "a range ends before it begins");
    ranges->has_negative = ranges->has_negative || low_negative;
    ranges->has_huge = ranges->has_huge || (!high_negative && out->high > INT64_MAX);
    return ctf2_count(ctf2);
}

static bool read_ranges(struct ctf2 *ctf2, const json_t *json, enum ctf2_need need,
                        struct draft_ranges *out)
{
    const json_t *array;
    if (!ctf2_array(ctf2, json, "selector-field-ranges", need, &array))
        return false;
    out->count = (uint32_t)json_array_size(array);
    if (array != NULL && out->count == 0)
        return ctf2_fail(ctf2, "\"selector-field-ranges\" is empty");
    struct layout_range *ranges = arena_take(ctf2->draft->into, out->count * sizeof *ranges);
    for (uint32_t i = 0; i < out->count; i++)
        if (!read_range(ctf2, json_array_get(array, i), &ranges[i], out))
            return false;
    out->at = ranges;
    return true;
}

/* --- field locations --- */

static const struct {
    const char *name;
    enum draft_scope scope;
} ORIGINS[] = {
    {"packet-header", DRAFT_PACKET_HEADER},
    {"packet-context", DRAFT_PACKET_CONTEXT},
    {"event-record-header", DRAFT_EVENT_HEADER},
    {"event-record-common-context", DRAFT_EVENT_CONTEXT},
    {"event-record-specific-context", DRAFT_OWN_CONTEXT},
    {"event-record-payload", DRAFT_PAYLOAD},
};

static bool read_origin(struct ctf2 *ctf2, const json_t *location, enum draft_scope *out)
{
    struct text origin = {NULL, 0};
    *out = DRAFT_ENCLOSING;
    if (!ctf2_text(ctf2, location, "origin", CTF2_OPTIONAL, &origin) || origin.at == NULL)
        return origin.at == NULL && json_object_get(location, "origin") == NULL;
    for (size_t i = 0; i < sizeof ORIGINS / sizeof *ORIGINS; i++) {
        *out = ORIGINS[i].scope;
        if (is(origin, ORIGINS[i].name))
            return true;
    }
    return ctf2_fail(ctf2, "unknown origin \"%s\"", origin.at);
}

static bool read_step(struct ctf2 *ctf2, const json_t *step, bool outward, uint32_t *out)
{
    if (json_is_null(step)) {
        *out = DRAFT_PARENT;
        return outward || ctf2_fail(ctf2, "a path with null after a name is not supported");
    }
    if (!json_is_string(step))
        return ctf2_fail(ctf2, "a path element is neither a string nor null");
    *out = names_id(&ctf2->draft->names,
                    (struct text){json_string_value(step), json_string_length(step)});
    return true;
}

static bool read_location(struct ctf2 *ctf2, const json_t *json, const char *key,
                          struct draft_path *out)
{
    const json_t *location, *path;
    if (!ctf2_object(ctf2, json, key, &location))
        return false;
    if (location == NULL)
        return ctf2_fail(ctf2, "\"%s\" is missing", key);
    if (!read_origin(ctf2, location, &out->from) ||
        !ctf2_array(ctf2, location, "path", CTF2_REQUIRED, &path))
        return false;
    size_t count = json_array_size(path);
    if (count == 0 || count > LOCATION_MAX)
        return ctf2_fail(ctf2, "a path of %zu elements is not supported", count);
    uint32_t *names = arena_take(&ctf2->draft->arena, count * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        bool outward = out->from == DRAFT_ENCLOSING && (i == 0 || names[i - 1] == DRAFT_PARENT);
        if (!read_step(ctf2, json_array_get(path, i), outward, &names[i]))
            return false;
    }
    if (names[count - 1] == DRAFT_PARENT)
        return ctf2_fail(ctf2, "a path ends with null");
    out->names = names;
    out->count = (uint32_t)count;
    return true;
}

/* Later errors about the class name its place, up to this many bytes. */
static void set_place(struct ctf2 *ctf2, struct draft_type *type)
{
    size_t count = ctf2->path_count < PLACE_MAX ? ctf2->path_count : PLACE_MAX;
    char *words = memory_format("%s: %.*s", ctf2->place, (int)count, ctf2->path);
    size_t length = strlen(words);
    while (length > 0 && (words[length - 1] == ' ' || words[length - 1] == ':'))
        length--; /* the message has its own */
    type->place = arena_string(&ctf2->draft->arena, (struct text){words, length});
    free(words);
}

/* --- bits --- */

/* Each label has ranges. */
static bool check_labels(struct ctf2 *ctf2, const json_t *labels)
{
    struct draft_ranges ranges = {.count = 0};
    for (void *at = json_object_iter((json_t *)(uintptr_t)labels); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)labels, at)) {
        const json_t *list = json_object_iter_value(at);
        if (json_array_size(list) == 0)
            return ctf2_fail(ctf2, "the label \"%.60s\" has no ranges", json_object_iter_key(at));
        struct layout_range range;
        for (size_t i = 0; i < json_array_size(list); i++)
            if (!read_range(ctf2, json_array_get(list, i), &range, &ranges))
                return false;
    }
    return true;
}

static bool read_shown(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    uint64_t base = 10;
    const json_t *mappings;
    if (!ctf2_unsigned(ctf2, json, "preferred-display-base", CTF2_OPTIONAL, 16, &base) ||
        !ctf2_object(ctf2, json, "mappings", &mappings))
        return false;
    if (base != 2 && base != 8 && base != 10 && base != 16)
        return ctf2_fail(ctf2, "\"preferred-display-base\" is not 2, 8, 10, or 16");
    type->base = (uint8_t)base;
    type->is_enum = json_object_size(mappings) > 0;
    return check_labels(ctf2, mappings);
}

/* Bits that no number type here can hold are skipped. */
static bool read_many_bits(struct ctf2 *ctf2, const json_t *json, struct draft_type *type,
                           uint64_t length)
{
    if (json_array_size(json_object_get(json, "roles")) > 0)
        return ctf2_fail(ctf2,
                         "a field of %llu bits with a role is not supported: the maximum is 64",
                         (unsigned long long)length);
    struct draft_type *bit = draft_type_new(ctf2->draft, LAYOUT_INTEGER, type->place);
    bit->size = 1;
    bit->is_bool = true;
    type->type = LAYOUT_ARRAY;
    type->count = (uint32_t)length;
    type->element = bit;
    return read_order(ctf2, json, bit) && read_align(ctf2, json, "alignment", &type->align);
}

static bool read_length(struct ctf2 *ctf2, const json_t *json, uint64_t *out)
{
    *out = 0;
    return ctf2_unsigned(ctf2, json, "length", CTF2_REQUIRED, UINT32_MAX, out) &&
           (*out > 0 || ctf2_fail(ctf2, "a field of 0 bits"));
}

static bool read_integer(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    uint64_t length;
    if (!read_length(ctf2, json, &length))
        return false;
    if (length > 64)
        return read_shown(ctf2, json, type) && read_many_bits(ctf2, json, type, length);
    type->size = (uint8_t)length;
    return read_shown(ctf2, json, type) && read_order(ctf2, json, type) &&
           read_align(ctf2, json, "alignment", &type->align) && read_roles(ctf2, json, type);
}

static bool read_signed(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    type->is_signed = true;
    return read_integer(ctf2, json, type);
}

static bool read_bool(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    type->is_bool = true;
    return read_integer(ctf2, json, type);
}

/* Names of bits are only checked for presence. */
static bool read_map(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    const json_t *flags;
    if (!ctf2_object(ctf2, json, "flags", &flags) || !check_labels(ctf2, flags))
        return false;
    if (json_object_size(flags) == 0)
        return ctf2_fail(ctf2, "\"flags\" is missing or empty");
    return read_integer(ctf2, json, type);
}

static bool read_float(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    uint64_t length;
    if (!read_length(ctf2, json, &length))
        return false;
    /* IEEE 754-2008, 3.6: beyond 128 bits, every multiple of 32. */
    if (length != 16 && length != 32 && length != 64 && (length < 128 || length % 32 != 0))
        return ctf2_fail(ctf2, "a floating-point number of %llu bits is not an IEEE 754 format",
                         (unsigned long long)length);
    if (length > 128)
        return read_many_bits(ctf2, json, type, length);
    type->size = (uint8_t)length;
    return read_order(ctf2, json, type) && read_align(ctf2, json, "alignment", &type->align);
}

static bool read_varint(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    type->align = 8;
    return read_shown(ctf2, json, type) && read_roles(ctf2, json, type);
}

static bool read_signed_varint(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    type->is_signed = true;
    return read_varint(ctf2, json, type);
}

/* --- bytes --- */

static bool read_encoding(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    static const struct {
        const char *name;
        uint8_t unit;
        enum draft_order order;
    } ENCODINGS[] = {{"utf-8", 0, DRAFT_LITTLE},
                     {"utf-16be", 2, DRAFT_BIG},
                     {"utf-16le", 2, DRAFT_LITTLE},
                     {"utf-32be", 4, DRAFT_BIG},
                     {"utf-32le", 4, DRAFT_LITTLE}};
    struct text encoding = text_of("utf-8");
    if (!ctf2_text(ctf2, json, "encoding", CTF2_OPTIONAL, &encoding))
        return false;
    for (size_t i = 0; i < sizeof ENCODINGS / sizeof *ENCODINGS; i++) {
        type->unit = ENCODINGS[i].unit;
        type->order = ENCODINGS[i].order;
        if (is(encoding, ENCODINGS[i].name))
            return true;
    }
    return ctf2_fail(ctf2, "unknown encoding \"%.60s\"", encoding.at);
}

static bool read_string(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    type->align = 8;
    if (!read_encoding(ctf2, json, type))
        return false;
    type->type = type->unit > 0 ? LAYOUT_WIDE : LAYOUT_STRING;
    return true;
}

static bool read_media_type(struct ctf2 *ctf2, const json_t *json)
{
    struct text ignored;
    return ctf2_text(ctf2, json, "media-type", CTF2_OPTIONAL, &ignored);
}

static bool read_fixed_blob(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    uint64_t length = 0;
    type->align = 8;
    if (!ctf2_unsigned(ctf2, json, "length", CTF2_REQUIRED, UINT32_MAX, &length))
        return false;
    type->count = (uint32_t)length;
    return read_media_type(ctf2, json) && read_roles(ctf2, json, type);
}

static bool read_fixed_string(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    if (!read_encoding(ctf2, json, type) || !read_fixed_blob(ctf2, json, type))
        return false;
    type->type = type->unit == 0 ? LAYOUT_STRING_FIXED : LAYOUT_BLOB_FIXED;
    type->roles = 0;
    return true;
}

static bool read_sized_blob(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    type->align = 8;
    set_place(ctf2, type);
    return read_media_type(ctf2, json) &&
           read_location(ctf2, json, "length-field-location", &type->path);
}

static bool read_sized_string(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    if (!read_encoding(ctf2, json, type) || !read_sized_blob(ctf2, json, type))
        return false;
    type->type = type->unit == 0 ? LAYOUT_STRING_SIZED : LAYOUT_BLOB_SIZED;
    return true;
}

/* --- compound classes --- */

static bool read_fixed_array(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    uint64_t length = 0;
    if (!ctf2_unsigned(ctf2, json, "length", CTF2_REQUIRED, UINT32_MAX, &length))
        return false;
    type->count = (uint32_t)length;
    return read_align(ctf2, json, "minimum-alignment", &type->align) &&
           ctf2_type(ctf2, json, "element-field-class", CTF2_REQUIRED, &type->element);
}

static bool read_sized_array(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    set_place(ctf2, type);
    return read_location(ctf2, json, "length-field-location", &type->path) &&
           read_align(ctf2, json, "minimum-alignment", &type->align) &&
           ctf2_type(ctf2, json, "element-field-class", CTF2_REQUIRED, &type->element);
}

static bool read_optional(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    set_place(ctf2, type);
    return read_location(ctf2, json, "selector-field-location", &type->path) &&
           read_ranges(ctf2, json, CTF2_OPTIONAL, &type->ranges) &&
           ctf2_type(ctf2, json, "field-class", CTF2_REQUIRED, &type->element);
}

static bool read_member(struct ctf2 *ctf2, const json_t *json, enum ctf2_need named,
                        struct draft_member *out)
{
    struct text name = {"", 0};
    if (!json_is_object(json))
        return ctf2_fail(ctf2, "a member or option is not an object");
    if (!ctf2_text(ctf2, json, "name", named, &name) || !ctf2_count(ctf2))
        return false;
    out->name = names_id(&ctf2->draft->names, name);
    out->shown = draft_string(ctf2->draft, name);
    out->shown_count = (uint32_t)name.count;
    out->place = ctf2->place;
    size_t before = ctf2_enter(ctf2, "\"%.60s\"", name.at);
    if (named == CTF2_OPTIONAL && !read_ranges(ctf2, json, CTF2_REQUIRED, &out->ranges))
        return false;
    if (!ctf2_type(ctf2, json, "field-class", CTF2_REQUIRED, &out->type))
        return false;
    ctf2_leave(ctf2, before);
    return true;
}

/* Members have names, options need not. */
static bool read_members(struct ctf2 *ctf2, const json_t *array, enum ctf2_need named,
                         struct draft_type *type)
{
    type->count = (uint32_t)json_array_size(array);
    struct draft_member *members = arena_take(&ctf2->draft->arena, type->count * sizeof *members);
    for (uint32_t i = 0; i < type->count; i++)
        if (!read_member(ctf2, json_array_get(array, i), named, &members[i]))
            return false;
    type->members = members;
    return draft_members_done(ctf2->draft, type, ctf2->why) == STATUS_OK;
}

static bool read_struct(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    const json_t *members;
    return read_align(ctf2, json, "minimum-alignment", &type->align) &&
           ctf2_array(ctf2, json, "member-classes", CTF2_OPTIONAL, &members) &&
           read_members(ctf2, members, CTF2_REQUIRED, type);
}

static bool read_variant(struct ctf2 *ctf2, const json_t *json, struct draft_type *type)
{
    const json_t *options;
    set_place(ctf2, type);
    if (!read_location(ctf2, json, "selector-field-location", &type->path) ||
        !ctf2_array(ctf2, json, "options", CTF2_REQUIRED, &options))
        return false;
    if (json_array_size(options) == 0)
        return ctf2_fail(ctf2, "a variant has no options");
    return read_members(ctf2, options, CTF2_OPTIONAL, type);
}

/* --- all classes --- */

static const struct {
    const char *name;
    enum layout_type type;
    bool (*read)(struct ctf2 *ctf2, const json_t *json, struct draft_type *type);
} CLASSES[] = {
    {"fixed-length-unsigned-integer", LAYOUT_INTEGER, read_integer},
    {"fixed-length-signed-integer", LAYOUT_INTEGER, read_signed},
    {"null-terminated-string", LAYOUT_STRING, read_string},
    {"structure", LAYOUT_STRUCT, read_struct},
    {"static-length-array", LAYOUT_ARRAY, read_fixed_array},
    {"dynamic-length-array", LAYOUT_SEQUENCE, read_sized_array},
    {"static-length-string", LAYOUT_STRING_FIXED, read_fixed_string},
    {"dynamic-length-string", LAYOUT_STRING_SIZED, read_sized_string},
    {"static-length-blob", LAYOUT_BLOB_FIXED, read_fixed_blob},
    {"dynamic-length-blob", LAYOUT_BLOB_SIZED, read_sized_blob},
    {"fixed-length-floating-point-number", LAYOUT_FLOAT, read_float},
    {"fixed-length-boolean", LAYOUT_INTEGER, read_bool},
    {"fixed-length-bit-array", LAYOUT_INTEGER, read_integer},
    {"fixed-length-bit-map", LAYOUT_INTEGER, read_map},
    {"variable-length-unsigned-integer", LAYOUT_VARINT, read_varint},
    {"variable-length-signed-integer", LAYOUT_VARINT, read_signed_varint},
    {"variant", LAYOUT_VARIANT, read_variant},
    {"optional", LAYOUT_OPTIONAL, read_optional},
};

static bool read_class(struct ctf2 *ctf2, const json_t *json, const struct draft_type **out)
{
    struct text name = {"", 0};
    if (!ctf2_text(ctf2, json, "type", CTF2_REQUIRED, &name) || !ctf2_count(ctf2))
        return false;
    if (ctf2->depth == LAYOUT_DEPTH_MAX)
        return ctf2_fail(ctf2, "field classes nest deeper than %d", LAYOUT_DEPTH_MAX);
    for (size_t i = 0; i < sizeof CLASSES / sizeof *CLASSES; i++) {
        if (!is(name, CLASSES[i].name))
            continue;
        struct draft_type *type = draft_type_new(ctf2->draft, CLASSES[i].type, ctf2->place);
        ctf2->depth++;
        bool ok = CLASSES[i].read(ctf2, json, type);
        ctf2->depth--;
        *out = type;
        return ok;
    }
    return ctf2_fail(ctf2, "unknown type \"%.80s\"", name.at);
}

static bool find_alias(struct ctf2 *ctf2, const json_t *json, const struct draft_type **out)
{
    struct text name = {json_string_value(json), json_string_length(json)};
    *out = map_get(&ctf2->aliases, names_id(&ctf2->draft->names, name));
    return *out != NULL || ctf2_fail(ctf2, "the field class \"%.80s\" is not declared", name.at);
}

bool ctf2_type(struct ctf2 *ctf2, const json_t *object, const char *key, enum ctf2_need need,
               const struct draft_type **out)
{
    const json_t *json = json_object_get(object, key);
    *out = NULL;
    if (json == NULL)
        return need == CTF2_OPTIONAL || ctf2_fail(ctf2, "\"%s\" is missing", key);
    size_t before = ctf2_enter(ctf2, "%s", key);
    if (!json_is_string(json) && !json_is_object(json))
        return ctf2_fail(ctf2, "neither a field class nor the name of one");
    if (!(json_is_string(json) ? find_alias(ctf2, json, out) : read_class(ctf2, json, out)))
        return false;
    ctf2_leave(ctf2, before);
    return true;
}
