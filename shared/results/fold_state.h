/* results/fold_state.h -- what a fold holds; for fold.c, which fills it, and fold_report.c, which
 * reads it. */
#ifndef RESULTS_FOLD_STATE_H
#define RESULTS_FOLD_STATE_H

#include "base/map.h"
#include "base/names.h"
#include "results/result.h"

#define NO_NAME NAMES_NONE
/* In place of a pid: the rows of threads whose process nothing tells. */
#define PID_NONE INT64_C(-1)

enum { FD_SEVERAL = -1, FD_NONE_YET = -2 };

struct folded_process {
    uint64_t id;
    int32_t pid, ppid; /* ppid -1: not told */
    bool fork_seen, ppid_by_fork;
    uint64_t fork_ns;
};

struct folded_thread {
    struct thread_fact fact; /* fact.id 0: not told yet */
    uint32_t name;
    uint64_t cpu_ns, switches;
    struct time_vector time;
    struct duration_cell *latency; /* owned, NULL without any */
    struct cell **waiting; /* owned: cells that wait for its process */
    size_t waiting_count, waiting_room;
};

/* One use cell of a descriptor that has not ended. */
struct open_use {
    struct open_use *next;
    uint64_t thread;
    uint32_t path;
    struct use_cell cell;
};

struct folded_descriptor {
    uint64_t process; /* id; 0: not told yet */
    uint64_t begin_ns, end_ns;
    int32_t fd;
    uint32_t name;
    uint8_t kind;
    bool begin_hard, ended, end_hard;
    uint64_t calls, read_bytes, write_bytes, total_ns;
    struct open_use *uses;
};

enum cell_type { CELL_CALLS, CELL_PHASE, CELL_FILE };

struct cell_key {
    uint8_t type; /* enum cell_type */
    uint8_t kind; /* CELL_FILE */
    uint32_t path;
    uint32_t name; /* call, or file */
    int64_t pid;   /* or PID_NONE */
    uint64_t thread; /* while its process may still be told; else 0 */
};

struct cell {
    struct cell_key key;
    struct cell *next; /* of the same hash */
    uint64_t slowest_thread;
    int32_t fd; /* CELL_FILE: its descriptors' number, or one of the two below */
    union {
        struct call_cell calls;
        struct phase_cell phase;
        struct use_cell uses;
    };
};

/* Time of ended instances before the first call of their thread's stretch. */
struct before {
    uint64_t thread;
    uint32_t stretch, path;
    uint64_t running_ns, blocked_ns;
};

struct first_call {
    uint64_t thread;
    uint32_t stretch;
    uint32_t call;
};

struct fold {
    char *session;
    struct names names; /* of all kinds */
    struct map processes;
    struct folded_thread *threads; /* by id */
    size_t thread_room;
    uint64_t thread_last;
    struct folded_descriptor *descriptors; /* by id */
    size_t descriptor_room;
    uint64_t descriptor_last;
    struct map cells;
    struct before *befores;
    size_t before_count, before_room;
    struct first_call *firsts;
    size_t first_count, first_room;
    uint64_t *busy_ns; /* by CPU; busy_seen tells which are of the trace */
    bool *busy_seen;
    size_t cpu_count;
    uint32_t *hosts;
    size_t host_count, host_room;
    uint64_t chunks, events, discarded, borders, gaps;
    bool any_event, any_offset, kernel, user;
    uint64_t first_ns, last_ns;
    int64_t offset_ns;
};

/* Adds `from`, a cell of the same type, to `to`. */
void fold_merge_cell(struct cell *to, const struct cell *from);

#endif
