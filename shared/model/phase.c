#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "model/state.h"

static const struct field_value absent = {.type = FIELD_ABSENT};

static const struct field_value *field(const struct event *event, const char *name)
{
    for (size_t i = 0; i < event->field_count; i++)
        if (strcmp(event->class->fields[i], name) == 0)
            return &event->fields[i];
    return &absent;
}

static bool passes_all(const struct event *event, const struct phase_filter *filter, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!phase_filter_passes(&filter[i], field(event, filter[i].field)))
            return false;
    return true;
}

/* The name that an instance of `definition` has by this event, to be freed; NULL if the event
 * lacks the field that tells it. */
static char *name_by(const struct phase_definition *definition, const struct event *event)
{
    if (!definition->name_is_field)
        return memory_string(text_of(definition->name));
    const struct field_value *value = field(event, definition->name);
    switch (value->type) {
    case FIELD_ABSENT: return NULL;
    case FIELD_INT: return memory_format("%lld", (long long)value->i);
    case FIELD_UINT: return memory_format("%llu", (unsigned long long)value->u);
    case FIELD_TEXT: return memory_string(value->text);
    }
    return NULL;
}

static uint64_t value_hash(const struct field_value *value)
{
    return value->type == FIELD_TEXT ? hash_text(value->text) : hash_number(value->u);
}

static uint64_t key_of(uint32_t definition, const struct field_value *match, size_t count)
{
    uint64_t key = hash_number(definition + 1);
    for (size_t i = 0; i < count; i++)
        key = hash_number(key ^ value_hash(&match[i]));
    return key;
}

/* Whether both were told by now to be of one process; until then each thread is alone. */
static bool same_process(const struct thread *a, const struct thread *b)
{
    return a == b || (a->process && a->process == b->process);
}

void instance_unref(struct instance *instance)
{
    if (--instance->refs == 0)
        instance_free(instance);
}

void instance_free(struct instance *instance)
{
    for (size_t i = 0; i < instance->match_count; i++)
        if (instance->match[i].type == FIELD_TEXT)
            free((char *)(uintptr_t)instance->match[i].text.at);
    free(instance->match);
    time_vector_free(&instance->time);
    free(instance);
}

/* `id`: of the thread that the instance was begun on; it may have got another since, by an exec. */
static void tell(struct model *model, const struct thread *thread, uint64_t id, uint32_t stretch,
                 uint32_t path, const struct phase_cell *cell)
{
    struct result result = {.type = RESULT_PHASE,
                            .thread = id,
                            .stretch = stretch,
                            .phase = model_path(model, path),
                            .phase_cell = cell};
    model_tell_of(model, thread, &result);
}

static void unlink_instance(struct model *model, struct instance *instance)
{
    *instance->back_open = instance->next_open;
    if (instance->next_open)
        instance->next_open->back_open = instance->back_open;
    if (instance->back_equal) {
        *instance->back_equal = instance->next_equal;
        if (instance->next_equal)
            instance->next_equal->back_equal = instance->back_equal;
    } else {
        uint64_t key = key_of(instance->definition, instance->match, instance->match_count);
        if (instance->next_equal) {
            map_put(&model->equal, key, instance->next_equal);
            instance->next_equal->back_equal = NULL;
        } else {
            map_remove(&model->equal, key);
        }
    }
    struct thread *thread = instance->thread;
    size_t at = 0;
    while (thread->instances[at] != instance)
        at++;
    memmove(thread->instances + at, thread->instances + at + 1,
            (thread->instance_count - at - 1) * sizeof(struct instance *));
    thread->instance_count--;
}

static void close_instance(struct model *model, struct instance *instance, enum instance_fate fate)
{
    struct thread *thread = instance->thread;
    unlink_instance(model, instance);
    instance->fate = (uint8_t)fate;
    instance->stretch = thread->stretch;
    instance->thread = NULL;
    thread_unref(thread);
    instance_unref(instance);
}

static void note_closing(struct model *model, const struct instance *instance, uint64_t time_ns)
{
    model->closings = memory_grow(model->closings, &model->closing_room, model->closing_count + 1,
                                  sizeof *model->closings);
    model->closings[model->closing_count++] =
        (struct closing){.thread = instance->thread_id,
                         .begin_ns = instance->begin_ns,
                         .end_ns = time_ns,
                         .path = instance->path,
                         .stretch = instance->thread->stretch};
}

static void complete(struct model *model, struct instance *instance, uint64_t time_ns)
{
    struct thread *thread = instance->thread;
    thread_book(thread, time_ns);
    struct phase_cell cell = {.syscalls = instance->syscalls, .time = instance->time};
    durations_add(&cell.complete, time_ns - instance->begin_ns);
    if (cell.time.before_running_ns || cell.time.before_blocked_ns)
        thread->before_told = true;
    tell(model, thread, thread->id, thread->stretch, instance->path, &cell);
    if (thread->state != STATE_UNKNOWN)
        note_closing(model, instance, time_ns);
    close_instance(model, instance, INSTANCE_COMPLETE);
}

void phase_end_unknown(struct model *model, struct instance *instance)
{
    struct phase_cell cell = {.end_unknown = 1};
    const struct thread *thread = instance->thread;
    tell(model, thread, instance->thread_id, thread->stretch, instance->path, &cell);
    close_instance(model, instance, INSTANCE_END_UNKNOWN);
}

void phase_end_forgotten(struct model *model, struct instance *instance)
{
    struct thread *thread = instance->thread;
    struct phase_cell cell = {.end_unknown = 1};
    tell(model, thread, instance->thread_id, thread->stretch, instance->path, &cell);
    instance->fate = INSTANCE_END_UNKNOWN;
    instance->stretch = thread->stretch;
    instance->thread = NULL;
    thread_unref(thread);
    instance_unref(instance);
}

void instance_call_completed(struct model *model, const struct thread *thread,
                             struct instance *instance)
{
    if (instance->fate == INSTANCE_OPEN) {
        instance->syscalls++;
    } else if (instance->fate == INSTANCE_COMPLETE) {
        struct phase_cell cell = {.syscalls = 1};
        tell(model, thread, instance->thread_id, instance->stretch, instance->path, &cell);
    }
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
    for (size_t i = 0; i < model->closing_count; i++) {
        struct closing *closing = &model->closings[i];
        uint64_t begin_ns = closing->begin_ns > from_ns ? closing->begin_ns : from_ns;
        if (closing->thread != thread->id || closing->end_ns <= begin_ns)
            continue;
        struct phase_cell cell = {0};
        uint64_t ns = closing->end_ns - begin_ns;
        thread_account(thread, &cell.time, 0 - ns);
        cell.time.unknown_ns = ns;
        tell(model, thread, thread->id, closing->stretch, closing->path, &cell);
        time_vector_free(&cell.time);
        closing->end_ns = begin_ns;
    }
}

/* The values of the definition's match fields; false if the event lacks one. */
static bool match_values(const struct phase_definition *definition, const struct event *event,
                         bool of_end, struct field_value *values)
{
    for (size_t i = 0; i < definition->match_count; i++) {
        const struct phase_match *match = &definition->match[i];
        values[i] = *field(event, of_end ? match->end_field : match->begin_field);
        if (values[i].type == FIELD_ABSENT)
            return false;
    }
    return true;
}

static bool matches(const struct instance *instance, const struct field_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!field_value_equal(&instance->match[i], &values[i]))
            return false;
    return true;
}

/* "If several are open, that event ends one: the last begun on its own thread, else the last
 * begun." */
static struct instance *to_end(struct model *model, const struct thread *thread,
                               uint32_t definition, const struct field_value *values, size_t count)
{
    struct instance *best = NULL;
    for (struct instance *each = map_get(&model->equal, key_of(definition, values, count)); each;
         each = each->next_equal) {
        if (each->definition != definition || !same_process(each->thread, thread) ||
            !matches(each, values, count))
            continue;
        bool own = each->thread == thread, best_own = best && best->thread == thread;
        if (!best || (own && !best_own) || (own == best_own && each->order > best->order))
            best = each;
    }
    return best;
}

static void end_phase(struct model *model, struct thread *thread, const struct event *event,
                      uint32_t at)
{
    const struct phase_definition *definition = model->phases->at[at];
    struct field_value values[PHASE_MATCH_MAX];
    if (!passes_all(event, definition->end_filter, definition->end_filter_count) ||
        !match_values(definition, event, true, values))
        return;
    char *name = name_by(definition, event);
    if (!name)
        return;
    struct instance *instance =
        to_end(model, thread, model->phases->ids[at], values, definition->match_count);
    if (instance) {
        complete(model, instance, event->time_ns);
    } else {
        struct phase_cell cell = {.begin_unknown = 1};
        uint32_t path = names_id(&model->paths, text_of(name));
        tell(model, thread, thread->id, thread->stretch, path, &cell);
    }
    free(name);
}

/* Whether child and parent have match fields of one name, and equal values in all of those. */
static bool matches_parent(const struct phase_definition *child, const struct field_value *values,
                           const struct phase_definition *parent, const struct instance *instance)
{
    bool any = false;
    for (size_t i = 0; i < child->match_count; i++)
        for (size_t j = 0; j < parent->match_count; j++) {
            if (strcmp(child->match[i].begin_field, parent->match[j].begin_field) != 0)
                continue;
            if (!field_value_equal(&values[i], &instance->match[j]))
                return false;
            any = true;
        }
    return any;
}

static bool share_match_fields(const struct phase_definition *a, const struct phase_definition *b)
{
    for (size_t i = 0; i < a->match_count; i++)
        for (size_t j = 0; j < b->match_count; j++)
            if (strcmp(a->match[i].begin_field, b->match[j].begin_field) == 0)
                return true;
    return false;
}

static struct instance *parent_of(struct model *model, const struct thread *thread,
                                  const struct phase_definition *definition,
                                  const struct field_value *values)
{
    const struct phase_set *phases = model->phases;
    struct instance *best = NULL;
    for (size_t i = 0; definition->parent && i < phases->count; i++) {
        if (!phase_is_named(phases->at[i], definition->parent))
            continue;
        /* Events of a process without a thread may be of any thread of it. */
        bool by_thread =
            !tid_is_of_process(thread->tid) || !share_match_fields(definition, phases->at[i]);
        for (struct instance *each = model->open[phases->ids[i]]; each; each = each->next_open) {
            bool own = by_thread && each->thread == thread;
            if (!own && (!same_process(each->thread, thread) ||
                         !matches_parent(definition, values, phases->at[i], each)))
                continue;
            bool best_own = best && best->thread == thread;
            if (!best || (own && !best_own) || (own == best_own && each->order > best->order))
                best = each;
        }
    }
    return best;
}

void instance_link(struct model *model, struct instance *instance)
{
    struct thread *thread = instance->thread;
    thread->instances = memory_grow(thread->instances, &thread->instance_room,
                                    thread->instance_count + 1, sizeof(struct instance *));
    thread->instances[thread->instance_count++] = instance;

    instance->next_open = model->open[instance->definition];
    instance->back_open = &model->open[instance->definition];
    if (instance->next_open)
        instance->next_open->back_open = &instance->next_open;
    model->open[instance->definition] = instance;

    uint64_t key = key_of(instance->definition, instance->match, instance->match_count);
    instance->next_equal = map_get(&model->equal, key);
    if (instance->next_equal)
        instance->next_equal->back_equal = &instance->next_equal;
    map_put(&model->equal, key, instance);
}

static void begin_phase(struct model *model, struct thread *thread, const struct event *event,
                        uint32_t at)
{
    const struct phase_definition *definition = model->phases->at[at];
    struct field_value values[PHASE_MATCH_MAX];
    if (!passes_all(event, definition->begin_filter, definition->begin_filter_count) ||
        !match_values(definition, event, false, values))
        return;
    char *name = name_by(definition, event);
    if (!name)
        return;
    struct instance *parent = parent_of(model, thread, definition, values);
    char *path = parent ? memory_format("%s/%s", model_path(model, parent->path).at, name)
                        : memory_string(text_of(name));

    thread_book(thread, event->time_ns);
    struct instance *instance = memory_new(sizeof *instance);
    instance->definition = model->phases->ids[at];
    instance->path = names_id(&model->paths, text_of(path));
    instance->refs = 1;
    instance->by_user = event->domain == DOMAIN_UST;
    instance->order = ++model->last_instance_order;
    instance->begin_ns = event->time_ns;
    instance->thread = thread;
    instance->thread_id = thread->id;
    instance->match_count = definition->match_count;
    instance->match = memory_new(definition->match_count * sizeof *instance->match);
    for (size_t i = 0; i < definition->match_count; i++) {
        instance->match[i] = values[i];
        if (values[i].type == FIELD_TEXT)
            instance->match[i].text.at = memory_string(values[i].text);
    }
    thread->refs++;
    instance_link(model, instance);
    free(path);
    free(name);
}

void phase_event(struct model *model, struct thread *thread, const struct event *event)
{
    assert(event->class->phases == model->phases);
    for (size_t i = 0; i < event->class->end_count; i++)
        end_phase(model, thread, event, event->class->ends[i]);
    for (size_t i = 0; i < event->class->begin_count; i++)
        begin_phase(model, thread, event, event->class->begins[i]);
}

/* --- soft ends of many --- */

static int by_order(const void *a, const void *b)
{
    const struct instance *const *left = a, *const *right = b;
    return (*left)->order < (*right)->order ? -1 : (*left)->order > (*right)->order;
}

/* Ends all open instances that `ends` is true of, in the order of their begins: ids of definitions are
 * others in another process. Returns how many. */
static size_t end_softly(struct model *model,
                         bool (*ends)(const struct instance *instance, const void *context),
                         const void *context)
{
    struct instance **all = NULL;
    size_t count = 0, room = 0;
    for (size_t i = 0; i < model->open_count; i++)
        for (struct instance *each = model->open[i]; each; each = each->next_open)
            if (ends(each, context)) {
                all = memory_grow(all, &room, count + 1, sizeof(struct instance *));
                all[count++] = each;
            }
    if (count > 0)
        qsort(all, count, sizeof(struct instance *), by_order);
    for (size_t i = 0; i < count; i++)
        phase_end_unknown(model, all[i]);
    free(all);
    return count;
}

struct exec {
    const struct process *process;
    const struct thread *caller;
};

static bool ends_by_exec(const struct instance *instance, const void *context)
{
    const struct exec *exec = context;
    return instance->by_user && (instance->thread == exec->caller ||
                                 (exec->process && instance->thread->process == exec->process));
}

void phase_exec(struct model *model, const struct process *process, const struct thread *caller)
{
    end_softly(model, ends_by_exec, &(struct exec){process, caller});
}

static bool ends_always(const struct instance *instance, const void *context)
{
    (void)instance;
    (void)context;
    return true;
}

void phase_finish(struct model *model)
{
    end_softly(model, ends_always, NULL);
}

/* --- other definitions --- */

static bool ends_under(const struct instance *instance, const void *phases)
{
    return !phase_set_has(phases, instance->definition);
}

static void make_room(struct model *model, size_t count)
{
    struct instance **open = memory_new((count + 1) * sizeof(struct instance *));
    for (size_t i = 0; i < model->open_count; i++) {
        open[i] = model->open[i];
        if (open[i])
            open[i]->back_open = &open[i];
    }
    free(model->open);
    model->open = open;
    model->open_count = count;
}

void phase_use_set(struct model *model, const struct phase_set *phases)
{
    if (phases == model->phases)
        return;
    model->tallies.at[TALLY_PHASES_CHANGED] += end_softly(model, ends_under, phases);
    model->phases = phases;
    size_t count = schema_definition_count(model->schema);
    if (count > model->open_count || !model->open)
        make_room(model, count);
}
