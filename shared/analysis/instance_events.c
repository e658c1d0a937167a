/* Matching events to definitions: whether they begin or end an instance, its values, and its
 * name. */
#include <assert.h>
#include <stdio.h>

#include "analysis/instances.h"
#include "trace/schema.h"

static const struct field_value absent = {.type = FIELD_ABSENT};

static const struct field_value *field(const struct event *event, const char *name)
{
    const struct field_value *value = event_payload_field(event, name);
    return value ? value : &absent;
}

bool instances_fit(const struct phase_definition *definition, const struct event *event, bool ends,
                   struct field_value *values)
{
    const struct field_value *value;
    for (size_t i = 0; i < definition->match_count; i++) {
        const struct phase_match *match = &definition->match[i];
        value = event_payload_field(event, ends ? match->end_field : match->begin_field);
        if (!value || value->type == FIELD_ABSENT)
            return false;
        values[i] = *value;
    }
    if (definition->name_is_field) {
        value = event_payload_field(event, definition->name);
        if (!value || value->type == FIELD_ABSENT)
            return false;
    }
    size_t filters = ends ? definition->end_filter_count : definition->begin_filter_count;
    return filters == 0 ||
           phase_filters_pass(ends ? definition->end_filter : definition->begin_filter, filters,
                              event, event_payload_field);
}

void instances_capture(const struct phase_definition *definition, const struct event *event,
                       struct field_value values[PHASE_VALUES_MAX])
{
    assert(phase_value_count(definition) <= PHASE_VALUES_MAX);
    for (size_t i = 0; i < definition->capture_count; i++)
        values[definition->match_count + i] = *field(event, definition->capture[i]);
}

void instances_capture_end(const struct phase_definition *definition,
                           const struct instance *instance, const struct event *event,
                           struct field_value values[PHASE_VALUES_MAX])
{
    size_t count = phase_value_count(definition);
    assert(count <= PHASE_VALUES_MAX);
    for (size_t i = 0; i < count; i++) {
        values[i] = instance->values[i];
        if (i >= definition->match_count && values[i].type == FIELD_ABSENT)
            values[i] = *field(event, definition->capture[i - definition->match_count]);
    }
}

struct text instances_name(const struct phase_definition *definition, const struct event *event,
                           char room[INSTANCE_NUMBER_ROOM])
{
    if (!definition->name_is_field)
        return text_of(definition->name);
    const struct field_value *value = field(event, definition->name);
    switch (value->type) {
    case FIELD_ABSENT: break;
    case FIELD_INT: snprintf(room, INSTANCE_NUMBER_ROOM, "%lld", (long long)value->i); break;
    case FIELD_UINT:
        snprintf(room, INSTANCE_NUMBER_ROOM, "%llu", (unsigned long long)value->u);
        break;
    case FIELD_TEXT: return value->text;
    }
    return value->type == FIELD_ABSENT ? text_of("") : text_of(room);
}
