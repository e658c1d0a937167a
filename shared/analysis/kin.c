/* Kin: threads that belong to one process according to the latest information, and their open
 * instances. */
#include <stdlib.h>
#include <string.h>

#include "analysis/instances_parts.h"
#include "base/memory.h"

/* --- chains --- */

static uint64_t place_key(const struct instances *all, const struct instance *instance,
                          size_t place)
{
    const struct subset *subset = &all->links[instance->definition].subsets[place];
    uint64_t key = key_begin(all, instance->thread, instance->definition, place);
    for (size_t i = 0; i < subset->count; i++)
        key = key_add(key, &instance->values[subset->at[i]]);
    return key;
}

static void chain_add(struct instances *all, struct instance *instance, size_t at)
{
    struct instance_place *place = &instance->places[at];
    place->key = place_key(all, instance, at);
    void **chain = map_place(&all->chains, place->key);
    struct instance *below = *chain, *above = NULL;
    while (below && below->mark.order > instance->mark.order) {
        above = below;
        below = place_in(all, below, place->key)->below;
    }
    place->below = below;
    place->above = above;
    if (below)
        place_in(all, below, place->key)->above = instance;
    if (above)
        place_in(all, above, place->key)->below = instance;
    else
        *chain = instance;
}

static void chain_remove(struct instances *all, struct instance *instance, size_t at)
{
    struct instance_place *place = &instance->places[at];
    if (place->below)
        place_in(all, place->below, place->key)->above = place->above;
    if (place->above)
        place_in(all, place->above, place->key)->below = place->below;
    else if (place->below)
        map_put(&all->chains, place->key, place->below);
    else
        map_remove(&all->chains, place->key);
}

/* --- kin --- */

static void join_kin_list(struct instance *instance)
{
    struct kin *kin = instance->thread->kin;
    if (!kin)
        return;
    instance->next_kin = kin->open;
    instance->back_kin = &kin->open;
    if (kin->open)
        kin->open->back_kin = &instance->next_kin;
    kin->open = instance;
}

static void leave_kin_list(struct instance *instance)
{
    if (!instance->back_kin)
        return;
    *instance->back_kin = instance->next_kin;
    if (instance->next_kin)
        instance->next_kin->back_kin = instance->back_kin;
    instance->back_kin = NULL;
}

void kin_link(struct instances *all, struct instance *instance)
{
    join_kin_list(instance);
    for (size_t i = 0; i < place_count(all, instance->definition); i++)
        chain_add(all, instance, i);
}

void kin_unlink(struct instances *all, struct instance *instance)
{
    leave_kin_list(instance);
    for (size_t i = 0; i < place_count(all, instance->definition); i++)
        chain_remove(all, instance, i);
}

static struct kin *kin_of(struct instances *all, uint64_t key)
{
    struct kin *kin = map_get(&all->kins, key);
    if (kin)
        return kin;
    kin = memory_new(sizeof *kin);
    *kin = (struct kin){.all = all, .id = ++all->last_kin, .key = key, .current = true};
    map_put(&all->kins, key, kin);
    return kin;
}

static void leave_kin(struct phase_thread *thread)
{
    struct kin *kin = thread->kin;
    if (!kin)
        return;
    kin->alive -= thread->counted;
    kin->whole = false;
    thread->counted = false;
    thread->kin = NULL;
    *thread->back_member = thread->next_member;
    if (thread->next_member)
        thread->next_member->back_member = thread->back_member;
    if (--kin->refs > 0)
        return;
    assert(!kin->open && kin->alive == 0);
    if (kin->current)
        map_remove(&kin->all->kins, kin->key);
    free(kin);
}

static bool leads(const struct phase_thread *thread)
{
    return !thread->is_process && thread->kin && (int32_t)thread->kin->key == thread->tid;
}

/* The saved record of a thread includes its kin. */
static void note_change(const struct kin *kin)
{
    struct phase_thread *each = kin->all->kin_changed ? kin->members : NULL;
    for (; each; each = each->next_member)
        kin->all->kin_changed(each);
}

void kin_enter(struct phase_thread *thread, struct kin *kin)
{
    thread->kin = kin;
    kin->refs++;
    thread->next_member = kin->members;
    thread->back_member = &kin->members;
    if (kin->members)
        kin->members->back_member = &thread->next_member;
    kin->members = thread;
}

static void enter_kin(struct phase_thread *thread, struct kin *kin)
{
    kin_enter(thread, kin);
    thread->counted = !thread->is_process && !thread->exited;
    kin->alive += thread->counted;
    if (thread->counted && leads(thread)) {
        kin->leader_exited = false;
        note_change(kin);
    }
}

static uint64_t kin_key(uint32_t pid_ns, int32_t pid)
{
    return (uint64_t)pid_ns << 32 | (uint32_t)pid;
}

bool instances_are_of(const struct phase_thread *thread, int32_t pid)
{
    return thread->kin && thread->kin->current && thread->kin->key == kin_key(0, pid);
}

void instances_told(struct instances *all, struct phase_thread *thread, uint32_t pid_ns,
                    int32_t pid)
{
    uint64_t key = kin_key(pid_ns, pid);
    if (!all->links || pid <= 0 || (thread->kin && thread->kin->current && thread->kin->key == key))
        return;
    for (struct instance *each = thread->top; each; each = each->below)
        kin_unlink(all, each);
    struct kin *kin = kin_of(all, key);
    leave_kin(thread);
    enter_kin(thread, kin);
    for (struct instance *each = thread->top; each; each = each->below)
        kin_link(all, each);
}

void instances_untold(struct instances *all, struct phase_thread *thread)
{
    if (!thread->kin)
        return;
    for (struct instance *each = thread->top; each; each = each->below)
        kin_unlink(all, each);
    leave_kin(thread);
    for (struct instance *each = thread->top; each; each = each->below)
        kin_link(all, each);
}

void instances_forked(struct instances *all, int32_t pid)
{
    struct kin *kin = map_remove(&all->kins, kin_key(0, pid));
    if (!kin)
        return;
    kin->current = false;
    note_change(kin);
}

bool instances_exited(struct phase_thread *thread)
{
    thread->exited = true;
    struct kin *kin = thread->kin;
    if (!kin)
        return true;
    kin->alive -= thread->counted;
    thread->counted = false;
    if (leads(thread)) {
        kin->leader_exited = true;
        note_change(kin);
    }
    return kin->leader_exited && kin->alive == 0;
}

void instances_forget(struct phase_thread *thread)
{
    assert(thread->count == 0);
    leave_kin(thread);
    free(thread->last);
    time_vector_free(&thread->total);
    *thread = (struct phase_thread){
        .id = thread->id, .tid = thread->tid, .is_process = thread->is_process};
}

struct kin *instances_restore_kin(struct instances *all, const struct kin *kept)
{
    if (kept->current && map_get(&all->kins, kept->key))
        return NULL;
    struct kin *kin = memory_new(sizeof *kin);
    *kin = (struct kin){.all = all,
                        .id = kept->id,
                        .key = kept->key,
                        .current = kept->current,
                        .leader_exited = kept->leader_exited};
    if (kept->current)
        map_put(&all->kins, kept->key, kin);
    return kin;
}

void instances_leave_call(struct phase_thread *thread, bool complete)
{
    for (struct instance *each = thread->top; each && each->in_call; each = each->below) {
        each->in_call = false;
        each->mark.calls_at += complete;
    }
}
