/* Thread groups: threads that belong to one process according to the latest information, and their
 * open instances. */
#include <stdlib.h>

#include "analysis/instances_parts.h"
#include "base/memory.h"

static void join_group_list(struct instance *instance)
{
    struct thread_group *thread_group = instance->thread->thread_group;
    if (!thread_group)
        return;
    instance->next_in_group = thread_group->open;
    instance->back_in_group = &thread_group->open;
    if (thread_group->open)
        thread_group->open->back_in_group = &instance->next_in_group;
    thread_group->open = instance;
}

static void leave_group_list(struct instance *instance)
{
    if (!instance->back_in_group)
        return;
    *instance->back_in_group = instance->next_in_group;
    if (instance->next_in_group)
        instance->next_in_group->back_in_group = instance->back_in_group;
    instance->back_in_group = NULL;
}

void thread_group_link(struct instances *all, struct instance *instance)
{
    join_group_list(instance);
    for (size_t i = 0; i < place_count(all, instance->definition); i++)
        chain_add(all, instance, i);
}

void thread_group_unlink(struct instances *all, struct instance *instance)
{
    leave_group_list(instance);
    for (size_t i = 0; i < place_count(all, instance->definition); i++)
        chain_remove(all, instance, i);
}

static struct thread_group *thread_group_of(struct instances *all, uint64_t key)
{
    struct thread_group *thread_group = map_get(&all->thread_groups, key);
    if (thread_group)
        return thread_group;
    thread_group = memory_new(sizeof *thread_group);
    *thread_group = (struct thread_group){
        .all = all, .id = ++all->last_thread_group, .key = key, .current = true};
    map_put(&all->thread_groups, key, thread_group);
    return thread_group;
}

static void leave_group(struct phase_thread *thread)
{
    struct thread_group *thread_group = thread->thread_group;
    if (!thread_group)
        return;
    thread_group->alive -= thread->counted;
    thread_group->whole = false;
    thread->counted = false;
    thread->thread_group = NULL;
    *thread->back_member = thread->next_member;
    if (thread->next_member)
        thread->next_member->back_member = thread->back_member;
    if (--thread_group->refs > 0)
        return;
    assert(!thread_group->open && thread_group->alive == 0);
    if (thread_group->current)
        map_remove(&thread_group->all->thread_groups, thread_group->key);
    free(thread_group);
}

static bool leads(const struct phase_thread *thread)
{
    return !thread->is_process && thread->thread_group &&
           (int32_t)thread->thread_group->key == thread->tid;
}

/* The saved record of a thread includes its thread group. */
static void note_change(const struct thread_group *thread_group)
{
    struct phase_thread *each = thread_group->all->group_changed ? thread_group->members : NULL;
    for (; each; each = each->next_member)
        thread_group->all->group_changed(each);
}

void thread_group_enter(struct phase_thread *thread, struct thread_group *thread_group)
{
    thread->thread_group = thread_group;
    thread->membership = ++thread_group->all->memberships;
    thread_group->refs++;
    thread->next_member = thread_group->members;
    thread->back_member = &thread_group->members;
    if (thread_group->members)
        thread_group->members->back_member = &thread->next_member;
    thread_group->members = thread;
}

static void enter_thread_group(struct phase_thread *thread, struct thread_group *thread_group)
{
    thread_group_enter(thread, thread_group);
    thread->counted = !thread->is_process && !thread->exited;
    thread_group->alive += thread->counted;
    if (thread->counted && leads(thread)) {
        thread_group->leader_exited = false;
        note_change(thread_group);
    }
}

static uint64_t thread_group_key(uint32_t pid_ns, int32_t pid)
{
    return (uint64_t)pid_ns << 32 | (uint32_t)pid;
}

bool instances_are_of(const struct phase_thread *thread, int32_t pid)
{
    return thread->thread_group && thread->thread_group->current &&
           thread->thread_group->key == thread_group_key(0, pid);
}

void instances_learn_pid(struct instances *all, struct phase_thread *thread, uint32_t pid_ns,
                         int32_t pid)
{
    uint64_t key = thread_group_key(pid_ns, pid);
    if (!all->links || pid <= 0 ||
        (thread->thread_group && thread->thread_group->current && thread->thread_group->key == key))
        return;
    for (struct instance *each = thread->top; each; each = each->below)
        thread_group_unlink(all, each);
    struct thread_group *thread_group = thread_group_of(all, key);
    leave_group(thread);
    enter_thread_group(thread, thread_group);
    for (struct instance *each = thread->top; each; each = each->below)
        thread_group_link(all, each);
}

void instances_forget_pid(struct instances *all, struct phase_thread *thread)
{
    if (!thread->thread_group)
        return;
    for (struct instance *each = thread->top; each; each = each->below)
        thread_group_unlink(all, each);
    leave_group(thread);
    for (struct instance *each = thread->top; each; each = each->below)
        thread_group_link(all, each);
}

void instances_forked(struct instances *all, int32_t pid)
{
    struct thread_group *thread_group = map_remove(&all->thread_groups, thread_group_key(0, pid));
    if (!thread_group)
        return;
    thread_group->current = false;
    note_change(thread_group);
}

bool instances_exited(struct phase_thread *thread)
{
    thread->exited = true;
    struct thread_group *thread_group = thread->thread_group;
    if (!thread_group)
        return true;
    thread_group->alive -= thread->counted;
    thread->counted = false;
    if (leads(thread)) {
        thread_group->leader_exited = true;
        note_change(thread_group);
    }
    return thread_group->leader_exited && thread_group->alive == 0;
}

void instances_forget(struct phase_thread *thread)
{
    assert(thread->count == 0);
    leave_group(thread);
    free(thread->last);
    time_vector_free(&thread->total);
    *thread = (struct phase_thread){
        .id = thread->id, .tid = thread->tid, .is_process = thread->is_process};
}

struct thread_group *instances_restore_group(struct instances *all, const struct thread_group *kept)
{
    if (kept->current && map_get(&all->thread_groups, kept->key))
        return NULL;
    struct thread_group *thread_group = memory_new(sizeof *thread_group);
    *thread_group = (struct thread_group){.all = all,
                                          .id = kept->id,
                                          .key = kept->key,
                                          .current = kept->current,
                                          .leader_exited = kept->leader_exited};
    if (kept->current)
        map_put(&all->thread_groups, kept->key, thread_group);
    return thread_group;
}

void instances_leave_call(struct phase_thread *thread, bool complete)
{
    for (struct instance *each = thread->top; each && each->in_call; each = each->below) {
        each->in_call = false;
        each->mark.calls_at += complete;
    }
}
