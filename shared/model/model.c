#include "model/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/memory.h"
#include "model/parts.h"
#include "model/state.h"

struct model *model_new(struct schema *schema, struct result_sink sink)
{
    struct model *model = memory_new(sizeof *model);
    model->schema = schema;
    model->sink = sink;
    model->order = model->epoch = 1;
    names_id(&model->paths, text_of(""));
    instances_init(&model->phases, schema_own_set(schema));
    return model;
}

void model_tell(const struct model *model, struct result *result)
{
    result->schema = model->schema;
    model->sink.take(model->sink.context, result);
}

void model_tell_of(const struct model *model, const struct thread *thread, struct result *result)
{
    result->pid = thread->process ? thread->process->pid : 0;
    result->tid = thread->tid;
    model_tell(model, result);
}

static struct cpu *cpu_at(struct model *model, int32_t number)
{
    if (number < 0)
        return NULL;
    size_t index = (size_t)number;
    if (index >= model->cpu_count) {
        size_t room = model->cpu_count;
        model->cpus = memory_grow(model->cpus, &room, index + 1, sizeof *model->cpus);
        for (size_t i = model->cpu_count; i < room; i++)
            model->cpus[i] = (struct cpu){.last_ns = TIME_NONE, .border_ns = TIME_NONE};
        model->cpu_count = room;
    }
    return &model->cpus[index];
}

bool model_is_unsettled(const struct model *model, const struct event *event)
{
    if (event->domain == DOMAIN_UST || event->kind == EVENT_LOSS || event->cpu < 0)
        return false;
    size_t index = (size_t)event->cpu;
    bool seen = index < model->cpu_count && model->cpus[index].seen;
    return !seen || model->cpus[index].current == CURRENT_UNSETTLED;
}

int32_t model_cpu_of(const struct model *model, int32_t tid)
{
    const struct thread *thread = thread_find(model, tid);
    return thread ? thread->cpu : -1;
}

void model_settle(struct model *model, int32_t number, int32_t tid, uint64_t first_ns)
{
    struct cpu *cpu = cpu_at(model, number);
    cpu->seen = true;
    cpu->run_whole = false;
    uint64_t border_ns = cpu->border_ns;
    cpu->border_ns = TIME_NONE;
    if (tid <= 0) {
        cpu->current = tid == 0 ? CURRENT_IDLE : CURRENT_NOBODY;
        return;
    }
    struct thread *thread = thread_named(model, tid, first_ns);
    if (border_ns != TIME_NONE && thread->begin_ns < first_ns) {
        /* "Its state before that is unknown since the border, or since its own last change of
         * state if that is later." */
        uint64_t from_ns = border_ns > thread->state_since_ns ? border_ns : thread->state_since_ns;
        thread_book(thread, from_ns);
        thread_take_back(thread, from_ns);
        thread_set_state(thread, STATE_UNKNOWN, from_ns);
    }
    thread_book(thread, first_ns);
    thread_leave_cpu(model, thread);
    thread_set_state(thread, STATE_RUNNING, first_ns);
    thread->cpu = number;
    cpu->current = CURRENT_THREAD;
    cpu->thread = thread;
}

/* --- events --- */

uint32_t model_child_path(struct model *model, uint32_t parent, struct text name)
{
    if (parent == 0)
        return names_id(&model->paths, name);
    struct text above = model_path(model, parent);
    char *path = memory_format("%.*s/%.*s", (int)above.count, above.at, (int)name.count, name.at);
    uint32_t id = names_id(&model->paths, text_of(path));
    free(path);
    return id;
}

static struct text base_name(struct text path)
{
    for (size_t i = path.count; i > 0; i--)
        if (path.at[i - 1] == '/')
            return (struct text){path.at + i, path.count - i};
    return path;
}

static void name_thread(struct thread *thread, const struct event *event, unsigned slot)
{
    if (thread && event_has_text(event, slot))
        thread_set_name(thread, event->text[slot], true);
}

static bool leaves_for_good(int64_t prev_state)
{
    return (prev_state & (16 | 32 | 64 | 128)) && !(prev_state & 3);
}

static enum thread_state state_after(int64_t prev_state)
{
    bool one_bit = prev_state >= 1024 && (prev_state & (prev_state - 1)) == 0;
    return prev_state == 0 || prev_state == 256 || one_bit ? STATE_RUNNABLE : STATE_BLOCKED;
}

/* "A thread is on one CPU at a time": where else it was thought to be, nobody is known to be. */
static void leave_other_cpu(struct model *model, struct thread *thread, int32_t cpu)
{
    if (thread && thread->cpu >= 0 && thread->cpu != cpu)
        thread_leave_cpu(model, thread);
}

static void tell_busy(struct model *model, int32_t cpu, uint64_t ns)
{
    struct result result = {.type = RESULT_CPU, .cpu = cpu, .busy_ns = ns};
    model_tell(model, &result);
}

static void switch_out(struct model *model, struct thread *prev, const struct event *event)
{
    struct cpu *cpu = cpu_at(model, event->cpu);
    assert(cpu);
    uint64_t now = event->time_ns;
    bool was_current = cpu->current == CURRENT_THREAD && cpu->thread == prev;
    leave_other_cpu(model, prev, event->cpu);
    thread_book(prev, now);
    if (was_current && cpu->run_whole) {
        prev->cpu_ns += now - cpu->run_begin_ns;
        tell_busy(model, event->cpu, now - cpu->run_begin_ns);
    }
    prev->named_ns = now;
    prev->cpu = -1;
    if (was_current) {
        cpu->current = CURRENT_NOBODY;
        cpu->thread = NULL;
    }
    if (prev->exited && leaves_for_good(event->value[1])) {
        name_thread(prev, event, 0);
        thread_end(model, prev, now);
        return;
    }
    thread_set_state(prev, state_after(event->value[1]), now);
}

static void tell_latency(struct model *model, const struct thread *thread, uint64_t ns)
{
    struct durations cell = {0};
    durations_add(&cell, ns);
    struct result result = {.type = RESULT_LATENCY, .thread = thread->id, .latency = &cell};
    model_tell_of(model, thread, &result);
}

static void switch_in(struct model *model, struct thread *next, const struct event *event)
{
    leave_other_cpu(model, next, event->cpu);
    thread_book(next, event->time_ns);
    if (next->wake_ns != TIME_NONE)
        tell_latency(model, next, event->time_ns - next->wake_ns);
    thread_set_state(next, STATE_RUNNING, event->time_ns);
    next->named_ns = event->time_ns;
    next->switches++;
    next->cpu = event->cpu;
}

/* The thread that takes a CPU offline. What runs there then is not traced: a CPU that comes back
 * begins with its idle thread. Source: kernel/stop_machine.c. */
static bool is_stopper(const struct thread *thread)
{
    static const char name[] = "migration/";
    return strncmp(thread->kernel_name, name, sizeof name - 1) == 0;
}

/* "Switches out of a thread that was not in": a context that says that it was is believed. Where
 * nobody is known to be current, at the begin and since a loss, nothing is contradicted. */
static bool is_contradicted(const struct cpu *cpu, const struct event *event,
                            const struct thread *prev)
{
    if (event->has & EVENT_HAS_TID)
        return false;
    if (cpu->current == CURRENT_THREAD)
        return cpu->thread != prev && (prev || !is_stopper(cpu->thread));
    return cpu->current == CURRENT_IDLE && prev;
}

static void on_switch(struct model *model, const struct event *event)
{
    struct cpu *cpu = cpu_at(model, event->cpu);
    if (!cpu)
        return;
    struct thread *prev = thread_named(model, (int32_t)event->value[0], event->time_ns);
    model->tallies.at[TALLY_CONTRADICTED_SWITCHES] += is_contradicted(cpu, event, prev);
    if (cpu->current == CURRENT_THREAD && cpu->thread != prev) {
        /* "If prev_tid is not the thread thought current, the switch is right." */
        struct thread *thought = cpu->thread;
        thread_book(thought, event->time_ns);
        thread_leave_cpu(model, thought);
        thread_set_state(thought, STATE_UNKNOWN, event->time_ns);
    }
    name_thread(prev, event, 0);
    if (prev)
        switch_out(model, prev, event);
    struct thread *next = thread_named(model, (int32_t)event->value[2], event->time_ns);
    name_thread(next, event, 1);
    if (next)
        switch_in(model, next, event);
    cpu->current = next ? CURRENT_THREAD : CURRENT_IDLE;
    cpu->thread = next;
    cpu->run_begin_ns = event->time_ns;
    cpu->run_whole = true;
}

static void on_wakeup(struct model *model, const struct event *event)
{
    struct thread *thread = thread_named(model, (int32_t)event->value[0], event->time_ns);
    if (!thread)
        return;
    name_thread(thread, event, 0);
    bool counts = thread->state == STATE_BLOCKED || thread->state == STATE_UNKNOWN;
    if (!counts || !model->counts_switches)
        return;
    thread_book(thread, event->time_ns);
    thread_set_state(thread, STATE_RUNNABLE, event->time_ns);
    thread->wake_ns = event->time_ns;
}

static void add_inner(struct model *model, struct thread *thread, int64_t number)
{
    if (number <= 0 || number == thread->tid || number > INT32_MAX)
        return;
    for (size_t i = 0; i < thread->inner_count; i++)
        if (thread->inner[i] == number)
            return;
    thread->inner = memory_resize(thread->inner, thread->inner_count + 1, sizeof *thread->inner);
    thread->inner[thread->inner_count++] = (int32_t)number;
    uintptr_t count = (uintptr_t)map_get(&model->inner, (uint64_t)number);
    map_put(&model->inner, (uint64_t)number, (void *)(count + 1));
}

static bool shares_files(const struct thread *parent)
{
    const struct open_call *open = &parent->call.open;
    return open->call && strcmp(open->call->name, "clone") == 0 && (open->present & 4) &&
           (open->value[2] & CALL_CLONE_FILES);
}

static void bear_child(struct model *model, const struct event *event, struct thread *parent)
{
    int32_t parent_pid = (int32_t)event->value[1];
    int32_t child_tid = (int32_t)event->value[2], child_pid = (int32_t)event->value[3];
    struct thread *child = thread_born(model, child_tid, event->time_ns);
    child->begin_hard = child->fork_seen = true;
    name_thread(child, event, 1);
    for (unsigned i = 0; i < event->int_count; i++)
        add_inner(model, child, event->ints[i]);
    if (child_tid != child_pid) {
        process_told(model, child, child_pid, event->time_ns);
        if (parent)
            table_share_own(parent, child);
        return;
    }
    struct process *process = process_forked(model, child_pid, parent_pid, event->time_ns);
    process_attach(model, child, process, event->time_ns);
    thread_tell_fact(model, child);
    instances_told(&model->phases, &child->phases, 0, child_pid);
    if (parent && parent->process) {
        struct table *from = table_of(model, parent);
        if (shares_files(parent))
            table_share(from, process);
        else
            table_copy(model, from, process, event->time_ns);
    }
}

static void on_fork(struct model *model, const struct event *event)
{
    int32_t child_tid = (int32_t)event->value[2];
    struct thread *parent = thread_named(model, (int32_t)event->value[0], event->time_ns);
    if (parent) {
        name_thread(parent, event, 0);
        process_told(model, parent, (int32_t)event->value[1], event->time_ns);
    }
    if (child_tid <= 0)
        return;
    if (parent)
        parent->refs++; /* it may be the very life that ends here, if the trace lies */
    struct thread *old = thread_find(model, child_tid);
    if (old)
        thread_end(model, old, event->time_ns);
    bear_child(model, event, parent);
    if (parent)
        thread_unref(model, parent);
}

/* "execve by a thread that is not the leader ends the other threads known by then to be of the
 * process. The caller's life ends there too, and one of the leader's tid begins there and takes
 * over its run, state and open call." */
static struct thread *exec_by_other(struct model *model, struct thread *caller, int32_t tid,
                                    uint64_t now)
{
    struct thread *leader = thread_find(model, tid);
    struct process *process = caller->process;
    thread_book(caller, now);
    if (process) {
        struct thread *next;
        for (struct thread *each = process->threads; each; each = next) {
            next = each->next_of_process;
            if (each == caller || tid_is_of_process(each->tid) || !thread_is_living(model, each))
                continue;
            if (each == leader)
                leader = NULL;
            (void)instances_exited(&each->phases);
            if (!each->exited) {
                process_thread_lost(model, each, now);
                each->exited = true;
                each->exit_ns = now;
                if (process->alive > 0)
                    process->alive--;
            }
            table_leave_own(model, each, now);
            thread_touch(each, now);
            thread_end(model, each, now);
        }
    }
    if (leader)
        thread_end(model, leader, now);

    struct thread *heir = thread_born(model, tid, now);
    heir->begin_hard = true;
    memcpy(heir->kernel_name, caller->kernel_name, sizeof heir->kernel_name);
    heir->kernel_named = caller->kernel_named;
    heir->state = caller->state;
    heir->state_since_ns = caller->state_since_ns;
    heir->wake_ns = caller->wake_ns;
    heir->named_ns = caller->named_ns;
    heir->first_call_seen = caller->first_call_seen;
    heir->call_epoch = caller->call_epoch;
    heir->stretch = 0;
    call_move(&heir->call, &caller->call);
    int32_t cpu = caller->cpu;
    if (cpu >= 0 && model->cpus[cpu].thread == caller) {
        model->cpus[cpu].thread = heir;
        heir->cpu = cpu;
        caller->cpu = -1;
    }
    if (process) {
        process->refs++;
        process_attach(model, heir, process, now);
        process_unref(model, process);
        process->leader_exited = false;
        process_thread_lost(model, caller, now);
        if (!caller->exited && process->alive > 0)
            process->alive--;
        heir->own_table = caller->own_table;
        caller->own_table = NULL;
    }
    instances_told(&model->phases, &heir->phases, 0, tid);
    (void)instances_exited(&caller->phases);
    instances_call_over(&caller->phases, false);
    caller->exited = true;
    caller->exit_ns = now;
    thread_end(model, caller, now);
    return heir;
}

/* Returns the thread that runs the new program, NULL if none is known. */
static struct thread *on_exec(struct model *model, const struct event *event)
{
    int32_t tid = (int32_t)event->value[0];
    int32_t old_tid = event_has_value(event, 1) ? (int32_t)event->value[1] : tid;
    struct thread *thread = thread_named(model, old_tid, event->time_ns);
    if (!thread)
        return NULL;
    process_told(model, thread, tid, event->time_ns);
    phase_exec(model, thread);
    if (old_tid != tid && tid > 0 && !mutant("exec-to-old-tid"))
        thread = exec_by_other(model, thread, tid, event->time_ns);
    process_told(model, thread, tid, event->time_ns);
    if (event_has_text(event, 0))
        thread_set_name(thread, base_name(event->text[0]), true);
    if (thread->process)
        table_exec(model, thread, event->time_ns);
    return thread;
}

static void on_thread_exit(struct model *model, const struct event *event)
{
    struct thread *thread = thread_named(model, (int32_t)event->value[0], event->time_ns);
    if (!thread)
        return;
    name_thread(thread, event, 0);
    if (!mutant("keep-pid-after-exit"))
        thread_exit(model, thread, event->time_ns);
    phase_exit(model, thread);
}

static void on_told_process(struct model *model, const struct event *event)
{
    if (event_tells_dead(event))
        return;
    struct thread *thread = thread_named(model, (int32_t)event->value[0], event->time_ns);
    if (!thread)
        return;
    process_told(model, thread, (int32_t)event->value[1], event->time_ns);
    name_thread(thread, event, 0);
    if (!thread->process)
        return;
    if (event_has_value(event, 2))
        process_tell(model, thread->process, (int32_t)event->value[2], 0, false);
    uint64_t address = event_has_value(event, 4) ? (uint64_t)event->value[4] : 0;
    if (address)
        process_told_address(model, thread->process, address, event->time_ns);
}

static void on_told_pid_ns(struct model *model, const struct event *event)
{
    struct thread *thread = thread_find(model, (int32_t)event->value[0]);
    if (thread)
        add_inner(model, thread, event->value[1]);
}

static void on_told_fd(struct model *model, const struct event *event)
{
    struct process *process =
        event_has_value(event, 0)
            ? process_at_address(model, (uint64_t)event->value[0], event->time_ns)
            : process_at(model, 0, (int32_t)event->value[1], event->time_ns);
    if (!process || event->value[2] < 0 || event->value[2] > INT32_MAX)
        return;
    descriptor_told(model, process_table(model, process), (int32_t)event->value[2], event->text[0],
                    event->time_ns);
}

static void on_call_entry(struct model *model, struct thread *thread, const struct event *event,
                          uint32_t path)
{
    thread_book(thread, event->time_ns);
    thread->call_changed_ns = event->time_ns;
    thread->call_epoch = model->epoch;
    thread_first_call(model, thread, NULL);
    call_end_unknown(model, thread);
    if (event->call->role->op == CALL_SIGRETURN) {
        struct call_cell cell = {.end_unknown = 1};
        call_tell(model, thread, path, event->call, &cell);
        return;
    }
    struct open_call open = {.call = event->call,
                             .entry_ns = event->time_ns,
                             .present = event->present,
                             .text = event->text[0]};
    memcpy(open.value, event->value, sizeof open.value);
    if (!event_has_text(event, 0))
        open.text = (struct text){NULL, 0};
    call_open(model, thread, &open, path);
}

static void on_call_exit(struct model *model, struct thread *thread, const struct event *event,
                         uint32_t path)
{
    const struct syscall *call = event->call;
    if (call->role->op == CALL_SIGRETURN)
        return;
    struct call_exit exit = {.time_ns = event->time_ns,
                             .ret = event->value[0],
                             .pair = event->int_count >= 2 ? event->ints : NULL};
    thread->call_changed_ns = event->time_ns;
    bool was_seen = thread->call_epoch == model->epoch;
    thread->call_epoch = model->epoch;
    if (thread->call.open.call == call) {
        thread_book(thread, event->time_ns);
        call_complete(model, thread, &exit);
        return;
    }
    thread_book(thread, event->time_ns);
    bool first = !thread->first_call_seen;
    bool is_free = was_seen && !thread->call.open.call; /* known to be in no call */
    bool breath = exit.ret == 0 && (call->role->op == CALL_CLONE ||
                                    (first && thread->fork_seen && thread->stretch == 0));
    thread_first_call(model, thread, breath || thread->call.open.call ? NULL : call);
    call_end_unknown(model, thread);
    if (breath)
        return;
    struct call_cell cell = {0};
    if (is_free && ret_is_error(exit.ret))
        call_cell_add_refused(&cell, exit.ret);
    else
        cell.begin_unknown = 1;
    call_tell(model, thread, path, call, &cell);
    call_cell_clear(&cell);
    descriptor_exit_alone(model, thread, call, &exit);
}

/* "At a border nothing is known of that CPU any more." */
static void on_border(struct model *model, int32_t number, uint64_t border_ns)
{
    struct cpu *cpu = cpu_at(model, number);
    if (!cpu)
        return;
    model->epoch++;
    uint64_t last_ns = cpu->last_ns;
    if (cpu->current == CURRENT_THREAD) {
        struct thread *thread = cpu->thread;
        if (last_ns == TIME_NONE || last_ns < thread->state_since_ns)
            last_ns = thread->state_since_ns;
        if (border_ns > last_ns && border_ns - last_ns > TAKE_BACK_NS_MAX)
            last_ns = border_ns - TAKE_BACK_NS_MAX;
        thread_book(thread, last_ns);
        phase_take_back_closings(model, thread, last_ns);
        thread_take_back(thread, last_ns);
        call_end_unknown(model, thread);
        thread_new_stretch(thread);
        thread_leave_cpu(model, thread);
        thread_set_state(thread, STATE_UNKNOWN, last_ns);
    }
    cpu->seen = true;
    cpu->current = CURRENT_UNSETTLED;
    cpu->thread = NULL;
    cpu->run_whole = false;
    cpu->border_ns = border_ns;
}

/* The thread that an item says its event is of; NULL if it is nobody's. */
static struct thread *told_thread(struct model *model, const struct item *item)
{
    int32_t tid = item->event.tid;
    return tid_is_of_process(tid)
               ? thread_of_process(model, 0, item->event.event.vpid, item->event.event.time_ns)
               : thread_named(model, tid, item->event.event.time_ns);
}

static struct thread *current_on(const struct model *model, int32_t cpu)
{
    bool known = cpu >= 0 && (size_t)cpu < model->cpu_count;
    return known && model->cpus[cpu].current == CURRENT_THREAD ? model->cpus[cpu].thread : NULL;
}

static bool has_inner(const struct thread *thread, int32_t vtid)
{
    for (size_t i = 0; i < thread->inner_count; i++)
        if (thread->inner[i] == vtid)
            return true;
    return false;
}

/* Whether the thread current on its CPU is that of a user-space event: it has no number, or one of
 * another namespace than the root's. */
static bool is_of_current(const struct event *event, const struct thread *current)
{
    return !(event->has & EVENT_HAS_VTID) || event_is_inner(event) ||
           has_inner(current, event->vtid);
}

/* The thread of a user-space event; what is known of its process if only that is told. */
static struct thread *user_thread(struct model *model, const struct item *item)
{
    const struct event *event = &item->event.event;
    if (item->event.tid != TID_BY_CPU)
        return told_thread(model, item);
    struct thread *current = current_on(model, event->cpu);
    if (current && is_of_current(event, current)) {
        thread_touch(current, event->time_ns);
        return current;
    }
    uint32_t pid_ns = namespace_of(event);
    struct thread *thread = NULL;
    if (event->has & EVENT_HAS_VTID)
        thread = thread_inside(model, pid_ns, event->vtid, event->time_ns);
    else if (event->has & EVENT_HAS_VPID)
        thread = thread_of_process(model, pid_ns, event->vpid, event->time_ns);
    model->tallies.at[TALLY_USER_NOBODY] += thread == NULL;
    model->tallies.at[TALLY_USER_PROCESS] += thread && tid_is_of_process(thread->tid);
    return thread;
}

/* Why a kernel event is nobody's that says of no thread that it is current. */
static enum tally nobody_because(const struct model *model, const struct event *event)
{
    if (event->cpu < 0)
        return TALLY_KERNEL_NO_CPU;
    return model->counts_switches ? TALLY_KERNEL_NOBODY : TALLY_KERNEL_NO_SWITCHES;
}

static bool is_phase_event(const struct event *event)
{
    return event->class->begin_count > 0 || event->class->end_count > 0;
}

static bool is_call_event(const struct event *event)
{
    return event->kind == EVENT_CALL_ENTRY || event->kind == EVENT_CALL_EXIT;
}

/* What stands for a process of which a kernel event tells no thread; NULL if it tells none. */
static struct thread *process_by_itself(struct model *model, const struct event *event)
{
    if (event->has & EVENT_HAS_PID)
        return thread_of_process(model, 0, event->pid, event->time_ns);
    bool is_ambiguous =
        !(event->has & EVENT_HAS_PID_NS) && map_get(&model->inner, (uint64_t)event->vpid);
    return (event->has & EVENT_HAS_VPID) && !is_ambiguous
               ? thread_of_process(model, namespace_of(event), event->vpid, event->time_ns)
               : NULL;
}

/* The thread of a kernel event of a CPU where nobody is known to be current. */
static struct thread *thread_by_itself(struct model *model, const struct event *event)
{
    int32_t shown = event_shown_current(event);
    if (shown > 0)
        return thread_named(model, shown, event->time_ns);
    struct thread *thread = NULL;
    enum tally why = nobody_because(model, event);
    /* "A number of the root namespace, as far as none other is known to have it." */
    bool is_ambiguous =
        !(event->has & EVENT_HAS_PID_NS) && map_get(&model->inner, (uint64_t)event->vtid);
    if ((event->has & EVENT_HAS_VTID) && is_ambiguous)
        why = TALLY_KERNEL_NAMESPACE;
    else if (event->has & EVENT_HAS_VTID)
        thread = thread_inside(model, namespace_of(event), event->vtid, event->time_ns);
    if (thread || !event_class_needs_thread(event->class))
        return thread;
    if (is_phase_event(event) && why != TALLY_KERNEL_NAMESPACE)
        thread = process_by_itself(model, event);
    model->tallies.at[TALLY_KERNEL_PROCESS] += thread != NULL;
    model->tallies.at[why] += thread == NULL || is_call_event(event);
    return thread;
}

/* A context of another thread than the one thought current: by then that has been switched out,
 * unseen. */
static void doubt_current(struct model *model, struct cpu *cpu, const struct event *event)
{
    int32_t thought = cpu->current == CURRENT_THREAD ? cpu->thread->tid
                      : cpu->current == CURRENT_IDLE ? 0
                                                     : event->tid;
    if (!(event->has & EVENT_HAS_TID) || event->tid == thought || !model->counts_switches)
        return;
    model->tallies.at[TALLY_UNSEEN_SWITCHES] += event_shows_unseen_switch(event);
    cpu->run_whole = false;
    if (cpu->current != CURRENT_THREAD || cpu->thread->state == STATE_UNKNOWN)
        return;
    thread_book(cpu->thread, event->time_ns);
    thread_set_state(cpu->thread, STATE_UNKNOWN, event->time_ns);
}

static struct thread *kernel_thread(struct model *model, const struct item *item)
{
    const struct event *event = &item->event.event;
    struct cpu *cpu = cpu_at(model, event->cpu);
    if (cpu && item->event.tid == TID_BY_CPU) /* else its mapper has done so */
        doubt_current(model, cpu, event);
    /* Without a context a switch is its prev_tid's own: "the switch is right". */
    if (event->kind == EVENT_SWITCH && !(event->has & EVENT_HAS_TID))
        return thread_named(model, (int32_t)event->value[0], event->time_ns);
    if (item->event.tid != TID_BY_CPU)
        return thread_named(model, item->event.tid, event->time_ns);
    if (event->has & EVENT_HAS_TID)
        return thread_named(model, event->tid, event->time_ns);
    if (cpu && cpu->current == CURRENT_IDLE)
        return NULL;
    if (!cpu || cpu->current != CURRENT_THREAD)
        return thread_by_itself(model, event);
    thread_touch(cpu->thread, event->time_ns);
    return cpu->thread;
}

/* The process that the contexts of an event tell of its thread; 0 if none. Where the vtid is an
 * inner number, so is the vpid. */
static int32_t context_pid(const struct event *event, const struct thread *thread)
{
    if ((event->has & EVENT_HAS_PID) && thread->pid_ns == 0)
        return event->pid;
    if (!(event->has & EVENT_HAS_VPID) || thread->pid_ns != namespace_of(event))
        return 0;
    bool inner = (event->has & EVENT_HAS_VTID) && event->vtid != thread->tid &&
                 !tid_is_of_process(thread->tid);
    return inner ? 0 : event->vpid;
}

/* What an event tells of its own thread besides what it is. */
static void take_contexts(struct model *model, const struct event *event, struct thread *thread,
                          uint32_t summed)
{
    if (!thread)
        return;
    process_told(model, thread, context_pid(event, thread), event->time_ns);
    if (event->has & EVENT_HAS_PROCNAME)
        thread_set_name(thread, event->procname, event->domain == DOMAIN_KERNEL);
    if (event->has & EVENT_HAS_PROGRAM)
        thread_set_program(thread, event->program);
    if (is_phase_event(event))
        phase_event(model, thread, event, summed);
}

static void on_kernel_event(struct model *model, const struct item *item, struct thread *thread)
{
    const struct event *event = &item->event.event;
    uint32_t summed = item->event.summed;
    if (event->kind == EVENT_EXEC) {
        /* Its thread is the one after the change. */
        take_contexts(model, event, on_exec(model, event), summed);
        return;
    }
    take_contexts(model, event, thread, summed);
    if (thread && tid_is_of_process(thread->tid))
        thread = NULL; /* calls are of threads alone */
    switch ((enum event_kind)event->kind) {
    case EVENT_SWITCH: on_switch(model, event); break;
    case EVENT_WAKEUP: on_wakeup(model, event); break;
    case EVENT_FORK: on_fork(model, event); break;
    case EVENT_EXEC:
    case EVENT_EXIT: on_thread_exit(model, event); break;
    case EVENT_TOLD_PROCESS: on_told_process(model, event); break;
    case EVENT_TOLD_PID_NS: on_told_pid_ns(model, event); break;
    case EVENT_TOLD_FD: on_told_fd(model, event); break;
    case EVENT_CALL_ENTRY:
        if (thread)
            on_call_entry(model, thread, event, phase_of_call(model, thread, item->event.label));
        break;
    case EVENT_CALL_EXIT:
        if (thread)
            on_call_exit(model, thread, event, phase_of_call(model, thread, item->event.label));
        break;
    case EVENT_LOSS:
    case EVENT_OTHER: break;
    }
}

static void take_event(struct model *model, const struct item *item)
{
    const struct event *event = &item->event.event;
    model->order++;
    model->event = item->event.number;
    if (event->kind == EVENT_LOSS) {
        if (event->domain == DOMAIN_KERNEL && event->value[1] && !mutant("ignore-loss-border"))
            on_border(model, event->cpu, event->time_ns);
        return;
    }
    if (event->domain == DOMAIN_UST) {
        take_contexts(model, event, user_thread(model, item), item->event.summed);
        return;
    }
    struct cpu *cpu = cpu_at(model, event->cpu);
    if (cpu) {
        cpu->seen = true;
        cpu->last_ns = event->time_ns;
    }
    bool exec = event->kind == EVENT_EXEC;
    on_kernel_event(model, item, exec ? NULL : kernel_thread(model, item));
}

static void lives_tick(struct model *model, uint64_t now_ns)
{
    if (now_ns < model->lives_ns)
        return;
    uint64_t tick_ns = now_ns - now_ns % LIVES_TICK_NS;
    thread_forget_exited(model, tick_ns);
    model->lives_ns = tick_ns + LIVES_TICK_NS;
}

/* --- pieces --- */

static void take_thread(struct model *model, const struct thread_piece *piece)
{
    struct thread *thread = thread_of_item(model, piece->tid);
    if (!thread)
        return;
    phase_sums(model, thread, piece);
    if (piece->state_known) {
        /* What was accounted beyond the piece's begin, under this very state, is in it again. */
        uint64_t clock_ns = thread->clock_ns;
        if (clock_ns > piece->from_ns)
            thread_book_back(thread, piece->from_ns);
        thread_add_time(thread, &piece->time);
        thread->clock_ns = piece->until_ns;
        thread_set_state(thread, (enum thread_state)piece->state, piece->state_since_ns);
        thread->wake_ns = piece->wake_ns;
        thread_book(thread, clock_ns);
    }
    if (piece->last_ns != TIME_NONE)
        thread_touch(thread, piece->last_ns);
    if (piece->named_ns != TIME_NONE)
        thread->named_ns = piece->named_ns;
    if (piece->kernel_named)
        thread_set_name(thread, piece->kernel_name, true);
    if (piece->user_named)
        thread_set_name(thread, piece->user_name, false);
    thread->cpu_ns += piece->cpu_ns;
    thread->switches += piece->switches;
    if (piece->latency.count) {
        struct result result = {
            .type = RESULT_LATENCY, .thread = thread->id, .latency = &piece->latency};
        model_tell_of(model, thread, &result);
    }
    for (size_t i = 0; i < piece->call_count; i++) {
        call_tell(model, thread, phase_of_call(model, thread, piece->calls[i].label),
                  piece->calls[i].call, &piece->calls[i].cell);
        thread->phases.calls += piece->calls[i].cell.complete.count;
    }
    if (piece->call_register == CALL_NONE)
        thread->call_epoch = model->epoch;
    if (piece->call_register == CALL_OPEN)
        call_open(model, thread, &piece->open, phase_of_call(model, thread, piece->open_label));
    phase_credits(model, thread, piece);
}

static void take_cpu(struct model *model, const struct cpu_piece *piece)
{
    struct cpu *cpu = cpu_at(model, piece->cpu);
    if (!cpu)
        return;
    cpu->seen = true;
    cpu->border_ns = TIME_NONE;
    cpu->last_ns = piece->last_ns;
    cpu->run_begin_ns = piece->run_begin_ns;
    cpu->run_whole = piece->run_whole;
    if (piece->busy_ns)
        tell_busy(model, piece->cpu, piece->busy_ns);
    if (cpu->current == CURRENT_THREAD && cpu->thread->cpu == piece->cpu)
        cpu->thread->cpu = -1;
    cpu->thread = thread_find(model, piece->current);
    cpu->current = cpu->thread           ? CURRENT_THREAD
                   : piece->current == 0 ? CURRENT_IDLE
                                         : CURRENT_NOBODY;
    if (cpu->thread)
        cpu->thread->cpu = piece->cpu;
}

static void take_descriptor_call(struct model *model, const struct descriptor_call *piece)
{
    struct thread *thread = thread_of_item(model, piece->tid);
    if (!thread)
        return;
    struct open_call open = {.call = piece->call,
                             .entry_ns = piece->entry_ns,
                             .present = piece->present,
                             .text = piece->text};
    memcpy(open.value, piece->value, sizeof open.value);
    struct call_exit exit = {
        .time_ns = piece->exit_ns, .ret = piece->ret, .pair = piece->has_pair ? piece->pair : NULL};
    call_whole(model, thread, &open, phase_of_call(model, thread, piece->label), &exit);
}

void model_item(struct model *model, const struct item *item)
{
    struct thread *thread;
    switch ((enum item_kind)item->kind) {
    case ITEM_EVENT: take_event(model, item); return;
    case ITEM_THREAD: take_thread(model, &item->thread); return;
    case ITEM_CPU: take_cpu(model, &item->cpu); return;
    case ITEM_USES:
        thread = thread_of_item(model, item->uses.tid);
        if (thread)
            descriptor_uses(model, thread, &item->uses);
        return;
    case ITEM_DESCRIPTOR_CALL: take_descriptor_call(model, &item->descriptor_call); return;
    case ITEM_LIFE:
        thread = thread_of_item(model, item->life.tid);
        if (thread)
            descriptor_life(model, thread, &item->life);
        return;
    case ITEM_LABEL: phase_label(model, &item->label); return;
    case ITEM_INSTANCE: phase_instance(model, &item->instance); return;
    case ITEM_ANALYSIS: return; /* whoever has the engine takes it */
    }
}

void model_tick(struct model *model, uint64_t now_ns)
{
    lives_tick(model, now_ns);
    phase_tick(model, now_ns);
}

/* --- intervals --- */

void model_begin(struct model *model, const struct interval_end *interval)
{
    /* An interval that does not tell has no phases. */
    phase_use_set(model, interval->phases ? interval->phases : schema_set(model->schema, NULL));
    model->counts_switches = interval->counts_switches;
    model->kernel_absent = !interval->has_kernel;
    for (size_t i = 0; model->kernel_absent && i < model->cpu_count; i++) {
        struct cpu *cpu = &model->cpus[i];
        if (cpu->current == CURRENT_THREAD)
            thread_leave_cpu(model, cpu->thread);
        cpu->current = CURRENT_NOBODY;
        cpu->border_ns = TIME_NONE;
    }
}

const struct phase_set *model_phases(const struct model *model)
{
    return model->phases.set;
}

static int compare_threads(const void *a, const void *b)
{
    const struct thread *const *left = a, *const *right = b;
    return (*left)->id < (*right)->id ? -1 : (*left)->id > (*right)->id;
}

/* All living threads, by id; *count of them, to be freed. */
static struct thread **living(const struct model *model, size_t *count)
{
    struct thread **all = memory_new((model->threads.count + 1) * sizeof *all);
    struct thread *each;
    *count = 0;
    for (size_t at = 0; (each = map_next(&model->threads, &at));)
        all[(*count)++] = each;
    qsort(all, *count, sizeof(struct thread *), compare_threads);
    return all;
}

void model_gap(struct model *model, uint64_t begin_ns, uint64_t end_ns)
{
    (void)end_ns;
    for (size_t i = 0; i < model->cpu_count; i++)
        if (model->cpus[i].seen)
            on_border(model, (int32_t)i, begin_ns);
    size_t count;
    struct thread **all = living(model, &count);
    for (size_t i = 0; i < count; i++) {
        thread_book(all[i], begin_ns);
        thread_take_back(all[i], begin_ns);
        call_end_unknown(model, all[i]);
        thread_new_stretch(all[i]);
        thread_set_state(all[i], STATE_UNKNOWN, begin_ns);
    }
    free(all);
}

void model_end(struct model *model, const struct interval_end *interval)
{
    uint64_t safe_ns = UINT64_MAX;
    for (size_t i = 0; i < model->cpu_count; i++) {
        const struct cpu *cpu = &model->cpus[i];
        if (cpu->border_ns != TIME_NONE && cpu->border_ns < safe_ns)
            safe_ns = cpu->border_ns;
        if (cpu->current == CURRENT_THREAD && cpu->last_ns != TIME_NONE && cpu->last_ns < safe_ns)
            safe_ns = cpu->last_ns;
    }
    /* A border may take back so much at most. */
    if (interval->last_ns != TIME_NONE && interval->last_ns > TAKE_BACK_NS_MAX &&
        interval->last_ns - TAKE_BACK_NS_MAX > safe_ns)
        safe_ns = interval->last_ns - TAKE_BACK_NS_MAX;
    phase_forget_closings(model, safe_ns);
    if (interval->last_ns != TIME_NONE)
        process_forget_past(model, interval->last_ns);
    model->past_events += interval->events;
    model->label_count = 0;
    model_forget_paths(model);

    for (size_t i = 0; i < interval->cpu_count; i++)
        tell_busy(model, interval->cpus[i], 0);
    struct result mark = {.type = RESULT_INTERVAL,
                          .interval = {.chunk = interval->chunk,
                                       .chunks = interval->has_traces,
                                       .gap = interval->gap_before,
                                       .events = interval->events,
                                       .tallies = interval->tallies,
                                       .damage = interval->damage,
                                       .uses = interval->uses,
                                       .any_event = interval->first_ns != TIME_NONE,
                                       .first_ns = interval->first_ns,
                                       .last_ns = interval->last_ns,
                                       .offset_ns = interval->offset_ns,
                                       .kernel = interval->has_kernel,
                                       .user = interval->has_user,
                                       .host = interval->host}};
    tallies_add(&mark.interval.tallies, &model->tallies);
    model->tallies = (struct tallies){.at = {0}};
    model_tell(model, &mark);
}

void model_note(struct model *model, uint64_t chunk, const struct tallies *tallies,
                struct damages damage)
{
    struct result mark = {
        .type = RESULT_INTERVAL,
        .interval = {.chunk = chunk, .tallies = *tallies, .damage = damage, .host = text_of("")}};
    model_tell(model, &mark);
}

void model_finish(struct model *model)
{
    phase_finish(model);
    size_t count;
    struct thread **all = living(model, &count);
    for (size_t i = 0; i < count; i++) {
        thread_settle_account(all[i]);
        call_end_unknown(model, all[i]);
        thread_new_stretch(all[i]);
        thread_tell(model, all[i]);
    }
    struct table *next;
    for (struct table *table = model->tables; table; table = next) {
        next = table->next;
        table->holds++;
        table_finish(model, table);
        next = table->next;
        table_unref(table);
    }
    free(all);
}

void model_free_empty(struct model *model)
{
    map_clear(&model->threads);
    map_clear(&model->processes);
    map_clear(&model->addresses);
    map_clear(&model->inner);
    instances_clear(&model->phases);
    names_clear(&model->paths);
    free(model->cpus);
    free(model->closings);
    free(model->over);
    free(model->exited);
    free(model->labels);
    free(model);
}

void model_free(struct model *model)
{
    if (!model)
        return;
    struct model_parts parts;
    model_parts_gather(model, &parts);
    instances_close_all(&model->phases);
    model_parts_free(&parts);
    model_free_empty(model);
}
