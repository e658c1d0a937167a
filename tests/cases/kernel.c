#include "kernel.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS = 3, THREADS = 256, PROCESSES = 48, FDS = 8, FILES = 1024, ROWS = 1024, CALLS = 12 };

enum call {
    CALL_NONE = -1,
    CALL_READ,
    CALL_WRITE,
    CALL_OPENAT,
    CALL_CLOSE,
    CALL_DUP2,
    CALL_PIPE2,
    CALL_CLONE,
    CALL_EXECVE,
    CALL_FUTEX,
    CALL_EXIT,
    CALL_EXIT_GROUP,
    CALL_SOCKET
};
static const char *const names[CALLS] = {"read",  "write", "openat",     "close",
                                         "dup2",  "pipe2", "clone",      "execve",
                                         "futex", "exit",  "exit_group", "socket"};

/* Where time went. */
struct times {
    uint64_t user, sys, runnable, blocked_in[CALLS + 1]; /* the last: in no call */
};

enum where { RUNNING, RUNNABLE, BLOCKED };

/* One life of a tid. */
struct life {
    int tid, pid, process; /* process: its index */
    char name[16];
    uint64_t begin, end, cpu_ns, last;
    bool begin_hard, exited, gone;
    unsigned switches;
    enum where where;
    bool started; /* its state is known */
    int cpu;
    uint64_t run_begin, since, wake;
    bool run_is_whole, breath_due;
    uint64_t latency_count, latency_total;
    enum call call;
    uint64_t entry;
    int fd, file; /* of the call: number, and index of the file it is bound to */
    unsigned path;
    bool cloexec;
    bool in_phase_call;
    bool phase;
    uint64_t phase_begin;
    struct times times, at_begin;
    unsigned phase_calls;
};

/* One descriptor's life. */
struct file {
    int pid, fd;
    const char *kind;
    char name[8];
    uint64_t begin, end, total;
    bool soft, cloexec;
    unsigned calls, read_bytes, write_bytes;
};

struct process {
    int pid, ppid, alive;
    char name[16];
    int open[FDS]; /* index of the file, -1 */
    uint64_t begin, end, cpu_ns;
    bool begin_hard, over;
    unsigned threads;
    uint64_t phase_count, phase_total, phase_unknown, phase_calls;
    struct times phase_times;
};

struct row {
    int pid;
    bool in_phase;
    enum call call;
    uint64_t count, total, end_unknown;
};

struct kernel {
    uint64_t random, now;
    FILE *out;
    struct life lives[THREADS];
    struct process processes[PROCESSES];
    struct file files[FILES];
    struct row rows[ROWS];
    size_t life_count, process_count, file_count, row_count;
    int current[CPUS];                                 /* index of a life, -1 */
    uint64_t busy[CPUS], idle[CPUS], idle_since[CPUS]; /* 0: no switch was seen yet */
    int next_tid;
    unsigned next_name;
};

static uint64_t below(struct kernel *kernel, uint64_t bound)
{
    kernel->random ^= kernel->random >> 12;
    kernel->random ^= kernel->random << 25;
    kernel->random ^= kernel->random >> 27;
    return kernel->random * UINT64_C(2685821657736338717) % bound;
}

/* --- its books --- */

static struct row *row_of(struct kernel *kernel, int pid, bool in_phase, enum call call)
{
    for (size_t i = 0; i < kernel->row_count; i++) {
        struct row *row = &kernel->rows[i];
        if (row->pid == pid && row->in_phase == in_phase && row->call == call)
            return row;
    }
    assert(kernel->row_count < ROWS);
    struct row *row = &kernel->rows[kernel->row_count++];
    *row = (struct row){.pid = pid, .in_phase = in_phase, .call = call};
    return row;
}

/* Charges the time since the last change. */
static void charge(struct kernel *kernel, struct life *life)
{
    uint64_t ns = kernel->now - life->since;
    life->since = kernel->now;
    if (!life->started)
        return;
    if (life->where == RUNNING)
        *(life->call == CALL_NONE ? &life->times.user : &life->times.sys) += ns;
    else if (life->where == RUNNABLE)
        life->times.runnable += ns;
    else
        life->times.blocked_in[life->call == CALL_NONE ? CALLS : (int)life->call] += ns;
}

static uint64_t times_sum(const struct times *times)
{
    uint64_t sum = times->user + times->sys + times->runnable;
    for (size_t i = 0; i <= CALLS; i++)
        sum += times->blocked_in[i];
    return sum;
}

static int new_file(struct kernel *kernel, int pid, int fd, const char *kind, const char *name)
{
    assert(kernel->file_count < FILES);
    struct file *file = &kernel->files[kernel->file_count];
    *file = (struct file){.pid = pid, .fd = fd, .kind = kind, .begin = kernel->now};
    snprintf(file->name, sizeof file->name, "%s", name);
    return (int)kernel->file_count++;
}

static int free_fd(const struct process *process)
{
    for (int fd = 0; fd < FDS; fd++)
        if (process->open[fd] < 0)
            return fd;
    return -1;
}

static void end_file(struct kernel *kernel, struct process *process, int fd)
{
    kernel->files[process->open[fd]].end = kernel->now;
    process->open[fd] = -1;
}

static struct process *new_process(struct kernel *kernel, int pid, int ppid, const char *name)
{
    assert(kernel->process_count < PROCESSES);
    struct process *process = &kernel->processes[kernel->process_count++];
    *process = (struct process){.pid = pid, .ppid = ppid, .begin = kernel->now};
    snprintf(process->name, sizeof process->name, "%s", name);
    for (int fd = 0; fd < FDS; fd++)
        process->open[fd] = -1;
    return process;
}

static struct life *new_life(struct kernel *kernel, int tid, struct process *process,
                             const char *name)
{
    assert(kernel->life_count < THREADS);
    struct life *life = &kernel->lives[kernel->life_count++];
    *life = (struct life){.tid = tid,
                          .pid = process->pid,
                          .process = (int)(process - kernel->processes),
                          .begin = kernel->now,
                          .last = kernel->now,
                          .where = BLOCKED,
                          .since = kernel->now,
                          .cpu = -1,
                          .call = CALL_NONE,
                          .file = -1};
    snprintf(life->name, sizeof life->name, "%s", name);
    process->alive++;
    process->threads++;
    return life;
}

/* --- events --- */

/* Each event has a different time. */
static void event(struct kernel *kernel, int cpu)
{
    kernel->now += 1 + below(kernel, 9);
    fprintf(kernel->out, "  %" PRIu64 " cpu%d ", kernel->now, cpu);
    if (cpu < CPUS && kernel->current[cpu] >= 0)
        kernel->lives[kernel->current[cpu]].last = kernel->now;
}

static void switch_to(struct kernel *kernel, int cpu, int next, unsigned state)
{
    struct life *out = kernel->current[cpu] < 0 ? NULL : &kernel->lives[kernel->current[cpu]];
    struct life *in = next < 0 ? NULL : &kernel->lives[next];
    event(kernel, cpu);
    fprintf(kernel->out, "sched_switch prev_tid=%d prev_state=%u next_tid=%d\n", out ? out->tid : 0,
            state, in ? in->tid : 0);
    if (out) {
        charge(kernel, out);
        uint64_t ns = kernel->now - out->run_begin;
        out->cpu_ns += ns;
        kernel->busy[cpu] += ns;
        kernel->processes[out->process].cpu_ns += ns;
        out->where = state == 0 || state == 256 ? RUNNABLE : BLOCKED;
        out->cpu = -1;
        out->gone = out->exited;
    } else if (kernel->idle_since[cpu] > 0) {
        kernel->idle[cpu] += kernel->now - kernel->idle_since[cpu];
    }
    kernel->idle_since[cpu] = in ? 0 : kernel->now;
    if (in) {
        charge(kernel, in);
        if (in->wake) {
            in->latency_count++;
            in->latency_total += kernel->now - in->wake;
            in->wake = 0;
        }
        in->started = true;
        in->where = RUNNING;
        in->cpu = cpu;
        in->switches++;
        in->run_begin = kernel->now;
        in->last = kernel->now;
    }
    kernel->current[cpu] = next;
}

static void wake(struct kernel *kernel, int cpu, struct life *life, const char *how)
{
    event(kernel, cpu);
    fprintf(kernel->out, "%s tid=%d\n", how, life->tid);
    charge(kernel, life);
    life->where = RUNNABLE;
    life->started = true;
    life->wake = kernel->now;
    life->last = kernel->now;
}

/* --- calls --- */

static bool changes_table(enum call call)
{
    return call == CALL_OPENAT || call == CALL_CLOSE || call == CALL_DUP2 || call == CALL_PIPE2 ||
           call == CALL_SOCKET || call == CALL_CLONE || call == CALL_EXECVE;
}

/* Whether another thread of the process is in a call that changes the table. */
static bool table_is_busy(const struct kernel *kernel, const struct life *life)
{
    for (size_t i = 0; i < kernel->life_count; i++) {
        const struct life *other = &kernel->lives[i];
        if (other != life && !other->exited && other->process == life->process &&
            other->call != CALL_NONE && changes_table(other->call))
            return true;
    }
    return false;
}

/* Whether all other threads of its process are over, and switched out. */
static bool is_alone(const struct kernel *kernel, const struct life *life)
{
    for (size_t i = 0; i < kernel->life_count; i++) {
        const struct life *other = &kernel->lives[i];
        if (other != life && other->process == life->process && !other->gone)
            return false;
    }
    return true;
}

static int any_open(struct kernel *kernel, const struct process *process)
{
    int fd = (int)below(kernel, FDS);
    return process->open[fd] >= 0 ? fd : -1;
}

static void enter(struct kernel *kernel, int cpu, struct life *life, enum call call)
{
    struct process *process = &kernel->processes[life->process];
    int fd = any_open(kernel, process), other = (int)below(kernel, FDS);
    bool needs_fd =
        call == CALL_READ || call == CALL_WRITE || call == CALL_CLOSE || call == CALL_DUP2;
    if ((needs_fd && fd < 0) || (changes_table(call) && table_is_busy(kernel, life)))
        return;
    if ((call == CALL_CLONE && kernel->life_count + THREADS / 4 > THREADS) ||
        (call == CALL_EXECVE && !is_alone(kernel, life)) ||
        (call == CALL_EXIT_GROUP && process->alive > 1) || kernel->file_count + FILES / 4 > FILES)
        return;
    event(kernel, cpu);
    fprintf(kernel->out, "syscall_entry_%s", names[call]);
    charge(kernel, life);
    life->call = call;
    life->entry = kernel->now;
    life->fd = fd;
    life->file = needs_fd ? process->open[fd] : -1;
    life->in_phase_call = life->phase;
    switch (call) {
    case CALL_READ:
    case CALL_WRITE: fprintf(kernel->out, " fd=%d", fd); break;
    case CALL_CLOSE:
        fprintf(kernel->out, " fd=%d", fd);
        end_file(kernel, process, fd);
        break;
    case CALL_DUP2:
        fprintf(kernel->out, " oldfd=%d newfd=%d", fd, other);
        life->fd = fd + FDS * other;
        break;
    case CALL_OPENAT:
        life->path = ++kernel->next_name;
        life->cloexec = below(kernel, 2);
        fprintf(kernel->out, " filename=f%u flags=%s", life->path, life->cloexec ? "0x80000" : "0");
        break;
    case CALL_PIPE2:
    case CALL_SOCKET: fprintf(kernel->out, call == CALL_PIPE2 ? " flags=0" : " type=1"); break;
    case CALL_CLONE: fprintf(kernel->out, " flags=0x11"); break;
    case CALL_NONE:
    case CALL_EXECVE:
    case CALL_FUTEX:
    case CALL_EXIT:
    case CALL_EXIT_GROUP: break;
    }
    fprintf(kernel->out, "\n");
}

/* A call with an exit: counted where its entry was. */
static void complete(struct kernel *kernel, struct life *life, int64_t ret)
{
    struct row *row = row_of(kernel, life->pid, life->in_phase_call, life->call);
    uint64_t ns = kernel->now - life->entry;
    row->count++;
    row->total += ns;
    if (life->in_phase_call)
        life->phase_calls++;
    if (life->file >= 0) {
        struct file *file = &kernel->files[life->file];
        file->calls++;
        file->total += ns;
        if (ret > 0 && life->call == CALL_READ)
            file->read_bytes += (unsigned)ret;
        if (ret > 0 && life->call == CALL_WRITE)
            file->write_bytes += (unsigned)ret;
    }
    charge(kernel, life);
    life->call = CALL_NONE;
    life->file = -1;
}

static void leave_with(struct kernel *kernel, int cpu, struct life *life, int64_t ret)
{
    enum call call = life->call;
    event(kernel, cpu);
    fprintf(kernel->out, "syscall_exit_%s ret=%" PRId64, names[call], ret);
    complete(kernel, life, ret);
}

static void put(struct kernel *kernel, struct life *life, int fd, const char *kind,
                const char *name)
{
    kernel->processes[life->process].open[fd] = new_file(kernel, life->pid, fd, kind, name);
}

static void duplicate(struct kernel *kernel, int cpu, struct life *life)
{
    struct process *process = &kernel->processes[life->process];
    int from = life->fd % FDS, to = life->fd / FDS;
    struct file source = kernel->files[life->file];
    leave_with(kernel, cpu, life, to);
    fprintf(kernel->out, "\n");
    if (from == to)
        return;
    if (process->open[to] >= 0)
        end_file(kernel, process, to);
    put(kernel, life, to, source.kind, source.name);
}

static void fork_child(struct kernel *kernel, int cpu, struct life *life)
{
    struct process *parent = &kernel->processes[life->process];
    bool is_thread = below(kernel, 2) || kernel->process_count == PROCESSES;
    int tid = kernel->next_tid++;
    event(kernel, cpu);
    fprintf(kernel->out,
            "sched_process_fork parent_tid=%d parent_pid=%d child_comm=%s child_tid=%d "
            "child_pid=%d\n",
            life->tid, life->pid, life->name, tid, is_thread ? life->pid : tid);
    struct process *process = parent;
    if (!is_thread) {
        process = new_process(kernel, tid, life->pid, life->name);
        process->begin_hard = true;
        for (int fd = 0; fd < FDS; fd++)
            if (parent->open[fd] >= 0) {
                struct file *source = &kernel->files[parent->open[fd]];
                process->open[fd] = new_file(kernel, tid, fd, source->kind, source->name);
                kernel->files[process->open[fd]].cloexec = source->cloexec;
            }
    }
    struct life *child = new_life(kernel, tid, process, life->name);
    child->begin_hard = child->breath_due = true;
    wake(kernel, cpu, child, "sched_wakeup_new");
    leave_with(kernel, cpu, life, tid);
    fprintf(kernel->out, "\n");
}

static void end_phase(struct kernel *kernel, struct life *life)
{
    if (life->phase)
        kernel->processes[life->process].phase_unknown++;
    life->phase = false;
}

static void exec(struct kernel *kernel, int cpu, struct life *life)
{
    struct process *process = &kernel->processes[life->process];
    event(kernel, cpu);
    fprintf(kernel->out, "sched_process_exec filename=/bin/p%d tid=%d old_tid=%d\n",
            kernel->next_tid, life->pid, life->tid);
    end_phase(kernel, life);
    for (int fd = 0; fd < FDS; fd++)
        if (process->open[fd] >= 0 && kernel->files[process->open[fd]].cloexec)
            end_file(kernel, process, fd);
    if (life->tid != life->pid) {
        /* The leader's tid continues as the thread of the caller. */
        struct life *successor = new_life(kernel, life->pid, process, life->name);
        enum call call = life->call;
        charge(kernel, life);
        successor->begin_hard = successor->started = true;
        successor->where = RUNNING;
        successor->cpu = cpu;
        successor->run_begin = life->run_begin;
        successor->call = call;
        successor->entry = life->entry;
        successor->in_phase_call = life->in_phase_call;
        life->exited = life->gone = true;
        life->end = kernel->now;
        life->call = CALL_NONE;
        process->alive--;
        kernel->current[cpu] = (int)(successor - kernel->lives);
        life = successor;
    }
    snprintf(life->name, sizeof life->name, "p%d", kernel->next_tid);
    snprintf(process->name, sizeof process->name, "p%d", kernel->next_tid);
    leave_with(kernel, cpu, life, 0);
    fprintf(kernel->out, "\n");
}

static void exit_thread(struct kernel *kernel, int cpu, struct life *life)
{
    struct process *process = &kernel->processes[life->process];
    event(kernel, cpu);
    fprintf(kernel->out, "sched_process_exit tid=%d\n", life->tid);
    charge(kernel, life);
    row_of(kernel, life->pid, life->in_phase_call, life->call)->end_unknown++;
    life->call = CALL_NONE;
    life->exited = true;
    life->end = kernel->now;
    end_phase(kernel, life);
    if (--process->alive == 0) {
        process->over = true;
        process->end = kernel->now;
        for (int fd = 0; fd < FDS; fd++)
            if (process->open[fd] >= 0)
                end_file(kernel, process, fd);
    }
}

static void leave(struct kernel *kernel, int cpu, struct life *life)
{
    struct process *process = &kernel->processes[life->process];
    char name[8];
    int fd = free_fd(process);
    switch (life->call) {
    case CALL_OPENAT: {
        bool fails = fd < 0 || below(kernel, 5) == 0;
        leave_with(kernel, cpu, life, fails ? -2 : fd);
        fprintf(kernel->out, "\n");
        snprintf(name, sizeof name, "f%u", life->path);
        if (!fails) {
            put(kernel, life, fd, "file", name);
            kernel->files[process->open[fd]].cloexec = life->cloexec;
        }
        break;
    }
    case CALL_SOCKET:
        leave_with(kernel, cpu, life, fd < 0 ? -24 : fd);
        fprintf(kernel->out, "\n");
        if (fd >= 0)
            put(kernel, life, fd, "socket", "");
        break;
    case CALL_PIPE2: {
        if (fd >= 0)
            process->open[fd] = 0; /* used, while the other one is looked for */
        int other = free_fd(process);
        if (fd >= 0)
            process->open[fd] = -1;
        leave_with(kernel, cpu, life, other < 0 ? -24 : 0);
        if (other >= 0)
            fprintf(kernel->out, " fildes=[%d,%d]", fd, other);
        fprintf(kernel->out, "\n");
        if (other >= 0) {
            put(kernel, life, fd, "pipe", "");
            put(kernel, life, other, "pipe", "");
        }
        break;
    }
    case CALL_DUP2: duplicate(kernel, cpu, life); break;
    case CALL_CLONE: fork_child(kernel, cpu, life); break;
    case CALL_EXECVE: exec(kernel, cpu, life); break;
    case CALL_EXIT:
    case CALL_EXIT_GROUP: exit_thread(kernel, cpu, life); break;
    case CALL_READ:
    case CALL_WRITE:
        leave_with(kernel, cpu, life, below(kernel, 4) ? (int64_t)below(kernel, 100) : -11);
        fprintf(kernel->out, "\n");
        break;
    case CALL_CLOSE:
    case CALL_FUTEX:
        leave_with(kernel, cpu, life, 0);
        fprintf(kernel->out, "\n");
        break;
    case CALL_NONE: break;
    }
}

/* --- steps --- */

static void user_event(struct kernel *kernel, int cpu, struct life *life)
{
    struct process *process = &kernel->processes[life->process];
    event(kernel, cpu);
    fprintf(kernel->out, "ust app:%s @vtid=%d @vpid=%d id=%d\n", life->phase ? "end" : "begin",
            life->tid, life->pid, life->tid);
    charge(kernel, life);
    if (!life->phase) {
        life->phase = true;
        life->phase_begin = kernel->now;
        life->at_begin = life->times;
        life->phase_calls = 0;
        return;
    }
    life->phase = false;
    process->phase_count++;
    process->phase_total += kernel->now - life->phase_begin;
    process->phase_calls += life->phase_calls;
    process->phase_times.user += life->times.user - life->at_begin.user;
    process->phase_times.sys += life->times.sys - life->at_begin.sys;
    process->phase_times.runnable += life->times.runnable - life->at_begin.runnable;
    for (size_t i = 0; i <= CALLS; i++)
        process->phase_times.blocked_in[i] +=
            life->times.blocked_in[i] - life->at_begin.blocked_in[i];
}

/* A life that waits for a CPU, or -1; `blocked`: that waits to be woken. */
static int pick(struct kernel *kernel, bool blocked)
{
    size_t first = (size_t)below(kernel, kernel->life_count);
    for (size_t i = 0; i < kernel->life_count; i++) {
        size_t at = (first + i) % kernel->life_count;
        const struct life *life = &kernel->lives[at];
        if (!life->gone && !life->exited && life->cpu < 0 && (life->where == BLOCKED) == blocked)
            return (int)at;
    }
    return -1;
}

static void step(struct kernel *kernel)
{
    int cpu = (int)below(kernel, CPUS), current = kernel->current[cpu];
    uint64_t what = below(kernel, 100);
    struct life *life = current < 0 ? NULL : &kernel->lives[current];
    if (what < 15) {
        int sleeper = pick(kernel, true);
        if (sleeper >= 0)
            wake(kernel, cpu, &kernel->lives[sleeper], what < 10 ? "sched_waking" : "sched_wakeup");
        return;
    }
    if (!life || life->exited) {
        int next = pick(kernel, false);
        if (next >= 0 || life)
            switch_to(kernel, cpu, next, life ? 16 : 0);
        return;
    }
    if (life->breath_due) {
        event(kernel, cpu);
        fprintf(kernel->out, "syscall_exit_clone ret=0\n");
        life->breath_due = false;
    } else if (what < 25) {
        switch_to(kernel, cpu, pick(kernel, false), what < 20 ? 256 : 0);
    } else if (life->call != CALL_NONE) {
        bool may_block =
            life->call == CALL_READ || life->call == CALL_WRITE || life->call == CALL_FUTEX;
        if (what < 45 && may_block)
            switch_to(kernel, cpu, pick(kernel, false), what < 40 ? 1 : 2);
        else
            leave(kernel, cpu, life);
    } else if (what < 40) {
        user_event(kernel, cpu, life);
    } else {
        enum call call = (enum call)below(kernel, CALLS);
        bool ends = call == CALL_EXIT || call == CALL_EXIT_GROUP || call == CALL_EXECVE;
        if (!ends || below(kernel, 4) == 0)
            enter(kernel, cpu, life, call);
    }
}

/* --- what a report must say --- */

static const char *hard(bool is_hard)
{
    return is_hard ? "hard" : "soft";
}

static void expect_lives(struct kernel *kernel)
{
    for (size_t i = 0; i < kernel->life_count; i++) {
        const struct life *life = &kernel->lives[i];
        struct process *process = &kernel->processes[life->process];
        uint64_t end = life->exited ? life->end : life->last;
        if (!process->over && end > process->end)
            process->end = end;
        fprintf(kernel->out,
                "  {\"type\":\"thread\",\"tid\":%d,\"begin_ns\":%" PRIu64
                ",\"pid\":%d,\"name\":\"%s\",\"begin\":\"%s\",\"end_ns\":%" PRIu64
                ",\"end\":\"%s\",\"cpu_ns\":%" PRIu64 ",\"switches\":%u}\n",
                life->tid, life->begin, life->pid, life->name, hard(life->begin_hard), end,
                hard(life->exited), life->cpu_ns, life->switches);
        if (life->latency_count)
            fprintf(kernel->out,
                    "  {\"type\":\"sched\",\"tid\":%d,\"begin_ns\":%" PRIu64 ",\"count\":%" PRIu64
                    ",\"total_ns\":%" PRIu64 "}\n",
                    life->tid, life->begin, life->latency_count, life->latency_total);
    }
}

static void expect_phase(struct kernel *kernel, const struct process *process)
{
    const struct times *times = &process->phase_times;
    if (!process->phase_count && !process->phase_unknown)
        return;
    assert(times_sum(times) == process->phase_total);
    fprintf(kernel->out,
            "  {\"type\":\"phase\",\"pid\":%d,\"phase\":\"work\",\"count\":%" PRIu64
            ",\"total_ns\":%" PRIu64 ",\"user_cpu_ns\":%" PRIu64 ",\"sys_cpu_ns\":%" PRIu64
            ",\"runnable_ns\":%" PRIu64 ",\"unknown_ns\":0,\"begin_unknown\":0,"
            "\"end_unknown\":%" PRIu64 ",\"syscalls\":%" PRIu64 ",\"blocked_by\":{",
            process->pid, process->phase_count, process->phase_total, times->user, times->sys,
            times->runnable, process->phase_unknown, process->phase_calls);
    const char *comma = "";
    for (size_t i = 0; i <= CALLS; i++)
        if (times->blocked_in[i]) {
            fprintf(kernel->out, "%s\"%s\":%" PRIu64, comma, i == CALLS ? "" : names[i],
                    times->blocked_in[i]);
            comma = ",";
        }
    fprintf(kernel->out, "}}\n");
}

static void expect_processes(struct kernel *kernel)
{
    for (size_t i = 0; i < kernel->process_count; i++) {
        const struct process *process = &kernel->processes[i];
        fprintf(kernel->out,
                "  {\"type\":\"process\",\"pid\":%d,\"begin_ns\":%" PRIu64
                ",\"process\":\"%s\",\"ppid\":%d,\"begin\":\"%s\",\"end_ns\":%" PRIu64
                ",\"end\":\"%s\",\"threads\":%u,\"cpu_ns\":%" PRIu64 "}\n",
                process->pid, process->begin, process->name, process->ppid,
                hard(process->begin_hard), process->end, hard(process->over), process->threads,
                process->cpu_ns);
        expect_phase(kernel, process);
    }
}

static void expect_files(struct kernel *kernel)
{
    for (size_t i = 0; i < kernel->file_count; i++) {
        const struct file *file = &kernel->files[i];
        char name[16] = "null", end[24] = "null";
        if (file->name[0])
            snprintf(name, sizeof name, "\"%s\"", file->name);
        if (file->end)
            snprintf(end, sizeof end, "%" PRIu64, file->end);
        fprintf(kernel->out,
                "  {\"type\":\"fd\",\"pid\":%d,\"fd\":%d,\"begin_ns\":%" PRIu64
                ",\"name\":%s,\"kind\":\"%s\",\"begin\":\"%s\",\"end_ns\":%s,\"end\":\"%s\","
                "\"calls\":%u,\"read_bytes\":%u,\"write_bytes\":%u,\"total_ns\":%" PRIu64 "}\n",
                file->pid, file->fd, file->begin, name, file->kind, hard(!file->soft), end,
                hard(file->end != 0), file->calls, file->read_bytes, file->write_bytes,
                file->total);
    }
}

static void expect_calls(struct kernel *kernel)
{
    for (size_t i = 0; i < kernel->life_count; i++) {
        const struct life *life = &kernel->lives[i];
        if (life->call != CALL_NONE)
            row_of(kernel, life->pid, life->in_phase_call, life->call)->end_unknown++;
        if (life->phase)
            kernel->processes[life->process].phase_unknown++;
        /* A close without an exit closes nothing, unless its number was assigned again. */
        if (life->call == CALL_CLOSE && kernel->processes[life->process].open[life->fd] < 0)
            kernel->files[life->file].end = 0;
    }
    for (size_t i = 0; i < kernel->row_count; i++) {
        const struct row *row = &kernel->rows[i];
        fprintf(kernel->out,
                "  {\"type\":\"syscall\",\"pid\":%d,\"phase\":\"%s\",\"syscall\":\"%s\",\"count\":"
                "%" PRIu64 ",\"total_ns\":%" PRIu64 ",\"begin_unknown\":0,\"end_unknown\":%" PRIu64
                "}\n",
                row->pid, row->in_phase ? "work" : "", names[row->call], row->count, row->total,
                row->end_unknown);
    }
}

static void expect_all(struct kernel *kernel)
{
    fprintf(kernel->out, "expect:\n");
    expect_calls(kernel);
    expect_lives(kernel);
    expect_processes(kernel);
    expect_files(kernel);
    for (int cpu = 0; cpu < CPUS; cpu++)
        fprintf(kernel->out,
                "  {\"type\":\"cpu\",\"cpu\":%d,\"busy_ns\":%" PRIu64 ",\"idle_ns\":%" PRIu64 "}\n",
                cpu, kernel->busy[cpu], kernel->idle[cpu]);
    fprintf(kernel->out, "  all thread, process, fd, syscall, phase, sched\n");
}

/* Threads 10 and 11 of process 10, and process 20, each with one open file. All wait for a CPU. */
static void dump_state(struct kernel *kernel)
{
    static const int tids[] = {10, 11, 20}, pids[] = {10, 10, 20};
    struct process *process = NULL;
    for (size_t i = 0; i < 3; i++) {
        event(kernel, 9);
        fprintf(kernel->out,
                "lttng_statedump_process_state tid=%d pid=%d ppid=1 name=init status=5 "
                "file_table_address=%d\n",
                tids[i], pids[i], 4096 + pids[i]);
        bool is_leader = tids[i] == pids[i];
        if (is_leader)
            process = new_process(kernel, pids[i], 1, "init");
        assert(process);
        struct life *life = new_life(kernel, tids[i], process, "init");
        life->where = RUNNABLE;
        if (!is_leader)
            continue;
        event(kernel, 9);
        fprintf(kernel->out,
                "lttng_statedump_file_descriptor file_table_address=%d fd=0 flags=0 "
                "filename=/tty\n",
                4096 + pids[i]);
        process->open[0] = new_file(kernel, pids[i], 0, "file", "/tty");
        kernel->files[process->open[0]].soft = true;
    }
    for (int cpu = 0; cpu < CPUS; cpu++) {
        kernel->current[cpu] = -1;
        switch_to(kernel, cpu, cpu, 0);
    }
}

char *kernel_case(uint64_t seed, size_t steps)
{
    static const char phases[] = "phases:\n"
                                 "  phases:\n"
                                 "    - name: work\n"
                                 "      begin: app:begin\n"
                                 "      end: app:end\n"
                                 "      match: [id]\n"
                                 "events:\n";
    char *text = NULL;
    size_t size = 0;
    struct kernel *kernel = calloc(1, sizeof *kernel);
    FILE *out = open_memstream(&text, &size);
    if (!kernel || !out)
        abort();
    kernel->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    kernel->out = out;
    kernel->next_tid = 30;
    fprintf(out, "# Kernel %" PRIu64 ", %zu steps.\n%s", seed, steps, phases);
    dump_state(kernel);
    for (size_t i = 0; i < steps; i++)
        step(kernel);
    expect_all(kernel);
    fclose(out);
    free(kernel);
    return text;
}
