/* results/fold_state.h -- the state of a fold: fold.c fills it, fold_forget.c removes from it, and
 * fold_report.c and fold_rows.c read it.
 *
 * A log may be read from any position: numbers of unknown threads and descriptors are stored by id
 * until the log has the entity. */
#ifndef RESULTS_FOLD_STATE_H
#define RESULTS_FOLD_STATE_H

#include "analysis/atom_table.h"
#include "base/arena.h"
#include "base/id_map.h"
#include "base/map.h"
#include "base/names.h"
#include "base/slab.h"
#include "results/result.h"
#include "results/slow_instances.h"

#define NO_NAME NAMES_NONE
/* Instead of a pid: the rows of threads with an unknown process. */
#define PID_NONE INT64_C(-1)

/* Items of damage that a report lists. */
enum { DAMAGES_TOLD = 256 };

enum { FD_SEVERAL = -1, FD_NONE_YET = -2 };

/* A thread that may give its process a name. For a name from the process's own trace, `tid` sorts
 * before all others. */
enum { TID_BEFORE_ALL = -1 };

struct candidate {
    bool any, leader, kernel;
    int32_t tid;
    uint64_t thread;
    uint32_t name;
};

/* Of threads of one process. */
struct process_sum {
    bool any;
    uint64_t threads, cpu_ns, irq_ns, softirq_ns;
    uint64_t first_ns, last_ns;
    bool all_exited;
    struct candidate candidate;
};

struct folded_process {
    struct process_fact fact;
    struct process_sum gone; /* sums of dropped threads */
    uint64_t result_chunk;   /* the last chunk with a record of it */
};

/* Time of ended instances before the first call of the thread's stretch. */
struct before {
    struct before *next;
    uint32_t stretch, path;
    uint64_t running_ns, blocked_ns;
    uint64_t interrupted_ns; /* of running_ns */
};

struct first_call {
    struct first_call *next;
    uint32_t stretch, call;
};

struct folded_thread {
    uint64_t id;
    struct thread_fact fact; /* fact.id 0: not known yet */
    uint64_t result_chunk;   /* also of its numbers */
    bool is_earlier;         /* it was only taken by fold_take_earlier() */
    uint32_t name, program;
    uint64_t cpu_ns, switches;
    struct time_vector time;
    struct durations latency;
    struct cell_group *group; /* its cells are in; NULL: look it up */
    bool waits;               /* it has its own group until its process is known */
    struct before *befores;   /* owned, as are these */
    struct first_call *firsts;
};

/* One use cell of a descriptor that has not ended. */
struct open_use {
    struct open_use *next;
    uint64_t thread;
    uint32_t path;
    struct use_cell cell;
};

struct folded_descriptor {
    uint64_t id;
    uint64_t result_chunk;
    uint64_t process; /* id; 0: not known yet */
    uint64_t begin_ns, end_ns;
    int32_t fd;
    uint32_t name;
    uint8_t kind;
    bool begin_hard, ended, end_hard;
    uint64_t calls, read_bytes, write_bytes, total_ns;
    struct open_use *uses;
};

/* Descriptors that have ended; their bytes follow the struct. */
struct passed_kept {
    struct passed_kept *next;
    struct passed_result content;
    uint32_t path;
};

enum cell_type { CELL_CALLS, CELL_PHASE, CELL_FILE, CELL_SLOW, CELL_COUNT };
enum { CELL_TYPES = CELL_COUNT + 1 };

struct cell_key {
    uint8_t type; /* enum cell_type */
    uint8_t kind; /* CELL_FILE */
    uint32_t path;
    uint32_t name; /* call, or file, or the values of a count: fold_counts.c */
};

struct cell {
    struct cell_key key;
    int32_t fd;        /* CELL_FILE: its descriptors' number, or one of the two above */
    struct cell *next; /* of the same hash */
    uint64_t slowest_thread;
    union { /* a cell in a group only has memory for its own type */
        struct use_cell uses;
        struct call_cell calls;
        struct phase_cell phase;
        struct slow_instances slow;
        struct count_cell count;
    };
};

/* Waits of threads for one other side. */
struct folded_wait {
    uint64_t who;    /* wait_who(); for a dropped thread: its name, with a kind of fold_waits.c */
    uint64_t thread; /* while its process may still become known; else 0, and `pid` has them */
    int32_t pid;     /* or PID_NONE */
    uint32_t path;
    struct wait_cell cell;
};

/* In any order. There may be several with one key: they are merged when the room is used up. */
struct folded_waits {
    struct folded_wait *at; /* owned */
    size_t count, room;
};

/* The cells of one pid (or PID_NONE), or of a thread whose process may still become known. */
struct cell_group {
    int64_t pid;
    struct map cells; /* by hash of their keys; owned */
};

/* The name of a dropped process, whose numbers are kept. */
struct old_name {
    uint64_t process; /* id */
    struct candidate candidate;
};

/* Names found by their address, without hashing their characters. */
enum { FOLD_RECENT = 1 << 14 };

struct fold {
    char *session;
    struct arena arena;                       /* of cells, descriptors and their uses */
    struct passed_kept *passed, **passed_end; /* the oldest first; in passed_arena */
    struct arena passed_arena;
    struct slab free_cells[CELL_TYPES], free_descriptors, free_uses;
    struct names names;           /* of all kinds */
    uint32_t recent[FOLD_RECENT]; /* ids of names + 1, by address; 0: none */
    uint32_t empty_name;          /* the id of the text without characters */
    struct map processes;         /* by id, as are these two */
    struct id_map threads, descriptors;
    struct folded_thread *last_thread;         /* of the last record; or NULL */
    struct folded_descriptor *last_descriptor; /* likewise: its uses follow it */
    struct map groups;                         /* of cells, by pid + 1 */
    struct folded_waits waits;
    struct atom_table analyses; /* their cells */
    struct count_keys *counts;  /* of each definition; owned */
    size_t count_count, count_room;
    struct map old_names; /* by pid + 1 */
    uint64_t chunk;       /* of the results being taken */
    struct cpu_sum {
        bool seen; /* it is of the trace */
        struct cpu_ran ran;
    } * cpus; /* by number */
    size_t cpu_count;
    uint32_t *hosts;
    size_t host_count, host_room;
    uint64_t chunks, events;
    struct tallies tallies;
    struct damage *damages; /* owned; their texts are in damage_arena */
    size_t damage_count, damage_room;
    uint64_t more_damage;
    struct arena damage_arena;
    struct phase_uses uses; /* in uses_arena */
    struct arena uses_arena;
    bool any_event, any_offset, kernel, user;
    uint64_t first_ns, last_ns;
    int64_t offset_ns;
};

uint32_t fold_name_id(struct fold *fold, struct text text);
struct folded_thread *fold_thread_at(struct fold *fold, uint64_t id);
/* Readers who come late know the name of the thread of a wait within a round, if it lives: until
 * then its id has to be kept. */
void fold_expect_thread(struct fold *fold, uint64_t who);
struct cell_group *fold_group_at(struct fold *fold, int64_t pid);
struct cell *fold_cell_at(struct fold *fold, struct cell_group *group, const struct cell_key *key);
/* The cell for `key` of a thread: of its pid once known, its own until then. */
struct cell *fold_cell_of_thread(struct fold *fold, const struct cell_key *key, uint64_t id);
/* Puts a cell of another group, or of none, into `to`. */
void fold_move_cell(struct fold *fold, struct cell_group *to, struct cell *take_cell);
void fold_free_cell(struct fold *fold, struct cell *cell);

/* --- fold_counts.c --- */
void fold_take_count(struct fold *fold, const struct result *result);
void fold_free_counts(struct fold *fold);

/* --- fold_waits.c --- */
/* Replaces threads to be dropped by their names in waits. */
void fold_settle_waits(struct fold *fold, bool (*goes)(const struct fold *fold, uint64_t thread));

/* Adds `from`, a cell of the same type but CELL_SLOW, to `to`. */
void fold_merge_cell(struct cell *to, const struct cell *from);

/* Frees its content, but not the cell. */
void fold_clear_cell(struct cell *cell);

/* The pid for the thread's rows: PID_NONE if unknown, or if `thread` is NULL. */
int64_t fold_pid_of(const struct folded_thread *thread);
static inline struct folded_thread *fold_thread(const struct fold *fold, uint64_t id)
{
    return id_map_find(&fold->threads, id);
}

void fold_sum_thread(const struct fold *fold, struct process_sum *sum,
                     const struct folded_thread *thread);
void fold_choose(struct candidate *best, const struct candidate *other);
/* Adds the time before the first call of a stretch to the slot determined by that call. */
void fold_add_before(struct time_vector *time, const struct folded_thread *thread,
                     const struct before *before);

struct folded_process *fold_process_at(struct fold *fold, uint64_t id);
/* All groups of cells, by pid, with threads of unknown processes last; *count of them, in the
 * arena. */
const struct cell_group **fold_groups(const struct fold *fold, struct arena *arena, size_t *count);
/* The cell of a phase under a pid, or PID_NONE. */
struct cell *fold_phase_cell(struct fold *fold, uint32_t path, int64_t pid);
/* Moves the uses of a descriptor to the cells of its name, kind, and phase. */
void fold_settle_uses(struct fold *fold, struct folded_descriptor *descriptor);
/* Waits of an instance for threads to be dropped get the names of these threads. */
void fold_settle_instance_waits(const struct fold *fold, struct slow_instance *instance,
                                bool (*goes)(const struct fold *fold, uint64_t thread));
/* Copies everything known of the thread, which is to be dropped, to its instance. */
void fold_settle_instance(const struct fold *fold, struct slow_instance *instance);
/* Moves the cells that wait for the thread's process to `pid`. */
void fold_move_waiting(struct fold *fold, struct folded_thread *thread, int64_t pid);
void fold_free_thread(struct fold *fold, struct folded_thread *thread);
void fold_free_descriptor(struct fold *fold, struct folded_descriptor *descriptor);

#endif
