/* trace/partial.h -- what a mapper says about one interval: a row of items.
 *
 * An item is either an event as it was, because its meaning needs the past, or the sum of what
 * one subject (thread, CPU, descriptor) did since the item before of that subject, together
 * with its state at that point. Whoever knows the past walks the row in order and knows the
 * state at the interval's end (docs/DESIGN.md, "Partials"). */
#ifndef TRACE_PARTIAL_H
#define TRACE_PARTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "trace/cells.h"
#include "trace/event.h"
#include "trace/phase_set.h"
#include "trace/syscalls.h"
#include "trace/damage.h"
#include "trace/tally.h"

#define TIME_NONE UINT64_MAX

/* What a thread has spent longer than that before a border is not taken back. */
#define TAKE_BACK_NS_MAX UINT64_C(10000000000)

/* In place of a thread's number. */
enum {
    TID_BY_CPU = -1, /* the thread current on the event's CPU: only the past knows */
    TID_NOBODY = -2  /* known to be none */
};

/* What a process does of which no event says the thread is as if of one more thread of it, whose
 * number this is; 0 for a number that is no pid. */
static inline int32_t tid_of_process(int32_t pid)
{
    return pid > 0 && pid <= INT32_MAX - 16 ? -16 - pid : 0;
}

static inline bool tid_is_of_process(int32_t tid)
{
    return tid <= -16;
}

enum thread_state { STATE_UNKNOWN, STATE_RUNNING, STATE_RUNNABLE, STATE_BLOCKED };

/* A system call in progress: what its exit will need. */
struct open_call {
    const struct syscall *call;
    uint64_t entry_ns;
    uint8_t present; /* of value and text, as in struct event */
    int64_t value[4];
    struct text text;
};

/* The descriptor numbers that a call uses by its values 0 and 1; -1 for none. */
static inline void call_descriptors(const struct call_role *role, uint8_t present,
                                    const int64_t *value, int32_t fd[2])
{
    fd[0] = fd[1] = -1;
    if (role->flags & CALL_NO_USE)
        return;
    if ((role->flags & CALL_MAPS) && (present & 4) && (value[2] & CALL_MAP_ANONYMOUS))
        return;
    bool second_is_use =
        role->op == CALL_PLAIN || role->op == CALL_CREATE || (role->flags & CALL_TRANSFER);
    for (unsigned i = 0; i < (second_is_use ? 2u : 1u); i++) {
        int64_t number = (present >> i & 1) ? value[i] : -1;
        if (number >= 0 && number <= INT32_MAX)
            fd[i] = (int32_t)number;
    }
    if (fd[1] == fd[0] && !(role->flags & CALL_TRANSFER))
        fd[1] = -1;
}

static inline void open_call_descriptors(const struct open_call *open, int32_t fd[2])
{
    call_descriptors(open->call->role, open->present, open->value, fd);
}

/* Whether open->text is the name of what the call creates. The path of an open that succeeded is
 * never empty: then the tracer could not read it. */
static inline bool open_call_names(const struct open_call *open)
{
    const struct call_role *role = open->call->role;
    return (role->flags & CALL_NAMES) && open->present >> EVENT_VALUES & 1 &&
           (open->text.count > 0 || role->kind != DESCRIPTOR_FILE);
}

enum call_register {
    CALL_AS_BEFORE, /* whatever it was when the piece begins; no syscall event since */
    CALL_NONE, /* in none for sure: it has left one since the last border, or is known to be free */
    CALL_OPEN
};

/* Which phase: in place of a path, which only the past may know, a number that an ITEM_LABEL of the
 * same row has told before. LABEL_NONE is no phase, LABEL_HERE the one that the past knows the thread
 * to be in. */
enum { LABEL_NONE = 0 };
#define LABEL_HERE UINT32_MAX

struct piece_call {
    uint32_t label; /* of the phase at the entry */
    const struct syscall *call;
    struct call_cell cell;
};

struct piece_phase {
    uint32_t label;
    struct phase_cell cell;
    void *slowest; /* for the mapper; it does not travel */
};

/* An instance that is among the phases, and that is told of by itself. */
struct piece_ended {
    uint32_t label, definition;
    struct ended_instance ended; /* rank.order: as if the interval were the first of the session */
};

/* An instance that is among the phases, and that ended when its CPU had had no event since. */
struct piece_closing {
    uint32_t label;
    uint64_t order; /* as in struct piece_ended */
    int32_t pid;    /* likewise */
    uint64_t begin_ns, end_ns;
};

/* Instances that are among the phases, and in which the call in progress was entered. */
struct piece_credit {
    uint32_t label;
    uint64_t count;
};

/* What a thread did since its item before. time.before_*: in whatever
 * call was open when the piece begins, or in none. If the past has accounted beyond from_ns
 * already, then under the state in which the piece begins. */
struct thread_piece {
    int32_t tid;
    uint64_t last_ns;           /* its last event; TIME_NONE without any */
    uint64_t named_ns;          /* the last switch that named it; TIME_NONE without any */
    bool state_known;           /* else the six below say nothing, and its state is what it was */
    uint8_t state;              /* enum thread_state, at until_ns */
    uint64_t from_ns, until_ns; /* `time` accounts for what is between */
    uint64_t state_since_ns;
    uint64_t wake_ns; /* the wakeup that a switch in will answer; TIME_NONE without */
    uint8_t call_register;
    struct open_call open; /* CALL_OPEN */
    uint32_t open_label;   /* CALL_OPEN */
    uint64_t cpu_ns, switches;
    struct durations latency;
    struct time_vector time; /* blocked_in by call id of the schema */
    struct piece_call *calls;
    size_t call_count;
    struct piece_phase *phases;
    size_t phase_count;
    struct piece_ended *ended;
    size_t ended_count;
    struct piece_closing *closings;
    size_t closing_count;
    struct piece_credit *credits;
    size_t credit_count;
    bool kernel_named, user_named;
    struct text kernel_name, user_name;
};

/* What a CPU did since its item before. */
struct cpu_piece {
    int32_t cpu;
    int32_t current; /* tid; 0 idle; TID_NOBODY */
    uint64_t run_begin_ns;
    bool run_whole;   /* no loss since run_begin_ns, a switch in */
    uint64_t last_ns; /* its last kernel event */
    uint64_t busy_ns;
};

/* Complete calls of one thread that used one descriptor number, which was not created or ended
 * between them. All of them prove the descriptor, since the entry of the earliest, or were
 * entered after one that does. */
struct uses_piece {
    int32_t tid;
    int32_t fd;
    uint32_t label;
    uint64_t proven_ns; /* least entry of a call that proves; TIME_NONE if none does */
    struct use_cell cell;
};

/* A complete call whose effect on descriptors needs the past. It is no part of any cell yet but
 * the thread's calls. */
struct descriptor_call {
    int32_t tid;
    uint32_t label;
    const struct syscall *call;
    uint64_t entry_ns, exit_ns;
    int64_t ret;
    uint8_t present;
    int64_t value[4];
    struct text text;
    int64_t pair[2];
    bool has_pair;
};

/* A descriptor created here, and perhaps ended here, by one thread, that nobody else touched
 * meanwhile. */
struct life_piece {
    int32_t tid;
    int32_t fd;
    uint32_t label;
    uint64_t begin_ns;
    bool named;
    struct text name;
    uint8_t kind;
    bool cloexec;
    bool ended;
    uint64_t end_ns;
    struct use_cell cell;
};

enum label_kind {
    LABEL_TOP, /* that of the thread here: the last begun of its open instances that the past knows */
    LABEL_PARENT, /* of such an instance of the thread that may be the parent; if none, `under` */
    LABEL_CHILD   /* `under`, and the name below it */
};

/* Gives the next number of a row, from 1, to what it says here. */
struct label_piece {
    uint8_t kind; /* enum label_kind */
    int32_t tid;
    uint64_t time_ns;
    uint32_t definition; /* LABEL_PARENT: the child's */
    uint32_t under;      /* a label */
    struct text name;
};

/* An instance that is open here, with what its thread has spent since it began. */
struct instance_piece {
    int32_t tid;
    uint32_t definition, label;
    bool by_user, in_call;
    uint64_t begin_ns, until_ns;
    uint64_t event;             /* its begin's number in the interval, from 0 */
    uint64_t calls;             /* complete calls entered in it */
    struct time_vector time;    /* from begin_ns to until_ns */
    struct field_value *values; /* of match fields, then what was captured */
    size_t value_count;
};

enum item_kind {
    ITEM_EVENT,
    ITEM_THREAD,
    ITEM_CPU,
    ITEM_USES,
    ITEM_DESCRIPTOR_CALL,
    ITEM_LIFE,
    ITEM_LABEL,
    ITEM_INSTANCE,
    ITEM_ANALYSIS
};

/* At each multiple of it, in raw time, the past forgets lives that are over: a mapper knows nothing then,
 * as at the begin of its interval. */
#define LIVES_TICK_NS UINT64_C(20000000000)

struct item {
    uint8_t kind; /* enum item_kind */
    /* Whom it is filed under on the wire: a process, a thread whose process is not known here
     * (pid 0), or the host (both 0). The row's order is over all of them. */
    int32_t key_pid, key_tid;
    union {
        struct {
            struct event event;
            int32_t tid;     /* the thread of the event, or TID_BY_CPU, TID_NOBODY */
            uint32_t label;  /* of a call: its phase */
            uint64_t number; /* of an event that begins or ends phases: in the interval */
            uint32_t summed; /* bits of its class's ends, and above them of its begins:
                                      those that pieces tell of */
            bool elsewhere;  /* a switch: prev_tid was named on another CPU since the first event
                               of this one in the interval */
        } event;
        struct thread_piece thread;
        struct cpu_piece cpu;
        struct uses_piece uses;
        struct descriptor_call descriptor_call;
        struct life_piece life;
        struct label_piece label;
        struct instance_piece instance;
        struct bytes analysis; /* a record of the engine of analyses (analysis/engine.h) */
    };
};

/* How much of a struct item one of that kind needs: it may be kept in no more. */
size_t item_bytes(enum item_kind kind);

/* Copies what `from` points to into `arena`. */
struct item item_copy(struct arena *arena, const struct item *from);

/* Closes an interval. */
struct interval_end {
    uint64_t chunk;
    uint64_t begin_ns, end_ns; /* bounds, raw clock */
    uint64_t items;            /* length of the row */
    uint32_t has_traces;       /* chunks that hold traces: 1 or 0, more after a join */
    bool has_kernel, has_user;
    bool counts_switches; /* its kernel metadata declares sched_switch */
    bool gap_before;      /* the interval before this one is missing */
    uint64_t events, single_events;
    struct tallies tallies;     /* what the mapper counted */
    struct damages damage;      /* what it left out, by name */
    struct phase_uses uses;     /* what its traces declare of the phase definitions */
    uint64_t first_ns, last_ns; /* of its events, TIME_NONE without any */
    bool has_offset;
    int64_t offset_ns; /* of the kernel's clock, else of the trace of the first event */
    const int32_t *cpus;
    size_t cpu_count;
    struct text host, session, created;
    /* What it was mapped with; NULL if that is not told: its phases then cannot be. */
    const struct phase_set *phases;
    uint64_t raw_bytes;
    /* Of the chunk's own events, those at or behind the interval's end; and events of the interval
     * that are in the seam: what the chunk before left. */
    bool knows_seam;
    uint64_t left_events, seam_events;
    uint8_t clock_uuid[16]; /* of the clock that orders it; zeros if not told */
    bool final;             /* the session ends with it */
};

#endif
