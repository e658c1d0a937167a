/* Joining: processes, and the process of each thread. */
#include "base/memory.h"
#include "core/descriptors.h"

/* Its pid, and a number that distinguishes it from others with that pid. In a pid namespace, whose
 * forks no event states with its ids, the number is the namespace. */
static uint64_t new_id(struct core *core, uint32_t pid_ns, int32_t pid)
{
    uint64_t number = pid_ns ? pid_ns : ++core->last_process & INT32_MAX;
    return number << 32 | (uint32_t)pid;
}

void process_emit_fact(const struct core *core, const struct process *process)
{
    struct result fact = {.type = RESULT_PROCESS,
                          .process = {.id = process->id,
                                      .pid = process->pid,
                                      .ppid = process->ppid,
                                      .fork_ns = process->fork_ns,
                                      .fork_seen = process->fork_seen}};
    core_emit(core, &fact);
}

static struct process *process_new(const struct core *core, uint32_t pid_ns, int32_t pid,
                                   uint64_t id)
{
    struct process *process = memory_new(sizeof *process);
    process->changed = core->changed;
    process_touch(process);
    process->pid_ns = pid_ns;
    process->pid = pid;
    process->id = id;
    process_is_published(process);
    process->over_ns = TIME_NONE;
    process->ppid = -1;
    process->refs = 1;
    return process;
}

void process_drop(struct core *core, struct process *process)
{
    if (--process->refs > 0)
        return;
    if (process->table)
        table_lose_user(core, process->table);
    free(process->addresses);
    changes_forget(&process->changed->processes, &process->change);
    process_unpublish(process);
    free(process);
}

/* --- lookup by pid and address --- */

bool process_over_long(const struct process *process, uint64_t time_ns)
{
    return process->over_ns != TIME_NONE && time_ns > process->over_ns &&
           time_ns - process->over_ns > PROCESS_KEPT_NS;
}

/* Later information about its pid or addresses no longer refers to it. */
static void leave_maps(struct core *core, struct process *process)
{
    map_remove(&core->processes, number_key(process->pid_ns, process->pid));
    process_touch(process);
    for (size_t i = 0; i < process->address_count; i++)
        if (map_get(&core->addresses, process->addresses[i]) == process)
            map_remove(&core->addresses, process->addresses[i]);
    process->address_count = 0;
}

static void forget(struct core *core, struct process *process)
{
    leave_maps(core, process);
    process_drop(core, process);
}

/* Drops a process that is over for long, with the entity for its data without a thread. */
static void forget_past(struct core *core, struct process *process, uint64_t time_ns)
{
    struct life *alone =
        map_get(&core->lives, number_key(process->pid_ns, tid_of_process(process->pid)));
    process->refs++;
    if (alone && alone->process == process)
        life_end(core, alone, time_ns);
    leave_maps(core, process);
    process->refs--; /* the reference of the map */
    process_drop(core, process);
}

struct process *process_by_pid(struct core *core, uint32_t pid_ns, int32_t pid, uint64_t time_ns)
{
    struct process *process = map_get(&core->processes, number_key(pid_ns, pid));
    if (!process || !process_over_long(process, time_ns))
        return process;
    forget_past(core, process, time_ns);
    return NULL;
}

void processes_forget_past(struct core *core, uint64_t time_ns)
{
    size_t done = 0;
    for (; done < core->over_count; done++) {
        const struct over *over = &core->over[done];
        struct process *process = map_get(&core->processes, over->key);
        if (!process || process->over_ns != over->since_ns)
            continue; /* dropped by now, or alive again */
        if (!process_over_long(process, time_ns))
            break;
        forget_past(core, process, time_ns);
    }
    core->over_count -= done;
    if (done > 0)
        memmove(core->over, core->over + done, core->over_count * sizeof *core->over);
}

struct process *process_by_address(struct core *core, uint64_t address, uint64_t time_ns)
{
    struct process *process = map_get(&core->addresses, address);
    bool is_over = process && process->leader_exited && process->alive == 0;
    return process && !is_over && !process_over_long(process, time_ns) ? process : NULL;
}

static void leave_address(struct process *process, uint64_t address)
{
    size_t kept = 0;
    process_touch(process);
    for (size_t i = 0; i < process->address_count; i++)
        if (process->addresses[i] != address)
            process->addresses[kept++] = process->addresses[i];
    process->address_count = kept;
}

void process_dumped(struct core *core, struct process *process, const struct event *event)
{
    process_touch(process);
    if (event_has_value(event, 2) && process->ppid < 0) {
        process->ppid = (int32_t)event->value[2];
        process_emit_fact(core, process);
    }
    uint64_t address = event_has_value(event, 4) ? (uint64_t)event->value[4] : 0;
    /* Several processes may share a table: it is listed under the first known one. */
    if (!address ||
        map_get(&core->processes, number_key(process->pid_ns, process->pid)) != process ||
        map_get(&core->addresses, address) == process ||
        process_by_address(core, address, event->time_ns))
        return;
    struct process *before = map_get(&core->addresses, address);
    if (before)
        leave_address(before, address);
    map_put(&core->addresses, address, process);
    process->addresses = memory_grow(process->addresses, &process->address_room,
                                     process->address_count + 1, sizeof *process->addresses);
    process->addresses[process->address_count++] = address;
}

/* --- its threads --- */

void process_own(struct life *life, struct process *process)
{
    process->refs++;
    life->process = process;
    life_touch(life);
    life->next_of_process = process->threads;
    life->back_of_process = &process->threads;
    if (process->threads)
        process->threads->back_of_process = &life->next_of_process;
    process->threads = life;
}

void process_enter(struct core *core, struct life *life, struct process *process, uint64_t time_ns)
{
    process_own(life, process);
    if (process_over_long(process, time_ns))
        (void)process_by_pid(core, process->pid_ns, process->pid, time_ns);
    if (!life->exited && !tid_is_of_process(life->tid)) {
        process->alive++;
        process->present++;
        process->leader_gone &= life->tid != process->pid;
        process->over_ns = TIME_NONE;
    }
}

void process_leave(struct core *core, struct life *life)
{
    struct process *process = life->process;
    if (!process || !life->back_of_process)
        return;
    life_touch(life);
    *life->back_of_process = life->next_of_process;
    if (life->next_of_process)
        life->next_of_process->back_of_process = life->back_of_process;
    life->back_of_process = NULL;
    life->process = NULL;
    process_drop(core, process);
}

static void note_over(struct core *core, const struct process *process)
{
    core->over =
        memory_grow(core->over, &core->over_room, core->over_count + 1, sizeof *core->over);
    core->over[core->over_count++] =
        (struct over){number_key(process->pid_ns, process->pid), process->over_ns};
}

/* A process is over when its leader and all its known threads have exited, or their tids belong to
 * other threads (docs/RESULTS.md, section 4). */
static void lack(struct core *core, const struct life *life, uint64_t time_ns)
{
    struct process *process = life->process;
    process_touch(process);
    if (process->present > 0)
        process->present--;
    process->leader_gone |= life->tid == process->pid;
    if (!process->leader_gone || process->present > 0 || process->over_ns != TIME_NONE)
        return;
    process->over_ns = time_ns;
    note_over(core, process);
}

void process_life_over(struct core *core, const struct life *life, uint64_t time_ns)
{
    if (life->process && !life->exited && !tid_is_of_process(life->tid))
        lack(core, life, time_ns);
}

void process_life_exited(struct core *core, struct life *life, uint64_t time_ns)
{
    struct process *process = life->process;
    if (!process)
        return;
    process_touch(process);
    if (process->alive > 0)
        process->alive--;
    process->leader_exited |= life->tid == process->pid;
    lack(core, life, time_ns);
    life_leave_table(core, life, time_ns);
    bool leader_gone = process->leader_exited || process->leader_parted;
    if (leader_gone && process->alive == process->parted)
        process_leave_table(core, process, time_ns);
}

/* The last process of the pid that began before the thread's first event (docs/RESULTS.md, section
 * 4). Returns a reference. */
static struct process *process_of(struct core *core, const struct life *life, int32_t pid,
                                  uint64_t time_ns)
{
    uint32_t pid_ns = life->pid_ns;
    struct process *process = process_by_pid(core, pid_ns, pid, time_ns);
    if (!process) {
        process = process_new(core, pid_ns, pid, new_id(core, pid_ns, pid));
        map_put(&core->processes, number_key(pid_ns, pid), process);
        process_emit_fact(core, process);
    }
    if (life->begin_order > process->fork_order) {
        process->refs++;
        return process;
    }
    /* Known late: it belongs to the previous process, which only exists in the results by now. */
    process_touch(process);
    if (process->before_id == 0)
        process->before_id = new_id(core, pid_ns, pid);
    return process_new(core, pid_ns, pid, process->before_id);
}

void life_learn_pid(struct core *core, struct life *life, int32_t pid, uint64_t time_ns)
{
    instances_learn_pid(&core->phases, &life->phases, life->pid_ns, pid);
    if (life->process || pid <= 0)
        return;
    struct process *process = process_of(core, life, pid, time_ns);
    process_enter(core, life, process, time_ns);
    process_drop(core, process);
    life_emit_fact(core, life);
}

struct process *process_begin(struct core *core, int32_t pid, int32_t ppid, uint64_t time_ns)
{
    /* Later data of the pid without a thread belongs to the new process. */
    struct life *alone = map_get(&core->lives, number_key(0, tid_of_process(pid)));
    if (alone)
        life_end(core, alone, time_ns);
    instances_forked(&core->phases, pid);
    struct process *old = process_by_pid(core, 0, pid, time_ns);
    struct process *process = process_new(core, 0, pid, new_id(core, 0, pid));
    process->fork_order = core->order;
    if (old) {
        process->before_id = old->id;
        forget(core, old);
    }
    map_put(&core->processes, number_key(0, pid), process);
    process->ppid = ppid;
    process->fork_ns = time_ns;
    process->fork_seen = true;
    process_emit_fact(core, process);
    return process;
}
