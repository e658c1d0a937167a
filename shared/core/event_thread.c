/* The thread of an event, and the information in its contexts about that thread (docs/RESULTS.md,
 * section 3). */
#include "core/counts.h"
#include "core/descriptors.h"
#include "core/spans.h"

/* --- joining --- */

static bool has_inner(const struct life *life, int32_t vtid)
{
    for (size_t i = 0; i < life->inner_count; i++)
        if (life->inner[i] == vtid)
            return true;
    return false;
}

/* Whether a user-space event belongs to the current thread of its CPU: it has no id, or one of
 * another namespace than the root's. */
static bool is_of_current(const struct event *event, const struct life *current)
{
    return !(event->has & EVENT_HAS_VTID) || event_is_inner(event) ||
           has_inner(current, event->vtid);
}

static void touch(struct life *life, uint64_t time_ns)
{
    if (time_ns > life->last_ns)
        life->last_ns = time_ns;
}

static struct life *user_life(struct core *core, const struct event *event)
{
    struct cpu *cpu =
        event->cpu >= 0 && (size_t)event->cpu < core->cpu_count ? &core->cpus[event->cpu] : NULL;
    struct life *current = cpu && cpu->knows == CPU_THREAD ? cpu->current : NULL;
    if (current && is_of_current(event, current)) {
        life_touch(current);
        touch(current, event->time_ns);
        return current;
    }
    uint32_t pid_ns = namespace_of(event);
    struct life *life = NULL;
    if (event->has & EVENT_HAS_VTID)
        life = life_inside(core, pid_ns, event->vtid, event->time_ns);
    else if (event->has & EVENT_HAS_VPID)
        life = life_of_process(core, pid_ns, event->vpid, event->time_ns);
    core->tallies.at[TALLY_USER_NO_THREAD] += life == NULL;
    core->tallies.at[TALLY_USER_PROCESS] += life && tid_is_of_process(life->tid);
    return life;
}

enum tally unknown_thread_tally(const struct core *core, const struct event *event)
{
    if (event->cpu < 0)
        return TALLY_KERNEL_NO_CPU;
    return core->facts.counts_switches ? TALLY_KERNEL_NO_THREAD : TALLY_KERNEL_NO_SWITCHES;
}

/* The entity of a process, for a kernel event that states no thread; NULL if it states no
 * process. */
static struct life *process_by_itself(struct core *core, const struct event *event)
{
    if (event->has & EVENT_HAS_PID)
        return life_of_process(core, 0, event->pid, event->time_ns);
    bool is_ambiguous =
        !(event->has & EVENT_HAS_PID_NS) && map_get(&core->inner, (uint64_t)event->vpid);
    return (event->has & EVENT_HAS_VPID) && !is_ambiguous
               ? life_of_process(core, namespace_of(event), event->vpid, event->time_ns)
               : NULL;
}

/* The thread of a kernel event on a CPU whose current thread is unknown. */
static struct life *life_by_itself(struct core *core, const struct event *event)
{
    int32_t shown = event_shown_current(event);
    if (shown > 0)
        return life_named(core, shown, event->time_ns);
    struct life *life = NULL;
    enum tally why = unknown_thread_tally(core, event);
    /* It is an id of the root namespace, unless a thread is known to have it as an inner id
     * (docs/RESULTS.md, section 3). */
    bool is_ambiguous =
        !(event->has & EVENT_HAS_PID_NS) && map_get(&core->inner, (uint64_t)event->vtid);
    if ((event->has & EVENT_HAS_VTID) && is_ambiguous)
        why = TALLY_KERNEL_NAMESPACE;
    else if (event->has & EVENT_HAS_VTID)
        life = life_inside(core, namespace_of(event), event->vtid, event->time_ns);
    if (life || !event_class_needs_thread(event->class))
        return life;
    if (is_phase_event(event) && why != TALLY_KERNEL_NAMESPACE)
        life = process_by_itself(core, event);
    core->tallies.at[TALLY_KERNEL_PROCESS] += life != NULL;
    core->tallies.at[why] += life == NULL || is_call_event(event);
    return life;
}

/* A context states another thread than the current one, which has been switched out unseen. */
static inline void doubt(struct core *core, struct cpu *cpu, const struct event *event)
{
    core->tallies.at[TALLY_UNSEEN_SWITCHES] += event_shows_unseen_switch(event);
    cpu->run_whole = false;
    cpu->changed = true;
    if (cpu->knows != CPU_THREAD || cpu->current->state == STATE_UNKNOWN)
        return;
    life_book(life_touch(cpu->current), event->time_ns);
    wait_lost(core, cpu->current);
    life_set_state(cpu->current, STATE_UNKNOWN, event->time_ns);
}

/* Whether the event has such a context. */
static inline bool contradicts(const struct core *core, const struct cpu *cpu,
                               const struct event *event)
{
    if (!(event->has & EVENT_HAS_TID) || !core->facts.counts_switches)
        return false;
    return cpu->knows == CPU_THREAD ? cpu->current->tid != event->tid
                                    : cpu->knows == CPU_IDLE && event->tid != 0;
}

static struct life *kernel_life(struct core *core, const struct event *event)
{
    struct cpu *cpu = cpu_at(core, event->cpu);
    if (cpu && contradicts(core, cpu, event))
        doubt(core, cpu, event);
    /* Without a context, a switch belongs to its prev_tid. */
    if (event->kind == EVENT_SWITCH && !(event->has & EVENT_HAS_TID))
        return life_named(core, (int32_t)event->value[0], event->time_ns);
    if (event->has & EVENT_HAS_TID)
        return life_named(core, event->tid, event->time_ns);
    if (cpu && cpu->knows == CPU_IDLE)
        return NULL;
    if (!cpu || cpu->knows != CPU_THREAD)
        return life_by_itself(core, event);
    touch(cpu->current, event->time_ns);
    return life_touch(cpu->current);
}

/* The process of the thread according to the contexts of an event; 0 if none. If the vtid is an
 * inner id, so is the vpid. */
static int32_t context_pid(const struct event *event, const struct life *life)
{
    if ((event->has & EVENT_HAS_PID) && life->pid_ns == 0)
        return event->pid;
    if (!(event->has & EVENT_HAS_VPID) || life->pid_ns != namespace_of(event))
        return 0;
    bool inner =
        (event->has & EVENT_HAS_VTID) && event->vtid != life->tid && !tid_is_of_process(life->tid);
    return inner ? 0 : event->vpid;
}

void join_contexts(struct core *core, const struct event *event, struct life *life)
{
    if (!life)
        return;
    life_learn_pid(core, life, context_pid(event, life), event->time_ns);
    if (event->has & EVENT_HAS_PROCNAME)
        life_set_name(life, event->procname, event->domain == DOMAIN_KERNEL);
    if (event->has & EVENT_HAS_PROGRAM)
        life_set_program(life, event->program);
    if (is_phase_event(event))
        join_phases(core, life, event, core->summed);
}

void join_counted(struct core *core, const struct event *event, struct life *life)
{
    if (!event_class_is_counted(event->class))
        return;
    const struct cpu *cpu = event->domain == DOMAIN_KERNEL ? cpu_at(core, event->cpu) : NULL;
    counts_take(core, event, life, !life && counts_is_idle(cpu, event));
}

void join_kernel_event(struct core *core, const struct event *event)
{
    if (event->kind == EVENT_EXEC) {
        /* Its thread is the one after the change. */
        struct life *life = join_exec(core, event);
        join_counted(core, event, life);
        join_contexts(core, event, life);
        spans_settle(core);
        return;
    }
    struct life *actor = kernel_life(core, event);
    struct cpu *cpu = is_phase_event_in_handler(event) ? cpu_at(core, event->cpu) : NULL;
    if (cpu)
        handlers_book(core, cpu, event->time_ns);
    join_counted(core, event, actor);
    join_contexts(core, event, actor);
    spans_settle(core);
    join_meaning(core, event, actor);
}

void join_user_event(struct core *core, const struct event *event)
{
    struct life *life = user_life(core, event);
    join_counted(core, event, life);
    join_contexts(core, event, life);
    spans_settle(core);
}

/* --- mapping --- */

static void retire(struct core *core, struct life *life)
{
    if (!life)
        return;
    life_retire(core, life);
    map_doubt(core, life, false);
}

/* Only the past knows the thread of the event. */
static void step_by_cpu(struct core *core, struct cpu *cpu, const struct event *event)
{
    if (cpu) {
        map_retire_current(core, cpu);
        cpu_write(core, cpu);
    }
    if (event->has & EVENT_HAS_TID)
        retire(core, map_life(core, event->tid));
    if ((event->has & EVENT_HAS_VTID) && !event_is_inner(event))
        retire(core, map_life(core, event->vtid));
    retire(core, map_life(core, event_shown_current(event)));
    if (event->has & (EVENT_HAS_PID | EVENT_HAS_VPID))
        map_pass_all(core);
    if (is_phase_event(event) || is_call_event(event) || event_class_is_counted(event->class))
        map_pass_all(core);
    spans_before_step(core, event->class);
    if (is_phase_event(event))
        map_before_phases(core, NULL, event, 0);
    core->step_parts = STEP_BY_CPU;
    core->only_steps = true;
    bool is_plain = event->domain == DOMAIN_UST || is_call_event(event) ||
                    event->kind == EVENT_OTHER || event->kind == EVENT_DUMP_FD ||
                    (!cpu && event_is_of_handler(event));
    if (is_plain)
        map_step(core, event, NULL);
    else
        map_meaning(core, cpu, event, NULL);
    if (cpu && is_phase_event_in_handler(event))
        handlers_book(core, cpu, event->time_ns); /* as the join does */
    core->step_parts = 0;
    core->only_steps = false;
    if (cpu && cpu->knows != CPU_LET && contradicts(core, cpu, event) &&
        event->kind != EVENT_SWITCH)
        cpu->run_whole = false; /* as the join does */
    if (event->has & (EVENT_HAS_PID | EVENT_HAS_VPID))
        map_doubt_pid(core, NULL);
}

/* The process of the thread according to the contexts, as far as known when mapping; 0 if none. */
static int32_t known_pid(const struct event *event, const struct life *life)
{
    if (event->has & EVENT_HAS_PID)
        return event->pid;
    bool inner =
        event_is_inner(event) || ((event->has & EVENT_HAS_VTID) && event->vtid != life->tid &&
                                  !tid_is_of_process(life->tid));
    return (event->has & EVENT_HAS_VPID) && !inner ? event->vpid : 0;
}

/* Applies the contexts to a thread that certainly is the event's own. */
static void map_learn(struct core *core, struct life *life, const struct event *event)
{
    if (is_phase_event(event)) {
        life_activate(core, life, event->time_ns);
        life_book(life, event->time_ns);
    } else {
        life_own(core, life, event->time_ns);
    }
    counts_take(core, event, life, false);
    if (event->has & EVENT_HAS_PROCNAME)
        life_set_name(life, event->procname, event->domain == DOMAIN_KERNEL);
    if (event->has & EVENT_HAS_PROGRAM)
        life_set_program(life, event->program);
    int32_t pid = known_pid(event, life);
    const struct thread_group *thread_group = life->phases.thread_group;
    /* Its leader may have been forked since: then it belongs to another process by now. */
    bool shows_pid =
        pid > 0 && (pid != life->known_pid || (thread_group && !thread_group->current));
    uint32_t summed = 0;
    bool phases = is_phase_event(event);
    if (phases && !shows_pid)
        phases = !map_phases(core, life, event, &summed);
    if (!shows_pid && !phases)
        return;
    if (shows_pid && life->tid == 0)
        map_pass_all(core);
    if (shows_pid) {
        if (life->ended)
            life_write(core, life); /* instances that ended so far belong to the previous process */
        places_write_created(core, life);
        map_learn_pid(core, life, pid);
    }
    if (phases)
        map_before_phases(core, life, event, summed);
    struct step *step = map_step(core, event, life);
    step->parts = STEP_CONTEXTS;
    step->summed = summed;
}

static void map_contexts(struct core *core, struct life *life, const struct event *event)
{
    map_learn(core, life, event);
    spans_settle(core);
}

/* Whether only the past knows the thread of the event. */
static bool is_uncertain(const struct core *core, const struct cpu *cpu, const struct event *event)
{
    if (is_phase_event_in_handler(event) && core->facts.counts_switches && !handlers_known(cpu))
        return true; /* a handler may run that only the past knows */
    if (event->class->asks_handler && core->facts.counts_switches && !knows_handler(cpu))
        return true;
    bool by_itself = (event->has & EVENT_HAS_VTID) || event_shown_current(event) > 0 ||
                     (is_phase_event(event) && event_has_process(event));
    if (event->has & EVENT_HAS_TID)
        return core->facts.counts_switches &&
               (cpu->knows == CPU_LET ||
                (contradicts(core, cpu, event) && cpu->current && !cpu->current->known));
    /* If prev_tid was known elsewhere, its data on this CPU may be under the name of the CPU's
     * current thread. */
    if (event->kind == EVENT_SWITCH)
        return event_class_is_counted(event->class) && cpu->knows == CPU_LET;
    return by_itself && (cpu->knows == CPU_LET || cpu->knows == CPU_THREAD_UNKNOWN);
}

static void map_nowhere(struct core *core, const struct event *event)
{
    core->tallies.at[TALLY_KERNEL_NO_CPU]++;
    counts_take(core, event, NULL, counts_is_idle(NULL, event));
}

void map_event_without_cpu(struct core *core, const struct event *event)
{
    if (event->cpu > CPU_NUMBER_MAX)
        return; /* invalid */
    if (event->kind == EVENT_SWITCH)
        map_nowhere(core, event);
    else
        step_by_cpu(core, NULL, event);
}

/* An event without a thread, or of a current thread that may not exist. */
static void count_unknown_thread(struct core *core, const struct cpu *cpu,
                                 const struct event *event)
{
    if ((event->has & EVENT_HAS_TID) || event->kind == EVENT_SWITCH ||
        !event_class_needs_thread(event->class))
        return;
    if (cpu->knows == CPU_LET)
        cpu->current->unknown_events++;
    else if (cpu->knows == CPU_THREAD_UNKNOWN && !is_call_event(event))
        core->tallies.at[unknown_thread_tally(core, event)]++;
}

void map_context_event(struct core *core, struct cpu *cpu, const struct event *event)
{
    if (event->kind == EVENT_EXEC) {
        if (is_phase_event(event) || (event->has & (EVENT_HAS_PID | EVENT_HAS_VPID)))
            map_pass_all(core);
        if (is_phase_event(event))
            map_before_phases(core, NULL, event, 0);
        spans_before_step(core, event->class);
        core->step_parts = STEP_CONTEXTS;
        map_meaning(core, cpu, event, NULL);
        core->step_parts = 0;
        if (event->has & (EVENT_HAS_PID | EVENT_HAS_VPID))
            map_doubt_pid(core, NULL);
        return;
    }
    if (is_uncertain(core, cpu, event)) {
        step_by_cpu(core, cpu, event);
        return;
    }
    count_unknown_thread(core, cpu, event);
    if (is_phase_event_in_handler(event))
        handlers_book(core, cpu, event->time_ns);
    if (contradicts(core, cpu, event)) {
        doubt(core, cpu, event);
        struct life *shown = cpu->current ? cpu->current : map_life(core, event->tid);
        if (shown)
            life_list(core, shown);
    }
    struct life *actor = cpu->current;
    if (event->has & EVENT_HAS_TID)
        actor = map_life(core, event->tid);
    else if (event->kind == EVENT_SWITCH)
        actor = map_life(core, (int32_t)event->value[0]);
    if (actor) {
        map_contexts(core, actor, event);
        actor->last_ns = event->time_ns;
    } else {
        counts_take(core, event, NULL, counts_is_idle(cpu, event));
    }
    map_meaning(core, cpu, event, actor);
}

/* The thread or process that a user-space event states; NULL if it states neither, or only ids of a
 * namespace, which are unknown here. */
static struct life *named_by(struct core *core, const struct event *event)
{
    if (event_is_inner(event))
        return NULL;
    if (event->has & EVENT_HAS_VTID)
        return map_life(core, event->vtid);
    if (!(event->has & EVENT_HAS_VPID) || core->facts.has_kernel)
        return NULL;
    return map_process(core, event->vpid);
}

static void map_user_unknown(struct core *core, const struct event *event)
{
    core->tallies.at[TALLY_USER_NO_THREAD]++;
    counts_take(core, event, NULL, false);
}

void map_user_event(struct core *core, const struct event *event)
{
    struct cpu *cpu = core->facts.has_kernel ? cpu_at(core, event->cpu) : NULL;
    struct life *current = cpu && cpu->knows == CPU_THREAD ? cpu->current : NULL;
    if (event->cpu > CPU_NUMBER_MAX)
        return;
    struct life *named = named_by(core, event);
    bool certain = core->facts.has_kernel ? current && (!named || named == current) : named != NULL;
    if (!certain) {
        if (core->facts.has_kernel || (event->has & (EVENT_HAS_VTID | EVENT_HAS_VPID)))
            step_by_cpu(core, cpu, event);
        else
            map_user_unknown(core, event);
        return;
    }
    struct life *life = named ? named : current;
    core->tallies.at[TALLY_USER_PROCESS] += tid_is_of_process(life->tid);
    map_contexts(core, life, event);
    life->last_ns = event->time_ns;
}
