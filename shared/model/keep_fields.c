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

static void keep_closing(struct keep *keep, struct closing *closing)
{
    if (!keep->saving)
        *closing = (struct closing){.thread = 0};
    keep_u64(keep, &closing->thread);
    keep_u64(keep, &closing->begin_ns);
    keep_u64(keep, &closing->end_ns);
    keep_path(keep, &closing->path);
    keep_u32(keep, &closing->stretch);
    if (!keep_since(keep, 4))
        return;
    keep_u64(keep, &closing->order);
    keep_i32(keep, &closing->pid);
}

/* All of them, as older formats have them. */
static void keep_old_closings(struct keep *keep)
{
    struct model *model = keep->model;
    size_t count = keep_count(keep, model->closing_count);
    model->closings =
        memory_grow(model->closings, &model->closing_room, count + 1, sizeof *model->closings);
    model->closing_count = count;
    for (size_t i = 0; i < count; i++)
        keep_closing(keep, &model->closings[i]);
}

void keep_closings_fields(struct keep *keep, struct kept_closings *closings)
{
    size_t count = keep_count(keep, closings->count);
    if (count > KEPT_CLOSINGS_MAX) {
        keep->bad = true;
        return;
    }
    closings->count = count;
    for (size_t i = 0; i < count; i++)
        keep_closing(keep,
                     keep->saving ? &keep->model->closings[closings->first + i] : &closings->at[i]);
}

/* file_table_address -> pid, as older formats have them: nothing is told by them any more. */
static void keep_old_addresses(struct keep *keep)
{
    size_t count = keep_count(keep, 0);
    for (size_t i = 0; i < count; i++) {
        uint64_t address, pid;
        keep_u64(keep, &address);
        keep_u64(keep, &pid);
    }
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

/* Of an interval that is joined in part. */
static void keep_labels(struct keep *keep)
{
    struct model *model = keep->model;
    size_t count = keep_count(keep, model->label_count);
    if (!keep->saving && count > 0)
        model->labels =
            memory_grow(model->labels, &model->label_room, count, sizeof *model->labels);
    model->label_count = count;
    for (size_t i = 0; i < count; i++)
        keep_path(keep, &model->labels[i]);
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
    uint64_t last_order = 0; /* nothing since format 3 */
    keep_u64(keep, &last_order);
    keep_u64(keep, &model->last_serial);
    size_t count = keep_count(keep, model->cpu_count);
    if (!keep->saving) {
        model->cpus = memory_new((count + 1) * sizeof *model->cpus);
        model->cpu_count = count;
    }
    for (size_t i = 0; i < count; i++)
        keep_cpu(keep, &model->cpus[i]);
    if (!keep_since(keep, 3))
        keep_old_closings(keep);
    if (!keep_since(keep, 4))
        keep_old_addresses(keep);
    if (keep_since(keep, 2)) {
        keep_tallies(keep);
        keep_u64(keep, &model->epoch);
    }
    if (keep_since(keep, 3)) {
        keep_u64(keep, &model->phases.last_kin);
        keep_u64(keep, &model->phases.now_ns);
        keep_u64(keep, &model->past_events);
        keep_labels(keep);
    }
    if (keep_since(keep, 4)) {
        uint64_t last = model->last_process;
        keep_u64(keep, &last);
        model->last_process = last;
        keep_u64(keep, &model->lives_ns);
    }
}

/* Format 1 knows no namespaces. */
static void keep_namespace(struct keep *keep, uint32_t *pid_ns)
{
    if (keep_since(keep, 2))
        keep_u32(keep, pid_ns);
}

/* One of the process; at most once. */
static void keep_link(struct keep *keep, struct thread *thread, struct process *process)
{
    if (!thread || thread->back_of_process)
        keep->bad = true;
    else
        process_link(thread, process);
}

/* The threads told of a process, as older formats have them. */
static void keep_old_threads_of(struct keep *keep, struct process *process)
{
    size_t count = keep_count(keep, 0);
    for (size_t i = 0; i < count && !keep->bad; i++) {
        struct thread *thread = NULL;
        keep_thread(keep, &thread);
        keep_link(keep, thread, process);
    }
}

/* What older formats have in place of what follows. */
static void keep_old_forks(struct keep *keep, struct process *process)
{
    uint32_t forks = 0; /* of the pid, up to this one */
    keep_u32(keep, &forks);
    if (forks > keep->model->last_process)
        keep->model->last_process = forks;
    if (forks > 0)
        process->before_id = (uint64_t)(forks - 1) << 32 | (uint32_t)process->pid;
}

static void keep_addresses(struct keep *keep, struct process *process)
{
    uint64_t key = number_key(process->pid_ns, process->pid);
    struct map *addresses = &keep->model->addresses;
    size_t count = keep_count(keep, process->address_count);
    if (!keep->saving && count > 0)
        process->addresses = memory_grow(process->addresses, &process->address_room, count,
                                         sizeof *process->addresses);
    process->address_count = count;
    for (size_t i = 0; i < count; i++) {
        keep_u64(keep, &process->addresses[i]);
        if (!keep->saving && map_get(&keep->model->processes, key) == process)
            map_put(addresses, process->addresses[i], process);
    }
}

void keep_process_fields(struct keep *keep, struct process *process)
{
    keep_namespace(keep, &process->pid_ns);
    keep_i32(keep, &process->pid);
    keep_i32(keep, &process->ppid);
    keep_u64(keep, &process->fork_ns);
    keep_bool(keep, &process->fork_seen);
    bool is_old = !keep_since(keep, 4);
    if (is_old)
        keep_old_forks(keep, process);
    keep_u64(keep, &process->id);
    keep_unsigned(keep, &process->refs);
    keep_unsigned(keep, &process->alive);
    keep_bool(keep, &process->leader_exited);
    keep_u64(keep, &process->fork_order);
    keep_table(keep, &process->table);
    if (is_old)
        keep_old_threads_of(keep, process);
    struct map *processes = &keep->model->processes;
    uint64_t key = number_key(process->pid_ns, process->pid);
    bool newest = keep->saving && map_get(processes, key) == process;
    keep_bool(keep, &newest);
    if (!keep->saving && newest)
        map_put(processes, key, process);
    if (keep_since(keep, 2)) {
        keep_unsigned(keep, &process->parted);
        keep_bool(keep, &process->leader_parted);
    }
    if (is_old) {
        /* Since when it is over is not told: for long. */
        process->leader_gone = process->leader_exited;
        process->over_ns = process->leader_exited && process->alive == 0 ? 0 : TIME_NONE;
        return;
    }
    keep_u64(keep, &process->before_id);
    keep_bool(keep, &process->leader_gone);
    keep_u64(keep, &process->over_ns);
    keep_addresses(keep, process);
}

static void keep_credits(struct keep *keep, struct call_in_progress *call)
{
    size_t count = keep_count(keep, call->credit_count);
    if (!keep_since(keep, 3)) {
        /* The instances that it was entered in, by their serials. */
        for (size_t i = 0; i < count; i++) {
            uint64_t serial = 0;
            keep_u64(keep, &serial);
        }
        return;
    }
    if (!keep->saving && count > 0)
        call->credits =
            memory_grow(call->credits, &call->credit_room, count, sizeof *call->credits);
    call->credit_count = count;
    for (size_t i = 0; i < count; i++) {
        struct call_credit *credit = &call->credits[i];
        if (!keep->saving)
            *credit = (struct call_credit){.count = 0};
        keep_u64(keep, &credit->thread);
        keep_u32(keep, &credit->stretch);
        keep_path(keep, &credit->path);
        keep_u64(keep, &credit->count);
    }
}

/* Which threads the thread is kin of. */
static void keep_kin(struct keep *keep, struct phase_thread *thread)
{
    keep_bool(keep, &thread->exited);
    struct kin *kin = thread->kin;
    struct kin kept = {.id = 0};
    if (kin)
        kept = *kin;
    keep_u64(keep, &kept.id);
    if (kept.id == 0)
        return;
    keep_u64(keep, &kept.key);
    keep_bool(keep, &kept.current);
    keep_bool(keep, &kept.leader_exited);
    keep_bool(keep, &thread->counted);
    if (keep->saving)
        return;
    kin = map_get(&keep->kins, kept.id);
    if (!kin) {
        kin = instances_restore_kin(&keep->model->phases, &kept);
        keep->bad |= !kin;
        if (!kin)
            return;
        map_put(&keep->kins, kept.id, kin);
    }
    thread->kin = kin;
    kin->refs++;
    kin->alive += thread->counted;
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
    keep_credits(keep, call);
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
    if (keep_since(keep, 3))
        keep_kin(keep, &thread->phases);
    if (keep_since(keep, 4)) {
        struct process *process = thread->process;
        keep_process(keep, &process);
        if (!keep->saving && process)
            keep_link(keep, thread, process);
    }
    if (keep->saving)
        return;
    thread->phases.id = thread->id;
    thread->phases.tid = thread->tid;
    thread->phases.is_process = tid_is_of_process(thread->tid);
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

/* Older formats keep instances that are over, for the calls that were entered in them. */
static void keep_old_fate(struct keep *keep, struct kept_instance *instance)
{
    unsigned refs;
    uint8_t fate;
    keep_unsigned(keep, &refs);
    keep_u8(keep, &fate);
    instance->open = fate == 0;
}

void keep_instance_fields(struct keep *keep, struct kept_instance *instance)
{
    bool is_old = !keep_since(keep, 3);
    instance->open = true;
    keep_u32(keep, &instance->definition);
    keep_path(keep, &instance->path);
    if (is_old)
        keep_old_fate(keep, instance);
    keep_bool(keep, &instance->by_user);
    if (!is_old) {
        keep_bool(keep, &instance->in_call);
        keep_bool(keep, &instance->after_exit);
    }
    keep_u64(keep, &instance->begin_ns);
    keep_thread(keep, &instance->thread);
    if (is_old) {
        uint64_t thread;
        uint32_t stretch;
        keep_u64(keep, &thread);
        keep_u32(keep, &stretch);
    }
    keep_u64(keep, &instance->calls);
    keep_time_vector(keep, &instance->time);
    size_t count = keep_count(keep, instance->value_count);
    if (!keep->saving)
        instance->values = memory_new((count + 1) * sizeof *instance->values);
    instance->value_count = count;
    for (size_t i = 0; i < count; i++)
        keep_value(keep, &instance->values[i]);
    keep->bad |= instance->open && !instance->thread;
}

void kept_instance_free(struct kept_instance *instance)
{
    for (size_t i = 0; i < instance->value_count; i++)
        if (instance->values[i].type == FIELD_TEXT)
            free((char *)(uintptr_t)instance->values[i].text.at);
    free(instance->values);
    time_vector_free(&instance->time);
    free(instance);
}
