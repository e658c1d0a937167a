/* Mapping: phases of an interval.
 *
 * Whatever begins here is later than everything in the past: an end that finds an instance here
 * ends it. What cannot be resolved here goes to the past: the open instances of a thread, or the
 * event. */
#include "analysis/segments.h"
#include "base/hash.h"
#include "base/memory.h"
#include "core/descriptors.h"

void map_phases_init(struct core *core)
{
    const struct phase_set *set = schema_own_set(core->schema);
    instances_init(&core->phases, set);
    core->phases.ungrouped_are_one = true;
    core->remote_order = memory_new((set->count + 1) * sizeof *core->remote_order);
    core->ungrouped = memory_new((set->count + 1) * sizeof *core->ungrouped);
    core->label_epoch++;
}

void map_phases_clear(struct core *core)
{
    map_forget_slowest(core);
    instances_close_all(&core->phases);
    for (struct life *life = core->all; life; life = life->next_of_all)
        instances_forget(&life->phases);
    instances_clear(&core->phases);
    free(core->remote_order);
    free(core->ungrouped);
    map_clear(&core->child_labels);
    memset(core->recent_labels, 0, sizeof core->recent_labels);
    map_clear(&core->remote_begins);
}

static const struct phase_definition *definition_of(const struct core *core, uint32_t index)
{
    return core->phases.set->at[index];
}

/* --- labels --- */

/* For timeouts: the thread's own time may be later than the last tick. */
static uint64_t label_time(const struct core *core, const struct life *life)
{
    return life->clock_ns > core->phases.now_ns ? life->clock_ns : core->phases.now_ns;
}

static uint32_t new_label(struct core *core, const struct label_let *let)
{
    row_add(core->row, RECORD_LABEL)->label = *let;
    return ++core->row->labels;
}

uint32_t map_new_label(struct core *core, struct life *life)
{
    life->label_epoch = core->label_epoch;
    life->label = LABEL_NONE;
    if (life->may_hold_phase)
        life->label = new_label(core, &(struct label_let){.kind = LABEL_TOP,
                                                          .life = map_name(core, life),
                                                          .time_ns = label_time(core, life),
                                                          .name = text_of("")});
    return life->label;
}

uint32_t map_call_label(struct core *core, struct life *life)
{
    if (life->call_label == 0)
        life->call_label = new_label(core, &(struct label_let){.kind = LABEL_CALL,
                                                               .life = map_name(core, life),
                                                               .time_ns = label_time(core, life),
                                                               .name = text_of("")});
    return life->call_label;
}

/* The label of a phase below another in the row. */
struct child_label {
    struct child_label *next; /* with the same hash */
    uint32_t under, label;
    struct text name;
};

static bool is_label_of(const struct child_label *label, uint32_t under, struct text name)
{
    return label->under == under && text_equal(label->name, name);
}

static struct child_label *child_label_slowly(struct core *core, uint32_t under, struct text name)
{
    uint64_t key = hash_number(hash_text(name) ^ under);
    struct child_label *known = map_get(&core->child_labels, key);
    for (struct child_label *each = known; each; each = each->next)
        if (is_label_of(each, under, name))
            return each;
    struct child_label *made = arena_take(&core->row->arena, sizeof *made);
    *made = (struct child_label){
        .next = known, .under = under, .name = {arena_string(&core->row->arena, name), name.count}};
    map_put(&core->child_labels, key, made);
    made->label = new_label(
        core, &(struct label_let){.kind = LABEL_CHILD, .under = under, .name = made->name});
    return made;
}

static uint32_t child_label(struct core *core, uint32_t under, struct text name)
{
    size_t at = under + 8 * name.count + (name.count > 0 ? (uint8_t)name.at[name.count - 1] : 0);
    struct child_label **recent = &core->recent_labels[at % LABELS_RECENT];
    if (!*recent || !is_label_of(*recent, under, name))
        *recent = child_label_slowly(core, under, name);
    return (*recent)->label;
}

static struct field_value *copy_values(struct arena *arena, const struct field_value *values,
                                       size_t count)
{
    struct field_value *copy = arena_take(arena, (count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = values[i];
        if (copy[i].type == FIELD_TEXT)
            copy[i].text.at = arena_string(arena, values[i].text);
    }
    return copy;
}

/* The path of a past instance that is the parent of one of `definition` with these values. */
static uint32_t matched_label(struct core *core, struct life *life, uint32_t definition,
                              const struct field_value *values)
{
    size_t count = definition_of(core, definition)->match_count;
    return new_label(core,
                     &(struct label_let){.kind = LABEL_PARENT,
                                         .life = map_name(core, life),
                                         .time_ns = label_time(core, life),
                                         .definition = definition,
                                         .name = text_of(""),
                                         .values = copy_values(&core->row->arena, values, count),
                                         .value_count = count});
}

/* The path of a past instance on the thread that is the parent of one of `definition`; if there is
 * none, `under`. */
static uint32_t parent_label(struct core *core, struct life *life, uint32_t definition,
                             uint32_t under)
{
    if (!life->may_hold_phase)
        return under;
    if (life->parent_epoch == core->label_epoch && life->parent_of == definition &&
        life->parent_under == under)
        return life->parent;
    life->parent_epoch = core->label_epoch;
    life->parent_of = definition;
    life->parent_under = under;
    life->parent = new_label(core, &(struct label_let){.kind = LABEL_PARENT,
                                                       .life = map_name(core, life),
                                                       .time_ns = label_time(core, life),
                                                       .definition = definition,
                                                       .under = under,
                                                       .name = text_of("")});
    return life->parent;
}

/* --- instances that pass to the past --- */

/* The past has an open instance of a life that only it knows: any life here may be that one. */
static void may_all_hold_phase(struct core *core)
{
    for (struct life *each = core->all; each; each = each->next_of_all) {
        waits_write(core, each); /* these waits were before it */
        each->may_hold_phase = each->spends = true;
    }
}

static uint64_t event_of(const struct instance_mark *mark)
{
    return mark->order >> EVENT_SHIFT;
}

static void write_steps(const struct core *core, const struct older_begins *older_begins,
                        const struct begin_block *block, struct steps_line *line)
{
    struct arena *arena = &core->row->arena;
    line->count = block->count;
    line->events = older_begins_events(older_begins, block);
    line->has_other = block->has_other;
    line->call_count = block->call_count;
    line->calls = arena_take(arena, (line->call_count + 1) * sizeof *line->calls);
    for (size_t i = 0; i < line->call_count; i++)
        line->calls[i].call = schema_call_by_id(core->schema, block->calls[i]);
    line->bytes.count = block->end - block->begin;
    line->bytes.at = arena_copy(arena, block->at + block->begin, line->bytes.count);
}

/* Writes its older begins. */
static void write_older_begins(const struct core *core, const struct instance *instance,
                               struct instance_line *line)
{
    const struct older_begins *older_begins = instance->older_begins;
    const struct begin_block *block;
    line->older_begins = older_begins->count;
    line->oldest.begin_ns = older_begins->oldest.begin_ns;
    line->oldest.event = event_of(&older_begins->oldest);
    line->oldest.calls =
        instances_spent_since(instance->thread, &older_begins->oldest, &line->oldest.time);
    line->youngest.begin_ns = older_begins->youngest.begin_ns;
    line->youngest.event = event_of(&older_begins->youngest);
    line->youngest.calls =
        instances_spent_since(instance->thread, &older_begins->youngest, &line->youngest.time);
    for (block = older_begins->bottom; block; block = block->above)
        line->steps_count++;
    line->steps = arena_take(&core->row->arena, (line->steps_count + 1) * sizeof *line->steps);
    struct steps_line *steps = line->steps;
    for (block = older_begins->bottom; block; block = block->above)
        write_steps(core, older_begins, block, steps++);
}

/* The latest begin in the row of its definition and values. */
struct remote_begin {
    uint64_t order;
    uint32_t definition;
    const struct field_value *values;
    struct life *life; /* of the instance, unless an end in the row may have ended it; or NULL */
    /* When it was written: of the thread in its group; of that; of the core. */
    uint64_t membership, execs, ends_epoch;
};

/* The row has a begin, of an instance of `life`; NULL: it is not certain that it is one. `values`
 * are owned by the row if there is a life. */
static void begins_remotely(struct core *core, uint32_t definition,
                            const struct field_value *values, uint64_t order, struct life *life)
{
    if (core->remote_order[definition] < order)
        core->remote_order[definition] = order;
    if (definition_of(core, definition)->match_count == 0)
        return;
    void **place =
        map_place(&core->remote_begins, instances_match_hash(&core->phases, definition, values));
    struct remote_begin *last = *place;
    if (!last)
        last = *place = arena_take(&core->row->arena, sizeof *last);
    if (last->order >= order)
        return;
    *last = (struct remote_begin){.order = order, .definition = definition, .values = values};
    if (!life || life->tid == 0 || life->phases.is_process || !life->phases.thread_group)
        return;
    last->life = life;
    last->membership = life->phases.membership;
    last->execs = life->phases.thread_group->execs;
    last->ends_epoch = core->ends_epoch;
}

/* Whether the row has a begin with these values that is later than `order`. */
static bool begins_later(const struct core *core, uint32_t definition,
                         const struct field_value *values, uint64_t order)
{
    if (core->remote_order[definition] <= order)
        return false;
    const struct remote_begin *last =
        map_get(&core->remote_begins, instances_match_hash(&core->phases, definition, values));
    return last && last->order > order;
}

/* The thread of the instance that the end will end, if it certainly is the latest begin in the row;
 * else NULL. That instance does not count as open afterwards.
 *
 * It is open until its end: only an exec of its process, or the exit of all threads of it, ends it
 * and may leave an earlier one, which began elsewhere or otherwise. After its timeout, no earlier
 * one is left. */
static struct life *remote_holder(struct core *core, const struct life *ender, uint32_t definition,
                                  const struct field_value *values)
{
    struct remote_begin *last =
        map_get(&core->remote_begins, instances_match_hash(&core->phases, definition, values));
    struct life *life = last ? last->life : NULL;
    if (!life)
        return NULL;
    last->life = NULL;
    const struct thread_group *group = life->phases.thread_group;
    bool is_it = last->definition == definition && group && group == ender->phases.thread_group &&
                 last->membership == life->phases.membership && !life->phases.exited &&
                 last->execs == group->execs && last->ends_epoch == core->ends_epoch;
    for (uint32_t i = 0; is_it && i < definition_of(core, definition)->match_count; i++)
        is_it = field_value_equal(&last->values[i], &values[i]);
    return is_it ? life : NULL;
}

/* The request of the instance, if any, has passed before. */
static void write_segments(struct core *core, struct instance *instance, struct instance_line *line)
{
    assert(!instance->request);
    line->segments = segments_line_of(instance);
    if (line->segments.wait_count > 0)
        line->segments.waits = arena_copy(&core->row->arena, line->segments.waits,
                                          line->segments.wait_count * sizeof *line->segments.waits);
    if (!definition_of(core, instance->definition)->segments)
        line->request = instance->row_name;
    else if (instance->segments && instance->segments->first)
        line->name = ++core->row->requests;
    for (struct instance *each = line->name > 0 ? instance->segments->first : NULL; each;
         each = each->next_segment)
        each->row_name = line->name;
}

static void write_instance(struct core *core, struct instance *instance)
{
    struct life *life = life_of(instance);
    if (life->tid == 0)
        may_all_hold_phase(core);
    struct instance_line *line = &row_add(core->row, RECORD_INSTANCE)->instance;
    *line = (struct instance_line){
        .life = life->name,
        .definition = instance->definition,
        .label = instance->path,
        .by_user = instance->by_user,
        .in_call = instance->in_call,
        .begin_ns = instance->mark.begin_ns,
        .event = event_of(&instance->mark),
        .oldest = {.begin_ns = TIME_NONE},
        .youngest = {.begin_ns = TIME_NONE},
        .value_count = phase_value_count(definition_of(core, instance->definition))};
    line->values = copy_values(&core->row->arena, instance->values, line->value_count);
    line->calls = instances_spent(instance, &line->time);
    if (instance_older_count(instance) > 0)
        write_older_begins(core, instance, line);
    write_segments(core, instance, line);
    begins_remotely(core, instance->definition, line->values, instance->mark.order, life);
    if (!life->phases.thread_group)
        core->ungrouped[instance->definition] -= 1 + instance_older_count(instance);
    instances_close_with_older(&core->phases, instance);
    life->spends = life->may_hold_phase = true;
}

/* The instances of the thread have passed: its labels change from here on, and those of lives that
 * may be the same thread. */
static void has_passed(struct core *core, struct life *life)
{
    if (life->tid == 0 || core->let_cpus > 0)
        core->label_epoch++;
    life->label_epoch = life->parent_epoch = 0;
    if (life->phases.count == 0)
        layers_write(core, life);
}

/* A request and its open segments are either both here, or both in the past. */
static bool is_tied(const struct instance *instance)
{
    return instance->request || (instance->segments && instance->segments->first);
}

static bool has_tied(const struct life *life)
{
    const struct instance *each = life->phases.top;
    while (each && !is_tied(each))
        each = each->below;
    return each != NULL;
}

void map_pass(struct core *core, struct life *life)
{
    if (life->phases.count == 0)
        return;
    if (has_tied(life)) {
        map_pass_all(core);
        return;
    }
    waits_write(core, life);
    life_write(core, life);
    struct instance *oldest = life->phases.top;
    while (oldest->below)
        oldest = oldest->below;
    for (struct instance *next; oldest; oldest = next) {
        next = oldest->above;
        write_instance(core, oldest);
    }
    has_passed(core, life);
}

static bool may_share_group(const struct life *a, const struct life *b)
{
    const struct thread_group *of_a = a->phases.thread_group, *of_b = b->phases.thread_group;
    if (a == b || of_a == of_b || (!of_a && !of_b))
        return true;
    return (!of_a && !of_b->whole) || (!of_b && !of_a->whole);
}

void map_new_labels(struct core *core, struct life *life)
{
    const struct thread_group *thread_group = life->phases.thread_group;
    if (thread_group && thread_group->whole && thread_group->refs == 1)
        life->label_epoch = life->parent_epoch = 0;
    else
        core->label_epoch++;
}

/* Passes all open instances, or (`life`) those on threads that may belong to its process. */
static void pass_group(struct core *core, const struct life *life)
{
    size_t count = core->phases.structs;
    if (count == 0)
        return;
    struct instance **all = instances_sorted(&core->phases);
    for (size_t i = 0; i < count && life; i++)
        if (is_tied(all[i]))
            life = NULL;
    for (size_t i = 0; i < count; i++)
        if (!all[i]->above && (!life || may_share_group(life_of(all[i]), life))) {
            waits_write(core, life_of(all[i]));
            life_write(core, life_of(all[i]));
        }
    for (size_t i = 0; i < count; i++) {
        struct life *beginner = life_of(all[i]);
        if (life && !may_share_group(beginner, life))
            continue;
        write_instance(core, all[i]);
        has_passed(core, beginner);
    }
    free(all);
}

void map_pass_all(struct core *core)
{
    pass_group(core, NULL);
}

void map_pass_for_exec(struct core *core, const struct life *life, int32_t pid)
{
    bool is_known = instances_are_of(&life->phases, pid);
    pass_group(core, is_known ? life : NULL);
}

/* Passes all instances of a definition, and older ones of their threads. */
static void pass_definition(struct core *core, uint32_t definition)
{
    while (core->phases.newest[definition])
        map_pass(core, life_of(core->phases.newest[definition]));
}

/* --- processes --- */

static void count_ungrouped(struct core *core, const struct life *life, size_t add)
{
    for (const struct instance *each = life->phases.top; each; each = each->below)
        core->ungrouped[each->definition] += add * (1 + instance_older_count(each));
}

static void unpublished(struct core *core, struct life *life)
{
    life->known_pid = 0;
    if (!life->phases.thread_group)
        return;
    count_ungrouped(core, life, 1);
    instances_forget_pid(&core->phases, &life->phases);
}

void map_doubt_pid(struct core *core, struct life *life)
{
    if (life) {
        unpublished(core, life);
        return;
    }
    places_doubt(core); /* a life uses no place before its process is known */
    for (struct life *each = core->all; each; each = each->next_of_all)
        unpublished(core, each);
}

void map_learn_pid(struct core *core, struct life *life, int32_t pid)
{
    assert(!life->ended); /* the past must add these to the process that it knows so far */
    places_learn_pid(core, life, pid);
    /* Others may be names of the same life. */
    if (life->tid == 0)
        map_doubt_pid(core, NULL);
    for (size_t i = 0; core->let_cpus > 0 && i < core->cpu_count; i++)
        if (core->cpus[i].knows == CPU_LET && core->cpus[i].current != life)
            unpublished(core, core->cpus[i].current);
    if (!life->phases.thread_group)
        count_ungrouped(core, life, SIZE_MAX);
    instances_learn_pid(&core->phases, &life->phases, 0, pid);
    if (!life->phases.thread_group)
        count_ungrouped(core, life, 1);
    life->known_pid = pid;
}

/* --- events that become STEPs --- */

static void write_holder(struct core *core, struct life *life)
{
    waits_write(core, life);
    life_write_spent(core, life);
}

/* Only the past knows which instance ends: writes the time of all threads that may have begun
 * it. */
static void write_holders(struct core *core, const struct life *ender)
{
    for (struct life *life = core->listed; life; life = life->next_listed)
        if (life->may_hold_phase && (!ender || may_share_group(life, ender)))
            write_holder(core, life);
}

/* The threads of all instances that the event will end, if they are certain; else false. */
static bool find_holders(struct core *core, struct life *ender, const struct event *event,
                         uint32_t summed, struct life *holders[32], size_t *count)
{
    const struct event_class *class = event->class;
    bool all = core->facts.has_kernel && core->let_cpus == 0 && class->begin_count == 0 &&
               class->end_count <= 32;
    *count = 0;
    for (size_t i = 0; i < class->end_count; i++) {
        uint32_t at = class->ends[i];
        struct field_value values[PHASE_MATCH_MAX];
        if ((i < 32 && summed >> i & 1) ||
            !instances_fit(definition_of(core, at), event, true, values))
            continue;
        struct life *holder = ender; /* no other thread ends it */
        if (definition_of(core, at)->match_count > 0)
            holder = remote_holder(core, ender, at, values);
        all &= holder && instances_request_count(&core->phases, at) == 0;
        if (all)
            holders[(*count)++] = holder;
    }
    return all;
}

/* Whether it is unknown for any open instance of a definition if it belongs to the thread's
 * process. */
static bool are_doubtful(const struct core *core, const struct life *life, uint32_t definition)
{
    return core->phases.newest[definition] &&
           (!life->phases.thread_group || core->ungrouped[definition] > 0);
}

/* Passes all instances that an end may end. */
static void pass_for_end(struct core *core, struct life *life, const struct event *event,
                         uint32_t at)
{
    struct field_value values[PHASE_MATCH_MAX];
    if (!instances_fit(definition_of(core, at), event, true, values))
        return;
    if (are_doubtful(core, life, at) || instances_to_end(&core->phases, &life->phases, at, values))
        pass_definition(core, at);
}

/* Likewise all that may be the request of a segment. */
static void pass_requests(struct core *core, struct life *life, uint32_t at,
                          const struct field_value *values)
{
    for (size_t i = 0; i < instances_request_count(&core->phases, at); i++) {
        uint32_t request = instances_request_at(&core->phases, at, i);
        if (are_doubtful(core, life, request) ||
            instances_request(&core->phases, &life->phases, at, values))
            pass_definition(core, request);
    }
}

/* Passes all instances that may be the parent, and all of the thread, below the new one. */
static void pass_for_begin(struct core *core, struct life *life, const struct event *event,
                           uint32_t at)
{
    const struct instances *phases = &core->phases;
    struct field_value values[PHASE_MATCH_MAX];
    if (!instances_fit(definition_of(core, at), event, false, values))
        return;
    map_pass(core, life);
    for (size_t i = 0; i < instances_parent_count(phases, at); i++) {
        uint32_t parent = instances_parent(phases, at, i);
        if (are_doubtful(core, life, parent) ||
            instances_parent_by_match(phases, &life->phases, at, values))
            pass_definition(core, parent);
    }
    pass_requests(core, life, at, values);
}

/* Whether the event may end a request: its open segments count up to then. */
static bool ends_request(const struct core *core, const struct event_class *class)
{
    for (size_t i = 0; i < class->end_count; i++)
        if (definition_of(core, class->ends[i])->segments)
            return true;
    return false;
}

void map_before_phases(struct core *core, struct life *life, const struct event *event,
                       uint32_t summed)
{
    const struct event_class *class = event->class;
    if (!life) {
        may_all_hold_phase(core);
        map_pass_all(core);
        core->ends_epoch++;
    } else {
        for (size_t i = 0; i < class->end_count; i++)
            if (i >= 32 || !(summed >> i & 1))
                pass_for_end(core, life, event, class->ends[i]);
        for (size_t i = 0; i < class->begin_count; i++)
            if (class->end_count + i >= 32 || !(summed >> (class->end_count + i) & 1))
                pass_for_begin(core, life, event, class->begins[i]);
        life->may_hold_phase = life->spends = true;
    }
    uint64_t number = core->batch_number + (uint64_t)(event - core->batch);
    for (size_t i = 0; i < class->begin_count; i++) {
        struct field_value values[PHASE_MATCH_MAX];
        uint32_t at = class->begins[i];
        if (instances_fit(definition_of(core, at), event, false, values))
            begins_remotely(core, at, values, instance_order(number, at), NULL);
    }
    struct life *holders[32];
    size_t holder_count = 0;
    bool are_known = life && find_holders(core, life, event, summed, holders, &holder_count) &&
                     !ends_request(core, class);
    for (size_t i = 0; are_known && i < holder_count; i++) {
        write_holder(core, holders[i]);
        holders[i]->label_epoch = holders[i]->parent_epoch = 0;
    }
    if (!are_known && class->end_count > 0 && core->facts.has_kernel)
        write_holders(core, ends_request(core, class) ? NULL : life);
    if (life) {
        waits_write(core, life);
        life_write(core, life);
    }
    if (!are_known)
        core->label_epoch++;
}

/* --- events that are resolved here --- */

/* Whether the time of the thread is completely known in this interval. */
static bool is_accounted(const struct life *life)
{
    return (life->known || (life->counts && life->in == IN_UNKNOWN)) &&
           !(life->exit_known && life->exiting);
}

/* Whether the instance certainly is the one that the event ends. */
static bool is_certain_end(const struct core *core, const struct life *life,
                           const struct instance *instance)
{
    const struct life *beginner = life_of(instance);
    uint32_t definition = instance->definition;
    if (definition_of(core, definition)->match_count == 0)
        return true;
    if (begins_later(core, definition, instance->values, instance->mark.order))
        return false;
    if (beginner != life && core->facts.has_kernel && (!beginner->known || life->tid == 0))
        return false; /* only the past knows whether it runs, and who ends it */
    if (life->phases.thread_group)
        return core->ungrouped[definition] == 0;
    /* Any other thread may belong to its process. */
    return instance == core->phases.newest[definition] && beginner == life;
}

/* Whether the time of the instance is completely known here, if `ender` ends its request now. */
static bool is_spent_here(const struct core *core, const struct life *ender,
                          const struct instance *instance)
{
    if (!core->facts.has_kernel)
        return true;
    const struct life *life = life_of(instance);
    const struct time_vector *total = &life->phases.total, *before = &instance->mark.total_at;
    if (total->as_before_ns != before->as_before_ns || !life->known ||
        (life != ender && ender->tid == 0))
        return false;
    if (core->facts.no_calls)
        return true;
    if (total->before_running_ns != before->before_running_ns ||
        total->before_blocked_ns != before->before_blocked_ns)
        return false;
    return life->in != IN_UNKNOWN;
}

/* Whether the effects of the end on its request, or on its segments, are completely known here. */
static bool is_summed_here(const struct core *core, const struct life *life,
                           const struct instance *instance)
{
    if (instance->request && !is_spent_here(core, life, instance))
        return false;
    const struct instance *each = instance->segments ? instance->segments->first : NULL;
    while (each && is_spent_here(core, life, each))
        each = each->next_segment;
    return each == NULL;
}

static bool end_here(struct core *core, struct life *life, const struct event *event, uint32_t at)
{
    const struct phase_definition *definition = definition_of(core, at);
    struct field_value values[PHASE_MATCH_MAX];
    if (!instances_fit(definition, event, true, values))
        return true;
    struct instance *instance = instances_to_end(&core->phases, &life->phases, at, values);
    if (!instance || !is_certain_end(core, life, instance) || !is_summed_here(core, life, instance))
        return false;
    if (!instance_is_late(&core->phases, instance, event->time_ns)) {
        core->ungrouped[at] -= !life_of(instance)->phases.thread_group;
        phase_completes(core, instance, life, event);
        return true;
    }
    char room[INSTANCE_NUMBER_ROOM];
    uint32_t label = child_label(core, LABEL_NONE, instances_name(definition, event, room));
    phase_has_no_begin(core, life, label);
    return true;
}

/* Whether it is unknown if some open instance here may be its parent by match fields. */
static bool is_parent_doubtful(const struct core *core, const struct life *life,
                               uint32_t definition)
{
    for (size_t i = 0; i < instances_parent_count(&core->phases, definition); i++)
        if (are_doubtful(core, life, instances_parent(&core->phases, definition, i)))
            return true;
    return false;
}

/* False if its parent may be an instance open here that only the past can resolve. */
static bool path_here(struct core *core, struct life *life, uint32_t at,
                      const struct field_value *values, uint32_t *under)
{
    const struct instances *phases = &core->phases;
    *under = LABEL_NONE;
    if (instances_parent_count(phases, at) == 0)
        return true;
    const struct instance *parent = instances_own_parent(phases, &life->phases, at);
    if (parent) {
        *under = parent->path;
        return true;
    }
    if (instances_share_fields(phases, at)) {
        parent = instances_parent_by_match(phases, &life->phases, at, values);
        if (is_parent_doubtful(core, life, at) ||
            (parent && parent->mark.order < core->remote_order[parent->definition]))
            return false;
        if (!parent) {
            *under = matched_label(core, life, at, values);
            return true;
        }
        *under = parent->path;
    }
    *under = parent_label(core, life, at, *under);
    return true;
}

/* False if only the past can determine its request. */
static bool is_request_here(const struct core *core, const struct life *life, uint32_t at,
                            const struct field_value *values)
{
    const struct instances *phases = &core->phases;
    size_t count = instances_request_count(phases, at);
    if (count == 0)
        return true;
    const struct instance *request = instances_request(phases, &life->phases, at, values);
    for (size_t i = 0; request && i < count; i++) {
        uint32_t definition = instances_request_at(phases, at, i);
        struct field_value match[PHASE_MATCH_MAX];
        instances_request_values(phases, at, i, values, match);
        if (are_doubtful(core, life, definition) ||
            begins_later(core, definition, match, request->mark.order))
            return false;
    }
    return request != NULL;
}

static bool begin_here(struct core *core, struct life *life, const struct event *event, uint32_t at)
{
    const struct phase_definition *definition = definition_of(core, at);
    struct field_value values[PHASE_VALUES_MAX];
    if (!instances_fit(definition, event, false, values))
        return true;
    uint32_t under;
    if (!is_request_here(core, life, at, values) || !path_here(core, life, at, values, &under))
        return false;
    char room[INSTANCE_NUMBER_ROOM];
    uint32_t label = child_label(core, under, instances_name(definition, event, room));
    instances_capture(definition, event, values);
    uint64_t number = core->batch_number + (uint64_t)(event - core->batch);
    phase_begins(core, life, event, at, values, label, instance_order(number, at));
    core->ungrouped[at] += !life->phases.thread_group;
    return true;
}

bool map_phases(struct core *core, struct life *life, const struct event *event, uint32_t *summed)
{
    const struct event_class *class = event->class;
    *summed = 0;
    if (class->end_count + class->begin_count > 32 || !is_accounted(life))
        return false;
    bool all = true;
    for (size_t i = 0; i < class->end_count; i++) {
        bool here = end_here(core, life, event, class->ends[i]);
        *summed |= (uint32_t)here << i;
        all &= here;
    }
    /* A begin must not find what an end that becomes a STEP may end. */
    for (size_t i = 0; i < class->begin_count && all; i++) {
        bool here = begin_here(core, life, event, class->begins[i]);
        *summed |= (uint32_t)here << (class->end_count + i);
        all &= here;
    }
    return all;
}
