#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "mapper/builder_state.h"

/* A phase instance that was begun here, on a thread that is certain. */
struct local_instance {
    struct local_instance *next; /* begun before it on the same thread */
    uint64_t epoch;
    uint32_t definition;
    struct field_value values[]; /* of the match fields; their texts in the builder's arena */
};

static const struct field_value absent = {.type = FIELD_ABSENT};

static const struct field_value *field(const struct event *event, const char *name)
{
    for (size_t i = 0; i < event->field_count; i++)
        if (strcmp(event->class->fields[i], name) == 0)
            return &event->fields[i];
    return &absent;
}

static bool passes(const struct event *event, const struct phase_filter *filter, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!phase_filter_passes(&filter[i], field(event, filter[i].field)))
            return false;
    return true;
}

/* Whether the event has all that it needs to begin or end an instance of the definition. */
static bool is_fit(const struct phase_definition *definition, const struct event *event, bool ends)
{
    for (size_t i = 0; i < definition->match_count; i++) {
        const struct phase_match *match = &definition->match[i];
        if (field(event, ends ? match->end_field : match->begin_field)->type == FIELD_ABSENT)
            return false;
    }
    if (definition->name_is_field && field(event, definition->name)->type == FIELD_ABSENT)
        return false;
    return ends ? passes(event, definition->end_filter, definition->end_filter_count)
                : passes(event, definition->begin_filter, definition->begin_filter_count);
}

static bool is_ended_by(const struct local_instance *instance,
                        const struct phase_definition *definition, const struct event *event)
{
    for (size_t i = 0; i < definition->match_count; i++)
        if (!field_value_equal(&instance->values[i], field(event, definition->match[i].end_field)))
            return false;
    return true;
}

/* Takes the last begun instance that the event ends off the thread; false if there is none. */
static bool take_ended(struct partial_builder *builder, struct thread_known *thread,
                       uint32_t definition, const struct event *event)
{
    const struct phase_definition *wanted = &schema_phases(builder->schema)->at[definition];
    if (!is_fit(wanted, event, true))
        return false;
    for (struct local_instance **at = &thread->instances; *at; at = &(*at)->next) {
        struct local_instance *instance = *at;
        if (instance->definition != definition || instance->epoch != builder->phase_epoch ||
            !is_ended_by(instance, wanted, event))
            continue;
        *at = instance->next;
        free(instance);
        return true;
    }
    return false;
}

bool builder_ends_here(struct partial_builder *builder, struct thread_known *thread,
                       const struct event *event)
{
    for (size_t i = 0; i < event->class->end_count; i++)
        if (!take_ended(builder, thread, event->class->ends[i], event))
            return false;
    return true;
}

static struct field_value keep(struct partial_builder *builder, const struct field_value *value)
{
    struct field_value kept = *value;
    if (value->type == FIELD_TEXT)
        kept.text.at = arena_string(&builder->arena, value->text);
    return kept;
}

void builder_begins_here(struct partial_builder *builder, struct thread_known *thread,
                         const struct event *event)
{
    for (size_t i = 0; i < event->class->begin_count; i++) {
        uint32_t index = event->class->begins[i];
        const struct phase_definition *definition = &schema_phases(builder->schema)->at[index];
        if (!is_fit(definition, event, false))
            continue;
        struct local_instance *instance =
            memory_new(sizeof *instance + definition->match_count * sizeof *instance->values);
        instance->definition = index;
        instance->epoch = builder->phase_epoch;
        for (size_t k = 0; k < definition->match_count; k++)
            instance->values[k] = keep(builder, field(event, definition->match[k].begin_field));
        instance->next = thread->instances;
        thread->instances = instance;
    }
}

void builder_forget_instances(struct thread_known *thread)
{
    while (thread->instances) {
        struct local_instance *next = thread->instances->next;
        free(thread->instances);
        thread->instances = next;
    }
}
