/* Mapping: places to write before a STEP, and which lives may share a table. */
#include "core/places.h"

/* --- STEPs --- */

static void merge(struct core *core, struct group *group)
{
    if (group->merged)
        return;
    group_write_created(core, group);
    group_write_closings(core, group, NULL);
    group_write_proofs(core, group);
    group->generation++;
    group->steps++;
    group->merged = true;
}

/* The life belongs to that process, according to an event, and so shares its table, even before the
 * event. */
static void join_group_of(struct core *core, struct life *life, int64_t pid)
{
    struct group *group = pid > 0 ? map_get(&core->numbers->by_pid, (uint64_t)pid) : NULL;
    if (!group || group == place_group(core, life))
        return;
    merge(core, group);
    map_remove(&core->numbers->by_pid, (uint64_t)pid);
}

static void renew_number(struct core *core, struct group *group, int64_t fd)
{
    if (is_descriptor_number(fd))
        number_in(core, group, (int32_t)fd)->epoch++;
}

/* Whether it may put a descriptor under a number of a life that was there before. */
static bool may_fill(const struct event *event)
{
    if (event->kind != EVENT_CALL_EXIT)
        return event->kind != EVENT_FORK && event->kind != EVENT_EXIT;
    enum call_op op = event->call->role->op;
    return op != CALL_PLAIN && op != CALL_EXEC && op != CALL_CLONE;
}

/* The exit of a call that the past has. */
static void before_exit(struct core *core, struct group *group, const struct event *event)
{
    switch ((int)event->call->role->op) {
    case CALL_PLAIN:
    case CALL_EXEC:
    case CALL_CLONE: return;
    case CALL_CREATE:
    case CALL_SIGNALFD:
    case CALL_DUP:
    case CALL_DUP2:
    case CALL_FCNTL:
    case CALL_CREATE_PAIR:
        group_write_closings(core, group, NULL);
        renew_number(core, group, event->value[0]);
        for (unsigned i = 0; i < 2 && i < event->int_count; i++)
            renew_number(core, group, event->ints[i]);
        return;
    case CALL_CLOSE_RANGE:
    case CALL_UNSHARE: group_write_proofs(core, group); break;
    default: break;
    }
    group->generation++;
}

static void before_step(struct core *core, struct group *group, const struct event *event)
{
    group_write_created(core, group);
    group->steps += may_fill(event);
    if (event->kind == EVENT_FORK || event->kind == EVENT_EXEC)
        group_write_proofs(core, group);
    if (event->kind == EVENT_EXEC || event->kind == EVENT_EXIT)
        group->generation++; /* descriptors of an exited life in a table end with the last exit */
    if (event->kind == EVENT_CALL_EXIT)
        before_exit(core, group, event);
}

static void before_step_of(struct core *core, struct life *life, const struct event *event)
{
    if (life) {
        before_step(core, place_group(core, life), event);
        return;
    }
    before_step(core, &core->numbers->common, event);
    for (struct group *group = core->numbers->groups; group; group = group->next)
        before_step(core, group, event);
}

static void before_fork_of(struct core *core, struct life *life, bool stays)
{
    struct group *group = place_group(core, life);
    group_write_open(core, group);
    group_write_proofs(core, group);
    if (stays || !life->places)
        return;
    places_write_passing(core, life);
    life->places->free_of = NULL;
}

/* The child gets a copy of the table of the parent, or shares it, and the previous life of its tid
 * ends. Descriptors that have ended are in no table. */
static void before_fork(struct core *core, const struct event *event)
{
    struct life *parent = map_life(core, (int32_t)event->value[0]);
    struct life *child = map_life(core, (int32_t)event->value[2]);
    if (child)
        before_fork_of(core, child, false);
    if (parent)
        join_group_of(core, parent, event->value[1]);
    if (!parent || (core->step_parts & STEP_BY_CPU))
        before_step_of(core, NULL, event);
    else
        before_fork_of(core, parent, parent->known_pid == event->value[1]);
}

void places_before_step(struct core *core, const struct event *event, struct life *actor)
{
    struct life *named = NULL;
    switch (event->kind) {
    case EVENT_FORK: before_fork(core, event); return;
    case EVENT_DUMP_PROCESS:
        named = map_life(core, (int32_t)event->value[0]);
        if (named)
            join_group_of(core, named, event->value[1]);
        break;
    case EVENT_EXIT: named = map_life(core, (int32_t)event->value[0]); break;
    case EVENT_EXEC:
        if (!event_has_value(event, 1) || event->value[1] == event->value[0])
            named = map_life(core, (int32_t)event->value[0]);
        if (named)
            join_group_of(core, named, event->value[0]);
        break;
    case EVENT_CALL_EXIT:
    case EVENT_CALL_ENTRY: named = actor; break;
    case EVENT_DUMP_FD: break;
    default:
        if (!(core->step_parts & STEP_BY_CPU))
            return;
    }
    before_step_of(core, core->step_parts & STEP_BY_CPU ? NULL : named, event);
}

/* --- groups --- */

void places_write_created(struct core *core, struct life *life)
{
    if (life) {
        group_write_created(core, place_group(core, life));
        return;
    }
    group_write_created(core, &core->numbers->common);
    for (struct group *group = core->numbers->groups; group; group = group->next)
        group_write_created(core, group);
}

void places_doubt(struct core *core)
{
    struct numbers *numbers = core->numbers;
    group_write_created(core, &numbers->common);
    for (struct group *group = numbers->groups; group; group = group->next)
        merge(core, group);
    map_clear(&numbers->by_pid);
    numbers->common.generation++;
    numbers->common.steps++;
}

void places_learn_pid(struct core *core, struct life *life, int32_t pid)
{
    join_group_of(core, life, pid);
    if (!life->has_process && (life->tid == 0 || core->let_cpus > 0))
        places_doubt(core);
    else if (!life->has_process)
        places_forget(life);
    life->has_process = pid > 0;
}

/* Whether the life is known not to be in a clone that shares its table. */
static bool shares_nothing(const struct life *life)
{
    if (life->in == IN_NONE)
        return true;
    if (life->in == IN_UNKNOWN)
        return false;
    return strcmp(life->open_call->name, "clone") != 0 || !(life->open_present & 4) ||
           !(life->open_value[2] & CALL_CLONE_FILES);
}

struct group *places_group_of_child(struct core *core, struct life *parent,
                                    const struct event *event)
{
    struct numbers *numbers = core->numbers;
    uint64_t pid = (uint64_t)(uint32_t)event->value[3];
    if (event->value[2] != event->value[3])
        return map_get(&numbers->by_pid, pid);
    struct group *group = parent ? place_group(core, parent) : &numbers->common;
    if (parent && core->let_cpus == 0 && shares_nothing(parent)) {
        group = arena_take(&numbers->arena, sizeof *group);
        group->next = numbers->groups;
        numbers->groups = group;
    }
    if (group == &numbers->common) {
        map_remove(&numbers->by_pid, pid);
        return NULL;
    }
    map_put(&numbers->by_pid, pid, group);
    return group;
}
