#include "trace/phases.h"

#include <fnmatch.h>
#include <stdlib.h>

#include "base/memory.h"
#include "trace/schema.h"

void phases_init(struct phase_definitions *phases)
{
    *phases = (struct phase_definitions){0};
}

void phases_clear(struct phase_definitions *phases)
{
    arena_clear(&phases->arena);
    free(phases->at);
    free(phases->counts);
    *phases = (struct phase_definitions){0};
}

void phases_add(struct phase_definitions *phases, struct phase_definition definition)
{
    phases->at = memory_grow(phases->at, &phases->room, phases->count + 1, sizeof *phases->at);
    if (definition.timeout_ns == 0)
        definition.timeout_ns = PHASE_TIMEOUT_NS;
    /* Use one string, by which events find the field. */
    for (size_t i = 0; definition.name_is_field && i < definition.match_count; i++)
        if (strcmp(definition.name, definition.match[i].begin_field) == 0)
            definition.name = definition.match[i].begin_field;
    phases->at[phases->count++] = definition;
}

void phases_add_count(struct phase_definitions *phases, struct count_definition definition)
{
    phases->counts = memory_grow(phases->counts, &phases->count_room, phases->count_count + 1,
                                 sizeof *phases->counts);
    phases->counts[phases->count_count++] = definition;
}

size_t count_field_count(const struct count_definition *definition)
{
    size_t count = 0;
    for (size_t i = 0; i < definition->by_count; i++)
        count += count_word_has_value(definition->by[i].word);
    return count;
}

bool phases_are_none(const struct phase_definitions *phases)
{
    return phases->count + phases->count_count == 0;
}

bool phase_is_named(const struct phase_definition *definition, const char *written)
{
    if (definition->name_is_field)
        return written[0] == '$' && strcmp(definition->name, written + 1) == 0;
    return strcmp(definition->name, written) == 0;
}

bool phases_have_named(const struct phase_definitions *phases, const char *written)
{
    for (size_t i = 0; i < phases->count; i++)
        if (phase_is_named(&phases->at[i], written))
            return true;
    return false;
}

size_t phase_match_at(const struct phase_definition *definition, const char *begin_field)
{
    size_t at = 0;
    while (at < definition->match_count &&
           strcmp(definition->match[at].begin_field, begin_field) != 0)
        at++;
    return at;
}

bool phase_is_segment(const struct phase_definition *segment,
                      const struct phase_definition *request)
{
    if (!request->segments || segment->segments || request->match_count == 0 ||
        !phase_is_named(segment, request->segments))
        return false;
    for (size_t i = 0; i < request->match_count; i++)
        if (phase_match_at(segment, request->match[i].begin_field) == segment->match_count)
            return false;
    return true;
}

const char *phase_value_name(const struct phase_definition *definition, size_t at)
{
    return at < definition->match_count ? definition->match[at].begin_field
                                        : definition->capture[at - definition->match_count];
}

/* Length of its longest prefix of whole UTF-8 characters of at most `most` bytes: a byte 10xxxxxx
 * continues a character. */
static size_t text_fit(struct text text, size_t most)
{
    if (text.count <= most)
        return text.count;
    while (most > 0 && ((unsigned char)text.at[most] & 0xC0) == 0x80)
        most--;
    return most;
}

size_t phase_text_fit(struct text text)
{
    return text_fit(text, PHASE_TEXT_MAX);
}

struct field_value phase_value_copy(const struct field_value *value)
{
    static const char cut[] = "...";
    struct field_value copy = *value;
    if (value->type != FIELD_TEXT)
        return copy;
    if (value->text.count <= PHASE_TEXT_MAX) {
        copy.text.at = memory_string(value->text);
        return copy;
    }
    size_t count = text_fit(value->text, PHASE_TEXT_MAX - (sizeof cut - 1));
    copy.text.at = memory_format("%.*s%s", (int)count, value->text.at, cut);
    copy.text.count = strlen(copy.text.at);
    return copy;
}

void phase_value_free(struct field_value *value)
{
    if (value->type == FIELD_TEXT)
        free((char *)(uintptr_t)value->text.at);
}

static bool is_number(const struct field_value *value)
{
    return value->type == FIELD_INT || value->type == FIELD_UINT;
}

/* Below, equal to, or above 0, also for different signs. */
static int compare_numbers(const struct field_value *a, const struct field_value *b)
{
    bool a_negative = a->type == FIELD_INT && a->i < 0;
    bool b_negative = b->type == FIELD_INT && b->i < 0;
    if (a_negative != b_negative)
        return a_negative ? -1 : 1;
    /* With equal signs, the order is the same as for unsigned numbers. */
    uint64_t left = a->type == FIELD_INT ? (uint64_t)a->i : a->u;
    uint64_t right = b->type == FIELD_INT ? (uint64_t)b->i : b->u;
    return (left > right) - (left < right);
}

static int compare_texts(struct text a, struct text b)
{
    size_t common = a.count < b.count ? a.count : b.count;
    int order = common ? memcmp(a.at, b.at, common) : 0;
    return order ? order : (a.count > b.count) - (a.count < b.count);
}

bool field_value_equal_slowly(const struct field_value *a, const struct field_value *b)
{
    if (is_number(a) && is_number(b))
        return compare_numbers(a, b) == 0;
    return a->type == FIELD_TEXT && b->type == FIELD_TEXT && text_equal(a->text, b->text);
}

static bool glob_matches(struct text pattern, struct text text)
{
    char *terminated_pattern = memory_string(pattern);
    char *terminated_text = memory_string(text);
    bool matches = fnmatch(terminated_pattern, terminated_text, 0) == 0;
    free(terminated_pattern);
    free(terminated_text);
    return matches;
}

static bool compares(const struct phase_filter *filter, const struct field_value *value)
{
    int order;
    if (is_number(value) && is_number(&filter->constant))
        order = compare_numbers(value, &filter->constant);
    else if (value->type == FIELD_TEXT && filter->constant.type == FIELD_TEXT)
        order = compare_texts(value->text, filter->constant.text);
    else
        return false;

    switch (filter->compare) {
    case COMPARE_EQ: return order == 0;
    case COMPARE_NE: return order != 0;
    case COMPARE_LT: return order < 0;
    case COMPARE_LE: return order <= 0;
    case COMPARE_GT: return order > 0;
    case COMPARE_GE: return order >= 0;
    case COMPARE_GLOB:
        return value->type == FIELD_TEXT && glob_matches(filter->constant.text, value->text);
    case COMPARE_ALL:
    case COMPARE_ANY:
    case COMPARE_NONE: break;
    }
    return false;
}

static bool passes(const struct phase_filter *filter, const struct event *event,
                   field_lookup *lookup)
{
    if (filter->compare == COMPARE_ALL)
        return phase_filters_pass(filter->inner, filter->inner_count, event, lookup);
    if (filter->compare == COMPARE_ANY || filter->compare == COMPARE_NONE) {
        bool any = false;
        for (size_t i = 0; i < filter->inner_count && !any; i++)
            any = passes(&filter->inner[i], event, lookup);
        return any == (filter->compare == COMPARE_ANY);
    }
    if (filter->field[0] == '$') {
        struct field_value context = event_context_value(event, filter->field);
        return compares(filter, &context);
    }
    const struct field_value *value = lookup(event, filter->field);
    return value && compares(filter, value);
}

bool phase_filters_pass(const struct phase_filter *filters, size_t count, const struct event *event,
                        field_lookup *lookup)
{
    for (size_t i = 0; i < count; i++)
        if (!passes(&filters[i], event, lookup))
            return false;
    return true;
}

const struct field_value *event_payload_field_slowly(const struct event *event, const char *name)
{
    const char *const *names = event->class->fields;
    for (size_t i = 0; i < event->field_count; i++)
        if (strcmp(names[i], name) == 0)
            return &event->fields[i];
    return NULL;
}

struct field_value event_value_of(const struct event *event, const char *name)
{
    if (name[0] == '$')
        return event_context_value(event, name);
    const struct field_value *value = event_payload_field(event, name);
    return value ? *value : (struct field_value){.type = FIELD_ABSENT};
}

/* FNV-1a over an unambiguous encoding: numbers as eight bytes, texts after their length. Source:
 * draft-eastlake-fnv. */
static uint64_t digest_number(uint64_t digest, uint64_t number)
{
    for (unsigned shift = 0; shift < 64; shift += 8)
        digest = (digest ^ (number >> shift & 0xff)) * 1099511628211u;
    return digest;
}

static uint64_t digest_text(uint64_t digest, struct text text)
{
    digest = digest_number(digest, text.count);
    for (size_t i = 0; i < text.count; i++)
        digest = (digest ^ (uint8_t)text.at[i]) * 1099511628211u;
    return digest;
}

static uint64_t digest_string(uint64_t digest, const char *string)
{
    return string ? digest_text(digest, text_of(string)) : digest_number(digest, UINT64_MAX);
}

static uint64_t digest_filters(uint64_t digest, const struct phase_filter *filters, size_t count)
{
    digest = digest_number(digest, count);
    for (size_t i = 0; i < count; i++) {
        const struct field_value *constant = &filters[i].constant;
        digest = digest_string(digest, filters[i].field);
        digest = digest_number(digest, filters[i].compare);
        if (filters[i].compare >= COMPARE_ALL) {
            digest = digest_filters(digest, filters[i].inner, filters[i].inner_count);
            continue;
        }
        digest = digest_number(digest, constant->type);
        if (constant->type == FIELD_TEXT)
            digest = digest_text(digest, constant->text);
        else
            digest = digest_number(digest, constant->u);
    }
    return digest;
}

static uint64_t digest_definition(uint64_t digest, const struct phase_definition *definition)
{
    digest = digest_string(digest, definition->name);
    digest = digest_number(digest, definition->name_is_field);
    digest = digest_string(digest, definition->parent);
    digest = digest_string(digest, definition->begin_event);
    digest = digest_string(digest, definition->end_event);
    digest = digest_number(digest, definition->match_count);
    for (size_t i = 0; i < definition->match_count; i++) {
        digest = digest_string(digest, definition->match[i].begin_field);
        digest = digest_string(digest, definition->match[i].end_field);
    }
    digest = digest_number(digest, definition->timeout_ns);
    digest = digest_number(digest, definition->capture_count);
    for (size_t i = 0; i < definition->capture_count; i++)
        digest = digest_string(digest, definition->capture[i]);
    /* Older versions lack it: keep the digests of their definitions. */
    static const struct slowest_rule usual = {.count = SLOWEST_COUNT};
    if (!slowest_rule_equal(definition->keep, usual)) {
        digest = digest_number(digest, definition->keep.count);
        digest = digest_number(digest, definition->keep.over_ns);
    }
    if (definition->segments)
        digest = digest_string(digest_string(digest, NULL), definition->segments);
    digest = digest_filters(digest, definition->begin_filter, definition->begin_filter_count);
    return digest_filters(digest, definition->end_filter, definition->end_filter_count);
}

bool span_has_end_fields(const struct span_pair *span)
{
    for (size_t i = 0; i < span->match_count; i++)
        if (strcmp(span->match[i].begin_field, span->match[i].end_field) != 0)
            return true;
    return false;
}

static uint64_t digest_span(uint64_t digest, const struct span_pair *span)
{
    digest = digest_string(digest, span->end);
    digest = digest_filters(digest, span->where, span->where_count);
    digest = digest_number(digest, span->match_count);
    for (size_t i = 0; i < span->match_count; i++)
        digest = digest_string(digest, span->match[i].begin_field);
    /* Older versions lack it: keep the digests of their definitions. */
    for (size_t i = 0; span_has_end_fields(span) && i < span->match_count; i++)
        digest = digest_string(digest, span->match[i].end_field);
    digest = digest_number(digest, span->on);
    return digest_number(digest, span->timeout_ns);
}

static uint64_t digest_count(uint64_t digest, const struct count_definition *definition)
{
    digest = digest_string(digest, definition->name);
    digest = digest_string(digest, definition->event);
    digest = digest_filters(digest, definition->where, definition->where_count);
    digest = digest_number(digest, definition->by_count);
    for (size_t i = 0; i < definition->by_count; i++) {
        digest = digest_number(digest, definition->by[i].word);
        digest = digest_string(digest, definition->by[i].field);
    }
    digest = digest_string(digest, definition->value);
    return definition->span ? digest_span(digest, definition->span) : digest;
}

/* --- size --- */

/* Approximate sizes of numbers and tags on the wire. */
enum { DEFINITION_BYTES = 16, PART_BYTES = 8 };

static size_t string_bytes(const char *string)
{
    return string ? strlen(string) : 0;
}

static size_t filter_bytes(const struct phase_filter *filters, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += PART_BYTES + string_bytes(filters[i].field) +
                 (filters[i].constant.type == FIELD_TEXT ? filters[i].constant.text.count : 0) +
                 filter_bytes(filters[i].inner, filters[i].inner_count);
    return bytes;
}

static size_t definition_bytes(const struct phase_definition *definition)
{
    size_t bytes = DEFINITION_BYTES + string_bytes(definition->name) +
                   string_bytes(definition->parent) + string_bytes(definition->segments) +
                   string_bytes(definition->begin_event) + string_bytes(definition->end_event);
    for (size_t i = 0; i < definition->match_count; i++)
        bytes += PART_BYTES + string_bytes(definition->match[i].begin_field) +
                 string_bytes(definition->match[i].end_field);
    for (size_t i = 0; i < definition->capture_count; i++)
        bytes += PART_BYTES + string_bytes(definition->capture[i]);
    return bytes + filter_bytes(definition->begin_filter, definition->begin_filter_count) +
           filter_bytes(definition->end_filter, definition->end_filter_count);
}

static size_t span_bytes(const struct span_pair *span)
{
    size_t bytes =
        DEFINITION_BYTES + string_bytes(span->end) + filter_bytes(span->where, span->where_count);
    for (size_t i = 0; i < span->match_count; i++)
        bytes += PART_BYTES + string_bytes(span->match[i].begin_field) +
                 string_bytes(span->match[i].end_field);
    return bytes;
}

static size_t count_bytes(const struct count_definition *definition)
{
    size_t bytes = DEFINITION_BYTES + string_bytes(definition->name) +
                   string_bytes(definition->event) + string_bytes(definition->value) +
                   filter_bytes(definition->where, definition->where_count);
    for (size_t i = 0; i < definition->by_count; i++)
        bytes += PART_BYTES + string_bytes(definition->by[i].field);
    return definition->span ? bytes + span_bytes(definition->span) : bytes;
}

/* A duplicate definition would count each instance twice; NULL: there is none. */
static const struct phase_definition *find_duplicate(const struct phase_definitions *phases)
{
    const struct phase_definition *duplicate = NULL;
    uint64_t *digests = memory_new((phases->count + 1) * sizeof *digests);
    for (size_t i = 0; i < phases->count && !duplicate; i++) {
        digests[i] = phase_digest(&phases->at[i]);
        for (size_t j = 0; j < i; j++)
            if (digests[j] == digests[i])
                duplicate = &phases->at[i];
    }
    free(digests);
    return duplicate;
}

enum status phases_check(const struct phase_definitions *phases, const char *name,
                         struct failure *why)
{
    const struct phase_definition *duplicate = find_duplicate(phases);
    if (duplicate)
        return fail(why, STATUS_REJECT,
                    "%s: phase `%s%s` is defined twice and would be counted twice; remove the "
                    "duplicate file or definition",
                    name, duplicate->name_is_field ? "$" : "", duplicate->name);
    size_t bytes = 0;
    for (size_t i = 0; i < phases->count; i++)
        bytes += definition_bytes(&phases->at[i]);
    for (size_t i = 0; i < phases->count_count; i++)
        bytes += count_bytes(&phases->counts[i]);
    if (bytes <= PHASES_BYTES_MAX)
        return STATUS_OK;
    return fail(why, STATUS_REJECT,
                "%s: %zu definitions of about %zu bytes in total exceed the limit of %zu (they are "
                "sent with each chunk)",
                name, phases->count + phases->count_count, bytes, PHASES_BYTES_MAX);
}

/* --- digest --- */

static const uint64_t DIGEST_BEGIN = 14695981039346656037u;

uint64_t phase_digest(const struct phase_definition *definition)
{
    return digest_definition(DIGEST_BEGIN, definition);
}

uint64_t count_digest(const struct count_definition *definition)
{
    return digest_count(DIGEST_BEGIN, definition);
}

uint64_t phases_digest(const struct phase_definitions *phases)
{
    uint64_t digest = digest_number(DIGEST_BEGIN, phases->count);
    for (size_t i = 0; i < phases->count; i++)
        digest = digest_definition(digest, &phases->at[i]);
    /* Older versions lack counts: keep the digests of their definitions. */
    for (size_t i = 0; i < phases->count_count; i++)
        digest = digest_count(digest, &phases->counts[i]);
    return digest;
}
