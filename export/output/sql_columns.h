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
    C(P, USER, "user_ns", NUMBER, SUM, "running outside of system calls")                          \
    C(P, SYS, "sys_ns", NUMBER, SUM, "running in system calls")                                    \
    C(P, RUNNABLE, "runnable_ns", NUMBER, SUM, "waiting for a CPU")                                \
    C(P, BLOCKED, "blocked_ns", NUMBER, SUM, "blocked, in and outside of system calls")            \
    C(P, UNKNOWN, "unknown_ns", NUMBER, SUM, NULL)

#define BEFORES(C, P)                                                                              \
    C(P, BEFORE_RUNNING, "before_running_ns", NUMBER, SUM,                                         \
      "part of user_ns that is sys_ns if first_calls has a row for the stretch")                   \
    C(P, BEFORE_BLOCKED, "before_blocked_ns", NUMBER, SUM,                                         \
      "part of blocked_ns: in the call that first_calls has for the stretch, else outside of "     \
      "calls")

/* A part of user_ns and sys_ns, not an addition. */
#define INTERRUPTS(C, P)                                                                           \
    C(P, IRQ, "irq_ns", NUMBER, SUM, "part of user_ns and sys_ns in interrupt handlers")           \
    C(P, SOFTIRQ, "softirq_ns", NUMBER, SUM, "part of user_ns and sys_ns in softirqs")

#define SESSIONS(C)                                                                                \
    C(SESSION, NAME, "name", TEXT, NEWEST, "host/session/creation time")                           \
    C(SESSION, HOST, "host", TEXT, NEWEST, NULL)                                                   \
    C(SESSION, SESSION, "session", TEXT, NEWEST, NULL)                                             \
    C(SESSION, CREATED, "created", TEXT, NEWEST, NULL)                                             \
    C(SESSION, OFFSET, "offset_ns", NUMBER, FIRST, "add it to the times of the clock for Unix time")

#define TALLY_COLUMN(name, tag, json, one, several, hint, flags)                                   \
    {json, SQL_NUMBER, SQL_SUM, several},
#define INTERVALS(C)                                                                               \
    C(INTERVAL, NUMBER, "number", NUMBER, KEY,                                                     \
      "number of its chunk; a gap belongs to the next interval")                                   \
    C(INTERVAL, BEGIN, "begin", TIME, NEWEST, "first event; NULL: no events")                      \
    C(INTERVAL, END, "end", TIME, NEWEST, "last event")                                            \
    C(INTERVAL, GAP, "gap", FLAG, NEWEST, "the previous interval is missing")                      \
    C(INTERVAL, KERNEL, "kernel", FLAG, NEWEST, "there is a kernel trace")                         \
    C(INTERVAL, USER, "userspace", FLAG, NEWEST, "there is a user-space trace")                    \
    C(INTERVAL, CHUNKS, "chunks", NUMBER, SUM, "folders with traces")                              \
    C(INTERVAL, EVENTS, "events", NUMBER, SUM, NULL)

#define PROCESSES(C)                                                                               \
    C(PROCESS, ID, "process_id", NUMBER, KEY, "the low 32 bits are the pid")                       \
    C(PROCESS, PID, "pid", NUMBER, NEWEST, NULL)                                                   \
    C(PROCESS, PPID, "ppid", NUMBER, FIRST, NULL)                                                  \
    C(PROCESS, FORK, "fork", TIME, FIRST, "NULL: not in the trace")

#define THREADS(C)                                                                                 \
    C(THREAD, ID, "thread_id", NUMBER, KEY, "one life of a tid")                                   \
    C(THREAD, PROCESS, "process_id", NUMBER, FIRST, "NULL until known")                            \
    C(THREAD, TID, "tid", NUMBER, NEWEST, "0: data of the process whose thread is unknown")        \
    C(THREAD, BEGIN, "begin", TIME, NEWEST, NULL)                                                  \
    C(THREAD, END, "end", TIME, NEWEST, "if end_hard is false: the last event so far")             \
    C(THREAD, BEGIN_HARD, "begin_hard", FLAG, NEWEST, "the begin is in the trace")                 \
    C(THREAD, END_HARD, "end_hard", FLAG, NEWEST, "the exit is in the trace")                      \
    C(THREAD, NAME, "name", TEXT, NEWEST, NULL)                                                    \
    C(THREAD, KERNEL_NAMED, "kernel_named", FLAG, NEWEST,                                          \
      "the name is from the kernel; else from user space")                                         \
    C(THREAD, PROGRAM, "program", TEXT, NEWEST,                                                    \
      "program name in the user-space trace of its process")

#define DESCRIPTORS(C)                                                                             \
    C(DESCRIPTOR, ID, "descriptor_id", NUMBER, KEY, NULL)                                          \
    C(DESCRIPTOR, PROCESS, "process_id", NUMBER, NEWEST, NULL)                                     \
    C(DESCRIPTOR, FD, "fd", NUMBER, NEWEST, NULL)                                                  \
    C(DESCRIPTOR, BEGIN, "begin", TIME, NEWEST, NULL)                                              \
    C(DESCRIPTOR, END, "end", TIME, NEWEST, "NULL while it is open")                               \
    C(DESCRIPTOR, BEGIN_HARD, "begin_hard", FLAG, NEWEST, NULL)                                    \
    C(DESCRIPTOR, END_HARD, "end_hard", FLAG, NEWEST, NULL)                                        \
    C(DESCRIPTOR, KIND, "kind", TEXT, NEWEST, NULL)                                                \
    C(DESCRIPTOR, NAME, "name", TEXT, NEWEST, "path, or address of a socket")

#define FIRST_CALLS(C)                                                                             \
    C(FIRST, THREAD, "thread_id", NUMBER, KEY, NULL)                                               \
    C(FIRST, STRETCH, "stretch", NUMBER, KEY,                                                      \
      "number of the part of the thread since its begin or a loss of events")                      \
    C(FIRST, CALL, "syscall", TEXT, NEWEST, "in progress when the stretch began")

#define CALLS(C)                                                                                   \
    C(CALL, THREAD, "thread_id", NUMBER, KEY, NULL)                                                \
    C(CALL, PHASE, "phase", TEXT, KEY, "path; empty: outside of phases")                           \
    C(CALL, CALL, "syscall", TEXT, KEY, NULL)                                                      \
    C(CALL, COMPLETE, "", DURATIONS, SUM, "complete calls")                                        \
    C(CALL, BYTES, "bytes", NUMBER, SUM, NULL)                                                     \
    C(CALL, BEGIN_UNKNOWN, "begin_unknown", NUMBER, SUM, NULL)                                     \
    C(CALL, END_UNKNOWN, "end_unknown", NUMBER, SUM, NULL)                                         \
    C(CALL, REFUSED, "refused", NUMBER, SUM, "errors of calls that seccomp refused")               \
    C(CALL, ERRORS, "errors", NUMBER, SUM, "see call_errors")                                      \
    C(CALL, SLOWEST, "slowest", TIME, NEWEST, "begin of the longest call; NULL: below 10 ms")

#define CALL_ERRORS(C)                                                                             \
    C(ERROR, THREAD, "thread_id", NUMBER, KEY, NULL)                                               \
    C(ERROR, PHASE, "phase", TEXT, KEY, NULL)                                                      \
    C(ERROR, CALL, "syscall", TEXT, KEY, NULL)                                                     \
    C(ERROR, ERROR, "error", TEXT, KEY, "ENOENT")                                                  \
    C(ERROR, COUNT, "count", NUMBER, SUM, NULL)

#define PHASES(C)                                                                                  \
    C(PHASE, THREAD, "thread_id", NUMBER, KEY, "thread that began the instances")                  \
    C(PHASE, STRETCH, "stretch", NUMBER, KEY, NULL)                                                \
    C(PHASE, PHASE, "phase", TEXT, KEY, "a path")                                                  \
    C(PHASE, COMPLETE, "", DURATIONS, SUM, "complete instances, in the interval of their end")     \
    C(PHASE, HOPPED, "hopped", NUMBER, SUM, "complete instances ended by another thread")          \
    C(PHASE, OVER, "over", NUMBER, SUM, "complete instances of at least keep_over")                \
    C(PHASE, BEGIN_UNKNOWN, "begin_unknown", NUMBER, SUM, NULL)                                    \
    C(PHASE, END_UNKNOWN, "end_unknown", NUMBER, SUM, NULL)                                        \
    C(PHASE, SYSCALLS, "syscalls", NUMBER, SUM, NULL)                                              \
    TIMES(C, PHASE)                                                                                \
    BEFORES(C, PHASE)                                                                              \
    INTERRUPTS(C, PHASE)                                                                           \
    C(PHASE, QUEUED, "queued_ns", NUMBER, SUM,                                                     \
      "time without an open segment, if the phase has segments")                                   \
    C(PHASE, PARALLEL, "parallel_ns", NUMBER, SUM, "time of segments minus time with an open one")

#define PHASE_BLOCKED(C)                                                                           \
    C(BLOCKED, THREAD, "thread_id", NUMBER, KEY, NULL)                                             \
    C(BLOCKED, PHASE, "phase", TEXT, KEY, NULL)                                                    \
    C(BLOCKED, CALL, "syscall", TEXT, KEY, NULL)                                                   \
    C(BLOCKED, NS, "blocked_ns", NUMBER, SUM, "part part part of blocked_ns of phases")

#define INSTANCES(C)                                                                               \
    C(INSTANCE, ID, "instance_id", NUMBER, KEY,                                                    \
      "65,536 times the number of its event, plus its definition, plus 1")                         \
    C(INSTANCE, THREAD, "thread_id", NUMBER, NEWEST, "thread that began it")                       \
    C(INSTANCE, STRETCH, "stretch", NUMBER, NEWEST, NULL)                                          \
    C(INSTANCE, PHASE, "phase", TEXT, NEWEST, NULL)                                                \
    C(INSTANCE, PID, "pid", NUMBER, NEWEST, "pid in the end event; NULL: that of the thread")      \
    C(INSTANCE, END_TID, "end_tid", NUMBER, NEWEST, "thread that ended it, if another")            \
    C(INSTANCE, BEGIN, "begin", TIME, NEWEST, NULL)                                                \
    C(INSTANCE, END, "end", TIME, NEWEST, NULL)                                                    \
    C(INSTANCE, NS, "duration_ns", NUMBER, NEWEST, NULL)                                           \
    C(INSTANCE, SYSCALLS, "syscalls", NUMBER, NEWEST, NULL)                                        \
    C(INSTANCE, MATCH, "match", JSON, NEWEST, NULL)                                                \
    C(INSTANCE, CAPTURED, "captured", JSON, NEWEST, NULL)                                          \
    C(INSTANCE, KEEP, "keep", NUMBER, NEWEST,                                                      \
      "number of instances of the phase that a report keeps")                                      \
    C(INSTANCE, KEEP_OVER, "keep_over_ns", NUMBER, NEWEST, NULL)                                   \
    C(INSTANCE, QUEUED, "queued_ns", NUMBER, NEWEST, NULL)                                         \
    C(INSTANCE, PARALLEL, "parallel_ns", NUMBER, NEWEST, NULL)

#define INSTANCE_TIMES(C)                                                                          \
    C(SPENT, ID, "instance_id", NUMBER, KEY,                                                       \
      "the sum over all chunks is the value: later rows are corrections")                          \
    TIMES(C, SPENT)                                                                                \
    BEFORES(C, SPENT)                                                                              \
    INTERRUPTS(C, SPENT)

#define INSTANCE_WAITS(C)                                                                          \
    C(INSTANCE_WAIT, ID, "instance_id", NUMBER, KEY, NULL)                                         \
    C(INSTANCE_WAIT, STATE, "state", TEXT, KEY, "as in waits")                                     \
    C(INSTANCE_WAIT, KIND, "kind", TEXT, KEY, "as in waits")                                       \
    C(INSTANCE_WAIT, OTHER, "other_id", NUMBER, KEY, "as in waits")                                \
    C(INSTANCE_WAIT, COUNT, "count", NUMBER, SUM, "0: the waits are unknown, or too many")         \
    C(INSTANCE_WAIT, NS, "total_ns", NUMBER, SUM, NULL)

#define USES(C)                                                                                    \
    C(USE, DESCRIPTOR, "descriptor_id", NUMBER, KEY, NULL)                                         \
    C(USE, THREAD, "thread_id", NUMBER, KEY, NULL)                                                 \
    C(USE, PHASE, "phase", TEXT, KEY, NULL)                                                        \
    C(USE, CALLS, "", DURATIONS, SUM, "complete calls that use the descriptor")                    \
    C(USE, READ, "read_bytes", NUMBER, SUM, NULL)                                                  \
    C(USE, WRITE, "write_bytes", NUMBER, SUM, NULL)

#define WAKEUPS(C)                                                                                 \
    C(WAKEUP, THREAD, "thread_id", NUMBER, KEY, NULL)                                              \
    C(WAKEUP, LATENCY, "", DURATIONS, SUM, "from wakeup to running")

#define WAITS(C)                                                                                   \
    C(WAIT, THREAD, "thread_id", NUMBER, KEY, "thread that waited")                                \
    C(WAIT, PHASE, "phase", TEXT, KEY, NULL)                                                       \
    C(WAIT, STATE, "state", TEXT, KEY,                                                             \
      "blocked: by the waker; runnable: by the thread that ran instead")                           \
    C(WAIT, KIND, "kind", TEXT, KEY, "waker or running thread: thread, idle, irq, softirq ...")    \
    C(WAIT, OTHER, "other_id", NUMBER, KEY, "a thread_id, or the number of a handler; else 0")     \
    C(WAIT, COUNT, "count", NUMBER, SUM, NULL)                                                     \
    C(WAIT, NS, "total_ns", NUMBER, SUM, NULL)                                                     \
    C(WAIT, MAX, "max_ns", NUMBER, SUM, "longest wait, or part of one")

/* What definitions count by, except process and thread. */
#define COUNTED_KEYS(C, P)                                                                         \
    C(P, NAME, "name", TEXT, KEY, "name of the definition; built-in: spanmill:...")                \
    C(P, THREAD, "thread_id", NUMBER, KEY, "thread, if broken down by process or thread; else 0")  \
    C(P, WHOSE, "whose", TEXT, KEY, "thread, idle, interrupt, or unknown")                         \
    C(P, BY_ID, "by_id", NUMBER, KEY, "hash of by")                                                \
    C(P, BY, "by", JSON, NEWEST, "values of the other entries of by")

#define COUNTS(C)                                                                                  \
    COUNTED_KEYS(C, COUNT)                                                                         \
    C(COUNT, COUNT, "count", NUMBER, SUM, NULL)                                                    \
    C(COUNT, VALUES, "with_value", NUMBER, SUM, "events with a value of 0 or more")                \
    C(COUNT, NEGATIVE, "negative", NUMBER, SUM,                                                    \
      "events with a value below 0, which no sum contains")                                        \
    C(COUNT, TOTAL, "value_total", NUMBER, SUM, "sum of the values")                               \
    C(COUNT, MIN, "value_min", NUMBER, NEWEST, NULL)                                               \
    C(COUNT, MAX, "value_max", NUMBER, NEWEST, NULL)

#define SPANS(C)                                                                                   \
    COUNTED_KEYS(C, SPAN)                                                                          \
    C(SPAN, DURATIONS, "", DURATIONS, SUM, "complete spans, in the interval of their end")         \
    C(SPAN, BEGIN_UNKNOWN, "begin_unknown", NUMBER, SUM, "ends without a begin")                   \
    C(SPAN, LOST, "lost", NUMBER, SUM, "begins whose end may be lost")                             \
    C(SPAN, TIMED_OUT, "timed_out", NUMBER, SUM, NULL)                                             \
    C(SPAN, OPEN, "open", NUMBER, SUM, NULL)                                                       \
    C(SPAN, UNMATCHED, "unmatched", NUMBER, SUM,                                                   \
      "begins and ends whose subject or match field is unknown")

#define RUNS(C)                                                                                    \
    C(RUN, THREAD, "thread_id", NUMBER, KEY, NULL)                                                 \
    C(RUN, CPU, "cpu_ns", NUMBER, SUM, "time of runs with both ends in the trace")                 \
    C(RUN, SWITCHES, "switches", NUMBER, SUM, NULL)                                                \
    TIMES(C, RUN)                                                                                  \
    BEFORES(C, RUN)                                                                                \
    INTERRUPTS(C, RUN)

#define CPUS(C)                                                                                    \
    C(CPU, CPU, "cpu", NUMBER, KEY, NULL)                                                          \
    C(CPU, BUSY, "busy_ns", NUMBER, SUM, "time of runs of threads other than idle")

/* TABLE(columns and index, name, is an entity, more columns, comment) */
#define TABLES(TABLE)                                                                              \
    TABLE(SESSIONS, "sessions", true, , "recordings")                                              \
    TABLE(INTERVALS, "intervals", false, TALLIES(TALLY_COLUMN), "joined intervals and losses")     \
    TABLE(PROCESSES, "processes", true, , "processes")                                             \
    TABLE(THREADS, "threads", true, , "threads")                                                   \
    TABLE(DESCRIPTORS, "descriptors", true, , "file descriptors: files, sockets, and others")      \
    TABLE(FIRST_CALLS, "first_calls", true, , "calls in progress when a stretch began")            \
    TABLE(CALLS, "calls", false, , "system calls by thread, phase, and name")                      \
    TABLE(CALL_ERRORS, "call_errors", false, , "errors of system calls")                           \
    TABLE(PHASES, "phases", false, , "phase instances by thread and phase")                        \
    TABLE(PHASE_BLOCKED, "phase_blocked", false, , "time that phases were blocked, by call")       \
    TABLE(INSTANCES, "instances", true, , "the slowest instances of each phase and interval")      \
    TABLE(INSTANCE_TIMES, "instance_times", false, , "time of instances by state")                 \
    TABLE(INSTANCE_WAITS, "instance_waits", false, ,                                               \
          "the largest waits of instances, by waker or running thread")                            \
    TABLE(USES, "uses", false, , "uses of descriptors by thread and phase")                        \
    TABLE(WAKEUPS, "wakeups", false, , "wakeup latencies by thread")                               \
    TABLE(WAITS, "waits", false, , "waits of threads, by waker or running thread and phase")       \
    TABLE(COUNTS, "counts", false, , "user-defined and built-in counts of events")                 \
    TABLE(SPANS, "spans", false, , "user-defined and built-in spans")                              \
    TABLE(RUNS, "runs", false, , "time of threads by state")                                       \
    TABLE(CPUS, "cpus", false, , "time of CPUs")

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
