/* trace/cells.h -- numbers that add up: of calls, of the time of a thread, of uses of a
 * descriptor. Merging two is adding, so the order of merging never shows. */
#ifndef TRACE_CELLS_H
#define TRACE_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/durations.h"
#include "trace/event.h"
#include "trace/interrupted.h"
#include "trace/slowest.h"

struct error_count {
    uint32_t number; /* -ret, 1..4095 */
    uint64_t count;
};

/* Below this nobody asks which call it was, and the answer would be most of a cell's bytes. */
#define SLOWEST_NS_MIN UINT64_C(10000000)

/* Calls of one name: complete ones, and ends without the other. */
struct call_cell {
    struct durations complete;
    uint64_t bytes, begin_unknown, end_unknown;
    uint64_t refused; /* exits with an error, of threads in no call: among the errors alone */
    /* Of the longest complete one, the earliest of equals; 0 if none took SLOWEST_NS_MIN. */
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

/* `entry_ns` of a call that took `max_ns`, in a cell that does not count it yet. */
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

/* One complete call that returned `ret` after `ns`, which is of durations_bucket() `bucket`;
 * `bytes`: whether ret counts bytes. */
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

/* An exit that returned the error `ret` to a thread that was in no call. */
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

/* Where the time of a thread went. `before` first call: inside a call that began before the
 * trace or outside of one, only the thread's first syscall event will tell. */
struct blocked_in {
    uint32_t call; /* id of the call, in the schema of whoever holds the vector */
    uint64_t ns;
};

struct time_vector {
    uint64_t user_ns, sys_ns, runnable_ns, unknown_ns;
    uint64_t blocked_ns; /* in no call */
    uint64_t before_running_ns, before_blocked_ns;
    uint64_t as_before_ns;         /* of a row: in whatever state and call the past has it */
    struct blocked_in *blocked_in; /* owned; each call once */
    uint32_t blocked_count, blocked_room;
    struct interrupted interrupted; /* of user_ns, sys_ns, before_running_ns, as_before_ns */
};

void time_vector_add_blocked_in(struct time_vector *vector, uint32_t call, uint64_t ns);
void time_vector_merge(struct time_vector *vector, const struct time_vector *other);
/* Makes it as `other` is, in its own room. */
void time_vector_copy(struct time_vector *vector, const struct time_vector *other);
/* Takes `other` away, modulo 2^64. */
void time_vector_subtract(struct time_vector *vector, const struct time_vector *other);
/* Whether only the first call of the thread tells where some of it belongs. */
static inline bool time_vector_has_before(const struct time_vector *vector)
{
    return (vector->before_running_ns | vector->before_blocked_ns |
            vector->interrupted.before_ns) != 0;
}
uint64_t time_vector_whole(const struct time_vector *vector);
void time_vector_clear(struct time_vector *vector); /* empty again, room kept */
void time_vector_free(struct time_vector *vector);

/* Instances of a phase. A stretch is the time of a thread from its begin, or from a loss, to its next
 * one; before_*: of the stretch named in the result. */
struct phase_cell {
    struct durations complete;
    uint64_t hopped; /* of the complete ones, those that another thread ended */
    uint64_t over;   /* likewise, those at or over the threshold of their definition */
    uint64_t begin_unknown, end_unknown;
    uint64_t syscalls;
    /* Of those that have segments: time in which none was open, and by which they exceed the rest. */
    uint64_t queued_ns, parallel_ns;
    struct time_vector time;
};

/* So many are told of an instance: half of them of time blocked, the largest of each. */
enum { INSTANCE_WAITS_MAX = 16 };

/* What an instance has waited for in all. */
struct instance_wait {
    uint64_t who; /* wait_who() */
    uint64_t count, total_ns;
};

/* A complete instance that is told of by itself. */
struct ended_instance {
    struct instance_rank rank;
    int32_t pid;                     /* of its process, as told by its end; 0: not told by then */
    int32_t end_tid;                 /* the thread that ended it; 0: the one that began it */
    uint64_t calls;                  /* complete by its end, of those entered in it */
    uint64_t queued_ns, parallel_ns; /* as in struct phase_cell */
    struct time_vector time;
    struct field_value
        *values; /* owned, with their texts: of match fields, then what was captured */
    size_t value_count;
    struct instance_wait *waits; /* owned; none of those with segments */
    size_t wait_count;
};

void ended_instance_clear(struct ended_instance *ended);
/* NULL of none; to be freed. */
struct instance_wait *instance_waits_copy(const struct instance_wait *waits, size_t count);

/* Whose the events are that are counted: a thread's, nobody knows whose, or the idle thread's. Of a fold
 * alone, of whomever: those of too many different values. Of built-in counts, of no thread: they came in a
 * handler of interrupts. */
enum count_whose {
    COUNT_OF_LIFE,
    COUNT_OF_NOBODY,
    COUNT_OF_IDLE,
    COUNT_OF_OTHERS,
    COUNT_OF_HANDLER,
    COUNT_OF_LAST = COUNT_OF_HANDLER
};

/* Events, or spans, that a user counts. */
struct count_cell {
    uint64_t count;         /* of spans: of complete ones, whose durations are the values */
    uint64_t negative;      /* of these, whose value is below 0; it is in no sum */
    struct durations value; /* other numbers, of whatever unit: of those that have one */
    /* Of spans: begins that have no end, by why ... */
    uint64_t lost;          /* it may be among events that were lost */
    uint64_t timed_out;     /* none came in time */
    uint64_t open;          /* the recording, or the definition, was over before */
    uint64_t begin_unknown; /* ... ends that have no begin ... */
    uint64_t unmatched; /* ... and either without a known subject, or without a field to match by */
};

/* One event; FIELD_ABSENT: without a value. */
void count_cell_add(struct count_cell *cell, const struct field_value *value);
void count_cell_merge(struct count_cell *cell, const struct count_cell *other);
void count_cell_clear(struct count_cell *cell);

/* So many of the threads that a CPU had last are remembered. */
enum { CPU_SLICES = 32 };

/* Who ended that a thread was blocked, or who had the CPU while it was runnable. The numbers are on the
 * wire. */
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
    RAN_EARLIER, /* whoever was before the last CPU_SLICES of the CPU */
    WAIT_KINDS
};

static inline bool wait_is_known(unsigned kind)
{
    return kind <= WAKER_VECTOR || (kind >= RAN_UNKNOWN && kind < WAIT_KINDS);
}

/* Whether it ended that a thread was blocked; else it had the CPU while one was runnable. */
static inline bool wait_is_of_blocked(unsigned kind)
{
    return kind < RAN_UNKNOWN;
}

/* Whether it is of a thread, whose id says which. */
static inline bool wait_is_by_thread(unsigned kind)
{
    return kind == WAKER_THREAD || kind == RAN_THREAD;
}

/* Whether it is of a handler, whose number says which. */
static inline bool wait_is_by_handler(unsigned kind)
{
    return kind == WAKER_IRQ || kind == WAKER_SOFTIRQ || kind == WAKER_VECTOR;
}

/* Both in one: a thread's id, or a handler's number, and what it is. */
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

/* All but `time` of `from`, whose ids may be others. */
void phase_cell_merge_counts(struct phase_cell *to, const struct phase_cell *from);
void phase_cell_clear(struct phase_cell *cell);

#endif
