#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "mapper/builder_state.h"
#include "trace/schema.h"

static struct thread_known *thread_of(const struct instance *instance)
{
    return (struct thread_known *)((char *)instance->thread -
                                   offsetof(struct thread_known, phases));
}

static const struct phase_definition *definition_of(const struct partial_builder *builder,
                                                    uint32_t index)
{
    return builder->phases.set->at[index];
}

/* --- labels --- */

static uint32_t new_label(struct partial_builder *builder, const struct thread_known *thread,
                          const struct label_piece *piece)
{
    builder_item(builder, ITEM_LABEL, thread)->label = *piece;
    builder_send(builder);
    return ++builder->last_label;
}

void builder_tell_time(struct partial_builder *builder, uint64_t now_ns)
{
    (void)new_label(
        builder, NULL,
        &(struct label_piece){.kind = LABEL_TOP, .time_ns = now_ns, .name = text_of("")});
}

/* The path of the last begun instance of the thread that only the past knows. */
static uint32_t inherited_label(struct partial_builder *builder, struct thread_known *thread)
{
    if (!thread->may_hold_phase)
        return LABEL_NONE;
    return new_label(builder, thread,
                     &(struct label_piece){.kind = LABEL_TOP,
                                           .tid = thread->tid,
                                           .time_ns = builder->counts.last_ns,
                                           .name = text_of("")});
}

uint32_t builder_new_label(struct partial_builder *builder, struct thread_known *thread)
{
    const struct instance *top = thread->phases.top;
    thread->label = top ? top->path : inherited_label(builder, thread);
    thread->label_epoch = builder->epoch;
    return thread->label;
}

static uint64_t child_key(uint32_t under, struct text name)
{
    return hash_number(hash_text(name) ^ under);
}

/* `under`, and the name below it. */
static uint32_t child_label(struct partial_builder *builder, uint32_t under, struct text name)
{
    uint64_t key = child_key(under, name);
    struct known_label *known = map_get(&builder->labels, key);
    for (struct known_label *each = known; each; each = each->next)
        if (each->under == under && text_equal(each->name, name))
            return each->label;
    struct known_label *label = arena_take(&builder->arena, sizeof *label);
    *label = (struct known_label){
        .next = known, .under = under, .name = {arena_string(&builder->arena, name), name.count}};
    map_put(&builder->labels, key, label);
    label->label =
        new_label(builder, NULL,
                  &(struct label_piece){.kind = LABEL_CHILD, .under = under, .name = label->name});
    return label->label;
}

/* The path of an instance of the thread that only the past knows and that is the parent of one of
 * `definition`; if there is none, `under`. */
static uint32_t parent_label(struct partial_builder *builder, struct thread_known *thread,
                             uint32_t definition, uint32_t under)
{
    if (!thread->may_hold_phase)
        return under;
    if (thread->parent_epoch == builder->epoch && thread->parent_of == definition &&
        thread->parent_under == under)
        return thread->parent;
    thread->parent_epoch = builder->epoch;
    thread->parent_of = definition;
    thread->parent_under = under;
    thread->parent = new_label(builder, thread,
                               &(struct label_piece){.kind = LABEL_PARENT,
                                                     .tid = thread->tid,
                                                     .time_ns = builder->counts.last_ns,
                                                     .definition = definition,
                                                     .under = under,
                                                     .name = text_of("")});
    return thread->parent;
}

/* --- sums --- */

static struct piece_phase *phase_of(struct partial_builder *builder, struct thread_known *thread,
                                    uint32_t label)
{
    bool is_new;
    size_t at = cell_index_at(&thread->phase_index, label, &is_new);
    if (is_new) {
        thread->phase_cells = memory_grow(thread->phase_cells, &thread->phase_room, at + 1,
                                          sizeof *thread->phase_cells);
        thread->phase_cells[at] = (struct piece_phase){.label = label};
    }
    builder_mark(builder, thread);
    return &thread->phase_cells[at];
}

static struct phase_cell *phase_cell(struct partial_builder *builder, struct thread_known *thread,
                                     uint32_t label)
{
    return &phase_of(builder, thread, label)->cell;
}

void builder_phases_told(struct thread_known *thread)
{
    for (size_t i = 0; i < thread->phase_index.count; i++)
        phase_cell_clear(&thread->phase_cells[i].cell);
    cell_index_clear(&thread->phase_index);
    thread->closing_count = thread->credit_count = 0;
    builder_ended_told(thread);
}

static void add_credit(struct partial_builder *builder, struct thread_known *thread, uint32_t label)
{
    builder_mark(builder, thread);
    for (size_t i = 0; i < thread->credit_count; i++)
        if (thread->credits[i].label == label) {
            thread->credits[i].count++;
            return;
        }
    thread->credits = memory_grow(thread->credits, &thread->credit_room, thread->credit_count + 1,
                                  sizeof *thread->credits);
    thread->credits[thread->credit_count++] = (struct piece_credit){label, 1};
}

void builder_call_over(struct partial_builder *builder, struct thread_known *thread, bool complete)
{
    instances_call_over(&thread->phases, complete);
    for (size_t i = 0; complete && i < thread->credit_count; i++)
        phase_cell(builder, thread, thread->credits[i].label)->syscalls += thread->credits[i].count;
    thread->credit_count = 0;
}

/* Until its CPU has another event, a border may take back what the thread has spent there. */
static void note_closing(struct partial_builder *builder, struct thread_known *thread,
                         const struct instance *instance, uint64_t end_ns)
{
    if (thread->cpu < 0 || !thread->state_known || thread->state == STATE_UNKNOWN)
        return;
    uint64_t last_ns = builder->cpus[thread->cpu].last_ns;
    if (end_ns <= last_ns)
        return;
    if (thread->closing_count > 0 && thread->closings[thread->closing_count - 1].end_ns <= last_ns)
        thread->closing_count = 0;
    if (thread->closing_count == thread->closing_room) {
        size_t kept = 0;
        for (size_t i = 0; i < thread->closing_count; i++)
            if (end_ns - thread->closings[i].end_ns <= TAKE_BACK_NS_MAX)
                thread->closings[kept++] = thread->closings[i];
        thread->closing_count = kept;
    }
    thread->closings = memory_grow(thread->closings, &thread->closing_room,
                                   thread->closing_count + 1, sizeof *thread->closings);
    thread->closings[thread->closing_count++] =
        (struct piece_closing){.label = instance->path,
                               .order = instance->order,
                               .pid = thread->phases.kin ? (int32_t)thread->phases.kin->key : 0,
                               .begin_ns = instance->begin_ns,
                               .end_ns = end_ns};
}

size_t builder_closings(const struct partial_builder *builder, struct thread_known *thread)
{
    uint64_t last_ns = thread->cpu >= 0 ? builder->cpus[thread->cpu].last_ns : UINT64_MAX;
    size_t kept = 0;
    for (size_t i = 0; i < thread->closing_count; i++)
        if (thread->closings[i].end_ns > last_ns)
            thread->closings[kept++] = thread->closings[i];
    return thread->closing_count = kept;
}

/* Accounts for the thread's time up to now. */
static void book(struct partial_builder *builder, struct thread_known *thread, uint64_t now)
{
    if (!thread->state_known) {
        /* Nothing of this interval changes its state or its call. */
        thread->phases.total.as_before_ns = now;
        return;
    }
    if (thread->clock_ns >= now)
        return;
    builder_book(thread, now);
    builder_mark(builder, thread);
}

/* --- instances that the past takes over --- */

static void send_instance(struct partial_builder *builder, struct instance *instance,
                          uint64_t until_ns)
{
    struct thread_known *thread = thread_of(instance);
    struct instance_piece piece = {
        .tid = thread->tid,
        .definition = instance->definition,
        .label = instance->path,
        .by_user = instance->by_user,
        .in_call = instance->in_call,
        .begin_ns = instance->begin_ns,
        .until_ns = until_ns,
        .event = instance->order >> 16,
        .values = instance->values,
        .value_count = phase_value_count(definition_of(builder, instance->definition))};
    piece.calls = instances_spent(instance, &piece.time);
    builder_item(builder, ITEM_INSTANCE, thread)->instance = piece;
    builder_send(builder);
    time_vector_free(&piece.time);
    if (builder->remote_order[instance->definition] < instance->order)
        builder->remote_order[instance->definition] = instance->order;
    builder->strangers[instance->definition] -= !thread->phases.kin;
    instances_close(&builder->phases, instance);
}

/* Tells what the thread has spent, and up to when. */
static uint64_t tell_spent(struct partial_builder *builder, struct thread_known *thread)
{
    builder_tell_thread(builder, thread);
    if (thread->state_known)
        return thread->clock_ns;
    uint64_t now = builder->counts.last_ns;
    thread->phases.total.as_before_ns = now;
    return now;
}

void builder_pass_instances(struct partial_builder *builder, struct thread_known *thread)
{
    if (thread->phases.count == 0)
        return;
    uint64_t until_ns = tell_spent(builder, thread);
    struct instance *eldest = thread->phases.top;
    while (eldest->below)
        eldest = eldest->below;
    for (struct instance *next; eldest; eldest = next) {
        next = eldest->above;
        send_instance(builder, eldest, until_ns);
    }
    thread->may_hold_phase = true;
    builder->epoch++;
}

void builder_pass_all(struct partial_builder *builder)
{
    size_t count = builder->phases.count;
    struct instance **all = instances_sorted(&builder->phases);
    for (size_t i = 0; i < count; i++) {
        struct thread_known *thread = thread_of(all[i]);
        uint64_t until_ns = tell_spent(builder, thread);
        thread->may_hold_phase = true;
        send_instance(builder, all[i], until_ns);
    }
    free(all);
    builder->epoch++;
}

/* All of a definition, and what stands below them on their threads. */
static void pass_definition(struct partial_builder *builder, uint32_t definition)
{
    while (builder->phases.newest[definition])
        builder_pass_instances(builder, thread_of(builder->phases.newest[definition]));
}

/* --- processes --- */

bool builder_told_pid(struct partial_builder *builder, struct thread_known *thread, uint32_t pid_ns,
                      int32_t pid)
{
    struct phase_thread *phases = &thread->phases;
    const struct kin *before = phases->kin;
    if (!before)
        for (const struct instance *each = phases->top; each; each = each->below)
            builder->strangers[each->definition]--;
    instances_told(&builder->phases, phases, pid_ns, pid);
    if (!phases->kin)
        for (const struct instance *each = phases->top; each; each = each->below)
            builder->strangers[each->definition]++;
    return phases->kin != before;
}

void builder_forked(struct partial_builder *builder, struct thread_known *leader)
{
    struct phase_thread *phases = &leader->phases;
    if (phases->kin && phases->kin->refs == 1)
        phases->kin->alone_since = builder->doubts;
}

/* Its process is over when it exits, as the past will find: nobody else can be of it. */
static bool is_process(const struct partial_builder *builder, const struct thread_known *thread)
{
    const struct kin *kin = thread->phases.kin;
    return kin && kin->alone_since == builder->doubts && !thread->phases.exited;
}

static void end_unknown(struct partial_builder *builder, struct instance *instance)
{
    struct thread_known *thread = thread_of(instance);
    phase_cell(builder, thread, instance->path)->end_unknown++;
    builder->strangers[instance->definition] -= !thread->phases.kin;
    instances_close(&builder->phases, instance);
    thread->label_epoch = 0;
}

void builder_before_exit(struct partial_builder *builder, struct thread_known *thread)
{
    while (thread->phases.top && is_process(builder, thread))
        end_unknown(builder, thread->phases.top);
    builder_pass_instances(builder, thread);
}

void builder_doubt_pid(struct partial_builder *builder, struct thread_known *thread)
{
    builder->doubts++;
    struct thread_known *each = thread;
    for (size_t at = 0; thread ? at == 0 : (each = map_next(&builder->threads, &at)) != NULL;) {
        if (each->phases.kin)
            for (const struct instance *open = each->phases.top; open; open = open->below)
                builder->strangers[open->definition]++;
        instances_untold(&builder->phases, &each->phases);
        each->pid_told = false;
        at += thread != NULL;
    }
}

static bool may_be_kin(const struct thread_known *a, const struct thread_known *b)
{
    return a == b || !a->phases.kin || !b->phases.kin || a->phases.kin == b->phases.kin;
}

void builder_before_exec(struct partial_builder *builder, struct thread_known *caller)
{
    struct thread_known *each;
    for (size_t at = 0; builder->phases.count > 0 && (each = map_next(&builder->threads, &at));)
        if (may_be_kin(each, caller) && each->begun_by_user)
            builder_pass_instances(builder, each);
    builder->epoch++;
}

/* --- events --- */

/* Only the past knows which instance ends: tells what the threads that may have begun it have spent. */
static void tell_holders(struct partial_builder *builder, const struct thread_known *ender)
{
    struct thread_known *next;
    for (struct thread_known *thread = builder->all; thread; thread = next) {
        next = thread->next_dirty;
        if (thread->may_hold_phase && (!ender || may_be_kin(thread, ender)))
            builder_tell_thread(builder, thread);
    }
}

static bool ends_by_match(const struct partial_builder *builder, const struct event *event)
{
    for (size_t i = 0; i < event->class->end_count; i++)
        if (definition_of(builder, event->class->ends[i])->match_count > 0)
            return true;
    return false;
}

/* Whether it is not known here of all instances of a definition that are open here if they are of the
 * thread's process. */
static bool are_doubtful(const struct partial_builder *builder, const struct thread_known *thread,
                         uint32_t definition)
{
    return builder->phases.newest[definition] &&
           (!thread->phases.kin || builder->strangers[definition] > 0);
}

/* The past must find all that an end may end. */
static void pass_for_end(struct partial_builder *builder, struct thread_known *thread,
                         const struct event *event, uint32_t at)
{
    struct field_value values[PHASE_MATCH_MAX];
    if (!instances_fit(definition_of(builder, at), event, true, values))
        return;
    if (are_doubtful(builder, thread, at) ||
        instances_to_end(&builder->phases, &thread->phases, at, values))
        pass_definition(builder, at);
}

/* The past must find all that may be the parent, and put it on top of what the thread has begun. */
static void pass_for_begin(struct partial_builder *builder, struct thread_known *thread,
                           const struct event *event, uint32_t at)
{
    const struct instances *phases = &builder->phases;
    struct field_value values[PHASE_MATCH_MAX];
    if (!instances_fit(definition_of(builder, at), event, false, values))
        return;
    builder_pass_instances(builder, thread);
    for (size_t i = 0; i < instances_parent_count(phases, at); i++) {
        uint32_t parent = instances_parent(phases, at, i);
        if (are_doubtful(builder, thread, parent) ||
            instances_parent_by_match(phases, &thread->phases, at, values))
            pass_definition(builder, parent);
    }
}

/* Of a phase event that goes out: whom it may touch passes to the past. `thread`: whose it is, NULL if
 * only the past knows. */
static void pass_before(struct partial_builder *builder, struct thread_known *thread,
                        const struct event *event)
{
    const struct event_class *class = event->class;
    uint32_t summed = builder->summed;
    if (!thread) {
        struct thread_known *each;
        for (size_t at = 0; (each = map_next(&builder->threads, &at));)
            each->may_hold_phase = true;
        builder_pass_all(builder);
    } else {
        for (size_t i = 0; i < class->end_count; i++)
            if (!(summed >> i & 1))
                pass_for_end(builder, thread, event, class->ends[i]);
        for (size_t i = 0; i < class->begin_count; i++)
            if (!(summed >> (class->end_count + i) & 1))
                pass_for_begin(builder, thread, event, class->begins[i]);
    }
    for (size_t i = 0; i < class->begin_count; i++)
        builder->remote_order[class->begins[i]] =
            instance_order(builder->counts.events - 1, class->begins[i]);
    if (class->end_count > 0 && builder->options.has_kernel &&
        (!thread || ends_by_match(builder, event)))
        tell_holders(builder, thread);
    builder->epoch++;
}

void builder_before_phase(struct partial_builder *builder, struct thread_known *thread,
                          const struct event *event, bool certain)
{
    pass_before(builder, certain ? thread : NULL, event);
    if (!thread)
        return;
    thread->may_hold_phase = true;
    if (thread->state_known && thread->clock_ns < event->time_ns) {
        builder_book(thread, event->time_ns);
        builder_mark(builder, thread);
    }
    builder_tell_thread(builder, thread);
}

/* Whether only this interval tells what the thread spends. */
static bool is_accounted(const struct partial_builder *builder, const struct thread_known *thread)
{
    return (thread->state_known || !builder->options.has_kernel) &&
           !(thread->exit_known && thread->exiting);
}

static void complete(struct partial_builder *builder, struct instance *instance,
                     const struct thread_known *ender, const struct event *event)
{
    struct thread_known *thread = thread_of(instance);
    uint64_t now = event->time_ns;
    book(builder, thread, now);
    struct piece_phase *phase = phase_of(builder, thread, instance->path);
    struct phase_cell *cell = &phase->cell;
    durations_add(&cell->complete, now - instance->begin_ns);
    cell->hopped += thread != ender;
    cell->syscalls += instances_spent(instance, &cell->time);
    builder_keep_ended(builder, thread, phase, instance, ender, event);
    note_closing(builder, thread, instance, now);
    bool in_call = thread->call == CALL_KNOWN_OPEN || thread->call == CALL_TOLD;
    if (in_call && !instance->in_call)
        add_credit(builder, thread, instance->path);
    builder->strangers[instance->definition] -= !thread->phases.kin;
    instances_close(&builder->phases, instance);
    thread->label_epoch = 0;
}

/* The one that the event ends is told by this interval alone. */
static bool is_certain_end(const struct partial_builder *builder, const struct thread_known *thread,
                           const struct instance *instance)
{
    uint32_t definition = instance->definition;
    if (definition_of(builder, definition)->match_count == 0)
        return true;
    if (instance->order < builder->remote_order[definition])
        return false;
    if (thread->phases.kin)
        return builder->strangers[definition] == 0;
    /* Any other thread may be of its process. */
    const struct instance *newest = builder->phases.newest[definition];
    return instance == newest && thread_of(instance) == thread;
}

static bool end_here(struct partial_builder *builder, struct thread_known *thread,
                     const struct event *event, uint32_t at)
{
    const struct phase_definition *definition = definition_of(builder, at);
    struct field_value values[PHASE_MATCH_MAX];
    if (!instances_fit(definition, event, true, values))
        return true;
    struct instance *instance = instances_to_end(&builder->phases, &thread->phases, at, values);
    if (!instance || !is_certain_end(builder, thread, instance))
        return false;
    if (!instance_is_late(&builder->phases, instance, event->time_ns)) {
        complete(builder, instance, thread, event);
        return true;
    }
    char room[INSTANCE_NUMBER_ROOM];
    uint32_t label = child_label(builder, LABEL_NONE, instances_name(definition, event, room));
    phase_cell(builder, thread, label)->begin_unknown++;
    return true;
}

/* False if only the past knows the path of what begins. */
static bool path_here(struct partial_builder *builder, struct thread_known *thread, uint32_t at,
                      const struct field_value *values, uint32_t *under)
{
    const struct instances *phases = &builder->phases;
    *under = LABEL_NONE;
    if (instances_parent_count(phases, at) == 0)
        return true;
    const struct instance *parent = instances_own_parent(phases, &thread->phases, at);
    if (parent) {
        *under = parent->path;
        return true;
    }
    if (instances_share_fields(phases, at)) {
        parent = instances_parent_by_match(phases, &thread->phases, at, values);
        if (!parent || !thread->phases.kin || builder->strangers[parent->definition] > 0 ||
            parent->order < builder->remote_order[parent->definition])
            return false;
        *under = parent->path;
    }
    *under = parent_label(builder, thread, at, *under);
    return true;
}

static bool begin_here(struct partial_builder *builder, struct thread_known *thread,
                       const struct event *event, uint32_t at)
{
    const struct phase_definition *definition = definition_of(builder, at);
    struct field_value values[PHASE_VALUES_MAX];
    if (!instances_fit(definition, event, false, values))
        return true;
    uint32_t under;
    if (!path_here(builder, thread, at, values, &under))
        return false;
    char room[INSTANCE_NUMBER_ROOM];
    uint32_t label = child_label(builder, under, instances_name(definition, event, room));
    book(builder, thread, event->time_ns);
    instances_capture(definition, event, values);
    thread->begun_by_user &= thread->phases.count > 0;
    thread->begun_by_user |= event->domain == DOMAIN_UST;
    struct instance *instance =
        instances_open(&builder->phases, &thread->phases, at, values, event->time_ns,
                       instance_order(builder->counts.events - 1, at));
    instance->path = label;
    instance->by_user = event->domain == DOMAIN_UST;
    instance->in_call = thread->call != CALL_KNOWN_NONE;
    instances_set_spent(instance, &(struct time_vector){0}, 0);
    builder->strangers[at] += !thread->phases.kin;
    thread->label_epoch = 0;
    return true;
}

bool builder_sum_phases(struct partial_builder *builder, struct thread_known *thread,
                        const struct event *event)
{
    const struct event_class *class = event->class;
    if (class->end_count + class->begin_count > 32 || !is_accounted(builder, thread))
        return false;
    bool all = true;
    for (size_t i = 0; i < class->end_count; i++) {
        bool here = end_here(builder, thread, event, class->ends[i]);
        builder->summed |= (uint32_t)here << i;
        all &= here;
    }
    /* A begin must not find what an end that goes out may take away. */
    for (size_t i = 0; i < class->begin_count && all; i++) {
        bool here = begin_here(builder, thread, event, class->begins[i]);
        builder->summed |= (uint32_t)here << (class->end_count + i);
        all &= here;
    }
    return all;
}

void builder_tick(struct partial_builder *builder, uint64_t now_ns)
{
    bool ticks = instances_tick(&builder->phases, now_ns);
    builder->tick_ns = builder->phases.now_ns + builder->phases.tick_ns;
    if (builder->tick_ns < builder->phases.now_ns || builder->phases.tick_ns == 0)
        builder->tick_ns = UINT64_MAX;
    if (!ticks)
        return;
    builder->epoch++;
    struct instance *over;
    while ((over = instances_next_over(&builder->phases)) != NULL)
        end_unknown(builder, over);
}
