/* Phases: begin and end of instances on threads, in both modes; and joining of their rows. */
#include "base/memory.h"
#include "core/state.h"

/* --- time of threads in instances --- */

void life_account(const struct life *life, struct time_vector *time, uint64_t ns)
{
    switch (life->state) {
    case STATE_UNKNOWN: time->unknown_ns += ns; return;
    case STATE_RUNNABLE: time->runnable_ns += ns; return;
    case STATE_RUNNING:
        *(life_is_in_call(life) ? &time->sys_ns
          : life->in == IN_NONE ? &time->user_ns
                                : &time->before_running_ns) += ns;
        return;
    case STATE_BLOCKED:
        if (life_is_in_call(life))
            time_vector_add_blocked_in(time, life->open_call->id, ns);
        else
            *(life->in == IN_NONE ? &time->blocked_ns : &time->before_blocked_ns) += ns;
        return;
    default:
        assert(life->in == IN_UNKNOWN);
        time->as_before_ns += ns;
        return;
    }
}

void life_spend(struct life *life, uint64_t ns)
{
    if (life->phases.count > 0)
        life_account(life, &life->phases.total, ns);
    if (!life->may_hold_phase)
        return;
    if (life->state != STATE_AS_BEFORE || life->in == IN_UNKNOWN)
        life_account(life, &life->spent, ns);
    else if (life_is_in_call(life))
        time_vector_add_blocked_in(&life->spent_before, life->open_call->id, ns);
    else
        life->spent_before.blocked_ns += ns;
}

/* Sets whether the time of the thread is needed for instances. */
static void set_spends(const struct core *core, struct life *life)
{
    life->spends = life->phases.count > 0 || (core->mode == CORE_MAP && life->may_hold_phase);
}

static struct phase_sum *phase_sum_at(struct core *core, struct life *life, uint32_t label)
{
    bool is_new;
    size_t at = cell_index_at(&life->phase_index, label, &is_new);
    if (is_new) {
        life->phase_sums =
            memory_grow(life->phase_sums, &life->phase_room, at + 1, sizeof *life->phase_sums);
        life->phase_sums[at] = (struct phase_sum){.label = label};
        life->phase_count++;
        life_list(core, life);
    }
    return &life->phase_sums[at];
}

/* --- effects of events, in both modes --- */

static const struct phase_definition *definition_of(const struct core *core,
                                                    const struct instance *instance)
{
    return core->phases.set->at[instance->definition];
}

static void close_by(struct core *core, struct instance *instance,
                     void (*close)(struct instances *all, struct instance *instance))
{
    struct life *life = life_touch(life_of(instance));
    if (instance->row_name > 0 && instance->row_name <= core->request_count &&
        core->requests[instance->row_name - 1] == instance)
        core->requests[instance->row_name - 1] = NULL;
    close(&core->phases, instance);
    if (life->phases.count == 0)
        layers_forget(life);
    set_spends(core, life);
    life->label_epoch = 0;
    if (life->over && life->phases.count == 0)
        instances_forget(&life->phases);
}

/* Its end is unknown, also of its older begins. */
static void have_no_end(struct core *core, struct instance *instance)
{
    phase_sum_at(core, life_of(instance), instance->path)->cell.end_unknown +=
        1 + instance_older_count(instance);
    close_by(core, instance, instances_close_with_older);
}

void phase_begins(struct core *core, struct life *life, const struct event *event, uint32_t at,
                  const struct field_value *values, uint32_t path, uint64_t order)
{
    const struct instance_begin begin = {.definition = at,
                                         .path = path,
                                         .by_user = event->domain == DOMAIN_UST,
                                         .in_call = core->mode == CORE_MAP ? life->in != IN_NONE
                                                                           : life->in == IN_OPEN,
                                         .begin_ns = event->time_ns,
                                         .order = order,
                                         .values = values};
    struct instance *instance = instances_begin(&core->phases, &life->phases, &begin);
    life->spends = true;
    life->label_epoch = 0;
    if (core->mode == CORE_JOIN && instances_has_twin(instance))
        have_no_end(core, instance);
    else
        segment_begins(core, instance);
}

static void add_credit(struct life *life, uint32_t label, uint64_t count)
{
    for (size_t i = 0; i < life->credit_count; i++) {
        struct call_credit *credit = &life->credits[i];
        if (credit->label == label && credit->thread == life->name &&
            credit->stretch == life->stretch) {
            credit->count += count;
            return;
        }
    }
    life->credits = memory_grow(life->credits, &life->credit_room, life->credit_count + 1,
                                sizeof *life->credits);
    life->credits[life->credit_count++] = (struct call_credit){
        .label = label, .count = count, .thread = life->name, .stretch = life->stretch};
}

uint64_t phase_spent_until(const struct instance *instance, uint64_t time_ns,
                           struct time_vector *time)
{
    const struct life *life = life_of(instance);
    uint64_t calls = instances_spent(instance, time);
    if (time_ns <= life->clock_ns)
        return calls;
    /* Later than the thread's accounted time. */
    uint64_t ns = time_ns - life->clock_ns;
    uint64_t begun_ns = time_ns - instance->mark.begin_ns;
    if (ns > begun_ns)
        ns = begun_ns; /* it began later than that */
    life_account(life, time, ns);
    return calls;
}

/* Its current process; 0 if unknown. */
static int32_t pid_of(const struct life *life)
{
    const struct thread_group *thread_group = life->phases.thread_group;
    return thread_group ? (int32_t)thread_group->key : 0;
}

static void emit_ended(struct core *core, struct life *life, uint32_t path, uint32_t at,
                       const struct ended_instance *ended)
{
    const struct phase_definition *definition = core->phases.set->at[at];
    struct text names[PHASE_VALUES_MAX];
    assert(ended->value_count == phase_value_count(definition));
    for (size_t i = 0; i < ended->value_count; i++)
        names[i] = text_of(phase_value_name(definition, i));
    struct instance_result content = {.ended = *ended,
                                      .rule = definition->keep,
                                      .names = names,
                                      .match_count = definition->match_count};
    struct result result = {.type = RESULT_INSTANCE,
                            .stretch = life->stretch,
                            .phase = names_text(&core->paths, path),
                            .instance = &content};
    life->before_emitted |= time_vector_has_before(&ended->time);
    core_emit_of(core, life, &result);
}

/* `sum` already includes it; `ended` has its time and calls, and is completed here. */
NEVER_INLINE static void keep_ended(struct core *core, const struct instance *instance,
                                    struct phase_sum *sum, const struct life *ender,
                                    const struct event *event, struct ended_instance *ended)
{
    struct life *life = life_of(instance);
    const struct phase_definition *definition = definition_of(core, instance);
    struct field_value values[PHASE_VALUES_MAX];
    instances_capture_end(definition, instance, event, values);
    ended->rank = (struct instance_rank){.ns = event->time_ns - instance->mark.begin_ns,
                                         .begin_ns = instance->mark.begin_ns,
                                         .order = instance->mark.order};
    ended->pid = pid_of(life);
    ended->end_tid = ender != life ? ender->tid : 0;
    ended->values = values;
    ended->value_count = phase_value_count(definition);
    if (!definition->segments)
        (void)layers_since(life, instance->mark.order, ended);
    if (core->mode == CORE_JOIN) {
        waits_fit(ended, definition->segments != NULL);
        waits_sort(ended);
        emit_ended(core, life, sum->label, instance->definition, ended);
    } else {
        map_keep_ended(core, life, sum,
                       &(struct ended_line){sum->label, instance->definition, *ended});
    }
}

void phase_completes(struct core *core, struct instance *instance, const struct life *ender,
                     const struct event *event)
{
    struct life *life = life_of(instance);
    const struct phase_definition *definition = definition_of(core, instance);
    struct phase_sum *sum = phase_sum_at(core, life, instance->path);
    uint64_t ns = event->time_ns - instance->mark.begin_ns;
    uint64_t over_ns = definition->keep.over_ns;
    struct ended_instance ended = {.calls = 0};
    if (definition->segments)
        request_ends(core, instance, event->time_ns, &ended);
    else
        ended.calls = phase_spent_until(instance, event->time_ns, &ended.time);
    if (instance->request)
        segment_ends(core, instance, event->time_ns, &ended.time, ended.calls);
    sum->cell.syscalls += ended.calls;
    sum->cell.queued_ns += ended.queued_ns;
    sum->cell.parallel_ns += ended.parallel_ns;
    durations_add(&sum->cell.complete, ns);
    sum->cell.hopped += life != ender;
    sum->cell.over += over_ns > 0 && ns >= over_ns;
    time_vector_merge(&sum->cell.time, &ended.time);
    if (core->mode == CORE_JOIN || map_keeps_ended(core, life, sum, instance->definition, ns))
        keep_ended(core, instance, sum, ender, event, &ended);
    time_vector_drop(&ended.time);
    free(ended.waits);
    if (life_is_in_call(life) && !instance->in_call && !definition->segments)
        add_credit(life, instance->path, 1);
    close_by(core, instance, instances_close);
}

static void eldest_has_no_end(struct core *core, struct instance *instance)
{
    phase_sum_at(core, life_of(instance), instance->path)->cell.end_unknown++;
    close_by(core, instance, instances_close_eldest);
}

void phase_has_no_begin(struct core *core, struct life *life, uint32_t label)
{
    phase_sum_at(core, life, label)->cell.begin_unknown++;
}

static void emit_phase(const struct core *core, const struct life *life, uint32_t thread,
                       uint32_t stretch, uint32_t path, const struct phase_cell *cell)
{
    struct result result = {.type = RESULT_PHASE,
                            .stretch = stretch,
                            .phase = names_text(&core->paths, path),
                            .phase_cell = cell};
    result.pid = life->process ? life->process->pid : 0;
    result.tid = life->tid;
    result.thread = thread;
    core_emit(core, &result);
}

void phase_add_credits(struct core *core, struct life *life, bool complete)
{
    for (size_t i = 0; complete && i < life->credit_count; i++) {
        const struct call_credit *credit = &life->credits[i];
        if (credit->thread == life->name) {
            phase_sum_at(core, life, credit->label)->cell.syscalls += credit->count;
            continue;
        }
        struct phase_cell cell = {.syscalls = credit->count};
        emit_phase(core, life, credit->thread, credit->stretch, credit->label, &cell);
    }
    life->credit_count = 0;
}

/* --- joining: events --- */

static uint32_t child_path(struct core *core, uint32_t parent, struct text name)
{
    if (parent == 0)
        return names_id(&core->paths, name);
    struct text above = names_text(&core->paths, parent);
    char *path = memory_format("%.*s/%.*s", (int)above.count, above.at, (int)name.count, name.at);
    uint32_t id = names_id(&core->paths, text_of(path));
    free(path);
    return id;
}

static void end_phase(struct core *core, struct life *life, const struct event *event, uint32_t at)
{
    const struct phase_definition *definition = core->phases.set->at[at];
    struct field_value values[PHASE_MATCH_MAX];
    if (!instances_fit(definition, event, true, values))
        return;
    struct instance *instance = instances_to_end(&core->phases, &life->phases, at, values);
    if (instance && !instance_is_late(&core->phases, instance, event->time_ns)) {
        phase_completes(core, instance, life, event);
        return;
    }
    char room[INSTANCE_NUMBER_ROOM];
    phase_has_no_begin(core, life, names_id(&core->paths, instances_name(definition, event, room)));
}

static void begin_phase(struct core *core, struct life *life, const struct event *event,
                        uint32_t at)
{
    const struct instances *phases = &core->phases;
    const struct phase_definition *definition = phases->set->at[at];
    struct field_value values[PHASE_VALUES_MAX];
    if (!instances_fit(definition, event, false, values))
        return;
    instances_capture(definition, event, values);
    const struct instance *parent = instances_own_parent(phases, &life->phases, at);
    if (!parent)
        parent = instances_parent_by_match(phases, &life->phases, at, values);
    char room[INSTANCE_NUMBER_ROOM];
    struct text name = instances_name(definition, event, room);
    phase_begins(core, life, event, at, values, child_path(core, parent ? parent->path : 0, name),
                 instance_order(core->past_events + core->event_number - 1, at));
}

void join_phases(struct core *core, struct life *life, const struct event *event, uint32_t summed)
{
    assert(event->class->phases == core->phases.set);
    life_book(life, event->time_ns);
    size_t ends = event->class->end_count;
    for (size_t i = 0; i < ends; i++)
        if (i >= 32 || !(summed >> i & 1))
            end_phase(core, life, event, event->class->ends[i]);
    for (size_t i = 0; i < event->class->begin_count; i++)
        if (ends + i >= 32 || !(summed >> (ends + i) & 1))
            begin_phase(core, life, event, event->class->begins[i]);
}

static bool ends_with_program(const struct instance *instance)
{
    return instance->by_user;
}

static bool ends_with_process(const struct instance *instance)
{
    return !instance->after_exit;
}

/* Ends those instances of the thread's process, or of the thread alone if its process is unknown,
 * for which `ends` is true. */
static void end_of_group(struct core *core, struct life *life,
                         bool (*ends)(const struct instance *instance))
{
    struct thread_group *thread_group = life->phases.thread_group;
    struct instance *next;
    for (struct instance *each = thread_group ? thread_group->open : life->phases.top; each;
         each = next) {
        next = thread_group ? each->next_in_group : each->below;
        if (ends(each))
            have_no_end(core, each);
    }
}

void join_phase_exec(struct core *core, struct life *caller)
{
    end_of_group(core, caller, ends_with_program);
}

void join_phase_exit(struct core *core, struct life *life)
{
    if (instances_exited(&life->phases))
        end_of_group(core, life, ends_with_process);
}

void phases_tick(struct core *core, uint64_t now_ns)
{
    if (!instances_tick(&core->phases, now_ns))
        return;
    core->label_epoch++;
    struct instance *over;
    while ((over = instances_next_over(&core->phases)) != NULL) {
        if (core->mode == CORE_MAP)
            core->ungrouped[over->definition] -= !over->thread->thread_group;
        eldest_has_no_end(core, over);
    }
}

/* Ends all open instances, or those of definitions that are not in `without`. */
static void end_all(struct core *core, const struct phase_set *without)
{
    struct instances *phases = &core->phases;
    size_t count = phases->structs;
    struct instance **all = instances_sorted(phases);
    for (size_t i = 0; i < count; i++)
        if (!without || !phase_set_has(without, phases->set->ids[all[i]->definition])) {
            if (without)
                core->tallies.at[TALLY_PHASES_CHANGED] += 1 + instance_older_count(all[i]);
            have_no_end(core, all[i]);
        }
    free(all);
}

void phases_use(struct core *core, const struct phase_set *set)
{
    if (set == core->phases.set)
        return;
    end_all(core, set);
    instances_use(&core->phases, set);
}

void phases_finish(struct core *core)
{
    end_all(core, NULL);
}

/* --- joining: rows --- */

uint32_t join_labeled(const struct core *core, uint32_t label)
{
    return label > 0 && label <= core->label_count ? core->labels[label - 1] : 0;
}

static uint32_t path_of(struct core *core, const struct label_let *let)
{
    if (let->kind == LABEL_CHILD)
        return child_path(core, join_labeled(core, let->under), let->name);
    const struct life *life = join_life_of(core, let->life);
    if (let->kind == LABEL_CALL)
        return join_call_name(core, life);
    if (let->kind == LABEL_TOP)
        return life && life->phases.top ? life->phases.top->path : 0;
    if (!life || let->definition >= core->phases.set->count)
        return join_labeled(core, let->under);
    const struct instance *parent =
        instances_own_parent(&core->phases, &life->phases, let->definition);
    if (!parent && let->value_count > 0)
        parent =
            instances_parent_by_match(&core->phases, &life->phases, let->definition, let->values);
    return parent ? parent->path : join_labeled(core, let->under);
}

void join_label(struct core *core, const struct label_let *let)
{
    uint32_t path = path_of(core, let);
    core->labels =
        memory_grow(core->labels, &core->label_room, core->label_count + 1, sizeof *core->labels);
    core->labels[core->label_count++] = path;
}

/* Adds time of a row; relative parts are resolved by the state of the thread. */
static void resolve_time(const struct life *life, const struct time_vector *time,
                         struct time_vector *to)
{
    to->user_ns += time->user_ns;
    to->sys_ns += time->sys_ns;
    to->runnable_ns += time->runnable_ns;
    to->unknown_ns += time->unknown_ns;
    to->blocked_ns += time->blocked_ns;
    for (uint32_t i = 0; i < time->blocked_count; i++)
        time_vector_add_blocked_in(to, time->blocked_in[i].call, time->blocked_in[i].ns);
    life_add_interrupted(life, &time->interrupted, &to->interrupted);
    *(life->in == IN_OPEN   ? &to->sys_ns
      : life->in == IN_NONE ? &to->user_ns
                            : &to->before_running_ns) += time->before_running_ns;
    if (life->in == IN_OPEN && time->before_blocked_ns > 0)
        time_vector_add_blocked_in(to, life->open_call->id, time->before_blocked_ns);
    else
        *(life->in == IN_NONE ? &to->blocked_ns : &to->before_blocked_ns) +=
            time->before_blocked_ns;
    if (time->as_before_ns > 0)
        life_account(life, to, time->as_before_ns);
}

/* Adds time in the current state of the thread, in call `call`, or (NULL) in none. */
static void account_here(const struct life *life, const struct syscall *call,
                         struct time_vector *time, uint64_t ns)
{
    struct life here = {.state = life->state, .in = call ? IN_OPEN : IN_NONE, .open_call = call};
    life_account(&here, time, ns);
}

static void add_spent(const struct core *core, struct life *life, const struct life_line *line)
{
    struct time_vector *total = &life->phases.total;
    resolve_time(life, &line->spent, total);
    const struct time_vector *before = &line->spent_before;
    for (uint32_t i = 0; i < before->blocked_count; i++)
        account_here(life, schema_call_by_id(core->schema, before->blocked_in[i].call), total,
                     before->blocked_in[i].ns);
    if (before->blocked_ns > 0)
        account_here(life, NULL, total, before->blocked_ns);
}

/* An instance that is listed individually. */
static void join_ended(struct core *core, struct life *life, const struct ended_line *line)
{
    const struct phase_set *set = core->phases.set;
    if (line->definition >= set->count ||
        line->ended.value_count != phase_value_count(set->at[line->definition]))
        return;
    struct ended_instance ended = line->ended;
    ended.rank.order += core->past_events << 16;
    if (ended.pid == 0)
        ended.pid = pid_of(life);
    ended.time = (struct time_vector){0};
    resolve_time(life, &line->ended.time, &ended.time);
    waits_resolve(core, &line->ended, &ended);
    waits_fit(&ended, set->at[line->definition]->segments != NULL);
    waits_sort(&ended);
    emit_ended(core, life, join_labeled(core, line->label), line->definition, &ended);
    time_vector_free(&ended.time);
    free(ended.waits);
}

void join_phase_sums(struct core *core, struct life *life, const struct life_line *line)
{
    for (size_t i = 0; i < line->ended_count; i++)
        join_ended(core, life, &line->ended[i]);
    if (life->phases.count > 0)
        add_spent(core, life, line);
    for (size_t i = 0; i < line->phase_count; i++) {
        const struct phase_cell *cell = &line->phases[i].cell;
        struct phase_sum *sum = phase_sum_at(core, life, join_labeled(core, line->phases[i].label));
        phase_cell_merge_counts(&sum->cell, cell);
        resolve_time(life, &cell->time, &sum->cell.time);
    }
}

void join_credits(struct core *core, struct life *life, const struct life_line *line)
{
    for (size_t i = 0; i < line->credit_count && life->in == IN_OPEN; i++)
        add_credit(life, join_labeled(core, line->credits[i].label), line->credits[i].count);
}

static void set_spent(const struct life *life, struct instance_mark *mark,
                      const struct time_vector *time, uint64_t calls)
{
    struct time_vector resolved = {0};
    resolve_time(life, time, &resolved);
    instances_set_spent_since(&life->phases, mark, &resolved, calls);
    time_vector_free(&resolved);
}

/* Smaller blocks are appended to existing ones, so that the number of blocks stays small. */
enum { BLOCK_LEAST = 64 };

static void join_steps(const struct life *life, const struct steps_line *line,
                       struct older_begins *older_begins)
{
    uint32_t *calls = memory_new((line->call_count + 1) * sizeof *calls);
    for (size_t i = 0; i < line->call_count; i++)
        calls[i] = line->calls[i].call->id;
    const struct begin_steps steps = {.count = line->count,
                                      .events = line->events,
                                      .bytes = {(const uint8_t *)line->bytes.at, line->bytes.count},
                                      .calls = calls,
                                      .call_count = line->call_count};
    if (!line->has_other && steps.bytes.count >= BLOCK_LEAST) {
        older_begins_add_block(older_begins, older_begins->youngest.order, &steps);
        free(calls);
        return;
    }
    struct begin_reader reader = older_begins_reader(&steps);
    struct begin_step step = {.events = 0}, here = {.events = 0};
    while (older_begins_read(&reader, &step)) {
        struct time_vector time = here.time;
        time_vector_clear(&time);
        resolve_time(life, &step.time, &time);
        here = step;
        here.time = time;
        older_begins_push_step(older_begins, &here);
    }
    time_vector_free(&step.time);
    time_vector_free(&here.time);
    free(calls);
}

/* The instance becomes the oldest; all others are added on top of it. */
static void join_older_begins(struct instances *phases, const struct life *life,
                              const struct instance_line *line, struct instance *instance)
{
    set_spent(life, &instance->mark, &line->oldest.time, line->oldest.calls);
    struct older_begins *older_begins = instances_go_below(phases, instance);
    for (size_t i = 0; i < line->steps_count; i++)
        join_steps(life, &line->steps[i], older_begins);
    older_begins->youngest.begin_ns = line->youngest.begin_ns;
    set_spent(life, &older_begins->youngest, &line->youngest.time, line->youngest.calls);
}

bool join_instance(struct core *core, const struct instance_line *line)
{
    if (!core_has_room(core, line->event))
        return false;
    struct instances *phases = &core->phases;
    struct life *life = join_life_of(core, line->life);
    if (!life || line->definition >= phases->set->count)
        return true;
    struct instance_begin begin = {
        .definition = line->definition,
        .path = join_labeled(core, line->label),
        .by_user = line->by_user,
        .in_call = line->in_call && life->in == IN_OPEN,
        .begin_ns = line->begin_ns,
        .order = instance_order(core->past_events + line->event, line->definition),
        .values = line->values};
    struct instance_begin oldest = begin;
    if (line->older_begins > 0) {
        oldest.in_call = false;
        oldest.begin_ns = line->oldest.begin_ns;
        oldest.order = instance_order(core->past_events + line->oldest.event, line->definition);
    }
    struct instance *instance = instances_begin(phases, &life->phases, &oldest);
    if (instances_has_twin(instance)) {
        have_no_end(core, instance);
        return true;
    }
    if (line->older_begins > 0) {
        join_older_begins(phases, life, line, instance);
        instances_go_on_top(phases, instance, &begin);
    }
    set_spent(life, &instance->mark, &line->time, line->calls);
    life->spends = true;
    join_segments(core, line, instance);
    return true;
}

/* --- joining: time before the first call --- */

static void resolve_before(struct time_vector *time, const void *context)
{
    const struct syscall *call = context;
    *(call ? &time->sys_ns : &time->user_ns) += time->before_running_ns;
    if (call && time->before_blocked_ns > 0)
        time_vector_add_blocked_in(time, call->id, time->before_blocked_ns);
    else
        time->blocked_ns += time->before_blocked_ns;
    time->before_running_ns = time->before_blocked_ns = 0;
    interrupted_resolve(&time->interrupted, call != NULL);
}

void phases_resolve(struct core *core, struct life *life, const struct syscall *call)
{
    for (size_t i = 0; i < life->phase_count; i++)
        resolve_before(&life->phase_sums[i].cell.time, call);
    resolve_before(&life->phases.total, call);
    for (struct instance *each = life->phases.top; each; each = each->below) {
        resolve_before(&each->mark.total_at, call);
        if (instance_older_count(each) > 0)
            older_begins_resolve(each->older_begins, resolve_before, call);
    }
    if (life->before_emitted && call) {
        struct result fact = {
            .type = RESULT_FIRST_CALL, .stretch = life->stretch, .call = text_of(call->name)};
        fact.in_call = true;
        core_emit_of(core, life, &fact);
    }
    life->before_emitted = false;
}

void phases_emit(struct core *core, struct life *life)
{
    for (size_t i = 0; i < life->phase_count; i++) {
        struct phase_sum *sum = &life->phase_sums[i];
        life->before_emitted |= time_vector_has_before(&sum->cell.time);
        emit_phase(core, life, life->name, life->stretch, sum->label, &sum->cell);
        phase_cell_clear(&sum->cell);
    }
    life->phase_count = 0;
    cell_index_clear(&life->phase_index);
}
