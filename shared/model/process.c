#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/state.h"

/* Its pid, and a number that tells it from others of that pid; of one inside of a namespace, whose
 * forks nobody tells by its numbers, the namespace. */
static uint64_t new_id(struct model *model, uint32_t pid_ns, int32_t pid)
{
    uint64_t number = pid_ns ? pid_ns : ++model->last_process & INT32_MAX;
    return number << 32 | (uint32_t)pid;
}

static struct process *process_new(struct model *model, uint32_t pid_ns, int32_t pid, uint64_t id)
{
    struct process *process = memory_new(sizeof *process);
    process->serial = ++model->last_serial;
    process->ppid = -1;
    process->pid = pid;
    process->pid_ns = pid_ns;
    process->id = id;
    process->over_ns = TIME_NONE;
    process->refs = 1;
    return process;
}

void process_unref(struct model *model, struct process *process)
{
    if (--process->refs > 0)
        return;
    if (process->table)
        table_abandon(model, process->table);
    free(process->addresses);
    free(process);
}

/* --- by pid --- */

bool process_is_past(const struct process *process, uint64_t time_ns)
{
    return process->over_ns != TIME_NONE && time_ns > process->over_ns &&
           time_ns - process->over_ns > PROCESS_KEPT_NS;
}

/* Nothing that is told of its pid or addresses from here on is its own. */
static void leave_maps(struct model *model, struct process *process)
{
    map_remove(&model->processes, number_key(process->pid_ns, process->pid));
    for (size_t i = 0; i < process->address_count; i++)
        if (map_get(&model->addresses, process->addresses[i]) == process)
            map_remove(&model->addresses, process->addresses[i]);
    process->address_count = 0;
}

static void forget(struct model *model, struct process *process)
{
    leave_maps(model, process);
    process_unref(model, process);
}

/* Once it is over for long, with what is known of it without a thread. */
static void forget_past(struct model *model, struct process *process, uint64_t time_ns)
{
    uint64_t key = number_key(process->pid_ns, tid_of_process(process->pid));
    struct thread *alone = map_get(&model->threads, key);
    process->refs++;
    if (alone && alone->process == process)
        thread_end(model, alone, time_ns);
    leave_maps(model, process);
    process->refs--; /* that of the map */
    process_unref(model, process);
}

struct process *process_at(struct model *model, uint32_t pid_ns, int32_t pid, uint64_t time_ns)
{
    struct process *process = map_get(&model->processes, number_key(pid_ns, pid));
    if (!process || !process_is_past(process, time_ns))
        return process;
    forget_past(model, process, time_ns);
    return NULL;
}

void process_forget_past(struct model *model, uint64_t time_ns)
{
    size_t done = 0;
    for (; done < model->over_count; done++) {
        const struct over *over = &model->over[done];
        struct process *process = map_get(&model->processes, over->key);
        if (!process || process->over_ns != over->since_ns)
            continue; /* forgotten by now, or another lives */
        if (!process_is_past(process, time_ns))
            break;
        forget_past(model, process, time_ns);
    }
    model->over_count -= done;
    if (done > 0)
        memmove(model->over, model->over + done, model->over_count * sizeof *model->over);
}

struct process *process_at_address(struct model *model, uint64_t address, uint64_t time_ns)
{
    struct process *process = map_get(&model->addresses, address);
    bool is_over = process && process->leader_exited && process->alive == 0;
    return process && !is_over && !process_is_past(process, time_ns) ? process : NULL;
}

static void leave_address(struct process *process, uint64_t address)
{
    size_t kept = 0;
    for (size_t i = 0; i < process->address_count; i++)
        if (process->addresses[i] != address)
            process->addresses[kept++] = process->addresses[i];
    process->address_count = kept;
}

void process_told_address(struct model *model, struct process *process, uint64_t address,
                          uint64_t time_ns)
{
    uint64_t key = number_key(process->pid_ns, process->pid);
    /* Several processes may share a table: it is listed under the first that was told. */
    if (map_get(&model->processes, key) != process ||
        map_get(&model->addresses, address) == process ||
        process_at_address(model, address, time_ns))
        return;
    struct process *before = map_get(&model->addresses, address);
    if (before)
        leave_address(before, address);
    map_put(&model->addresses, address, process);
    process->addresses = memory_grow(process->addresses, &process->address_room,
                                     process->address_count + 1, sizeof *process->addresses);
    process->addresses[process->address_count++] = address;
}

/* --- what is told --- */

static void tell(struct model *model, const struct process *process, int32_t ppid, uint64_t fork_ns,
                 bool fork_seen)
{
    struct result fact = {.type = RESULT_PROCESS,
                          .process = {.id = process->id,
                                      .pid = process->pid,
                                      .ppid = ppid,
                                      .fork_ns = fork_ns,
                                      .fork_seen = fork_seen}};
    model_tell(model, &fact);
}

void process_tell(struct model *model, struct process *process, int32_t ppid, uint64_t fork_ns,
                  bool fork_seen)
{
    tell(model, process, ppid, fork_ns, fork_seen);
    /* The parent at the fork, else the one that was told first. */
    if (fork_seen) {
        process->ppid = ppid;
        process->fork_ns = fork_ns;
        process->fork_seen = true;
    } else if (process->ppid < 0) {
        process->ppid = ppid;
    }
}

void process_retell(struct model *model, const struct process *process)
{
    tell(model, process, process->ppid, process->fork_ns, process->fork_seen);
}

/* "A new process of a pid begins only at the fork of its leader; all other threads belong to the
 * process before." A reference for the caller. */
static struct process *process_of(struct model *model, const struct thread *thread, int32_t pid,
                                  uint64_t time_ns)
{
    uint32_t pid_ns = thread->pid_ns;
    struct process *process = process_at(model, pid_ns, pid, time_ns);
    if (!process) {
        process = process_new(model, pid_ns, pid, new_id(model, pid_ns, pid));
        map_put(&model->processes, number_key(pid_ns, pid), process);
        process_tell(model, process, -1, 0, false);
    }
    if (thread->begin_order >= process->fork_order) {
        process->refs++;
        return process;
    }
    /* Told late: it belongs to the one before, which lives on in the results alone. */
    if (process->before_id == 0)
        process->before_id = new_id(model, pid_ns, pid);
    return process_new(model, pid_ns, pid, process->before_id);
}

struct process *process_forked(struct model *model, int32_t pid, int32_t ppid, uint64_t time_ns)
{
    /* What follows of the pid without a thread is of the new process. */
    struct thread *alone = thread_of_item(model, tid_of_process(pid));
    if (alone)
        thread_end(model, alone, time_ns);
    instances_forked(&model->phases, pid);
    struct process *old = process_at(model, 0, pid, time_ns);
    struct process *process = process_new(model, 0, pid, new_id(model, 0, pid));
    process->fork_order = model->order;
    if (old) {
        process->before_id = old->id;
        forget(model, old);
    }
    map_put(&model->processes, number_key(0, pid), process);
    process_tell(model, process, ppid, time_ns, true);
    return process;
}

/* --- its threads --- */

void process_attach(struct model *model, struct thread *thread, struct process *process,
                    uint64_t time_ns)
{
    process->refs++;
    if (process_is_past(process, time_ns))
        (void)process_at(model, process->pid_ns, process->pid, time_ns);
    if (!thread->exited && !tid_is_of_process(thread->tid)) {
        process->alive++;
        process->present++;
        process->leader_gone &= thread->tid != process->pid;
        process->over_ns = TIME_NONE;
    }
    process_link(thread, process);
}

void process_link(struct thread *thread, struct process *process)
{

    thread->process = process;
    thread->next_of_process = process->threads;
    thread->back_of_process = &process->threads;
    if (process->threads)
        process->threads->back_of_process = &thread->next_of_process;
    process->threads = thread;
}

void process_detach(struct model *model, struct thread *thread)
{
    struct process *process = thread->process;
    if (!process || !thread->back_of_process)
        return;
    *thread->back_of_process = thread->next_of_process;
    if (thread->next_of_process)
        thread->next_of_process->back_of_process = thread->back_of_process;
    thread->back_of_process = NULL;
    thread->process = NULL;
    process_unref(model, process);
}

void process_told(struct model *model, struct thread *thread, int32_t pid, uint64_t time_ns)
{
    instances_told(&model->phases, &thread->phases, thread->pid_ns, pid);
    if (thread->process || pid <= 0)
        return;
    struct process *process = process_of(model, thread, pid, time_ns);
    process_attach(model, thread, process, time_ns);
    process_unref(model, process);
    thread_tell_fact(model, thread);
}

static void note_over(struct model *model, const struct process *process)
{
    model->over =
        memory_grow(model->over, &model->over_room, model->over_count + 1, sizeof *model->over);
    model->over[model->over_count++] =
        (struct over){number_key(process->pid_ns, process->pid), process->over_ns};
}

static void leave(struct model *model, struct thread *thread, uint64_t time_ns)
{
    struct process *process = thread->process;
    if (process->present > 0)
        process->present--;
    process->leader_gone |= thread->tid == process->pid;
    if (!process->leader_gone || process->present > 0 || process->over_ns != TIME_NONE)
        return;
    process->over_ns = time_ns;
    note_over(model, process);
}

void process_thread_lost(struct model *model, struct thread *thread, uint64_t time_ns)
{
    if (thread->process && !thread->exited && !tid_is_of_process(thread->tid))
        leave(model, thread, time_ns);
}

static int by_since(const void *a, const void *b)
{
    const struct over *left = a, *right = b;
    return left->since_ns < right->since_ns ? -1 : left->since_ns > right->since_ns;
}

void process_restored(struct model *model)
{
    const struct thread *thread;
    for (size_t at = 0; (thread = map_next(&model->threads, &at));)
        if (thread->process && !thread->exited && !tid_is_of_process(thread->tid))
            thread->process->present++;
    const struct process *process;
    for (size_t at = 0; (process = map_next(&model->processes, &at));)
        if (process->over_ns != TIME_NONE)
            note_over(model, process);
    if (model->over_count > 0)
        qsort(model->over, model->over_count, sizeof *model->over, by_since);
}

void process_thread_gone(struct model *model, struct thread *thread, uint64_t time_ns)
{
    struct process *process = thread->process;
    if (!process)
        return;
    if (process->alive > 0)
        process->alive--;
    if (thread->tid == process->pid)
        process->leader_exited = true;
    leave(model, thread, time_ns);
    table_leave_own(model, thread, time_ns);
    bool leader_gone = process->leader_exited || process->leader_parted;
    if (leader_gone && process->alive == process->parted)
        table_release(model, process, time_ns);
}

struct table *process_table(struct model *model, struct process *process)
{
    if (!process->table)
        process->table = table_make(model, process->id);
    return process->table;
}
