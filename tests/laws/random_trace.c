#include "random_trace.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { CPUS = 3, TIDS = 9, FDS = 5, WIDE_TIDS = 24, WIDE_FDS = 70, IDS = 2, VECS = 3, IRQS = 2 };
enum { HANDED = 4, HANDED_PARTS = 3 };

const char random_trace_phases[] = "phases:\n"
                                   "  - name: request\n"
                                   "    begin: app:begin\n"
                                   "    end: app:end\n"
                                   "    match: [id]\n"
                                   "    capture: [path]\n"
                                   "    segments: $name\n"
                                   "    keep: 2\n"
                                   "    keep_over: 90ns\n"
                                   "  - name: $name\n"
                                   "    parent: request\n"
                                   "    begin: app:part_begin\n"
                                   "    end: app:part_end\n"
                                   "    match: [id, name]\n"
                                   "    capture: [name]\n"
                                   "    keep: 1\n"
                                   "  - name: irq\n"
                                   "    begin: irq_handler_entry\n"
                                   "    end: irq_handler_exit\n"
                                   "    match: [irq]\n"
                                   "    keep: 0\n"
                                   "    keep_over: 9ns\n"
                                   "  - name: turn\n"
                                   "    begin: sched_switch\n"
                                   "    end: sched_wakeup_new\n"
                                   "    keep: 3\n"
                                   "  - name: work\n"
                                   "    begin: syscall_entry_read\n"
                                   "    end: sched_switch\n";

const char random_trace_handed_phases[] = "phases:\n"
                                          "  - name: request\n"
                                          "    begin: app:begin\n"
                                          "    end: app:end\n"
                                          "    match: [id]\n"
                                          "    segments: $name\n"
                                          "    keep: 2\n"
                                          "  - name: $name\n"
                                          "    parent: request\n"
                                          "    begin: app:part_begin\n"
                                          "    end: app:part_end\n"
                                          "    match: [id, name]\n"
                                          "    timeout: 2us\n";

const char *const random_trace_counts[RANDOM_TRACE_COUNTS] = {
    "",
    /* of user-space events, and of a few kernel events */
    "counts:\n"
    "  - {name: things, event: 'app:*', by: [id, phase, call, thread], value: id}\n"
    "  - {name: some, event: 'app:*in', by: [process, cpu, $ctx.vtid, host], value: path,\n"
    "     where: '$evt.id == 1 || !($evt.$ctx.vtid != 3 && $evt.id >= 1)'}\n"
    "  - {name: irqs, event: irq_handler_entry, by: [irq, cpu, thread, phase]}\n"
    "  - {name: waits, event: syscall_entry_futex, by: [call, phase]}\n"
    /* and spans: pairs with all kinds of subjects, and of events that are begin and end at once */
    "spans:\n"
    "  - {name: app, begin: 'app:*begin', end: 'app:*end', match: [id], by: [id, cpu, thread, "
    "phase]}\n"
    "  - {name: threads, begin: 'app:*', end: 'app:*', on: thread, by: [process, thread, call]}\n"
    "  - {name: processes, begin: 'app:begin', end: 'app:*', on: process, match: [id],\n"
    "     end_where: '$evt.id == 1', by: [process, phase], timeout: 300ns}\n"
    "  - {name: irqs of cpus, begin: irq_handler_entry, end: irq_handler_exit, on: cpu,\n"
    "     match: [irq], by: [irq, cpu, thread]}\n"
    "  - {name: handlers, begin: irq_handler_entry, end: irq_handler_exit, match: [irq], timeout: "
    "40ns}\n"
    "  - {name: waits of threads, begin: 'syscall_entry_*', end: 'syscall_exit_*', on: thread,\n"
    "     by: [thread, call, phase]}\n",
    /* of all */
    "counts:\n"
    "  - {name: all, event: '*'}\n"
    "  - {name: phases, event: '*', by: [phase]}\n"
    "  - {name: calls, event: 'sys*', by: [call, process]}\n"
    "  - {name: sched, event: 'sched_*', by: [thread, cpu, phase, call, event]}\n"
    "  - {name: part, event: 'app:part*', by: [phase, name], where: '$evt.name =* \"p*\"'}\n"
    "spans:\n"
    "  - {name: any, begin: '*', end: '*', by: [phase, event]}\n"
    "  - {name: all of threads, begin: '*', end: 'sched_*', on: thread, by: [call, phase]}\n"
    "  - {name: all of processes, begin: 'sched_*', end: '*', on: process, by: [process]}\n"
    "  - {name: all of cpus, begin: 'sched_*', end: '*', on: cpu, by: [thread, process, host]}\n"
    "  - {name: names, begin: 'app:part_begin', end: 'app:part_end', match: [name], by: [name],\n"
    "     on: process}\n"
    "  - {name: queue, begin: 'sched_wak*', end: sched_switch, match: [tid=next_tid], by: [cpu]}\n",
    /* as before, with further definitions: only equal definitions continue when definitions
     * change */
    "spans:\n"
    "  - {name: app, begin: 'app:*begin', end: 'app:*end', match: [id], by: [id, cpu, thread, "
    "phase]}\n"
    "  - {name: handlers, begin: irq_handler_entry, end: irq_handler_exit, match: [irq], timeout: "
    "40ns,\n"
    "     by: [phase]}\n",
};

const char *const random_trace_other_phases[RANDOM_TRACE_OTHERS] = {
    /* one without its parent, one removed; the others unchanged, in another order */
    "phases:\n"
    "  - name: work\n"
    "    begin: syscall_entry_read\n"
    "    end: sched_switch\n"
    "  - name: turn\n"
    "    begin: sched_switch\n"
    "    end: sched_wakeup_new\n"
    "    keep: 3\n"
    "  - name: $name\n"
    "    begin: app:part_begin\n"
    "    end: app:part_end\n"
    "    match: [id, name]\n"
    "    capture: [name]\n"
    "    keep: 1\n"
    "  - name: request\n"
    "    begin: app:begin\n"
    "    end: app:end\n"
    "    match: [id]\n",
    /* other definitions with the same names: other ends, other fields; and equal ones */
    "phases:\n"
    "  - name: request\n"
    "    begin: app:begin\n"
    "    end: app:part_end\n"
    "    match: [id]\n"
    "  - name: $name\n"
    "    parent: request\n"
    "    begin: app:part_begin\n"
    "    end: app:part_end\n"
    "    match: [id]\n"
    "  - name: turn\n"
    "    begin: sched_switch\n"
    "    end: sched_wakeup_new\n"
    "    keep: 3\n"
    "  - name: turn\n"
    "    begin: sched_switch\n"
    "    end: sched_wakeup_new\n",
    /* one changed only in what is captured */
    "phases:\n"
    "  - name: request\n"
    "    begin: app:begin\n"
    "    end: app:end\n"
    "    match: [id]\n"
    "    keep: 2\n"
    "    keep_over: 90ns\n"
    "    capture: [id]\n"
    "  - name: $name\n"
    "    parent: request\n"
    "    begin: app:part_begin\n"
    "    end: app:part_end\n"
    "    match: [id, name]\n",
    "phases: []\n",
};

struct generator {
    struct law_trace *trace;
    const struct random_trace_options *options;
    uint64_t random;
    uint64_t now;
    int32_t running[CPUS];        /* tid; 0 idle */
    unsigned softirq[CPUS][VECS]; /* the last event: raise, entry, exit */
    bool irq_runs[CPUS][IRQS];
    int32_t tids, fds; /* how many */
    const char *open[WIDE_TIDS + 1];
    uint64_t number;
    struct {
        bool open, parts[HANDED_PARTS];
    } handed[HANDED]; /* requests that threads hand on */
};

static uint64_t below(struct generator *generator, uint64_t bound)
{
    return law_random(&generator->random) % bound;
}

static bool chance(struct generator *generator, unsigned percent)
{
    return below(generator, 100) < percent;
}

static int32_t any_tid(struct generator *generator)
{
    return 1 + (int32_t)below(generator, (uint64_t)generator->tids);
}

static int32_t any_tid_or_idle(struct generator *generator)
{
    return (int32_t)below(generator, (uint64_t)generator->tids + 1);
}

static int64_t any_fd(struct generator *generator)
{
    return (int64_t)below(generator, (uint64_t)generator->fds);
}

static struct event event_of(struct generator *generator, enum domain domain, const char *name,
                             int32_t cpu)
{
    struct event event = {.time_ns = generator->now, .cpu = cpu, .domain = (uint8_t)domain};
    event.class = schema_class(generator->trace->schema, domain, text_of(name));
    event.kind = event.class->kind;
    event.call = event.class->call;
    return event;
}

static void set_value(struct event *event, unsigned slot, int64_t value)
{
    event->value[slot] = value;
    event->present |= (uint8_t)(1u << slot);
}

static void set_text(struct event *event, unsigned slot, const char *text)
{
    event->text[slot] = text_of(text);
    event->present |= (uint8_t)(1u << (EVENT_VALUES + slot));
}

/* The process of a thread; the same if called twice. */
static int32_t pid_of(int32_t tid)
{
    return tid <= 3 ? 1 : tid <= 5 ? 4 : tid <= TIDS ? tid : tid - tid % 4;
}

static void number_in_namespace(struct generator *generator, struct event *event)
{
    if (!chance(generator, 30))
        return;
    event->has |= EVENT_HAS_PID_NS;
    event->pid_ns = chance(generator, 30) ? PID_NS_ROOT : 7 + (uint32_t)below(generator, 2);
}

static void add_numbers(struct generator *generator, struct event *event)
{
    int32_t tid = event->cpu >= 0 && !chance(generator, 10) ? generator->running[event->cpu]
                                                            : any_tid(generator);
    if (chance(generator, 70)) {
        event->has |= EVENT_HAS_VTID;
        event->vtid = chance(generator, 20) ? 1 + (int32_t)below(generator, 2) : tid;
    }
    if (chance(generator, 60)) {
        event->has |= EVENT_HAS_VPID;
        event->vpid = pid_of(tid);
    }
    if (chance(generator, 20)) {
        event->has |= EVENT_HAS_PROCNAME;
        event->procname = text_of(chance(generator, 50) ? "here" : "there");
    }
    number_in_namespace(generator, event);
}

static void add(struct generator *generator, struct event *event)
{
    if (event->domain == DOMAIN_KERNEL && generator->options->numbers &&
        event->kind != EVENT_LOSS && chance(generator, 60))
        add_numbers(generator, event);
    if (event->domain == DOMAIN_KERNEL && generator->options->contexts && event->cpu >= 0 &&
        event->kind != EVENT_LOSS) {
        event->has |= EVENT_HAS_TID;
        event->tid = generator->running[event->cpu];
        if (chance(generator, 40)) {
            event->has |= EVENT_HAS_PID;
            event->pid = event->tid ? pid_of(event->tid) : 0;
        }
        if (chance(generator, 20)) {
            event->has |= EVENT_HAS_PROCNAME;
            event->procname = text_of(chance(generator, 50) ? "here" : "there");
        }
    }
    law_trace_add(generator->trace, event);
}

static const char *name_of(struct generator *generator, int32_t tid)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    return chance(generator, 5) ? "renamed" : names[tid % 10];
}

static bool is_running(const struct generator *generator, int32_t tid)
{
    for (int32_t cpu = 0; cpu < CPUS; cpu++)
        if (tid != 0 && generator->running[cpu] == tid)
            return true;
    return false;
}

static void add_switch(struct generator *generator, int32_t cpu)
{
    static const int64_t states[] = {0, 1, 2, 256, 1, 2, 0, 16, 32, 64, 128, 1024, 130};
    bool lie = chance(generator, generator->options->lies);
    int32_t prev = lie ? any_tid_or_idle(generator) : generator->running[cpu];
    int32_t next = any_tid_or_idle(generator);
    if (!lie && (next == prev || is_running(generator, next)))
        next = prev == 0 ? 0 : 0;
    if (!lie && prev == next)
        return;
    struct event event = event_of(generator, DOMAIN_KERNEL, "sched_switch", cpu);
    set_value(&event, 0, prev);
    set_value(&event, 1, states[below(generator, sizeof states / sizeof *states)]);
    set_value(&event, 2, next);
    set_text(&event, 0, name_of(generator, prev));
    set_text(&event, 1, name_of(generator, next));
    if (!chance(generator, generator->options->filtered))
        add(generator, &event);
    generator->running[cpu] = next;
}

static void add_wakeup(struct generator *generator, int32_t cpu)
{
    static const char *const names[] = {"sched_waking", "sched_wakeup", "sched_wakeup_new"};
    struct event event = event_of(generator, DOMAIN_KERNEL, names[below(generator, 3)], cpu);
    int32_t tid = any_tid(generator);
    set_value(&event, 0, tid);
    set_text(&event, 0, name_of(generator, tid));
    add(generator, &event);
}

static void add_life(struct generator *generator, int32_t cpu)
{
    int32_t running = generator->running[cpu];
    bool lie = chance(generator, generator->options->lies);
    int32_t tid = lie ? any_tid(generator) : running;
    struct event event;
    switch (below(generator, 4)) {
    case 0: {
        event = event_of(generator, DOMAIN_KERNEL, "sched_process_fork", cpu);
        int32_t child = any_tid(generator);
        int64_t vtids[2] = {child, 1};
        set_value(&event, 0, tid);
        set_value(&event, 1, pid_of(tid));
        set_value(&event, 2, child);
        set_value(&event, 3, pid_of(child));
        set_text(&event, 0, name_of(generator, tid));
        set_text(&event, 1, "child");
        event.ints = vtids;
        event.int_count = (uint16_t)below(generator, 3);
        add(generator, &event);
        return;
    }
    case 1: {
        event = event_of(generator, DOMAIN_KERNEL, "sched_process_exec", cpu);
        int32_t leader = lie && chance(generator, 30) ? any_tid(generator) : pid_of(tid);
        set_value(&event, 0, leader);
        set_value(&event, 1, tid);
        set_text(&event, 0, "/bin/executed");
        add(generator, &event);
        if (tid == running)
            generator->running[cpu] = leader;
        return;
    }
    default:
        event = event_of(generator, DOMAIN_KERNEL, "sched_process_exit", cpu);
        set_value(&event, 0, tid);
        set_text(&event, 0, name_of(generator, tid));
        add(generator, &event);
        return;
    }
}

static void add_dumped(struct generator *generator, int32_t cpu)
{
    struct event event;
    int32_t tid = any_tid(generator);
    switch (below(generator, 3)) {
    case 0:
        event = event_of(generator, DOMAIN_KERNEL, "lttng_statedump_process_state", cpu);
        set_value(&event, 0, tid);
        set_value(&event, 1, pid_of(tid));
        set_value(&event, 2, 1);
        set_value(&event, 3, chance(generator, 20) ? 7 : 5);
        set_value(&event, 4, 4096 + pid_of(tid));
        set_text(&event, 0, "told");
        break;
    case 1:
        event = event_of(generator, DOMAIN_KERNEL, "lttng_statedump_process_pid_ns", cpu);
        set_value(&event, 0, tid);
        set_value(&event, 1, any_tid(generator));
        set_value(&event, 2, 1);
        break;
    default:
        event = event_of(generator, DOMAIN_KERNEL, "lttng_statedump_file_descriptor", cpu);
        set_value(&event, 0, 4096 + pid_of(tid));
        set_value(&event, 2, any_fd(generator));
        set_value(&event, 3, 0);
        set_text(&event, 0, chance(generator, 50) ? "/told" : "pipe:[7]");
        break;
    }
    add(generator, &event);
}

static const char *const calls[] = {
    "read",         "read",       "write",     "read",       "openat", "openat",
    "close",        "close",      "dup",       "dup2",       "dup3",   "fcntl",
    "close_range",  "socketpair", "epoll_ctl", "sendfile64", "clone",  "futex",
    "rt_sigreturn", "socket",     "signalfd4", "execve",     "mmap",   "unshare"};

static void fill_entry(struct generator *generator, struct event *event, int64_t fd)
{
    static const int64_t commands[] = {0, 1030, 2, 1};
    enum call_op op = event->call->role->op;
    set_value(event, 0, fd);
    set_value(event, 1, any_fd(generator));
    if (op == CALL_FCNTL)
        set_value(event, 1, commands[below(generator, 4)]);
    if (op == CALL_PLAIN && strcmp(event->call->name, "epoll_ctl") != 0)
        event->present = 1;
    set_value(event, 2, (int64_t)(chance(generator, 40) ? 02000000 : below(generator, 8)));
    if (op == CALL_CLONE || op == CALL_UNSHARE)
        set_value(event, 2, chance(generator, 50) ? 0x400 : 0);
    set_value(event, 3, (int64_t)below(generator, 2));
    if (op == CALL_SIGNALFD)
        set_value(event, 3, -1);
    if (op == CALL_CREATE)
        set_text(event, 0, chance(generator, 50) ? "/etc/one" : "/etc/two");
}

static void add_call(struct generator *generator, int32_t cpu)
{
    int32_t tid = generator->running[cpu];
    bool lie = chance(generator, generator->options->lies);
    bool exits = tid > 0 && tid <= generator->tids && generator->open[tid];
    if (lie)
        exits = !exits;
    const char *call = exits && tid > 0 && tid <= generator->tids && generator->open[tid] && !lie
                           ? generator->open[tid]
                           : calls[below(generator, sizeof calls / sizeof *calls)];
    char name[64];
    snprintf(name, sizeof name, "syscall_%s_%s", exits ? "exit" : "entry", call);
    struct event event = event_of(generator, DOMAIN_KERNEL, name, cpu);
    int64_t pair[2] = {any_fd(generator), any_fd(generator)};
    if (exits) {
        static const int64_t errors[] = {-9, -9, -4, -2, -512};
        set_value(&event, 0,
                  chance(generator, 25) ? errors[below(generator, 5)] : any_fd(generator));
        if (event.call->role->op == CALL_CREATE_PAIR) {
            if (event.value[0] > 0)
                event.value[0] = 0;
            event.ints = pair;
            event.int_count = 2;
        }
        if (tid > 0 && tid <= generator->tids)
            generator->open[tid] = NULL;
    } else {
        fill_entry(generator, &event, any_fd(generator));
        if (tid > 0 && tid <= generator->tids)
            generator->open[tid] = strcmp(call, "rt_sigreturn") == 0 ? NULL : call;
    }
    add(generator, &event);
}

static void add_user(struct generator *generator, int32_t cpu)
{
    static const char *const names[] = {"app:begin", "app:end", "app:part_begin", "app:part_end",
                                        "app:something"};
    static const char *const parts[] = {"parse", "render"};
    struct event event = event_of(generator, DOMAIN_UST, names[below(generator, 5)], cpu);
    bool lie = chance(generator, generator->options->lies);
    int32_t tid = generator->running[cpu] && !lie ? generator->running[cpu] : any_tid(generator);
    if (!chance(generator, 10)) {
        event.has |= EVENT_HAS_VTID;
        event.vtid = chance(generator, 5) ? 1 : tid;
    }
    if (chance(generator, 80)) {
        event.has |= EVENT_HAS_VPID;
        event.vpid = pid_of(tid);
    }
    if (chance(generator, 30)) {
        event.has |= EVENT_HAS_PROCNAME;
        event.procname = text_of(chance(generator, 50) ? "app" : "worker");
    }
    if (generator->options->numbers) {
        static const char *const programs[] = {"", "shopd", "mailer"};
        if (chance(generator, 30))
            event.has &= (uint8_t)~EVENT_HAS_VTID;
        number_in_namespace(generator, &event);
        event.has |= EVENT_HAS_PROGRAM;
        event.program = text_of(programs[below(generator, 20) == 0 ? 2 : pid_of(tid) % 2]);
    }
    struct field_value fields[8];
    for (size_t i = 0; i < event.class->field_count; i++) {
        if (strcmp(event.class->fields[i], "id") == 0)
            fields[i] = (struct field_value){.type = FIELD_UINT, .u = below(generator, IDS)};
        else if (strcmp(event.class->fields[i], "path") == 0)
            fields[i] = event.time_ns & 2
                            ? (struct field_value){.type = FIELD_ABSENT}
                            : (struct field_value){.type = FIELD_UINT, .u = event.time_ns};
        else
            fields[i] = (struct field_value){.type = FIELD_TEXT,
                                             .text = text_of(parts[below(generator, 2)])};
    }
    event.fields = fields;
    event.field_count = (uint16_t)event.class->field_count;
    add(generator, &event);
}

/* Of requests and their parts, by any thread of a process with three threads. */
static void add_handed(struct generator *generator, int32_t cpu)
{
    static const char *const parts[HANDED_PARTS] = {"parse", "render", "send"};
    int32_t tid = generator->running[cpu];
    if (tid == 0 || tid > 3) {
        if (!generator->options->no_switches)
            add_switch(generator, cpu);
        return;
    }
    uint64_t id = below(generator, HANDED), part = below(generator, HANDED_PARTS);
    bool *request = &generator->handed[id].open, *of = &generator->handed[id].parts[part];
    bool is_part = *request ? !chance(generator, 12) : chance(generator, 5),
         *opens = is_part ? of : request;
    *opens = chance(generator, 1 + generator->options->lies) ? *opens : !*opens;
    const char *name =
        is_part ? (*opens ? "app:part_begin" : "app:part_end") : (*opens ? "app:begin" : "app:end");
    struct event event = event_of(generator, DOMAIN_UST, name, cpu);
    event.has |= EVENT_HAS_VTID | EVENT_HAS_VPID;
    event.vtid = tid;
    event.vpid = pid_of(tid);
    struct field_value fields[8];
    for (size_t i = 0; i < event.class->field_count; i++) {
        const char *field = event.class->fields[i];
        fields[i] = (struct field_value){.type = FIELD_ABSENT};
        if (strcmp(field, "id") == 0)
            fields[i] = (struct field_value){.type = FIELD_UINT, .u = 10 + id};
        else if (strcmp(field, "path") != 0)
            fields[i] = (struct field_value){.type = FIELD_TEXT, .text = text_of(parts[part])};
    }
    event.fields = fields;
    event.field_count = (uint16_t)event.class->field_count;
    add(generator, &event);
}

static void add_irq(struct generator *generator, int32_t cpu)
{
    static const char *const names[] = {"eth0", "ahci"};
    uint64_t irq = below(generator, IRQS);
    bool *runs = &generator->irq_runs[cpu][irq];
    *runs = chance(generator, generator->options->lies + 5) ? chance(generator, 50) : !*runs;
    struct event event =
        event_of(generator, DOMAIN_KERNEL, *runs ? "irq_handler_entry" : "irq_handler_exit", cpu);
    struct field_value field = {.type = FIELD_INT, .i = (int64_t)irq};
    event.fields = &field;
    event.field_count = (uint16_t)event.class->field_count;
    set_value(&event, 0, (int64_t)irq);
    if (*runs && chance(generator, 90))
        set_text(&event, 0, names[below(generator, 2)]);
    add(generator, &event);
}

/* Mostly in the order of a real machine, which sometimes raises an already raised softirq. */
static void add_softirq(struct generator *generator, int32_t cpu)
{
    static const char *const names[] = {"irq_softirq_raise", "irq_softirq_entry",
                                        "irq_softirq_exit"};
    uint64_t vec = below(generator, VECS);
    unsigned *last = &generator->softirq[cpu][vec];
    bool lie = chance(generator, generator->options->lies + 5);
    *last = lie ? (unsigned)below(generator, 3) : (*last + 1) % 3;
    struct event event = event_of(generator, DOMAIN_KERNEL, names[*last], cpu);
    set_value(&event, 0, (int64_t)vec);
    add(generator, &event);
}

/* Requests of few sectors; some are completed in parts, requeued, or issued twice. */
static void add_block(struct generator *generator, int32_t cpu)
{
    static const char *const names[] = {
        "block_rq_issue",    "block_rq_issue",   "block_rq_complete",  "block_rq_complete",
        "block_rq_complete", "block_rq_requeue", "block_bio_backmerge"};
    static const int64_t kinds[] = {1, 4, 4, 68, 2, 256, 0};
    struct event event = event_of(generator, DOMAIN_KERNEL,
                                  names[below(generator, sizeof names / sizeof *names)], cpu);
    set_value(&event, 0, 8 << 20 | (int64_t)below(generator, 2));
    set_value(&event, 1, chance(generator, 5) ? -1 : 8 * (int64_t)below(generator, 3));
    set_value(&event, 2, 8 * (int64_t)below(generator, 3));
    set_value(&event, 3, kinds[below(generator, sizeof kinds / sizeof *kinds)]);
    if (chance(generator, 80))
        set_value(&event, 4, chance(generator, 10) ? -5 : 0);
    add(generator, &event);
}

/* Other events of analyses, with values from 0 to below `most` in their slots. */
static void add_analyzed(struct generator *generator, int32_t cpu)
{
    static const struct {
        const char *name;
        int64_t most[3]; /* 0: it has no such slot */
        bool has_name;
    } events[] = {{"net_dev_queue", {3, 1500}, true},
                  {"net_dev_xmit", {3, 1500, 18}, true},
                  {"net_if_receive_skb", {0, 1500}, true},
                  {"timer_hrtimer_expire_entry", {2, 3}, false},
                  {"timer_hrtimer_expire_exit", {2}, false},
                  {"timer_expire_entry", {2, 3}, false},
                  {"timer_expire_exit", {2}, false},
                  {"workqueue_execute_start", {3, 3}, false},
                  {"workqueue_execute_end", {3, 3}, false},
                  {"signal_generate", {40, 5}, true},
                  {"signal_deliver", {40}, false},
                  {"x86_irq_vectors_reschedule_entry", {2}, false},
                  {"x86_irq_vectors_reschedule_exit", {2}, false},
                  {"kmem_mm_page_alloc", {4}, false},
                  {"kmem_mm_page_free", {4}, false},
                  {"x86_exceptions_page_fault_user", {0}, false}};
    static const char *const names[] = {"eth0", "lo"};
    size_t which = (size_t)below(generator, sizeof events / sizeof *events);
    struct event event = event_of(generator, DOMAIN_KERNEL, events[which].name, cpu);
    for (unsigned i = 0; i < 3; i++)
        if (events[which].most[i] > 0)
            set_value(&event, i, (int64_t)below(generator, (uint64_t)events[which].most[i]));
    if (events[which].has_name && chance(generator, 90))
        set_text(&event, 0, names[below(generator, 2)]);
    add(generator, &event);
}

static void add_loss(struct generator *generator, int32_t cpu)
{
    struct event event = {.time_ns = generator->now,
                          .cpu = cpu,
                          .domain = DOMAIN_KERNEL,
                          .kind = EVENT_LOSS,
                          .class = schema_loss_class(generator->trace->schema, DOMAIN_KERNEL)};
    set_value(&event, 0, (int64_t)below(generator, 9));
    set_value(&event, 1, 1);
    add(generator, &event);
    generator->running[cpu] = any_tid_or_idle(generator);
}

static void advance(struct generator *generator)
{
    if (chance(generator, 25))
        return; /* the same instant */
    generator->now += 1 + below(generator, 50);
    if (below(generator, 400) == 0)
        generator->now += UINT64_C(4000000000);
}

static void step(struct generator *generator)
{
    advance(generator);
    int32_t cpu = (int32_t)below(generator, CPUS);
    const struct random_trace_options *options = generator->options;
    uint64_t what = options->user_only ? 99 : below(generator, 100);
    if (below(generator, 1000) < options->losses && !options->user_only)
        add_loss(generator, cpu);
    else if (options->handed > 0 && chance(generator, options->handed))
        add_handed(generator, cpu);
    else if (options->handed > 0 && what >= 30 && what < 40 && !chance(generator, 5))
        add_switch(generator, cpu);
    else if (what < 22 && !options->no_switches)
        add_switch(generator, cpu);
    else if (what < 30)
        add_wakeup(generator, cpu);
    else if (what < 36)
        add_life(generator, cpu);
    else if (what < 40)
        add_dumped(generator, cpu);
    else if (what < 80 && !options->no_calls)
        add_call(generator, cpu);
    else if (what < 80)
        add_switch(generator, cpu);
    else if (what < 85)
        add_softirq(generator, cpu);
    else if (what < 88)
        add_irq(generator, cpu);
    else if (what < 90)
        add_block(generator, cpu);
    else if (what < 92)
        add_analyzed(generator, cpu);
    else
        add_user(generator, cpu);
}

/* Events of one time are in the order of event_compare(). */
static void sort(struct law_trace *trace)
{
    for (size_t i = 1; i < trace->count; i++)
        for (size_t k = i; k > 0 && event_compare(&trace->events[k - 1], &trace->events[k]) > 0;
             k--) {
            struct event event = trace->events[k];
            trace->events[k] = trace->events[k - 1];
            trace->events[k - 1] = event;
        }
}

void random_trace(struct law_trace *trace, uint64_t seed,
                  const struct random_trace_options *options)
{
    static const int32_t cpus[CPUS] = {0, 1, 2};
    struct generator generator = {.trace = trace,
                                  .options = options,
                                  .tids = options->wide ? WIDE_TIDS : TIDS,
                                  .fds = options->wide ? WIDE_FDS : FDS,
                                  .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
                                  .now = 1000};
    for (int32_t cpu = 0; cpu < CPUS; cpu++)
        generator.running[cpu] = any_tid_or_idle(&generator);
    while (trace->count < options->events)
        step(&generator);
    sort(trace);
    snprintf(trace->session, sizeof trace->session, "host/random/%llu", (unsigned long long)seed);
    trace->facts =
        (struct interval_end){.first_ns = TIME_NONE,
                              .last_ns = TIME_NONE,
                              .has_kernel = !options->user_only,
                              .has_user = true,
                              .counts_switches = !options->no_switches && !options->user_only,
                              .no_calls = options->no_calls,
                              .has_offset = true,
                              .host = text_of("host"),
                              .cpus = cpus,
                              .cpu_count = options->user_only ? 0 : CPUS};
}
