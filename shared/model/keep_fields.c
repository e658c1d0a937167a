#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/keep.h"

static void keep_cpu(struct keep *keep, struct cpu *cpu)
{
    keep_bool(keep, &cpu->seen);
    keep_u8(keep, &cpu->current);
    keep_thread(keep, &cpu->thread);
    keep_u64(keep, &cpu->run_begin_ns);
    keep_bool(keep, &cpu->run_whole);
    keep_u64(keep, &cpu->last_ns);
    keep_u64(keep, &cpu->border_ns);
    if (!keep->saving && cpu->current == CURRENT_THREAD && !cpu->thread)
        keep->bad = true;
}

static void keep_closings(struct keep *keep)
{
    struct model *model = keep->model;
    size_t count = keep_count(keep, model->closing_count);
    if (!keep->saving)
        model->closings =
            memory_grow(model->closings, &model->closing_room, count + 1, sizeof *model->closings);
    model->closing_count = count;
    for (size_t i = 0; i < count; i++) {
        struct closing *closing = &model->closings[i];
        if (!keep->saving)
            *closing = (struct closing){.thread = 0};
        keep_u64(keep, &closing->thread);
        keep_u64(keep, &closing->begin_ns);
        keep_u64(keep, &closing->end_ns);
        keep_path(keep, &closing->path);
        keep_u32(keep, &closing->stretch);
    }
}

static int compare_entries(const void *a, const void *b)
{
    const struct map_entry *left = a, *right = b;
    return left->key < right->key ? -1 : left->key > right->key;
}

/* file_table_address -> pid, by address. */
static void keep_addresses(struct keep *keep)
{
    struct map *map = &keep->model->addresses;
    size_t count = keep_count(keep, map->count), used = 0;
    struct map_entry *entries = memory_new((count + 1) * sizeof *entries);
    for (size_t i = 0; keep->saving && map->at && i <= map->mask; i++)
        if (map->at[i].value)
            entries[used++] = map->at[i];
    if (used > 0)
        qsort(entries, used, sizeof *entries, compare_entries);
    for (size_t i = 0; i < count; i++) {
        uint64_t pid = (uintptr_t)entries[i].value;
        keep_u64(keep, &entries[i].key);
        keep_u64(keep, &pid);
        if (!keep->saving && pid)
            map_put(map, entries[i].key, (void *)(uintptr_t)pid);
    }
    free(entries);
}

/* What was counted of an interval that is joined in part. */
static void keep_tallies(struct keep *keep)
{
    uint64_t pairs[TALLY_PAIRS_MAX] = {0};
    size_t count = keep_count(keep, keep->saving ? tallies_pack(&keep->model->tallies, pairs) : 0);
    if (count > TALLY_PAIRS_MAX) {
        keep->bad = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        keep_u64(keep, &pairs[i]);
    if (!keep->saving)
        keep->model->tallies = tallies_unpack(pairs, count);
}

void keep_host_fields(struct keep *keep)
{
    struct model *model = keep->model;
    if (!keep_since(keep, 3)) {
        uint64_t digest; /* of definitions that every reducer had by itself */
        keep_u64(keep, &digest);
        keep->phases_untold = true;
    }
    keep_bool(keep, &model->counts_switches);
    keep_bool(keep, &model->kernel_absent);
    keep_u64(keep, &model->order);
    keep_u64(keep, &model->last_thread_id);
    keep_u64(keep, &model->last_descriptor_id);
    keep_u64(keep, &model->last_instance_order);
    keep_u64(keep, &model->last_serial);
    size_t count = keep_count(keep, model->cpu_count);
    if (!keep->saving) {
        model->cpus = memory_new((count + 1) * sizeof *model->cpus);
        model->cpu_count = count;
    }
    for (size_t i = 0; i < count; i++)
        keep_cpu(keep, &model->cpus[i]);
    keep_closings(keep);
    keep_addresses(keep);
    if (keep_since(keep, 2)) {
        keep_tallies(keep);
        keep_u64(keep, &model->epoch);
    }
}

/* Format 1 knows no namespaces. */
static void keep_namespace(struct keep *keep, uint32_t *pid_ns)
{
    if (keep_since(keep, 2))
        keep_u32(keep, pid_ns);
}

/* The threads told of a process, in the order of its list. */
static void keep_threads_of(struct keep *keep, struct process *process)
{
    size_t count = 0;
    for (const struct thread *each = process->threads; each; each = each->next_of_process)
        count++;
    count = keep_count(keep, count);
    struct thread **link = &process->threads;
    for (size_t i = 0; i < count; i++) {
        struct thread *thread = keep->saving ? *link : NULL;
        keep_thread(keep, &thread);
        if (!thread || (!keep->saving && thread->back_of_process)) {
            keep->bad = true; /* none, or twice */
            return;
        }
        if (!keep->saving) {
            *link = thread;
            thread->back_of_process = link;
            thread->process = process;
        }
        link = &thread->next_of_process;
    }
}

void keep_process_fields(struct keep *keep, struct process *process)
{
    keep_namespace(keep, &process->pid_ns);
    keep_i32(keep, &process->pid);
    keep_i32(keep, &process->ppid);
    keep_u64(keep, &process->fork_ns);
    keep_bool(keep, &process->fork_seen);
    keep_u32(keep, &process->forks);
    keep_u64(keep, &process->id);
    keep_unsigned(keep, &process->refs);
    keep_unsigned(keep, &process->alive);
    keep_bool(keep, &process->leader_exited);
    keep_u64(keep, &process->fork_order);
    keep_table(keep, &process->table);
    keep_threads_of(keep, process);
    struct map *processes = &keep->model->processes;
    uint64_t key = number_key(process->pid_ns, process->pid);
    bool newest = keep->saving && map_get(processes, key) == process;
    keep_bool(keep, &newest);
    if (!keep->saving && newest)
        map_put(processes, key, process);
    if (!keep_since(keep, 2))
        return;
    keep_unsigned(keep, &process->parted);
    keep_bool(keep, &process->leader_parted);
}

static void keep_open_call(struct keep *keep, struct call_in_progress *call)
{
    keep_call(keep, &call->open.call);
    if (!call->open.call)
        return;
    keep_u64(keep, &call->open.entry_ns);
    keep_u8(keep, &call->open.present);
    for (size_t i = 0; i < sizeof call->open.value / sizeof *call->open.value; i++)
        keep_i64(keep, &call->open.value[i]);
    keep_text(keep, &call->open.text);
    if (!keep->saving)
        call->text = (char *)(uintptr_t)call->open.text.at;
    keep_path(keep, &call->path);
    keep_table(keep, &call->table);
    keep_descriptor(keep, &call->use[0]);
    keep_descriptor(keep, &call->use[1]);
    size_t count = keep_count(keep, call->instance_count);
    if (!keep->saving && count > 0)
        call->instances = memory_new(count * sizeof(struct instance *));
    for (size_t i = 0; i < count && !keep->bad; i++) {
        keep_instance(keep, &call->instances[i]);
        if (!call->instances[i])
            keep->bad = true;
        else
            call->instance_count = i + 1;
    }
}

static void keep_inner(struct keep *keep, struct thread *thread)
{
    size_t count = keep_count(keep, thread->inner_count);
    if (!keep->saving && count > 0)
        thread->inner = memory_new(count * sizeof *thread->inner);
    thread->inner_count = count;
    for (size_t i = 0; i < count; i++)
        keep_i32(keep, &thread->inner[i]);
}

void keep_thread_fields(struct keep *keep, struct thread *thread)
{
    keep_namespace(keep, &thread->pid_ns);
    keep_i32(keep, &thread->tid);
    keep_unsigned(keep, &thread->refs);
    keep_u64(keep, &thread->begin_order);
    keep_u64(keep, &thread->begin_ns);
    keep_u64(keep, &thread->last_ns);
    keep_u64(keep, &thread->exit_ns);
    keep_bool(keep, &thread->begin_hard);
    keep_bool(keep, &thread->exited);
    keep_bool(keep, &thread->fork_seen);
    keep_bytes(keep, thread->kernel_name, sizeof thread->kernel_name);
    keep_bytes(keep, thread->user_name, sizeof thread->user_name);
    if (keep_since(keep, 2))
        keep_bytes(keep, thread->program, sizeof thread->program);
    thread->program[sizeof thread->program - 1] = '\0';
    thread->kernel_name[sizeof thread->kernel_name - 1] = '\0';
    thread->user_name[sizeof thread->user_name - 1] = '\0';
    keep_bool(keep, &thread->kernel_named);
    keep_bool(keep, &thread->user_named);
    keep_inner(keep, thread);
    keep_i32(keep, &thread->cpu);
    keep_u8(keep, &thread->state);
    keep_u64(keep, &thread->state_since_ns);
    keep_u64(keep, &thread->clock_ns);
    keep_u64(keep, &thread->wake_ns);
    keep_u64(keep, &thread->named_ns);
    keep_u64(keep, &thread->call_changed_ns);
    keep_u32(keep, &thread->stretch);
    keep_bool(keep, &thread->first_call_seen);
    keep_bool(keep, &thread->before_told);
    keep_open_call(keep, &thread->call);
    keep_u64(keep, &thread->cpu_ns);
    keep_u64(keep, &thread->switches);
    keep_time_vector(keep, &thread->time);
    struct model *model = keep->model;
    bool living = keep->saving && thread_is_living(model, thread);
    keep_bool(keep, &living);
    if (keep_since(keep, 2)) {
        keep_table(keep, &thread->own_table);
        keep_u64(keep, &thread->call_epoch);
    }
    if (keep->saving)
        return;
    if (thread->cpu >= 0 && (size_t)thread->cpu >= model->cpu_count)
        keep->bad = true;
    if (!living)
        return;
    map_put(&model->threads, number_key(thread->pid_ns, thread->tid), thread);
    for (size_t i = 0; i < thread->inner_count; i++) {
        uint64_t key = (uint64_t)thread->inner[i];
        uintptr_t count = (uintptr_t)map_get(&model->inner, key);
        map_put(&model->inner, key, (void *)(count + 1));
    }
}

void keep_table_fields(struct keep *keep, struct table *table)
{
    keep_unsigned(keep, &table->refs);
    keep_unsigned(keep, &table->holds);
    keep_u64(keep, &table->process);
}

void keep_descriptor_fields(struct keep *keep, struct descriptor *descriptor)
{
    keep_u64(keep, &descriptor->id);
    keep_table(keep, &descriptor->table);
    keep_i32(keep, &descriptor->fd);
    keep_unsigned(keep, &descriptor->refs);
    keep_bool(keep, &descriptor->proven);
    keep_bool(keep, &descriptor->begin_hard);
    keep_bool(keep, &descriptor->ended);
    keep_bool(keep, &descriptor->end_hard);
    keep_u64(keep, &descriptor->begin_ns);
    keep_u64(keep, &descriptor->end_ns);
    keep_string(keep, &descriptor->name);
    keep_u8(keep, &descriptor->kind);
    keep_bool(keep, &descriptor->cloexec);
    keep_u64(keep, &descriptor->closing_ns);
    size_t count = keep_count(keep, descriptor->doubtful_count);
    if (!keep->saving)
        descriptor->doubtful = memory_grow(descriptor->doubtful, &descriptor->doubtful_room,
                                           count + 1, sizeof *descriptor->doubtful);
    descriptor->doubtful_count = count;
    for (size_t i = 0; i < count; i++) {
        struct doubtful_use *use = &descriptor->doubtful[i];
        if (!keep->saving)
            *use = (struct doubtful_use){.ns = 0};
        keep_u64(keep, &use->entry_ns);
        keep_u64(keep, &use->ns);
        keep_u64(keep, &use->thread);
        keep_path(keep, &use->path);
    }
    if (!descriptor->table) {
        keep->bad = true;
        return;
    }
    struct map *places = &descriptor->table->places;
    bool placed = keep->saving && map_get(places, (uint64_t)descriptor->fd) == descriptor;
    keep_bool(keep, &placed);
    if (!keep->saving && placed)
        map_put(places, (uint64_t)descriptor->fd, descriptor);
}

static void keep_value(struct keep *keep, struct field_value *value)
{
    uint8_t type = (uint8_t)value->type;
    keep_u8(keep, &type);
    if (type > FIELD_TEXT) {
        keep->bad = true;
        type = FIELD_ABSENT;
    }
    value->type = (enum field_type)type;
    if (type == FIELD_TEXT)
        keep_text(keep, &value->text);
    else if (type != FIELD_ABSENT)
        keep_u64(keep, &value->u);
}

/* Its place in the model's set; ids are others in another process. */
static void keep_definition(struct keep *keep, struct instance *instance)
{
    const struct phase_set *phases = keep->model->phases;
    uint32_t at = 0;
    while (keep->saving && at < phases->count && phases->ids[at] != instance->definition)
        at++;
    keep_u32(keep, &at);
    if (!keep->saving)
        instance->definition = at < phases->count ? phases->ids[at] : UINT32_MAX;
}

/* Whether an open one has the match fields of its definition. */
static bool fits_definition(const struct keep *keep, const struct instance *instance)
{
    const struct phase_set *phases = keep->model->phases;
    if (instance->fate != INSTANCE_OPEN || keep->phases_untold)
        return true;
    size_t at = 0;
    while (at < phases->count && phases->ids[at] != instance->definition)
        at++;
    return at < phases->count && phases->at[at]->match_count == instance->match_count;
}

void keep_instance_fields(struct keep *keep, struct instance *instance)
{
    keep_definition(keep, instance);
    keep_path(keep, &instance->path);
    keep_unsigned(keep, &instance->refs);
    keep_u8(keep, &instance->fate);
    keep_bool(keep, &instance->by_user);
    keep_u64(keep, &instance->begin_ns);
    keep_thread(keep, &instance->thread);
    keep_u64(keep, &instance->thread_id);
    keep_u32(keep, &instance->stretch);
    keep_u64(keep, &instance->syscalls);
    keep_time_vector(keep, &instance->time);
    size_t count = keep_count(keep, instance->match_count);
    if (!keep->saving)
        instance->match = memory_new((count + 1) * sizeof *instance->match);
    instance->match_count = count;
    for (size_t i = 0; i < count; i++)
        keep_value(keep, &instance->match[i]);
    if (!keep->saving && !fits_definition(keep, instance))
        keep->bad = true;
}
