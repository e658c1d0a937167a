#include "cli/story/story_phases.h"

#include <stdlib.h>

#include "base/memory.h"

static void drop_last(struct story_phases *phases)
{
    struct story_phase *last = &phases->at[--phases->count];
    if (last->is_known)
        open_instance_clear(&last->instance);
}

void story_phases_clear(struct story_phases *phases)
{
    while (phases->count > 0)
        drop_last(phases);
    free(phases->at);
    free(phases->others);
    *phases = (struct story_phases){.at = NULL};
}

void story_phases_push(struct story_phases *phases, struct story_node *node)
{
    phases->at = memory_grow(phases->at, &phases->room, phases->count + 1, sizeof *phases->at);
    phases->at[phases->count++] = (struct story_phase){.node = node};
}

void story_phases_know(struct story_phases *phases, const struct phase_definition *definition,
                       const struct followed *followed)
{
    struct story_phase *last = &phases->at[phases->count - 1];
    if (last->is_known)
        open_instance_clear(&last->instance);
    open_instance_begin(&last->instance, definition, followed);
    last->is_known = true;
}

void story_phases_settle(struct story_phases *phases)
{
    while (phases->count > 0 && !phases->at[phases->count - 1].node->is_open)
        drop_last(phases);
}

/* Whether two instances have equal values in these fields of their begin events, as far as both
 * have them. */
static bool agree(const struct open_instance *a, const struct open_instance *b,
                  const struct phase_match *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t in_a = phase_match_at(a->definition, fields[i].begin_field);
        size_t in_b = phase_match_at(b->definition, fields[i].begin_field);
        if (in_a < a->definition->match_count && in_b < b->definition->match_count &&
            !field_value_equal(&a->match[in_a], &b->match[in_b]))
            return false;
    }
    return true;
}

/* Whether both are segments of one request. */
static bool share_request(const struct phase_definitions *all, const struct open_instance *a,
                          const struct open_instance *b)
{
    for (size_t i = 0; i < all->count; i++)
        if (phase_is_segment(a->definition, &all->at[i]) &&
            phase_is_segment(b->definition, &all->at[i]) &&
            agree(a, b, all->at[i].match, all->at[i].match_count))
            return true;
    return false;
}

static bool share_fields(const struct phase_definition *a, const struct phase_definition *b)
{
    bool any = false;
    for (size_t i = 0; i < a->match_count; i++)
        any |= phase_match_at(b, a->match[i].begin_field) < b->match_count;
    return any;
}

static bool is_part(const struct phase_definitions *all, const struct story_phase *outer,
                    const struct open_instance *inner)
{
    const struct phase_definition *definition = inner->definition;
    if (!outer->is_known)
        return definition->parent != NULL;
    const struct phase_definition *above = outer->instance.definition;
    bool agrees =
        outer->doubles == 0 && agree(&outer->instance, inner, above->match, above->match_count);
    if (definition->parent && phase_is_named(above, definition->parent) &&
        (outer->others == 0 || (agrees && share_fields(above, definition))))
        return true;
    return (agrees && phase_is_segment(definition, above)) ||
           share_request(all, &outer->instance, inner);
}

static struct story_others *others_of(struct story_phases *phases,
                                      const struct phase_definition *definition)
{
    for (size_t i = 0; i < phases->other_count; i++)
        if (phases->others[i].definition == definition)
            return &phases->others[i];
    phases->others = memory_grow(phases->others, &phases->other_room, phases->other_count + 1,
                                 sizeof *phases->others);
    phases->others[phases->other_count] = (struct story_others){.definition = definition};
    return &phases->others[phases->other_count++];
}

static void begin_other(struct story_phases *phases, const struct phase_definition *definition)
{
    others_of(phases, definition)->open++;
    for (size_t i = 0; i < phases->count; i++)
        if (phases->at[i].is_known && phases->at[i].instance.definition == definition)
            phases->at[i].others++;
}

/* False: none is known to be open. */
static bool end_other(struct story_phases *phases, const struct phase_definition *definition)
{
    struct story_others *others = others_of(phases, definition);
    if (others->open == 0)
        return false;
    others->open--;
    for (size_t i = 0; i < phases->count; i++) {
        struct story_phase *each = &phases->at[i];
        if (each->is_known && each->instance.definition == definition && each->others > 0)
            each->others--;
    }
    return true;
}

/* The innermost phase with the definition and match fields of the instance. */
static struct story_phase *double_of(const struct story_phases *phases,
                                     const struct open_instance *instance)
{
    const struct phase_definition *definition = instance->definition;
    for (size_t i = phases->count; i-- > 0;) {
        struct story_phase *each = &phases->at[i];
        if (each->is_known && each->instance.definition == definition &&
            agree(&each->instance, instance, definition->match, definition->match_count))
            return each;
    }
    return NULL;
}

bool story_phases_take_begin(struct story_phases *phases, const struct phase_definitions *all,
                             const struct phase_definition *definition,
                             const struct followed *followed)
{
    struct open_instance begun;
    bool part = false;
    open_instance_begin(&begun, definition, followed);
    if (phases->count <= STORY_PHASE_DEPTH_MAX)
        for (size_t i = phases->count; i-- > 0 && !part;)
            part = is_part(all, &phases->at[i], &begun);
    struct story_phase *same = part ? NULL : double_of(phases, &begun);
    if (same)
        same->doubles++;
    if (!part)
        begin_other(phases, definition);
    open_instance_clear(&begun);
    return part;
}

enum story_end story_phases_take_end(struct story_phases *phases,
                                     const struct phase_definition *definition,
                                     const struct event *event, struct story_node **node)
{
    for (size_t i = phases->count; i-- > 0;) {
        struct story_phase *each = &phases->at[i];
        if (!each->is_known || each->instance.definition != definition ||
            !open_instance_ends(&each->instance, event))
            continue;
        if (each->doubles > 0) {
            each->doubles--;
            break;
        }
        *node = each->node;
        return i == 0 ? STORY_ENDS_ROOT : STORY_ENDS_PHASE;
    }
    return end_other(phases, definition) ? STORY_ENDS_OTHER : STORY_ENDS_NONE;
}
