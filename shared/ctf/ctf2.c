#include "ctf2.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ctf2_parser.h"

/* An event class of LTTng has some thousand bytes. In memory, JSON can take twenty times the size
 * of its text. */
#define FRAGMENT_BYTES_MAX ((size_t)4 << 20)

enum { MADE_MAX = 1 << 20, RECORD_SEPARATOR = 0x1E };

/* Precedes the digits of a number that jansson cannot represent. */
enum { BEYOND = 1 };

/* --- errors --- */

bool ctf2_fail(struct ctf2 *ctf2, const char *format, ...)
{
    char sentence[FAILURE_TEXT_MAX / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    (void)draft_fail(ctf2->draft, ctf2->place, ctf2->why, "%.*s%s", (int)ctf2->path_count,
                     ctf2->path, sentence);
    return false;
}

size_t ctf2_enter(struct ctf2 *ctf2, const char *format, ...)
{
    size_t before = ctf2->path_count, left = CTF2_PATH_MAX - before;
    va_list arguments;
    va_start(arguments, format);
    int wrote = vsnprintf(ctf2->path + before, left, format, arguments);
    va_end(arguments);
    /* If it gets too long, its beginning is enough. */
    if (wrote > 0 && (size_t)wrote + 3 < left) {
        memcpy(ctf2->path + before + wrote, ": ", 3);
        ctf2->path_count = before + (size_t)wrote + 2;
    }
    return before;
}

void ctf2_leave(struct ctf2 *ctf2, size_t before)
{
    ctf2->path_count = before;
}

bool ctf2_count(struct ctf2 *ctf2)
{
    if (++ctf2->made > MADE_MAX)
        return ctf2_fail(ctf2, "more than %d field classes, members, and ranges", MADE_MAX);
    return true;
}

/* --- properties --- */

static bool is_there(struct ctf2 *ctf2, const json_t *json, const char *key, enum ctf2_need need)
{
    return json != NULL || need == CTF2_OPTIONAL || ctf2_fail(ctf2, "\"%s\" is missing", key);
}

bool ctf2_number(const json_t *json, uint64_t *out, bool *negative)
{
    *negative = json_is_integer(json) && json_integer_value(json) < 0;
    if (json_is_integer(json)) {
        *out = (uint64_t)json_integer_value(json);
        return true;
    }
    const char *text = json_string_value(json);
    if (text == NULL || *text != BEYOND)
        return false;
    uint64_t number = 0;
    for (text++; *text >= '0' && *text <= '9'; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return true;
}

bool ctf2_unsigned(struct ctf2 *ctf2, const json_t *object, const char *key, enum ctf2_need need,
                   uint64_t most, uint64_t *out)
{
    const json_t *json = json_object_get(object, key);
    if (json == NULL)
        return is_there(ctf2, json, key, need);
    uint64_t number;
    bool negative;
    if (!ctf2_number(json, &number, &negative) || negative || number > most)
        return ctf2_fail(ctf2, "\"%s\" is not an integer from 0 to %llu", key,
                         (unsigned long long)most);
    *out = number;
    return true;
}

bool ctf2_signed(struct ctf2 *ctf2, const json_t *object, const char *key, int64_t *out)
{
    const json_t *json = json_object_get(object, key);
    if (json == NULL)
        return true;
    if (!json_is_integer(json))
        return ctf2_fail(ctf2, "\"%s\" is not a 64-bit integer", key);
    *out = json_integer_value(json);
    return true;
}

bool ctf2_text(struct ctf2 *ctf2, const json_t *object, const char *key, enum ctf2_need need,
               struct text *out)
{
    const json_t *json = json_object_get(object, key);
    if (json == NULL)
        return is_there(ctf2, json, key, need);
    if (!json_is_string(json))
        return ctf2_fail(ctf2, "\"%s\" is not a string", key);
    *out = (struct text){json_string_value(json), json_string_length(json)};
    return true;
}

bool ctf2_object(struct ctf2 *ctf2, const json_t *object, const char *key, const json_t **out)
{
    *out = json_object_get(object, key);
    return *out == NULL || json_is_object(*out) || ctf2_fail(ctf2, "\"%s\" is not an object", key);
}

bool ctf2_array(struct ctf2 *ctf2, const json_t *object, const char *key, enum ctf2_need need,
                const json_t **out)
{
    *out = json_object_get(object, key);
    if (*out == NULL)
        return is_there(ctf2, *out, key, need);
    return json_is_array(*out) || ctf2_fail(ctf2, "\"%s\" is not an array", key);
}

/* --- preamble --- */

static bool read_uuid(struct ctf2 *ctf2, const json_t *json)
{
    const json_t *bytes;
    if (!ctf2_array(ctf2, json, "uuid", CTF2_OPTIONAL, &bytes) || bytes == NULL)
        return json_object_get(json, "uuid") == NULL;
    if (json_array_size(bytes) != 16)
        return ctf2_fail(ctf2, "\"uuid\" is not an array of 16 integers from 0 to 255");
    for (size_t i = 0; i < 16; i++) {
        const json_t *byte = json_array_get(bytes, i);
        if (!json_is_integer(byte) || json_integer_value(byte) < 0 ||
            json_integer_value(byte) > UINT8_MAX)
            return ctf2_fail(ctf2, "\"uuid\" is not an array of 16 integers from 0 to 255");
        ctf2->draft->layout->uuid[i] = (uint8_t)json_integer_value(byte);
    }
    ctf2->draft->layout->has_uuid = true;
    return true;
}

/* Extensions may change the interpretation of everything else. */
static bool refuse_extensions(struct ctf2 *ctf2, const json_t *json)
{
    const json_t *extensions;
    if (!ctf2_object(ctf2, json, "extensions", &extensions))
        return false;
    for (void *space = json_object_iter((json_t *)(uintptr_t)extensions); space != NULL;
         space = json_object_iter_next((json_t *)(uintptr_t)extensions, space)) {
        void *name = json_object_iter(json_object_iter_value(space));
        if (name != NULL)
            return ctf2_fail(ctf2, "the extension \"%.80s\" of \"%.80s\" is not supported",
                             json_object_iter_key(name), json_object_iter_key(space));
    }
    return true;
}

static bool read_preamble(struct ctf2 *ctf2, const json_t *json)
{
    uint64_t version = 0;
    if (ctf2->has_preamble)
        return ctf2_fail(ctf2, "is declared a second time");
    ctf2->has_preamble = true;
    if (!ctf2_unsigned(ctf2, json, "version", CTF2_REQUIRED, INT64_MAX, &version))
        return false;
    if (version != 2)
        return ctf2_fail(ctf2, "version %llu is not supported", (unsigned long long)version);
    return refuse_extensions(ctf2, json) && read_uuid(ctf2, json);
}

/* --- field-class-alias --- */

static bool read_alias(struct ctf2 *ctf2, const json_t *json)
{
    struct text name = {"", 0};
    const struct draft_type *type = NULL;
    if (!ctf2_text(ctf2, json, "name", CTF2_REQUIRED, &name))
        return false;
    uint32_t id = names_id(&ctf2->draft->names, name);
    if (map_get(&ctf2->aliases, id) != NULL)
        return ctf2_fail(ctf2, "\"%.80s\" is declared a second time", name.at);
    if (!ctf2_type(ctf2, json, "field-class", CTF2_REQUIRED, &type))
        return false;
    map_put(&ctf2->aliases, id, (struct draft_type *)(uintptr_t)type);
    return true;
}

/* --- trace-class --- */

static bool read_env(struct ctf2 *ctf2, const json_t *json)
{
    const json_t *entries;
    if (!ctf2_object(ctf2, json, "environment", &entries))
        return false;
    for (void *at = json_object_iter((json_t *)(uintptr_t)entries); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)entries, at)) {
        const json_t *value = json_object_iter_value(at);
        /* Numbers beyond 63 bits are not needed. */
        bool is_text = json_is_string(value) && *json_string_value(value) != BEYOND;
        if (!is_text && !json_is_integer(value))
            continue;
        if (!ctf2_count(ctf2))
            return false;
        struct layout_env *env = draft_add_env(ctf2->draft, text_of(json_object_iter_key(at)));
        env->number = json_integer_value(value);
        if (json_is_string(value))
            env->text = draft_string(
                ctf2->draft, (struct text){json_string_value(value), json_string_length(value)});
    }
    return true;
}

static bool read_trace(struct ctf2 *ctf2, const json_t *json)
{
    if (ctf2->has_trace)
        return ctf2_fail(ctf2, "is declared a second time");
    ctf2->has_trace = true;
    if (ctf2->draft->stream_count > 0)
        return ctf2_fail(ctf2, "follows a data-stream-class");
    return read_env(ctf2, json) && ctf2_type(ctf2, json, "packet-header-field-class", CTF2_OPTIONAL,
                                             &ctf2->draft->packet_header);
}

/* --- data-stream-class --- */

static bool read_stream_clock(struct ctf2 *ctf2, const json_t *json, struct draft_stream *stream)
{
    struct text id = {NULL, 0};
    if (!ctf2_text(ctf2, json, "default-clock-class-id", CTF2_OPTIONAL, &id))
        return false;
    if (id.at == NULL)
        return true;
    stream->clock = draft_clock(ctf2->draft, id, ctf2->place);
    if (stream->clock == LAYOUT_NONE || !ctf2->draft->clocks[stream->clock].declared)
        return ctf2_fail(ctf2, "the clock \"%.80s\" is not declared", id.at);
    return true;
}

static bool read_stream(struct ctf2 *ctf2, const json_t *json)
{
    static const struct {
        enum draft_scope scope;
        const char *key;
    } SCOPES[] = {
        {DRAFT_PACKET_CONTEXT, "packet-context-field-class"},
        {DRAFT_EVENT_HEADER, "event-record-header-field-class"},
        {DRAFT_EVENT_CONTEXT, "event-record-common-context-field-class"},
    };
    struct draft_stream *stream = draft_add_stream(ctf2->draft, ctf2->place);
    if (!ctf2_count(ctf2) ||
        !ctf2_unsigned(ctf2, json, "id", CTF2_OPTIONAL, UINT64_MAX, &stream->id) ||
        !read_stream_clock(ctf2, json, stream))
        return false;
    size_t count = sizeof SCOPES / sizeof *SCOPES;
    if (ctf2->draft->extent != LAYOUT_WHOLE)
        count--; /* contexts of events are last */
    for (size_t i = 0; i < count; i++)
        if (!ctf2_type(ctf2, json, SCOPES[i].key, CTF2_OPTIONAL, &stream->scopes[SCOPES[i].scope]))
            return false;
    return true;
}

/* --- event-record-class --- */

/* An attribute of LTTng; numbers as in CTF 1.8. */
static int32_t log_level(const json_t *json)
{
    static const char *const LEVELS[] = {
        "emergency",    "alert",      "critical",       "error",         "warning",
        "notice",       "info",       "debug:system",   "debug:program", "debug:process",
        "debug:module", "debug:unit", "debug:function", "debug:line",    "debug"};
    const json_t *attributes =
        json_object_get(json_object_get(json, "attributes"), "lttng.org,2009");
    const char *level = json_string_value(json_object_get(attributes, "log-level"));
    for (size_t i = 0; level != NULL && i < sizeof LEVELS / sizeof *LEVELS; i++)
        if (strcmp(level, LEVELS[i]) == 0)
            return (int32_t)i;
    return -1;
}

static bool read_event(struct ctf2 *ctf2, const json_t *json)
{
    if (ctf2->draft->extent == LAYOUT_PACKETS)
        return true;
    struct draft_event *event = draft_add_event(ctf2->draft, ctf2->place);
    struct text name = {"", 0};
    event->has_stream_id = true; /* 0 if absent */
    if (!ctf2_count(ctf2) || !ctf2_text(ctf2, json, "name", CTF2_OPTIONAL, &name) ||
        !ctf2_unsigned(ctf2, json, "id", CTF2_OPTIONAL, UINT64_MAX, &event->id) ||
        !ctf2_unsigned(ctf2, json, "data-stream-class-id", CTF2_OPTIONAL, UINT64_MAX,
                       &event->stream_id))
        return false;
    event->name = draft_string(ctf2->draft, name);
    event->log_level = log_level(json);
    if (ctf2->draft->extent != LAYOUT_WHOLE)
        return true;
    return ctf2_type(ctf2, json, "specific-context-field-class", CTF2_OPTIONAL, &event->context) &&
           ctf2_type(ctf2, json, "payload-field-class", CTF2_OPTIONAL, &event->payload);
}

/* --- the sequence --- */

static const struct {
    const char *type;
    bool (*read)(struct ctf2 *ctf2, const json_t *json);
} FRAGMENTS[] = {
    {"event-record-class", read_event}, {"field-class-alias", read_alias},
    {"data-stream-class", read_stream}, {"clock-class", ctf2_clock},
    {"trace-class", read_trace},        {"preamble", read_preamble},
};

static bool read_object(struct ctf2 *ctf2, const json_t *json)
{
    struct text type = {"", 0};
    if (!json_is_object(json))
        return ctf2_fail(ctf2, "not an object");
    if (!ctf2_text(ctf2, json, "type", CTF2_REQUIRED, &type))
        return false;
    if (!ctf2->has_preamble && !text_equal(type, text_of("preamble")))
        return ctf2_fail(ctf2, "the first fragment is not a preamble");
    for (size_t i = 0; i < sizeof FRAGMENTS / sizeof *FRAGMENTS; i++) {
        if (!text_equal(type, text_of(FRAGMENTS[i].type)))
            continue;
        size_t before = ctf2_enter(ctf2, "%s", FRAGMENTS[i].type);
        bool ok = FRAGMENTS[i].read(ctf2, json);
        ctf2_leave(ctf2, before);
        return ok;
    }
    return ctf2_fail(ctf2, "unknown type \"%.80s\"", type.at);
}

struct position {
    unsigned number; /* of the fragment, from 1 */
    unsigned line, column;
};

static void pass(struct position *position, const char *begin, const char *end)
{
    for (const char *at = begin; at < end; at++) {
        position->column = *at == '\n' ? 1 : position->column + 1;
        position->line += *at == '\n';
    }
}

static void set_place(struct ctf2 *ctf2, struct position position)
{
    char words[64];
    snprintf(words, sizeof words, "fragment %u: %u:%u", position.number, position.line,
             position.column);
    ctf2->place = arena_string(&ctf2->draft->arena, text_of(words));
}

static bool is_beyond(const char *end, size_t digits)
{
    return digits > 19 || (digits == 19 && memcmp(end - 19, "9223372036854775807", 19) > 0);
}

/* jansson stores integers as signed 64-bit numbers and rejects larger ones; LTTng writes UINT64_MAX
 * as the end of ranges. This turns non-negative ones into strings, which begin with the character
 * BEYOND; `out` has room. Returns its end. */
static char *keep_numbers(const char *at, const char *end, char *out)
{
    const char *begin = at;
    bool in_string = false;
    while (at < end) {
        size_t digits = 0;
        while (!in_string && at + digits < end && at[digits] >= '0' && at[digits] <= '9')
            digits++;
        bool whole =
            at + digits == end || (at[digits] != '.' && at[digits] != 'e' && at[digits] != 'E');
        bool positive = digits > 0 && (at == begin || strchr("-.eE+", at[-1]) == NULL);
        if (whole && positive && is_beyond(at + digits, digits)) {
            out += sprintf(out, "\"\\u%04x%.*s\"", BEYOND, (int)digits, at);
            at += digits;
            continue;
        }
        size_t count = digits > 0 ? digits : in_string && *at == '\\' && at + 1 < end ? 2 : 1;
        if (*at == '"')
            in_string = !in_string;
        memcpy(out, at, count);
        out += count;
        at += count;
    }
    return out;
}

static json_t *load(struct text text, json_error_t *error)
{
    json_t *json = json_loadb(text.at, text.count, JSON_REJECT_DUPLICATES, error);
    if (json != NULL || json_error_code(error) != json_error_numeric_overflow)
        return json;
    /* Each grows by 8 characters, and has 19 digits or more. */
    char *copy = memory_new(text.count + text.count / 19 * 8 + 16);
    const char *end = keep_numbers(text.at, text.at + text.count, copy);
    json = json_loadb(copy, (size_t)(end - copy), JSON_REJECT_DUPLICATES, error);
    free(copy);
    return json;
}

static bool read_fragment(struct ctf2 *ctf2, struct text text, struct position position)
{
    set_place(ctf2, position);
    if (text.count > FRAGMENT_BYTES_MAX)
        return ctf2_fail(ctf2, "%zu bytes exceed the limit", text.count);
    json_error_t error;
    json_t *json = load(text, &error);
    if (json == NULL) {
        /* jansson counts from the begin of its input. */
        unsigned line = error.line > 0 ? (unsigned)error.line : 1;
        unsigned column = error.column > 0 ? (unsigned)error.column : 1;
        position.column = line > 1 ? column : position.column + column - 1;
        position.line += line - 1;
        set_place(ctf2, position);
        return ctf2_fail(ctf2, "%s", error.text);
    }
    ctf2->path_count = 0;
    bool ok = read_object(ctf2, json);
    json_decref(json);
    return ok;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0' || c == RECORD_SEPARATOR;
}

static bool read_sequence(struct ctf2 *ctf2, struct text text)
{
    struct position position = {.number = 0, .line = 1, .column = 1};
    const char *at = text.at, *end = text.at + text.count;
    while (at < end) {
        const char *begin = at;
        while (begin < end && is_blank(*begin))
            begin++;
        pass(&position, at, begin);
        const char *next = memchr(begin, RECORD_SEPARATOR, (size_t)(end - begin));
        next = next != NULL ? next : end;
        const char *last = next;
        while (last > begin && is_blank(last[-1]))
            last--;
        position.number++;
        if (last > begin &&
            !read_fragment(ctf2, (struct text){begin, (size_t)(last - begin)}, position))
            return false;
        pass(&position, begin, next);
        at = next;
    }
    return ctf2->has_preamble || ctf2_fail(ctf2, "empty");
}

enum status ctf2_parse(struct text text, struct draft *draft, struct failure *why)
{
    struct ctf2 *ctf2 = memory_new(sizeof *ctf2);
    ctf2->draft = draft;
    ctf2->why = why;
    bool ok = read_sequence(ctf2, text);
    map_clear(&ctf2->aliases);
    free(ctf2);
    return ok ? STATUS_OK : STATUS_REJECT;
}
