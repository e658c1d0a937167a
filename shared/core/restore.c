#include "analysis/segments.h"
#include "base/memory.h"
#include "core/keep.h"
#include "core/kept.h"
#include "core/spans.h"

/* Restored entities, by the numbers in the records. */
struct restore {
    struct core *core;
    struct arena arena;
    struct map lives, processes, tables, descriptors, thread_groups, requests;
    const void **read[KEPT_KINDS]; /* decoded records */
    size_t count[KEPT_KINDS], room[KEPT_KINDS];
    bool bad; /* they are inconsistent */
};

static enum status read_record(struct restore *restore, const struct kept_record *record,
                               struct failure *why)
{
    struct columns_in in = {
        .row = {record->record.at, record->record.at + record->record.count, false},
        .schema = restore->core->schema,
        .arena = &restore->arena,
        .why = why};
    uint64_t kind = row_take(&in.row);
    const struct column_table *table = kept_table_of(kind);
    if (!table)
        return fail(why, kind >= KEPT_KINDS ? STATUS_STOP : STATUS_REJECT,
                    "a state record of unknown type");
    void *to = arena_take(&restore->arena, table->size);
    columns_set_nothing(table, to);
    columns_take(&in, table, to);
    columns_in_clear(&in);
    if (in.status != STATUS_OK)
        return in.status;
    restore->read[kind] = memory_grow(restore->read[kind], &restore->room[kind],
                                      restore->count[kind] + 1, sizeof(const void *));
    restore->read[kind][restore->count[kind]++] = to;
    return STATUS_OK;
}

#define EACH(kept, restore, kind, i)                                                               \
    size_t i = 0;                                                                                  \
    i < (restore)->count[kind] && ((kept) = (restore)->read[kind][i]);                             \
    i++

/* A condition for a record; if it does not hold, its entity is not created. */
static bool holds(struct restore *restore, bool sound)
{
    restore->bad |= !sound;
    return sound;
}

/* Whether the number is valid and new. */
static bool is_number(struct restore *restore, const struct map *map, uint64_t number)
{
    return holds(restore, number != 0 && !map_get(map, number));
}

/* The entity with that number; NULL if 0. */
static void *named(struct restore *restore, const struct map *map, uint64_t number)
{
    void *found = number ? map_get(map, number) : NULL;
    restore->bad |= number && !found;
    return found;
}

static uint32_t path_id(struct restore *restore, struct text path)
{
    return path.at ? names_id(&restore->core->paths, path) : 0;
}

static void restore_tables(struct restore *restore)
{
    struct core *core = restore->core;
    const struct kept_table *kept;
    for (EACH(kept, restore, KEPT_TABLE, i)) {
        if (!is_number(restore, &restore->tables, kept->table.serial))
            continue;
        struct table *table = memory_new(sizeof *table);
        *table = kept->table;
        table->changed = core->changed;
        changes_note(&core->changed->tables, &table->change);
        table->refs = table->holds = 0;
        table->next = core->tables;
        table->back = &core->tables;
        if (table->next)
            table->next->back = &table->next;
        core->tables = table;
        map_put(&restore->tables, table->serial, table);
    }
}

/* The same, with one more user. */
static struct table *used_table(struct restore *restore, uint64_t number)
{
    struct table *table = named(restore, &restore->tables, number);
    if (table) {
        table->refs++;
        table->holds++;
    }
    return table;
}

static bool descriptor_holds(struct restore *restore, const struct kept_descriptor *kept,
                             const struct table *table)
{
    const struct descriptor *descriptor = &kept->descriptor;
    return is_number(restore, &restore->descriptors, descriptor->serial) &&
           holds(restore, table && descriptor->fd >= 0 && descriptor->kind < DESCRIPTOR_KINDS &&
                              (descriptor->id != 0) == descriptor->proven &&
                              !(kept->in_place && descriptor->ended) &&
                              !(kept->in_place && table_alive(table, descriptor->fd)));
}

static void restore_descriptors(struct restore *restore)
{
    const struct kept_descriptor *kept;
    for (EACH(kept, restore, KEPT_DESCRIPTOR, i)) {
        struct table *table = named(restore, &restore->tables, kept->table);
        if (!descriptor_holds(restore, kept, table))
            continue;
        struct descriptor *descriptor = memory_new(sizeof *descriptor);
        *descriptor = kept->descriptor;
        changes_note(&restore->core->changed->descriptors, &descriptor->change);
        descriptor->refs = kept->in_place;
        descriptor->table = table;
        descriptor_not_published(descriptor);
        table->holds++;
        descriptor->name = kept->name.at ? shared_text_new(kept->name) : NULL;
        for (size_t k = 0; k < kept->doubtful_count; k++) {
            const struct kept_doubtful *from = &kept->doubtful[k];
            descriptor->doubtful = memory_grow(descriptor->doubtful, &descriptor->doubtful_room,
                                               k + 1, sizeof *descriptor->doubtful);
            descriptor->doubtful[descriptor->doubtful_count++] = (struct doubtful_use){
                from->entry_ns, from->ns, from->thread, path_id(restore, from->path)};
        }
        descriptor->gone = !kept->in_place;
        if (kept->in_place)
            map_put(&table->places, (uint64_t)descriptor->fd, descriptor);
        map_put(&restore->descriptors, descriptor->serial, descriptor);
    }
}

static int by_since(const void *a, const void *b)
{
    const struct over *left = a, *right = b;
    return left->since_ns < right->since_ns ? -1 : left->since_ns > right->since_ns;
}

static void restore_processes(struct restore *restore)
{
    struct core *core = restore->core;
    const struct kept_process *kept;
    for (EACH(kept, restore, KEPT_PROCESS, i)) {
        uint64_t key = number_key(kept->process.pid_ns, kept->process.pid);
        bool sound = kept->process.pid > 0 && (kept->is_newest || kept->address_count == 0) &&
                     !(kept->is_newest && map_get(&core->processes, key));
        if (!is_number(restore, &restore->processes, kept->process.serial) ||
            !holds(restore, sound))
            continue;
        struct process *process = memory_new(sizeof *process);
        *process = kept->process;
        process->changed = core->changed;
        process_touch(process);
        process_is_published(process);
        process->table = used_table(restore, kept->table);
        for (size_t k = 0; k < kept->address_count; k++) {
            process->addresses = memory_grow(process->addresses, &process->address_room, k + 1,
                                             sizeof *process->addresses);
            process->addresses[process->address_count++] = kept->addresses[k].address;
            map_put(&core->addresses, kept->addresses[k].address, process);
        }
        if (kept->is_newest) {
            process->refs = 1;
            map_put(&core->processes, key, process);
            if (process->over_ns != TIME_NONE) {
                core->over = memory_grow(core->over, &core->over_room, core->over_count + 1,
                                         sizeof *core->over);
                core->over[core->over_count++] = (struct over){key, process->over_ns};
            }
        }
        map_put(&restore->processes, process->serial, process);
    }
    if (core->over_count > 0)
        qsort(core->over, core->over_count, sizeof *core->over, by_since);
}

static void restore_thread_group(struct restore *restore, struct life *life,
                                 const struct kept_life *kept)
{
    life->phases.exited = kept->phases_exited;
    if (kept->thread_group.id == 0)
        return;
    struct thread_group *thread_group = map_get(&restore->thread_groups, kept->thread_group.id);
    if (!thread_group) {
        thread_group = instances_restore_group(&restore->core->phases, &kept->thread_group);
        if (!thread_group) {
            restore->bad = true;
            return;
        }
        map_put(&restore->thread_groups, thread_group->id, thread_group);
    }
    if (restore->core->phases.last_thread_group < thread_group->id)
        restore->core->phases.last_thread_group = thread_group->id;
    thread_group_enter(&life->phases, thread_group);
    life->phases.counted = kept->counted;
    thread_group->alive += kept->counted;
}

static bool life_holds(struct restore *restore, const struct kept_life *kept)
{
    const struct life *life = &kept->life;
    bool is_open = life->in == IN_OPEN;
    bool is_numbered = tid_is_of_process(life->tid) ? life->over || kept->process : life->tid > 0;
    bool alone = kept->process == 0 && kept->own_table == 0;
    uint64_t key = number_key(life->pid_ns, life->tid);
    return is_number(restore, &restore->lives, life->name) &&
           holds(restore, is_numbered && life->state <= STATE_BLOCKED && life->in <= IN_OPEN &&
                              is_open == (life->open_call != NULL) &&
                              (is_open || (kept->used[0] == 0 && kept->used[1] == 0)) &&
                              (kept->own_table == 0 || kept->process != 0) &&
                              (life->over ? alone : !map_get(&restore->core->lives, key)));
}

static void restore_life(struct restore *restore, const struct kept_life *kept)
{
    struct core *core = restore->core;
    if (!life_holds(restore, kept))
        return;
    struct life *life = life_new(core, kept->life.tid);
    struct life *next = life->next_of_all, **back = life->back_of_all;
    struct phase_thread phases = life->phases;
    const struct change change = life->change, publishing = life->publishing;
    *life = kept->life;
    life->changed = core->changed;
    life->change = change;
    life->publishing = publishing;
    life->next_of_all = next;
    life->back_of_all = back;
    life->phases = phases;
    life->phases.id = life->name;
    life->wild_cpu = -1;
    life->active = life->counts = life->known = true;
    life->open_label = path_id(restore, kept->path);
    if (life->open_text.at)
        life->open_text.at = life->open_owned = memory_string(life->open_text);
    life_place(life);
    for (size_t i = 0; i < kept->inner_count; i++)
        life_add_inner(core, life, kept->inner[i].number);
    for (size_t i = 0; i < kept->credit_count; i++) {
        life->credits =
            memory_grow(life->credits, &life->credit_room, i + 1, sizeof *life->credits);
        const struct kept_credit *from = &kept->credits[i];
        life->credits[life->credit_count++] = (struct call_credit){
            path_id(restore, from->path), from->count, from->thread, from->stretch};
    }
    struct process *process = named(restore, &restore->processes, kept->process);
    if (process)
        process_own(life, process);
    if (process)
        life->own_table = used_table(restore, kept->own_table);
    for (unsigned i = 0; i < 2; i++) {
        life->used[i] = named(restore, &restore->descriptors, kept->used[i]);
        if (life->used[i])
            life->used[i]->refs++;
    }
    (void)holds(restore, layers_restore(life, kept->layers, kept->layer_count));
    restore_thread_group(restore, life, kept);
    map_put(&restore->lives, life->name, life);
    if (life->over) {
        life_is_over(core, life);
        return;
    }
    map_put(&core->lives, number_key(life->pid_ns, life->tid), life);
    if (life->exited)
        life_note_exited(core, life);
}

static void restore_cpus(struct restore *restore, const struct kept_cpus *kept)
{
    for (size_t i = 0; i < kept->cpu_count; i++) {
        const struct kept_cpu *from = &kept->cpus[i];
        if (from->cpu > CPU_NUMBER_MAX)
            continue; /* earlier versions read it from a damaged packet */
        struct cpu *cpu = cpu_at(restore->core, from->cpu);
        bool is_new = cpu && cpu->knows == CPU_UNKNOWN && !cpu->seen;
        if (!is_new || from->knows > CPU_THREAD || from->knows == CPU_LET) {
            restore->bad = true;
            continue;
        }
        cpu->knows = from->knows;
        cpu->run_whole = from->run_whole;
        cpu->seen = from->seen;
        cpu->run_begin_ns = from->run_begin_ns;
        cpu->last_ns = from->last_ns;
        cpu->border_ns = from->border_ns;
        cpu->handlers = HANDLERS_NONE | (from->handlers & (HANDLER_IN_IRQ | HANDLER_IN_SOFTIRQ));
        cpu->irq_ns = from->irq_ns;
        cpu->softirq_ns = from->softirq_ns;
        cpu->nested_ns = from->nested_ns;
        restore->bad |= (cpu->handlers & HANDLER_IN_IRQ) && cpu->irq_ns == TIME_NONE;
        restore->bad |= (cpu->handlers & HANDLER_IN_SOFTIRQ) && cpu->softirq_ns == TIME_NONE;
        memcpy(cpu->within, from->within, sizeof cpu->within);
        for (size_t j = 0; j < from->slice_count; j++) {
            restore->bad |= !cpu_slice_is_sound(&from->slices[j]);
            slices_add(cpu, &from->slices[j]);
        }
        cpu->current = named(restore, &restore->lives, from->current);
        restore->bad |= (cpu->current != NULL) != (cpu->knows == CPU_THREAD);
        restore->bad |= cpu->current && cpu->current->over;
    }
}

static void restore_all_cpus(struct restore *restore, const struct kept_core *core)
{
    restore_cpus(restore, &core->all);
    const struct kept_cpus *kept;
    for (EACH(kept, restore, KEPT_CPUS, i))
        restore_cpus(restore, kept);
    for (struct life *life = restore->core->all; life; life = life->next_of_all) {
        if (life->over || life->cpu > CPU_NUMBER_MAX)
            life->cpu = -1;
        if (!holds(restore, life->cpu < 0 || (size_t)life->cpu < restore->core->cpu_count))
            life->cpu = -1;
    }
}

static int by_block(const void *a, const void *b)
{
    const struct kept_older_begins *const *left = a, *const *right = b;
    if ((*left)->instance != (*right)->instance)
        return (*left)->instance < (*right)->instance ? -1 : 1;
    return (*left)->block < (*right)->block ? -1 : (*left)->block > (*right)->block;
}

/* The index of the first block of the instance. */
static size_t first_block(const struct restore *restore, uint64_t instance)
{
    size_t low = 0, high = restore->count[KEPT_OLDER_BEGINS];
    while (low < high) {
        size_t at = (low + high) / 2;
        const struct kept_older_begins *kept = restore->read[KEPT_OLDER_BEGINS][at];
        if (kept->instance < instance)
            low = at + 1;
        else
            high = at;
    }
    return low;
}

static void restore_block(struct restore *restore, const struct kept_older_begins *kept,
                          struct older_begins *older_begins)
{
    const struct steps_line *line = &kept->steps;
    uint32_t *calls = memory_new((line->call_count + 1) * sizeof *calls);
    for (size_t i = 0; i < line->call_count; i++)
        if (holds(restore, line->calls[i].call != NULL))
            calls[i] = line->calls[i].call->id;
    struct begin_steps steps = {.count = line->count,
                                .events = line->events,
                                .bytes = {(const uint8_t *)line->bytes.at, line->bytes.count},
                                .calls = calls,
                                .call_count = line->call_count};
    uint64_t order = older_begins->youngest.order;
    bool follows = older_begins->top ? kept->block == order : kept->block <= order;
    if (holds(restore, older_begins_valid(&steps) && follows && order >> 63 == 0))
        older_begins_add_block(older_begins, kept->block, &steps);
    free(calls);
}

/* Adds its older begins; all of their blocks must be there. */
static void restore_older_begins(struct restore *restore, const struct kept_instance *kept,
                                 struct instance *instance, size_t *blocks)
{
    const struct phase_thread *thread = instance->thread;
    instances_set_spent(instance, &kept->oldest.time, kept->oldest.calls);
    struct older_begins *older_begins = instances_go_below(&restore->core->phases, instance);
    for (size_t i = first_block(restore, instance->id); i < restore->count[KEPT_OLDER_BEGINS];
         i++) {
        const struct kept_older_begins *each = restore->read[KEPT_OLDER_BEGINS][i];
        if (each->instance != instance->id)
            break;
        restore_block(restore, each, older_begins);
        (*blocks)++;
    }
    (void)holds(restore, older_begins->count == kept->older_begins &&
                             older_begins->youngest.order == kept->youngest.event);
    older_begins->youngest.begin_ns = kept->youngest.begin_ns;
    instances_set_spent_since(thread, &older_begins->youngest, &kept->youngest.time,
                              kept->youngest.calls);
}

static bool instance_holds(struct restore *restore, const struct kept_instance *kept)
{
    const struct phase_set *set = restore->core->phases.set;
    if (!holds(restore, kept->definition < set->count))
        return false;
    const struct phase_definition *definition = set->at[kept->definition];
    bool alone = kept->older_begins == 0;
    return holds(
        restore,
        kept->value_count == phase_value_count(definition) &&
            (alone || (definition->match_count == 0 && kept->oldest.begin_ns != TIME_NONE &&
                       kept->youngest.begin_ns != TIME_NONE && kept->oldest.event < kept->order &&
                       (kept->order - kept->oldest.event) % (1 << EVENT_SHIFT) == 0)));
}

/* Its request, which began before it, is already restored. */
static void restore_segments(struct restore *restore, const struct kept_instance *kept,
                             struct instance *instance)
{
    const struct phase_set *set = restore->core->phases.set;
    const struct phase_definition *definition = set->at[kept->definition];
    if (!holds(restore, kept->segments.since_ns == TIME_NONE ||
                            (definition->segments && definition->match_count > 0)))
        return;
    const struct segments_line *line = &kept->segments;
    if (segments_set(instance, line) &&
        holds(restore, waits_are_sound(line->waits, line->wait_count)))
        segments_add_waits(instance->segments, line->waits, line->wait_count);
    if (set->at[kept->definition]->segments && !map_get(&restore->requests, instance->id))
        map_put(&restore->requests, instance->id, instance);
    struct instance *request = kept->request ? map_get(&restore->requests, kept->request) : NULL;
    if (kept->request && holds(restore, request && request->segments &&
                                            phase_is_segment(set->at[kept->definition],
                                                             set->at[request->definition])))
        segment_link(restore->core->phases.changes, request, instance);
}

static void restore_instance(struct restore *restore, const struct kept_instance *kept,
                             size_t *blocks)
{
    struct instances *phases = &restore->core->phases;
    struct life *life = named(restore, &restore->lives, kept->life);
    if (!life || !instance_holds(restore, kept))
        return;
    bool alone = kept->older_begins == 0;
    struct instance_begin begin = {.definition = kept->definition,
                                   .path = path_id(restore, kept->path),
                                   .by_user = kept->by_user,
                                   .in_call = kept->in_call,
                                   .begin_ns = kept->begin_ns,
                                   .order = kept->order,
                                   .values = kept->values};
    struct instance_begin oldest = begin;
    if (!alone) {
        oldest.in_call = false;
        oldest.begin_ns = kept->oldest.begin_ns;
        oldest.order = kept->oldest.event;
    }
    struct instance *instance = instances_open(phases, &life->phases, &oldest);
    instance->after_exit = kept->after_exit;
    instance->id = kept->id ? kept->id : kept->order;
    if (!alone) {
        restore_older_begins(restore, kept, instance, blocks);
        if (!holds(restore, instance->older_begins->youngest.order < begin.order))
            begin.order = instance->older_begins->youngest.order + 1;
        instances_go_on_top(phases, instance, &begin);
    }
    instances_set_spent(instance, &kept->time, kept->calls);
    life->spends = true;
    restore_segments(restore, kept, instance);
}

static int by_order(const void *a, const void *b)
{
    const struct kept_instance *const *left = a, *const *right = b;
    return (*left)->order < (*right)->order ? -1 : (*left)->order > (*right)->order;
}

static void restore_instances(struct restore *restore)
{
    size_t count = restore->count[KEPT_INSTANCE];
    if (count > 0)
        qsort(restore->read[KEPT_INSTANCE], count, sizeof(const void *), by_order);
    if (restore->count[KEPT_OLDER_BEGINS] > 0)
        qsort(restore->read[KEPT_OLDER_BEGINS], restore->count[KEPT_OLDER_BEGINS],
              sizeof(const void *), by_block);
    size_t blocks = 0;
    const struct kept_instance *kept;
    for (EACH(kept, restore, KEPT_INSTANCE, i))
        restore_instance(restore, kept, &blocks);
    (void)holds(restore, blocks == restore->count[KEPT_OLDER_BEGINS]);
}

static int by_serial(const void *a, const void *b)
{
    const struct kept_span *const *left = a, *const *right = b;
    return (*left)->serial < (*right)->serial ? -1 : (*left)->serial > (*right)->serial;
}

static void restore_spans(struct restore *restore, const struct kept_core *core)
{
    const struct kept_span *kept;
    uint64_t last = 0; /* serials are unique */
    if (restore->count[KEPT_SPAN] > 0)
        qsort(restore->read[KEPT_SPAN], restore->count[KEPT_SPAN], sizeof(const void *), by_serial);
    for (EACH(kept, restore, KEPT_SPAN, i)) {
        (void)holds(restore, kept->serial > last && kept->serial <= core->last_serial &&
                                 spans_restore(restore->core, kept));
        last = kept->serial;
    }
    if (core->spans_last_ns > 0)
        spans_now(restore->core, core->spans_last_ns);
}

/* Checks that every entity is referred to, and that numbers assigned from here on are new. */
static void check_all(struct restore *restore)
{
    struct core *core = restore->core;
    struct descriptor *descriptor;
    for (size_t at = 0; (descriptor = map_next(&restore->descriptors, &at));) {
        restore->bad |=
            descriptor->serial > core->last_serial || descriptor->id > core->last_descriptor;
        if (!holds(restore, descriptor->refs > 0)) {
            descriptor->refs = 1;
            descriptor_drop(descriptor);
        }
    }
    struct process *process;
    for (size_t at = 0; (process = map_next(&restore->processes, &at));) {
        restore->bad |= process->serial > core->last_serial;
        if (!holds(restore, process->refs > 0)) {
            process->refs = 1;
            process_drop(core, process);
        }
    }
    for (struct table *table = core->tables, *next; table; table = next) {
        next = table->next;
        restore->bad |= table->serial > core->last_serial;
        bool is_used = table->refs > 0 || (table->holds > 0 && table->places.count == 0);
        if (!holds(restore, is_used)) {
            table->refs = 1;
            table->holds++;
            table_lose_user(core, table);
        }
    }
    for (const struct life *life = core->all; life; life = life->next_of_all)
        restore->bad |= life->name > core->last_life;
}

static void restore_all(struct restore *restore)
{
    struct core *core = restore->core;
    if (restore->count[KEPT_CORE] != 1) {
        restore->bad = true;
        return;
    }
    const struct kept_core *kept = restore->read[KEPT_CORE][0];
    restore_tables(restore);
    restore_descriptors(restore);
    restore_processes(restore);
    const struct kept_life *life;
    for (EACH(life, restore, KEPT_LIFE, i))
        restore_life(restore, life);
    restore_all_cpus(restore, kept);
    restore_instances(restore);
    restore_spans(restore, kept);
    core->order = kept->order;
    core->last_process = kept->last_process;
    core->last_descriptor = kept->last_descriptor;
    core->last_serial = kept->last_serial;
    if (holds(restore, kept->past_events < SESSION_EVENTS_MAX))
        core->past_events = kept->past_events;
    core->border_epoch = kept->border_epoch;
    core->time_ns = kept->time_ns;
    core->phases.now_ns = kept->phases_now_ns;
    core->last_life = kept->last_life;
    core->facts = (struct core_facts){kept->has_kernel, kept->counts_switches, kept->no_calls};
    check_all(restore);
}

static bool is_of_core(const struct kept_record *record)
{
    size_t count = sizeof KEPT_KEY - 1;
    return record->key.count > count && memcmp(record->key.at, KEPT_KEY, count) == 0;
}

enum status core_restore(struct schema *schema, const struct phase_set *phases,
                         struct result_sink sink, struct core_settle_source settle_source,
                         const struct kept_record *records, size_t count, struct core **out,
                         struct failure *why)
{
    struct restore restore = {.core = core_new(schema, sink, settle_source)};
    phases_use(restore.core, phases);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        if (is_of_core(&records[i]))
            status = read_record(&restore, &records[i], why);
    if (status == STATUS_OK)
        restore_all(&restore);
    if (status == STATUS_OK && restore.bad)
        status = fail(why, STATUS_REJECT, "the state records contradict each other");
    struct map *maps[] = {&restore.lives,       &restore.processes,     &restore.tables,
                          &restore.descriptors, &restore.thread_groups, &restore.requests};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        map_clear(maps[i]);
    for (size_t i = 0; i < KEPT_KINDS; i++)
        free(restore.read[i]);
    arena_clear(&restore.arena);
    *out = status == STATUS_OK ? restore.core : NULL;
    if (status != STATUS_OK)
        core_free(restore.core);
    return status;
}
