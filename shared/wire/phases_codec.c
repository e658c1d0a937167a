#include "wire/phases_codec.h"

#include <string.h>

#include "base/names.h"
#include "wire/in_arena.h"
#include "wire/phases_message.h"

/* --- to a message --- */

struct encoding {
    struct arena *arena;
    struct names texts;
};

static uint32_t text_id(struct encoding *encoding, const char *text)
{
    return names_id(&encoding->texts, text_of(text));
}

static size_t count_filters(const struct phase_filter *filters, size_t count)
{
    size_t all = count;
    for (size_t i = 0; i < count; i++)
        all += count_filters(filters[i].inner, filters[i].inner_count);
    return all;
}

/* Each one before its children; returns the end. */
static Spanmill__PhaseFilter **put_filters(struct encoding *encoding,
                                           const struct phase_filter *from, size_t count,
                                           Spanmill__PhaseFilter **out)
{
    for (size_t i = 0; i < count; i++) {
        Spanmill__PhaseFilter *to = *out++ = arena_take(encoding->arena, sizeof *to);
        const struct field_value *constant = &from[i].constant;
        spanmill__phase_filter__init(to);
        to->field = text_id(encoding, from[i].field);
        to->compare = from[i].compare;
        to->has_number = constant->type == FIELD_INT;
        to->number = to->has_number ? constant->i : 0;
        to->has_unsigned_number = constant->type == FIELD_UINT;
        to->unsigned_number = to->has_unsigned_number ? constant->u : 0;
        to->has_text = constant->type == FIELD_TEXT;
        to->text = to->has_text ? names_id(&encoding->texts, constant->text) : 0;
        to->has_inner = from[i].compare >= COMPARE_ALL;
        to->inner = (uint32_t)from[i].inner_count;
        out = put_filters(encoding, from[i].inner, from[i].inner_count, out);
    }
    return out;
}

static Spanmill__PhaseFilter **encode_filters(struct encoding *encoding,
                                              const struct phase_filter *from, size_t count,
                                              size_t *encoded)
{
    *encoded = count_filters(from, count);
    Spanmill__PhaseFilter **out = arena_take(encoding->arena, *encoded * sizeof *out);
    put_filters(encoding, from, count, out);
    return out;
}

static Spanmill__SpanPair *encode_span(struct encoding *encoding, const struct span_pair *from)
{
    Spanmill__SpanPair *to = arena_take(encoding->arena, sizeof *to);
    spanmill__span_pair__init(to);
    to->end = text_id(encoding, from->end);
    to->where = encode_filters(encoding, from->where, from->where_count, &to->n_where);
    to->match = arena_take(encoding->arena, 2 * from->match_count * sizeof *to->match);
    to->end_match = to->match + from->match_count;
    for (size_t i = 0; i < from->match_count; i++)
        to->match[to->n_match++] = text_id(encoding, from->match[i].begin_field);
    for (size_t i = 0; span_has_end_fields(from) && i < from->match_count; i++)
        to->end_match[to->n_end_match++] = text_id(encoding, from->match[i].end_field);
    to->has_on = from->on != SPAN_ON_SYSTEM;
    to->on = from->on;
    to->has_timeout_ns = true;
    to->timeout_ns = from->timeout_ns;
    return to;
}

static Spanmill__CountDefinition *encode_count(struct encoding *encoding,
                                               const struct count_definition *from)
{
    Spanmill__CountDefinition *to = arena_take(encoding->arena, sizeof *to);
    spanmill__count_definition__init(to);
    to->name = text_id(encoding, from->name);
    to->event = text_id(encoding, from->event);
    to->where = encode_filters(encoding, from->where, from->where_count, &to->n_where);
    to->by = arena_take(encoding->arena, 2 * from->by_count * sizeof *to->by);
    for (size_t i = 0; i < from->by_count; i++) {
        to->by[to->n_by++] = from->by[i].word;
        to->by[to->n_by++] = text_id(encoding, from->by[i].field);
    }
    to->has_value = from->value != NULL;
    to->value = from->value ? text_id(encoding, from->value) : 0;
    to->span = from->span ? encode_span(encoding, from->span) : NULL;
    return to;
}

static Spanmill__PhaseDefinition *encode_definition(struct encoding *encoding,
                                                    const struct phase_definition *from)
{
    Spanmill__PhaseDefinition *to = arena_take(encoding->arena, sizeof *to);
    spanmill__phase_definition__init(to);
    to->name = text_id(encoding, from->name);
    to->has_name_is_field = to->name_is_field = from->name_is_field;
    to->has_parent = from->parent != NULL;
    to->parent = from->parent ? text_id(encoding, from->parent) : 0;
    to->has_segments = from->segments != NULL;
    to->segments = from->segments ? text_id(encoding, from->segments) : 0;
    to->begin_event = text_id(encoding, from->begin_event);
    to->end_event = text_id(encoding, from->end_event);
    to->match = arena_take(encoding->arena, 2 * from->match_count * sizeof *to->match);
    for (size_t i = 0; i < from->match_count; i++) {
        to->match[to->n_match++] = text_id(encoding, from->match[i].begin_field);
        to->match[to->n_match++] = text_id(encoding, from->match[i].end_field);
    }
    to->capture = arena_take(encoding->arena, from->capture_count * sizeof *to->capture);
    for (size_t i = 0; i < from->capture_count; i++)
        to->capture[to->n_capture++] = text_id(encoding, from->capture[i]);
    to->begin_filter =
        encode_filters(encoding, from->begin_filter, from->begin_filter_count, &to->n_begin_filter);
    to->end_filter =
        encode_filters(encoding, from->end_filter, from->end_filter_count, &to->n_end_filter);
    to->has_timeout_ns = true;
    to->timeout_ns = from->timeout_ns;
    to->has_keep = true;
    to->keep = from->keep.count;
    to->has_keep_over_ns = from->keep.over_ns > 0;
    to->keep_over_ns = from->keep.over_ns;
    return to;
}

Spanmill__PhaseDefinitions *phases_to_message(const struct phase_set *set, struct arena *arena)
{
    struct encoding encoding = {.arena = arena};
    Spanmill__PhaseDefinitions *message = arena_take(arena, sizeof *message);
    spanmill__phase_definitions__init(message);
    message->n_definitions = set->count;
    message->definitions = arena_take(arena, set->count * sizeof *message->definitions);
    for (size_t i = 0; i < set->count; i++)
        message->definitions[i] = encode_definition(&encoding, set->at[i]);
    message->n_counts = phase_set_defined_counts(set);
    message->counts = arena_take(arena, message->n_counts * sizeof *message->counts);
    for (size_t i = 0; i < message->n_counts; i++)
        message->counts[i] = encode_count(&encoding, set->counts[i]);
    message->has_built_in_counts = set->built_in_count > 0;
    message->built_in_counts = (uint32_t)set->built_in_count;
    message->n_texts = encoding.texts.count;
    message->texts = arena_take(arena, encoding.texts.count * sizeof *message->texts);
    for (size_t i = 0; i < encoding.texts.count; i++) {
        struct text text = encoding.texts.at[i];
        message->texts[i] = (ProtobufCBinaryData){text.count, (uint8_t *)arena_string(arena, text)};
    }
    names_clear(&encoding.texts);
    return message;
}

struct bytes phases_encode(const struct phase_set *set, struct arena *arena)
{
    const Spanmill__PhaseDefinitions *message = phases_to_message(set, arena);
    size_t count = spanmill__phase_definitions__get_packed_size(message);
    uint8_t *packed = arena_take(arena, count);
    spanmill__phase_definitions__pack(message, packed);
    return (struct bytes){packed, count};
}

/* --- from a message --- */

struct decoding {
    struct arena *arena;
    char **texts;
    size_t count;
    bool bad;
};

static const char *text_at(struct decoding *decoding, uint32_t id)
{
    if (id < decoding->count)
        return decoding->texts[id];
    decoding->bad = true;
    return "";
}

static void decode_constant(struct decoding *decoding, const Spanmill__PhaseFilter *from,
                            struct field_value *to)
{
    if (from->has_number + from->has_unsigned_number + from->has_text != 1)
        decoding->bad = true;
    else if (from->has_number)
        *to = (struct field_value){.type = FIELD_INT, .i = from->number};
    else if (from->has_unsigned_number)
        *to = (struct field_value){.type = FIELD_UINT, .u = from->unsigned_number};
    else
        *to = (struct field_value){.type = FIELD_TEXT,
                                   .text = text_of(text_at(decoding, from->text))};
}

/* Filters of a message, from `at` on. */
struct filters_in {
    Spanmill__PhaseFilter *const *at, *const *end;
};

static struct phase_filter *take_filters(struct decoding *decoding, struct filters_in *in,
                                         size_t count, unsigned depth);

static void take_filter(struct decoding *decoding, struct filters_in *in, unsigned depth,
                        struct phase_filter *to)
{
    const Spanmill__PhaseFilter *from = *in->at++;
    to->field = text_at(decoding, from->field);
    decoding->bad |= from->compare > COMPARE_NONE || depth > FILTER_DEPTH_MAX;
    to->compare = decoding->bad ? COMPARE_EQ : (enum phase_compare)from->compare;
    if (to->compare < COMPARE_ALL) {
        decode_constant(decoding, from, &to->constant);
        return;
    }
    decoding->bad |= from->inner > (size_t)(in->end - in->at);
    to->inner_count = decoding->bad ? 0 : from->inner;
    to->inner = take_filters(decoding, in, to->inner_count, depth + 1);
}

static struct phase_filter *take_filters(struct decoding *decoding, struct filters_in *in,
                                         size_t count, unsigned depth)
{
    struct phase_filter *to = arena_take(decoding->arena, count * sizeof *to);
    for (size_t i = 0; i < count; i++) {
        to[i] = (struct phase_filter){.field = ""};
        decoding->bad |= in->at == in->end;
        if (!decoding->bad)
            take_filter(decoding, in, depth, &to[i]);
    }
    return to;
}

/* A whole list; *count of them are at the top level. */
static const struct phase_filter *decode_filters(struct decoding *decoding,
                                                 Spanmill__PhaseFilter *const *from, size_t listed,
                                                 size_t *count)
{
    struct filters_in in = {from, listed > 0 ? from + listed : from};
    struct phase_filter *to = arena_take(decoding->arena, listed * sizeof *to);
    *count = 0;
    while (in.at < in.end && !decoding->bad) {
        to[*count] = (struct phase_filter){.field = ""};
        take_filter(decoding, &in, 0, &to[(*count)++]);
    }
    return to;
}

static const struct span_pair *decode_span(struct decoding *decoding,
                                           const Spanmill__SpanPair *from)
{
    struct span_pair *to = arena_take(decoding->arena, sizeof *to);
    to->end = text_at(decoding, from->end);
    to->where = decode_filters(decoding, from->where, from->n_where, &to->where_count);
    decoding->bad |= from->n_match > PHASE_MATCH_MAX || from->on > SPAN_ON_THREAD ||
                     (from->n_end_match > 0 && from->n_end_match != from->n_match);
    to->match_count = decoding->bad ? 0 : from->n_match;
    struct phase_match *match = arena_take(decoding->arena, to->match_count * sizeof *match);
    for (size_t i = 0; i < to->match_count; i++) {
        match[i].begin_field = text_at(decoding, from->match[i]);
        match[i].end_field =
            from->n_end_match > 0 ? text_at(decoding, from->end_match[i]) : match[i].begin_field;
    }
    to->match = match;
    to->on = decoding->bad ? SPAN_ON_SYSTEM : (enum span_subject)from->on;
    to->timeout_ns = from->timeout_ns ? from->timeout_ns : PHASE_TIMEOUT_NS;
    return to;
}

static void decode_count(struct decoding *decoding, const Spanmill__CountDefinition *from,
                         struct count_definition *to)
{
    to->name = text_at(decoding, from->name);
    to->event = text_at(decoding, from->event);
    to->where = decode_filters(decoding, from->where, from->n_where, &to->where_count);
    decoding->bad |= from->n_by % 2 != 0 || from->n_by > 2 * (size_t)COUNT_BY_MAX;
    to->by_count = decoding->bad ? 0 : from->n_by / 2;
    struct count_by *by = arena_take(decoding->arena, to->by_count * sizeof *by);
    for (size_t i = 0; i < to->by_count; i++) {
        decoding->bad |= from->by[2 * i] > COUNT_BY_LAST;
        by[i].word = decoding->bad ? COUNT_BY_FIELD : (enum count_word)from->by[2 * i];
        by[i].field = text_at(decoding, from->by[2 * i + 1]);
    }
    to->by = by;
    to->value = from->has_value ? text_at(decoding, from->value) : NULL;
    to->span = from->span ? decode_span(decoding, from->span) : NULL;
}

static void decode_definition(struct decoding *decoding, const Spanmill__PhaseDefinition *from,
                              struct phase_definition *to)
{
    to->name = text_at(decoding, from->name);
    to->name_is_field = from->name_is_field;
    to->parent = from->has_parent ? text_at(decoding, from->parent) : NULL;
    to->segments = from->has_segments ? text_at(decoding, from->segments) : NULL;
    to->begin_event = text_at(decoding, from->begin_event);
    to->end_event = text_at(decoding, from->end_event);
    decoding->bad |= from->n_match % 2 != 0 || from->n_match > 2 * (size_t)PHASE_MATCH_MAX;
    to->match_count = decoding->bad ? 0 : from->n_match / 2;
    struct phase_match *match = arena_take(decoding->arena, to->match_count * sizeof *match);
    for (size_t i = 0; i < to->match_count; i++) {
        match[i].begin_field = text_at(decoding, from->match[2 * i]);
        match[i].end_field = text_at(decoding, from->match[2 * i + 1]);
    }
    to->match = match;
    to->capture_count = from->n_capture;
    const char **capture = arena_take(decoding->arena, from->n_capture * sizeof *capture);
    for (size_t i = 0; i < from->n_capture; i++)
        capture[i] = text_at(decoding, from->capture[i]);
    to->capture = capture;
    decoding->bad |= from->n_capture > PHASE_CAPTURE_MAX || from->keep > SLOWEST_COUNT_MAX;
    to->keep.count = from->has_keep ? from->keep : SLOWEST_COUNT;
    to->keep.over_ns = from->keep_over_ns;
    to->begin_filter =
        decode_filters(decoding, from->begin_filter, from->n_begin_filter, &to->begin_filter_count);
    to->end_filter =
        decode_filters(decoding, from->end_filter, from->n_end_filter, &to->end_filter_count);
    to->timeout_ns = from->timeout_ns ? from->timeout_ns : PHASE_TIMEOUT_NS;
}

enum status phases_of_message(const Spanmill__PhaseDefinitions *message, struct arena *arena,
                              struct phase_definitions *out, struct failure *why)
{
    struct decoding decoding = {.arena = arena, .count = message->n_texts};
    decoding.texts = arena_take(arena, message->n_texts * sizeof *decoding.texts);
    for (size_t i = 0; i < message->n_texts; i++) {
        const ProtobufCBinaryData *text = &message->texts[i];
        decoding.bad |= text->len > 0 && memchr(text->data, '\0', text->len) != NULL;
        decoding.texts[i] = arena_string(arena, (struct text){(const char *)text->data, text->len});
    }
    *out = (struct phase_definitions){.count = message->n_definitions,
                                      .count_count = message->n_counts,
                                      .built_in_count = message->built_in_counts};
    out->at = arena_take(arena, out->count * sizeof *out->at);
    for (size_t i = 0; i < out->count; i++)
        decode_definition(&decoding, message->definitions[i], &out->at[i]);
    out->counts = arena_take(arena, out->count_count * sizeof *out->counts);
    for (size_t i = 0; i < out->count_count; i++)
        decode_count(&decoding, message->counts[i], &out->counts[i]);
    if (decoding.bad)
        return fail(why, STATUS_REJECT, "the phase definitions are inconsistent");
    return STATUS_OK;
}

enum status phases_decode(struct bytes message, struct arena *arena, struct phase_definitions *out,
                          struct failure *why)
{
    ProtobufCAllocator allocator = in_arena(arena);
    const Spanmill__PhaseDefinitions *from =
        spanmill__phase_definitions__unpack(&allocator, message.count, message.at);
    if (!from)
        return fail(why, STATUS_REJECT, "damaged phase definitions of %zu bytes", message.count);
    return phases_of_message(from, arena, out, why);
}

enum status phases_set(const struct phase_definitions *phases, struct schema *schema,
                       const struct phase_set **out, struct failure *why)
{
    if (phases->built_in_count > schema_built_in_count(schema))
        return fail(why, STATUS_STOP, "%zu built-in counts, but this program has %zu",
                    phases->built_in_count, schema_built_in_count(schema));
    *out = schema_set(schema, phases, phases->built_in_count);
    return STATUS_OK;
}
