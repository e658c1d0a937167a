#include "churn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "map_piece.h"
#include "trace/syscalls.h"

const char churn_phases[] = "phases:\n"
                            "  - name: request\n"
                            "    begin: app:begin\n"
                            "    end: app:end\n"
                            "    match: [id]\n"
                            "  - name: $name\n"
                            "    parent: request\n"
                            "    begin: app:part_begin\n"
                            "    end: app:part_end\n"
                            "    match: [id, name]\n"
                            "  - name: $name\n"
                            "    begin: app:job\n"
                            "    end: app:job_end\n"
                            "    match: [name]\n"
                            "    timeout: 20s\n"
                            "  - name: silent\n"
                            "    begin: app:silent\n"
                            "    end: app:silent_end\n"
                            "    match: [id]\n"
                            "  - name: forgotten\n"
                            "    begin: app:forgotten\n"
                            "    end: app:forgotten_end\n";

enum { SHELL = 10, SILENT = 30, SERVER = 50, FORKED = 5000, PIDS = 25000 };
enum { DEAD = 64, ASLEEP = 1 };

struct churn {
    struct schema *schema;
    const struct churn_options *options;
    struct core *core;
    uint64_t now;
};

static struct event event_of(struct churn *churn, enum domain domain, const char *name, int32_t cpu)
{
    struct event event = {.time_ns = churn->now += 100, .cpu = cpu, .domain = (uint8_t)domain};
    event.class = schema_class(churn->schema, domain, text_of(name));
    event.kind = event.class->kind;
    event.call = event.class->call;
    return event;
}

static void set(struct event *event, unsigned slot, int64_t value)
{
    event->value[slot] = value;
    event->present |= (uint8_t)(1u << slot);
}

static void add(struct churn *churn, const struct event *event)
{
    core_map(churn->core, event, 1);
}

static void swap(struct churn *churn, int32_t cpu, int32_t prev, int64_t state, int32_t next)
{
    struct event event = event_of(churn, DOMAIN_KERNEL, "sched_switch", cpu);
    set(&event, 0, prev);
    set(&event, 1, state);
    set(&event, 2, next);
    if (!churn->options->no_switches)
        add(churn, &event);
}

static void spawn(struct churn *churn, int32_t cpu, int32_t tid, int32_t pid, int32_t child_tid,
                  int32_t child_pid)
{
    struct event event = event_of(churn, DOMAIN_KERNEL, "sched_process_fork", cpu);
    set(&event, 0, tid);
    set(&event, 1, pid);
    set(&event, 2, child_tid);
    set(&event, 3, child_pid);
    add(churn, &event);
}

static void leave(struct churn *churn, int32_t cpu, int32_t tid)
{
    struct event event = event_of(churn, DOMAIN_KERNEL, "sched_process_exit", cpu);
    set(&event, 0, tid);
    add(churn, &event);
}

/* The thread of a kernel event that no switch shows. */
static void say_thread(const struct churn *churn, struct event *event, int32_t tid)
{
    if (churn->options->no_switches) {
        event->has |= EVENT_HAS_TID;
        event->tid = tid;
    }
}

static void call(struct churn *churn, int32_t cpu, int32_t tid, const char *name, int64_t value,
                 const char *text, int64_t ret)
{
    char whole[64];
    snprintf(whole, sizeof whole, "syscall_entry_%s", name);
    struct event event = event_of(churn, DOMAIN_KERNEL, whole, cpu);
    set(&event, 0, value);
    if (text) {
        event.text[0] = text_of(text);
        event.present |= 1u << EVENT_VALUES;
    }
    say_thread(churn, &event, tid);
    add(churn, &event);
    snprintf(whole, sizeof whole, "syscall_exit_%s", name);
    event = event_of(churn, DOMAIN_KERNEL, whole, cpu);
    set(&event, 0, ret);
    say_thread(churn, &event, tid);
    add(churn, &event);
}

static void user(struct churn *churn, int32_t cpu, int32_t tid, int32_t pid, const char *what,
                 uint64_t id, const char *name)
{
    struct event event = event_of(churn, DOMAIN_UST, what, cpu);
    event.has = EVENT_HAS_VTID | EVENT_HAS_VPID;
    event.vtid = tid;
    event.vpid = pid;
    struct field_value fields[4];
    for (size_t i = 0; i < event.class->field_count; i++)
        fields[i] = strcmp(event.class->fields[i], "id") == 0
                        ? (struct field_value){.type = FIELD_UINT, .u = id}
                        : (struct field_value){.type = FIELD_TEXT, .text = text_of(name)};
    event.fields = fields;
    event.field_count = (uint16_t)event.class->field_count;
    add(churn, &event);
}

/* A process that opens files, has threads and a phase, and ends within the second. */
static void run_process(struct churn *churn, uint64_t number)
{
    int32_t pid = FORKED + (int32_t)(number * 3 % PIDS);
    char name[64];
    snprintf(name, sizeof name, "/tmp/of-%llu", (unsigned long long)number);
    swap(churn, 0, 0, 0, SHELL);
    spawn(churn, 0, SHELL, SHELL, pid, pid);
    swap(churn, 0, SHELL, ASLEEP, pid);
    call(churn, 0, pid, "openat", 0, name, 3);
    call(churn, 0, pid, "write", 3, NULL, 100);
    spawn(churn, 0, pid, pid, pid + 1, pid);
    user(churn, 0, pid, pid, "app:begin", number, NULL);
    user(churn, 0, pid, pid, "app:job", 0, name);
    swap(churn, 0, pid, ASLEEP, pid + 1);
    user(churn, 0, pid + 1, pid, "app:end", number, NULL);
    leave(churn, 0, pid + 1);
    swap(churn, 0, pid + 1, DEAD, pid);
    bool lost = churn->options->losses && number % 7 == 0;
    leave(churn, 0, pid);
    if (lost) {
        struct event event = {.time_ns = churn->now += 100,
                              .domain = DOMAIN_KERNEL,
                              .kind = EVENT_LOSS,
                              .class = schema_loss_class(churn->schema, DOMAIN_KERNEL)};
        set(&event, 0, 3);
        set(&event, 1, 1);
        add(churn, &event);
        swap(churn, 0, SHELL, ASLEEP, 0);
    } else {
        swap(churn, 0, pid, DEAD, 0);
    }
}

static void serve(struct churn *churn, uint64_t number, int32_t tid)
{
    char name[64];
    snprintf(name, sizeof name, "item %llu", (unsigned long long)number);
    swap(churn, 1, 0, 0, tid);
    call(churn, 1, tid, "socket", 2, NULL, 7);
    user(churn, 1, tid, SERVER, "app:begin", number, NULL);
    user(churn, 1, tid, SERVER, "app:part_begin", number, name);
    call(churn, 1, tid, "write", 7, NULL, 100);
    user(churn, 1, tid, SERVER, "app:part_end", number, name);
    user(churn, 1, tid, SERVER, "app:end", number, NULL);
    call(churn, 1, tid, "close", 7, NULL, 0);
    swap(churn, 1, tid, ASLEEP, 0);
}

static void begin_session(struct churn *churn)
{
    struct event event = event_of(churn, DOMAIN_KERNEL, "lttng_statedump_process_state", 0);
    set(&event, 0, SERVER);
    set(&event, 1, SERVER);
    set(&event, 2, 1);
    set(&event, 3, 5);
    add(churn, &event);
    for (unsigned i = 1; i < churn->options->threads; i++)
        spawn(churn, 1, SERVER, SERVER, SERVER + (int32_t)i, SERVER);
    swap(churn, 2, 0, 0, SILENT);
}

/* It is woken, begins an instance that never ends, and waits. */
static void forget(struct churn *churn)
{
    swap(churn, 1, 0, 0, SERVER);
    user(churn, 1, SERVER, SERVER, "app:forgotten", 0, NULL);
    swap(churn, 1, SERVER, ASLEEP, 0);
}

/* By another thread each time, in an instance that stays open. */
static void wake(struct churn *churn, uint64_t number)
{
    int32_t pid = FORKED + (int32_t)(number * 3 % PIDS);
    swap(churn, 0, 0, 0, SHELL);
    spawn(churn, 0, SHELL, SHELL, pid, pid);
    swap(churn, 0, SHELL, ASLEEP, pid);
    struct event event = event_of(churn, DOMAIN_KERNEL, "sched_waking", 0);
    set(&event, 0, SERVER);
    add(churn, &event);
    leave(churn, 0, pid);
    swap(churn, 0, pid, DEAD, 0);
    swap(churn, 1, 0, 0, SERVER);
    swap(churn, 1, SERVER, ASLEEP, 0);
}

static void second(struct churn *churn, uint64_t chunk)
{
    const struct churn_options *options = churn->options;
    if (chunk == 0)
        begin_session(churn);
    for (unsigned i = 0; i < options->processes; i++)
        run_process(churn, chunk * options->processes + i);
    for (unsigned i = 0; i < options->requests; i++) {
        unsigned active = options->active ? options->active : 1;
        serve(churn, chunk * options->requests + i, SERVER + (int32_t)(i % active));
    }
    for (unsigned i = 0; i < options->forgotten; i++)
        forget(churn);
    if (options->wakers > 0 && chunk == 0)
        forget(churn);
    for (unsigned i = 0; i < options->wakers; i++)
        wake(churn, chunk * options->wakers + i);
    for (unsigned i = 0; i < options->silent; i++) {
        uint64_t id = chunk * options->silent + i;
        user(churn, 2, SILENT, SILENT, "app:silent", id, NULL);
        user(churn, 2, SILENT, SILENT, "app:silent_end", id, NULL);
    }
}

void churn_map(struct schema *schema, const struct churn_options *options, uint64_t chunk,
               bool final, struct record_sink sink)
{
    static const int32_t cpus[] = {0, 1, 2, 3};
    struct interval_end end = {.begin_ns = chunk ? chunk * CHURN_SECOND : 0,
                               .end_ns = final ? UINT64_MAX : (chunk + 1) * CHURN_SECOND,
                               .has_traces = true,
                               .has_kernel = true,
                               .has_user = true,
                               .counts_switches = !options->no_switches,
                               .has_offset = true,
                               .chunk = chunk,
                               .final = final,
                               .cpus = cpus,
                               .cpu_count = sizeof cpus / sizeof *cpus,
                               .host = text_of("host"),
                               .session = text_of("churn"),
                               .created = text_of("20260101-000000")};
    struct map_piece piece;
    map_piece_begin(&piece, schema, &end);
    struct churn churn = {
        .schema = schema, .options = options, .core = piece.core, .now = chunk * CHURN_SECOND};
    second(&churn, chunk);
    struct record_meta meta = {
        .session = text_of(CHURN_SESSION), .chunk = chunk, .attempt = chunk + 1};
    map_piece_end(&piece, &meta, sink);
}
