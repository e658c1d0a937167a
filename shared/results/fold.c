#include "results/fold.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"
#include "results/fold_state.h"

struct fold *fold_new(struct text session)
{
    struct fold *fold = memory_new(sizeof *fold);
    fold->session = memory_string(session);
    fold->empty_name = names_id(&fold->names, text_of(""));
    return fold;
}

void fold_recycle(struct fold *fold, struct arena_store *store)
{
    assert(!fold->arena.first && !fold->passed_arena.first);
    fold->arena.store = fold->passed_arena.store = store;
}

uint32_t fold_name_id(struct fold *fold, struct text text)
{
    /* Most results are in no phase. */
    if (text.count == 0)
        return fold->empty_name;
    uint64_t place = (uintptr_t)text.at * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t *recent = &fold->recent[(place >> 32) % FOLD_RECENT];
    if (!*recent || !text_equal(names_text(&fold->names, *recent - 1), text))
        *recent = names_id(&fold->names, text) + 1;
    return *recent - 1;
}

/* --- cells --- */

static uint64_t key_hash(const struct cell_key *key)
{
    uint64_t hash = hash_number((uint64_t)key->path << 32 | key->name);
    return hash ^ ((uint64_t)key->type << 8 | key->kind);
}

static bool key_equal(const struct cell_key *a, const struct cell_key *b)
{
    return a->type == b->type && a->kind == b->kind && a->path == b->path && a->name == b->name;
}

static size_t cell_bytes(enum cell_type type)
{
    size_t base = offsetof(struct cell, uses);
    switch (type) {
    case CELL_CALLS: return base + sizeof(struct call_cell);
    case CELL_PHASE: return base + sizeof(struct phase_cell);
    case CELL_FILE: return base + sizeof(struct use_cell);
    case CELL_SLOW: return base + sizeof(struct slow_instances);
    case CELL_COUNT: return base + sizeof(struct count_cell);
    }
    return sizeof(struct cell);
}

/* Finds the cell with the key in a hash chain; NULL: none. */
static struct cell *find_cell(struct cell *first, const struct cell_key *key)
{
    while (first && !key_equal(&first->key, key))
        first = first->next;
    return first;
}

/* Prepends a cell to its chain. */
static void put_cell(void **chain, struct cell *cell)
{
    cell->next = *chain;
    *chain = cell;
}

struct cell *fold_cell_at(struct fold *fold, struct cell_group *group, const struct cell_key *key)
{
    void **chain = map_place(&group->cells, key_hash(key));
    struct cell *cell = find_cell(*chain, key);
    if (cell)
        return cell;
    cell = slab_take(&fold->free_cells[key->type], &fold->arena,
                     cell_bytes((enum cell_type)key->type));
    cell->key = *key;
    cell->fd = FD_NONE_YET;
    put_cell(chain, cell);
    return cell;
}

void fold_clear_cell(struct cell *cell)
{
    if (cell->key.type == CELL_CALLS)
        call_cell_clear(&cell->calls);
    else if (cell->key.type == CELL_PHASE)
        phase_cell_clear(&cell->phase);
    else if (cell->key.type == CELL_SLOW)
        slow_instances_clear(&cell->slow);
    else if (cell->key.type == CELL_COUNT)
        count_cell_clear(&cell->count);
    else if (cell->key.type == CELL_FILE)
        use_cell_clear(&cell->uses);
}

static void merge_calls(struct cell *cell, const struct call_cell *calls, uint64_t thread)
{
    const struct durations *stored = &cell->calls.complete, *other = &calls->complete;
    if (other->count && (stored->count == 0 || other->max_ns > stored->max_ns ||
                         (other->max_ns == stored->max_ns &&
                          (calls->slowest_entry_ns < cell->calls.slowest_entry_ns ||
                           (calls->slowest_entry_ns == cell->calls.slowest_entry_ns &&
                            thread < cell->slowest_thread)))))
        cell->slowest_thread = thread;
    call_cell_merge(&cell->calls, calls);
}

static void merge_phase(struct phase_cell *to, const struct phase_cell *from)
{
    phase_cell_merge_counts(to, from);
    time_vector_merge(&to->time, &from->time);
}

void fold_merge_cell(struct cell *to, const struct cell *from)
{
    switch ((enum cell_type)from->key.type) {
    case CELL_CALLS: merge_calls(to, &from->calls, from->slowest_thread); return;
    case CELL_PHASE: merge_phase(&to->phase, &from->phase); return;
    case CELL_SLOW: assert(false); return;
    case CELL_COUNT: count_cell_merge(&to->count, &from->count); return;
    case CELL_FILE:
        use_cell_merge(&to->uses, &from->uses);
        to->fd = to->fd == FD_NONE_YET || to->fd == from->fd ? from->fd : FD_SEVERAL;
        return;
    }
}

struct folded_thread *fold_thread_at(struct fold *fold, uint64_t id)
{
    struct folded_thread *thread = fold->last_thread;
    if (thread && thread->id == id)
        return thread;
    thread = id_map_get(&fold->threads, id);
    if (!thread) {
        thread = memory_new(sizeof *thread);
        thread->id = id;
        thread->name = thread->program = NO_NAME;
        id_map_put(&fold->threads, id, thread);
    }
    fold->last_thread = thread;
    return thread;
}

int64_t fold_pid_of(const struct folded_thread *thread)
{
    return thread && thread->fact.process ? (int32_t)(uint32_t)thread->fact.process : PID_NONE;
}

static struct cell_group *new_group(int64_t pid)
{
    struct cell_group *group = memory_new(sizeof *group);
    group->pid = pid;
    return group;
}

static uint64_t group_key(int64_t pid)
{
    return (uint64_t)(pid + 1);
}

struct cell_group *fold_group_at(struct fold *fold, int64_t pid)
{
    struct cell_group *group = map_get(&fold->groups, group_key(pid));
    if (!group) {
        group = new_group(pid);
        map_put(&fold->groups, group_key(pid), group);
    }
    return group;
}

struct cell *fold_cell_of_thread(struct fold *fold, const struct cell_key *key, uint64_t id)
{
    struct folded_thread *thread = fold_thread_at(fold, id);
    if (!thread->group) {
        thread->waits = thread->fact.process == 0;
        thread->group =
            thread->waits ? new_group(PID_NONE) : fold_group_at(fold, fold_pid_of(thread));
    }
    return fold_cell_at(fold, thread->group, key);
}

struct cell *fold_phase_cell(struct fold *fold, uint32_t path, int64_t pid)
{
    const struct cell_key key = {.type = CELL_PHASE, .path = path};
    return fold_cell_at(fold, fold_group_at(fold, pid), &key);
}

void fold_free_cell(struct fold *fold, struct cell *cell)
{
    fold_clear_cell(cell);
    slab_give(&fold->free_cells[cell->key.type], cell);
}

void fold_move_cell(struct fold *fold, struct cell_group *to, struct cell *take_cell)
{
    void **chain = map_place(&to->cells, key_hash(&take_cell->key));
    struct cell *cell = find_cell(*chain, &take_cell->key);
    if (cell) {
        if (cell->key.type == CELL_SLOW)
            slow_instances_merge(&cell->slow, &take_cell->slow);
        else
            fold_merge_cell(cell, take_cell);
        fold_free_cell(fold, take_cell);
        return;
    }
    put_cell(chain, take_cell);
}

static void move_cells(struct fold *fold, struct cell_group *to, struct cell_group *from)
{
    struct cell *cell, *next;
    for (size_t at = 0; (cell = map_next(&from->cells, &at));)
        for (; cell; cell = next) {
            next = cell->next;
            fold_move_cell(fold, to, cell);
        }
    map_clear(&from->cells);
}

void fold_move_waiting(struct fold *fold, struct folded_thread *thread, int64_t pid)
{
    struct cell_group *own = thread->waits ? thread->group : NULL;
    thread->group = NULL; /* looked up again: the process may have changed */
    thread->waits = false;
    if (!own)
        return;
    struct cell_group *group = map_get(&fold->groups, group_key(pid));
    if (!group) {
        own->pid = pid;
        map_put(&fold->groups, group_key(pid), own);
        return;
    }
    move_cells(fold, group, own);
    free(own);
}

static int compare_groups(const void *a, const void *b)
{
    const struct cell_group *const *left = a, *const *right = b;
    return (*left)->pid < (*right)->pid ? -1 : (*left)->pid > (*right)->pid;
}

const struct cell_group **fold_groups(const struct fold *fold, struct arena *arena, size_t *count)
{
    const struct cell_group **all =
        arena_take(arena, (fold->groups.count + fold->threads.count + 1) * sizeof *all);
    size_t found = 0;
    for (size_t at = 0; (all[found] = map_next(&fold->groups, &at));)
        found++;
    qsort(all, found, sizeof *all, compare_groups);
    const struct folded_thread *thread;
    for (struct id_walk walk = {0}; (thread = id_map_next(&fold->threads, &walk));)
        if (thread->waits)
            all[found++] = thread->group;
    *count = found;
    return all;
}

/* --- records --- */

struct folded_process *fold_process_at(struct fold *fold, uint64_t id)
{
    struct folded_process *process = map_get(&fold->processes, id);
    if (!process) {
        process = memory_new(sizeof *process);
        process->fact = (struct process_fact){.id = id, .pid = (int32_t)(uint32_t)id, .ppid = -1};
        map_put(&fold->processes, id, process);
    }
    return process;
}

static void take_process(struct fold *fold, const struct process_fact *fact)
{
    struct folded_process *process = fold_process_at(fold, fact->id);
    process->fact = process_fact_join(&process->fact, fact);
    process->result_chunk = fold->chunk;
}

static void take_thread(struct fold *fold, const struct thread_fact *fact)
{
    struct folded_thread *thread = fold_thread_at(fold, fact->id);
    thread->result_chunk = fold->chunk;
    thread->is_earlier = false;
    thread->fact = thread_fact_join(&thread->fact, fact);
    thread->name = fact->name.at ? fold_name_id(fold, fact->name) : NO_NAME;
    thread->program = fact->program.count > 0 ? fold_name_id(fold, fact->program) : NO_NAME;
    thread->fact.name = thread->fact.program = (struct text){NULL, 0};
    if (thread->fact.process)
        fold_move_waiting(fold, thread, fold_pid_of(thread));
}

static struct folded_descriptor *descriptor_at(struct fold *fold, uint64_t id)
{
    struct folded_descriptor *descriptor = fold->last_descriptor;
    if (!descriptor || descriptor->id != id)
        descriptor = id_map_get(&fold->descriptors, id);
    if (!descriptor) {
        descriptor = slab_take(&fold->free_descriptors, &fold->arena, sizeof *descriptor);
        descriptor->id = id;
        descriptor->fd = FD_SEVERAL;
        descriptor->name = NO_NAME;
        id_map_put(&fold->descriptors, id, descriptor);
    }
    descriptor->result_chunk = fold->chunk;
    fold->last_descriptor = descriptor;
    return descriptor;
}

static void settle_use(struct fold *fold, const struct folded_descriptor *descriptor,
                       uint64_t thread, uint32_t path, const struct use_cell *uses)
{
    struct cell_key key = {
        .type = CELL_FILE, .kind = descriptor->kind, .path = path, .name = descriptor->name};
    struct cell *cell = fold_cell_of_thread(fold, &key, thread);
    use_cell_merge(&cell->uses, uses);
    cell->fd = cell->fd == FD_NONE_YET || cell->fd == descriptor->fd ? descriptor->fd : FD_SEVERAL;
}

void fold_settle_uses(struct fold *fold, struct folded_descriptor *descriptor)
{
    struct open_use *next;
    for (struct open_use *use = descriptor->uses; use; use = next) {
        next = use->next;
        settle_use(fold, descriptor, use->thread, use->path, &use->cell);
        use_cell_clear(&use->cell);
        slab_give(&fold->free_uses, use);
    }
    descriptor->uses = NULL;
}

static void take_descriptor(struct fold *fold, const struct descriptor_fact *fact)
{
    struct folded_descriptor *descriptor = descriptor_at(fold, fact->id);
    descriptor->process = fact->process;
    descriptor->fd = fact->fd;
    descriptor->begin_ns = fact->begin_ns;
    descriptor->end_ns = fact->end_ns;
    descriptor->begin_hard = fact->begin_hard;
    descriptor->ended = fact->ended;
    descriptor->end_hard = fact->end_hard;
    descriptor->kind = fact->kind;
    descriptor->name = fact->named ? fold_name_id(fold, fact->name) : NO_NAME;
    if (fact->ended)
        fold_settle_uses(fold, descriptor);
}

static void take_uses(struct fold *fold, const struct result *result)
{
    struct folded_descriptor *descriptor = descriptor_at(fold, result->descriptor);
    const struct use_cell *uses = result->uses;
    descriptor->calls += uses->calls.count;
    descriptor->read_bytes += uses->read_bytes;
    descriptor->write_bytes += uses->write_bytes;
    descriptor->total_ns += uses->calls.total_ns;
    uint32_t path = fold_name_id(fold, result->phase);
    if (descriptor->ended) {
        settle_use(fold, descriptor, result->thread, path, uses);
        return;
    }
    struct open_use *use = descriptor->uses;
    while (use && (use->thread != result->thread || use->path != path))
        use = use->next;
    if (!use) {
        use = slab_take(&fold->free_uses, &fold->arena, sizeof *use);
        use->thread = result->thread;
        use->path = path;
        use->next = descriptor->uses;
        descriptor->uses = use;
    }
    use_cell_merge(&use->cell, uses);
}

static void take_calls(struct fold *fold, const struct result *result)
{
    struct cell_key key = {.type = CELL_CALLS,
                           .path = fold_name_id(fold, result->phase),
                           .name = fold_name_id(fold, result->call)};
    merge_calls(fold_cell_of_thread(fold, &key, result->thread), result->calls, result->thread);
}

static void add_before(struct folded_thread *thread, uint32_t stretch, uint32_t path,
                       const struct time_vector *time)
{
    struct before *before = thread->befores;
    while (before && (before->stretch != stretch || before->path != path))
        before = before->next;
    if (!before) {
        before = memory_new(sizeof *before);
        before->stretch = stretch;
        before->path = path;
        before->next = thread->befores;
        thread->befores = before;
    }
    before->running_ns += time->before_running_ns;
    before->blocked_ns += time->before_blocked_ns;
    before->interrupted_ns += time->interrupted.before_ns;
}

/* The same with names instead of the log's call ids; the caller frees blocked_in. */
static struct time_vector named_time(struct fold *fold, const struct result *result,
                                     const struct time_vector *from)
{
    struct time_vector time = *from;
    time.blocked_in = memory_new((time.blocked_count + 1) * sizeof *time.blocked_in);
    for (uint32_t i = 0; i < time.blocked_count; i++) {
        struct text call = result_call_name(result, from->blocked_in[i].call);
        time.blocked_in[i] = (struct blocked_in){fold_name_id(fold, call), from->blocked_in[i].ns};
    }
    return time;
}

static void take_phase(struct fold *fold, const struct result *result)
{
    struct cell_key key = {.type = CELL_PHASE, .path = fold_name_id(fold, result->phase)};
    struct phase_cell cell = *result->phase_cell;
    struct time_vector time = named_time(fold, result, &cell.time);
    if (time_vector_has_before(&time)) {
        add_before(fold_thread_at(fold, result->thread), result->stretch, key.path, &time);
        time.before_running_ns = time.before_blocked_ns = time.interrupted.before_ns = 0;
    }
    cell.time = time;
    merge_phase(&fold_cell_of_thread(fold, &key, result->thread)->phase, &cell);
    free(time.blocked_in);
}

void fold_expect_thread(struct fold *fold, uint64_t who)
{
    if (!wait_is_by_thread(wait_kind_of(who)))
        return;
    struct folded_thread *by = fold_thread(fold, wait_by(who));
    if (!by)
        by = fold_thread_at(fold, wait_by(who));
    by->result_chunk = fold->chunk;
}

static void take_instance(struct fold *fold, const struct result *result)
{
    struct cell_key key = {.type = CELL_SLOW, .path = fold_name_id(fold, result->phase)};
    const struct instance_result *content = result->instance;
    int32_t pid = content->ended.pid;
    struct cell *cell = pid ? fold_cell_at(fold, fold_group_at(fold, pid), &key)
                            : fold_cell_of_thread(fold, &key, result->thread);
    struct slow_instance *instance = NULL;
    if (content->is_correction)
        instance = slow_instances_find(&cell->slow, content->ended.rank.order);
    else if (slow_instances_want(&cell->slow, content))
        instance = slow_instance_new(result);
    if (!instance) /* it is not among the slowest, and will not be */
        return;
    for (size_t i = 0; i < content->ended.wait_count; i++)
        fold_expect_thread(fold, content->ended.waits[i].who);
    struct time_vector time = named_time(fold, result, &content->ended.time);
    time_vector_merge(&instance->content.ended.time, &time);
    free(time.blocked_in);
    if (!content->is_correction)
        slow_instances_take(&cell->slow, instance);
}

static void take_first_call(struct fold *fold, const struct result *result)
{
    struct folded_thread *thread = fold_thread_at(fold, result->thread);
    for (const struct first_call *first = thread->firsts; first; first = first->next)
        if (first->stretch == result->stretch)
            return;
    struct first_call *first = memory_new(sizeof *first);
    first->stretch = result->stretch;
    first->call = fold_name_id(fold, result->call);
    first->next = thread->firsts;
    thread->firsts = first;
}

static void take_cpu(struct fold *fold, const struct result *result)
{
    size_t index = (size_t)result->cpu;
    if (index >= fold->cpu_count) {
        fold->cpus = memory_resize(fold->cpus, index + 1, sizeof *fold->cpus);
        for (size_t i = fold->cpu_count; i <= index; i++)
            fold->cpus[i] = (struct cpu_sum){.seen = false};
        fold->cpu_count = index + 1;
    }
    struct cpu_sum *cpu = &fold->cpus[index];
    cpu->ran.busy_ns += result->ran.busy_ns;
    cpu->ran.idle_ns += result->ran.idle_ns;
    cpu->seen = true;
}

static void take_damage(struct fold *fold, struct damages from)
{
    fold->more_damage += from.more;
    for (size_t i = 0; i < from.count; i++) {
        if (fold->damage_count == DAMAGES_TOLD) {
            fold->more_damage += from.count - i;
            return;
        }
        fold->damages = memory_grow(fold->damages, &fold->damage_room, fold->damage_count + 1,
                                    sizeof *fold->damages);
        struct damages one = damages_copy(&fold->damage_arena, (struct damages){&from.at[i], 1, 0});
        fold->damages[fold->damage_count++] = one.at[0];
    }
}

static void take_interval(struct fold *fold, const struct interval_fact *mark)
{
    fold->chunks += mark->chunks;
    fold->events += mark->events;
    tallies_add(&fold->tallies, &mark->tallies);
    take_damage(fold, mark->damage);
    phase_uses_add(&fold->uses, &fold->uses_arena, mark->uses);
    if (mark->uses.count > 0)
        phase_uses_forget(&fold->uses, &fold->uses_arena, mark->uses);
    fold->kernel |= mark->kernel;
    fold->user |= mark->user;
    if (mark->any_event) {
        if (!fold->any_event || mark->first_ns < fold->first_ns)
            fold->first_ns = mark->first_ns;
        if (!fold->any_event || mark->last_ns > fold->last_ns)
            fold->last_ns = mark->last_ns;
        if (!fold->any_offset)
            fold->offset_ns = mark->offset_ns;
        fold->any_event = fold->any_offset = true;
    }
    if (mark->host.count == 0)
        return;
    uint32_t host = fold_name_id(fold, mark->host);
    for (size_t i = 0; i < fold->host_count; i++)
        if (fold->hosts[i] == host)
            return;
    fold->hosts =
        memory_grow(fold->hosts, &fold->host_room, fold->host_count + 1, sizeof *fold->hosts);
    fold->hosts[fold->host_count++] = host;
}

void fold_set_chunk(struct fold *fold, uint64_t chunk)
{
    fold->chunk = chunk;
}

void fold_take_earlier(struct fold *fold, const struct result *result)
{
    if (result->type == RESULT_PROCESS)
        take_process(fold, &result->process);
    if (result->type != RESULT_THREAD)
        return;
    take_thread(fold, &result->thread_fact);
    fold_thread_at(fold, result->thread_fact.id)->is_earlier = true;
}

void fold_take(struct fold *fold, const struct result *result)
{
    struct folded_thread *thread;
    if (result->thread)
        fold_thread_at(fold, result->thread)->result_chunk = fold->chunk;
    switch (result->type) {
    case RESULT_PROCESS: take_process(fold, &result->process); return;
    case RESULT_THREAD: take_thread(fold, &result->thread_fact); return;
    case RESULT_DESCRIPTOR: take_descriptor(fold, &result->descriptor_fact); return;
    case RESULT_CALLS: take_calls(fold, result); return;
    case RESULT_PHASE: take_phase(fold, result); return;
    case RESULT_INSTANCE: take_instance(fold, result); return;
    case RESULT_FIRST_CALL: take_first_call(fold, result); return;
    case RESULT_USES: take_uses(fold, result); return;
    case RESULT_LATENCY:
        thread = fold_thread_at(fold, result->thread);
        durations_merge(&thread->latency, result->latency);
        return;
    case RESULT_RUN:
        thread = fold_thread_at(fold, result->thread);
        thread->cpu_ns += result->run.cpu_ns;
        thread->switches += result->run.switches;
        time_vector_merge(&thread->time, result->run.time);
        return;
    case RESULT_CPU: take_cpu(fold, result); return;
    case RESULT_CELL:
        atom_add_sums(atom_table_at(&fold->analyses, result->cell->kind, result->cell),
                      result->cell);
        return;
    case RESULT_COUNT: fold_take_count(fold, result); return;
    case RESULT_WAITS:
        fold_take_waits(
            fold, &(struct waits_result){.thread = result->thread,
                                         .phase = result->phase,
                                         .at = &(struct waits_item){result->wait_who, result->wait},
                                         .count = 1});
        return;
    case RESULT_INTERVAL: take_interval(fold, result->interval); return;
    }
}

static void free_group(struct fold *fold, struct cell_group *group)
{
    struct cell *cell, *next;
    for (size_t at = 0; (cell = map_next(&group->cells, &at));)
        for (; cell; cell = next) {
            next = cell->next;
            fold_free_cell(fold, cell);
        }
    map_clear(&group->cells);
    free(group);
}

void fold_free_thread(struct fold *fold, struct folded_thread *thread)
{
    if (fold->last_thread == thread)
        fold->last_thread = NULL;
    while (thread->befores) {
        struct before *next = thread->befores->next;
        free(thread->befores);
        thread->befores = next;
    }
    while (thread->firsts) {
        struct first_call *next = thread->firsts->next;
        free(thread->firsts);
        thread->firsts = next;
    }
    time_vector_free(&thread->time);
    durations_clear(&thread->latency);
    if (thread->waits)
        free_group(fold, thread->group);
    free(thread);
}

void fold_free_descriptor(struct fold *fold, struct folded_descriptor *descriptor)
{
    while (descriptor->uses) {
        struct open_use *next = descriptor->uses->next;
        use_cell_clear(&descriptor->uses->cell);
        slab_give(&fold->free_uses, descriptor->uses);
        descriptor->uses = next;
    }
    if (fold->last_descriptor == descriptor)
        fold->last_descriptor = NULL;
    slab_give(&fold->free_descriptors, descriptor);
}

void fold_free(struct fold *fold)
{
    if (!fold)
        return;
    atom_table_clear(&fold->analyses);
    fold_free_counts(fold);
    void *each;
    for (size_t at = 0; (each = map_next(&fold->groups, &at));)
        free_group(fold, each);
    map_clear(&fold->groups);
    for (size_t at = 0; (each = map_next(&fold->processes, &at));)
        free(each);
    for (struct id_walk walk = {0}; (each = id_map_next(&fold->threads, &walk));)
        fold_free_thread(fold, each);
    for (struct id_walk walk = {0}; (each = id_map_next(&fold->descriptors, &walk));)
        fold_free_descriptor(fold, each);
    for (size_t at = 0; (each = map_next(&fold->old_names, &at));)
        free(each);
    map_clear(&fold->processes);
    id_map_clear(&fold->threads);
    id_map_clear(&fold->descriptors);
    map_clear(&fold->old_names);
    free(fold->waits.at);
    free(fold->cpus);
    free(fold->hosts);
    free(fold->damages);
    arena_clear(&fold->arena);
    arena_clear(&fold->passed_arena);
    arena_clear(&fold->damage_arena);
    arena_clear(&fold->uses_arena);
    names_clear(&fold->names);
    free(fold->session);
    free(fold);
}
