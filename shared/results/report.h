/* results/report.h -- the rows of a report: the output of a fold of the results log.
 *
 * Exactly the objects of `report --format json` (docs/RESULTS.md), and additional data for the text
 * tables. Strings belong to the report. Times are nanoseconds since the Unix epoch, durations
 * nanoseconds; REPORT_NONE stands for null. */
#ifndef RESULTS_REPORT_H
#define RESULTS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/view.h"
#include "base/arena.h"
#include "base/durations.h"
#include "trace/cells.h"
#include "trace/damage.h"
#include "trace/event.h"
#include "trace/phases.h"
#include "trace/slowest.h"
#include "trace/tally.h"

#define REPORT_NONE INT64_MIN

/* {name: number}, sorted by name. */
struct named_number {
    const char *name;
    uint64_t number;
};

struct named_numbers {
    const struct named_number *at;
    size_t count;
};

/* Running time without the time of interrupts. */
static inline uint64_t report_user_alone(uint64_t user_cpu_ns, const struct interrupted *taken)
{
    return user_cpu_ns - (taken->irq_ns + taken->softirq_ns - taken->sys_ns);
}

static inline uint64_t report_sys_alone(uint64_t sys_cpu_ns, const struct interrupted *taken)
{
    return sys_cpu_ns - taken->sys_ns;
}

struct process_row {
    int64_t pid;
    const char *process; /* NULL: null */
    int64_t ppid;        /* or REPORT_NONE */
    int64_t begin_ns, end_ns;
    bool begin_hard, end_hard;
    uint64_t threads;
    uint64_t cpu_ns;
    uint64_t irq_ns, softirq_ns; /* part of the running time of its threads: struct interrupted */
};

struct thread_row {
    int64_t tid;
    int64_t begin_ns, end_ns;
    int64_t pid; /* or REPORT_NONE */
    const char *name;
    bool begin_hard, end_hard;
    uint64_t cpu_ns, switches;
    /* Over its life: running outside and inside of calls, runnable, blocked, unknown. (Beyond the
     * contract.) */
    uint64_t user_cpu_ns, sys_cpu_ns, runnable_ns, blocked_ns, unknown_ns;
    struct interrupted interrupted; /* part of user_cpu_ns and sys_cpu_ns */
};

struct syscall_row {
    int64_t pid; /* or REPORT_NONE */
    const char *phase;
    const char *syscall;
    const char *process;
    struct durations complete;
    struct named_numbers errors;
    uint64_t bytes, begin_unknown, end_unknown, refused;
    /* The longest call: its thread, its entry, and the descriptor it used. */
    int64_t slowest_tid, slowest_begin_ns;
};

struct phase_row {
    int64_t pid; /* or REPORT_NONE */
    const char *phase;
    const char *process;
    struct durations complete;
    uint64_t hopped; /* complete ones that another thread ended */
    uint64_t over;   /* complete ones at or over the threshold of their definition */
    uint64_t begin_unknown, end_unknown;
    uint64_t user_cpu_ns, sys_cpu_ns, runnable_ns, blocked_ns, unknown_ns;
    struct interrupted interrupted; /* as of a thread */
    struct named_numbers blocked_by;
    uint64_t queued_ns, parallel_ns; /* with segments, whose times are then counted */
    uint64_t syscalls;
};

/* A value of an instance: of a match field, or captured. */
struct named_value {
    const char *name;
    struct field_value value; /* FIELD_ABSENT: null */
};

struct named_values {
    const struct named_value *at;
    size_t count;
};

/* Waits of the threads of a process in one phase, by who ended them (blocked), or who had the CPU
 * (runnable). */
struct wait_row {
    int64_t pid; /* or REPORT_NONE */
    const char *phase;
    const char *process;
    uint8_t kind;           /* enum wait_kind */
    int64_t by_pid, by_tid; /* of a thread; or REPORT_NONE */
    const char *by_name;    /* name of the thread or the handler; or NULL */
    const char *by_process; /* likewise */
    int64_t number;         /* of a handler; or REPORT_NONE */
    struct wait_cell cell;
};

/* `thread`, `irq` ...: the kind of the other side. */
const char *wait_kind_name(unsigned kind);
/* The name of a handler in its analysis, written to `room` if needed; NULL: only its events have
 * it. */
const char *wait_handler_name(unsigned kind, uint32_t number, char room[VIEW_NAME_ROOM]);

/* One of the slowest instances of a phase. */
struct instance_row {
    int64_t pid; /* or REPORT_NONE */
    const char *phase;
    uint64_t order; /* number of its begin, unique in the session: report_instance_id() */
    const char *process;
    int64_t tid;      /* of the thread that began it; REPORT_NONE: unknown */
    const char *name; /* of that thread */
    int64_t end_tid;  /* of the thread that ended it: the same, or another */
    int64_t begin_ns, end_ns;
    uint64_t total_ns;
    struct named_values match, captured;
    uint64_t user_cpu_ns, sys_cpu_ns, runnable_ns, blocked_ns, unknown_ns;
    struct interrupted interrupted; /* as of a thread */
    struct named_numbers blocked_by;
    /* The largest of its waits, the largest first: without phase, process, and maximum. */
    struct wait_row *wakers;
    size_t waker_count;
    struct wait_row *ran_instead;
    size_t ran_instead_count;
    uint64_t queued_ns, parallel_ns; /* as in struct phase_row */
    uint64_t syscalls;               /* complete calls entered in it and ended before its end */
};

struct fd_row {
    int64_t pid;
    int64_t fd;
    int64_t begin_ns;
    const char *name; /* NULL: null */
    const char *kind; /* NULL: null */
    bool begin_hard, end_hard;
    int64_t end_ns; /* or REPORT_NONE */
    uint64_t calls, read_bytes, write_bytes, total_ns;
};

/* A file (all descriptors with one name and kind), used by one process in one phase. */
struct file_row {
    int64_t pid;
    const char *phase;
    const char *process;
    const char *name; /* NULL: unknown */
    const char *kind;
    int64_t fd; /* the number if all descriptors had the same, else REPORT_NONE */
    struct durations calls;
    uint64_t read_bytes, write_bytes;
};

struct cpu_row {
    int64_t cpu;
    uint64_t busy_ns, idle_ns;
};

/* The value of one dimension of a count, in one row. */
struct count_value {
    const char *by;           /* the field as written, or the name of the dimension */
    bool is_process;          /* a process or thread, in `number` and `name`; else see `value` */
    bool is_field;            /* of the event */
    struct field_value value; /* FIELD_ABSENT: unknown; or the event does not have the field */
    int64_t number;           /* or REPORT_NONE */
    const char *name;         /* or NULL; a thread without a number is described by it */
};

/* Events, or spans, of a user-defined count. */
struct count_row {
    const char *name;
    bool others; /* sum of those over the limit of rows of a definition */
    const struct count_value *values;
    size_t value_count;
    int64_t pid; /* or REPORT_NONE */
    bool has_value;
    bool is_span; /* the values are durations, in ns */
    struct count_cell cell;
};

/* By name and dimensions: 0 if both are rows of one table. */
int count_row_compare_definitions(const struct count_row *left, const struct count_row *right);

struct sched_row {
    int64_t tid;
    int64_t begin_ns;
    int64_t pid; /* or REPORT_NONE */
    const char *name;
    struct durations latency;
};

struct session_report {
    const char *session;
    uint64_t chunks, events;
    struct tallies tallies;
    struct damages damage;    /* data that was left out, by name; counted in the tallies */
    struct phase_uses uses;   /* how its traces declare the requested phases */
    int64_t begin_ns, end_ns; /* REPORT_NONE without events */
    const char *const *hosts;
    size_t host_count;
    bool kernel, user;   /* recorded domains */
    bool some_processes; /* only the rows of requested processes */

    /* Each sorted by its key, null first. */
    struct process_row *processes;
    size_t process_count;
    struct thread_row *threads;
    size_t thread_count;
    struct thread_row *earlier_threads; /* that ended before the window; only their names count */
    size_t earlier_thread_count;
    struct syscall_row *syscalls;
    size_t syscall_count;
    struct phase_row *phases;
    size_t phase_count;
    struct instance_row *instances; /* of a phase, the slowest first */
    size_t instance_count;
    struct fd_row *fds;
    size_t fd_count;
    struct file_row *files;
    size_t file_count;
    struct count_row *counts; /* of a definition, sorted by its dimensions; `others` last */
    size_t count_count;
    struct count_row *spans; /* likewise */
    size_t span_count;
    struct cpu_row *cpus;
    size_t cpu_count;
    struct sched_row *scheds;
    size_t sched_count;
    struct wait_row *wakers;
    size_t waker_count;
    struct wait_row *ran_instead;
    size_t ran_instead_count;

    /* Of analyses, by kind in the order of analyses_shown(), then by key. */
    const struct atom *const *cells;
    size_t cell_count;
};

/* The cells of one kind. */
struct cells_of_kind {
    const struct atom *const *at;
    size_t count;
};
struct cells_of_kind session_report_cells(const struct session_report *session,
                                          const struct atom_kind *kind);

/* Sets the names of waits that interrupts ended, from cells of the kind `irq`; in the arena. */
void session_report_name_irqs(struct session_report *session, struct arena *arena);

struct report {
    struct arena arena;              /* owns all strings and arrays */
    struct session_report *sessions; /* by name */
    size_t session_count;
};

/* The id of an instance: the number of its begin event among those of the session, from 0, and the
 * index of its definition. */
enum { INSTANCE_ID_ROOM = 32 };
void report_instance_id(uint64_t order, char room[INSTANCE_ID_ROOM]);

void report_clear(struct report *report);

#endif
