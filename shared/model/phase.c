#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/state.h"

static void tell(struct model *model, const struct thread *thread, uint32_t stretch, uint32_t path,
                 const struct phase_cell *cell)
{
    struct result result = {.type = RESULT_PHASE,
                            .thread = thread->id,
                            .stretch = stretch,
                            .phase = model_path(model, path),
                            .phase_cell = cell};
    model_tell_of(model, thread, &result);
}

/* Of its process by now; 0 if that is not told. */
static int32_t pid_of(const struct thread *thread)
{
    const struct kin *kin = thread->phases.kin;
    return kin ? (int32_t)kin->key : 0;
}

static void tell_instance(struct model *model, const struct thread *thread, uint32_t stretch,
                          uint32_t path, const struct instance_told *told)
{
    struct result result = {.type = RESULT_INSTANCE,
                            .thread = thread->id,
                            .stretch = stretch,
                            .phase = model_path(model, path),
                            .instance = told};
    model_tell_of(model, thread, &result);
}

/* One by itself, of the model's definition `at`. */
static void tell_ended(struct model *model, const struct thread *thread, uint32_t path, uint32_t at,
                       const struct ended_instance *ended)
{
    const struct phase_definition *definition = model->phases.set->at[at];
    struct text names[PHASE_VALUES_MAX];
    assert(ended->value_count == phase_value_count(definition));
    for (size_t i = 0; i < ended->value_count; i++)
        names[i] = text_of(phase_value_name(definition, i));
    struct instance_told told = {.ended = *ended,
                                 .rule = definition->keep,
                                 .names = names,
                                 .match_count = definition->match_count};
    tell_instance(model, thread, thread->stretch, path, &told);
}

static void close_instance(struct model *model, struct instance *instance)
{
    struct thread *thread = thread_of_instance(instance);
    instances_close(&model->phases, instance);
    thread_unref(model, thread);
}

static void note_closing(struct model *model, const struct closing *closing)
{
    model->closings = memory_grow(model->closings, &model->closing_room, model->closing_count + 1,
                                  sizeof *model->closings);
    model->closings[model->closing_count++] = *closing;
}

static void complete(struct model *model, struct instance *instance, const struct thread *ender,
                     const struct event *event)
{
    struct thread *thread = thread_of_instance(instance);
    uint64_t time_ns = event->time_ns, ns = time_ns - instance->begin_ns;
    thread_book(thread, time_ns);
    const struct phase_definition *definition = model->phases.set->at[instance->definition];
    uint64_t over_ns = definition->keep.over_ns;
    struct phase_cell cell = {.hopped = ender != thread, .over = over_ns > 0 && ns >= over_ns};
    cell.syscalls = instances_spent(instance, &cell.time);
    durations_add(&cell.complete, ns);
    if (cell.time.before_running_ns || cell.time.before_blocked_ns)
        thread->before_told = true;
    tell(model, thread, thread->stretch, instance->path, &cell);
    struct field_value values[PHASE_VALUES_MAX];
    instances_capture_end(definition, instance, event, values);
    struct ended_instance ended = {
        .rank = {.ns = ns, .begin_ns = instance->begin_ns, .order = instance->order},
        .pid = pid_of(thread),
        .end_tid = ender != thread ? ender->tid : 0,
        .calls = cell.syscalls,
        .time = cell.time,
        .values = values,
        .value_count = phase_value_count(definition)};
    tell_ended(model, thread, instance->path, instance->definition, &ended);
    time_vector_free(&cell.time);
    if (thread->state != STATE_UNKNOWN)
        note_closing(model, &(struct closing){.thread = thread->id,
                                              .begin_ns = instance->begin_ns,
                                              .end_ns = time_ns,
                                              .order = instance->order,
                                              .pid = pid_of(thread),
                                              .path = instance->path,
                                              .stretch = thread->stretch});
    if (thread->call.open.call && !instance->in_call)
        call_add_credit(&thread->call, thread, instance->path, 1);
    close_instance(model, instance);
}

void phase_end_unknown(struct model *model, struct instance *instance)
{
    struct phase_cell cell = {.end_unknown = 1};
    const struct thread *thread = thread_of_instance(instance);
    tell(model, thread, thread->stretch, instance->path, &cell);
    close_instance(model, instance);
}

void phase_end_forgotten(struct model *model, struct thread *thread, uint32_t path)
{
    struct phase_cell cell = {.end_unknown = 1};
    tell(model, thread, thread->stretch, path, &cell);
    thread_unref(model, thread);
}

void phase_call_completed(struct model *model, const struct thread *thread,
                          const struct call_credit *credit)
{
    struct phase_cell cell = {.syscalls = credit->count};
    struct result result = {.type = RESULT_PHASE,
                            .thread = credit->thread,
                            .stretch = credit->stretch,
                            .phase = model_path(model, credit->path),
                            .phase_cell = &cell};
    model_tell_of(model, thread, &result);
}

void phase_forget_closings(struct model *model, uint64_t before_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < model->closing_count; i++)
        if (model->closings[i].end_ns > before_ns)
            model->closings[kept++] = model->closings[i];
    model->closing_count = kept;
}

void phase_take_back_closings(struct model *model, const struct thread *thread, uint64_t from_ns)
{
    if (thread->state == STATE_UNKNOWN)
        return;
    if (from_ns < thread->call_changed_ns)
        from_ns = thread->call_changed_ns;
    for (size_t i = 0; i < model->closing_count; i++) {
        struct closing *closing = &model->closings[i];
        uint64_t begin_ns = closing->begin_ns > from_ns ? closing->begin_ns : from_ns;
        if (closing->thread != thread->id || closing->end_ns <= begin_ns)
            continue;
        struct phase_cell cell = {0};
        uint64_t ns = closing->end_ns - begin_ns;
        thread_account(thread, &cell.time, 0 - ns);
        cell.time.unknown_ns = ns;
        tell(model, thread, closing->stretch, closing->path, &cell);
        struct instance_told told = {
            .ended = {.rank = {.order = closing->order}, .pid = closing->pid, .time = cell.time},
            .is_correction = true};
        tell_instance(model, thread, closing->stretch, closing->path, &told);
        time_vector_free(&cell.time);
        closing->end_ns = begin_ns;
    }
}

static void end_phase(struct model *model, struct thread *thread, const struct event *event,
                      uint32_t at)
{
    const struct phase_definition *definition = model->phases.set->at[at];
    struct field_value values[PHASE_MATCH_MAX];
    if (!instances_fit(definition, event, true, values))
        return;
    struct instance *instance = instances_to_end(&model->phases, &thread->phases, at, values);
    if (instance && !instance_is_late(&model->phases, instance, event->time_ns)) {
        complete(model, instance, thread, event);
        return;
    }
    char room[INSTANCE_NUMBER_ROOM];
    struct phase_cell cell = {.begin_unknown = 1};
    uint32_t path = names_id(&model->paths, instances_name(definition, event, room));
    tell(model, thread, thread->stretch, path, &cell);
}

static void begin_phase(struct model *model, struct thread *thread, const struct event *event,
                        uint32_t at)
{
    struct instances *phases = &model->phases;
    const struct phase_definition *definition = phases->set->at[at];
    struct field_value values[PHASE_VALUES_MAX];
    if (!instances_fit(definition, event, false, values))
        return;
    instances_capture(definition, event, values);
    const struct instance *parent = instances_own_parent(phases, &thread->phases, at);
    if (!parent)
        parent = instances_parent_by_match(phases, &thread->phases, at, values);
    char room[INSTANCE_NUMBER_ROOM];
    struct text name = instances_name(definition, event, room);
    uint32_t path = model_child_path(model, parent ? parent->path : 0, name);
    thread_book(thread, event->time_ns);
    struct instance *instance =
        instances_open(phases, &thread->phases, at, values, event->time_ns,
                       instance_order(model->past_events + model->event, at));
    instance->path = path;
    instance->by_user = event->domain == DOMAIN_UST;
    instance->in_call = thread->call.open.call != NULL;
    instances_set_spent(instance, &(struct time_vector){0}, 0);
    thread->refs++;
}

void phase_event(struct model *model, struct thread *thread, const struct event *event,
                 uint32_t summed)
{
    assert(event->class->phases == model->phases.set);
    size_t ends = event->class->end_count;
    for (size_t i = 0; i < ends; i++)
        if (i >= 32 || !(summed >> i & 1))
            end_phase(model, thread, event, event->class->ends[i]);
    for (size_t i = 0; i < event->class->begin_count; i++)
        if (ends + i >= 32 || !(summed >> (ends + i) & 1))
            begin_phase(model, thread, event, event->class->begins[i]);
}

/* --- what mappers have summed --- */

uint32_t phase_labeled(const struct model *model, uint32_t label)
{
    return label > 0 && label <= model->label_count ? model->labels[label - 1] : 0;
}

uint32_t phase_of_call(const struct model *model, const struct thread *thread, uint32_t label)
{
    return label == LABEL_HERE ? thread_path(thread) : phase_labeled(model, label);
}

static uint32_t path_of(struct model *model, const struct label_piece *piece)
{
    if (piece->kind == LABEL_CHILD)
        return model_child_path(model, phase_labeled(model, piece->under), piece->name);
    model_tick(model, piece->time_ns);
    const struct thread *thread = thread_of_item(model, piece->tid);
    if (piece->kind == LABEL_TOP)
        return thread ? thread_path(thread) : 0;
    const struct instances *phases = &model->phases;
    bool known = thread && piece->definition < phases->set->count;
    const struct instance *parent =
        known ? instances_own_parent(phases, &thread->phases, piece->definition) : NULL;
    return parent ? parent->path : phase_labeled(model, piece->under);
}

void phase_label(struct model *model, const struct label_piece *piece)
{
    uint32_t path = path_of(model, piece);
    model->labels = memory_grow(model->labels, &model->label_room, model->label_count + 1,
                                sizeof *model->labels);
    model->labels[model->label_count++] = path;
}

/* Whether it has all values, or (of older formats) those of the match fields alone. */
static bool has_values(const struct model *model, uint32_t definition, size_t count)
{
    const struct phase_set *set = model->phases.set;
    return definition < set->count && (count == set->at[definition]->match_count ||
                                       count == phase_value_count(set->at[definition]));
}

void phase_instance(struct model *model, const struct instance_piece *piece)
{
    struct instances *phases = &model->phases;
    struct thread *thread = thread_of_item(model, piece->tid);
    if (!thread || !has_values(model, piece->definition, piece->value_count))
        return;
    struct field_value values[PHASE_VALUES_MAX] = {{.type = FIELD_ABSENT}};
    for (size_t i = 0; i < piece->value_count; i++)
        values[i] = piece->values[i];
    struct instance *instance =
        instances_open(phases, &thread->phases, piece->definition, values, piece->begin_ns,
                       instance_order(model->past_events + piece->event, piece->definition));
    instance->path = phase_labeled(model, piece->label);
    instance->by_user = piece->by_user;
    instance->in_call = piece->in_call && thread->call.open.call;
    /* The thread may be accounted for beyond the piece, under its present state. */
    struct time_vector time = {0};
    thread_resolve_time(thread, &piece->time, &time);
    thread_account(thread, &time, thread->clock_ns - piece->until_ns);
    instances_set_spent(instance, &time, piece->calls);
    time_vector_free(&time);
    thread->refs++;
}

static uint64_t session_order(const struct model *model, uint64_t order_in_interval)
{
    return order_in_interval + (model->past_events << 16);
}

static void take_ended(struct model *model, struct thread *thread, const struct piece_ended *piece)
{
    if (!has_values(model, piece->definition, piece->ended.value_count))
        return;
    struct ended_instance ended = piece->ended;
    struct field_value values[PHASE_VALUES_MAX] = {{.type = FIELD_ABSENT}};
    for (size_t i = 0; i < ended.value_count; i++)
        values[i] = ended.values[i];
    ended.values = values;
    ended.value_count = phase_value_count(model->phases.set->at[piece->definition]);
    ended.rank.order = session_order(model, ended.rank.order);
    if (ended.pid == 0)
        ended.pid = pid_of(thread);
    ended.time = (struct time_vector){0};
    thread_resolve_time(thread, &piece->ended.time, &ended.time);
    tell_ended(model, thread, phase_labeled(model, piece->label), piece->definition, &ended);
    time_vector_free(&ended.time);
}

void phase_sums(struct model *model, struct thread *thread, const struct thread_piece *piece)
{
    for (size_t i = 0; i < piece->phase_count; i++) {
        const struct piece_phase *phase = &piece->phases[i];
        struct phase_cell cell = phase->cell;
        cell.time = (struct time_vector){0};
        thread_resolve_time(thread, &phase->cell.time, &cell.time);
        if (cell.time.before_running_ns || cell.time.before_blocked_ns)
            thread->before_told = true;
        tell(model, thread, thread->stretch, phase_labeled(model, phase->label), &cell);
        time_vector_free(&cell.time);
    }
    for (size_t i = 0; i < piece->ended_count; i++)
        take_ended(model, thread, &piece->ended[i]);
}

void phase_credits(struct model *model, struct thread *thread, const struct thread_piece *piece)
{
    for (size_t i = 0; i < piece->closing_count; i++) {
        const struct piece_closing *closing = &piece->closings[i];
        note_closing(model, &(struct closing){.thread = thread->id,
                                              .begin_ns = closing->begin_ns,
                                              .end_ns = closing->end_ns,
                                              .order = session_order(model, closing->order),
                                              .pid = closing->pid ? closing->pid : pid_of(thread),
                                              .path = phase_labeled(model, closing->label),
                                              .stretch = thread->stretch});
    }
    for (size_t i = 0; i < piece->credit_count && thread->call.open.call; i++)
        call_add_credit(&thread->call, thread, phase_labeled(model, piece->credits[i].label),
                        piece->credits[i].count);
}

static bool ends_with_program(const struct instance *instance)
{
    return instance->by_user;
}

static bool ends_with_process(const struct instance *instance)
{
    return !instance->after_exit;
}

/* Ends those of the thread's process, or of the thread alone if that is not told, that `ends` is true
 * of. */
static void end_of_kin(struct model *model, struct thread *thread,
                       bool (*ends)(const struct instance *instance))
{
    struct kin *kin = thread->phases.kin;
    struct instance *next;
    for (struct instance *each = kin ? kin->open : thread->phases.top; each; each = next) {
        next = kin ? each->next_kin : each->below;
        if (ends(each))
            phase_end_unknown(model, each);
    }
}

void phase_exec(struct model *model, struct thread *caller)
{
    end_of_kin(model, caller, ends_with_program);
}

void phase_exit(struct model *model, struct thread *thread)
{
    if (instances_exited(&thread->phases))
        end_of_kin(model, thread, ends_with_process);
}

void phase_tick(struct model *model, uint64_t now_ns)
{
    if (!instances_tick(&model->phases, now_ns))
        return;
    struct instance *over;
    while ((over = instances_next_over(&model->phases)) != NULL)
        phase_end_unknown(model, over);
}

/* Ends all that are open, or those of definitions that `set` has not, in the order of their begins.
 * Returns how many. */
static size_t end_all(struct model *model, const struct phase_set *without)
{
    struct instances *phases = &model->phases;
    size_t count = phases->count, ended = 0;
    struct instance **all = instances_sorted(phases);
    for (size_t i = 0; i < count; i++)
        if (!without || !phase_set_has(without, phases->set->ids[all[i]->definition])) {
            phase_end_unknown(model, all[i]);
            ended++;
        }
    free(all);
    return ended;
}

void phase_finish(struct model *model)
{
    end_all(model, NULL);
}

void phase_use_set(struct model *model, const struct phase_set *set)
{
    if (set == model->phases.set)
        return;
    model->tallies.at[TALLY_PHASES_CHANGED] += end_all(model, set);
    instances_use(&model->phases, set);
}
