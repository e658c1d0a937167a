#include "core/keep.h"

#include <stdio.h>

#include "base/invariant.h"
#include "base/memory.h"
#include "core/kept.h"
#include "core/spans.h"

struct keep {
    struct core *core;
    struct keep_sink sink;
    uint64_t save; /* the number of this one */
    bool all;      /* nothing stands */
};

/* Whether the record stands that is known by the number: it is not made then. In builds with invariants it is made
 * all the same, and compared. */
static bool stands(const struct keep *keep, bool touched, uint32_t number)
{
    return !keep->all && !touched && number != 0;
}

static bool stands_unseen(const struct keep *keep, bool touched, uint32_t number)
{
    if (!stands(keep, touched, number))
        return false;
    keep->sink.stands(keep->sink.context, number);
#ifdef SPANMILL_INVARIANTS
    return false;
#else
    return true;
#endif
}

/* A record, under the kind's letter and `id`; *number is what it is known by. */
static void put(const struct keep *keep, enum kept_kind kind, uint64_t id, const void *from,
                bool touched, uint32_t *number)
{
    static const char letters[KEPT_KINDS] = {0, 'c', 'l', 'p', 't', 'd', 'i', 'e', 's'};
    char key[64];
    struct columns_out out = {.count = 0};
    columns_put_number(&out, kind);
    columns_put(&out, keep->core->schema, kept_table_of(kind), from);
    snprintf(key, sizeof key, KEPT_KEY "%c%llu", letters[kind], (unsigned long long)id);
    const struct bytes record = {out.at, out.count};
    if (stands(keep, touched, *number)) {
        invariant(keep->sink.is(keep->sink.context, *number, text_of(key), record));
    } else {
        keep->sink.take(keep->sink.context, text_of(key), record);
        if (keep->sink.number)
            *number = keep->sink.number(keep->sink.context);
    }
    columns_clear(&out);
}

/* Its number, by which other records name it. */
static uint64_t serial(const struct keep *keep, uint64_t *serial)
{
    if (*serial == 0)
        *serial = ++keep->core->last_serial;
    return *serial;
}

/* Whether the save has not seen it yet. */
static bool is_new(const struct keep *keep, uint64_t *seen)
{
    bool new = *seen != keep->save;
    *seen = keep->save;
    return new;
}

static struct text path_text(const struct keep *keep, uint32_t path)
{
    return names_text(&keep->core->paths, path);
}

static void keep_descriptor(struct keep *keep, struct descriptor *descriptor);

static uint64_t keep_table(struct keep *keep, struct table *table)
{
    if (!table)
        return 0;
    uint64_t number = serial(keep, &table->serial);
    if (!is_new(keep, &table->seen))
        return number;
    if (!stands_unseen(keep, false, table->kept))
        put(keep, KEPT_TABLE, number, &(struct kept_table){.table = *table}, false, &table->kept);
    struct descriptor *each;
    for (size_t at = 0; (each = map_next(&table->places, &at));)
        keep_descriptor(keep, each);
    return number;
}

static void keep_descriptor(struct keep *keep, struct descriptor *descriptor)
{
    uint64_t number = serial(keep, &descriptor->serial);
    if (!is_new(keep, &descriptor->seen))
        return;
    struct table *table = descriptor->table;
    if (stands_unseen(keep, descriptor->touched, descriptor->kept))
        return;
    struct kept_descriptor kept = {
        .descriptor = *descriptor,
        .table = keep_table(keep, table),
        .in_place = map_get(&table->places, (uint64_t)descriptor->fd) == descriptor,
        .name = {descriptor->name, descriptor->name ? strlen(descriptor->name) : 0},
        .doubtful_count = descriptor->doubtful_count};
    kept.doubtful = memory_new((kept.doubtful_count + 1) * sizeof *kept.doubtful);
    for (size_t i = 0; i < kept.doubtful_count; i++)
        kept.doubtful[i] = (struct kept_doubtful){
            descriptor->doubtful[i].entry_ns, descriptor->doubtful[i].ns,
            descriptor->doubtful[i].thread, path_text(keep, descriptor->doubtful[i].label)};
    put(keep, KEPT_DESCRIPTOR, number, &kept, descriptor->touched, &descriptor->kept);
    free(kept.doubtful);
    descriptor->touched &= !keep->sink.stands;
}

static uint64_t keep_process(struct keep *keep, struct process *process)
{
    if (!process)
        return 0;
    uint64_t number = serial(keep, &process->serial);
    if (!is_new(keep, &process->seen))
        return number;
    if (stands_unseen(keep, process->touched, process->kept)) {
        (void)keep_table(keep, process->table);
        return number;
    }
    uint64_t key = number_key(process->pid_ns, process->pid);
    struct kept_process kept = {.process = *process,
                                .table = keep_table(keep, process->table),
                                .is_newest = map_get(&keep->core->processes, key) == process,
                                .address_count = process->address_count};
    kept.addresses = memory_new((kept.address_count + 1) * sizeof *kept.addresses);
    for (size_t i = 0; i < kept.address_count; i++)
        kept.addresses[i].address = process->addresses[i];
    put(keep, KEPT_PROCESS, number, &kept, process->touched, &process->kept);
    free(kept.addresses);
    process->touched &= !keep->sink.stands;
    return number;
}

/* Whether its record, or one of its instances, may be another: its kin changes without it. */
static bool is_touched(const struct keep *keep, const struct life *life)
{
    const struct kin *kin = life->phases.kin;
    return keep->all || life->touched || (kin && kin->changed == keep->core->phases.saves);
}

static void keep_life(struct keep *keep, struct life *life)
{
    const bool touched = is_touched(keep, life);
    if (stands_unseen(keep, touched, life->kept)) {
        (void)keep_process(keep, life->process);
        (void)keep_table(keep, life->own_table);
        for (unsigned i = 0; i < 2; i++)
            if (life->used[i])
                keep_descriptor(keep, life->used[i]);
        return;
    }
    struct kept_life kept = {.life = *life,
                             .path = path_text(keep, life->open_label),
                             .inner_count = life->inner_count,
                             .credit_count = life->credit_count,
                             .process = keep_process(keep, life->process),
                             .own_table = keep_table(keep, life->own_table),
                             .phases_exited = life->phases.exited,
                             .counted = life->phases.counted};
    assert(life->cpu_ns == 0 && life->call_count == 0 && life->phase_count == 0 &&
           life->wait_count == 0);
    if (life->phases.kin)
        kept.kin = *life->phases.kin;
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
    for (unsigned i = 0; i < 2; i++) {
        if (!life->used[i])
            continue;
        keep_descriptor(keep, life->used[i]);
        kept.used[i] = life->used[i]->serial;
    }
    kept.inner = memory_new((kept.inner_count + 1) * sizeof *kept.inner);
    for (size_t i = 0; i < kept.inner_count; i++)
        kept.inner[i].number = life->inner[i];
    kept.credits = memory_new((kept.credit_count + 1) * sizeof *kept.credits);
    for (size_t i = 0; i < kept.credit_count; i++)
        kept.credits[i] =
            (struct kept_credit){path_text(keep, life->credits[i].label), life->credits[i].count,
                                 life->credits[i].thread, life->credits[i].stretch};
    put(keep, KEPT_LIFE, life->name, &kept, touched, &life->kept);
    free(kept.inner);
    free(kept.credits);
}

static void keep_block(const struct keep *keep, const struct instance *instance,
                       struct elder_block *block, bool touched)
{
    if (stands_unseen(keep, touched, block->kept))
        return;
    struct kept_elders kept = {
        .instance = instance->id,
        .block = block->id,
        .steps = {.count = block->count,
                  .events = elders_events(instance->elders, block),
                  .bytes = {(const char *)block->at + block->begin, block->end - block->begin},
                  .call_count = block->call_count}};
    kept.steps.calls = memory_new((block->call_count + 1) * sizeof *kept.steps.calls);
    for (size_t i = 0; i < block->call_count; i++)
        kept.steps.calls[i].call = schema_call_by_id(keep->core->schema, block->calls[i]);
    put(keep, KEPT_ELDERS, block->id, &kept, touched, &block->kept);
    free(kept.steps.calls);
}

static void say_elder(const struct instance *instance, const struct instance_mark *mark,
                      struct elder_line *line)
{
    line->begin_ns = mark->begin_ns;
    line->event = mark->order;
    line->calls = instances_spent_since(instance->thread, mark, &line->time);
}

static void keep_instance(const struct keep *keep, struct instance *instance)
{
    const bool touched = is_touched(keep, life_of(instance)) || instance->segments_changed;
    if (stands_unseen(keep, touched, instance->kept)) {
        struct elder_block *each = instance_elders(instance) > 0 ? instance->elders->bottom : NULL;
        for (; each; each = each->above) {
            bool was_kept = stands_unseen(keep, touched, each->kept);
            assert(was_kept);
        }
        return;
    }
    const struct phase_set *set = keep->core->phases.set;
    struct kept_instance kept = {.life = life_of(instance)->name,
                                 .definition = instance->definition,
                                 .path = path_text(keep, instance->path),
                                 .by_user = instance->by_user,
                                 .in_call = instance->in_call,
                                 .after_exit = instance->after_exit,
                                 .begin_ns = instance->mark.begin_ns,
                                 .order = instance->mark.order,
                                 .eldest = {.begin_ns = TIME_NONE},
                                 .youngest = {.begin_ns = TIME_NONE},
                                 .values = instance->values,
                                 .value_count = phase_value_count(set->at[instance->definition])};
    kept.calls = instances_spent(instance, &kept.time);
    if (instance_elders(instance) > 0) {
        const struct elders *elders = instance->elders;
        kept.elders = elders->count;
        say_elder(instance, &elders->eldest, &kept.eldest);
        say_elder(instance, &elders->youngest, &kept.youngest);
        for (struct elder_block *each = elders->bottom; each; each = each->above)
            keep_block(keep, instance, each, touched);
    }
    kept.id = instance->id != instance->mark.order ? instance->id : 0;
    kept.segments = segments_told(instance);
    kept.request = instance->request ? instance->request->id : 0;
    put(keep, KEPT_INSTANCE, instance->id, &kept, touched, &instance->kept);
    instance->segments_changed &= !keep->sink.stands;
    time_vector_free(&kept.time);
    time_vector_free(&kept.eldest.time);
    time_vector_free(&kept.youngest.time);
    time_vector_free(&kept.segments.time);
}

static void keep_instances(const struct keep *keep)
{
    const struct instances *phases = &keep->core->phases;
    struct instance **all = instances_sorted(phases);
    for (size_t i = 0; i < phases->structs; i++)
        keep_instance(keep, all[i]);
    free(all);
}

static void keep_spans(const struct keep *keep)
{
    struct kept_span kept;
    for (size_t i = 0; i < spans_count(keep->core); i++) {
        uint32_t *number = spans_keep(keep->core, i, &kept);
        if (!stands_unseen(keep, false, *number)) /* it stays as it began */
            put(keep, KEPT_SPAN, kept.serial, &kept, false, number);
    }
}

static void keep_core(const struct keep *keep)
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
    kept.cpus = memory_new((core->cpu_count + 1) * sizeof *kept.cpus);
    for (size_t i = 0; i < core->cpu_count; i++) {
        const struct cpu *cpu = &core->cpus[i];
        if (!cpu->seen && cpu->knows == CPU_UNKNOWN)
            continue;
        bool in_irq = cpu->handlers & HANDLER_IN_IRQ;
        bool in_softirq = cpu->handlers & HANDLER_IN_SOFTIRQ;
        kept.cpus[kept.cpu_count++] =
            (struct kept_cpu){.cpu = (int32_t)i,
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
        memcpy(kept.cpus[kept.cpu_count - 1].within, cpu->within, sizeof cpu->within);
        kept.cpus[kept.cpu_count - 1].slices =
            slices_last(cpu, CPU_SLICES, &kept.cpus[kept.cpu_count - 1].slice_count);
    }
    uint32_t ignored = 0;
    put(keep, KEPT_CORE, 0, &kept, true, &ignored);
    free(kept.cpus);
}

/* A fact is told again once it has changed, or if it is its turn. */
struct retelling {
    uint64_t turn, turns;
};

static bool is_turn(const struct retelling *retelling, uint64_t id)
{
    return id % retelling->turns == retelling->turn;
}

static void retell_descriptor(struct core *core, const struct retelling *retelling,
                              struct descriptor *descriptor)
{
    if (!descriptor->proven || (descriptor->retold && !is_turn(retelling, descriptor->id)))
        return;
    descriptor_tell_fact(core, descriptor);
    descriptor->retold = true;
}

/* Also what is over, as long as something refers to it. */
static void retell_life(struct core *core, const struct retelling *retelling, struct life *life)
{
    if (!life->retold || is_turn(retelling, life->name))
        life_tell_fact(core, life);
    life->retold = true;
    life_tell_sums(core, life);
    for (unsigned i = 0; i < 2; i++)
        if (life->used[i] && life->used[i]->gone)
            retell_descriptor(core, retelling, life->used[i]);
    const struct process *process = life->process;
    if (process && is_turn(retelling, process->id) &&
        map_get(&core->processes, number_key(process->pid_ns, process->pid)) != process)
        process_tell_fact(core, process);
}

void core_retell(struct core *core, uint64_t turn, uint64_t turns)
{
    const struct retelling retelling = {turn, turns};
    const struct process *process;
    for (size_t at = 0; (process = map_next(&core->processes, &at));)
        if (is_turn(&retelling, process->id))
            process_tell_fact(core, process);
    for (struct life *life = core->all; life; life = life->next_of_all)
        retell_life(core, &retelling, life);
    for (const struct table *table = core->tables; table; table = table->next) {
        struct descriptor *each;
        for (size_t at = 0; (each = map_next(&table->places, &at));)
            retell_descriptor(core, &retelling, each);
    }
    core_end(core, 0);
}

/* All that is kept has been seen with what it was. */
static void end_save(const struct keep *keep)
{
    struct core *core = keep->core;
    if (!keep->sink.stands)
        return;
    core->saved_set = core->phases.set;
    core->phases.saves++;
    for (struct life *life = core->all; life; life = life->next_of_all)
        life->touched = false;
}

void core_save(struct core *core, struct keep_sink sink)
{
    struct keep keep = {.core = core,
                        .sink = sink,
                        .save = ++core->saves,
                        .all = !sink.stands || core->saved_set != core->phases.set};
    for (struct life *life = core->all; life; life = life->next_of_all)
        if (life->touched)
            life_tell_sums(core, life);
    core_end(core, 0);
    struct process *process;
    for (size_t at = 0; (process = map_next(&core->processes, &at));)
        (void)keep_process(&keep, process);
    for (struct table *table = core->tables; table; table = table->next)
        (void)keep_table(&keep, table);
    for (struct life *life = core->all; life; life = life->next_of_all)
        keep_life(&keep, life);
    keep_instances(&keep);
    keep_spans(&keep);
    keep_core(&keep);
    end_save(&keep);
}
