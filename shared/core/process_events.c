/* Fork, exec, exit, and state dumps: rare, and always STEPs. */
#include "base/crash.h"
#include "core/descriptors.h"

static void name_life(struct life *life, const struct event *event, unsigned slot)
{
    if (life && event_has_text(event, slot))
        life_set_name(life, event->text[slot], true);
}

/* --- mapping --- */

static void before_step(struct core *core, struct life *life, bool leaves)
{
    if (!life)
        return;
    life_retire(core, life);
    map_doubt(core, life, leaves);
}

/* For a life whose state and call do not change. `pid`: its process, according to the event. */
static void before_fact(struct core *core, struct life *life, int64_t pid)
{
    if (!life)
        return;
    life_before_fact(core, life, pid > 0 && life->known_pid == pid);
    map_doubt(core, life, false);
}

static void map_fork(struct core *core, const struct event *event, struct life *actor)
{
    struct life *parent = map_life(core, (int32_t)event->value[0]);
    struct life *child = map_life(core, (int32_t)event->value[2]);
    struct group *group = places_group_of_child(core, parent, event);
    before_fact(core, parent, event->value[1]);
    before_step(core, child, true);
    if (child) {
        waits_write(core, child);
        map_leave_cpu(core, child);
    }
    struct step *step = map_step(core, event, actor);
    if (!child)
        return;
    child = life_forget(core, child);
    step->next = map_name(core, child);
    child->exit_known = true;
    child->group = group;
    child->may_hold_phase = child->spends = false;
    if (parent)
        map_learn_pid(core, parent, (int32_t)event->value[1]);
    if (event->value[2] == event->value[3])
        instances_forked(&core->phases, (int32_t)event->value[3]);
    map_learn_pid(core, child, (int32_t)event->value[3]);
    if (event->value[2] == event->value[3] && child->phases.thread_group)
        child->phases.thread_group->whole = true;
    life_define(core, child, STATE_UNKNOWN, event->time_ns);
    child->no_call_yet = true;
}

/* An exec by another thread than the leader ends every thread of the process: none is known
 * afterwards. */
static void map_exec_by_other(struct core *core, const struct event *event, struct life *actor)
{
    for (size_t i = 0; i < core->cpu_count; i++)
        cpu_write(core, &core->cpus[i]);
    map_pass_all(core);
    places_doubt(core);
    for (struct life *life = core->listed; life; life = life->next_listed) {
        waits_write(core, life);
        life_retire(core, life);
    }
    map_step(core, event, actor);
    core->ends_epoch++;
    core->label_epoch++;
    struct life *life;
    for (size_t at = 0; (life = map_next(&core->lives, &at));) {
        life->cpu = -1;
        instances_forget(&life->phases);
    }
    map_lives_forget(core);
    for (size_t i = 0; i < core->cpu_count; i++) {
        struct cpu *cpu = &core->cpus[i];
        cpu->knows = CPU_UNKNOWN;
        cpu->current = NULL;
        cpu->run_whole = cpu->changed = false;
    }
    core->let_cpus = 0;
}

static void map_exec(struct core *core, const struct event *event, struct life *actor)
{
    int32_t tid = (int32_t)event->value[0];
    int32_t old_tid = event_has_value(event, 1) ? (int32_t)event->value[1] : tid;
    struct life *life = map_life(core, old_tid);
    if (!life) {
        map_step(core, event, actor); /* it states the current thread */
        core->ends_epoch++;
        return;
    }
    if (old_tid != tid && tid > 0) {
        map_exec_by_other(core, event, actor);
        return;
    }
    before_fact(core, life, 0);
    map_pass_for_exec(core, life, tid);
    map_step(core, event, actor);
    map_learn_pid(core, life, tid);
    if (life->phases.thread_group)
        life->phases.thread_group->execs++;
    else
        core->ends_epoch++;
    map_new_labels(core, life);
}

static void map_exit(struct core *core, const struct event *event, struct life *actor)
{
    struct life *life = map_life(core, (int32_t)event->value[0]);
    before_step(core, life, false);
    map_step(core, event, actor);
    if (!life)
        return;
    life->exit_known = life->exiting = true;
    if (core->let_cpus > 0)
        places_doubt(core); /* the current thread of one may be the same life */
    else
        places_forget(life);
    (void)instances_exited(&life->phases);
    map_new_labels(core, life);
}

static void map_learn(struct core *core, const struct event *event, struct life *actor)
{
    struct life *life = map_life(core, (int32_t)event->value[0]);
    before_fact(core, life, 0);
    map_step(core, event, actor);
    if (life && event->kind == EVENT_DUMP_PROCESS && !event_shows_dead(event))
        map_learn_pid(core, life, (int32_t)event->value[1]);
}

void map_birth_event(struct core *core, const struct event *event, struct life *actor)
{
    switch (event->kind) {
    case EVENT_FORK: map_fork(core, event, actor); return;
    case EVENT_EXEC: map_exec(core, event, actor); return;
    case EVENT_EXIT: map_exit(core, event, actor); return;
    case EVENT_DUMP_PROCESS:
    case EVENT_DUMP_PID_NS: map_learn(core, event, actor); return;
    case EVENT_DUMP_FD: map_step(core, event, actor); return;
    default: return;
    }
}

/* --- joining --- */

static bool shares_files(const struct life *parent)
{
    return parent->in == IN_OPEN && strcmp(parent->open_call->name, "clone") == 0 &&
           (parent->open_present & 4) && (parent->open_value[2] & CALL_CLONE_FILES);
}

/* `from`: the parent's process; NULL if unknown. */
static void bear_process(struct core *core, const struct event *event, struct life *child,
                         const struct life *parent, struct process *from)
{
    uint64_t now = event->time_ns;
    struct process *process =
        process_begin(core, (int32_t)event->value[3], (int32_t)event->value[1], now);
    process_enter(core, child, process, now);
    life_emit_fact(core, child);
    instances_learn_pid(&core->phases, &child->phases, 0, process->pid);
    if (!from)
        return;
    struct table *table = parent->own_table ? parent->own_table : table_of_process(core, from);
    if (shares_files(parent))
        table_give(table, process);
    else
        table_give_copy(core, table, process, now);
}

/* If the trace is inconsistent, the parent may be the life that ends here. */
static void join_fork(struct core *core, const struct event *event)
{
    int32_t child_tid = (int32_t)event->value[2], child_pid = (int32_t)event->value[3];
    struct life *parent = life_named(core, (int32_t)event->value[0], event->time_ns);
    if (parent) {
        name_life(parent, event, 0);
        life_learn_pid(core, parent, (int32_t)event->value[1], event->time_ns);
    }
    if (child_tid <= 0)
        return;
    struct process *from = parent ? parent->process : NULL;
    if (from)
        from->refs++;
    struct life *old = life_find(core, child_tid);
    if (old)
        life_end(core, old, event->time_ns);
    struct life *child = life_begin(core, child_tid, event->time_ns);
    child->begin_hard = child->fork_seen = true;
    name_life(child, event, 1);
    for (unsigned i = 0; i < event->int_count; i++)
        life_add_inner(core, child, event->ints[i]);
    if (child_tid == child_pid) {
        bear_process(core, event, child, parent, from);
    } else {
        life_learn_pid(core, child, child_pid, event->time_ns);
        if (parent)
            life_share_table(parent, child);
    }
    if (from)
        process_drop(core, from);
}

/* Ends all threads that are known to belong to the process. */
static void end_others(struct core *core, struct life *caller, uint64_t now)
{
    struct process *process = caller->process;
    struct life *next;
    for (struct life *each = process->threads; each; each = next) {
        next = each->next_of_process;
        life_touch(each);
        if (each == caller || tid_is_of_process(each->tid) || each->over)
            continue;
        (void)instances_exited(&each->phases);
        if (!each->exited) {
            process_life_over(core, each, now);
            each->exited = true;
            each->exit_ns = now;
            if (process->alive > 0)
                process->alive--;
        }
        life_leave_table(core, each, now);
        if (now > each->last_ns)
            each->last_ns = now;
        life_end(core, each, now);
    }
}

/* In its process, the heir replaces the caller. */
static void inherit(struct core *core, struct life *successor, struct life *caller, uint64_t now)
{
    struct process *process = caller->process;
    process_enter(core, successor, process, now);
    process->leader_exited = false;
    process_life_over(core, caller, now);
    if (!caller->exited && process->alive > 0)
        process->alive--;
    life_move_table(successor, caller);
}

/* The caller's life ends, and one with the leader's tid begins, which takes over its run, state,
 * and open call. */
static struct life *exec_by_other(struct core *core, struct life *caller, int32_t tid, uint64_t now)
{
    life_book(caller, now);
    if (caller->process)
        end_others(core, caller, now);
    struct life *leader = life_find(core, tid);
    if (leader)
        life_end(core, leader, now);
    struct life *successor = life_begin(core, tid, now);
    successor->begin_hard = true;
    memcpy(successor->kernel_name, caller->kernel_name, sizeof successor->kernel_name);
    successor->kernel_named = caller->kernel_named;
    successor->state = caller->state;
    successor->since_ns = caller->since_ns;
    successor->wake_ns = caller->wake_ns;
    successor->named_ns = caller->named_ns;
    calls_move(successor, caller);
    int32_t number = caller->cpu;
    if (number >= 0 && core->cpus[number].current == caller) {
        core->cpus[number].current = successor;
        successor->cpu = number;
        caller->cpu = -1;
    }
    if (caller->process)
        inherit(core, successor, caller, now);
    instances_learn_pid(&core->phases, &successor->phases, 0, tid);
    (void)instances_exited(&caller->phases);
    instances_call_over(&caller->phases, false);
    caller->exited = true;
    caller->exit_ns = now;
    life_end(core, caller, now);
    return successor;
}

static struct text base_name(struct text path)
{
    for (size_t i = path.count; i > 0; i--)
        if (path.at[i - 1] == '/')
            return (struct text){path.at + i, path.count - i};
    return path;
}

struct life *join_exec(struct core *core, const struct event *event)
{
    int32_t tid = (int32_t)event->value[0];
    int32_t old_tid = event_has_value(event, 1) ? (int32_t)event->value[1] : tid;
    struct life *life = life_named(core, old_tid, event->time_ns);
    if (!life)
        return NULL;
    life_learn_pid(core, life, tid, event->time_ns);
    join_phase_exec(core, life);
    if (old_tid != tid && tid > 0 && !mutant("exec-to-old-tid"))
        life = exec_by_other(core, life, tid, event->time_ns);
    life_learn_pid(core, life, tid, event->time_ns);
    if (event_has_text(event, 0))
        life_set_name(life, base_name(event->text[0]), true);
    if (life_table(core, life))
        life_exec_table(core, life, event->time_ns);
    return life;
}

static void join_exit(struct core *core, const struct event *event)
{
    struct life *life = life_named(core, (int32_t)event->value[0], event->time_ns);
    if (!life)
        return;
    name_life(life, event, 0);
    if (!mutant("keep-pid-after-exit"))
        life_exit(core, life, event->time_ns);
    join_phase_exit(core, life);
}

static void join_dump_process(struct core *core, const struct event *event)
{
    if (event_shows_dead(event))
        return;
    struct life *life = life_named(core, (int32_t)event->value[0], event->time_ns);
    if (!life)
        return;
    life_learn_pid(core, life, (int32_t)event->value[1], event->time_ns);
    name_life(life, event, 0);
    if (life->process)
        process_dumped(core, life->process, event);
}

static void join_dump_fd(struct core *core, const struct event *event)
{
    struct process *process =
        event_has_value(event, 0)
            ? process_by_address(core, (uint64_t)event->value[0], event->time_ns)
            : process_by_pid(core, 0, (int32_t)event->value[1], event->time_ns);
    if (process && event->value[2] >= 0 && event->value[2] <= INT32_MAX)
        descriptor_dumped(core, table_of_process(core, process), event);
}

static void join_dump_pid_ns(struct core *core, const struct event *event)
{
    struct life *life = life_find(core, (int32_t)event->value[0]);
    if (life)
        life_add_inner(core, life, event->value[1]);
}

void join_birth_event(struct core *core, const struct event *event)
{
    switch (event->kind) {
    case EVENT_FORK: join_fork(core, event); return;
    case EVENT_EXEC: (void)join_exec(core, event); return;
    case EVENT_EXIT: join_exit(core, event); return;
    case EVENT_DUMP_PROCESS: join_dump_process(core, event); return;
    case EVENT_DUMP_PID_NS: join_dump_pid_ns(core, event); return;
    case EVENT_DUMP_FD: join_dump_fd(core, event); return;
    default: return;
    }
}
