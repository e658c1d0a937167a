/* export/output/sql_columns.h -- the columns of all tables except those of analyses, for
 * export/output/sql_results.c only. docs/SQL.md describes them. */
#ifndef EXPORT_OUTPUT_SQL_COLUMNS_H
#define EXPORT_OUTPUT_SQL_COLUMNS_H

#include "export/output/sql_table.h"
#include "trace/tally.h"

/* Columns of each fixed table, in order: an index into a row, and the definition in the
 * database. */
#define COLUMN_ID(prefix, id, name, type, role, words) prefix##_##id,
#define COLUMN(prefix, id, name, type, role, words) {name, SQL_##type, SQL_##role, words},

/* Time by state; each column is a sum. Blocked: in calls and outside. */
#define TIMES(C, P)                                                                                \
    C(P, USER, "user_ns", NUMBER, SUM, "running outside of calls")                                 \
    C(P, SYS, "sys_ns", NUMBER, SUM, "running in calls")                                           \
    C(P, RUNNABLE, "runnable_ns", NUMBER, SUM, "waiting for a CPU")                                \
    C(P, BLOCKED, "blocked_ns", NUMBER, SUM, "blocked, in calls and outside")                      \
    C(P, UNKNOWN, "unknown_ns", NUMBER, SUM, NULL)

#define BEFORES(C, P)                                                                              \
    C(P, BEFORE_RUNNING, "before_running_ns", NUMBER, SUM,                                         \
      "of user_ns; it is sys_ns if first_calls has the stretch")                                   \
    C(P, BEFORE_BLOCKED, "before_blocked_ns", NUMBER, SUM,                                         \
      "of blocked_ns: in the call that first_calls has of the stretch, else in none")

/* A part of user_ns and sys_ns, not an addition. */
#define INTERRUPTS(C, P)                                                                           \
    C(P, IRQ, "irq_ns", NUMBER, SUM, "of user_ns and sys_ns: in handlers of interrupts")           \
    C(P, SOFTIRQ, "softirq_ns", NUMBER, SUM, "of user_ns and sys_ns: in softirqs")

#define SESSIONS(C)                                                                                \
    C(SESSION, NAME, "name", TEXT, NEWEST, "host/session/creation time")                           \
    C(SESSION, HOST, "host", TEXT, NEWEST, NULL)                                                   \
    C(SESSION, SESSION, "session", TEXT, NEWEST, NULL)                                             \
    C(SESSION, CREATED, "created", TEXT, NEWEST, NULL)                                             \
    C(SESSION, OFFSET, "offset_ns", NUMBER, FIRST, "from its clock to the Unix epoch")

#define TALLY_COLUMN(name, tag, json, one, several, hint, flags)                                   \
    {json, SQL_NUMBER, SQL_SUM, several},
#define INTERVALS(C)                                                                               \
    C(INTERVAL, NUMBER, "number", NUMBER, KEY, "its chunk: a gap is joined with the next one")     \
    C(INTERVAL, BEGIN, "begin", TIME, NEWEST, "its first event; NULL without any")                 \
    C(INTERVAL, END, "end", TIME, NEWEST, "its last event")                                        \
    C(INTERVAL, GAP, "gap", FLAG, NEWEST, "the interval before this one is missing")               \
    C(INTERVAL, KERNEL, "kernel", FLAG, NEWEST, "there is a kernel trace")                         \
    C(INTERVAL, USER, "userspace", FLAG, NEWEST, "there is a trace of user space")                 \
    C(INTERVAL, CHUNKS, "chunks", NUMBER, SUM, "folders that hold traces")                         \
    C(INTERVAL, EVENTS, "events", NUMBER, SUM, NULL)

#define PROCESSES(C)                                                                               \
    C(PROCESS, ID, "process_id", NUMBER, KEY, "its pid in the low 32 bits")                        \
    C(PROCESS, PID, "pid", NUMBER, NEWEST, NULL)                                                   \
    C(PROCESS, PPID, "ppid", NUMBER, FIRST, NULL)                                                  \
    C(PROCESS, FORK, "fork", TIME, FIRST, "NULL if it was not seen")

#define THREADS(C)                                                                                 \
    C(THREAD, ID, "thread_id", NUMBER, KEY, "one life of a tid")                                   \
    C(THREAD, PROCESS, "process_id", NUMBER, FIRST, "NULL until told")                             \
    C(THREAD, TID, "tid", NUMBER, NEWEST, "0: what is known of its process alone")                 \
    C(THREAD, BEGIN, "begin", TIME, NEWEST, NULL)                                                  \
    C(THREAD, END, "end", TIME, NEWEST, "its last event so far, while end_hard is false")          \
    C(THREAD, BEGIN_HARD, "begin_hard", FLAG, NEWEST, "its begin was seen")                        \
    C(THREAD, END_HARD, "end_hard", FLAG, NEWEST, "its exit was seen")                             \
    C(THREAD, NAME, "name", TEXT, NEWEST, NULL)                                                    \
    C(THREAD, KERNEL_NAMED, "kernel_named", FLAG, NEWEST, "else its name comes from user space")   \
    C(THREAD, PROGRAM, "program", TEXT, NEWEST, "what the trace of its process is called by")

#define DESCRIPTORS(C)                                                                             \
    C(DESCRIPTOR, ID, "descriptor_id", NUMBER, KEY, NULL)                                          \
    C(DESCRIPTOR, PROCESS, "process_id", NUMBER, NEWEST, NULL)                                     \
    C(DESCRIPTOR, FD, "fd", NUMBER, NEWEST, NULL)                                                  \
    C(DESCRIPTOR, BEGIN, "begin", TIME, NEWEST, NULL)                                              \
    C(DESCRIPTOR, END, "end", TIME, NEWEST, "NULL while it is open")                               \
    C(DESCRIPTOR, BEGIN_HARD, "begin_hard", FLAG, NEWEST, NULL)                                    \
    C(DESCRIPTOR, END_HARD, "end_hard", FLAG, NEWEST, NULL)                                        \
    C(DESCRIPTOR, KIND, "kind", TEXT, NEWEST, NULL)                                                \
    C(DESCRIPTOR, NAME, "name", TEXT, NEWEST, "a path, or what else tells")

#define FIRST_CALLS(C)                                                                             \
    C(FIRST, THREAD, "thread_id", NUMBER, KEY, NULL)                                               \
    C(FIRST, STRETCH, "stretch", NUMBER, KEY, "of the thread: from its begin, or a loss")          \
    C(FIRST, CALL, "syscall", TEXT, NEWEST, "in progress when it began")

#define CALLS(C)                                                                                   \
    C(CALL, THREAD, "thread_id", NUMBER, KEY, NULL)                                                \
    C(CALL, PHASE, "phase", TEXT, KEY, "a path; empty: outside of phases")                         \
    C(CALL, CALL, "syscall", TEXT, KEY, NULL)                                                      \
    C(CALL, COMPLETE, "", DURATIONS, SUM, "complete calls")                                        \
    C(CALL, BYTES, "bytes", NUMBER, SUM, NULL)                                                     \
    C(CALL, BEGIN_UNKNOWN, "begin_unknown", NUMBER, SUM, NULL)                                     \
    C(CALL, END_UNKNOWN, "end_unknown", NUMBER, SUM, NULL)                                         \
    C(CALL, REFUSED, "refused", NUMBER, SUM, "of the errors: seccomp let them not begin")          \
    C(CALL, ERRORS, "errors", NUMBER, SUM, "call_errors tells which")                              \
    C(CALL, SLOWEST, "slowest", TIME, NEWEST, "begin of the longest; NULL: below 10 ms")

#define CALL_ERRORS(C)                                                                             \
    C(ERROR, THREAD, "thread_id", NUMBER, KEY, NULL)                                               \
    C(ERROR, PHASE, "phase", TEXT, KEY, NULL)                                                      \
    C(ERROR, CALL, "syscall", TEXT, KEY, NULL)                                                     \
    C(ERROR, ERROR, "error", TEXT, KEY, "ENOENT")                                                  \
    C(ERROR, COUNT, "count", NUMBER, SUM, NULL)

#define PHASES(C)                                                                                  \
    C(PHASE, THREAD, "thread_id", NUMBER, KEY, "that began the instances")                         \
    C(PHASE, STRETCH, "stretch", NUMBER, KEY, NULL)                                                \
    C(PHASE, PHASE, "phase", TEXT, KEY, "a path")                                                  \
    C(PHASE, COMPLETE, "", DURATIONS, SUM, "complete instances, by their ends")                    \
    C(PHASE, HOPPED, "hopped", NUMBER, SUM, "of these, ended by another thread")                   \
    C(PHASE, OVER, "over", NUMBER, SUM, "of these, at keep_over or above")                         \
    C(PHASE, BEGIN_UNKNOWN, "begin_unknown", NUMBER, SUM, NULL)                                    \
    C(PHASE, END_UNKNOWN, "end_unknown", NUMBER, SUM, NULL)                                        \
    C(PHASE, SYSCALLS, "syscalls", NUMBER, SUM, NULL)                                              \
    TIMES(C, PHASE)                                                                                \
    BEFORES(C, PHASE)                                                                              \
    INTERRUPTS(C, PHASE)                                                                           \
    C(PHASE, QUEUED, "queued_ns", NUMBER, SUM, "no segment was open, of phases that have some")    \
    C(PHASE, PARALLEL, "parallel_ns", NUMBER, SUM, "by which segments exceed the rest")

#define PHASE_BLOCKED(C)                                                                           \
    C(BLOCKED, THREAD, "thread_id", NUMBER, KEY, NULL)                                             \
    C(BLOCKED, PHASE, "phase", TEXT, KEY, NULL)                                                    \
    C(BLOCKED, CALL, "syscall", TEXT, KEY, NULL)                                                   \
    C(BLOCKED, NS, "blocked_ns", NUMBER, SUM, "of blocked_ns of phases")

#define INSTANCES(C)                                                                               \
    C(INSTANCE, ID, "instance_id", NUMBER, KEY, "65,536 times its event, its definition, 1")       \
    C(INSTANCE, THREAD, "thread_id", NUMBER, NEWEST, "that began it")                              \
    C(INSTANCE, STRETCH, "stretch", NUMBER, NEWEST, NULL)                                          \
    C(INSTANCE, PHASE, "phase", TEXT, NEWEST, NULL)                                                \
    C(INSTANCE, PID, "pid", NUMBER, NEWEST, "as told by its end; NULL: that of the thread")        \
    C(INSTANCE, END_TID, "end_tid", NUMBER, NEWEST, "the thread that ended it, if another")        \
    C(INSTANCE, BEGIN, "begin", TIME, NEWEST, NULL)                                                \
    C(INSTANCE, END, "end", TIME, NEWEST, NULL)                                                    \
    C(INSTANCE, NS, "duration_ns", NUMBER, NEWEST, NULL)                                           \
    C(INSTANCE, SYSCALLS, "syscalls", NUMBER, NEWEST, NULL)                                        \
    C(INSTANCE, MATCH, "match", JSON, NEWEST, NULL)                                                \
    C(INSTANCE, CAPTURED, "captured", JSON, NEWEST, NULL)                                          \
    C(INSTANCE, KEEP, "keep", NUMBER, NEWEST, "how many of the phase a report keeps")              \
    C(INSTANCE, KEEP_OVER, "keep_over_ns", NUMBER, NEWEST, NULL)                                   \
    C(INSTANCE, QUEUED, "queued_ns", NUMBER, NEWEST, NULL)                                         \
    C(INSTANCE, PARALLEL, "parallel_ns", NUMBER, NEWEST, NULL)

#define INSTANCE_TIMES(C)                                                                          \
    C(SPENT, ID, "instance_id", NUMBER, KEY, "rows of several chunks add up: corrections")         \
    TIMES(C, SPENT)                                                                                \
    BEFORES(C, SPENT)                                                                              \
    INTERRUPTS(C, SPENT)

#define USES(C)                                                                                    \
    C(USE, DESCRIPTOR, "descriptor_id", NUMBER, KEY, NULL)                                         \
    C(USE, THREAD, "thread_id", NUMBER, KEY, NULL)                                                 \
    C(USE, PHASE, "phase", TEXT, KEY, NULL)                                                        \
    C(USE, CALLS, "", DURATIONS, SUM, "complete calls that use it")                                \
    C(USE, READ, "read_bytes", NUMBER, SUM, NULL)                                                  \
    C(USE, WRITE, "write_bytes", NUMBER, SUM, NULL)

#define WAKEUPS(C)                                                                                 \
    C(WAKEUP, THREAD, "thread_id", NUMBER, KEY, NULL)                                              \
    C(WAKEUP, LATENCY, "", DURATIONS, SUM, "from wakeups to running")

#define WAITS(C)                                                                                   \
    C(WAIT, THREAD, "thread_id", NUMBER, KEY, "that waited")                                       \
    C(WAIT, PHASE, "phase", TEXT, KEY, NULL)                                                       \
    C(WAIT, STATE, "state", TEXT, KEY, "blocked, by who ended it; runnable, by who had the CPU")   \
    C(WAIT, KIND, "kind", TEXT, KEY, "of the other: thread, idle, irq, softirq ...")               \
    C(WAIT, OTHER, "other_id", NUMBER, KEY, "a thread_id, or the number of a handler; else 0")     \
    C(WAIT, COUNT, "count", NUMBER, SUM, NULL)                                                     \
    C(WAIT, NS, "total_ns", NUMBER, SUM, NULL)                                                     \
    C(WAIT, MAX, "max_ns", NUMBER, SUM, "of one wait, or a part of one")

/* What definitions count by, except process and thread. */
#define COUNTED_KEYS(C, P)                                                                         \
    C(P, NAME, "name", TEXT, KEY, "of the definition; of built-in ones spanmill:...")              \
    C(P, THREAD, "thread_id", NUMBER, KEY, "if it is by process or thread; else 0")                \
    C(P, WHOSE, "whose", TEXT, KEY, "thread, idle, interrupt, or unknown")                         \
    C(P, BY_ID, "by_id", NUMBER, KEY, "the number of by")                                          \
    C(P, BY, "by", JSON, NEWEST, "values of what else it is by")

#define COUNTS(C)                                                                                  \
    COUNTED_KEYS(C, COUNT)                                                                         \
    C(COUNT, COUNT, "count", NUMBER, SUM, NULL)                                                    \
    C(COUNT, VALUES, "with_value", NUMBER, SUM, "events with a value of 0 or more")                \
    C(COUNT, NEGATIVE, "negative", NUMBER, SUM, "events with a value below 0: in no sum")          \
    C(COUNT, TOTAL, "value_total", NUMBER, SUM, "in the unit of the value")                        \
    C(COUNT, MIN, "value_min", NUMBER, NEWEST, NULL)                                               \
    C(COUNT, MAX, "value_max", NUMBER, NEWEST, NULL)

#define SPANS(C)                                                                                   \
    COUNTED_KEYS(C, SPAN)                                                                          \
    C(SPAN, DURATIONS, "", DURATIONS, SUM, "complete spans, by their ends")                        \
    C(SPAN, BEGIN_UNKNOWN, "begin_unknown", NUMBER, SUM, "ends without a begin")                   \
    C(SPAN, LOST, "lost", NUMBER, SUM, "begins whose end may be lost")                             \
    C(SPAN, TIMED_OUT, "timed_out", NUMBER, SUM, NULL)                                             \
    C(SPAN, OPEN, "open", NUMBER, SUM, NULL)                                                       \
    C(SPAN, UNMATCHED, "unmatched", NUMBER, SUM, "without a subject, or a field to match by")

#define RUNS(C)                                                                                    \
    C(RUN, THREAD, "thread_id", NUMBER, KEY, NULL)                                                 \
    C(RUN, CPU, "cpu_ns", NUMBER, SUM, "of whole runs")                                            \
    C(RUN, SWITCHES, "switches", NUMBER, SUM, NULL)                                                \
    TIMES(C, RUN)                                                                                  \
    BEFORES(C, RUN)                                                                                \
    INTERRUPTS(C, RUN)

#define CPUS(C)                                                                                    \
    C(CPU, CPU, "cpu", NUMBER, KEY, NULL)                                                          \
    C(CPU, BUSY, "busy_ns", NUMBER, SUM, "of whole runs of threads other than 0")

/* TABLE(columns and index, name, is an entity, more columns, comment) */
#define TABLES(TABLE)                                                                              \
    TABLE(SESSIONS, "sessions", true, , "recordings on a host")                                    \
    TABLE(INTERVALS, "intervals", false, TALLIES(TALLY_COLUMN), "what was joined, and lost")       \
    TABLE(PROCESSES, "processes", true, , "processes")                                             \
    TABLE(THREADS, "threads", true, , "threads")                                                   \
    TABLE(DESCRIPTORS, "descriptors", true, , "open files, sockets and others")                    \
    TABLE(FIRST_CALLS, "first_calls", true, , "calls in progress when a stretch began")            \
    TABLE(CALLS, "calls", false, , "system calls, by thread, phase and name")                      \
    TABLE(CALL_ERRORS, "call_errors", false, , "errors of system calls")                           \
    TABLE(PHASES, "phases", false, , "phase instances, by thread and phase")                       \
    TABLE(PHASE_BLOCKED, "phase_blocked", false, , "by which call phases were blocked")            \
    TABLE(INSTANCES, "instances", true, , "the slowest instances of each phase and interval")      \
    TABLE(INSTANCE_TIMES, "instance_times", false, , "where the time of instances went")           \
    TABLE(USES, "uses", false, , "uses of descriptors, by thread and phase")                       \
    TABLE(WAKEUPS, "wakeups", false, , "latencies of wakeups, by thread")                          \
    TABLE(WAITS, "waits", false, , "whom threads waited for, by thread and phase")                 \
    TABLE(COUNTS, "counts", false, , "events that definitions count")                              \
    TABLE(SPANS, "spans", false, , "spans that definitions pair")                                  \
    TABLE(RUNS, "runs", false, , "where the time of threads went")                                 \
    TABLE(CPUS, "cpus", false, , "load of CPUs")

/* `#define`s above name columns; these are indices of tables. */
enum table_index {
#define TABLE_ID(columns, name, entity, more, words) TABLE_##columns,
    TABLES(TABLE_ID)
#undef TABLE_ID
        FIXED_TABLES
};

#define COLUMN_IDS(columns, name, entity, more, words) enum { columns(COLUMN_ID) };
TABLES(COLUMN_IDS)

#endif
