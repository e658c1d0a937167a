#include "results/batch.h"

#include <stdlib.h>

#include "analysis/atom_table.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/names.h"
#include "results/slow_instances.h"

/* One result being summed, with the numbers that it points to. */
struct entry {
    struct entry *next; /* of the same hash */
    struct result result;
    uint32_t phase, call; /* names; NAMES_NONE */
    uint64_t order;       /* index among the entries, from 0 */
    union {
        struct call_cell calls;
        struct phase_cell phase;
        struct use_cell uses;
        struct durations latency;
        struct time_vector time;
        struct count_cell count;
    } sum;
};

/* Instances of one process and phase. */
struct slow_entry {
    struct slow_entry *next; /* of the same hash */
    int32_t pid;
    uint64_t thread; /* id, if the process is unknown; else 0 */
    uint32_t phase;
    struct slow_instances all;
};

struct result_batch {
    struct arena arena; /* entries */
    struct names names;
    struct map by_key;
    struct entry **entries; /* in the order of creation */
    size_t count, room;
    struct map slow;                    /* struct slow_entry, by hash */
    struct slow_instance **corrections; /* owned: of instances that are not in the batch */
    size_t correction_count, correction_room;
    struct entry **all; /* entries and instances, sorted by result_batch_groups() */
    size_t all_room;
    struct atom_table cells; /* of analyses; entries point to them */
    struct tallies tallies;  /* of the marks */
    struct result *results;  /* output of result_batch_groups() */
    struct result_group *groups;
    size_t group_room;
};

struct result_batch *result_batch_new(void)
{
    return memory_new(sizeof(struct result_batch));
}

/* --- entries --- */

static uint64_t id_of(const struct result *result)
{
    switch (result->type) {
    case RESULT_PROCESS: return result->process.id;
    case RESULT_THREAD: return result->thread_fact.id;
    case RESULT_DESCRIPTOR: return result->descriptor_fact.id;
    case RESULT_CPU: return (uint32_t)result->cpu;
    case RESULT_CELL:
    case RESULT_CALLS:
    case RESULT_PHASE:
    case RESULT_INSTANCE:
    case RESULT_FIRST_CALL:
    case RESULT_USES:
    case RESULT_LATENCY:
    case RESULT_RUN:
    case RESULT_COUNT:
    case RESULT_WAITS:
    case RESULT_INTERVAL: break;
    }
    return result->thread;
}

static uint32_t name_of(struct result_batch *batch, struct text text)
{
    return text.at ? names_id(&batch->names, text) : NAMES_NONE;
}

static bool same_key(const struct entry *entry, const struct result *result, uint32_t phase,
                     uint32_t call)
{
    const struct result *stored = &entry->result;
    return stored->type == result->type && id_of(stored) == id_of(result) &&
           stored->descriptor == result->descriptor && stored->stretch == result->stretch &&
           stored->wait_who == result->wait_who && entry->phase == phase && entry->call == call;
}

static struct entry *new_entry(struct result_batch *batch, uint64_t order)
{
    struct entry *entry = arena_take(&batch->arena, sizeof *entry);
    entry->phase = entry->call = NAMES_NONE;
    entry->order = order;
    return entry;
}

static struct entry *append(struct result_batch *batch)
{
    struct entry *entry = new_entry(batch, batch->count);
    batch->entries =
        memory_grow(batch->entries, &batch->room, batch->count + 1, sizeof(struct entry *));
    batch->entries[batch->count++] = entry;
    return entry;
}

/* The entry that `result` belongs to. */
static struct entry *entry_of(struct result_batch *batch, const struct result *result)
{
    uint32_t phase = name_of(batch, result->phase), call = name_of(batch, result->call);
    uint64_t key = hash_number(id_of(result) ^ (uint64_t)result->type << 56);
    key = hash_number(key ^ result->descriptor ^ (uint64_t)result->stretch << 40);
    key = hash_number(key ^ phase ^ (uint64_t)call << 32);
    if (result->type == RESULT_WAITS)
        key = hash_number(key ^ result->wait_who);
    struct entry *first = map_get(&batch->by_key, key);
    for (struct entry *each = first; each; each = each->next)
        if (same_key(each, result, phase, call))
            return each;
    struct entry *entry = append(batch);
    entry->next = first;
    entry->result = *result;
    entry->result.schema = NULL;
    entry->phase = phase;
    entry->call = call;
    map_put(&batch->by_key, key, entry);
    return entry;
}

/* --- input --- */

/* The same name, owned by the batch until it is cleared. (Names move when their table grows, their
 * characters do not.) */
static struct text kept(struct result_batch *batch, struct text text)
{
    return text.at ? names_text(&batch->names, names_id(&batch->names, text)) : text;
}

static void take_fact(struct result_batch *batch, const struct result *result)
{
    size_t count = batch->count;
    struct entry *entry = entry_of(batch, result);
    struct result *stored = &entry->result;
    if (result->type == RESULT_PROCESS) {
        if (batch->count == count)
            stored->process = process_fact_join(&stored->process, &result->process);
    } else if (result->type == RESULT_THREAD) {
        if (batch->count == count)
            stored->thread_fact = thread_fact_join(&stored->thread_fact, &result->thread_fact);
        stored->thread_fact.name = kept(batch, result->thread_fact.name);
        stored->thread_fact.program = kept(batch, result->thread_fact.program);
    } else {
        stored->descriptor_fact = result->descriptor_fact;
        stored->descriptor_fact.name = kept(batch, result->descriptor_fact.name);
    }
}

/* Adds `from`, whose call ids are those of `result`, to `to`, whose call ids are names. */
static void add_time(struct result_batch *batch, const struct result *result,
                     const struct time_vector *from, struct time_vector *to)
{
    struct time_vector rest = *from;
    rest.blocked_count = 0;
    time_vector_merge(to, &rest);
    for (uint32_t i = 0; i < from->blocked_count; i++) {
        struct text call = result_call_name(result, from->blocked_in[i].call);
        time_vector_add_blocked_in(to, names_id(&batch->names, call), from->blocked_in[i].ns);
    }
}

static void add_phase(struct result_batch *batch, const struct result *result,
                      struct phase_cell *to)
{
    const struct phase_cell *from = result->phase_cell;
    phase_cell_merge_counts(to, from);
    add_time(batch, result, &from->time, &to->time);
}

static void add_run(struct result_batch *batch, const struct result *result, struct entry *entry,
                    bool is_new)
{
    (void)batch;
    struct time_vector time = *result->run.time;
    for (uint32_t i = 0; i < time.blocked_count; i++)
        time.blocked_ns += time.blocked_in[i].ns;
    time.blocked_count = 0;
    time_vector_merge(&entry->sum.time, &time);
    if (is_new)
        return;
    entry->result.run.cpu_ns += result->run.cpu_ns;
    entry->result.run.switches += result->run.switches;
}

static void take_cell(struct result_batch *batch, const struct result *result)
{
    size_t count = batch->count;
    struct entry *entry = entry_of(batch, result);
    bool is_new = batch->count > count;
    if (result->pid || (result->tid && !entry->result.pid)) {
        entry->result.pid = result->pid;
        entry->result.tid = result->tid;
    }
    if (result->type == RESULT_CALLS)
        call_cell_merge(&entry->sum.calls, result->calls);
    else if (result->type == RESULT_PHASE)
        add_phase(batch, result, &entry->sum.phase);
    else if (result->type == RESULT_USES)
        use_cell_merge(&entry->sum.uses, result->uses);
    else if (result->type == RESULT_LATENCY)
        durations_merge(&entry->sum.latency, result->latency);
    else if (result->type == RESULT_RUN)
        add_run(batch, result, entry, is_new);
    else if (result->type == RESULT_WAITS && !is_new)
        wait_cell_merge(&entry->result.wait, &result->wait);
    else if (result->type == RESULT_CPU && !is_new) {
        entry->result.ran.busy_ns += result->ran.busy_ns;
        entry->result.ran.idle_ns += result->ran.idle_ns;
    }
}

static struct slow_entry *slow_entry_of(struct result_batch *batch, const struct result *result)
{
    int32_t pid = result->instance->ended.pid;
    uint64_t thread = pid ? 0 : result->thread;
    uint32_t phase = name_of(batch, result->phase);
    uint64_t key = hash_number(hash_number((uint64_t)phase << 32 | (uint32_t)pid) ^ thread);
    struct slow_entry *first = map_get(&batch->slow, key);
    for (struct slow_entry *each = first; each; each = each->next)
        if (each->pid == pid && each->thread == thread && each->phase == phase)
            return each;
    struct slow_entry *made = arena_take(&batch->arena, sizeof *made);
    *made = (struct slow_entry){.next = first, .pid = pid, .thread = thread, .phase = phase};
    map_put(&batch->slow, key, made);
    return made;
}

static void take_instance(struct result_batch *batch, const struct result *result)
{
    struct slow_entry *entry = slow_entry_of(batch, result);
    const struct instance_result *content = result->instance;
    struct slow_instance *known = NULL;
    if (content->is_correction) {
        known = slow_instances_find(&entry->all, content->ended.rank.order);
    } else if (!slow_instances_want(&entry->all, content)) {
        return;
    }
    struct slow_instance *instance = known ? known : slow_instance_new(result);
    add_time(batch, result, &content->ended.time, &instance->content.ended.time);
    if (known)
        return;
    instance->name = entry->phase; /* until it is written */
    if (!content->is_correction) {
        slow_instances_take(&entry->all, instance);
        return;
    }
    batch->corrections = memory_grow(batch->corrections, &batch->correction_room,
                                     batch->correction_count + 1, sizeof(struct slow_instance *));
    batch->corrections[batch->correction_count++] = instance;
}

static void take_mark(struct result_batch *batch, const struct result *result)
{
    struct entry *entry = append(batch);
    struct interval_fact *mark = arena_copy(&batch->arena, result->interval, sizeof *mark);
    tallies_add(&batch->tallies, &mark->tallies);
    mark->host = kept(batch, mark->host);
    mark->damage = damages_copy(&batch->arena, mark->damage);
    mark->uses = phase_uses_copy(&batch->arena, mark->uses);
    entry->result = *result;
    entry->result.schema = NULL;
    entry->result.interval = mark;
}

/* The cell is its own key: each has an entry. */
static void take_cell_of_analysis(struct result_batch *batch, const struct atom *from)
{
    size_t count = batch->cells.count;
    struct atom *cell = atom_table_at(&batch->cells, from->kind, from);
    if (batch->cells.count > count)
        append(batch)->result = (struct result){.type = RESULT_CELL, .cell = cell};
    atom_add_sums(cell, from);
}

/* The key has the encoded count instead of a call. */
static void take_count(struct result_batch *batch, const struct result *from)
{
    size_t count = batch->count;
    struct result result = *from;
    struct text packed = count_result_pack(from->count, 0);
    result.call = packed;
    struct entry *entry = entry_of(batch, &result);
    free((char *)(uintptr_t)packed.at);
    if (batch->count > count) {
        struct count_result *content = count_result_copy(&batch->arena, from->count);
        content->cell = &entry->sum.count;
        entry->result.count = content;
    }
    if (from->pid || (from->tid && !entry->result.pid)) {
        entry->result.pid = from->pid;
        entry->result.tid = from->tid;
    }
    count_cell_merge(&entry->sum.count, from->count->cell);
}

static void take(void *context, const struct result *result)
{
    struct result_batch *batch = context;
    switch (result->type) {
    case RESULT_PROCESS:
    case RESULT_THREAD:
    case RESULT_DESCRIPTOR: take_fact(batch, result); return;
    case RESULT_CALLS:
    case RESULT_PHASE:
    case RESULT_FIRST_CALL:
    case RESULT_USES:
    case RESULT_LATENCY:
    case RESULT_RUN:
    case RESULT_WAITS:
    case RESULT_CPU: take_cell(batch, result); return;
    case RESULT_INSTANCE: take_instance(batch, result); return;
    case RESULT_CELL: take_cell_of_analysis(batch, result->cell); return;
    case RESULT_COUNT: take_count(batch, result); return;
    case RESULT_INTERVAL: take_mark(batch, result); return;
    }
}

struct result_sink result_batch_sink(struct result_batch *batch)
{
    return (struct result_sink){.take = take, .context = batch};
}

struct tallies result_batch_tallies(const struct result_batch *batch)
{
    return batch->tallies;
}

/* --- output --- */

/* Sets the process or thread under which the entry is filed, as known at the end. */
static void file_entry(const struct result_batch *batch, struct result *result)
{
    (void)batch;
    if (result->type == RESULT_PROCESS) {
        result->pid = result->process.pid;
    } else if (result->type == RESULT_THREAD) {
        result->pid = (int32_t)(uint32_t)result->thread_fact.process;
        result->tid = result->thread_fact.tid;
    } else if (result->type == RESULT_DESCRIPTOR) {
        result->pid = (int32_t)(uint32_t)result->descriptor_fact.process;
    }
    if (result->pid)
        result->tid = 0;
}

static void point(const struct result_batch *batch, struct entry *entry)
{
    struct result *result = &entry->result;
    if (entry->phase != NAMES_NONE)
        result->phase = names_text(&batch->names, entry->phase);
    if (entry->call != NAMES_NONE)
        result->call = names_text(&batch->names, entry->call);
    result->call_names = batch->names.at;
    if (result->type == RESULT_CALLS)
        result->calls = &entry->sum.calls;
    else if (result->type == RESULT_PHASE)
        result->phase_cell = &entry->sum.phase;
    else if (result->type == RESULT_USES)
        result->uses = &entry->sum.uses;
    else if (result->type == RESULT_LATENCY)
        result->latency = &entry->sum.latency;
    else if (result->type == RESULT_RUN)
        result->run.time = &entry->sum.time;
    file_entry(batch, result);
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Facts, then cells, instances, corrections of instances, and marks. */
static int class_of(const struct result *result)
{
    if (result->type == RESULT_INTERVAL)
        return 4;
    if (result->type == RESULT_INSTANCE)
        return result->instance->is_correction ? 3 : 2;
    return result->type == RESULT_PROCESS || result->type == RESULT_THREAD ||
                   result->type == RESULT_DESCRIPTOR || result->type == RESULT_FIRST_CALL
               ? 0
               : 1;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = *(struct entry *const *)a, *right = *(struct entry *const *)b;
    const struct result *x = &left->result, *y = &right->result;
    int order = compare_numbers(x->pid == 0, y->pid == 0);
    if (order == 0)
        order = compare_numbers(x->pid, y->pid);
    if (order == 0)
        order = compare_numbers(x->tid == 0, y->tid == 0);
    if (order == 0)
        order = compare_numbers(x->tid, y->tid);
    if (order == 0)
        order = class_of(x) - class_of(y);
    return order ? order : compare_numbers((int64_t)left->order, (int64_t)right->order);
}

static void add_instance(struct result_batch *batch, const struct slow_instance *instance,
                         uint64_t order, size_t *count)
{
    struct entry *entry = new_entry(batch, order);
    entry->result = (struct result){.type = RESULT_INSTANCE,
                                    .pid = instance->filed_pid,
                                    .tid = instance->filed_tid,
                                    .thread = instance->thread,
                                    .stretch = instance->stretch,
                                    .instance = &instance->content};
    entry->phase = instance->name;
    point(batch, entry);
    batch->all = memory_grow(batch->all, &batch->all_room, *count + 1, sizeof(struct entry *));
    batch->all[(*count)++] = entry;
}

/* Collects everything in output order. */
static size_t gather(struct result_batch *batch)
{
    size_t count = 0;
    batch->all =
        memory_grow(batch->all, &batch->all_room, batch->count + 1, sizeof(struct entry *));
    for (; count < batch->count; count++) {
        point(batch, batch->entries[count]);
        batch->all[count] = batch->entries[count];
    }
    const struct slow_entry *first;
    for (size_t at = 0; (first = map_next(&batch->slow, &at));)
        for (const struct slow_entry *each = first; each; each = each->next) {
            const struct slow_instance *instance;
            for (size_t i = 0; (instance = slow_instances_next(&each->all, &i));)
                add_instance(batch, instance, instance->content.ended.rank.order, &count);
        }
    for (size_t i = 0; i < batch->correction_count; i++)
        add_instance(batch, batch->corrections[i], i, &count);
    if (count > 0)
        qsort(batch->all, count, sizeof(struct entry *), compare_entries);
    return count;
}

size_t result_batch_groups(struct result_batch *batch, const struct result_group **out)
{
    size_t count = gather(batch), groups = 0;
    batch->results = memory_resize(batch->results, count + 1, sizeof *batch->results);
    for (size_t i = 0; i < count; i++) {
        const struct result *result = &batch->all[i]->result;
        batch->results[i] = *result;
        if (groups == 0 || batch->groups[groups - 1].pid != result->pid ||
            batch->groups[groups - 1].tid != result->tid) {
            batch->groups =
                memory_grow(batch->groups, &batch->group_room, groups + 1, sizeof *batch->groups);
            batch->groups[groups++] = (struct result_group){
                .pid = result->pid, .tid = result->tid, .results = &batch->results[i]};
        }
        batch->groups[groups - 1].count++;
    }
    *out = batch->groups;
    return groups;
}

void result_batch_clear(struct result_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct entry *entry = batch->entries[i];
        if (entry->result.type == RESULT_CALLS)
            call_cell_clear(&entry->sum.calls);
        else if (entry->result.type == RESULT_PHASE)
            phase_cell_clear(&entry->sum.phase);
        else if (entry->result.type == RESULT_USES)
            use_cell_clear(&entry->sum.uses);
        else if (entry->result.type == RESULT_LATENCY)
            durations_clear(&entry->sum.latency);
        else if (entry->result.type == RESULT_RUN)
            time_vector_free(&entry->sum.time);
        else if (entry->result.type == RESULT_COUNT)
            count_cell_clear(&entry->sum.count);
    }
    struct slow_entry *first;
    for (size_t at = 0; (first = map_next(&batch->slow, &at));)
        for (struct slow_entry *each = first; each; each = each->next)
            slow_instances_clear(&each->all);
    map_clear(&batch->slow);
    for (size_t i = 0; i < batch->correction_count; i++)
        slow_instance_free(batch->corrections[i]);
    batch->count = batch->correction_count = 0;
    batch->tallies = (struct tallies){.at = {0}};
    atom_table_clear(&batch->cells);
    map_clear(&batch->by_key);
    names_clear(&batch->names);
    arena_clear(&batch->arena);
}

void result_batch_free(struct result_batch *batch)
{
    if (!batch)
        return;
    result_batch_clear(batch);
    free(batch->entries);
    free(batch->corrections);
    free(batch->all);
    free(batch->results);
    free(batch->groups);
    free(batch);
}
