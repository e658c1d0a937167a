/* The instances that are told of by themselves: the slowest that ended here, of each phase.
 *
 * What is compared must be of one process and one path whatever the past knows: threads of which the
 * same process is told here, or one life of a thread; and one label. What is sent stays in the
 * comparison, so later pieces tell of what is slower alone. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "mapper/builder_state.h"

/* Of whose instances the slowest are looked for. */
static uint64_t set_of(const struct thread_known *thread)
{
    const struct kin *kin = thread->phases.kin;
    return kin ? kin->id << 1 : thread->life << 1 | 1;
}

static struct known_slowest *find(struct partial_builder *builder, uint64_t set, uint32_t label,
                                  uint32_t definition)
{
    uint64_t key = hash_number(hash_number(set) ^ (uint64_t)label << 32 ^ definition);
    struct known_slowest *first = map_get(&builder->slowest, key);
    for (struct known_slowest *each = first; each; each = each->next)
        if (each->set == set && each->label == label && each->definition == definition)
            return each;
    struct known_slowest *made = arena_take(&builder->arena, sizeof *made);
    *made =
        (struct known_slowest){.next = first, .set = set, .label = label, .definition = definition};
    slowest_init(&made->list, builder->phases.set->at[definition]->keep);
    map_put(&builder->slowest, key, made);
    return made;
}

static void unlink_ended(struct unsent_ended *ended)
{
    *ended->back = ended->next;
    if (ended->next)
        ended->next->back = ended->back;
}

static void free_ended(struct unsent_ended *ended)
{
    ended_instance_clear(&ended->piece.ended);
    free(ended);
}

static struct unsent_ended *new_ended(const struct instance *instance,
                                      const struct thread_known *thread,
                                      const struct thread_known *ender, struct instance_rank rank,
                                      const struct phase_definition *definition,
                                      const struct event *event)
{
    struct unsent_ended *made = memory_new(sizeof *made);
    const struct kin *kin = thread->phases.kin;
    made->piece = (struct piece_ended){.label = instance->path,
                                       .definition = instance->definition,
                                       .ended = {.rank = rank,
                                                 .pid = kin ? (int32_t)kin->key : 0,
                                                 .end_tid = thread != ender ? ender->tid : 0}};
    struct ended_instance *ended = &made->piece.ended;
    ended->calls = instances_spent(instance, &ended->time);
    struct field_value values[PHASE_VALUES_MAX];
    instances_capture_end(definition, instance, event, values);
    ended->value_count = phase_value_count(definition);
    ended->values = memory_new((ended->value_count + 1) * sizeof *ended->values);
    for (size_t i = 0; i < ended->value_count; i++)
        ended->values[i] = phase_value_copy(&values[i]);
    return made;
}

void builder_keep_ended(struct partial_builder *builder, struct thread_known *thread,
                        struct piece_phase *phase, const struct instance *instance,
                        const struct thread_known *ender, const struct event *event)
{
    uint64_t ns = event->time_ns - instance->begin_ns;
    struct known_slowest *known = phase->slowest;
    uint64_t set = set_of(thread);
    if (!known || known->set != set || known->definition != instance->definition)
        phase->slowest = known = find(builder, set, phase->label, instance->definition);
    if (known->list.rule.over_ns > 0 && ns >= known->list.rule.over_ns)
        phase->cell.over++;
    if (ns < known->list.least_ns)
        return;
    struct instance_rank rank = {
        .ns = ns, .begin_ns = instance->begin_ns, .order = instance->order};
    struct unsent_ended *made =
        new_ended(instance, thread, ender, rank, builder->phases.set->at[known->definition], event);
    struct unsent_ended *left = slowest_put(&known->list, rank, made);
    if (left != made) {
        made->next = thread->ended;
        made->back = &thread->ended;
        if (made->next)
            made->next->back = &made->next;
        thread->ended = made;
    }
    if (!left)
        return;
    if (left != made && !left->sent)
        unlink_ended(left);
    free_ended(left);
}

size_t builder_ended(struct partial_builder *builder, const struct thread_known *thread,
                     struct piece_ended **out)
{
    size_t count = 0;
    for (const struct unsent_ended *each = thread->ended; each; each = each->next) {
        builder->ended =
            memory_grow(builder->ended, &builder->ended_room, count + 1, sizeof *builder->ended);
        builder->ended[count++] = each->piece;
    }
    *out = builder->ended;
    return count;
}

void builder_ended_told(struct thread_known *thread)
{
    struct unsent_ended *next;
    for (struct unsent_ended *each = thread->ended; each; each = next) {
        next = each->next;
        each->sent = true;
        ended_instance_clear(&each->piece.ended);
    }
    thread->ended = NULL;
}

void builder_free_ended(struct partial_builder *builder)
{
    struct known_slowest *first;
    for (size_t at = 0; (first = map_next(&builder->slowest, &at));)
        for (struct known_slowest *each = first; each; each = each->next) {
            for (size_t i = 0; i < each->list.count; i++)
                free_ended(each->list.at[i].item);
            slowest_clear(&each->list);
        }
    map_clear(&builder->slowest);
    free(builder->ended);
}
