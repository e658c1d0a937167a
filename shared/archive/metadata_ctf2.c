#include "metadata_parts.h"

#include <jansson.h>

enum {
    FRAGMENT_BYTES_MAX = 4 << 20, /* in memory, JSON can take twenty times its text */
    STEPS_MAX = 4096,             /* through the classes of one packet header and context */
    FIELD_BITS_MAX = 4096,
    ALIGN_MAX = 1 << 15, /* bits */
};

struct ctf2 {
    struct metadata *metadata;
    struct failure *why;
    unsigned number; /* of the fragment, from 1 */
    json_t *aliases; /* field classes by name */
    json_t *clocks;  /* clock classes by id */
    json_t *header;  /* the packets' field class; NULL: they have none */
    bool has_preamble;
    bool has_clock; /* that of a stream */
};

static bool refuse(const struct ctf2 *ctf2, const char *what)
{
    (void)fail(ctf2->why, STATUS_REJECT, "metadata: fragment %u: %s", ctf2->number, what);
    return false;
}

/* The integer that is the property `key`; `none` if there is no such from 0 to `most`. Numbers come
 * as reals, which are exact up to 2^53. */
static uint64_t number_of(const json_t *object, const char *key, uint64_t most, uint64_t none)
{
    const json_t *json = json_object_get(object, key);
    double value = json_is_number(json) ? json_number_value(json) : -1;
    return value >= 0 && value <= (double)most ? (uint64_t)value : none;
}

static bool is_type(const json_t *class, const char *type)
{
    const char *told = json_string_value(json_object_get(class, "type"));
    return told && strcmp(told, type) == 0;
}

/* --- where the fields of packets lie --- */

struct cursor {
    const struct ctf2 *ctf2;
    struct packet_layout *layout;
    uint64_t bit;
    unsigned steps; /* taken, as aliases may be of themselves */
};

static bool step(struct cursor *cursor)
{
    return ++cursor->steps <= STEPS_MAX;
}

/* The class that a property tells, by itself or by name; NULL if there is none. */
static const json_t *resolved(struct cursor *cursor, const json_t *class)
{
    while (json_is_string(class) && step(cursor))
        class = json_object_get(cursor->ctf2->aliases, json_string_value(class));
    return json_is_object(class) ? class : NULL;
}

static bool is_fixed(const json_t *class)
{
    static const char FIXED[] = "fixed-length-";
    const char *type = json_string_value(json_object_get(class, "type"));
    return type && strncmp(type, FIXED, sizeof FIXED - 1) == 0;
}

static bool is_bytes(const json_t *class)
{
    return is_type(class, "static-length-blob") || is_type(class, "static-length-string");
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* 0 if the class is none that has one size. */
static uint64_t align_of(struct cursor *cursor, const json_t *class)
{
    class = resolved(cursor, class);
    if (!class || !step(cursor))
        return 0;
    if (is_bytes(class))
        return 8;
    if (is_fixed(class))
        return number_of(class, "alignment", ALIGN_MAX, 1);
    uint64_t align = number_of(class, "minimum-alignment", ALIGN_MAX, 1);
    if (is_type(class, "static-length-array")) {
        uint64_t inner = align_of(cursor, json_object_get(class, "element-field-class"));
        return inner ? larger(align, inner) : 0;
    }
    if (!is_type(class, "structure"))
        return 0;
    const json_t *members = json_object_get(class, "member-classes");
    for (size_t i = 0; i < json_array_size(members) && align; i++) {
        const json_t *member = json_array_get(members, i);
        uint64_t inner = align_of(cursor, json_object_get(member, "field-class"));
        align = inner ? larger(align, inner) : 0;
    }
    return align;
}

static const struct {
    const char *role;
    enum packet_field field;
} ROLES[] = {
    {"packet-magic-number", PACKET_MAGIC},
    {"data-stream-class-id", PACKET_STREAM_ID},
    {"data-stream-id", PACKET_INSTANCE},
    {"default-clock-timestamp", PACKET_BEGIN},
    {"packet-end-default-clock-timestamp", PACKET_END},
    {"packet-content-length", PACKET_CONTENT_SIZE},
    {"packet-total-length", PACKET_SIZE},
    {"packet-sequence-number", PACKET_SEQUENCE},
    {"discarded-event-record-counter-snapshot", PACKET_DISCARDED},
};

static void note_field(struct cursor *cursor, const json_t *class, const char *name, uint64_t bits)
{
    if (cursor->bit % 8 != 0 || bits % 8 != 0 || bits > 64)
        return;
    const char *order = json_string_value(json_object_get(class, "byte-order"));
    struct packet_place place = {(uint16_t)(cursor->bit / 8), (uint8_t)(bits / 8),
                                 order && strcmp(order, "big-endian") == 0};
    const json_t *roles = json_object_get(class, "roles");
    for (size_t i = 0; i < json_array_size(roles); i++) {
        const char *role = json_string_value(json_array_get(roles, i));
        for (size_t j = 0; role && j < sizeof ROLES / sizeof *ROLES; j++)
            if (strcmp(role, ROLES[j].role) == 0)
                cursor->layout->place[ROLES[j].field] = place;
    }
    if (name && strcmp(name, "cpu_id") == 0) /* LTTng's, which has no role */
        cursor->layout->place[PACKET_CPU] = place;
}

static bool pass_bits(struct cursor *cursor, uint64_t bits)
{
    cursor->bit += bits;
    return cursor->bit / 8 <= UINT16_MAX;
}

static bool place_class(struct cursor *cursor, const json_t *class, const char *name);

static bool place_parts(struct cursor *cursor, const json_t *class)
{
    if (is_type(class, "static-length-array")) {
        const json_t *element = json_object_get(class, "element-field-class");
        uint64_t count = number_of(class, "length", UINT32_MAX, UINT32_MAX);
        for (uint64_t i = 0; i < count; i++)
            if (!place_class(cursor, element, NULL))
                return false;
        return true;
    }
    const json_t *members = json_object_get(class, "member-classes");
    for (size_t i = 0; i < json_array_size(members); i++) {
        const json_t *member = json_array_get(members, i);
        if (!place_class(cursor, json_object_get(member, "field-class"),
                         json_string_value(json_object_get(member, "name"))))
            return false;
    }
    return true;
}

/* Passes a field. False: what is behind it lies in no known place. */
static bool place_class(struct cursor *cursor, const json_t *class, const char *name)
{
    class = resolved(cursor, class);
    uint64_t align = align_of(cursor, class);
    if (!class || !step(cursor) || align == 0 || (align & (align - 1)) != 0)
        return false;
    if (!pass_bits(cursor, -cursor->bit & (align - 1)))
        return false;
    if (is_bytes(class)) {
        uint64_t bytes = number_of(class, "length", FIELD_BITS_MAX / 8, UINT64_MAX);
        return bytes != UINT64_MAX && pass_bits(cursor, bytes * 8);
    }
    if (!is_fixed(class))
        return place_parts(cursor, class);
    uint64_t bits = number_of(class, "length", FIELD_BITS_MAX, 0);
    if (bits == 0)
        return false;
    note_field(cursor, class, name, bits);
    return pass_bits(cursor, bits);
}

/* --- fragments --- */

static bool read_preamble(struct ctf2 *ctf2, const json_t *json)
{
    ctf2->has_preamble = number_of(json, "version", UINT32_MAX, 0) == 2;
    return ctf2->has_preamble || refuse(ctf2, "of a version that is not read");
}

static bool read_alias(struct ctf2 *ctf2, const json_t *json)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    json_t *class = json_object_get(json, "field-class");
    if (!name || !class)
        return refuse(ctf2, "an alias without a name or a class");
    return json_object_set(ctf2->aliases, name, class) == 0;
}

static struct text env_text(const struct ctf2 *ctf2, const json_t *env, const char *name)
{
    const json_t *value = json_object_get(env, name);
    if (!json_is_string(value))
        return (struct text){NULL, 0};
    struct text text = {json_string_value(value), json_string_length(value)};
    return (struct text){arena_string(&ctf2->metadata->arena, text), text.count};
}

static bool read_trace(struct ctf2 *ctf2, const json_t *json)
{
    struct metadata *metadata = ctf2->metadata;
    const json_t *env = json_object_get(json, "environment");
    metadata->hostname = env_text(ctf2, env, "hostname");
    metadata->domain = env_text(ctf2, env, "domain");
    metadata->session = env_text(ctf2, env, "trace_name");
    metadata->created = env_text(ctf2, env, "trace_creation_datetime");
    metadata->procname = env_text(ctf2, env, "procname");
    uint64_t vpid = number_of(env, "vpid", INT32_MAX, UINT64_MAX);
    metadata->has_vpid = vpid != UINT64_MAX;
    metadata->vpid = metadata->has_vpid ? (int32_t)vpid : 0;
    json_decref(ctf2->header);
    ctf2->header = json_incref(json_object_get(json, "packet-header-field-class"));
    return true;
}

static void take_clock(struct ctf2 *ctf2, const json_t *json)
{
    struct metadata *metadata = ctf2->metadata;
    const json_t *offset = json_object_get(json, "offset-from-origin");
    const json_t *uid = json_object_get(json, "uid");
    const json_t *seconds = json_object_get(offset, "seconds");
    double offset_s = json_is_number(seconds) ? json_number_value(seconds) : 0;
    uint64_t frequency = number_of(json, "frequency", METADATA_FREQUENCY_MAX, 0);
    metadata->frequency = frequency ? frequency : METADATA_NS_PER_S;
    uint64_t cycles = number_of(offset, "cycles", metadata->frequency, 0);
    /* Beyond it, there is no such time in nanoseconds. */
    if (!(offset_s > -9e9 && offset_s < 9e9))
        offset_s = 0;
    metadata->offset_ns = (int64_t)offset_s * (int64_t)METADATA_NS_PER_S +
                          metadata_scaled_ns(cycles, metadata->frequency);
    memset(metadata->clock_uuid, 0, sizeof metadata->clock_uuid);
    if (json_string_length(uid) == 36)
        metadata_take_uuid(text_of(json_string_value(uid)), metadata->clock_uuid);
}

/* The trace's is the first that a stream has, else the first of all. */
static bool read_clock(struct ctf2 *ctf2, const json_t *json)
{
    const char *id = json_string_value(json_object_get(json, "id"));
    if (!id)
        return refuse(ctf2, "a clock without an id");
    if (json_object_size(ctf2->clocks) == 0)
        take_clock(ctf2, json);
    return json_object_set(ctf2->clocks, id, (json_t *)(uintptr_t)json) == 0;
}

static bool read_stream(struct ctf2 *ctf2, const json_t *json)
{
    const char *clock = json_string_value(json_object_get(json, "default-clock-class-id"));
    const json_t *class = clock ? json_object_get(ctf2->clocks, clock) : NULL;
    if (class && !ctf2->has_clock) {
        take_clock(ctf2, class);
        ctf2->has_clock = true;
    }
    struct packet_layout layout = {.stream_id = number_of(json, "id", INT64_MAX, 0)};
    struct cursor cursor = {.ctf2 = ctf2, .layout = &layout};
    const json_t *context = json_object_get(json, "packet-context-field-class");
    if ((!ctf2->header || place_class(&cursor, ctf2->header, NULL)) &&
        (!context || place_class(&cursor, context, NULL))) {
        layout.size = (size_t)(cursor.bit + 7) / 8;
        metadata_add_layout(ctf2->metadata, &layout);
    }
    return true;
}

static const struct {
    const char *type;
    bool (*read)(struct ctf2 *ctf2, const json_t *json);
} FRAGMENTS[] = {
    {"preamble", read_preamble}, {"field-class-alias", read_alias},  {"trace-class", read_trace},
    {"clock-class", read_clock}, {"data-stream-class", read_stream},
};

/* What an object says of itself, without all that is in it. */
struct outline {
    struct text type, name;
};

/* Behind the string that begins at `at`; NULL if it does not end. */
static const char *string_end(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : NULL;
}

/* Most of a kernel's metadata is event classes, of which the name is all that counts: building all
 * their objects would cost more than reading the chunk. False: cut, or no object. */
static bool read_outline(struct text text, struct outline *out)
{
    const char *at = text.at, *end = text.at + text.count;
    struct text key = {NULL, 0};
    bool is_value = false;
    size_t depth = 0;
    *out = (struct outline){.type = {NULL, 0}};
    while (at < end) {
        const char *next = at + 1;
        if (*at == '"') {
            next = string_end(at, end);
            if (!next)
                return false;
            struct text string = {at + 1, (size_t)(next - at - 2)};
            if (depth == 1 && !is_value)
                key = string;
            else if (depth == 1 && text_equal(key, text_of("type")))
                out->type = string;
            else if (depth == 1 && text_equal(key, text_of("name")))
                out->name = string;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            if (depth-- == 0)
                return false;
        } else if ((*at == ':' || *at == ',') && depth == 1) {
            is_value = *at == ':';
        }
        at = next;
    }
    return depth == 0 && *text.at == '{';
}

static bool read_object(struct ctf2 *ctf2, struct text text)
{
    json_error_t error;
    /* As reals, since UINT64_MAX, which LTTng writes as the end of ranges, is refused else. */
    json_t *json =
        json_loadb(text.at, text.count, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (!json)
        return refuse(ctf2, error.text);
    bool ok = true, known = false;
    for (size_t i = 0; i < sizeof FRAGMENTS / sizeof *FRAGMENTS && !known; i++) {
        known = is_type(json, FRAGMENTS[i].type);
        if (known && i > 0 && !ctf2->has_preamble)
            ok = refuse(ctf2, "the first one is to be a preamble");
        else if (known)
            ok = FRAGMENTS[i].read(ctf2, json);
    }
    json_decref(json);
    return ok;
}

static bool read_fragment(struct ctf2 *ctf2, struct text text)
{
    struct outline outline;
    if (text.count > FRAGMENT_BYTES_MAX)
        return refuse(ctf2, "over the limit of its size");
    if (!read_outline(text, &outline))
        return refuse(ctf2, "cut, or no JSON");
    if (!text_equal(outline.type, text_of("event-record-class")))
        return read_object(ctf2, text);
    metadata_add_name(ctf2->metadata, outline.name);
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0' || c == METADATA_SEPARATOR;
}

static bool read_sequence(struct ctf2 *ctf2)
{
    const char *at = ctf2->metadata->text.at, *end = at + ctf2->metadata->text.count;
    while (at < end) {
        const char *next = memchr(at, METADATA_SEPARATOR, (size_t)(end - at));
        const char *last = next ? next : end;
        next = last;
        while (at < last && is_blank(*at))
            at++;
        while (last > at && is_blank(last[-1]))
            last--;
        if (last > at) {
            ctf2->number++;
            if (!read_fragment(ctf2, (struct text){at, (size_t)(last - at)}))
                return false;
        }
        at = next < end ? next + 1 : end;
    }
    return ctf2->has_preamble || refuse(ctf2, "empty");
}

enum status metadata_read_ctf2(struct metadata *metadata, struct failure *why)
{
    struct ctf2 ctf2 = {
        .metadata = metadata, .why = why, .aliases = json_object(), .clocks = json_object()};
    bool ok = read_sequence(&ctf2);
    json_decref(ctf2.aliases);
    json_decref(ctf2.clocks);
    json_decref(ctf2.header);
    return ok ? STATUS_OK : STATUS_REJECT;
}
