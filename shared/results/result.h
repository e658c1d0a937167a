/* results/result.h -- one record of the results log.
 *
 * Entities (process, thread, descriptor) are written completely; the newest record of an id
 * replaces older ones. Cells add up. Cells refer to entities by id, never by a name that may still
 * change. Times are raw clock ns; the fold adds the clock's offset. Ids are dense, from 1, in the
 * order in which a session's entities first appear; 0 is none. */
#ifndef RESULTS_RESULT_H
#define RESULTS_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/atom.h"
#include "base/bytes.h"
#include "results/count_result.h"
#include "trace/cells.h"
#include "trace/damage.h"
#include "trace/schema.h"
#include "trace/tally.h"

enum result_type {
    RESULT_PROCESS,
    RESULT_THREAD,
    RESULT_DESCRIPTOR,
    RESULT_CALLS,      /* cell of (thread, phase, call) */
    RESULT_PHASE,      /* cell of (thread, phase) */
    RESULT_INSTANCE,   /* an instance of a phase: its consumers keep the slowest */
    RESULT_FIRST_CALL, /* fact of (thread, stretch): the state in the time before it */
    RESULT_USES,       /* cell of (descriptor, thread, phase) */
    RESULT_LATENCY,    /* cell of a thread */
    RESULT_RUN,        /* cell of a thread */
    RESULT_CPU,        /* cell of a CPU */
    RESULT_CELL,       /* cell of an analysis: an atom whose kind has a view */
    RESULT_COUNT,      /* cell of a user-defined count: of (thread, key) */
    RESULT_WAITS,      /* cell of (thread, phase, who ended them or ran instead) */
    RESULT_INTERVAL    /* mark: an interval is joined */
};

struct process_fact {
    uint64_t id;
    int32_t pid;
    int32_t ppid; /* -1: unknown */
    uint64_t fork_ns;
    bool fork_seen; /* begin is hard, at fork_ns */
};

/* Instead of a tid: what is known of a process without a thread. It is not one of its threads. */
enum { TID_UNKNOWN = 0 };

struct thread_fact {
    uint64_t id;
    uint64_t process; /* 0: unknown */
    int32_t tid;      /* or TID_UNKNOWN */
    uint64_t begin_ns, end_ns;
    bool begin_hard, end_hard;
    bool kernel_named; /* name from the kernel; else from user space, or empty */
    struct text name;
    struct text program; /* name of the process according to its own trace; or empty */
};

struct descriptor_fact {
    uint64_t id;
    uint64_t process;
    int32_t fd;
    uint64_t begin_ns, end_ns;
    bool begin_hard, end_hard, ended;
    bool named;
    uint8_t kind; /* enum descriptor_kind */
    struct text name;
};

/* An instance of a phase that is reported individually. */
struct instance_result {
    /* Of (process, phase): the process is that of `ended`, or else that of the thread. */
    struct ended_instance ended;
    struct slowest_rule rule; /* of its definition */
    const struct text *names; /* of the values' fields */
    size_t match_count;       /* number of match field values, which precede captured ones */
    /* It was reported before; its time is to be added. No values. */
    bool is_correction;
};

struct interval_fact {
    uint64_t chunk;
    uint64_t chunks; /* folders that contain its `kernel` or `ust` traces */
    bool gap;
    uint64_t events;
    struct tallies tallies;
    struct damages damage;
    struct phase_uses uses; /* how its traces declare the phase definitions */
    bool any_event;
    uint64_t first_ns, last_ns; /* of its events */
    int64_t offset_ns;
    bool kernel, user; /* domains present */
    struct text host;
};

struct result {
    enum result_type type;
    /* The process it is filed under, only for locality; 0 while unknown: then the thread's number;
     * both 0: the host. */
    int32_t pid, tid;
    uint64_t thread, descriptor; /* ids, for cells */
    uint32_t stretch;
    int32_t cpu;
    uint64_t wait_who;       /* RESULT_WAITS: wait_who(), with the id for a thread */
    struct text phase, call; /* from a join, they stay until the interval's mark is taken */
    bool lasts;              /* likewise, what `calls` or `uses` points to */
    /* The meaning of call ids in blocked_in: calls of `schema`, or, without one, these names. */
    const struct schema *schema;
    const struct text *call_names;
    union {
        struct process_fact process;
        struct thread_fact thread_fact;
        struct descriptor_fact descriptor_fact;
        const struct interval_fact *interval;
        const struct call_cell *calls;
        const struct phase_cell *phase_cell;
        const struct instance_result *instance;
        const struct use_cell *uses;
        const struct durations *latency;
        struct {
            uint64_t cpu_ns, switches;
            const struct time_vector *time;
        } run;
        struct cpu_ran {
            uint64_t busy_ns, idle_ns; /* complete runs of threads, and of the idle thread */
        } ran;
        const struct count_result *count;
        struct wait_cell wait;
        const struct atom *cell; /* its keys and sums */
        bool in_call;            /* RESULT_FIRST_CALL: the first event was an exit, of `call` */
    };
};

/* The name of a call id in blocked_in. */
struct text result_call_name(const struct result *result, uint32_t call);

/* Merges two facts about one process, or one thread; `newer` is the later one. */
struct process_fact process_fact_join(const struct process_fact *older,
                                      const struct process_fact *newer);
struct thread_fact thread_fact_join(const struct thread_fact *older,
                                    const struct thread_fact *newer);

/* Descriptors of one process from their creation to their end, used by one thread in one phase:
 * each stands for a RESULT_DESCRIPTOR, and a RESULT_USES if it was used. */
struct passed_result {
    uint64_t first; /* id of the first; the ids are consecutive */
    uint64_t process, thread;
    struct text phase;
    uint64_t count;
    struct bytes bytes; /* trace/passed.h; they stay until the interval's mark is taken */
};

/* Waits of one thread in one phase: each item stands for a RESULT_WAITS. */
struct waits_result {
    int32_t pid, tid; /* as in struct result, as are these two */
    uint64_t thread;
    struct text phase;
    const struct waits_item {
        uint64_t who; /* as wait_who in struct result */
        struct wait_cell cell;
    } * at;
    size_t count;
};

/* Takes results in the order of the log; what they point to is borrowed for the call, unless it
 * lasts. */
struct result_sink {
    void (*take)(void *context, const struct result *result);
    void *context;
    /* NULL: single results are passed to `take` instead. */
    void (*take_passed)(void *context, const struct passed_result *passed);
    void (*take_waits)(void *context, const struct waits_result *waits); /* likewise */
};

#endif
