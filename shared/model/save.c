#include "model/save.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/keep.h"
#include "model/parts.h"

enum {
    KEY_MAX = 64,
    KEPT_CLOSINGS_BYTES = 128 << 10,
    CLOSING_BYTES = 40 /* of one, at most, without its path */
};

static void begin(struct keep *keep, enum keep_kind kind, uint64_t serial)
{
    uint32_t format = KEEP_FORMAT;
    uint8_t byte = (uint8_t)kind;
    keep->count = 0;
    keep_u32(keep, &format);
    keep_u8(keep, &byte);
    keep_u64(keep, &serial);
}

static void end(const struct keep *keep, const struct state_sink *sink, const char *key)
{
    sink->take(sink->context, text_of(key), (struct bytes){keep->out, keep->count});
}

/* "PID/KSERIAL", or "t/TID/KSERIAL". */
static void put_key(char room[KEY_MAX], uint32_t pid, int32_t tid, enum keep_kind kind,
                    uint64_t serial)
{
    if (pid)
        snprintf(room, KEY_MAX, "%u/%c%llu", pid, kind, (unsigned long long)serial);
    else
        snprintf(room, KEY_MAX, "t/%d/%c%llu", tid, kind, (unsigned long long)serial);
}

static void save_threads(struct keep *keep, const struct model_parts *parts,
                         const struct state_sink *sink)
{
    char key[KEY_MAX];
    struct thread *thread;
    for (size_t at = 0; (thread = map_next(&parts->threads, &at));) {
        begin(keep, KEEP_THREAD, thread->id);
        keep_thread_fields(keep, thread);
        put_key(key, thread->process ? (uint32_t)thread->process->pid : 0, thread->tid, KEEP_THREAD,
                thread->id);
        end(keep, sink, key);
    }
}

static void save_instance(struct keep *keep, const struct instance *instance,
                          const struct state_sink *sink)
{
    struct thread *thread = thread_of_instance(instance);
    struct kept_instance kept = {
        .definition = instance->definition,
        .path = instance->path,
        .by_user = instance->by_user,
        .in_call = instance->in_call,
        .after_exit = instance->after_exit,
        .begin_ns = instance->begin_ns,
        .thread = thread,
        .values = instance->values,
        .value_count = phase_value_count(keep->model->phases.set->at[instance->definition])};
    kept.calls = instances_spent(instance, &kept.time);
    begin(keep, KEEP_INSTANCE, instance->order);
    keep_instance_fields(keep, &kept);
    time_vector_free(&kept.time);
    char key[KEY_MAX];
    put_key(key, thread->process ? (uint32_t)thread->process->pid : 0, thread->tid, KEEP_INSTANCE,
            instance->order);
    end(keep, sink, key);
}

static void save_instances(struct keep *keep, const struct state_sink *sink)
{
    const struct instances *phases = &keep->model->phases;
    for (size_t i = 0; i < phases->set->count; i++)
        for (const struct instance *each = phases->newest[i]; each; each = each->older)
            save_instance(keep, each, sink);
}

/* How many of those from `first` on make a record that stays small, whatever their paths are. */
static size_t slice_of(const struct model *model, size_t first)
{
    size_t count = 0, bytes = 0;
    while (count < KEPT_CLOSINGS_MAX && first + count < model->closing_count &&
           bytes < KEPT_CLOSINGS_BYTES)
        bytes += CLOSING_BYTES + model_path(model, model->closings[first + count++].path).count;
    return count;
}

/* Returns how many records. */
static uint64_t save_closings(struct keep *keep, const struct state_sink *sink)
{
    struct kept_closings slice = {.first = 0};
    uint64_t serial = 0;
    while ((slice.count = slice_of(keep->model, slice.first)) > 0) {
        begin(keep, KEEP_CLOSINGS, ++serial);
        keep_closings_fields(keep, &slice);
        char key[KEY_MAX];
        snprintf(key, sizeof key, "%c%llu", KEEP_CLOSINGS, (unsigned long long)serial);
        end(keep, sink, key);
        slice.first += slice.count;
    }
    return serial;
}

static void save_processes(struct keep *keep, const struct model_parts *parts,
                           const struct state_sink *sink)
{
    char key[KEY_MAX];
    struct process *process;
    for (size_t at = 0; (process = map_next(&parts->processes, &at));) {
        begin(keep, KEEP_PROCESS, process->serial);
        keep_process_fields(keep, process);
        put_key(key, (uint32_t)process->pid, 0, KEEP_PROCESS, process->serial);
        end(keep, sink, key);
    }
    struct table *table;
    for (size_t at = 0; (table = map_next(&parts->tables, &at));) {
        begin(keep, KEEP_TABLE, table->serial);
        keep_table_fields(keep, table);
        put_key(key, (uint32_t)table->process, 0, KEEP_TABLE, table->serial);
        end(keep, sink, key);
    }
    struct descriptor *descriptor;
    for (size_t at = 0; (descriptor = map_next(&parts->descriptors, &at));) {
        begin(keep, KEEP_DESCRIPTOR, descriptor->serial);
        keep_descriptor_fields(keep, descriptor);
        put_key(key, (uint32_t)descriptor->table->process, 0, KEEP_DESCRIPTOR, descriptor->serial);
        end(keep, sink, key);
    }
}

void model_save(struct model *model, struct state_sink sink)
{
    struct keep keep = {.saving = true, .model = model};
    struct model_parts parts;
    model_parts_gather(model, &parts);
    save_threads(&keep, &parts, &sink);
    save_instances(&keep, &sink);
    save_processes(&keep, &parts, &sink);
    uint64_t closings = save_closings(&keep, &sink);
    begin(&keep, KEEP_HOST, 1);
    uint64_t counts[] = {parts.threads.count,     parts.processes.count, parts.tables.count,
                         parts.descriptors.count, model->phases.count,   closings};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        keep_u64(&keep, &counts[i]);
    keep_host_fields(&keep);
    end(&keep, &sink, "host");
    model_parts_clear(&parts);
    free(keep.out);
}

/* --- telling again --- */

/* Its numbers since they were last told. What its first call will make of the time before it, it can
 * only make here. */
static void tell_numbers(struct model *model, struct thread *thread)
{
    struct time_vector *time = &thread->time;
    uint64_t running_ns = time->before_running_ns, blocked_ns = time->before_blocked_ns;
    time->before_running_ns = time->before_blocked_ns = 0;
    if (thread->cpu_ns || thread->switches || !time_vector_is_empty(time))
        thread_tell_numbers(model, thread);
    time->before_running_ns = running_ns;
    time->before_blocked_ns = blocked_ns;
}

/* Also one that is over, as long as an instance begun on it is open. */
static void retell_thread(struct model *model, struct thread *thread, bool turn)
{
    if (turn || !thread->retold)
        thread_tell_fact(model, thread);
    thread->retold = true;
    if (thread_is_living(model, thread))
        tell_numbers(model, thread);
}

static void retell_descriptor(struct model *model, struct descriptor *descriptor, bool turn)
{
    if (!descriptor->proven || (descriptor->retold && !turn))
        return;
    descriptor_tell(model, descriptor);
    descriptor->retold = true;
}

void model_retell(struct model *model, uint64_t turn, uint64_t turns)
{
    struct model_parts parts;
    model_parts_gather(model, &parts);
    struct process *process;
    for (size_t at = 0; (process = map_next(&parts.processes, &at));)
        if (process->id % turns == turn)
            process_retell(model, process);
    struct thread *thread;
    for (size_t at = 0; (thread = map_next(&parts.threads, &at));)
        retell_thread(model, thread, thread->id % turns == turn);
    struct descriptor *descriptor;
    for (size_t at = 0; (descriptor = map_next(&parts.descriptors, &at));)
        retell_descriptor(model, descriptor, descriptor->id % turns == turn);
    model_parts_clear(&parts);
}
