/* Processes: which one a thread is of. */
#include "base/memory.h"
#include "core/state.h"

/* Its pid, and a number that tells it from others of that pid; of one inside of a namespace, whose
 * forks nobody tells by its numbers, the namespace. */
static uint64_t new_id(struct core *core, uint32_t pid_ns, int32_t pid)
{
    uint64_t number = pid_ns ? pid_ns : ++core->last_process & INT32_MAX;
    return number << 32 | (uint32_t)pid;
}

static void tell(struct core *core, const struct process *process, int32_t ppid, uint64_t fork_ns,
                 bool fork_seen)
{
    struct result fact = {.type = RESULT_PROCESS,
                          .process = {.id = process->id,
                                      .pid = process->pid,
                                      .ppid = ppid,
                                      .fork_ns = fork_ns,
                                      .fork_seen = fork_seen}};
    core_tell(core, &fact);
}

static struct process *process_new(uint32_t pid_ns, int32_t pid, uint64_t id)
{
    struct process *process = memory_new(sizeof *process);
    process->pid_ns = pid_ns;
    process->pid = pid;
    process->id = id;
    process->refs = 1;
    return process;
}

void process_drop(struct process *process)
{
    if (--process->refs == 0)
        free(process);
}

void process_enter(struct life *life, struct process *process)
{
    process->refs++;
    life->process = process;
    life->next_of_process = process->threads;
    life->back_of_process = &process->threads;
    if (process->threads)
        process->threads->back_of_process = &life->next_of_process;
    process->threads = life;
}

void process_leave(struct life *life)
{
    struct process *process = life->process;
    if (!process || !life->back_of_process)
        return;
    *life->back_of_process = life->next_of_process;
    if (life->next_of_process)
        life->next_of_process->back_of_process = life->back_of_process;
    life->back_of_process = NULL;
    life->process = NULL;
    process_drop(process);
}

/* "A thread belongs to the last one that began before its own first event." A reference for the caller. */
static struct process *process_of(struct core *core, const struct life *life, int32_t pid)
{
    uint32_t pid_ns = life->pid_ns;
    struct process *process = map_get(&core->processes, number_key(pid_ns, pid));
    if (!process) {
        process = process_new(pid_ns, pid, new_id(core, pid_ns, pid));
        map_put(&core->processes, number_key(pid_ns, pid), process);
        tell(core, process, -1, 0, false);
    }
    if (life->begin_order >= process->fork_order) {
        process->refs++;
        return process;
    }
    /* Told late: it belongs to the one before, which lives on in the results alone. */
    if (process->before_id == 0)
        process->before_id = new_id(core, pid_ns, pid);
    return process_new(pid_ns, pid, process->before_id);
}

void life_told_pid(struct core *core, struct life *life, int32_t pid, uint64_t time_ns)
{
    (void)time_ns;
    instances_told(&core->phases, &life->phases, life->pid_ns, pid);
    if (life->process || pid <= 0)
        return;
    struct process *process = process_of(core, life, pid);
    process_enter(life, process);
    process_drop(process);
    life_tell_fact(core, life);
}

struct process *process_begin(struct core *core, int32_t pid, int32_t ppid, uint64_t time_ns)
{
    /* What follows of the pid without a thread is of the new process. */
    struct life *alone = map_get(&core->lives, number_key(0, tid_of_process(pid)));
    if (alone)
        life_end(core, alone, time_ns);
    instances_forked(&core->phases, pid);
    struct process *old = map_get(&core->processes, number_key(0, pid));
    struct process *process = process_new(0, pid, new_id(core, 0, pid));
    process->fork_order = core->order;
    if (old) {
        process->before_id = old->id;
        process_drop(old);
    }
    map_put(&core->processes, number_key(0, pid), process);
    tell(core, process, ppid, time_ns, true);
    return process;
}
