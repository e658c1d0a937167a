#include "mapper/partial_builder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/attrs.h"
#include "base/memory.h"
#include "mapper/builder_state.h"

/* As at the begin of an interval. */
static void know_nothing(struct partial_builder *builder)
{
    builder->old_group = builder_new_group(builder);
    builder->epoch = builder->doubts = 1;
    builder->call_label = LABEL_HERE;
    const struct phase_set *phases = schema_own_set(builder->schema);
    instances_init(&builder->phases, phases);
    builder->phases.strangers_are_one = true;
    builder->remote_order = memory_new((phases->count + 1) * sizeof *builder->remote_order);
    builder->strangers = memory_new((phases->count + 1) * sizeof *builder->strangers);
}

struct partial_builder *partial_builder_new(struct schema *schema,
                                            const struct partial_builder_options *options)
{
    struct partial_builder *builder = memory_new(sizeof *builder);
    builder->schema = schema;
    builder->options = *options;
    builder->counts.first_ns = builder->counts.last_ns = TIME_NONE;
    know_nothing(builder);
    builder_open_analyses(builder);
    return builder;
}

struct item *builder_item(struct partial_builder *builder, enum item_kind kind,
                          const struct thread_known *thread)
{
    struct item *item = &builder->item;
    memset(item, 0, sizeof *item);
    item->kind = (uint8_t)kind;
    if (thread) {
        item->key_pid = thread->pid;
        item->key_tid = thread->tid;
    }
    return item;
}

void builder_send(struct partial_builder *builder)
{
    builder->options.sink.take(builder->options.sink.context, &builder->item);
}

static void send_event(struct partial_builder *builder, const struct event *event, int32_t tid,
                       const struct thread_known *key, bool elsewhere)
{
    struct item *item = builder_item(builder, ITEM_EVENT, key);
    item->event.event = *event;
    item->event.tid = tid;
    item->event.elsewhere = elsewhere;
    item->event.label = LABEL_HERE;
    if (event->class->begin_count > 0 || event->class->end_count > 0) {
        item->event.number = builder->counts.events - 1;
        item->event.summed = builder->summed;
    }
    if (builder->call_label != LABEL_HERE) {
        item->event.label = builder->call_label;
        builder->call_label = LABEL_HERE;
    }
    if (event->kind != EVENT_LOSS)
        builder->counts.single_events++;
    builder_send(builder);
}

void builder_single(struct partial_builder *builder, const struct event *event, int32_t tid,
                    const struct thread_known *key)
{
    send_event(builder, event, tid, key, false);
}

/* --- threads --- */

static struct thread_known *new_record(struct partial_builder *builder, int32_t tid)
{
    struct thread_known *thread = memory_new(sizeof *thread);
    thread->tid = tid;
    thread->group = builder->old_group;
    thread->may_hold_phase = builder->phases.set->count > 0;
    thread->phases.id = (uint32_t)tid;
    thread->life = ++builder->last_life;
    thread->phases.tid = tid;
    thread->phases.is_process = tid_is_of_process(tid);
    thread->cpu = -1;
    thread->last_ns = thread->named_ns = thread->wake_ns = TIME_NONE;
    thread->user[0].thread = thread->user[1].thread = thread;
    map_put(&builder->threads, (uint64_t)tid, thread);
    return thread;
}

static struct thread_known *record_at(struct partial_builder *builder, int32_t tid)
{
    struct thread_known **recent = &builder->recent[(unsigned)tid % THREAD_RECENT];
    if (*recent && (*recent)->tid == tid)
        return *recent;
    struct thread_known *thread = map_get(&builder->threads, (uint64_t)tid);
    return *recent = thread ? thread : new_record(builder, tid);
}

/* Nothing is sure any more of who shares descriptors with whom. */
static void merge_groups(struct partial_builder *builder)
{
    if (builder->groups == builder->old_group)
        return;
    builder_tell_all_groups(builder);
    struct thread_known *each;
    for (size_t at = 0; (each = map_next(&builder->threads, &at));)
        each->group = builder->old_group;
    builder_free_new_groups(builder);
}

/* The thread as the event names it. One that is met for the first time, without its fork, while
 * there are processes that were forked here, may be of any of them: its fork may be lost. That
 * matters once it does something to descriptors. */
static struct thread_known *thread_at(struct partial_builder *builder, int32_t tid)
{
    if (tid <= 0)
        return NULL;
    struct thread_known *thread = record_at(builder, tid);
    if (thread->met)
        return thread;
    thread->met = true;
    thread->late = builder->groups != builder->old_group;
    return thread;
}

/* What a process does of which no event says the thread. */
static struct thread_known *process_at(struct partial_builder *builder, int32_t pid)
{
    int32_t tid = tid_of_process(pid);
    if (!tid)
        return NULL;
    struct thread_known *thread = record_at(builder, tid);
    thread->met = true;
    thread->pid = pid;
    return thread;
}

void builder_be_uncertain(struct partial_builder *builder, struct thread_known *thread)
{
    thread->late = false;
    merge_groups(builder);
}

static void touch(struct partial_builder *builder, struct thread_known *thread, uint64_t time_ns)
{
    thread->last_ns = time_ns;
    builder_mark(builder, thread);
}

static void set_state(struct partial_builder *builder, struct thread_known *thread,
                      enum thread_state state, uint64_t time_ns)
{
    thread->state = (uint8_t)state;
    thread->state_since_ns = time_ns;
    thread->wake_ns = TIME_NONE;
    builder_mark(builder, thread);
}

/* An event that went out as it was has made the state known, here as there. */
static void know_state(struct thread_known *thread, enum thread_state state, uint64_t time_ns)
{
    thread->seen = true;
    thread->state_known = true;
    thread->state = (uint8_t)state;
    thread->state_since_ns = thread->from_ns = thread->clock_ns = time_ns;
    thread->wake_ns = TIME_NONE;
    thread->told_ns = time_ns;
    thread->cpu = -1;
}

/* What is open on it has passed to the past. */
static void forget_state(struct thread_known *thread)
{
    assert(thread->phases.count == 0);
    thread->state_known = false;
    thread->wake_ns = TIME_NONE;
    thread->call = CALL_UNKNOWN;
}

/* What follows under this number may be another life. */
static void forget_life(struct partial_builder *builder, struct thread_known *thread)
{
    forget_state(thread);
    instances_forget(&thread->phases);
    thread->life = ++builder->last_life;
    thread->label_epoch = 0;
    thread->pid = 0;
    thread->group = builder->old_group;
    thread->met = thread->late = thread->seen = thread->pid_told = thread->born = false;
    thread->program_known = false;
    thread->may_hold_phase = builder->phases.set->count > 0;
    thread->cpu = -1;
    thread->kernel_name_known = thread->user_name_known = false;
}

enum { NAME_BYTES = 16 }; /* of a thread, with the zero at its end */

static size_t name_length(struct text name)
{
    return name.count < NAME_BYTES - 1 ? name.count : NAME_BYTES - 1;
}

static bool is_name(const char known[NAME_BYTES], struct text name)
{
    size_t count = name_length(name);
    return known[count] == '\0' && memcmp(known, name.at, count) == 0;
}

static void put_name(char known[NAME_BYTES], struct text name)
{
    memset(known, 0, NAME_BYTES);
    if (name.count)
        memcpy(known, name.at, name_length(name));
}

static void name_thread(struct partial_builder *builder, struct thread_known *thread,
                        struct text name, bool by_kernel)
{
    char *known = by_kernel ? thread->kernel_name : thread->user_name;
    bool *is_known = by_kernel ? &thread->kernel_name_known : &thread->user_name_known;
    if (*is_known && is_name(known, name))
        return;
    put_name(known, name);
    *is_known = true;
    if (by_kernel)
        thread->kernel_name_unsent = true;
    else
        thread->user_name_unsent = true;
    builder_mark(builder, thread);
}

/* A name that goes out with the event itself. */
static void know_name(struct thread_known *thread, const struct event *event, unsigned slot)
{
    if (!thread || !event_has_text(event, slot))
        return;
    put_name(thread->kernel_name, event->text[slot]);
    thread->kernel_name_known = true;
}

/* Takes the thread off the list of those with something unsent. */
static void unmark(struct thread_known *thread)
{
    if (!thread->dirty)
        return;
    *thread->back_dirty = thread->next_dirty;
    if (thread->next_dirty)
        thread->next_dirty->back_dirty = thread->back_dirty;
    thread->dirty = false;
}

/* Whether the CPU it runs on has had events since the thread was last told. */
static bool ran_on(const struct partial_builder *builder, const struct thread_known *thread)
{
    return thread->cpu >= 0 && builder->cpus[thread->cpu].last_ns > thread->told_ns;
}

static bool is_free(const struct partial_builder *builder, const struct thread_known *thread)
{
    return thread->call == CALL_KNOWN_NONE && thread->call_epoch == builder->border_epoch;
}

static void fill_piece(struct partial_builder *builder, struct thread_known *thread,
                       struct thread_piece *piece)
{
    if (ran_on(builder, thread)) {
        uint64_t ran_ns = builder->cpus[thread->cpu].last_ns;
        if (thread->last_ns == TIME_NONE || ran_ns > thread->last_ns)
            thread->last_ns = ran_ns;
        thread->told_ns = ran_ns;
    }
    *piece = (struct thread_piece){.tid = thread->tid,
                                   .last_ns = thread->last_ns,
                                   .named_ns = thread->named_ns,
                                   .state_known = thread->state_known,
                                   .state = thread->state,
                                   .from_ns = thread->from_ns,
                                   .until_ns = thread->clock_ns,
                                   .state_since_ns = thread->state_since_ns,
                                   .wake_ns = thread->wake_ns,
                                   .cpu_ns = thread->cpu_ns,
                                   .switches = thread->switches,
                                   .latency = thread->latency,
                                   .time = thread->time};
    piece->call_register = thread->call == CALL_KNOWN_OPEN ? CALL_OPEN
                           : is_free(builder, thread)      ? CALL_NONE
                                                           : CALL_AS_BEFORE;
    if (thread->call == CALL_KNOWN_OPEN) {
        piece->open = thread->open;
        piece->open_label = thread->open_label;
    }
    if (thread->kernel_name_unsent) {
        piece->kernel_named = true;
        piece->kernel_name = text_of(thread->kernel_name);
    }
    if (thread->user_name_unsent) {
        piece->user_named = true;
        piece->user_name = text_of(thread->user_name);
    }
    piece->calls = thread->calls;
    piece->call_count = thread->call_count;
    piece->phases = thread->phase_cells;
    piece->phase_count = thread->phase_index.count;
    if (thread->ended)
        piece->ended_count = builder_ended(builder, thread, &piece->ended);
    piece->closings = thread->closings;
    piece->closing_count = thread->closing_count ? builder_closings(builder, thread) : 0;
    piece->credits = thread->credits;
    piece->credit_count = thread->credit_count;
}

void builder_tell_thread(struct partial_builder *builder, struct thread_known *thread)
{
    if (!thread || (!thread->dirty && thread->call != CALL_KNOWN_OPEN && !ran_on(builder, thread)))
        return;
    builder_tell_uses_of_thread(builder, thread);
    struct item *item = builder_item(builder, ITEM_THREAD, thread);
    fill_piece(builder, thread, &item->thread);
    builder_send(builder);

    unmark(thread);
    if (thread->call == CALL_KNOWN_OPEN) {
        builder_release_users(thread);
        thread->call = CALL_TOLD;
    }
    thread->from_ns = thread->clock_ns;
    thread->last_ns = thread->named_ns = TIME_NONE;
    thread->cpu_ns = thread->switches = 0;
    durations_clear(&thread->latency);
    time_vector_clear(&thread->time);
    for (size_t i = 0; i < thread->call_count; i++) {
        thread->call_at[thread->calls[i].call->id].at = 0;
        call_cell_clear(&thread->calls[i].cell);
    }
    thread->call_count = 0;
    if (thread->call_index.count > 0)
        cell_index_clear(&thread->call_index);
    if (thread->phase_index.count + thread->closing_count + thread->credit_count > 0)
        builder_phases_told(thread);
    thread->kernel_name_unsent = thread->user_name_unsent = false;
}

/* Also accounts for its time up to now: for what begins on it now. */
static void tell_thread_to(struct partial_builder *builder, struct thread_known *thread,
                           uint64_t now)
{
    if (!thread)
        return;
    if (thread->state_known && thread->clock_ns < now) {
        builder_book(thread, now);
        builder_mark(builder, thread);
    }
    builder_tell_thread(builder, thread);
}

/* The same, with what is open on it. */
static void pass_to(struct partial_builder *builder, struct thread_known *thread, uint64_t now)
{
    tell_thread_to(builder, thread, now);
    if (thread)
        builder_pass_instances(builder, thread);
}

/* --- CPUs --- */

static struct cpu_known *cpu_at(struct partial_builder *builder, int32_t number)
{
    if (number < 0)
        return NULL;
    size_t index = (size_t)number;
    if (index >= builder->cpu_count) {
        size_t room = builder->cpu_count;
        builder->cpus = memory_grow(builder->cpus, &room, index + 1, sizeof *builder->cpus);
        memset(builder->cpus + builder->cpu_count, 0,
               (room - builder->cpu_count) * sizeof *builder->cpus);
        builder->cpu_count = room;
    }
    return &builder->cpus[index];
}

static void tell_cpu(struct partial_builder *builder, int32_t number)
{
    struct cpu_known *cpu = &builder->cpus[number];
    if (!cpu->known || !cpu->dirty)
        return;
    struct item *item = builder_item(builder, ITEM_CPU, NULL);
    item->cpu = (struct cpu_piece){.cpu = number,
                                   .current = cpu->current  ? cpu->current->tid
                                              : cpu->nobody ? TID_NOBODY
                                                            : 0,
                                   .run_begin_ns = cpu->run_begin_ns,
                                   .run_whole = cpu->run_whole,
                                   .last_ns = cpu->last_ns,
                                   .busy_ns = cpu->busy_ns};
    builder_send(builder);
    cpu->busy_ns = 0;
    cpu->dirty = false;
}

/* Cuts all threads but those that run on other CPUs, and forgets what they do: any of them may
 * turn out to run on `number`, where nothing is known. */
static void cut_all(struct partial_builder *builder, int32_t number)
{
    for (size_t i = 0; i < builder->cpu_count; i++)
        tell_cpu(builder, (int32_t)i);
    struct thread_known *thread;
    for (size_t at = 0; (thread = map_next(&builder->threads, &at));) {
        if (thread->cpu >= 0 && thread->cpu != number)
            continue;
        builder_pass_instances(builder, thread);
        builder_tell_thread(builder, thread);
        forget_state(thread);
    }
}

static void tick(struct partial_builder *builder, uint64_t now_ns);

static void on_loss(struct partial_builder *builder, const struct event *event)
{
    if (!builder_has_loss(builder, event))
        return;
    if (event->time_ns >= builder->tick_ns)
        tick(builder, event->time_ns);
    builder->counts.tallies.at[TALLY_DISCARDED] += (uint64_t)event->value[0];
    builder->counts.tallies.at[TALLY_MISSING_PACKETS] += (uint64_t)event->value[3];
    if (!event_is_border(event))
        return;
    builder->counts.tallies.at[TALLY_LOSS_BORDERS]++;
    struct cpu_known *cpu = cpu_at(builder, event->cpu);
    if (!cpu)
        return;
    if (!builder->options.all_single) {
        builder_tell_all_groups(builder);
        struct thread_known *current = cpu->current;
        cut_all(builder, event->cpu);
        if (current)
            current->cpu = -1;
    }
    cpu->entered = cpu->known = false;
    cpu->current = NULL;
    builder->border_epoch++;
    builder_single(builder, event, TID_BY_CPU, NULL);
}

/* --- phases --- */

static bool is_phase_event(const struct event *event)
{
    return event->class->begin_count || event->class->end_count;
}

/* --- kernel events --- */

static bool leaves_for_good(int64_t prev_state)
{
    return (prev_state & (16 | 32 | 64 | 128)) && !(prev_state & 3);
}

static enum thread_state state_after(int64_t prev_state)
{
    bool one_bit = prev_state >= 1024 && (prev_state & (prev_state - 1)) == 0;
    return prev_state == 0 || prev_state == 256 || one_bit ? STATE_RUNNABLE : STATE_BLOCKED;
}

/* The thread is no more where it was thought to run: nobody is known to be there. */
static void leave_cpu(struct partial_builder *builder, struct thread_known *thread)
{
    if (thread->cpu < 0)
        return;
    struct cpu_known *cpu = &builder->cpus[thread->cpu];
    tell_cpu(builder, thread->cpu);
    cpu->current = NULL;
    cpu->nobody = true;
    cpu->run_whole = false;
    thread->cpu = -1;
}

static void leave_other_cpu(struct partial_builder *builder, struct thread_known *thread,
                            int32_t number)
{
    if (thread && thread->cpu != number)
        leave_cpu(builder, thread);
}

/* Whether nothing is in doubt about the thread but for who else the switch is of: who was current goes
 * on, or who waited begins to run. What is open on it then stays here. */
static bool is_just_switched(const struct event *event, const struct thread_known *thread,
                             const struct thread_known *thought, const struct thread_known *prev,
                             const struct thread_known *next)
{
    if (!thread->state_known || prev == next)
        return false;
    if (thread == prev)
        return prev == thought && !leaves_for_good(event->value[1]);
    return thread == next && next != thought && next->cpu < 0;
}

/* What is open on the thread, and what is unsent of it, passes. */
static void pass_open(struct partial_builder *builder, struct thread_known *thread)
{
    builder_pass_instances(builder, thread);
    builder_tell_thread(builder, thread);
}

/* A switch that only the past can understand: it goes out as it was, of thread `by` if that is not
 * NULL, and after it the CPU and both threads are known. */
static void single_switch(struct partial_builder *builder, const struct event *event,
                          struct thread_known *prev, struct thread_known *next, const int32_t *by)
{
    struct cpu_known *cpu = cpu_at(builder, event->cpu);
    assert(cpu);
    bool elsewhere = prev && prev->state_known && prev->cpu != event->cpu;
    struct thread_known *thought = cpu->known ? cpu->current : NULL;
    tell_cpu(builder, event->cpu);
    leave_other_cpu(builder, prev, event->cpu);
    leave_other_cpu(builder, next, event->cpu);
    struct thread_known *touched[] = {thought, prev, next};
    for (size_t i = 0; i < 3; i++) {
        struct thread_known *each = touched[i];
        if (each && !by && is_just_switched(event, each, thought, prev, next))
            tell_thread_to(builder, each, event->time_ns);
        else if (each)
            pass_open(builder, each);
    }
    struct thread_known *key = prev ? prev : next;
    int32_t tid = cpu->known ? (thought ? thought->tid : TID_NOBODY) : TID_BY_CPU;
    send_event(builder, event, by ? *by : tid, key, !cpu->known && elsewhere);

    if (thought && thought != prev) {
        forget_state(thought);
        thought->cpu = -1;
    }
    if (prev) {
        bool leaves = leaves_for_good(event->value[1]);
        if (leaves && (prev->exiting || !prev->exit_known)) {
            forget_life(builder, prev);
            prev->exit_known = true;
            prev->exiting = false;
        } else {
            know_state(prev, state_after(event->value[1]), event->time_ns);
            know_name(prev, event, 0);
        }
    }
    if (next) {
        know_state(next, STATE_RUNNING, event->time_ns);
        know_name(next, event, 1);
        next->cpu = event->cpu;
    }
    cpu->known = true;
    cpu->current = next;
    cpu->nobody = false;
    cpu->run_begin_ns = event->time_ns;
    cpu->run_whole = true;
    cpu->dirty = true;
}

static void on_switch(struct partial_builder *builder, const struct event *event)
{
    struct cpu_known *cpu = &builder->cpus[event->cpu];
    uint64_t now = event->time_ns;
    struct thread_known *prev = cpu->current;
    if (!prev || prev->tid != event->value[0])
        prev = thread_at(builder, (int32_t)event->value[0]);
    struct thread_known *next = thread_at(builder, (int32_t)event->value[2]);
    bool clear = cpu->known && !cpu->nobody && cpu->current == prev &&
                 (!prev || prev->state_known) && (!next || (next->state_known && next->cpu < 0));
    if (clear && prev && leaves_for_good(event->value[1]))
        clear = prev->exit_known && !prev->exiting;
    if (!clear) {
        single_switch(builder, event, prev, next, NULL);
        return;
    }
    if (prev) {
        builder_book(prev, now);
        if (cpu->run_whole) {
            prev->cpu_ns += now - cpu->run_begin_ns;
            cpu->busy_ns += now - cpu->run_begin_ns;
        }
        set_state(builder, prev, state_after(event->value[1]), now);
        prev->named_ns = prev->last_ns = now;
        prev->cpu = -1;
        if (event_has_text(event, 0))
            name_thread(builder, prev, event->text[0], true);
    }
    if (next) {
        builder_book(next, now);
        if (next->wake_ns != TIME_NONE)
            durations_add(&next->latency, now - next->wake_ns);
        set_state(builder, next, STATE_RUNNING, now);
        next->named_ns = next->last_ns = now;
        next->switches++;
        next->cpu = event->cpu;
        if (event_has_text(event, 1))
            name_thread(builder, next, event->text[1], true);
    }
    cpu->current = next;
    cpu->run_begin_ns = now;
    cpu->run_whole = true;
}

/* The thread of an event, as tid for whoever knows the past. */
static int32_t thread_number(const struct thread_known *thread)
{
    return thread ? thread->tid : TID_NOBODY;
}

/* A wakeup that goes out as it was. */
static void single_wakeup(struct partial_builder *builder, const struct event *event, int32_t tid)
{
    struct thread_known *thread = thread_at(builder, (int32_t)event->value[0]);
    if (thread)
        builder_pass_instances(builder, thread);
    builder_tell_thread(builder, thread);
    builder_single(builder, event, tid, thread);
    if (!thread)
        return;
    thread->seen = true;
    know_name(thread, event, 0);
    bool counts = thread->state == STATE_BLOCKED || thread->state == STATE_UNKNOWN;
    if (thread->state_known && counts && builder->options.counts_switches) {
        int32_t cpu = thread->cpu; /* where its state is unknown, it may be thought current */
        know_state(thread, STATE_RUNNABLE, event->time_ns);
        thread->cpu = cpu;
        thread->wake_ns = event->time_ns;
    }
}

static void on_wakeup(struct partial_builder *builder, const struct event *event,
                      const struct thread_known *current)
{
    struct thread_known *thread = thread_at(builder, (int32_t)event->value[0]);
    if (!thread)
        return;
    if (!thread->state_known && (builder->options.counts_switches || !thread->seen)) {
        single_wakeup(builder, event, thread_number(current));
        return;
    }
    touch(builder, thread, event->time_ns);
    if (event_has_text(event, 0))
        name_thread(builder, thread, event->text[0], true);
    bool counts = thread->state == STATE_BLOCKED || thread->state == STATE_UNKNOWN;
    if (!counts || !builder->options.counts_switches)
        return;
    builder_book(thread, event->time_ns);
    set_state(builder, thread, STATE_RUNNABLE, event->time_ns);
    thread->wake_ns = event->time_ns;
}

/* Whether the parent's call in progress may share its descriptors with a new process. */
static bool may_share_files(const struct thread_known *parent)
{
    if (!parent || parent->call == CALL_UNKNOWN || parent->call == CALL_TOLD)
        return true;
    const struct open_call *open = &parent->open;
    return parent->call == CALL_KNOWN_OPEN && strcmp(open->call->name, "clone") == 0 &&
           (!(open->present & 4) || (open->value[2] & CALL_CLONE_FILES));
}

/* Whether a new thread of process `pid` is forked by one of another. */
static bool contradicts(const struct partial_builder *builder, const struct table_group *of_parent,
                        int32_t pid)
{
    if (of_parent != builder->old_group && of_parent->pid != pid)
        return true;
    for (const struct table_group *group = builder->groups; group; group = group->next)
        if (group != of_parent && group->pid == pid)
            return true;
    return false;
}

static void on_fork(struct partial_builder *builder, const struct event *event,
                    const struct thread_known *current, bool by_cpu)
{
    struct thread_known *parent = thread_at(builder, (int32_t)event->value[0]);
    int32_t child_tid = (int32_t)event->value[2];
    struct thread_known *child = child_tid > 0 ? record_at(builder, child_tid) : NULL;
    builder_before_descriptors(builder, parent);
    bool thread_of_parent = event->value[2] != event->value[3];
    bool may_share = may_share_files(parent);
    builder_tell_proofs(builder, parent ? parent->group : builder->old_group);
    builder_tell_thread(builder, parent);
    if (child) {
        builder_pass_instances(builder, child);
        builder_tell_thread(builder, child);
        leave_cpu(builder, child);
    }
    builder_single(builder, event, by_cpu ? TID_BY_CPU : thread_number(current), parent);
    if (parent) {
        parent->pid_told = parent->seen = true;
        parent->pid = (int32_t)event->value[1];
        builder_told_pid(builder, parent, 0, parent->pid);
        know_name(parent, event, 0);
    }
    if (!child)
        return;
    forget_life(builder, child);
    child->met = child->seen = child->born = child->pid_told = true;
    child->pid = (int32_t)event->value[3];
    child->may_hold_phase = false;
    if (!thread_of_parent)
        instances_forked(&builder->phases, child->pid);
    builder_told_pid(builder, child, 0, child->pid);
    if (!thread_of_parent)
        builder_forked(builder, child);
    builder->epoch++;
    child->exit_known = true;
    child->exiting = false;
    know_name(child, event, 1);
    know_state(child, STATE_UNKNOWN, event->time_ns);
    struct table_group *group = parent ? parent->group : builder->old_group;
    if (thread_of_parent) {
        if (contradicts(builder, group, child->pid)) {
            merge_groups(builder);
            group = builder->old_group;
        }
        child->group = group;
    } else if (may_share) {
        group->certain = false;
        child->group = group;
    } else {
        child->group = builder_new_group(builder);
        child->group->certain = true;
        child->group->pid = child->pid;
    }
}

static void on_exec(struct partial_builder *builder, const struct event *event,
                    const struct thread_known *current, bool by_cpu)
{
    int32_t tid = (int32_t)event->value[0];
    int32_t old_tid = event_has_value(event, 1) ? (int32_t)event->value[1] : tid;
    struct thread_known *thread = thread_at(builder, old_tid);
    if (!thread) {
        if (by_cpu)
            builder_single(builder, event, TID_BY_CPU, NULL);
        return;
    }
    builder_before_descriptors(builder, thread);
    bool by_other = old_tid != tid;
    if (by_other) {
        /* It ends every thread of the process: nothing is known of any. */
        builder_pass_all(builder);
        builder_tell_all_groups(builder);
        for (size_t i = 0; i < builder->cpu_count; i++)
            tell_cpu(builder, (int32_t)i);
        struct thread_known *each;
        for (size_t at = 0; (each = map_next(&builder->threads, &at));)
            builder_tell_thread(builder, each);
    } else {
        builder_tell_group(builder, thread->group);
        builder_told_pid(builder, thread, 0, tid);
        builder_before_exec(builder, thread);
        builder_tell_thread(builder, thread);
    }
    bool elsewhere = by_cpu && thread->state_known;
    send_event(builder, event, by_cpu ? TID_BY_CPU : thread_number(current), thread, elsewhere);
    thread->pid_told = thread->seen = true;
    thread->pid = tid;
    thread->kernel_name_known = false;
    if (!by_other)
        return;
    struct thread_known *each;
    for (size_t at = 0; (each = map_next(&builder->threads, &at));) {
        int32_t cpu = each->cpu;
        forget_life(builder, each);
        each->exit_known = false;
        each->cpu = cpu;
    }
    for (size_t i = 0; i < builder->cpu_count; i++) {
        builder->cpus[i].known = false;
        if (builder->cpus[i].current)
            builder->cpus[i].current->cpu = -1;
        builder->cpus[i].current = NULL;
    }
}

static void on_thread_exit(struct partial_builder *builder, const struct event *event,
                           const struct thread_known *current, bool by_cpu)
{
    struct thread_known *thread = thread_at(builder, (int32_t)event->value[0]);
    if (!thread) {
        if (by_cpu)
            builder_single(builder, event, TID_BY_CPU, NULL);
        return;
    }
    builder_before_descriptors(builder, thread);
    builder_tell_group(builder, thread->group);
    builder_before_exit(builder, thread);
    tell_thread_to(builder, thread, event->time_ns); /* it ends the call in progress */
    builder_single(builder, event, by_cpu ? TID_BY_CPU : thread_number(current), thread);
    know_name(thread, event, 0);
    thread->seen = true;
    thread->exit_known = thread->exiting = true;
    (void)instances_exited(&thread->phases);
    builder->epoch++;
    thread->call = CALL_UNKNOWN;
}

static void told_process(struct partial_builder *builder, struct thread_known *thread,
                         const struct event *event)
{
    if (!event_tells_dead(event))
        builder_told_pid(builder, thread, 0, (int32_t)event->value[1]);
}

static void on_told(struct partial_builder *builder, const struct event *event,
                    struct thread_known *current, bool by_cpu)
{
    struct thread_known *thread =
        event->kind == EVENT_TOLD_FD ? NULL : thread_at(builder, (int32_t)event->value[0]);
    builder_tell_all_groups(builder);
    builder_tell_thread(builder, thread);
    builder_single(builder, event, by_cpu ? TID_BY_CPU : thread_number(current),
                   thread ? thread : current);
    if (!thread)
        return;
    thread->kernel_name_known = false;
    if (event->kind == EVENT_TOLD_PROCESS)
        told_process(builder, thread, event);
}

/* "The switch is right": without a context it is of its prev_tid, whoever is thought current. */
static bool is_of_prev(const struct event *event)
{
    return event->kind == EVENT_SWITCH && !(event->has & EVENT_HAS_TID);
}

/* The thread that a kernel event says itself that it is of, unless the past knows better; NULL if
 * none, or one inside of a namespace, of which nothing is known here. */
static struct thread_known *thread_by_itself(struct partial_builder *builder,
                                             const struct event *event)
{
    if (event->has & EVENT_HAS_TID)
        return thread_at(builder, event->tid);
    if (is_of_prev(event))
        return thread_at(builder, (int32_t)event->value[0]);
    int32_t shown = event_shown_current(event);
    if (shown > 0)
        return thread_at(builder, shown);
    bool by_vtid = (event->has & EVENT_HAS_VTID) && !event_is_inner(event);
    return by_vtid ? thread_at(builder, event->vtid) : NULL;
}

/* An event of a CPU whose thread only the past knows. */
static void send_head_event(struct partial_builder *builder, const struct event *event)
{
    /* It may be one that is known here. */
    struct thread_known *thread = thread_by_itself(builder, event);
    if (thread) {
        builder_pass_instances(builder, thread);
        tell_thread_to(builder, thread, event->time_ns);
        thread->call = CALL_UNKNOWN;
        thread->kernel_name_known = false;
    }
    if (is_phase_event(event) || event->kind == EVENT_CALL_ENTRY || event->kind == EVENT_CALL_EXIT)
        builder_pass_all(builder);
    if (is_phase_event(event))
        builder_before_phase(builder, thread, event, false);
    switch ((enum event_kind)event->kind) {
    case EVENT_SWITCH:
        single_switch(builder, event, thread_at(builder, (int32_t)event->value[0]),
                      thread_at(builder, (int32_t)event->value[2]), NULL);
        return;
    case EVENT_FORK: on_fork(builder, event, NULL, true); return;
    case EVENT_EXEC: on_exec(builder, event, NULL, true); return;
    case EVENT_EXIT: on_thread_exit(builder, event, NULL, true); return;
    case EVENT_TOLD_PROCESS:
    case EVENT_TOLD_PID_NS:
    case EVENT_TOLD_FD: on_told(builder, event, NULL, true); return;
    case EVENT_CALL_ENTRY:
    case EVENT_CALL_EXIT:
        builder_tell_all_groups(builder);
        builder_part(builder, NULL, event);
        break;
    case EVENT_WAKEUP: single_wakeup(builder, event, TID_BY_CPU); return;
    case EVENT_LOSS:
    case EVENT_OTHER: break;
    }
    builder_single(builder, event, TID_BY_CPU, NULL);
}

static void on_head_event(struct partial_builder *builder, const struct event *event)
{
    send_head_event(builder, event);
    if (event->has & (EVENT_HAS_PID | EVENT_HAS_VPID))
        builder_doubt_pid(builder,
                          event->has & EVENT_HAS_TID ? thread_at(builder, event->tid) : NULL);
}

/* Whether contexts of the event tell the process of its thread: where the vtid is an inner number,
 * so is the vpid. */
static bool tells_pid(const struct event *event, const struct thread_known *thread)
{
    bool inner =
        event_is_inner(event) || ((event->has & EVENT_HAS_VTID) && event->vtid != thread->tid &&
                                  !tid_is_of_process(thread->tid));
    return (event->has & EVENT_HAS_PID) || ((event->has & EVENT_HAS_VPID) && !inner);
}

/* Whether contexts tell of the thread's process what the past may not know. */
static bool tells_news(struct partial_builder *builder, const struct event *event,
                       struct thread_known *thread)
{
    if (!tells_pid(event, thread))
        return false;
    int32_t pid = event->has & EVENT_HAS_PID ? event->pid : event->vpid;
    bool changes = builder_told_pid(builder, thread, 0, pid);
    return changes || !thread->pid_told;
}

/* What is unsent of a thread before an event of it goes out whole; `phases`: with what it begins and
 * ends, but what is summed. */
static void tell_before(struct partial_builder *builder, struct thread_known *thread,
                        const struct event *event, bool phases)
{
    if (phases)
        builder_before_phase(builder, thread, event, true);
    else
        tell_thread_to(builder, thread, event->time_ns);
}

/* Contexts of an event of a thread that is known; false if they told something and the event
 * went out as it was for that. */
static bool take_contexts(struct partial_builder *builder, struct thread_known *thread,
                          const struct event *event)
{
    if (event->has & EVENT_HAS_PROCNAME)
        name_thread(builder, thread, event->procname, true);
    bool tells = tells_news(builder, event, thread);
    bool phases = is_phase_event(event);
    if (phases && !tells && thread->seen)
        phases = !builder_sum_phases(builder, thread, event);
    if (!tells && thread->seen && !phases)
        return true;
    if (tells)
        builder_tell_group(builder, thread->group);
    thread->pid_told |= tells;
    if (tells && (event->has & EVENT_HAS_PID))
        thread->pid = event->pid;
    tell_before(builder, thread, event, phases);
    thread->seen = true;
    return false;
}

static bool is_idle(const struct cpu_known *cpu)
{
    return cpu->known && !cpu->current && !cpu->nobody;
}

/* The thread current on the event's CPU; where nobody is known to be, the one that the event shows to
 * be, or NULL. */
static struct thread_known *current_thread(struct partial_builder *builder,
                                           const struct event *event)
{
    const struct cpu_known *cpu = &builder->cpus[event->cpu];
    return cpu->current || is_idle(cpu) ? cpu->current
                                        : thread_at(builder, event_shown_current(event));
}

/* An event of a CPU where nobody is known to be current, and that tells no thread itself. */
static void count_nobody(struct partial_builder *builder, const struct event *event)
{
    if (event_class_needs_thread(event->class))
        builder->counts.tallies.at[builder->options.counts_switches ? TALLY_KERNEL_NOBODY
                                                                    : TALLY_KERNEL_NO_SWITCHES]++;
}

/* A context of another thread than the one thought current: by then that has been switched out,
 * unseen. */
static void doubt_current(struct partial_builder *builder, struct cpu_known *cpu, uint64_t time_ns)
{
    cpu->run_whole = false;
    cpu->dirty = true;
    if (!cpu->current || !cpu->current->state_known || cpu->current->state == STATE_UNKNOWN)
        return;
    builder_book(cpu->current, time_ns);
    set_state(builder, cpu->current, STATE_UNKNOWN, time_ns);
}

/* An event of a CPU whose current thread is known, or of one that no switch will ever tell. */
static void on_known_cpu(struct partial_builder *builder, const struct event *event)
{
    struct cpu_known *cpu = &builder->cpus[event->cpu];
    bool switches = builder->options.counts_switches;
    struct thread_known *thread = current_thread(builder, event);
    if (event->kind == EVENT_EXEC) {
        /* Whatever its context, it is of the thread that it tells. */
        if (is_phase_event(event))
            builder_before_phase(builder, thread_at(builder, (int32_t)event->value[0]), event,
                                 false);
        builder_tell_thread(builder, thread);
        if (thread)
            thread->told_ns = event->time_ns;
        on_exec(builder, event, thread, false);
        if (event->has & (EVENT_HAS_PID | EVENT_HAS_VPID))
            builder_doubt_pid(builder, NULL);
        return;
    }
    bool is_nobodys =
        !thread && !is_idle(cpu) && !(event->has & EVENT_HAS_TID) && event->kind != EVENT_SWITCH;
    bool may_be_known =
        (event->has & EVENT_HAS_VTID) || (is_phase_event(event) && event_has_process(event));
    if (is_nobodys && may_be_known) {
        /* Only the past knows whether its vtid, or vpid, tells. */
        tell_cpu(builder, event->cpu);
        on_head_event(builder, event);
        return;
    }
    if (is_nobodys)
        count_nobody(builder, event);
    if (event->has & EVENT_HAS_TID) {
        bool odd = switches && event->tid != (thread ? thread->tid : cpu->nobody ? -1 : 0);
        thread = thread_at(builder, event->tid);
        if (odd) {
            if (!cpu->nobody)
                builder->counts.tallies.at[TALLY_UNSEEN_SWITCHES] +=
                    event_shows_unseen_switch(event);
            /* The context decides, against what the switches told. */
            builder_tell_all_groups(builder);
            tell_cpu(builder, event->cpu);
            pass_to(builder, thread, event->time_ns);
            pass_to(builder, cpu->current, event->time_ns);
            if (cpu->current)
                cpu->current->told_ns = event->time_ns; /* the event is not its own */
            if (thread) {
                thread->call = CALL_UNKNOWN;
                thread->kernel_name_known = false;
            }
            doubt_current(builder, cpu, event->time_ns);
            if (is_phase_event(event))
                builder_before_phase(builder, thread, event, false);
            if (event->kind == EVENT_SWITCH) {
                int32_t by = thread_number(thread);
                single_switch(builder, event, thread_at(builder, (int32_t)event->value[0]),
                              thread_at(builder, (int32_t)event->value[2]), &by);
                return;
            }
            if (event->kind == EVENT_CALL_ENTRY || event->kind == EVENT_CALL_EXIT ||
                event->kind == EVENT_OTHER) {
                builder_part(builder, thread, event);
                builder_single(builder, event, thread_number(thread), thread);
                if (thread)
                    thread->seen = true;
                return;
            }
            if (thread)
                touch(builder, thread, event->time_ns);
        }
    }
    if (is_of_prev(event))
        thread = thread_at(builder, (int32_t)event->value[0]);
    if (thread && thread->told_ns == event->time_ns)
        touch(builder, thread, event->time_ns); /* behind one of that time that was not its own */
    bool sent = false;
    if (thread && (event->has || !thread->seen || is_phase_event(event)))
        sent = !take_contexts(builder, thread, event);
    if (thread && !switches)
        touch(builder, thread, event->time_ns);
    if (sent) {
        builder_tell_thread(builder, thread);
        /* The event goes out whole, for its phase or what it tells: what it is besides must not
         * be summed again. */
        switch ((enum event_kind)event->kind) {
        case EVENT_SWITCH:
            single_switch(builder, event, thread_at(builder, (int32_t)event->value[0]),
                          thread_at(builder, (int32_t)event->value[2]), NULL);
            return;
        case EVENT_WAKEUP: single_wakeup(builder, event, thread_number(thread)); return;
        case EVENT_CALL_ENTRY:
        case EVENT_CALL_EXIT:
            builder_tell_group(builder, thread->group);
            builder_part(builder, thread, event);
            builder_pass_instances(builder, thread);
            thread->call = CALL_UNKNOWN;
            break;
        case EVENT_FORK: on_fork(builder, event, thread, false); return;
        case EVENT_EXEC: on_exec(builder, event, thread, false); return;
        case EVENT_EXIT: on_thread_exit(builder, event, thread, false); return;
        case EVENT_TOLD_PROCESS:
        case EVENT_TOLD_PID_NS:
        case EVENT_TOLD_FD: on_told(builder, event, thread, false); return;
        case EVENT_LOSS:
        case EVENT_OTHER: break;
        }
        builder_single(builder, event, thread_number(thread), thread);
        return;
    }
    switch ((enum event_kind)event->kind) {
    case EVENT_SWITCH: on_switch(builder, event); break;
    case EVENT_WAKEUP: on_wakeup(builder, event, thread); break;
    case EVENT_FORK: on_fork(builder, event, thread, false); break;
    case EVENT_EXEC: on_exec(builder, event, thread, false); break;
    case EVENT_EXIT: on_thread_exit(builder, event, thread, false); break;
    case EVENT_TOLD_PROCESS:
    case EVENT_TOLD_PID_NS:
    case EVENT_TOLD_FD: on_told(builder, event, thread, false); break;
    case EVENT_CALL_ENTRY:
        if (thread)
            builder_call_entry(builder, thread, event);
        break;
    case EVENT_CALL_EXIT:
        if (thread)
            builder_call_exit(builder, thread, event);
        break;
    case EVENT_LOSS:
    case EVENT_OTHER: break;
    }
}

static void on_kernel_event(struct partial_builder *builder, const struct event *event)
{
    struct cpu_known *cpu = cpu_at(builder, event->cpu);
    bool switches = builder->options.counts_switches;
    if (cpu && !cpu->entered) {
        if (switches)
            cut_all(builder, event->cpu);
        cpu->entered = true;
    }
    if (!cpu || (switches && !cpu->known)) {
        on_head_event(builder, event);
        if (cpu)
            cpu->last_ns = event->time_ns;
        return;
    }
    cpu->dirty = true;
    on_known_cpu(builder, event);
    builder->cpus[event->cpu].last_ns = event->time_ns;
}

/* --- user space --- */

/* Whether the trace says of the process what the model does not know yet. */
static bool tells_program(const struct event *event, const struct thread_known *thread)
{
    return (event->has & EVENT_HAS_PROGRAM) &&
           !(thread->program_known && is_name(thread->program, event->program));
}

static void know_program(struct thread_known *thread, const struct event *event)
{
    if (!(event->has & EVENT_HAS_PROGRAM))
        return;
    put_name(thread->program, event->program);
    thread->program_known = true;
}

/* What a user-space event says itself that it is of: a thread, or a process; NULL if it says
 * neither, or by numbers inside of a namespace, of which nothing is known here. */
static struct thread_known *named_by(struct partial_builder *builder, const struct event *event)
{
    if (event_is_inner(event))
        return NULL;
    if (event->has & EVENT_HAS_VTID)
        return thread_at(builder, event->vtid);
    bool by_process = (event->has & EVENT_HAS_VPID) && !builder->options.has_kernel;
    return by_process ? process_at(builder, event->vpid) : NULL;
}

/* A user-space event whose thread only the past knows. */
static void user_event_alone(struct partial_builder *builder, const struct event *event,
                             struct thread_known *current, struct thread_known *named)
{
    const struct cpu_known *cpu = builder->options.has_kernel ? cpu_at(builder, event->cpu) : NULL;
    if (cpu && cpu->known)
        tell_cpu(builder, event->cpu);
    builder_tell_all_groups(builder);
    struct thread_known *may_be[] = {current, named};
    for (size_t i = 0; i < 2; i++) {
        if (is_phase_event(event))
            builder_before_phase(builder, may_be[i], event, false);
        tell_thread_to(builder, may_be[i], event->time_ns);
    }
    builder_single(builder, event, TID_BY_CPU, named ? named : current);
    for (size_t i = 0; i < 2; i++)
        if (may_be[i] && (event->has & (EVENT_HAS_PID | EVENT_HAS_VPID)))
            builder_doubt_pid(builder, may_be[i]);
    if (named)
        named->user_name_known = named->program_known = false;
    if (current)
        current->user_name_known = current->program_known = false;
}

static void on_user_event(struct partial_builder *builder, const struct event *event)
{
    struct cpu_known *cpu = builder->options.has_kernel ? cpu_at(builder, event->cpu) : NULL;
    struct thread_known *current = cpu && cpu->known ? cpu->current : NULL;
    struct thread_known *named = named_by(builder, event);
    bool certain =
        builder->options.has_kernel ? current && (!named || named == current) : named != NULL;
    if (!certain) {
        if (builder->options.has_kernel || (event->has & (EVENT_HAS_VTID | EVENT_HAS_VPID)))
            user_event_alone(builder, event, current, named);
        else
            builder->counts.tallies.at[TALLY_USER_NOBODY]++;
        return;
    }
    struct thread_known *thread = named ? named : current;
    builder->counts.tallies.at[TALLY_USER_PROCESS] += tid_is_of_process(thread->tid);
    if (event->has & EVENT_HAS_PROCNAME)
        name_thread(builder, thread, event->procname, false);
    bool tells = tells_news(builder, event, thread);
    bool alone = tells || !thread->seen || tells_program(event, thread);
    touch(builder, thread, event->time_ns);
    bool phases = is_phase_event(event);
    if (phases && !alone)
        phases = !builder_sum_phases(builder, thread, event);
    if (!alone && !phases)
        return;
    if (tells) {
        builder_tell_group(builder, thread->group);
        thread->pid_told = true;
        thread->pid = event->vpid;
    }
    know_program(thread, event);
    tell_before(builder, thread, event, phases);
    builder_single(builder, event, thread->tid, thread);
    thread->seen = true;
}

/* --- memory that is asked for ahead --- */

enum {
    LINE_BYTES = 64,
    THREADS_CACHED = 512, /* what is known of so many is in a cache anyway */
    COMING_MAX = 16,      /* threads; what is asked for must still be there when its turn comes */
    COMING_PARTS = 8      /* of a thread: descriptor numbers, and calls */
};

static inline void ask_for(const void *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += LINE_BYTES)
        __builtin_prefetch((const char *)at + i, 1);
}

static void ask_for_counters(const struct durations *durations)
{
    if (durations->form == DURATIONS_NARROW)
        ask_for(durations->narrow, durations->size * sizeof *durations->narrow);
}

/* Of the threads that the events switch to, in steps: what one step reads, the one before has asked for,
 * of all threads at once. */
NEVER_INLINE static void ask_ahead(const struct partial_builder *builder,
                                   const struct event *events, size_t count)
{
    const struct thread_known *coming[COMING_MAX];
    size_t coming_count = 0;
    for (size_t i = 0; i < count && coming_count < COMING_MAX; i++) {
        const struct thread_known *thread =
            events[i].kind == EVENT_SWITCH
                ? map_get(&builder->threads, (uint64_t)events[i].value[2])
                : NULL;
        if (!thread)
            continue;
        coming[coming_count++] = thread;
        ask_for(thread,
                offsetof(struct thread_known, low_uses) + COMING_PARTS * sizeof *thread->low_uses);
    }
    for (size_t i = 0; i < coming_count; i++) {
        const struct thread_known *thread = coming[i];
        for (size_t k = 0; k < COMING_PARTS; k++)
            if (thread->low_uses[k])
                ask_for(thread->low_uses[k], sizeof *thread->low_uses[k]);
        if (thread->call_count > 0)
            ask_for(thread->calls, COMING_PARTS / 2 * sizeof *thread->calls);
        ask_for_counters(&thread->latency);
    }
    for (size_t i = 0; i < coming_count; i++) {
        const struct thread_known *thread = coming[i];
        for (size_t k = 0; k < COMING_PARTS; k++)
            if (thread->low_uses[k])
                ask_for_counters(&thread->low_uses[k]->cell.calls);
        for (size_t k = 0; k < thread->call_count && k < COMING_PARTS / 2; k++) {
            const struct piece_call *piece = &thread->calls[k];
            __builtin_prefetch(&thread->call_at[piece->call->id]);
            ask_for_counters(&piece->cell.complete);
        }
    }
}

/* --- the whole --- */

/* Takes events as long as they are of a class that is plain, on a CPU whose thread is known.
 * Returns how many. */
static size_t add_plain(struct partial_builder *builder, const struct event *events, size_t count)
{
    const size_t cpu_count = builder->cpu_count;
    const struct event *event = events, *const end = events + count;
    for (; event < end; event++) {
        if (!event->class->is_plain || event->has || (size_t)event->cpu >= cpu_count ||
            event->time_ns >= builder->tick_ns)
            break; /* a CPU below 0 is beyond any count */
        struct cpu_known *cpu = &builder->cpus[event->cpu];
        struct thread_known *thread = cpu->current;
        if (!cpu->known || (thread && !thread->seen) || event->time_ns == cpu->last_ns)
            break;
        cpu->dirty = true;
        if (event->kind == EVENT_CALL_ENTRY) {
            if (thread)
                builder_call_entry(builder, thread, event);
            else if (cpu->nobody)
                count_nobody(builder, event);
        } else if (event->kind == EVENT_CALL_EXIT) {
            if (thread)
                builder_call_exit(builder, thread, event);
            else if (cpu->nobody)
                count_nobody(builder, event);
        } else if (event->kind == EVENT_SWITCH) {
            on_switch(builder, event);
        } else if (event->kind == EVENT_WAKEUP) {
            on_wakeup(builder, event, thread);
        }
        cpu->last_ns = event->time_ns;
    }
    if (event > events) {
        builder->counts.events += (size_t)(event - events);
        builder->counts.last_ns = event[-1].time_ns;
    }
    return (size_t)(event - events);
}

/* Tells what is not told yet. */
static void tell_all(struct partial_builder *builder)
{
    builder_tell_all_groups(builder);
    struct thread_known *thread;
    for (size_t at = 0; (thread = map_next(&builder->threads, &at));)
        builder_tell_thread(builder, thread);
    builder_pass_all(builder);
    for (size_t i = 0; i < builder->cpu_count; i++)
        tell_cpu(builder, (int32_t)i);
}

/* Frees all that is known. */
static void forget_all(struct partial_builder *builder)
{
    instances_close_all(&builder->phases);
    struct thread_known *thread;
    for (size_t at = 0; (thread = map_next(&builder->threads, &at));) {
        time_vector_free(&thread->time);
        durations_clear(&thread->latency);
        builder_phases_told(thread);
        cell_index_free(&thread->phase_index);
        cell_index_free(&thread->call_index);
        free(thread->phase_cells);
        free(thread->closings);
        free(thread->credits);
        instances_forget(&thread->phases);
        for (size_t k = 0; k < thread->call_count; k++)
            call_cell_clear(&thread->calls[k].cell);
        for (struct unsent_uses *uses = thread->uses; uses; uses = uses->next_of_thread)
            use_cell_clear(&uses->cell);
        for (struct unsent_life *life = thread->lives; life; life = life->next_of_thread)
            use_cell_clear(&life->piece.cell);
        map_clear(&thread->high_uses);
        free(thread->calls);
        free(thread->call_at);
        free(thread);
    }
    map_clear(&builder->threads);
    map_clear(&builder->labels);
    builder_free_ended(builder);
    instances_clear(&builder->phases);
    free(builder->remote_order);
    free(builder->strangers);
    builder_free_groups(builder);
    free(builder->cpus);
    arena_clear(&builder->arena);
}

/* Whatever the past forgets at this instant may come again as another: from here on, nothing is known, as
 * if an interval began. */
static void renew(struct partial_builder *builder, uint64_t now_ns)
{
    if (builder->renew_ns > 0 && !builder->options.all_single) {
        tell_all(builder);
        forget_all(builder);
        *builder = (struct partial_builder){.schema = builder->schema,
                                            .options = builder->options,
                                            .counts = builder->counts,
                                            .last_label = builder->last_label,
                                            .engine = builder->engine};
        know_nothing(builder);
    }
    builder->renew_ns = now_ns - now_ns % LIVES_TICK_NS + LIVES_TICK_NS;
    /* Pieces that come before the next event must find the past with what it has forgotten. */
    if (!builder->options.all_single)
        builder_tell_time(builder, now_ns);
}

static void tick(struct partial_builder *builder, uint64_t now_ns)
{
    if (now_ns >= builder->renew_ns)
        renew(builder, now_ns);
    builder_tick(builder, now_ns);
    if (builder->renew_ns < builder->tick_ns)
        builder->tick_ns = builder->renew_ns;
}

NEVER_INLINE static void add_any(struct partial_builder *builder, const struct event *event)
{
    if (event->kind == EVENT_LOSS) {
        on_loss(builder, event);
        return;
    }
    if (!builder_in_interval(builder, event->time_ns))
        return;
    struct partial_counts *counts = &builder->counts;
    if (counts->first_ns == TIME_NONE) {
        counts->first_ns = event->time_ns;
        counts->first_trace = event->trace;
    }
    counts->last_ns = event->time_ns;
    counts->events++;
    builder->summed = 0;
    if (event->time_ns >= builder->tick_ns)
        tick(builder, event->time_ns);
    /* Of a CPU that cannot be, or a switch on none: nobody's. */
    if (event->cpu > CPU_NUMBER_MAX)
        return;
    if (event->kind == EVENT_SWITCH && event->cpu < 0) {
        counts->tallies.at[TALLY_KERNEL_NO_CPU]++;
        return;
    }
    if (builder->options.all_single)
        builder_single(builder, event, TID_BY_CPU, NULL);
    else if (event->domain == DOMAIN_UST)
        on_user_event(builder, event);
    else
        on_kernel_event(builder, event);
}

/* Calls of which only the number is known. */
static void count_unnamed(struct partial_builder *builder, const struct event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (events[i].kind == EVENT_CALL_ENTRY && events[i].class->unknown_call &&
            builder_in_interval(builder, events[i].time_ns))
            builder->counts.tallies.at[TALLY_UNNAMED_CALLS]++;
}

static void add(struct partial_builder *builder, const struct event *events, size_t count)
{
    struct partial_counts *counts = &builder->counts;
    /* Events are in order: between two that are in the interval, all are. */
    bool inside = count > 0 && counts->first_ns != TIME_NONE && !builder->options.all_single &&
                  builder_in_interval(builder, events[0].time_ns) &&
                  builder_in_interval(builder, events[count - 1].time_ns);
    if (inside && builder->threads.count > THREADS_CACHED)
        ask_ahead(builder, events, count);
    while (count > 0) {
        size_t taken = inside ? add_plain(builder, events, count) : 0;
        if (taken < count)
            add_any(builder, &events[taken++]);
        events += taken;
        count -= taken;
    }
}

void partial_builder_add(struct partial_builder *builder, const struct event *events, size_t count)
{
    if (builder->options.names_no_calls)
        count_unnamed(builder, events, count);
    while (count > 0) {
        size_t taken = builder_map_analyses(builder, events, count);
        add(builder, events, taken);
        events += taken;
        count -= taken;
    }
}

void partial_builder_finish(struct partial_builder *builder)
{
    tell_all(builder);
    engine_finish(builder->engine);
}

struct partial_counts partial_builder_counts(const struct partial_builder *builder)
{
    struct partial_counts counts = builder->counts;
    counts.single_events += engine_single_events(builder->engine);
    return counts;
}

void partial_builder_free(struct partial_builder *builder)
{
    if (!builder)
        return;
    forget_all(builder);
    engine_free(builder->engine);
    free(builder);
}
