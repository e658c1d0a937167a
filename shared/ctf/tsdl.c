#include "tsdl.h"

#include <stdlib.h>

#include "base/memory.h"
#include "tsdl_parser.h"

/* The contents of a block besides declarations: "KEY = VALUE;" and "KEY := TYPE;". */
struct block {
    /* NULL: there are none of that sort. Ignores unknown keys. */
    bool (*set)(struct tsdl *tsdl, struct text key, const struct value *value);
    bool (*define)(struct tsdl *tsdl, struct text key, const struct draft_type *type);
    bool (*is_type)(struct text key); /* whether `key` has a type; NULL: none */
    /* Unless all is parsed: whether the type of `key` is skipped. */
    bool (*is_passed)(struct text key);
    const char *const *once; /* keys that may occur once; the last is NULL */
};

static bool is_key(struct text key, const char *name)
{
    return text_equal(key, text_of(name));
}

static bool read_item(struct tsdl *tsdl, const struct block *block, struct tsdl_given *given)
{
    struct text key = {"", 0};
    const char *place = tsdl->token.at;
    bool defines;
    if (!tsdl_dotted(tsdl, &key) || !tsdl_once(tsdl, given, block->once, key, place) ||
        !tsdl_accept(tsdl, ":=", &defines))
        return false;
    if (defines && block->is_type != NULL && !block->is_type(key))
        return tsdl_pass_statement(tsdl); /* unknown */
    if (defines && block->is_passed != NULL && tsdl->draft->extent != LAYOUT_WHOLE &&
        block->is_passed(key))
        return tsdl_pass_statement(tsdl);
    if (defines) {
        const struct draft_type *type;
        return tsdl_type(tsdl, &type) && tsdl_expect(tsdl, ";") && block->define(tsdl, key, type);
    }
    struct value value;
    if (block->is_type != NULL && block->is_type(key))
        return tsdl_expect(tsdl, ":=");
    return tsdl_expect(tsdl, "=") && tsdl_value(tsdl, &value) && tsdl_expect(tsdl, ";") &&
           block->set(tsdl, key, &value);
}

/* Starts at the "{"; stops after the ";". */
static bool read_block(struct tsdl *tsdl, const struct block *block)
{
    struct tsdl_given given = {0};
    if (!tsdl_expect(tsdl, "{"))
        return false;
    tsdl_open_scope(tsdl);
    while (!tsdl_is(tsdl, "}"))
        if (!(tsdl_at_declaration(tsdl) ? tsdl_declaration(tsdl) : read_item(tsdl, block, &given)))
            return false;
    tsdl_close_scope(tsdl);
    return tsdl_next(tsdl) && tsdl_expect(tsdl, ";");
}

static bool define_nothing(struct tsdl *tsdl, struct text key, const struct draft_type *type)
{
    (void)tsdl;
    (void)key;
    (void)type;
    return true;
}

/* --- trace --- */

static bool set_trace(struct tsdl *tsdl, struct text key, const struct value *value)
{
    struct layout *layout = tsdl->draft->layout;
    uint64_t number;
    if (is_key(key, "major") || is_key(key, "minor")) {
        *(is_key(key, "major") ? &tsdl->has_major : &tsdl->has_minor) = true;
        if (!tsdl_unsigned(tsdl, value, UINT32_MAX, &number))
            return false;
        return number == (is_key(key, "major") ? 1u : 8u) ||
               tsdl_fail_at(tsdl, value->at, "only CTF 1.8 is supported");
    }
    if (is_key(key, "uuid")) {
        layout->has_uuid = true;
        return tsdl_uuid(tsdl, value, layout->uuid);
    }
    if (!is_key(key, "byte_order"))
        return true;
    enum draft_order order;
    if (!tsdl_order(tsdl, value, &order))
        return false;
    layout->big_endian = order == DRAFT_BIG;
    tsdl->has_order = true;
    return order != DRAFT_NATIVE ||
           tsdl_fail_at(tsdl, value->at, "the byte order of the trace must be le or be");
}

static bool define_trace(struct tsdl *tsdl, struct text key, const struct draft_type *type)
{
    if (is_key(key, "packet.header"))
        tsdl->draft->packet_header = type;
    return true;
}

static bool is_packet_header(struct text key)
{
    return is_key(key, "packet.header");
}

static bool read_trace(struct tsdl *tsdl, const char *place)
{
    static const char *const ONCE[] = {"major",      "minor",         "uuid",
                                       "byte_order", "packet.header", NULL};
    static const struct block BLOCK = {set_trace, define_trace, is_packet_header, NULL, ONCE};
    if (tsdl->has_trace)
        return tsdl_fail_at(tsdl, place, "a second trace block");
    tsdl->has_trace = true;
    if (!read_block(tsdl, &BLOCK))
        return false;
    if (!tsdl->has_major || !tsdl->has_minor)
        return tsdl_fail_at(tsdl, place, "the trace has no version (major, minor)");
    return tsdl->has_order || tsdl_fail_at(tsdl, place, "the trace has no byte_order");
}

/* --- stream --- */

static struct draft_stream *this_stream(struct tsdl *tsdl)
{
    return &tsdl->draft->streams[tsdl->draft->stream_count - 1];
}

static bool set_stream(struct tsdl *tsdl, struct text key, const struct value *value)
{
    if (!is_key(key, "id"))
        return true;
    this_stream(tsdl)->has_id = true;
    return tsdl_unsigned(tsdl, value, INT64_MAX, &this_stream(tsdl)->id);
}

static bool define_stream(struct tsdl *tsdl, struct text key, const struct draft_type *type)
{
    struct draft_stream *stream = this_stream(tsdl);
    if (is_key(key, "packet.context"))
        stream->scopes[DRAFT_PACKET_CONTEXT] = type;
    else if (is_key(key, "event.header"))
        stream->scopes[DRAFT_EVENT_HEADER] = type;
    else if (is_key(key, "event.context"))
        stream->scopes[DRAFT_EVENT_CONTEXT] = type;
    return true;
}

static bool is_stream_type(struct text key)
{
    return is_key(key, "packet.context") || is_key(key, "event.header") ||
           is_key(key, "event.context");
}

static bool is_event_context(struct text key)
{
    return is_key(key, "event.context");
}

static bool read_stream(struct tsdl *tsdl, const char *place)
{
    static const char *const ONCE[] = {"id", "packet.context", "event.header", "event.context",
                                       NULL};
    static const struct block BLOCK = {set_stream, define_stream, is_stream_type, is_event_context,
                                       ONCE};
    (void)draft_add_stream(tsdl->draft, place);
    return read_block(tsdl, &BLOCK);
}

/* --- event --- */

static struct draft_event *this_event(struct tsdl *tsdl)
{
    return &tsdl->draft->events[tsdl->draft->event_count - 1];
}

static bool set_event(struct tsdl *tsdl, struct text key, const struct value *value)
{
    struct draft_event *event = this_event(tsdl);
    uint64_t number;
    if (is_key(key, "name")) {
        struct text name;
        if (!tsdl_text(tsdl, value, &name))
            return false;
        event->name = draft_string(tsdl->draft, name);
    } else if (is_key(key, "id")) {
        event->has_id = true;
        return tsdl_unsigned(tsdl, value, INT64_MAX, &event->id);
    } else if (is_key(key, "stream_id")) {
        event->has_stream_id = true;
        return tsdl_unsigned(tsdl, value, INT64_MAX, &event->stream_id);
    } else if (is_key(key, "loglevel")) {
        if (!tsdl_unsigned(tsdl, value, UINT64_MAX, &number))
            return false;
        event->log_level = number <= INT32_MAX ? (int32_t)number : -1;
    }
    return true;
}

static bool define_event(struct tsdl *tsdl, struct text key, const struct draft_type *type)
{
    if (is_key(key, "context"))
        this_event(tsdl)->context = type;
    else if (is_key(key, "fields"))
        this_event(tsdl)->payload = type;
    return true;
}

static bool is_event_type(struct text key)
{
    return is_key(key, "context") || is_key(key, "fields");
}

static bool is_any(struct text key)
{
    (void)key;
    return true;
}

static bool read_event(struct tsdl *tsdl, const char *place)
{
    static const char *const ONCE[] = {"name",    "id",     "stream_id", "loglevel",
                                       "context", "fields", NULL};
    static const struct block BLOCK = {set_event, define_event, is_event_type, is_any, ONCE};
    if (tsdl->draft->extent == LAYOUT_PACKETS)
        return tsdl_pass_statement(tsdl);
    (void)draft_add_event(tsdl->draft, place);
    if (!tsdl_count(tsdl) || !read_block(tsdl, &BLOCK))
        return false;
    return this_event(tsdl)->name != NULL || tsdl_fail_at(tsdl, place, "an event has no name");
}

/* --- env --- */

/* Keys of env may occur again; the last one counts. */
static const char *const NOTHING_ONCE[] = {NULL};

static bool set_env(struct tsdl *tsdl, struct text key, const struct value *value)
{
    if (!tsdl_count(tsdl))
        return false;
    struct layout_env *env = draft_add_env(tsdl->draft, key);
    if (value->is_number)
        env->number = (int64_t)value->number;
    else
        env->text = draft_string(tsdl->draft, value->text);
    return true;
}

static bool read_env(struct tsdl *tsdl, const char *place)
{
    static const struct block BLOCK = {set_env, define_nothing, NULL, NULL, NOTHING_ONCE};
    (void)place;
    return read_block(tsdl, &BLOCK);
}

/* --- clock --- */

struct clock_reader {
    struct layout_clock clock;
    struct text name;
    uint64_t offset; /* cycles; may be negative */
    bool offset_negative;
};

static bool set_clock(struct tsdl *tsdl, void *into, struct text key, const struct value *value)
{
    struct clock_reader *reader = into;
    struct layout_clock *clock = &reader->clock;
    if (is_key(key, "name"))
        return tsdl_text(tsdl, value, &reader->name);
    if (is_key(key, "uuid")) {
        clock->has_uuid = true;
        return tsdl_uuid(tsdl, value, clock->uuid);
    }
    if (is_key(key, "freq"))
        return (tsdl_unsigned(tsdl, value, UINT64_MAX, &clock->frequency) &&
                clock->frequency > 0) ||
               tsdl_fail_at(tsdl, value->at, "the frequency must be a positive number");
    bool ignored;
    struct text nothing;
    if (is_key(key, "absolute"))
        return tsdl_boolean(tsdl, value, &ignored);
    if (is_key(key, "description"))
        return tsdl_text(tsdl, value, &nothing);
    if (is_key(key, "precision"))
        return tsdl_unsigned(tsdl, value, UINT64_MAX, &clock->precision);
    if (is_key(key, "offset")) {
        reader->offset = value->number;
        reader->offset_negative = value->is_negative;
        return value->is_number || tsdl_fail_at(tsdl, value->at, "the offset must be a number");
    }
    if (!is_key(key, "offset_s"))
        return true;
    if (!value->is_number || (!value->is_negative && value->number > INT64_MAX))
        return tsdl_fail_at(tsdl, value->at, "the offset must be a number");
    clock->offset_s = (int64_t)value->number;
    return true;
}

/* Moves full seconds from the cycles to the seconds. */
static bool normalize(struct tsdl *tsdl, struct clock_reader *reader, const char *place)
{
    uint64_t frequency = reader->clock.frequency;
    uint64_t cycles = reader->offset_negative ? -reader->offset : reader->offset;
    uint64_t seconds = cycles / frequency, rest = cycles % frequency;
    if (reader->offset_negative && rest > 0) {
        rest = frequency - rest;
        seconds++;
    }
    /* Far below an overflow, and ten times the age of the universe. */
    int64_t *offset_s = &reader->clock.offset_s;
    if (seconds > INT64_MAX / 2 || *offset_s > INT64_MAX / 2 || *offset_s < -(INT64_MAX / 2))
        return tsdl_fail_at(tsdl, place, "the offset of the clock exceeds 63 bits");
    reader->clock.offset_cycles = rest;
    *offset_s += reader->offset_negative ? -(int64_t)seconds : (int64_t)seconds;
    return true;
}

static bool same_clock(const struct layout_clock *a, const struct layout_clock *b)
{
    return a->has_uuid == b->has_uuid && memcmp(a->uuid, b->uuid, sizeof a->uuid) == 0 &&
           a->frequency == b->frequency && a->offset_s == b->offset_s &&
           a->offset_cycles == b->offset_cycles && a->precision == b->precision;
}

static bool read_clock(struct tsdl *tsdl, const char *place)
{
    struct clock_reader reader = {.clock = {.frequency = UINT64_C(1000000000), .is_unix = true}};
    static const char *const ONCE[] = {"name",     "uuid",   "description", "freq", "precision",
                                       "offset_s", "offset", "absolute",    NULL};
    if (!tsdl_attributes(tsdl, &reader, ONCE, set_clock) || !tsdl_expect(tsdl, ";") ||
        !normalize(tsdl, &reader, place))
        return false;
    if (reader.name.count == 0)
        return tsdl_fail_at(tsdl, place, "a clock has no name");
    uint32_t index = draft_clock(tsdl->draft, reader.name, place);
    if (index == LAYOUT_NONE)
        return tsdl_fail_at(tsdl, place, "too many clocks");
    struct draft_clock *clock = &tsdl->draft->clocks[index];
    reader.clock.name = clock->clock.name;
    if (clock->declared && !same_clock(&clock->clock, &reader.clock))
        return tsdl_fail_at(tsdl, place, "clock \"%s\" is declared again with other values",
                            clock->clock.name);
    clock->clock = reader.clock;
    clock->declared = true;
    return true;
}

/* --- callsite --- */

static bool set_nothing(struct tsdl *tsdl, struct text key, const struct value *value)
{
    (void)tsdl;
    (void)key;
    (void)value;
    return true;
}

static bool read_callsite(struct tsdl *tsdl, const char *place)
{
    static const struct block BLOCK = {set_nothing, define_nothing, NULL, NULL, NOTHING_ONCE};
    (void)place;
    return read_block(tsdl, &BLOCK);
}

/* --- all blocks --- */

static const struct {
    const char *word;
    bool (*read)(struct tsdl *tsdl, const char *place);
} BLOCKS[] = {
    {"event", read_event}, {"stream", read_stream}, {"trace", read_trace},
    {"env", read_env},     {"clock", read_clock},   {"callsite", read_callsite},
};

static bool read_statement(struct tsdl *tsdl)
{
    if (tsdl_at_declaration(tsdl))
        return tsdl_declaration(tsdl);
    for (size_t i = 0; i < sizeof BLOCKS / sizeof *BLOCKS; i++)
        if (tsdl_is(tsdl, BLOCKS[i].word)) {
            const char *place = tsdl->token.at;
            return tsdl_next(tsdl) && BLOCKS[i].read(tsdl, place);
        }
    return tsdl_fail(tsdl, "expected a type, trace, stream, event, env, clock, or callsite");
}

static bool read_all(struct tsdl *tsdl)
{
    if (!tsdl_next(tsdl))
        return false;
    while (tsdl->token.type != TOKEN_END)
        if (!read_statement(tsdl))
            return false;
    return tsdl->has_trace || tsdl_fail_at(tsdl, NULL, "no trace block");
}

enum status tsdl_parse(struct text text, struct draft *draft, struct failure *why)
{
    draft->text = text.at;
    struct tsdl *tsdl = memory_new(sizeof *tsdl);
    tsdl->draft = draft;
    tsdl->why = why;
    tsdl->lexer = (struct lexer){text.at, text.at + text.count};
    bool ok = read_all(tsdl);
    map_clear(&tsdl->symbols);
    free(tsdl->declared);
    free(tsdl->members);
    free(tsdl->labels);
    free(tsdl);
    return ok ? STATUS_OK : STATUS_REJECT;
}
