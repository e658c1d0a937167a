/* CPUs: current threads, switches, wakeups, and borders, after which the state is unknown. */
#include "base/memory.h"
#include "base/crash.h"
#include "core/counts.h"
#include "core/descriptors.h"
#include "core/spans.h"

/* The maximum time before a border that becomes unknown for the current thread. */
#define UNKNOWN_NS_MAX UINT64_C(10000000000)

NEVER_INLINE struct cpu *cpu_at_slowly(struct core *core, int32_t number)
{
    if (number < 0 || number > CPU_NUMBER_MAX)
        return NULL;
    size_t room = core->cpu_count;
    core->cpus = memory_grow(core->cpus, &room, (size_t)number + 1, sizeof *core->cpus);
    for (size_t i = core->cpu_count; i < room; i++)
        core->cpus[i] = (struct cpu){.last_ns = TIME_NONE,
                                     .emitted_ns = TIME_NONE,
                                     .border_ns = TIME_NONE,
                                     .handlers = core->mode == CORE_JOIN ? HANDLERS_NONE : 0};
    core->cpu_count = room;
    return &core->cpus[number];
}

/* --- effects of events, in both modes --- */

static bool leaves_for_good(int64_t prev_state)
{
    return (prev_state & (16 | 32 | 64 | 128)) && !(prev_state & 3);
}

static enum thread_state state_after(int64_t prev_state)
{
    bool one_bit = prev_state >= 1024 && (prev_state & (prev_state - 1)) == 0;
    return prev_state == 0 || prev_state == 256 || one_bit ? STATE_RUNNABLE : STATE_BLOCKED;
}

static inline void set_names(struct life *life, const struct event *event, unsigned slot)
{
    if (event_has_text(event, slot))
        life_set_name(life, event->text[slot], true);
}

/* The same; the past gets the names from the STEP itself. */
static inline void know_names(struct life *life, const struct event *event, unsigned slot)
{
    set_names(life, event, slot);
    life->kernel_name_sent = true;
}

static inline void switched_out(struct core *core, struct cpu *cpu, struct life *prev,
                                const struct event *event)
{
    uint64_t now = event->time_ns;
    life_book(prev, now);
    if (prev->state != STATE_RUNNING)
        wait_lost(core, prev);
    if (cpu->current == prev && cpu->run_whole) {
        prev->cpu_ns += now - cpu->run_begin_ns;
        cpu->busy_ns += now - cpu->run_begin_ns;
    }
    prev->named_ns = prev->last_ns = now;
    prev->cpu = -1;
    life_set_state(prev, state_after(event->value[1]), now);
    set_names(prev, event, 0);
}

/* Before a switch from `prev`, NULL: from the idle thread. */
static inline void idle_ran(struct cpu *cpu, const struct life *prev, uint64_t now)
{
    if (!prev && cpu->knows == CPU_IDLE && cpu->run_whole)
        cpu->idle_ns += now - cpu->run_begin_ns;
}

/* Before a switch from `prev`, NULL: from the idle thread. False: unknown who had the CPU, and
 * since when. */
static inline bool find_slice(const struct cpu *cpu, const struct life *prev,
                              struct cpu_slice *slice)
{
    *slice = (struct cpu_slice){cpu->run_begin_ns,
                                prev ? wait_who(RAN_THREAD, prev->name) : wait_who(RAN_IDLE, 0)};
    return cpu->run_whole && cpu->current == prev && cpu->knows == (prev ? CPU_THREAD : CPU_IDLE);
}

/* The life gets the CPU. */
static inline void end_wait(struct core *core, const struct cpu *cpu, struct life *life)
{
    if (life->state == STATE_BLOCKED)
        wait_lost(core, life); /* no event stated its waker */
    else if (life->state == STATE_RUNNABLE && wait_ns(life) > 0)
        slices_end_wait(core, cpu, life, wait_ns(life));
}

static inline void switched_in(struct core *core, const struct cpu *cpu, struct life *next,
                               const struct event *event)
{
    uint64_t now = event->time_ns;
    life_book(next, now);
    end_wait(core, cpu, next);
    if (next->wake_ns != TIME_NONE)
        durations_add(&next->latency, now - next->wake_ns);
    life_set_state(next, STATE_RUNNING, now);
    next->named_ns = next->last_ns = now;
    next->switches++;
    next->cpu = event->cpu;
    set_names(next, event, 1);
}

static inline void run_begins(struct cpu *cpu, struct life *next, uint64_t time_ns)
{
    cpu->knows = next ? CPU_THREAD : CPU_IDLE;
    cpu->current = next;
    cpu->run_begin_ns = time_ns;
    cpu->run_whole = true;
    cpu->changed = true;
    handlers_end(cpu);
}

bool knows_handler(const struct cpu *cpu)
{
    for (unsigned i = 0; i < HANDLER_LEVELS && cpu->within[i] < WITHIN_FIRST; i++)
        if (cpu->within[i] == WITHIN_AS_BEFORE)
            return false;
    return true;
}

unsigned handler_of(const struct cpu *cpu)
{
    unsigned level = 0;
    while (level < HANDLER_LEVELS && (!cpu || cpu->within[level] < WITHIN_FIRST))
        level++;
    return level;
}

/* The context of the event wakes the blocked life. */
static void add_waker(struct core *core, struct life *life, const struct cpu *cpu,
                      const struct event *event, const struct life *actor)
{
    static const enum wait_kind kinds[] = {[HANDLER_TIMER] = WAKER_TIMER,
                                           [HANDLER_IRQ] = WAKER_IRQ,
                                           [HANDLER_VECTOR] = WAKER_VECTOR,
                                           [HANDLER_SOFTIRQ] = WAKER_SOFTIRQ};
    uint64_t ns = wait_ns(life);
    unsigned level = handler_of(cpu);
    uint64_t who;
    if (ns == 0)
        return;
    if (level < HANDLER_LEVELS)
        who = wait_who(kinds[level], (uint32_t)(cpu->within[level] - WITHIN_FIRST));
    else if (actor)
        who = wait_who(WAKER_THREAD, actor->name);
    else
        who = wait_who(counts_is_idle(cpu, event) ? WAKER_IDLE : WAKER_UNKNOWN, 0);
    wait_add(core, life, who, ns);
}

static inline void woken(struct core *core, struct life *life, const struct cpu *cpu,
                         const struct event *event, const struct life *actor)
{
    bool counts = life->state == STATE_BLOCKED || life->state == STATE_UNKNOWN;
    if (!counts || !core->facts.counts_switches)
        return;
    life_book(life, event->time_ns);
    if (life->state == STATE_BLOCKED)
        add_waker(core, life, cpu, event, actor);
    life_set_state(life, STATE_RUNNABLE, event->time_ns);
    life->wake_ns = event->time_ns;
}

/* --- mapping --- */

/* Whether the event accounts for the time of the current thread. An event with a context belongs to
 * the thread that the context states. */
static bool books_current(const struct event *event)
{
    bool books = event->kind == EVENT_SWITCH || event->kind == EVENT_CALL_ENTRY ||
                 (event->kind == EVENT_CALL_EXIT && event->call->role->op != CALL_SIGRETURN) ||
                 (is_phase_event(event) && event->kind != EVENT_EXEC);
    return books && !(event->has & EVENT_HAS_TID);
}

void map_let_cpu(struct core *core, struct cpu *cpu, const struct event *event)
{
    /* The past may determine any thread that is not running: it needs the CPUs of all threads. */
    if (cpu->let_tick == 0) {
        for (size_t i = 0; i < core->cpu_count; i++)
            cpu_write(core, &core->cpus[i]);
        cpu->let_tick = ++core->tick;
    }
    places_doubt(core); /* it may be any life */
    struct life *life = life_new(core, 0);
    life->wild_cpu = event->cpu;
    cpu->current = life;
    cpu->knows = CPU_LET;
    core->let_cpus++;
    life_let(core, life, event->time_ns, books_current(event));
}

/* Only the past can interpret the switch: afterwards, the CPU and both threads are known. */
NEVER_INLINE static void switch_step(struct core *core, struct cpu *cpu, const struct event *event,
                                     struct life *prev, struct life *next)
{
    struct life *thought = cpu->current;
    bool elsewhere = cpu->knows == CPU_LET && prev && prev->known && prev->cpu != event->cpu;
    cpu_write(core, cpu);
    struct cpu_slice slice;
    if (find_slice(cpu, prev, &slice)) /* as the join will do */
        slices_add(cpu, &slice);
    else
        slices_forget(cpu);
    if (prev && prev->cpu != event->cpu)
        map_leave_cpu(core, prev);
    if (next && next->cpu != event->cpu)
        map_leave_cpu(core, next);
    if (cpu->knows != CPU_THREAD || thought != prev)
        map_retire_current(core, cpu);
    if (cpu->knows == CPU_LET)
        core->let_cpus--;
    cpu->knows = CPU_THREAD_UNKNOWN; /* for now: map_doubt() checks the others */
    cpu->let_tick = 0;
    bool may_end = prev && leaves_for_good(event->value[1]) && (prev->exiting || !prev->exit_known);
    if (may_end) { /* afterwards, the past has no life of that name */
        places_write_created(core, prev);
        waits_write(core, prev);
    }
    struct life *both[] = {prev, next};
    for (unsigned i = 0; i < 2; i++)
        if (both[i]) {
            if (may_end && both[i] == prev)
                life_retire(core, prev);
            else
                life_before_step(core, both[i]);
            map_doubt(core, both[i], true);
        }
    struct step *step = map_step(core, event, NULL);
    step->elsewhere = elsewhere;
    step->prev = prev ? map_name(core, prev) : 0;
    step->next = next ? map_name(core, next) : 0;
    if (thought)
        thought->cpu = -1;
    if (prev) {
        if (may_end) {
            struct life *again = life_forget(core, prev);
            if (next == prev)
                step->next = map_name(core, next = again);
        } else {
            life_define(core, prev, state_after(event->value[1]), event->time_ns);
            know_names(prev, event, 0);
        }
        prev->ran_tick = core->tick;
    }
    if (next) {
        life_define(core, next, STATE_RUNNING, event->time_ns);
        next->cpu = event->cpu;
        next->ran_tick = core->tick;
        know_names(next, event, 1);
    }
    run_begins(cpu, next, event->time_ns);
}

/* Whether the thread may be current on another CPU that is in state CPU_LET. */
static bool may_be_let(const struct core *core, const struct life *life)
{
    for (size_t i = 0; i < core->cpu_count; i++)
        if (core->cpus[i].knows == CPU_LET && life->ran_tick < core->cpus[i].let_tick)
            return true;
    return false;
}

void map_switch(struct core *core, struct cpu *cpu, const struct event *event)
{
    struct life *prev = cpu->current;
    if (!prev || prev->tid == 0 || prev->tid != event->value[0])
        prev = map_life(core, (int32_t)event->value[0]);
    struct life *next = map_life(core, (int32_t)event->value[2]);
    bool clear = (prev ? cpu->knows == CPU_THREAD && cpu->current == prev && prev->known
                       : cpu->knows == CPU_IDLE) &&
                 (!next || (next->known && next->cpu < 0));
    if (clear && prev && leaves_for_good(event->value[1]))
        clear = prev->exit_known && !prev->exiting;
    if (clear && next && core->let_cpus > 0)
        clear = !may_be_let(core, next);
    struct cpu_slice slice;
    clear = clear && find_slice(cpu, prev, &slice) && !core->only_steps;
    if (clear && next && next->state == STATE_RUNNABLE)
        clear = slices_cover(cpu, next->since_ns);
    if (!clear) {
        switch_step(core, cpu, event, prev, next);
        return;
    }
    idle_ran(cpu, prev, event->time_ns);
    slices_add_here(cpu, &slice);
    if (prev) {
        switched_out(core, cpu, prev, event);
        prev->ran_tick = core->tick;
    }
    if (next) {
        switched_in(core, cpu, next, event);
        next->ran_tick = core->tick;
    }
    run_begins(cpu, next, event->time_ns);
}

void map_wakeup(struct core *core, struct cpu *cpu, const struct event *event, struct life *actor)
{
    struct life *life = map_life(core, (int32_t)event->value[0]);
    if (!life) {
        if (core->only_steps)
            map_step(core, event, actor);
        return;
    }
    bool here =
        !core->only_steps && life->known && (life->state != STATE_BLOCKED || knows_handler(cpu));
    if (!here) {
        life_retire(core, life);
        map_doubt(core, life, false);
        if (cpu)
            cpu_write(core, cpu); /* the possible wakers */
        map_step(core, event, actor);
        return;
    }
    life->last_ns = event->time_ns;
    set_names(life, event, 0);
    woken(core, life, cpu, event, actor);
}

void map_border(struct core *core, const struct event *event)
{
    struct cpu *cpu = cpu_at(core, event->cpu);
    if (!cpu)
        return;
    cpu_write(core, cpu);
    struct life *current = cpu->current;
    map_retire_current(core, cpu);
    if (current)
        current->cpu = -1;
    if (cpu->knows == CPU_LET)
        core->let_cpus--;
    cpu->knows = CPU_UNKNOWN;
    cpu->current = NULL;
    cpu->changed = cpu->run_whole = false;
    handlers_end(cpu);
    cpu->let_tick = 0;
    core->border_epoch++;
    spans_before_loss(core, event->cpu);
    map_step(core, event, NULL);
}

/* --- joining --- */

int32_t core_cpu_of(const struct core *core, int32_t tid)
{
    const struct life *life = life_find(core, tid);
    return life ? life->cpu : -1;
}

void life_leave_cpu(struct core *core, struct life *life)
{
    if (life->cpu < 0)
        return;
    struct cpu *cpu = &core->cpus[life->cpu];
    if (cpu->knows == CPU_THREAD && cpu->current == life) {
        cpu->knows = CPU_THREAD_UNKNOWN;
        cpu->current = NULL;
        cpu->run_whole = false;
    }
    life_touch(life);
    life->cpu = -1;
}

/* The thread that takes a CPU offline. What runs there afterwards is not traced. Source:
 * kernel/stop_machine.c. */
static bool is_stopper(const struct life *life)
{
    static const char name[] = "migration/";
    return strncmp(life->kernel_name, name, sizeof name - 1) == 0;
}

static bool is_contradicted(const struct cpu *cpu, const struct event *event,
                            const struct life *prev)
{
    if (event->has & EVENT_HAS_TID)
        return false;
    if (cpu->knows == CPU_THREAD)
        return cpu->current != prev && (prev || !is_stopper(cpu->current));
    return cpu->knows == CPU_IDLE && prev;
}

void join_switch(struct core *core, const struct event *event)
{
    struct cpu *cpu = cpu_at(core, event->cpu);
    if (!cpu)
        return;
    struct life *prev = life_named(core, (int32_t)event->value[0], event->time_ns);
    core->tallies.at[TALLY_CONTRADICTED_SWITCHES] += is_contradicted(cpu, event, prev);
    idle_ran(cpu, prev, event->time_ns);
    struct cpu_slice slice;
    if (find_slice(cpu, prev, &slice))
        slices_add(cpu, &slice);
    else
        slices_forget(cpu);
    if (cpu->knows == CPU_THREAD && cpu->current != prev) {
        /* If prev_tid is not the current thread, the switch is right (docs/RESULTS.md, section
         * 3). */
        struct life *thought = life_touch(cpu->current);
        life_book(thought, event->time_ns);
        wait_lost(core, thought);
        life_leave_cpu(core, thought);
        life_set_state(thought, STATE_UNKNOWN, event->time_ns);
    }
    if (prev) {
        if (prev->cpu != event->cpu)
            life_leave_cpu(core, prev);
        switched_out(core, cpu, prev, event);
        if (cpu->current == prev) {
            cpu->knows = CPU_THREAD_UNKNOWN;
            cpu->current = NULL;
        }
        if (prev->exited && leaves_for_good(event->value[1]))
            life_end(core, prev, event->time_ns);
    }
    struct life *next = life_named(core, (int32_t)event->value[2], event->time_ns);
    if (next) {
        if (next->cpu != event->cpu)
            life_leave_cpu(core, next);
        switched_in(core, cpu, next, event);
    }
    run_begins(cpu, next, event->time_ns);
}

void join_wakeup(struct core *core, const struct event *event, const struct life *actor)
{
    struct life *life = life_named(core, (int32_t)event->value[0], event->time_ns);
    if (!life)
        return;
    set_names(life, event, 0);
    woken(core, life, cpu_at(core, event->cpu), event, actor);
}

void join_settle(struct core *core, int32_t number, uint64_t first_ns)
{
    struct cpu *cpu = cpu_at(core, number);
    int32_t tid =
        core->facts.counts_switches
            ? core->settle_source.settle(core->settle_source.context, core, number, first_ns)
            : TID_SETTLED_UNKNOWN;
    assert(cpu); /* it has an event */
    uint64_t border_ns = cpu->border_ns;
    cpu->run_whole = false;
    cpu->border_ns = TIME_NONE;
    if (tid <= 0) {
        cpu->knows = tid == 0 ? CPU_IDLE : CPU_THREAD_UNKNOWN;
        cpu->current = NULL;
        return;
    }
    struct life *life = life_named(core, tid, first_ns);
    if (border_ns != TIME_NONE && life->begin_ns < first_ns) {
        /* Unknown since the border, or since its own last change of state if that is later
         * (docs/RESULTS.md, section 9). */
        uint64_t from_ns = border_ns > life->since_ns ? border_ns : life->since_ns;
        life_book(life, from_ns);
        wait_lost(core, life);
        life_set_state(life, STATE_UNKNOWN, from_ns);
    }
    life_book(life, first_ns);
    wait_lost(core, life);
    life_leave_cpu(core, life);
    life_set_state(life, STATE_RUNNING, first_ns);
    life->cpu = number;
    cpu->knows = CPU_THREAD;
    cpu->current = life;
}

void join_border(struct core *core, int32_t number, uint64_t border_ns)
{
    struct cpu *cpu = cpu_at(core, number);
    if (!cpu || mutant("ignore-loss-border"))
        return;
    spans_lose(core, number, border_ns);
    core->border_epoch++;
    if (cpu->knows == CPU_THREAD) {
        struct life *life = life_touch(cpu->current);
        uint64_t known_ns = cpu->last_ns;
        if (known_ns == TIME_NONE || known_ns < life->since_ns)
            known_ns = life->since_ns;
        if (border_ns > known_ns && border_ns - known_ns > UNKNOWN_NS_MAX)
            known_ns = border_ns - UNKNOWN_NS_MAX;
        life_book(life, known_ns);
        wait_lost(core, life);
        call_has_no_end(core, life);
        life_new_stretch(core, life);
        life_leave_cpu(core, life);
        life_set_state(life, STATE_UNKNOWN, known_ns);
    }
    cpu->seen = true;
    cpu->knows = CPU_UNKNOWN;
    cpu->current = NULL;
    cpu->run_whole = false;
    handlers_end(cpu);
    cpu->border_ns = border_ns;
}
