/* trace/partial.h -- the interval end of a partial, and types that mapper and reducer share with
 * the row (core/core_row.h). */
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

/* Instead of a tid: known to be no thread. */
enum { TID_SETTLED_UNKNOWN = -2 };

/* Activity of a process whose thread no event shows is assigned to an additional thread of the
 * process with this number; 0 if the number is not a pid. */
static inline int32_t tid_of_process(int32_t pid)
{
    return pid > 0 && pid <= INT32_MAX - 16 ? -16 - pid : 0;
}

static inline bool tid_is_of_process(int32_t tid)
{
    return tid <= -16;
}

enum thread_state { STATE_UNKNOWN, STATE_RUNNING, STATE_RUNNABLE, STATE_BLOCKED };

/* A system call in progress: what its exit needs. */
struct open_call {
    const struct syscall *call;
    uint64_t entry_ns;
    uint8_t present; /* of value and text, as in struct event */
    int64_t value[4];
    struct text text;
};

static inline int32_t call_descriptor(unsigned uses, const int64_t *value, unsigned at)
{
    bool is_number = (uses >> at & 1) && value[at] >= 0 && value[at] <= INT32_MAX;
    return is_number ? (int32_t)value[at] : -1;
}

/* The descriptor numbers that a call uses, from its values 0 and 1; -1 for none. */
struct call_descriptors {
    int32_t first, second;
};

static inline struct call_descriptors call_descriptors(const struct syscall *call, uint8_t present,
                                                       const int64_t *value)
{
    struct call_descriptors none = {-1, -1};
    unsigned uses = call->uses & present;
    uint8_t flags = call->role->flags;
    if (uses == 0 || ((flags & CALL_MAPS) && (present & 4) && (value[2] & CALL_MAP_ANONYMOUS)))
        return none;
    struct call_descriptors fds = {call_descriptor(uses, value, 0),
                                   call_descriptor(uses, value, 1)};
    if (fds.second == fds.first && !(flags & CALL_TRANSFER))
        fds.second = -1;
    return fds;
}

/* Whether open->text is the name of what the call creates. The path of a successful open is never
 * empty: if it is, the tracer could not read it. */
static inline bool open_call_names(const struct open_call *open)
{
    const struct call_role *role = open->call->role;
    return (role->flags & CALL_NAMES) && open->present >> EVENT_VALUES & 1 &&
           (open->text.count > 0 || role->kind != DESCRIPTOR_FILE);
}

/* A phase in a row: instead of a path, which only the past may know, a number that an earlier label
 * record of the row defines. LABEL_NONE is no phase. */
enum { LABEL_NONE = 0 };

enum label_kind {
    LABEL_TOP, /* of the thread here: the last begun of its open instances in the past */
    /* The path of such an instance of the thread that may be the parent; if there is none and there
     * are values, of the one with equal values; else `under`. */
    LABEL_PARENT,
    LABEL_CHILD, /* `under`, and the name below it */
    LABEL_CALL   /* not a phase: the call that the thread is in, according to the past */
};

/* The last record of an interval. */
struct interval_end {
    uint64_t chunk;
    uint64_t begin_ns, end_ns; /* bounds, raw clock */
    uint64_t items;            /* records of the row */
    uint32_t has_traces;       /* chunks that contain traces: 1 or 0, more after a join */
    bool has_kernel, has_user;
    bool counts_switches; /* its kernel metadata declares sched_switch */
    bool no_calls;        /* its kernel metadata declares no system call */
    bool gap_before;      /* the previous interval is missing */
    uint64_t events, single_events;
    struct tallies tallies;     /* what the mapper counted */
    struct damages damage;      /* data that it left out, by name */
    struct phase_uses uses;     /* how its traces declare the events of the phase definitions */
    uint64_t first_ns, last_ns; /* of its events; TIME_NONE if there are none */
    bool has_offset;
    int64_t offset_ns; /* of the kernel's clock, else of the trace of the first event */
    const int32_t *cpus;
    size_t cpu_count;
    struct text host, session, created;
    /* The definitions it was mapped with; NULL: none. */
    const struct phase_set *phases;
    uint64_t raw_bytes;
    /* Number of the chunk's own events at or after the interval's end, and of events of the
     * interval that are in the seam: those that the previous chunk left. */
    bool knows_seam;
    uint64_t left_events, seam_events;
    uint8_t clock_uuid[16]; /* of the clock that orders it; zeros if unknown */
    bool final;             /* the last interval of the session */
};

#endif
