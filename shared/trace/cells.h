/* trace/cells.h -- sums: of calls, of the time of a thread, of uses of a descriptor. Two sums are
 * merged by addition, so the order of merging does not matter. */
#ifndef TRACE_CELLS_H
#define TRACE_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/durations.h"
#include "trace/event.h"
#include "trace/interrupted.h"
#include "trace/slowest.h"

struct error_count {
    uint32_t number; /* -ret, 1..4095 */
    uint64_t count;
};

/* Shorter calls are not of interest as the slowest one, and the fields for it would be most of a
 * cell's bytes. */
#define SLOWEST_NS_MIN UINT64_C(10000000)

/* Calls of one name: complete ones, and half-seen ones. */
struct call_cell {
    struct durations complete;
    uint64_t bytes, begin_unknown, end_unknown;
    uint64_t refused; /* errors at exits in threads without an open call */
    /* Entry of the longest complete call (of equal ones, the earliest); 0 if none took
     * SLOWEST_NS_MIN. */
    uint64_t slowest_entry_ns;
    struct error_count *errors; /* owned, by number */
    uint32_t error_count, error_room;
};

void call_cell_add_error(struct call_cell *cell, uint32_t number, uint64_t count);
void call_cell_merge(struct call_cell *cell, const struct call_cell *other);
void call_cell_clear(struct call_cell *cell);

/* Whether a system call's return value is an error: -4095..-1. */
static inline bool ret_is_error(int64_t ret)
{
    return ret >= -4095 && ret <= -1;
}

/* Sets the entry of the slowest call. The cell does not count that call, which took `max_ns`,
 * yet. */
static inline void call_cell_note_slowest(struct call_cell *cell, uint64_t max_ns,
                                          uint64_t entry_ns)
{
    const struct durations *complete = &cell->complete;
    if (max_ns < SLOWEST_NS_MIN)
        return;
    if (complete->count == 0 || max_ns > complete->max_ns ||
        (max_ns == complete->max_ns && entry_ns < cell->slowest_entry_ns))
        cell->slowest_entry_ns = entry_ns;
}

/* Adds one complete call that returned `ret` after `ns`, which is in bucket `bucket` of
 * durations_bucket(). `bytes`: whether ret is a number of bytes. */
static inline void call_cell_add(struct call_cell *cell, uint64_t entry_ns, uint64_t ns,
                                 unsigned bucket, int64_t ret, bool bytes)
{
    call_cell_note_slowest(cell, ns, entry_ns);
    durations_add_in(&cell->complete, ns, bucket);
    if (ret_is_error(ret))
        call_cell_add_error(cell, (uint32_t)-ret, 1);
    else if (bytes && ret > 0)
        cell->bytes += (uint64_t)ret;
}

/* Adds an exit that returned the error `ret` to a thread without an open call. */
static inline void call_cell_add_refused(struct call_cell *cell, int64_t ret)
{
    cell->refused++;
    call_cell_add_error(cell, (uint32_t)-ret, 1);
}

/* Uses of a descriptor by complete calls. */
struct use_cell {
    struct durations calls;
    uint64_t read_bytes, write_bytes;
};

void use_cell_merge(struct use_cell *cell, const struct use_cell *other);
void use_cell_clear(struct use_cell *cell);

/* Where the time of a thread went. before_*: before its first call, when only the first syscall
 * event of the thread shows whether it was inside a call that began before the trace, or outside of
 * calls. */
struct blocked_in {
    uint32_t call; /* id of the call, in the schema of the owner of the vector */
    uint64_t ns;
};

struct time_vector {
    uint64_t user_ns, sys_ns, runnable_ns, unknown_ns;
    uint64_t blocked_ns; /* in no call */
    uint64_t before_running_ns, before_blocked_ns;
    uint64_t as_before_ns; /* of a row: in the state and call that the past has for the thread */
    struct blocked_in *blocked_in; /* owned; each call once */
    uint32_t blocked_count, blocked_room;
    struct interrupted interrupted; /* of user_ns, sys_ns, before_running_ns, as_before_ns */
};

void time_vector_add_blocked_in(struct time_vector *vector, uint32_t call, uint64_t ns);
void time_vector_merge(struct time_vector *vector, const struct time_vector *other);
/* Copies `other` into the memory of `vector`. */
void time_vector_copy(struct time_vector *vector, const struct time_vector *other);
/* Subtracts `other`, modulo 2^64. */
void time_vector_subtract(struct time_vector *vector, const struct time_vector *other);
/* Sets the empty vector `to` to `total` without `before`, modulo 2^64. */
void time_vector_difference(struct time_vector *to, const struct time_vector *total,
                            const struct time_vector *before);
/* Whether the vector has time that only the first call of the thread can assign. */
static inline bool time_vector_has_before(const struct time_vector *vector)
{
    return (vector->before_running_ns | vector->before_blocked_ns |
            vector->interrupted.before_ns) != 0;
}
uint64_t time_vector_whole(const struct time_vector *vector);
void time_vector_clear(struct time_vector *vector); /* empty again, memory kept */
void time_vector_free(struct time_vector *vector);
/* The same for a vector that is not used any more: leaves it as it is. */
static inline void time_vector_drop(struct time_vector *vector)
{
    if (vector->blocked_in)
        free(vector->blocked_in);
}

/* Instances of a phase. A stretch is the time of a thread from the begin of an instance, or from a
 * loss, to its next one; before_*: of the stretch named in the result. */
struct phase_cell {
    struct durations complete;
    uint64_t hopped; /* complete ones that another thread ended */
    uint64_t over;   /* complete ones at or over the threshold of their definition */
    uint64_t begin_unknown, end_unknown;
    uint64_t syscalls;
    /* Of instances with segments: time without an open segment, and total time of the segments
     * minus the time with any open segment. */
    uint64_t queued_ns, parallel_ns;
    struct time_vector time;
};

/* Largest number of waits reported per instance: half of them of blocked time, the largest of
 * each. */
enum { INSTANCE_WAITS_MAX = 16 };
/* An instance with more waits reports none: this limits what is kept of open instances. */
enum { INSTANCE_WAITS_COUNTED = 8192 };

/* The total of one kind of wait of an instance. */
struct instance_wait {
    uint64_t who; /* wait_who() */
    uint64_t count, total_ns;
};

/* A complete instance that is reported individually. */
struct ended_instance {
    struct instance_rank rank;
    int32_t pid;     /* of its process, as known at its end; 0: unknown */
    int32_t end_tid; /* the thread that ended it; 0: the one that began it */
    uint64_t calls;  /* complete calls that were entered in it and ended before its end */
    uint64_t queued_ns, parallel_ns; /* as in struct phase_cell */
    struct time_vector time;
    struct field_value *values; /* owned, with texts: match fields, then captured fields */
    size_t value_count;
    struct instance_wait *waits; /* owned */
    size_t wait_count;
};

void ended_instance_clear(struct ended_instance *ended);
/* NULL if there are none. The caller frees the copy. */
struct instance_wait *instance_waits_copy(const struct instance_wait *waits, size_t count);

/* The thread of counted events: a known one, an unknown one, or the idle thread. Only in a fold:
 * any, for the events beyond the limit of different values. Only of built-in counts: no thread, in
 * an interrupt handler. */
enum count_whose {
    COUNT_OF_LIFE,
    COUNT_OF_UNKNOWN,
    COUNT_OF_IDLE,
    COUNT_OF_OTHERS,
    COUNT_OF_HANDLER,
    COUNT_OF_LAST = COUNT_OF_HANDLER
};

/* Events, or spans, of a user-defined count. */
struct count_cell {
    uint64_t count;         /* of spans: complete ones; their durations are the values */
    uint64_t negative;      /* events with a value below 0, which is in no sum */
    struct durations value; /* other values, of any unit */
    /* Of spans: begins without an end, by reason ... */
    uint64_t lost;          /* the end may be among lost events */
    uint64_t timed_out;     /* no end within the timeout */
    uint64_t open;          /* the recording, or the definition, ended before */
    uint64_t begin_unknown; /* ... ends without a begin ... */
    uint64_t unmatched;     /* ... begins or ends without a known subject or a match field */
};

/* Adds one event; FIELD_ABSENT: without a value. */
void count_cell_add(struct count_cell *cell, const struct field_value *value);
void count_cell_merge(struct count_cell *cell, const struct count_cell *other);
void count_cell_clear(struct count_cell *cell);

/* Number of slices that a CPU remembers. */
enum { CPU_SLICES = 32 };

/* Who ended the wait of a blocked thread, or who had the CPU while a thread was runnable. The
 * numbers are on the wire. */
enum wait_kind {
    WAKER_UNKNOWN,
    WAKER_IDLE,
    WAKER_THREAD,
    WAKER_IRQ,
    WAKER_SOFTIRQ,
    WAKER_TIMER,
    WAKER_VECTOR,
    RAN_UNKNOWN = 8,
    RAN_IDLE,
    RAN_THREAD,
    RAN_EARLIER, /* threads before the last CPU_SLICES slices of the CPU */
    WAIT_KINDS
};

static inline bool wait_is_known(unsigned kind)
{
    return kind <= WAKER_VECTOR || (kind >= RAN_UNKNOWN && kind < WAIT_KINDS);
}

/* Whether the wait was of a blocked thread; else of a runnable one. */
static inline bool wait_is_of_blocked(unsigned kind)
{
    return kind < RAN_UNKNOWN;
}

/* Whether `who` is the id of a thread. */
static inline bool wait_is_by_thread(unsigned kind)
{
    return kind == WAKER_THREAD || kind == RAN_THREAD;
}

/* Whether `who` is the number of a handler. */
static inline bool wait_is_by_handler(unsigned kind)
{
    return kind == WAKER_IRQ || kind == WAKER_SOFTIRQ || kind == WAKER_VECTOR;
}

/* Kind and number (a thread's id or a handler's number) in one integer. */
enum { WAIT_KIND_BITS = 4, WAIT_WHO_BITS = 32 + WAIT_KIND_BITS };

static inline uint64_t wait_who(enum wait_kind kind, uint32_t by)
{
    return (uint64_t)by << WAIT_KIND_BITS | kind;
}

static inline enum wait_kind wait_kind_of(uint64_t who)
{
    return (enum wait_kind)(who % (1 << WAIT_KIND_BITS));
}

static inline uint32_t wait_by(uint64_t who)
{
    return (uint32_t)(who >> WAIT_KIND_BITS);
}

/* Waits, or parts of waits. */
struct wait_cell {
    uint64_t count, total_ns, max_ns;
};

static inline void wait_cell_merge(struct wait_cell *cell, const struct wait_cell *other)
{
    cell->count += other->count;
    cell->total_ns += other->total_ns;
    if (other->max_ns > cell->max_ns)
        cell->max_ns = other->max_ns;
}

/* Adds all of `from` but `time`, whose ids may be of another schema. */
void phase_cell_merge_counts(struct phase_cell *to, const struct phase_cell *from);
void phase_cell_clear(struct phase_cell *cell);

#endif
