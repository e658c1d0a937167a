#include "mapper/decode/phase_survey.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "mapper/decode/plan.h"

/* One side of a definition. */
struct side {
    const struct phase_definition *definition;
    bool of_end;
};

static const char *event_of(const struct side *side)
{
    return side->of_end ? side->definition->end_event : side->definition->begin_event;
}

static const char *match_of(const struct side *side, size_t at)
{
    const struct phase_match *match = &side->definition->match[at];
    return side->of_end ? match->end_field : match->begin_field;
}

static const char *type_name(const struct layout_field *field)
{
    switch ((enum layout_type)field->type) {
    case LAYOUT_FLOAT: return "a floating-point number, which cannot be compared";
    case LAYOUT_ARRAY:
    case LAYOUT_SEQUENCE: return "an array, which cannot be compared";
    case LAYOUT_STRUCT: return "a structure, which cannot be compared";
    case LAYOUT_VARIANT:
    case LAYOUT_OPTIONAL: return "present in some events only (variant), and cannot be compared";
    case LAYOUT_BLOB_FIXED:
    case LAYOUT_BLOB_SIZED: return "a blob, which cannot be compared";
    case LAYOUT_INTEGER:
    case LAYOUT_VARINT:
    case LAYOUT_STRING:
    case LAYOUT_WIDE:
    case LAYOUT_STRING_FIXED:
    case LAYOUT_STRING_SIZED: break;
    }
    return "of a type that cannot be compared";
}

static const char *nearest_field(const struct layout_field *payload, const char *wrong)
{
    size_t count = payload ? payload->count : 0;
    const char **names = memory_new((count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = payload->fields[i].name;
    const char *nearest = nearest_word(text_of(wrong), names, count);
    free(names);
    return nearest;
}

static struct text text_or_none(const char *text)
{
    return text ? text_of(text) : (struct text){"", 0};
}

/* Whether the event has the field, as a number (`n`) or as text (`t`); 0 if not: *use has the
 * reason. */
static char look_at_field(const struct layout_event *event, const char *name, struct phase_use *use)
{
    const struct layout_field *field = event->payload ? layout_member(event->payload, name) : NULL;
    char letter = field ? plan_field_letter(field) : 0;
    if (letter)
        return letter;
    use->state = field ? PHASE_USE_BAD_FIELD : PHASE_USE_NO_FIELD;
    use->field = text_of(name);
    use->near = text_or_none(field ? type_name(field) : nearest_field(event->payload, name));
    return 0;
}

/* Whether the event has the context: its own, its stream's, or from the environment of a
 * per-process trace. */
static bool has_context(const struct layout *layout, const struct layout_event *event,
                        const char *name)
{
    if (event->context && layout_member(event->context, name))
        return true;
    for (uint32_t i = 0; i < layout->stream_count; i++) {
        const struct layout_field *context = layout->streams[i].event_context;
        if (context && layout_member(context, name))
            return true;
    }
    bool of_trace = strcmp(name, "vpid") == 0 || strcmp(name, "procname") == 0;
    return of_trace && layout_env(layout, name);
}

static bool look_at_context(const struct layout *layout, const struct layout_event *event,
                            const char *name, struct phase_use *use)
{
    if (has_context(layout, event, name + strlen(EVENT_CONTEXT)))
        return true;
    use->state = PHASE_USE_NO_FIELD;
    use->field = text_of(name);
    use->near = (struct text){"", 0};
    return false;
}

static bool look_at_filters(const struct layout *layout, const struct layout_event *event,
                            const struct phase_filter *filters, size_t count,
                            struct phase_use *use);

/* Whether the event may pass: `!` always, `||` if one of its sides may. */
static bool look_at_filter(const struct layout *layout, const struct layout_event *event,
                           const struct phase_filter *filter, struct phase_use *use)
{
    if (filter->compare == COMPARE_ALL)
        return look_at_filters(layout, event, filter->inner, filter->inner_count, use);
    if (filter->compare == COMPARE_NONE)
        return true;
    if (filter->field[0] == '$')
        return look_at_context(layout, event, filter->field, use);
    for (size_t i = 0; i < filter->inner_count; i++)
        if (look_at_filter(layout, event, &filter->inner[i], use))
            return true;
    if (filter->compare == COMPARE_ANY)
        return false;
    char letter = look_at_field(event, filter->field, use);
    bool wants_text = filter->constant.type == FIELD_TEXT;
    if (!letter || (letter == 't') == wants_text)
        return letter != 0;
    use->state = PHASE_USE_BAD_FIELD;
    use->field = text_of(filter->field);
    use->near = text_of(wants_text ? "a number, but is compared with text"
                                   : "text, but is compared with a number");
    return false;
}

static bool look_at_filters(const struct layout *layout, const struct layout_event *event,
                            const struct phase_filter *filters, size_t count, struct phase_use *use)
{
    for (size_t i = 0; i < count; i++)
        if (!look_at_filter(layout, event, &filters[i], use))
            return false;
    return true;
}

/* Checks the side against one declared event of the right name. */
static void look_at_event(const struct layout *layout, const struct side *side,
                          const struct layout_event *event, struct arena *arena,
                          struct phase_use *use)
{
    const struct phase_definition *definition = side->definition;
    const struct phase_filter *filters =
        side->of_end ? definition->end_filter : definition->begin_filter;
    size_t filter_count =
        side->of_end ? definition->end_filter_count : definition->begin_filter_count;
    char letters[PHASE_MATCH_MAX] = {0};
    for (size_t i = 0; i < definition->match_count; i++)
        if (!(letters[i] = look_at_field(event, match_of(side, i), use)))
            return;
    if (definition->name_is_field && !look_at_field(event, definition->name, use))
        return;
    if (!look_at_filters(layout, event, filters, filter_count, use))
        return;
    use->state = PHASE_USE_FIT;
    use->field.count = definition->match_count;
    use->field.at = arena_string(arena, (struct text){letters, definition->match_count});
    use->near = (struct text){"", 0};
}

static const char *nearest_event(const struct layout *layout, const char *wrong)
{
    const char **names = memory_new((layout->event_count + 1) * sizeof *names);
    for (uint32_t i = 0; i < layout->event_count; i++)
        names[i] = layout->events[i].name;
    const char *nearest = nearest_word(text_of(wrong), names, layout->event_count);
    free(names);
    return nearest;
}

static struct text match_fields(const struct side *side, struct arena *arena)
{
    char *all = memory_string(text_of(""));
    for (size_t i = 0; i < side->definition->match_count; i++) {
        char *longer = memory_format("%s%s%s", all, i > 0 ? ", " : "", match_of(side, i));
        free(all);
        all = longer;
    }
    struct text text = {arena_string(arena, text_of(all)), strlen(all)};
    free(all);
    return text;
}

static struct phase_use describe(const struct side *side, struct arena *arena)
{
    const struct phase_definition *definition = side->definition;
    char *name = memory_format("%s%s", definition->name_is_field ? "$" : "", definition->name);
    struct phase_use use = {.state = PHASE_USE_FIT,
                            .part = side->of_end ? PHASE_END : PHASE_BEGIN,
                            .phase = {arena_string(arena, text_of(name)), strlen(name)},
                            .begin = text_of(definition->begin_event),
                            .end = text_of(definition->end_event),
                            .match = match_fields(side, arena),
                            .field = {"", 0},
                            .near = {"", 0}};
    free(name);
    return use;
}

/* Checks the side against all declared events of the right name. `layout` NULL: it may match. */
static struct phase_use look_at_side(const struct layout *layout, const struct side *side,
                                     struct arena *arena)
{
    struct phase_use best = describe(side, arena);
    bool declared = false;
    for (uint32_t i = 0; layout && i < layout->event_count; i++) {
        if (strcmp(layout->events[i].name, event_of(side)) != 0)
            continue;
        struct phase_use use = describe(side, arena);
        look_at_event(layout, side, &layout->events[i], arena, &use);
        if (!declared || phase_use_is_better(&use, &best))
            best = use;
        declared = true;
    }
    if (layout && !declared) {
        best.state = PHASE_USE_UNDECLARED;
        best.near = text_or_none(nearest_event(layout, event_of(side)));
    }
    return best;
}

/* Checks a captured field against all declared events of either side. */
static struct phase_use look_at_capture(const struct layout *layout,
                                        const struct phase_definition *definition,
                                        const char *field, struct arena *arena)
{
    const struct side side = {definition, false};
    struct phase_use base = describe(&side, arena), best;
    base.part = PHASE_CAPTURE;
    base.match = text_of(field);
    base.state = layout ? PHASE_USE_UNDECLARED : PHASE_USE_FIT;
    best = base;
    for (uint32_t i = 0; layout && i < layout->event_count; i++) {
        const char *name = layout->events[i].name;
        if (strcmp(name, definition->begin_event) != 0 && strcmp(name, definition->end_event) != 0)
            continue;
        struct phase_use use = base;
        if (look_at_field(&layout->events[i], field, &use))
            use.state = PHASE_USE_FIT;
        if (phase_use_is_better(&use, &best))
            best = use;
    }
    return best;
}

/* --- counts --- */

/* The events of a count, or the end events of a span. */
struct counted {
    const struct count_definition *count;
    bool of_end;
};

static const char *pattern_of(struct counted counted)
{
    return counted.of_end ? counted.count->span->end : counted.count->event;
}

/* Of a span, the pattern of the other side; else NULL. */
static const char *other_of(struct counted counted)
{
    if (!counted.count->span)
        return NULL;
    return counted.of_end ? counted.count->event : counted.count->span->end;
}

static bool is_by(const struct count_definition *count, const char *field)
{
    for (size_t i = 0; i < count->by_count; i++)
        if (count->by[i].field == field)
            return true;
    return false;
}

/* Checks a field that the count names against one declared event. NULL: its conditions. */
static void look_at_counted(const struct layout *layout, struct counted counted,
                            const struct layout_event *event, const char *field,
                            struct phase_use *use)
{
    const struct count_definition *count = counted.count;
    if (!field) {
        const struct span_pair *span = count->span;
        if (counted.of_end ? look_at_filters(layout, event, span->where, span->where_count, use)
                           : look_at_filters(layout, event, count->where, count->where_count, use))
            use->state = PHASE_USE_FIT;
        return;
    }
    if (field[0] == '$') {
        if (look_at_context(layout, event, field, use))
            use->state = PHASE_USE_FIT;
        return;
    }
    char letter = look_at_field(event, field, use);
    if (letter == 't' && field == count->value) {
        use->state = PHASE_USE_BAD_FIELD;
        use->field = text_of(field);
        use->near = text_of("text, and cannot be summed");
    } else if (letter) {
        use->state = PHASE_USE_FIT;
    } else if (use->state == PHASE_USE_NO_FIELD && is_by(count, field)) {
        const char *word = nearest_word(text_of(field), count_by_words + COUNT_BY_HOST,
                                        COUNT_BY_WORDS - COUNT_BY_HOST);
        use->near = word ? text_of(word) : use->near;
    }
}

/* Checks a count against all declared events; `layout` NULL: they may exist. */
static struct phase_use look_at_count(const struct layout *layout, struct counted counted,
                                      const char *field)
{
    const char *pattern = pattern_of(counted);
    const struct phase_use base = {.state = layout ? PHASE_USE_UNDECLARED : PHASE_USE_FIT,
                                   .part = PHASE_COUNT,
                                   .phase = text_of(counted.count->name),
                                   .begin = text_of(pattern),
                                   .end = text_or_none(other_of(counted)),
                                   .match = text_or_none(field),
                                   .field = {"", 0},
                                   .near = {"", 0}};
    struct phase_use best = base;
    bool declared = false;
    for (uint32_t i = 0; layout && i < layout->event_count; i++) {
        if (fnmatch(pattern, layout->events[i].name, 0) != 0)
            continue;
        struct phase_use use = base;
        look_at_counted(layout, counted, &layout->events[i], field, &use);
        if (!declared || phase_use_is_better(&use, &best))
            best = use;
        declared = true;
    }
    if (layout && !declared)
        best.near = text_or_none(nearest_event(layout, pattern));
    return best;
}

struct found_uses {
    struct phase_use *at;
    size_t count; /* up to PHASE_USES_MAX */
};

static void look_at_named(const struct layout *layout, struct counted counted, const char *field,
                          struct found_uses *uses)
{
    if (field && uses->count < PHASE_USES_MAX)
        uses->at[uses->count++] = look_at_count(layout, counted, field);
}

/* Checks the events of a count, or its end events, and each field of them that it names besides its
 * conditions. */
static void look_at_fields(const struct layout *layout, struct counted counted,
                           struct found_uses *uses)
{
    if (uses->count == PHASE_USES_MAX)
        return;
    const struct count_definition *count = counted.count;
    struct phase_use whole = uses->at[uses->count++] = look_at_count(layout, counted, NULL);
    if (whole.state == PHASE_USE_UNDECLARED)
        return; /* then its fields may exist, too */
    for (size_t k = 0; k < count->by_count && !counted.of_end; k++)
        if (count->by[k].word == COUNT_BY_FIELD)
            look_at_named(layout, counted, count->by[k].field, uses);
    look_at_named(layout, counted, count->value, uses);
    for (size_t k = 0; count->span && k < count->span->match_count; k++)
        look_at_named(layout, counted,
                      counted.of_end ? count->span->match[k].end_field
                                     : count->span->match[k].begin_field,
                      uses);
}

static size_t look_at_counts(const struct layout *layout, const struct phase_definitions *phases,
                             struct phase_use *at, size_t used)
{
    struct found_uses uses = {at, used};
    for (size_t i = 0; i < phases->count_count; i++) {
        const struct count_definition *count = &phases->counts[i];
        look_at_fields(layout, (struct counted){count, false}, &uses);
        if (count->span)
            look_at_fields(layout, (struct counted){count, true}, &uses);
    }
    return uses.count;
}

static struct phase_uses look_at_all(const struct layout *layout,
                                     const struct phase_definitions *phases, struct arena *arena)
{
    size_t count = phases ? phases->count : 0;
    if (count > PHASE_USES_MAX / 2)
        count = PHASE_USES_MAX / 2;
    struct phase_use *uses = arena_take(arena, PHASE_USES_MAX * sizeof *uses);
    size_t used = 0;
    for (size_t i = 0; i < 2 * count; i++) {
        struct side side = {&phases->at[i / 2], i % 2 == 1};
        uses[used++] = look_at_side(layout, &side, arena);
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < phases->at[i].capture_count && used < PHASE_USES_MAX; k++)
            uses[used++] = look_at_capture(layout, &phases->at[i], phases->at[i].capture[k], arena);
    if (phases)
        used = look_at_counts(layout, phases, uses, used);
    return phase_uses_sort(uses, used);
}

struct phase_uses phase_survey(const struct layout *layout, const struct phase_definitions *phases,
                               struct arena *arena)
{
    return look_at_all(layout, phases, arena);
}

struct phase_uses phase_survey_unknown(const struct phase_definitions *phases, struct arena *arena)
{
    return look_at_all(NULL, phases, arena);
}
