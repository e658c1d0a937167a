#include <stdlib.h>

#include "base/memory.h"
#include "model/state.h"

/* How many processes had the pid before; of one inside of a namespace, whose forks nobody tells by
 * its numbers, the namespace. */
static uint64_t process_id(uint32_t pid_ns, int32_t pid, uint32_t forks)
{
    return (uint64_t)(pid_ns ? pid_ns : forks) << 32 | (uint32_t)pid;
}

static struct process *process_new(struct model *model, uint32_t pid_ns, int32_t pid,
                                   uint32_t forks)
{
    struct process *process = memory_new(sizeof *process);
    process->serial = ++model->last_serial;
    process->ppid = -1;
    process->pid = pid;
    process->forks = forks;
    process->pid_ns = pid_ns;
    process->id = process_id(pid_ns, pid, forks);
    process->refs = 1;
    return process;
}

void process_unref(struct process *process)
{
    if (--process->refs == 0)
        free(process);
}

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
 * process before." */
struct process *process_of_pid(struct model *model, uint32_t pid_ns, int32_t pid,
                               uint64_t thread_order)
{
    struct process *process = map_get(&model->processes, number_key(pid_ns, pid));
    if (!process) {
        process = process_new(model, pid_ns, pid, 0);
        map_put(&model->processes, number_key(pid_ns, pid), process);
        process_tell(model, process, -1, 0, false);
    }
    if (thread_order >= process->fork_order) {
        process->refs++;
        return process;
    }
    /* Told late: it belongs to the one before, which lives on in the results alone. */
    return process_new(model, pid_ns, pid, process->forks - 1);
}

struct process *process_forked(struct model *model, int32_t pid, int32_t ppid, uint64_t time_ns)
{
    /* What follows of the pid without a thread is of the new process. */
    struct thread *alone = thread_of_item(model, tid_of_process(pid));
    if (alone)
        thread_end(model, alone, time_ns);
    instances_forked(&model->phases, pid);
    struct process *old = map_remove(&model->processes, number_key(0, pid));
    struct process *process = process_new(model, 0, pid, old ? old->forks + 1 : 1);
    process->fork_order = model->order;
    map_put(&model->processes, number_key(0, pid), process);
    process_tell(model, process, ppid, time_ns, true);
    if (old)
        process_unref(old);
    return process;
}

void process_attach(struct thread *thread, struct process *process)
{
    process->refs++;
    if (!thread->exited && !tid_is_of_process(thread->tid))
        process->alive++;
    thread->process = process;
    thread->next_of_process = process->threads;
    thread->back_of_process = &process->threads;
    if (process->threads)
        process->threads->back_of_process = &thread->next_of_process;
    process->threads = thread;
}

void process_detach(struct thread *thread)
{
    struct process *process = thread->process;
    if (!process || !thread->back_of_process)
        return;
    *thread->back_of_process = thread->next_of_process;
    if (thread->next_of_process)
        thread->next_of_process->back_of_process = thread->back_of_process;
    thread->back_of_process = NULL;
    thread->process = NULL;
    process_unref(process);
}

void process_told(struct model *model, struct thread *thread, int32_t pid)
{
    instances_told(&model->phases, &thread->phases, thread->pid_ns, pid);
    if (thread->process || pid <= 0)
        return;
    struct process *process = process_of_pid(model, thread->pid_ns, pid, thread->begin_order);
    process_attach(thread, process);
    process_unref(process);
    thread_tell_fact(model, thread);
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
