#include "core/keep.h"

#include <stdio.h>

#include "base/invariant.h"
#include "base/memory.h"
#include "core/kept.h"
#include "core/spans.h"

struct keep {
    struct core *core;
    struct keep_sink sink;
    uint64_t save; /* its number */
    bool all;      /* saves all records; else visits only changed entities */
    bool checks;   /* nothing has changed: each record must equal that of the sink */
    size_t count;  /* number of records, one per entity */
};

/* Puts a record under the kind's letter and `id`. `change`: the entity's, in `changes`; NULL: the
 * core as a whole. */
static void put(struct keep *keep, enum kept_kind kind, uint64_t id, const void *from,
                struct changes *changes, struct change *change)
{
    static const char letters[KEPT_KINDS] = {0, 'c', 'l', 'p', 't', 'd', 'i', 'e', 's', 'u'};
    char key[64];
    struct columns_out out = {.count = 0};
    columns_put_number(&out, kind);
    columns_put(&out, keep->core->schema, kept_table_of(kind), from);
    snprintf(key, sizeof key, KEPT_KEY "%c%llu", letters[kind], (unsigned long long)id);
    const struct bytes record = {out.at, out.count};
    if (!change)
        keep->sink.take(keep->sink.context, text_of(key), record);
    else if (keep->checks)
        invariant(change->kept &&
                  keep->sink.is(keep->sink.context, change->kept, text_of(key), record));
    else
        keep_give(&keep->sink, text_of(key), record, changes, change);
    keep->count++;
    columns_clear(&out);
}

/* The number by which other records refer to it. */
static uint64_t serial(const struct keep *keep, uint64_t *serial)
{
    if (*serial == 0)
        *serial = ++keep->core->last_serial;
    return *serial;
}

static struct text path_text(const struct keep *keep, uint32_t path)
{
    return names_text(&keep->core->paths, path);
}

static uint64_t table_number(const struct keep *keep, struct table *table)
{
    return table ? serial(keep, &table->serial) : 0;
}

static void keep_table(struct keep *keep, struct table *table)
{
    const uint64_t number = table_number(keep, table);
    const struct kept_table kept = {.table = *table};
    put(keep, KEPT_TABLE, number, &kept, &keep->core->changed->tables, &table->change);
}

static void keep_descriptor(struct keep *keep, struct descriptor *descriptor)
{
    struct table *table = descriptor->table;
    const uint64_t number = serial(keep, &descriptor->serial);
    struct kept_descriptor kept = {.descriptor = *descriptor,
                                   .table = table_number(keep, table),
                                   .in_place = map_get(&table->places, (uint64_t)descriptor->fd) ==
                                               descriptor,
                                   .name = shared_text_text(descriptor->name),
                                   .doubtful_count = descriptor->doubtful_count};
    kept.doubtful = memory_new((kept.doubtful_count + 1) * sizeof *kept.doubtful);
    for (size_t i = 0; i < kept.doubtful_count; i++)
        kept.doubtful[i] = (struct kept_doubtful){
            descriptor->doubtful[i].entry_ns, descriptor->doubtful[i].ns,
            descriptor->doubtful[i].thread, path_text(keep, descriptor->doubtful[i].label)};
    put(keep, KEPT_DESCRIPTOR, number, &kept, &keep->core->changed->descriptors,
        &descriptor->change);
    free(kept.doubtful);
}

static void keep_process(struct keep *keep, struct process *process)
{
    const uint64_t number = serial(keep, &process->serial);
    uint64_t key = number_key(process->pid_ns, process->pid);
    struct kept_process kept = {.process = *process,
                                .table = table_number(keep, process->table),
                                .is_newest = map_get(&keep->core->processes, key) == process,
                                .address_count = process->address_count};
    kept.addresses = memory_new((kept.address_count + 1) * sizeof *kept.addresses);
    for (size_t i = 0; i < kept.address_count; i++)
        kept.addresses[i].address = process->addresses[i];
    put(keep, KEPT_PROCESS, number, &kept, &keep->core->changed->processes, &process->change);
    free(kept.addresses);
}

static void keep_life(struct keep *keep, struct life *life)
{
    struct kept_life kept = {.life = *life,
                             .path = path_text(keep, life->open_label),
                             .inner_count = life->inner_count,
                             .credit_count = life->credit_count,
                             .process = life->process ? serial(keep, &life->process->serial) : 0,
                             .own_table = table_number(keep, life->own_table),
                             .phases_exited = life->phases.exited,
                             .counted = life->phases.counted};
    assert(life->cpu_ns == 0 && life->call_count == 0 && life->phase_count == 0 &&
           life->wait_count == 0);
    if (life->phases.thread_group)
        kept.thread_group = *life->phases.thread_group;
    if (life->in != IN_OPEN) {
        kept.life.open_call = NULL;
        kept.life.entry_ns = TIME_NONE;
        kept.life.open_text = (struct text){NULL, 0};
        memset(kept.life.open_value, 0, sizeof kept.life.open_value);
        kept.life.open_present = 0;
        kept.path = (struct text){NULL, 0};
    }
    if (!life->exited)
        kept.life.exit_ns = TIME_NONE;
    if (life->over)
        kept.life.cpu = -1;
    for (unsigned i = 0; i < 2; i++)
        if (life->used[i])
            kept.used[i] = serial(keep, &life->used[i]->serial);
    kept.inner = memory_new((kept.inner_count + 1) * sizeof *kept.inner);
    for (size_t i = 0; i < kept.inner_count; i++)
        kept.inner[i].number = life->inner[i];
    kept.credits = memory_new((kept.credit_count + 1) * sizeof *kept.credits);
    for (size_t i = 0; i < kept.credit_count; i++)
        kept.credits[i] =
            (struct kept_credit){path_text(keep, life->credits[i].label), life->credits[i].count,
                                 life->credits[i].thread, life->credits[i].stretch};
    kept.layers = layers_list(life, &kept.layer_count);
    put(keep, KEPT_LIFE, life->name, &kept, &keep->core->changed->lives, &life->change);
    free(kept.layers);
    free(kept.inner);
    free(kept.credits);
}

/* Whether the saved record is still valid. The blocks at both ends depend on the oldest and the
 * youngest. */
static bool block_stands(const struct keep *keep, const struct begin_block *block)
{
    return !keep->all && block->change.kept != 0 && !block->changed && block->above && block->below;
}

static void keep_block(struct keep *keep, const struct instance *instance,
                       struct begin_block *block)
{
    if (block_stands(keep, block))
        return;
    struct kept_older_begins kept = {
        .instance = instance->id,
        .block = block->id,
        .steps = {.count = block->count,
                  .events = older_begins_events(instance->older_begins, block),
                  .bytes = {(const char *)block->at + block->begin, block->end - block->begin},
                  .call_count = block->call_count}};
    kept.steps.calls = memory_new((block->call_count + 1) * sizeof *kept.steps.calls);
    for (size_t i = 0; i < block->call_count; i++)
        kept.steps.calls[i].call = schema_call_by_id(keep->core->schema, block->calls[i]);
    put(keep, KEPT_OLDER_BEGINS, block->id, &kept, &keep->core->changed->instances, &block->change);
    free(kept.steps.calls);
    block->changed &= !keep_remembers(&keep->sink);
}

static void write_older_begin(const struct instance *instance, const struct instance_mark *mark,
                              struct older_begin_line *line)
{
    line->begin_ns = mark->begin_ns;
    line->event = mark->order;
    line->calls = instances_spent_since(instance->thread, mark, &line->time);
}

static void keep_instance(struct keep *keep, struct instance *instance)
{
    const struct phase_set *set = keep->core->phases.set;
    struct kept_instance kept = {.life = life_of(instance)->name,
                                 .definition = instance->definition,
                                 .path = path_text(keep, instance->path),
                                 .by_user = instance->by_user,
                                 .in_call = instance->in_call,
                                 .after_exit = instance->after_exit,
                                 .begin_ns = instance->mark.begin_ns,
                                 .order = instance->mark.order,
                                 .oldest = {.begin_ns = TIME_NONE},
                                 .youngest = {.begin_ns = TIME_NONE},
                                 .values = instance->values,
                                 .value_count = phase_value_count(set->at[instance->definition])};
    kept.calls = instances_spent(instance, &kept.time);
    if (instance_older_count(instance) > 0) {
        const struct older_begins *older_begins = instance->older_begins;
        kept.older_begins = older_begins->count;
        write_older_begin(instance, &older_begins->oldest, &kept.oldest);
        write_older_begin(instance, &older_begins->youngest, &kept.youngest);
        for (struct begin_block *each = older_begins->bottom; each; each = each->above)
            keep_block(keep, instance, each);
    }
    kept.id = instance->id != instance->mark.order ? instance->id : 0;
    kept.segments = segments_line_of(instance);
    kept.request = instance->request ? instance->request->id : 0;
    put(keep, KEPT_INSTANCE, instance->id, &kept, &keep->core->changed->instances,
        &instance->change);
    time_vector_free(&kept.time);
    time_vector_free(&kept.oldest.time);
    time_vector_free(&kept.youngest.time);
    time_vector_free(&kept.segments.time);
}

static void keep_span(struct keep *keep, struct change *change)
{
    struct kept_span kept;
    spans_keep(keep->core, change, &kept);
    put(keep, KEPT_SPAN, kept.serial, &kept, &keep->core->changed->spans, change);
}

static struct kept_cpu kept_cpu(const struct cpu *cpu, size_t number)
{
    bool in_irq = cpu->handlers & HANDLER_IN_IRQ;
    bool in_softirq = cpu->handlers & HANDLER_IN_SOFTIRQ;
    struct kept_cpu kept = {.cpu = (int32_t)number,
                            .knows = cpu->knows,
                            .run_whole = cpu->run_whole,
                            .seen = cpu->seen,
                            .run_begin_ns = cpu->run_begin_ns,
                            .last_ns = cpu->last_ns,
                            .border_ns = cpu->border_ns,
                            .handlers = cpu->handlers & (HANDLER_IN_IRQ | HANDLER_IN_SOFTIRQ),
                            .irq_ns = in_irq ? cpu->irq_ns : TIME_NONE,
                            .softirq_ns = in_softirq ? cpu->softirq_ns : TIME_NONE,
                            .nested_ns = in_softirq ? cpu->nested_ns : 0,
                            .current = cpu->knows == CPU_THREAD ? cpu->current->name : 0};
    memcpy(kept.within, cpu->within, sizeof cpu->within);
    kept.slices = slices_last(cpu, CPU_SLICES, &kept.slice_count);
    return kept;
}

static void keep_cpus(struct keep *keep)
{
    const struct core *core = keep->core;
    struct kept_cpu cpus[KEPT_CPUS_MOST];
    for (size_t first = 0; first < core->cpu_count; first += KEPT_CPUS_MOST) {
        struct kept_cpus kept = {.cpus = cpus};
        for (size_t i = first; i < core->cpu_count && i < first + KEPT_CPUS_MOST; i++)
            if (core->cpus[i].seen || core->cpus[i].knows != CPU_UNKNOWN)
                cpus[kept.cpu_count++] = kept_cpu(&core->cpus[i], i);
        if (kept.cpu_count > 0)
            put(keep, KEPT_CPUS, first, &kept, NULL, NULL);
    }
}

static void keep_core(struct keep *keep)
{
    const struct core *core = keep->core;
    struct kept_core kept = {.order = core->order,
                             .last_process = core->last_process,
                             .last_descriptor = core->last_descriptor,
                             .last_serial = core->last_serial,
                             .past_events = core->past_events,
                             .border_epoch = core->border_epoch,
                             .time_ns = core->time_ns,
                             .phases_now_ns = core->phases.now_ns,
                             .last_life = core->last_life,
                             .spans_last_ns = spans_last_ns(core),
                             .has_kernel = core->facts.has_kernel,
                             .counts_switches = core->facts.counts_switches,
                             .no_calls = core->facts.no_calls};
    put(keep, KEPT_CORE, 0, &kept, NULL, NULL);
}

/* --- all records, or changed ones --- */

/* Whether this save has not visited it yet. */
static bool is_new(const struct keep *keep, uint64_t *seen)
{
    bool new = *seen != keep->save;
    *seen = keep->save;
    return new;
}

static void visit_life(struct keep *keep, struct life *life)
{
    keep_life(keep, life);
    for (struct instance *each = life->phases.top; each; each = each->below)
        keep_instance(keep, each);
    if (life->process && is_new(keep, &life->process->seen))
        keep_process(keep, life->process);
    for (unsigned i = 0; i < 2; i++)
        if (life->used[i] && is_new(keep, &life->used[i]->seen))
            keep_descriptor(keep, life->used[i]);
}

static void visit_all(struct keep *keep)
{
    struct core *core = keep->core;
    struct process *process;
    for (size_t at = 0; (process = map_next(&core->processes, &at));)
        if (is_new(keep, &process->seen))
            keep_process(keep, process);
    for (struct table *table = core->tables; table; table = table->next) {
        keep_table(keep, table);
        struct descriptor *each;
        for (size_t at = 0; (each = map_next(&table->places, &at));)
            if (is_new(keep, &each->seen))
                keep_descriptor(keep, each);
    }
    for (struct life *life = core->all; life; life = life->next_of_all)
        visit_life(keep, life);
    for (size_t i = 0; i < spans_count(core); i++)
        keep_span(keep, spans_change(core, i));
}

static void visit_changed(struct keep *keep)
{
    const struct changed *changed = keep->core->changed;
    struct process *process;
    for (EACH_CHANGED(process, struct process, change, &changed->processes))
        keep_process(keep, process);
    struct table *table;
    for (EACH_CHANGED(table, struct table, change, &changed->tables))
        keep_table(keep, table);
    struct descriptor *descriptor;
    for (EACH_CHANGED(descriptor, struct descriptor, change, &changed->descriptors))
        keep_descriptor(keep, descriptor);
    struct life *life;
    for (EACH_CHANGED(life, struct life, change, &changed->lives)) {
        keep_life(keep, life);
        for (struct instance *each = life->phases.top; each; each = each->below)
            keep_instance(keep, each);
    }
    struct instance *instance;
    for (EACH_CHANGED(instance, struct instance, change, &changed->instances))
        if (life_of(instance)->change.place == 0)
            keep_instance(keep, instance);
    for (size_t i = 0; i < changed->spans.count; i++)
        keep_span(keep, changed->spans.at[i]);
}

#define CHANGES_OF(changed)                                                                        \
    {                                                                                              \
        &(changed)->lives, &(changed)->processes, &(changed)->tables, &(changed)->descriptors,     \
            &(changed)->instances, &(changed)->spans                                               \
    }
enum { CHANGES = 6 };

/* All changes are saved; builds with invariants check that the sink has exactly all records. */
static void end_save(const struct keep *keep)
{
    struct core *core = keep->core;
    struct changes *all[CHANGES] = CHANGES_OF(core->changed);
    size_t known = 0;
    for (size_t i = 0; i < CHANGES; i++) {
        changes_seen(all[i]);
        known += all[i]->known;
    }
    core->saved_set = core->phases.set;
#ifdef SPANMILL_INVARIANTS
    struct keep check = {
        .core = core, .sink = keep->sink, .save = ++core->saves, .all = true, .checks = true};
    visit_all(&check);
    invariant(check.count == known);
#endif
    (void)known;
}

void core_save(struct core *core, struct keep_sink sink)
{
    struct keep keep = {.core = core,
                        .sink = sink,
                        .save = ++core->saves,
                        .all = !sink.number || core->saved_set != core->phases.set};
    struct life *life;
    for (EACH_CHANGED(life, struct life, change, &core->changed->lives))
        life_emit_sums(core, life);
    core_end(core, 0);
    struct changes *changes[CHANGES] = CHANGES_OF(core->changed);
    for (size_t i = 0; i < CHANGES; i++)
        keep_give_up(&sink, changes[i]);
    if (keep.all)
        visit_all(&keep);
    else
        visit_changed(&keep);
    keep_cpus(&keep);
    keep_core(&keep);
    if (keep_remembers(&sink))
        end_save(&keep);
}
