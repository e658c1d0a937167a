#include "cli/story/phase_stack.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/story/story_irq.h"
#include "trace/phase_set.h"
#include "trace/schema.h"

static const struct field_value ABSENT = {.type = FIELD_ABSENT};

static const struct field_value *value_of(const struct event *event, const char *field)
{
    const struct field_value *value = event_shown(event, field);
    return value ? value : &ABSENT;
}

void open_instance_clear(struct open_instance *instance)
{
    for (size_t i = 0; i < instance->definition->match_count; i++)
        phase_value_free(&instance->match[i]);
    free(instance->match);
    free(instance->name);
}

static void take_out(struct phase_stack *stack, size_t place)
{
    open_instance_clear(&stack->at[place]);
    stack->count--;
    memmove(&stack->at[place], &stack->at[place + 1], (stack->count - place) * sizeof *stack->at);
}

void phase_stack_clear(struct phase_stack *stack)
{
    for (size_t i = 0; i < stack->count; i++)
        open_instance_clear(&stack->at[i]);
    free(stack->at);
    *stack = (struct phase_stack){.at = NULL};
}

void open_instance_begin(struct open_instance *instance, const struct phase_definition *definition,
                         const struct followed *followed)
{
    const struct event *event = followed->event;
    const struct field_value *name_value =
        definition->name_is_field ? value_of(event, definition->name) : &ABSENT;
    *instance = (struct open_instance){
        .name = memory_string(name_value->type == FIELD_TEXT ? name_value->text
                                                             : text_of(definition->name)),
        .definition = definition,
        .begin_ns = followed->wall_ns,
        .match = memory_new((definition->match_count + 1) * sizeof(struct field_value))};
    for (size_t k = 0; k < definition->match_count; k++)
        instance->match[k] = phase_value_copy(value_of(event, definition->match[k].begin_field));
}

bool open_instance_ends(const struct open_instance *instance, const struct event *event)
{
    const struct phase_definition *definition = instance->definition;
    if (!phase_filters_pass(definition->end_filter, definition->end_filter_count, event,
                            event_shown))
        return false;
    for (size_t i = 0; i < definition->match_count; i++)
        if (!field_value_equal(&instance->match[i],
                               value_of(event, definition->match[i].end_field)))
            return false;
    return true;
}

void phase_stack_begin(struct phase_stack *stack, const struct followed *followed, uint64_t *number)
{
    const struct event *event = followed->event;
    for (size_t i = 0; i < event->class->begin_count; i++) {
        const struct phase_definition *definition =
            event->class->phases->at[event->class->begins[i]];
        if (!phase_filters_pass(definition->begin_filter, definition->begin_filter_count, event,
                                event_shown))
            continue;
        stack->at = memory_grow(stack->at, &stack->room, stack->count + 1, sizeof *stack->at);
        open_instance_begin(&stack->at[stack->count], definition, followed);
        stack->at[stack->count++].number = (*number)++;
    }
}

const struct open_instance *phase_stack_find(const struct phase_stack *stack,
                                             const struct event *event, size_t place)
{
    const struct phase_definition *definition = event->class->phases->at[event->class->ends[place]];
    for (size_t i = stack->count; i-- > 0;)
        if (stack->at[i].definition == definition && open_instance_ends(&stack->at[i], event))
            return &stack->at[i];
    return NULL;
}

void phase_stack_end(struct phase_stack *stack, const struct open_instance *instance)
{
    take_out(stack, (size_t)(instance - stack->at));
}

void phase_stack_expire(struct phase_stack *stack, int64_t now_ns)
{
    for (size_t i = stack->count; i-- > 0;) {
        const struct open_instance *instance = &stack->at[i];
        if (now_ns > instance->begin_ns &&
            (uint64_t)(now_ns - instance->begin_ns) > instance->definition->timeout_ns)
            take_out(stack, i);
    }
}

bool phase_stack_any(const struct phase_stack *stack,
                     bool (*wants)(const void *context, const char *name), const void *context)
{
    bool any = false;
    char *path = NULL;
    for (size_t i = 0; i < stack->count && !any; i++) {
        char *longer = path ? memory_format("%s/%s", path, stack->at[i].name)
                            : memory_string(text_of(stack->at[i].name));
        free(path);
        path = longer;
        any = wants(context, stack->at[i].name) || wants(context, path);
    }
    free(path);
    return any;
}
