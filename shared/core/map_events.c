/* Mapping: writes the row, and tracks which names may be the same life. */
#include "base/invariant.h"
#include "base/memory.h"
#include "core/counts.h"
#include "core/descriptors.h"
#include "core/spans.h"

/* A record of the engine of analyses. */
static void send_analysis(void *context, struct bytes record)
{
    struct core *core = context;
    uint8_t *copy = arena_take(&core->row->arena, record.count);
    memcpy(copy, record.at, record.count);
    row_add(core->row, RECORD_ANALYSIS)->analysis = (struct bytes){copy, record.count};
}

struct core *core_new_mapping(struct schema *schema, const struct core_mapping *mapping,
                              struct row *row)
{
    struct core *core = memory_new(sizeof *core);
    core->mode = CORE_MAP;
    core->schema = schema;
    core->facts = mapping->facts;
    core->mapping = *mapping;
    core->counts.first_ns = core->counts.last_ns = TIME_NONE;
    core->row = row;
    core->border_epoch = 1;
    core->engine =
        engine_new_mapping(analyses_all(), (struct engine_sink){send_analysis, core}, false);
    map_phases_init(core);
    places_init(core);
    return core;
}

struct core_counts core_counts(const struct core *core)
{
    struct core_counts counts = core->counts;
    counts.events = core->batch_number;
    counts.tallies = core->tallies;
    counts.single_events += engine_single_events(core->engine);
    return counts;
}

/* --- lives --- */

/* The slot of the life with a small tid; NULL for other tids. */
static struct life **place_of(struct core *core, int32_t tid)
{
    uint32_t page = (uint32_t)tid / PAGE_LIVES;
    if (page >= PAGES)
        return NULL;
    if (!core->pages[page])
        core->pages[page] = memory_new(sizeof *core->pages[page]);
    return &core->pages[page]->at[(uint32_t)tid % PAGE_LIVES];
}

NEVER_INLINE struct life *map_life_new(struct core *core, int32_t tid)
{
    struct life *life = life_new(core, tid);
    life->state = STATE_AS_BEFORE;
    struct life **place = place_of(core, tid);
    if (place)
        *place = life;
    map_put(&core->lives, (uint64_t)tid, life);
    return life;
}

void map_lives_forget(struct core *core)
{
    map_clear(&core->lives);
    for (size_t i = 0; i < PAGES; i++) {
        free(core->pages[i]);
        core->pages[i] = NULL;
    }
}

life_name map_name(struct core *core, struct life *life)
{
    if (life->name == 0)
        life->name = ++core->row->names;
    return life->name;
}

/* Whether a LINE would have the same time and state as the last one. */
static bool is_as_emitted(const struct life *life)
{
    const struct emitted_life *emitted = &life->emitted;
    return emitted->holds && emitted->clock_ns == life->clock_ns && emitted->known == life->known &&
           (!life->known || (emitted->state == life->state && emitted->since_ns == life->since_ns &&
                             emitted->wake_ns == life->wake_ns));
}

static void note_emitted(struct life *life)
{
    life->emitted = (struct emitted_life){.holds = life->counts,
                                          .known = life->known,
                                          .state = life->state,
                                          .clock_ns = life->clock_ns,
                                          .since_ns = life->since_ns,
                                          .wake_ns = life->wake_ns};
}

static bool has_unsent(const struct life *life, bool sums)
{
    return (life->counts && !is_as_emitted(life)) || life->last_ns != TIME_NONE ||
           life->named_ns != TIME_NONE || life->call_changed || life->credit_count > 0 ||
           life->phase_count > 0 || life->ended || life->unknown_events > 0 ||
           interrupted_any(&life->interrupted) ||
           (sums && (life->call_count > 0 || life->cpu_ns > 0 || life->switches > 0)) ||
           (life->kernel_named && !life->kernel_name_sent) ||
           (life->user_named && !life->user_name_sent) ||
           (life->has_program && !life->program_sent);
}

/* Purely additive data. */
static void write_sums(struct life *life, struct life_line *line)
{
    line->cpu_ns = life->cpu_ns;
    line->switches = life->switches;
    line->latency = life->latency;
    line->calls = life->calls;
    line->call_count = life->call_count;
    line->calls_ahead = -(int64_t)life->calls_emitted;
    life->cpu_ns = life->switches = 0;
    life->latency = (struct durations){0};
    life->calls = NULL;
    life->call_count = life->call_room = 0;
    life->calls_emitted = 0;
    cell_index_clear(&life->call_index);
    memset(life->call_at, 0, sizeof life->call_at);
}

/* Instances of the past only need the number of complete calls. */
static void count_ahead(struct life *life, struct life_line *line)
{
    uint64_t calls = 0;
    for (size_t i = 0; i < life->call_count; i++)
        calls += life->calls[i].cell.complete.count;
    line->calls_ahead = (int64_t)(calls - life->calls_emitted);
    life->calls_emitted = calls;
}

static void write_call(const struct core *core, struct life *life, struct life_line *line)
{
    line->spent = life->spent;
    line->spent_before = life->spent_before;
    life->spent = life->spent_before = (struct time_vector){0};
    map_write_ended(life, line);
    cell_index_clear(&life->phase_index);
    line->phases = life->phase_sums;
    line->phase_count = life->phase_count;
    life->phase_sums = NULL;
    life->phase_count = life->phase_room = 0;
    line->open.entry_ns = TIME_NONE;
    line->call_changed = life->call_changed;
    if (life->credit_count > 0) {
        line->credits = life->credits;
        line->credit_count = life->credit_count;
        life->credits = NULL;
        life->credit_count = life->credit_room = 0;
    }
    if (!life->call_changed)
        return;
    line->call_was_unknown = life->call_was_unknown;
    line->over_emitted = life->over_emitted;
    line->is_seen = life->call_epoch == core->border_epoch;
    line->is_open = life->in == IN_OPEN;
    if (line->is_open) {
        line->open = (struct open_call){.call = life->open_call,
                                        .entry_ns = life->entry_ns,
                                        .present = life->open_present,
                                        .text = life->open_text};
        memcpy(line->open.value, life->open_value, sizeof line->open.value);
        line->open_label = life->open_label;
    }
    life->call_changed = life->call_was_unknown = life->over_emitted = false;
    if (life->in == IN_OPEN)
        life->in = IN_EMITTED;
}

static struct text name_in(struct row *row, const char name[NAME_BYTES])
{
    struct text text = text_of(name);
    text.at = arena_string(&row->arena, text);
    return text;
}

static void write_names(struct core *core, struct life *life, struct life_line *line)
{
    if (life->kernel_named && !life->kernel_name_sent) {
        line->kernel_named = life->kernel_name_sent = true;
        line->kernel_name = name_in(core->row, life->kernel_name);
    }
    if (life->user_named && !life->user_name_sent) {
        line->user_named = life->user_name_sent = true;
        line->user_name = name_in(core->row, life->user_name);
    }
    if (life->has_program && !life->program_sent) {
        line->has_program = life->program_sent = true;
        line->program = name_in(core->row, life->program);
    }
}

static void write_line(struct core *core, struct life *life, bool sums)
{
    if (life->counted)
        counts_write_of(core, life);
    if (life->name == 0 || !has_unsent(life, sums))
        return;
    place_name used[2] = {0, 0};
    if (life->call_changed && life->in == IN_OPEN)
        places_name_used(core, life, used);
    struct life_line *line = &row_add(core->row, RECORD_LIFE)->life;
    memcpy(line->used, used, sizeof line->used);
    line->life = life->name;
    line->tid = life->tid;
    line->counts_time = life->counts;
    line->state_known = life->known;
    line->state = life->known ? life->state : 0;
    line->since_ns = life->known ? life->since_ns : TIME_NONE;
    line->wake_ns = life->known ? life->wake_ns : TIME_NONE;
    line->clock_ns = life->counts ? life->clock_ns : TIME_NONE;
    memcpy(line->time, life->time, sizeof line->time);
    line->last_ns = life->last_ns;
    line->named_ns = life->named_ns;
    line->unknown_events = life->unknown_events;
    life->unknown_events = 0;
    if (sums)
        write_sums(life, line);
    else
        count_ahead(life, line);
    line->interrupted = life->interrupted;
    life->interrupted = (struct interrupted){.irq_ns = 0};
    write_call(core, life, line);
    write_names(core, life, line);
    memset(life->time, 0, sizeof life->time);
    life->last_ns = life->named_ns = TIME_NONE;
    note_emitted(life);
}

void life_write(struct core *core, struct life *life)
{
    write_line(core, life, true);
}

void life_write_spent(struct core *core, struct life *life)
{
    write_line(core, life, false);
}

static void forget_names(struct life *life)
{
    life->kernel_named = life->user_named = life->has_program = false;
}

/* Drops what another name of the life, or a STEP, may change: names, process, and labels. */
static void forget_words(struct life *life)
{
    forget_names(life);
    life->known_pid = 0;
    life->label_epoch = 0;
    life->call_label = 0;
}

void life_retire(struct core *core, struct life *life)
{
    if (life->may_hold_phase)
        waits_write(core, life);
    life_write(core, life);
    spans_write_of(core, life);
    map_pass(core, life);
    life->active = life->counts = life->known = life->no_call_yet = false;
    life->state = STATE_AS_BEFORE;
    life->in = IN_UNKNOWN;
    life->call_epoch = 0;
    forget_words(life);
    life_place(life);
}

void life_before_fact(struct core *core, struct life *life, bool names_only)
{
    if (!life->active || !life->counts) {
        life_retire(core, life);
        return;
    }
    life_write_spent(core, life);
    if (names_only)
        forget_names(life);
    else
        forget_words(life);
}

void life_before_step(struct core *core, struct life *life)
{
    life_before_fact(core, life, true);
    map_pass(core, life);
}

/* Whether the current thread of a CPU in state CPU_LET may be the life: not if that has run
 * elsewhere since. */
static bool may_be(const struct core *core, const struct life *let, const struct life *life)
{
    const struct cpu *cpu = &core->cpus[let->wild_cpu];
    if (life->tid == 0)
        return false; /* both are current, on two CPUs */
    return !(life->cpu >= 0 && life->cpu != let->wild_cpu) && life->ran_tick < cpu->let_tick;
}

/* Retires everything that may be the same life, so that it may be active. */
static void exclude_others(struct core *core, const struct life *life)
{
    if (life->tid == 0) {
        for (struct life *each = core->listed; each; each = each->next_listed)
            if (each->active && each != life && may_be(core, life, each))
                life_retire(core, each);
        return;
    }
    for (size_t i = 0; core->let_cpus > 0 && i < core->cpu_count; i++) {
        const struct cpu *cpu = &core->cpus[i];
        if (cpu->knows == CPU_LET && cpu->current->active && may_be(core, cpu->current, life))
            life_retire(core, cpu->current);
    }
}

void life_let(struct core *core, struct life *life, uint64_t time_ns, bool owns)
{
    if (!life->active)
        exclude_others(core, life);
    enum record_kind kind = life->name != 0  ? RECORD_AGAIN
                            : life->tid == 0 ? RECORD_LET_CPU
                                             : RECORD_LET_LIFE;
    struct let *let = &row_add(core->row, kind)->let;
    *let = (struct let){.name = map_name(core, life),
                        .cpu = life->wild_cpu,
                        .tid = life->tid,
                        .time_ns = time_ns,
                        .books = owns};
    life->active = true;
    life->counts = owns;
    life->known = life->emitted.holds = false;
    life->state = STATE_AS_BEFORE;
    life->in = IN_UNKNOWN;
    life->call_label = 0;
    life->clock_ns = time_ns;
    life->wake_ns = TIME_NONE;
    life_place(life);
    life_list(core, life);
}

NEVER_INLINE void life_activate_slowly(struct core *core, struct life *life, uint64_t time_ns)
{
    life_let(core, life, time_ns, true);
}

void life_define(struct core *core, struct life *life, enum thread_state state, uint64_t time_ns)
{
    assert(life->name != 0);
    if (!life->active || !life->counts)
        life->in = IN_UNKNOWN;
    life->active = life->counts = life->known = true;
    life->emitted.holds = false;
    life->call_label = 0;
    life->clock_ns = time_ns;
    life->cpu = -1;
    life_set_state(life, state, time_ns);
    life_list(core, life);
}

struct life *life_forget(struct core *core, struct life *life)
{
    assert(life->wait_count == 0);
    life_retire(core, life);
    instances_forget(&life->phases);
    life->cpu = -1;
    /* That the tid is not exiting stays known. */
    struct life *next = map_life_new(core, life->tid);
    next->exit_known = true;
    next->ran_tick = life->ran_tick;
    return next;
}

void map_doubt(struct core *core, const struct life *life, bool leaves)
{
    for (size_t i = 0; core->let_cpus > 0 && i < core->cpu_count; i++) {
        struct cpu *cpu = &core->cpus[i];
        if (cpu->knows != CPU_LET || !may_be(core, cpu->current, life))
            continue;
        life_retire(core, cpu->current);
        if (!leaves)
            continue;
        cpu_write(core, cpu);
        cpu->knows = CPU_UNKNOWN;
        cpu->current = NULL;
        core->let_cpus--;
    }
}

/* Retires any life that may be current there and is not known to be elsewhere. */
static void retire_whoever(struct core *core, const struct cpu *cpu)
{
    for (size_t i = 0; i < core->cpu_count; i++)
        cpu_write(core, &core->cpus[i]); /* the past must know which threads are elsewhere */
    for (struct life *life = core->listed; life; life = life->next_listed)
        if (life->active && life->tid != 0 && (life->cpu < 0 || &core->cpus[life->cpu] == cpu))
            life_retire(core, life);
}

void map_retire_current(struct core *core, struct cpu *cpu)
{
    if (cpu->knows == CPU_UNKNOWN)
        retire_whoever(core, cpu);
    if (cpu->knows == CPU_LET && !cpu->current->active)
        exclude_others(core, cpu->current);
    if (cpu->current)
        life_retire(core, cpu->current);
}

/* --- CPUs --- */

void cpu_write(struct core *core, struct cpu *cpu)
{
    bool known = cpu->knows >= CPU_THREAD_UNKNOWN;
    if (!(known && cpu->changed) && cpu->last_ns == cpu->emitted_ns && !cpu->handlers_changed)
        return; /* without slices: a switch sets cpu->changed */
    struct cpu_line *line = &row_add(core->row, RECORD_CPU)->cpu;
    line->cpu = (int32_t)(cpu - core->cpus);
    line->known = known;
    line->unknown_thread = cpu->knows == CPU_THREAD_UNKNOWN;
    line->run_whole = cpu->run_whole;
    line->current = cpu->knows == CPU_THREAD ? map_name(core, cpu->current) : 0;
    line->run_begin_ns = known ? cpu->run_begin_ns : TIME_NONE;
    line->last_ns = cpu->last_ns;
    line->busy_ns = cpu->busy_ns;
    line->idle_ns = cpu->idle_ns;
    handlers_write(cpu, line);
    slices_write(core, cpu, line);
    cpu->busy_ns = cpu->idle_ns = 0;
    cpu->changed = cpu->handlers_changed = false;
    cpu->emitted_ns = cpu->last_ns;
}

void map_leave_cpu(struct core *core, struct life *life)
{
    if (life->cpu < 0)
        return;
    struct cpu *cpu = &core->cpus[life->cpu];
    cpu_write(core, cpu);
    cpu->knows = CPU_THREAD_UNKNOWN;
    cpu->current = NULL;
    cpu->run_whole = false;
    life->cpu = -1;
    life->ran_tick = core->tick;
}

/* --- steps --- */

struct step *map_step(struct core *core, const struct event *event, struct life *actor)
{
    places_before_step(core, event, actor);
    struct step *step = &row_add(core->row, RECORD_EVENT)->step;
    step->event = event_copy(&core->row->arena, event);
    step->actor = actor ? map_name(core, actor) : 0;
    step->parts = STEP_MEANING | core->step_parts;
    step->number = core->batch_number + (uint64_t)(event - core->batch);
    core->counts.single_events += event->kind != EVENT_LOSS;
    return step;
}

/* --- events --- */

static void write_all(struct core *core)
{
    for (struct life *life = core->listed; life; life = life->next_listed) {
        waits_write(core, life);
        life_write(core, life);
    }
    map_pass_all(core);
    places_write(core);
    counts_write(core);
    spans_write(core);
    for (size_t i = 0; i < core->cpu_count; i++)
        cpu_write(core, &core->cpus[i]);
}

static void forget_all(struct core *core)
{
    map_phases_clear(core);
    places_clear(core);
    places_init(core);
    for (struct life *life = core->all, *next; life; life = next) {
        next = life->next_of_all;
        life_clear(life);
    }
    arena_clear(&core->lives_memory);
    map_phases_init(core);
    map_lives_forget(core);
    core->all = core->listed = NULL;
    for (size_t i = 0; i < core->cpu_count; i++) {
        free(core->cpus[i].slices);
        core->cpus[i] =
            (struct cpu){.last_ns = TIME_NONE, .emitted_ns = TIME_NONE, .border_ns = TIME_NONE};
    }
    core->let_cpus = 0;
}

/* Work that is due before an event of the interval. */
static void tick(struct core *core, uint64_t now_ns)
{
    if (now_ns >= core->lives_ns) {
        write_all(core);
        forget_all(core);
        row_add(core->row, RECORD_TIME)->time_ns = now_ns;
        core->lives_ns = now_ns - now_ns % LIVES_TICK_NS + LIVES_TICK_NS;
    }
    phases_tick(core, now_ns);
    core->time_ns = core->lives_ns < core->mapping.end_ns ? core->lives_ns : core->mapping.end_ns;
    const struct instances *phases = &core->phases;
    if (phases->tick_ns > 0 && core->time_ns - phases->now_ns > phases->tick_ns)
        core->time_ns = phases->now_ns + phases->tick_ns;
}

/* Whether the event is in the interval. */
NEVER_INLINE static bool enter_time(struct core *core, const struct event *event)
{
    if (event->time_ns < core->mapping.begin_ns || event->time_ns >= core->mapping.end_ns) {
        core->batch_number--;
        return false;
    }
    if (core->counts.first_ns == TIME_NONE) {
        core->counts.first_ns = event->time_ns;
        core->counts.first_trace = event->trace;
    }
    tick(core, event->time_ns);
    return true;
}

static bool has_loss(const struct core *core, const struct event *event)
{
    bool junction = event->value[2] != 0;
    return event->cpu <= CPU_NUMBER_MAX && event->time_ns < core->mapping.end_ns &&
           (event->time_ns >= core->mapping.begin_ns || junction);
}

static void on_loss(struct core *core, const struct event *event)
{
    core->batch_number--; /* it is no event */
    if (!has_loss(core, event))
        return;
    if (event->time_ns >= core->time_ns)
        tick(core, event->time_ns);
    if (core->counts.first_ns == TIME_NONE)
        core->time_ns = 0; /* the first event is still to come */
    core->tallies.at[TALLY_DISCARDED] += (uint64_t)event->value[0];
    core->tallies.at[TALLY_MISSING_PACKETS] += (uint64_t)event->value[3];
    if (event->domain == DOMAIN_UST)
        map_user_loss(core, event);
    if (!event_is_border(event))
        return;
    core->tallies.at[TALLY_LOSS_BORDERS]++;
    if (event->cpu < 0)
        return;
    engine_lose_cpu(core->engine, event->cpu);
    map_border(core, event);
}

static void count_unknown_thread(struct core *core, const struct cpu *cpu,
                                 const struct event *event)
{
    if (cpu->knows == CPU_THREAD_UNKNOWN && !(event->has & EVENT_HAS_TID) &&
        event_class_needs_thread(event->class))
        core->tallies.at[unknown_thread_tally(core, event)]++;
}

static inline void on_kernel_event(struct core *core, struct cpu *cpu, const struct event *event,
                                   struct life *actor)
{
    switch (event->kind) {
    case EVENT_CALL_ENTRY:
        if (actor)
            map_call_entry(core, actor, event);
        else
            count_unknown_thread(core, cpu, event);
        break;
    case EVENT_CALL_EXIT:
        if (actor)
            map_call_exit(core, actor, event);
        else
            count_unknown_thread(core, cpu, event);
        break;
    case EVENT_SWITCH: map_switch(core, cpu, event); return;
    case EVENT_WAKEUP: map_wakeup(core, cpu, event, actor); break;
    case EVENT_HANDLER_ENTRY:
    case EVENT_HANDLER_EXIT: map_handler(core, cpu, event, actor); break;
    case EVENT_OTHER: break;
    case EVENT_EXEC: map_birth_event(core, event, actor); return;
    default: map_birth_event(core, event, actor); break;
    }
    if (actor) {
        actor->last_ns = event->time_ns;
        life_list(core, actor);
    }
}

void map_meaning(struct core *core, struct cpu *cpu, const struct event *event, struct life *actor)
{
    on_kernel_event(core, cpu, event, actor);
}

/* --- prefetching --- */

enum {
    LINE_BYTES = 64,
    LIVES_CACHED = 512, /* with fewer lives, their data is in a cache anyway */
    AHEAD = 64,         /* events */
    COMING_MAX = 16     /* lives; prefetched data must still be cached when it is used */
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

/* The call belongs to the thread that was last switched to on its CPU. */
static inline void note_first_use(const struct event *entry, size_t count, const int32_t *cpu,
                                  int32_t *fd)
{
    for (size_t i = count; i-- > 0;)
        if (cpu[i] == entry->cpu) {
            if (fd[i] < 0 && is_descriptor_number(entry->value[0]))
                fd[i] = (int32_t)entry->value[0];
            return;
        }
}

/* Prefetches data of the threads that the events switch to, in steps: each step reads, for all
 * threads, what the step before has prefetched. */
NEVER_INLINE static void ask_ahead(const struct core *core, const struct event *events,
                                   size_t count)
{
    const struct life *coming[COMING_MAX];
    int32_t cpu[COMING_MAX], fd[COMING_MAX]; /* fd: used by its first call; -1 */
    size_t coming_count = 0;
    for (size_t i = 0; i < count && coming_count < COMING_MAX; i++) {
        int64_t tid = events[i].kind == EVENT_SWITCH ? events[i].value[2] : 0;
        const struct life *life =
            tid > 0 && tid <= INT32_MAX ? map_life_known(core, (int32_t)tid) : NULL;
        if (events[i].kind == EVENT_CALL_ENTRY && (events[i].call->uses & events[i].present & 1))
            note_first_use(&events[i], coming_count, cpu, fd);
        if (!life)
            continue;
        cpu[coming_count] = events[i].cpu;
        fd[coming_count] = -1;
        coming[coming_count++] = life;
        ask_for(life, offsetof(struct life, phases.id));
    }
    for (size_t i = 0; i < coming_count; i++) {
        if (coming[i]->call_count > 0)
            ask_for(coming[i]->calls, 2 * sizeof *coming[i]->calls);
        if (coming[i]->wait_count > 0)
            ask_for(coming[i]->waits, 2 * sizeof *coming[i]->waits);
        ask_for_counters(&coming[i]->latency);
        places_ask_for_number(coming[i], fd[i]);
    }
    for (size_t i = 0; i < coming_count; i++) {
        places_ask_for(coming[i], fd[i]);
        for (size_t k = 0; k < coming[i]->call_count && k < 2; k++)
            ask_for_counters(&coming[i]->calls[k].cell.complete);
    }
}

/* Counts calls of which only the number is known. */
static void count_unnamed(struct core *core, const struct event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (events[i].kind == EVENT_CALL_ENTRY && events[i].class->unknown_call &&
            events[i].time_ns >= core->mapping.begin_ns && events[i].time_ns < core->mapping.end_ns)
            core->tallies.at[TALLY_UNNAMED_CALLS]++;
}

/* Any event. */
NEVER_INLINE static void map_slowly(struct core *core, const struct event *event)
{
    if (event->kind == EVENT_LOSS) {
        on_loss(core, event);
        return;
    }
    if (event->time_ns >= core->time_ns && !enter_time(core, event))
        return;
    core->counts.last_ns = event->time_ns;
    if (event->domain != DOMAIN_KERNEL) {
        map_user_event(core, event);
        return;
    }
    struct cpu *cpu = cpu_at(core, event->cpu);
    if (!cpu) {
        if (event->class->has_rows && event->cpu < 0)
            engine_map(core->engine, event);
        map_event_without_cpu(core, event);
        return;
    }
    if (cpu->knows == CPU_UNKNOWN)
        map_let_cpu(core, cpu, event);
    if (event->class->has_rows)
        engine_map(core->engine, event);
    if (event->has || !event->class->is_plain || cpu->knows == CPU_LET)
        map_context_event(core, cpu, event);
    else
        on_kernel_event(core, cpu, event, cpu->current);
    core->cpus[event->cpu].last_ns = event->time_ns;
}

/* The CPU of an event that needs fewer checks than map_slowly() makes: of most events; else NULL. */
static inline struct cpu *quick_cpu(const struct core *core, const struct event *event)
{
    if (!event->class->is_plain || event->has || event->time_ns >= core->time_ns ||
        (uint32_t)event->cpu >= core->cpu_count)
        return NULL;
    struct cpu *cpu = &core->cpus[event->cpu];
    return cpu->knows > CPU_LET ? cpu : NULL;
}

/* map_slowly() for an event that has a quick_cpu(). */
static inline void map_quickly(struct core *core, struct cpu *cpu, const struct event *event)
{
    if (event->class->has_rows)
        engine_map(core->engine, event);
    on_kernel_event(core, cpu, event, cpu->current);
    invariant(cpu == &core->cpus[event->cpu]);
    cpu->last_ns = core->counts.last_ns = event->time_ns;
}

/* Whether the event is the entry of a call, and the next one its exit. */
static inline bool is_whole_call(const struct event *entry)
{
    const struct event *exit = entry + 1;
    return entry->kind == EVENT_CALL_ENTRY && exit->kind == EVENT_CALL_EXIT &&
           exit->call == entry->call && exit->cpu == entry->cpu &&
           entry->call->role->op == CALL_PLAIN;
}

void core_map(struct core *core, const struct event *events, size_t count)
{
    if (core->mapping.names_no_calls)
        count_unnamed(core, events, count);
    core->batch = events;
    const struct event *event = events, *const end = events + count;
    while (event < end) {
        const struct event *next = end - event < AHEAD ? end : event + AHEAD;
        if (core->lives.count > LIVES_CACHED)
            ask_ahead(core, event, (size_t)(next - event));
        for (; event < next; event++) {
            struct cpu *cpu = quick_cpu(core, event);
            if (!cpu)
                map_slowly(core, event);
            else if (end - event > 1 && is_whole_call(event) && map_whole_call(core, cpu, event))
                event++;
            else
                map_quickly(core, cpu, event);
        }
    }
    core->batch_number += count;
}

void core_map_thread(struct core *core, const struct event *event)
{
    assert(event->kind == EVENT_DUMP_PROCESS && event->time_ns < core->mapping.end_ns);
    core->batch = event;
    if (event->time_ns >= core->time_ns && !enter_time(core, event))
        return;
    core->counts.last_ns = event->time_ns;
    map_birth_event(core, event, NULL);
}

void core_map_end(struct core *core)
{
    write_all(core);
    engine_finish(core->engine);
}

void core_free(struct core *core)
{
    if (!core)
        return;
    core->sink.take = NULL;
    if (core->mode == CORE_MAP) {
        map_phases_clear(core);
        places_clear(core);
    } else {
        join_places_end(core);
        free(core->places);
        instances_close_all(&core->phases);
        for (struct life *life = core->all; life; life = life->next_of_all)
            instances_forget(&life->phases);
        instances_clear(&core->phases);
        names_clear(&core->paths);
        names_clear(&core->old_paths);
        free(core->labels);
        free(core->requests);
    }
    engine_free(core->engine);
    spans_free(core);
    counts_free(core->counted);
    for (struct life *life = core->all, *next; life; life = next) {
        next = life->next_of_all;
        descriptors_release(life);
        life_forget_table(core, life);
        process_leave(core, life);
        if (core->mode == CORE_MAP)
            life_clear(life);
        else
            life_free(life);
    }
    arena_clear(&core->lives_memory);
    struct process *process;
    for (size_t at = 0; (process = map_next(&core->processes, &at));)
        process_drop(core, process);
    map_clear(&core->addresses);
    free(core->over);
    map_clear(&core->processes);
    map_lives_forget(core);
    map_clear(&core->inner);
    for (size_t i = 0; i < core->cpu_count; i++)
        free(core->cpus[i].slices);
    free(core->cpus);
    free(core->named);
    free(core->exited);
    free(core->ended);
    changed_free(core->changed);
    free(core);
}
