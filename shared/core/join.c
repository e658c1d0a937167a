/* Joining: applies records of rows, or unchanged events, in order. */
#include "base/memory.h"
#include "core/counts.h"
#include "core/descriptors.h"
#include "core/spans.h"

void changed_free(struct changed *changed)
{
    if (!changed)
        return;
    changes_clear(&changed->lives);
    changes_clear(&changed->processes);
    changes_clear(&changed->tables);
    changes_clear(&changed->descriptors);
    changes_clear(&changed->instances);
    changes_clear(&changed->spans);
    republishing_clear(&changed->published_lives);
    republishing_clear(&changed->published_processes);
    republishing_clear(&changed->published_descriptors);
    free(changed);
}

static void group_changed(struct phase_thread *thread)
{
    life_touch(life_of_thread(thread));
}

struct core *core_new(struct schema *schema, struct result_sink sink,
                      struct core_settle_source settle_source)
{
    struct core *core = memory_new(sizeof *core);
    core->mode = CORE_JOIN;
    core->schema = schema;
    core->sink = sink;
    core->settle_source = settle_source;
    core->order = core->border_epoch = 1;
    core->unknown_thread.over = core->idle.over = true;
    names_id(&core->paths, text_of(""));
    instances_init(&core->phases, schema_own_set(schema));
    core->changed = memory_new(sizeof *core->changed);
    core->phases.changes = &core->changed->instances;
    core->phases.group_changed = group_changed;
    return core;
}

/* Tallies that only joining counts, since the last call. */
static struct tallies core_take_tallies(struct core *core)
{
    struct tallies tallies = core->tallies;
    core->tallies = (struct tallies){.at = {0}};
    return tallies;
}

void core_begin(struct core *core, struct core_facts facts, const struct phase_set *phases)
{
    phases = phases ? phases : schema_set(core->schema, NULL, 0);
    spans_use(core, phases);
    phases_use(core, phases);
    core->facts = facts;
    core->event_number = 0;
    core->label_count = core->request_count = 0;
    core->names = 0;
    for (size_t i = 0; !facts.has_kernel && i < core->cpu_count; i++) {
        struct cpu *cpu = &core->cpus[i];
        if (cpu->knows == CPU_THREAD)
            life_leave_cpu(core, cpu->current);
        cpu->knows = CPU_THREAD_UNKNOWN;
        cpu->border_ns = TIME_NONE;
    }
}

bool core_has_kernel(const struct core *core)
{
    return core->facts.has_kernel;
}

static void tick(struct core *core, uint64_t now_ns)
{
    phases_tick(core, now_ns);
    if (now_ns < core->time_ns)
        return;
    uint64_t tick_ns = now_ns - now_ns % LIVES_TICK_NS;
    life_forget_exited(core, tick_ns);
    processes_forget_past(core, tick_ns);
    core->time_ns = tick_ns + LIVES_TICK_NS;
}

/* The current thread, which is determined first if it was unknown. */
static struct life *current_at(struct core *core, int32_t number, uint64_t time_ns)
{
    struct cpu *cpu = cpu_at(core, number);
    if (!cpu)
        return NULL;
    if (cpu->knows == CPU_UNKNOWN)
        join_settle(core, number, time_ns);
    cpu->seen = true;
    return cpu->knows == CPU_THREAD ? life_touch(cpu->current) : NULL;
}

void join_meaning(struct core *core, const struct event *event, struct life *actor)
{
    /* Only threads make calls. */
    if (actor && tid_is_of_process(actor->tid))
        actor = NULL;
    switch (event->kind) {
    case EVENT_SWITCH: join_switch(core, event); return;
    case EVENT_WAKEUP: join_wakeup(core, event, actor); return;
    case EVENT_HANDLER_ENTRY:
    case EVENT_HANDLER_EXIT: join_handler(core, event); return;
    case EVENT_CALL_ENTRY:
        if (actor)
            join_call_entry(core, actor, event);
        return;
    case EVENT_CALL_EXIT:
        if (actor)
            join_call_exit(core, actor, event);
        return;
    case EVENT_LOSS:
    case EVENT_OTHER: return;
    default: join_birth_event(core, event); return;
    }
}

static void touch(struct life *life, uint64_t time_ns)
{
    if (life && time_ns > life->last_ns)
        life->last_ns = time_ns;
}

void core_event(struct core *core, const struct event *event)
{
    bool by_kernel = event->domain == DOMAIN_KERNEL;
    bool is_nowhere = by_kernel && event->kind == EVENT_SWITCH && event->cpu < 0;
    tick(core, event->time_ns);
    core->order++;
    /* Determines the current thread before the event takes effect. */
    if (by_kernel && event->kind != EVENT_LOSS && !is_nowhere)
        (void)current_at(core, event->cpu, event->time_ns);
    if (event->kind == EVENT_LOSS) {
        if (event_is_border(event))
            join_border(core, event->cpu, event->time_ns);
        else if (event->domain == DOMAIN_UST)
            spans_lose(core, SPANS_LOST_USER, event->time_ns);
        return;
    }
    core->event_number++;
    spans_now(core, event->time_ns);
    if (is_nowhere) {
        counts_take(core, event, NULL, counts_is_idle(NULL, event));
        return;
    }
    if (!by_kernel) {
        join_user_event(core, event);
        return;
    }
    if (event->cpu >= 0)
        core->cpus[event->cpu].last_ns = event->time_ns;
    join_kernel_event(core, event);
}

/* --- rows --- */

static void name(struct core *core, life_name name, struct life *life)
{
    core->named =
        memory_grow(core->named, &core->named_room, (size_t)name + 1, sizeof *core->named);
    for (; core->names < name; core->names++)
        core->named[core->names + 1] = NULL;
    core->named[name] = life;
}

struct life *join_named(const struct core *core, life_name name)
{
    return name > 0 && name <= core->names ? core->named[name] : NULL;
}

struct life *join_life_of(const struct core *core, life_name name)
{
    struct life *life = join_named(core, name);
    return life && !life->over ? life_touch(life) : NULL;
}

static void join_let(struct core *core, enum record_kind kind, const struct let *let)
{
    struct life *life;
    tick(core, let->time_ns);
    if (kind == RECORD_LET_CPU) {
        life = current_at(core, let->cpu, let->time_ns);
        struct cpu *cpu = &core->cpus[let->cpu];
        cpu->last_ns = let->time_ns;
        name(core, let->name,
             cpu->knows == CPU_THREAD_UNKNOWN ? &core->unknown_thread
             : cpu->knows == CPU_IDLE         ? &core->idle
                                              : life);
    } else if (kind == RECORD_LET_LIFE) {
        life = tid_is_of_process(let->tid) ? life_of_process(core, 0, -16 - let->tid, let->time_ns)
                                           : life_named(core, let->tid, let->time_ns);
        name(core, let->name, life);
    } else {
        life = join_life_of(core, let->name);
    }
    if (life && let->books)
        life_book(life, let->time_ns);
}

static bool join_step(struct core *core, const struct step *step)
{
    const struct event *event = &step->event;
    if (event->kind != EVENT_LOSS && !core_has_room(core, step->number))
        return false;
    tick(core, event->time_ns);
    core->event_number = step->number + 1;
    core->summed = step->summed;
    if (event->kind == EVENT_LOSS) {
        join_border(core, event->cpu, event->time_ns);
        return true;
    }
    struct cpu *cpu = event->domain == DOMAIN_KERNEL ? cpu_at(core, event->cpu) : NULL;
    if (cpu) {
        cpu->seen = true;
        cpu->last_ns = event->time_ns;
    }
    struct life *actor = join_life_of(core, step->actor);
    if (step->parts & STEP_BY_CPU) {
        if (event->domain == DOMAIN_KERNEL)
            join_kernel_event(core, event);
        else
            join_user_event(core, event);
    } else if (event->kind == EVENT_EXEC) {
        struct life *life = join_exec(core, event);
        if (step->parts & STEP_CONTEXTS)
            join_counted(core, event, life);
        if (step->parts & STEP_CONTEXTS)
            join_contexts(core, event, life);
        spans_settle(core);
    } else {
        touch(actor, event->time_ns);
        if (step->parts & STEP_CONTEXTS)
            join_contexts(core, event, actor);
        if (step->parts & STEP_MEANING)
            join_meaning(core, event, actor);
    }
    core->summed = 0;
    const struct life *prev = join_named(core, step->prev);
    if (step->prev &&
        !(prev && prev->over)) /* an ended life keeps its name: others may have waited for it */
        name(core, step->prev, life_find(core, (int32_t)event->value[0]));
    if (step->next)
        name(core, step->next, life_find(core, (int32_t)event->value[2]));
    return true;
}

bool core_join(struct core *core, const struct record *record)
{
    core->order++;
    switch ((enum record_kind)record->kind) {
    case RECORD_LET_CPU:
    case RECORD_LET_LIFE:
    case RECORD_AGAIN: join_let(core, record->kind, &record->let); break;
    case RECORD_LABEL:
        if (record->label.kind != LABEL_CHILD)
            tick(core, record->label.time_ns);
        join_label(core, &record->label);
        break;
    case RECORD_INSTANCE: return join_instance(core, &record->instance);
    case RECORD_LET_PLACE: join_let_place(core, &record->place_let); break;
    case RECORD_PLACE: join_place(core, &record->place); break;
    case RECORD_USES: join_uses(core, &record->uses); break;
    case RECORD_USE: join_use(core, &record->use); break;
    case RECORD_CHANGE: join_change(core, &record->change); break;
    case RECORD_LIFE: return join_life_line(core, &record->life);
    case RECORD_CPU: join_cpu_line(core, &record->cpu); break;
    case RECORD_EVENT: return join_step(core, &record->step);
    case RECORD_TIME: tick(core, record->time_ns); break;
    case RECORD_COUNT: return join_count(core, &record->count);
    case RECORD_SPAN: return join_span(core, &record->span);
    case RECORD_WAITS: waits_join(core, &record->waits); break;
    case RECORD_LAYERS: return layers_join(core, &record->layers);
    case RECORD_PASSED: join_passed(core, &record->passed); break;
    case RECORD_ANALYSIS: break; /* for the owner of the engine */
    }
    return true;
}

/* --- ends --- */

static void free_over(struct core *core)
{
    size_t kept = 0;
    for (size_t i = 0; i < core->ended_count; i++) {
        struct life *life = core->ended[i];
        if (life->phases.count > 0) {
            core->ended[kept++] = life;
            continue;
        }
        *life->back_of_all = life->next_of_all;
        if (life->next_of_all)
            life->next_of_all->back_of_all = life->back_of_all;
        instances_forget(&life->phases);
        life_free(life);
    }
    core->ended_count = kept;
}

bool core_has_room(const struct core *core, uint64_t events)
{
    return events < SESSION_EVENTS_MAX - core->past_events;
}

void core_end(struct core *core, uint64_t events)
{
    assert(core_has_room(core, events));
    core->past_events += events;
    join_places_end(core);
    counts_emit(core);
    core->label_count = core->request_count = 0;
    core->names = 0;
    for (struct life *life = core->listed; life; life = life->next_listed) {
        life->listed = false;
        phases_emit(core, life);
    }
    core->listed = NULL;
    for (size_t i = 0; i < core->cpu_count; i++) {
        struct cpu *cpu = &core->cpus[i];
        if (cpu->busy_ns == 0 && cpu->idle_ns == 0)
            continue;
        struct result result = {.type = RESULT_CPU,
                                .cpu = (int32_t)i,
                                .ran = {.busy_ns = cpu->busy_ns, .idle_ns = cpu->idle_ns}};
        core_emit(core, &result);
        cpu->busy_ns = cpu->idle_ns = 0;
    }
    free_over(core);
    join_forget_paths(core);
}

bool core_is_unsettled(const struct core *core, int32_t cpu)
{
    return cpu >= 0 && ((size_t)cpu >= core->cpu_count || core->cpus[cpu].knows == CPU_UNKNOWN);
}

const struct phase_set *core_phases(const struct core *core)
{
    return core->phases.set;
}

void core_mark(struct core *core, const struct interval_end *interval)
{
    if (interval->last_ns != TIME_NONE)
        spans_tick(core, interval->last_ns);
    counts_emit(core);
    for (size_t i = 0; i < interval->cpu_count; i++) {
        struct result busy = {.type = RESULT_CPU, .cpu = interval->cpus[i]};
        core_emit(core, &busy);
    }
    struct tallies tallies = core_take_tallies(core);
    struct interval_fact fact = {.chunk = interval->chunk,
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
                                 .host = interval->host};
    tallies_add(&fact.tallies, &tallies);
    core_emit(core, &(struct result){.type = RESULT_INTERVAL, .interval = &fact});
    names_clear(&core->old_paths);
}

void core_note(struct core *core, uint64_t chunk, const struct tallies *tallies,
               struct damages damage)
{
    struct interval_fact fact = {
        .chunk = chunk, .tallies = *tallies, .damage = damage, .host = text_of("")};
    core_emit(core, &(struct result){.type = RESULT_INTERVAL, .interval = &fact});
}

void core_gap(struct core *core, enum core_gap_of of, uint64_t begin_ns)
{
    spans_lose(core, of == GAP_OF_ALL ? SPANS_LOST_ALL : SPANS_LOST_KERNEL, begin_ns);
    for (size_t i = 0; i < core->cpu_count; i++)
        if (core->cpus[i].seen)
            join_border(core, (int32_t)i, begin_ns);
    struct life *life;
    for (size_t at = 0; (life = map_next(&core->lives, &at));) {
        life_touch(life);
        life_book(life, begin_ns);
        wait_lost(core, life);
        call_has_no_end(core, life);
        life_new_stretch(core, life);
        life_set_state(life, STATE_UNKNOWN, begin_ns);
    }
}

void core_finish(struct core *core)
{
    phases_finish(core);
    spans_finish(core);
    core_end(core, 0);
    struct life *life;
    for (size_t at = 0; (life = map_next(&core->lives, &at));) {
        life_touch(life);
        life_book(life, life->last_ns);
        wait_lost(core, life);
        call_has_no_end(core, life);
        life_new_stretch(core, life);
        life_emit(core, life);
    }
    tables_finish(core);
}
