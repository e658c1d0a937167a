/* core/core_row.h -- the output of mapping for one interval: records in order.
 *
 * A record is one of three: a LET introduces a name for an entity that only the past can identify;
 * a LINE has the state and sums of one entity since its previous record; a STEP is an unchanged
 * event. Records only refer to names introduced earlier in the same row. */
#ifndef CORE_CORE_ROW_H
#define CORE_CORE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cpu_number.h"
#include "trace/phase_set.h"
#include "trace/cells.h"
#include "trace/event.h"
#include "trace/partial.h"

/* The name of a thread's life in a row: from 1, dense; 0: none. */
typedef uint32_t life_name;

/* The name of the descriptor under a number, likewise. */
typedef uint32_t place_name;

enum record_kind {
    RECORD_LET_CPU,   /* LET: the current thread of a CPU, at its first or next event */
    RECORD_LET_LIFE,  /* LET: the life of a tid at its first own event */
    RECORD_AGAIN,     /* LET: an already named life: its time is accounted up to now */
    RECORD_LABEL,     /* LET: the path of a phase */
    RECORD_LET_PLACE, /* LET: the descriptor under a number that a life uses */
    RECORD_LIFE,      /* LINE of a life */
    RECORD_INSTANCE,  /* LINE of a phase instance that is open */
    RECORD_CPU,       /* LINE of a CPU */
    RECORD_PLACE,     /* LINE of a descriptor that was created here */
    RECORD_USES,      /* LINE of the uses of a place by a life */
    RECORD_USE,       /* STEP: a call whose place may change before its exit, or is unproven here */
    RECORD_CHANGE,    /* STEP: a close of a place, and so on */
    RECORD_EVENT,     /* STEP */
    RECORD_TIME,      /* STEP: the time, to drop ended items */
    RECORD_ANALYSIS,  /* of the engine of analyses (analysis/engine.h) */
    RECORD_COUNT,     /* LINE of a count */
    RECORD_SPAN,      /* LINE of a span that is open; STEP: an end of one */
    RECORD_WAITS,     /* LINE of waits of a life */
    RECORD_LAYERS,    /* LINE of the waits of open instances of a life */
    RECORD_PASSED     /* LINE of descriptors that were created and ended here */
};

/* Slots for the time of a thread, by state and by whether it is in a call. */
enum time_slot {
    TIME_UNKNOWN,
    TIME_RUNNABLE,
    TIME_USER,
    TIME_SYS,
    TIME_BLOCKED,
    TIME_BEFORE_RUNNING, /* running; the past or the first call determines whether in a call */
    /* In rows only: in the state that the past has for it ... */
    TIME_AS_BEFORE,     /* ... and in that call */
    TIME_AS_BEFORE_IN,  /* ... but in a call */
    TIME_AS_BEFORE_OUT, /* ... but in none */
    TIME_SLOTS
};

/* Calls of one name that a thread entered in one phase. */
struct call_sum {
    uint32_t label;
    const struct syscall *call;
    struct call_cell cell;
};

/* Instances of a path that were begun on a thread. Joining, labels are ids of paths. */
struct phase_sum {
    uint32_t label;
    struct phase_cell cell;
    void *slowest; /* mapping; it does not travel */
};

/* An instance that is in the sums and is also listed individually. */
struct ended_line {
    uint32_t label, definition;
    struct ended_instance ended; /* rank.order: as if the interval were the first of the session */
};

/* Complete instances in which a thread entered its current call: if the call completes, it counts
 * for them. */
struct call_credit {
    uint32_t label;
    uint64_t count;
    /* Joining: of the life that began them. */
    uint32_t thread, stretch;
};

/* State and sums of a life. */
struct life_line {
    life_name life;
    int32_t tid;   /* 0: of the unidentified current thread of the CPU */
    uint8_t state; /* enum thread_state */
    /* Which fields are valid. */
    bool counts_time;      /* `clock_ns` and `time` are valid */
    bool state_known;      /* else `state`, `since_ns`, and `wake_ns` are as in the past */
    bool call_changed;     /* else the fields of the open call are invalid */
    bool call_was_unknown; /* its first call event here was an entry: the call before has no end */
    bool is_open, is_seen; /* in `open`; its last call event is after the last border */
    bool kernel_named, user_named, has_program;
    /* The flags above are one column, this one is another: the call that an earlier LINE reported
     * as open is complete and in the sums. */
    bool over_emitted;
    uint64_t since_ns, wake_ns;
    uint64_t clock_ns; /* time is accounted up to here */
    uint64_t time[TIME_SLOTS];
    uint64_t last_ns;  /* its last event; TIME_NONE without any */
    uint64_t named_ns; /* the last switch that named it; likewise */
    uint64_t cpu_ns, switches;
    struct interrupted interrupted; /* part of `time`, and of time accounted later */
    struct durations latency;
    struct open_call open;
    uint32_t open_label;
    place_name used[2]; /* by the open call */
    struct call_sum *calls;
    size_t call_count;
    /* Complete calls counted before their sums; negative when the sums follow. */
    int64_t calls_ahead;
    /* The same time for instances of the past: in known states; and in the state that the past has
     * for it: in calls (blocked_in), outside of calls (blocked_ns), and as_before_ns. */
    struct time_vector spent, spent_before;
    struct phase_sum *phases;
    size_t phase_count;
    struct ended_line *ended;
    size_t ended_count;
    struct call_credit *credits;
    size_t credit_count;
    uint64_t unknown_events; /* of a CPU's current: events without a thread if there is none */
    struct text kernel_name, user_name, program;
};

/* What is known of the running handlers of a CPU. When joining, everything is known. */
enum {
    /* Mapping: known here whether an interrupt handler runs; else as in the past. */
    HANDLER_IRQ_KNOWN = 1,
    HANDLER_SOFTIRQ_KNOWN = 2, /* likewise; then the other is known, too */
    HANDLER_IN_IRQ = 4,
    HANDLER_IN_SOFTIRQ = 8,
    HANDLERS_NONE = HANDLER_IRQ_KNOWN | HANDLER_SOFTIRQ_KNOWN
};

/* The time of one thread on a CPU, up to the begin of the next slice. */
struct cpu_slice {
    uint64_t begin_ns;
    uint64_t who; /* wait_who(): as in struct wait_sum */
};

static inline bool cpu_slice_is_sound(const struct cpu_slice *slice)
{
    enum wait_kind kind = wait_kind_of(slice->who);
    return kind >= RAN_UNKNOWN && kind <= RAN_THREAD && slice->who >> WAIT_WHO_BITS == 0 &&
           slice->begin_ns != TIME_NONE;
}

/* State and sums of a CPU. */
struct cpu_line {
    int32_t cpu;
    bool known;          /* else all but `last_ns` is as in the past */
    bool unknown_thread; /* the current thread is unknown; else, without `current`, it is idle */
    bool run_whole;      /* no loss since run_begin_ns, a switch in */
    life_name current;
    uint64_t run_begin_ns;
    uint64_t last_ns; /* its last event; TIME_NONE without any */
    uint64_t busy_ns, idle_ns;
    uint8_t handlers; /* HANDLER_*: unknown ones are as in the past */
    /* Since when they run; TIME_NONE: not running, or as in the past. */
    uint64_t irq_ns, softirq_ns;
    uint64_t nested_ns; /* of the softirq, in interrupts; an addition if that is as in the past */
    uint64_t within[HANDLER_LEVELS]; /* as in struct cpu */
    /* The slices since its previous LINE, at most the last CPU_SLICES; the last one ends at
     * run_begin_ns. */
    struct cpu_slice *slices;
    size_t slice_count;
};

/* Which parts of an event a STEP includes. */
enum {
    STEP_BY_CPU = 1,   /* everything, for the current thread or the one that it names */
    STEP_CONTEXTS = 2, /* the contexts about its actor */
    STEP_MEANING = 4   /* its effect */
};

struct step {
    uint8_t parts; /* STEP_* */
    struct event event;
    uint64_t number;      /* of the event in its interval, from 0 */
    uint32_t summed;      /* bits of its ends, then of its begins, that are already in sums */
    life_name actor;      /* the thread of the event; 0: none, or the one that it names */
    life_name prev, next; /* of a switch: the names of both from here on; 0: none, or unchanged */
    bool elsewhere;       /* of a switch: its prev_tid was known not to run on its CPU */
};

/* Assigns the next label number of a row, from 1. */
struct label_let {
    uint8_t kind; /* enum label_kind */
    life_name life;
    uint64_t time_ns;
    uint32_t definition; /* LABEL_PARENT: the child's */
    uint32_t under;      /* a label */
    struct text name;
    struct field_value *values; /* LABEL_PARENT: of the child's match fields; or none */
    size_t value_count;
};

/* The begin of one of the older begins of an instance. */
struct older_begin_line {
    uint64_t begin_ns, event, calls;
    struct time_vector time;
};

struct call_named {
    const struct syscall *call;
};

/* Steps between older begins: a block of analysis/older_begins.h. */
struct steps_line {
    uint64_t count, events;
    bool has_other; /* some time can only be assigned by the past */
    struct call_named *calls;
    size_t call_count;
    struct text bytes;
};

/* Data of the segments of an instance, as struct segments, except open ones, which refer to it by
 * name. */
struct segments_line {
    uint64_t since_ns; /* TIME_NONE: no data */
    uint64_t busy_ns, span_ns;
    uint64_t lost, lost_begin_ns;
    uint64_t calls;
    struct time_vector time;
    struct instance_wait *waits; /* borrowed; as in struct segments */
    size_t wait_count;
};

struct instance_line {
    life_name life;
    uint32_t definition, label;
    bool by_user, in_call;
    uint64_t begin_ns;
    uint64_t event;          /* its begin's number in the interval, from 0 */
    uint64_t calls;          /* complete calls entered in it */
    struct time_vector time; /* of its thread, since it began */
    struct field_value *values;
    size_t value_count;
    /* Older open instances that differ only in their begins (analysis/older_begins.h). */
    uint64_t older_begins;
    struct older_begin_line oldest, youngest;
    struct steps_line *steps; /* of older begins - 1 in all */
    size_t steps_count;
    /* For an instance with segments, a number from 1, dense: its open segments refer to it as
     * `request`. */
    uint32_t name;
    struct segments_line segments;
    uint32_t request;
};

struct let {
    life_name name;
    int32_t cpu; /* RECORD_LET_CPU */
    int32_t tid; /* RECORD_LET_LIFE */
    uint64_t time_ns;
    bool books; /* the time of the life is accounted up to time_ns */
};

struct place_let {
    place_name place;
    life_name life;
    int32_t fd;
};

/* A descriptor from its creation; with the uses by its owner under one label. */
struct place_line {
    place_name place; /* 0: no later record refers to it */
    life_name life;
    int32_t fd;
    uint8_t kind;
    bool onto; /* the previous descriptor of the number ended hard at begin_ns */
    bool cloexec, named;
    bool ended, end_hard;
    uint64_t begin_ns, end_ns;
    uint64_t closing_ns; /* entry of a close without an exit; TIME_NONE */
    struct text name;
    uint32_t label;
    struct use_cell cell;
};

/* Descriptors of which the past keeps nothing, and had nothing under their numbers before. */
struct passed_line {
    life_name life;
    uint32_t label; /* of their uses */
    uint64_t count;
    struct text bytes; /* trace/passed.h */
};

struct uses_line {
    place_name place;
    uint32_t label;
    uint64_t proven_ns; /* the earliest entry of a use that proves it was open; TIME_NONE */
    struct use_cell cell;
    bool closed, close_hard; /* by a call that was entered at close_ns, and is over */
    uint64_t close_ns;
};

struct use_step {
    place_name place;
    uint32_t label;
    bool bad; /* EBADF */
    uint64_t entry_ns, ns;
    uint64_t read_bytes, write_bytes;
};

/* Events that a definition counts together. */
struct count_line {
    uint32_t definition; /* its index in the set, or among the built-in ones */
    bool built_in;
    uint8_t whose;              /* enum count_whose, if the definition uses that */
    life_name life;             /* 0: as `whose` says, or not used */
    int32_t cpu;                /* -1: of none, or not used */
    uint32_t label;             /* of the phase */
    const struct syscall *call; /* in which its thread was; NULL: none, or that of `call_label` */
    uint32_t call_label;
    struct field_value *values;
    size_t value_count;
    struct count_cell cell;
};

/* Its index in the set; UINT32_MAX: not in the set. */
static inline uint32_t count_line_definition(const struct count_line *line,
                                             const struct phase_set *set)
{
    size_t defined = phase_set_defined_counts(set);
    if (line->definition >= (line->built_in ? set->built_in_count : defined))
        return UINT32_MAX;
    return line->definition + (line->built_in ? (uint32_t)defined : 0);
}

enum span_kind {
    SPAN_BEGINS,   /* it is open, since time_ns */
    SPAN_ENDS,     /* at time_ns, an event of `by.definition` that has no begin here */
    SPAN_USER_LOSS /* at time_ns, user-space events were lost; no other field is valid */
};

/* The begin or end of a user-defined span. */
struct span_line {
    uint8_t kind; /* enum span_kind */
    uint64_t time_ns;
    /* The scope of the pair, from the definition. */
    uint8_t whose;  /* enum count_whose */
    life_name life; /* of a thread or a process; else 0 */
    int32_t cpu;    /* of a CPU, or of its idle thread; else -1 */
    struct field_value *match;
    size_t match_count;
    struct count_line by; /* of a begin: the keys that it is counted under */
};

/* Waits of a life in one phase. */
struct wait_sum {
    uint64_t who; /* wait_who(): of a thread its name in the row; joining, its id */
    uint32_t label;
    uint64_t more; /* waits besides the first */
    uint64_t total_ns;
    uint64_t max_ns; /* if there is more than one */
};

struct waits_line {
    life_name life;
    struct wait_sum *sums;
    size_t sum_count;
};

/* A wait in instances that are open (core/wait_layers.c). */
struct layer_wait {
    uint64_t order; /* of the layer; of a row, as if the interval were the first of the session */
    struct instance_wait wait;
};

/* Whether it is a valid other side of a wait. */
static inline bool who_is_sound(uint64_t who)
{
    return wait_is_known(wait_kind_of(who)) && who >> WAIT_WHO_BITS == 0;
}

static inline bool waits_are_sound(const struct instance_wait *waits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!who_is_sound(waits[i].who))
            return false;
    return true;
}

static inline bool layer_wait_is_sound(const struct layer_wait *wait)
{
    return who_is_sound(wait->wait.who) && wait->order >> 63 == 0;
}

struct layers_line {
    life_name life;
    struct layer_wait *waits; /* layer by layer, the lowest first */
    size_t wait_count;
};

enum place_change {
    CHANGE_CLOSING, /* a close of the place has begun, at time_ns, and may never return */
    CHANGE_DUP,     /* the place is a duplicate under number `fd` of `from`; `flag`: cloexec */
    CHANGE_CLOEXEC  /* by `flag` */
};

struct change_step {
    uint8_t change; /* enum place_change */
    bool flag;
    bool onto; /* CHANGE_DUP: as in struct place_line */
    place_name place;
    life_name life;
    int32_t fd, from;
    uint64_t time_ns;
};

struct record {
    uint8_t kind; /* enum record_kind */
    union {
        struct let let;
        struct label_let label;
        struct place_let place_let;
        struct place_line place;
        struct uses_line uses;
        struct use_step use;
        struct change_step change;
        struct instance_line instance;
        struct life_line life;
        struct cpu_line cpu;
        struct step step;
        uint64_t time_ns;
        struct bytes analysis;
        struct count_line count;
        struct span_line span;
        struct waits_line waits;
        struct layers_line layers;
        struct passed_line passed;
    };
};

/* All zero is an empty row. The size of a record depends on its kind. */
struct row {
    struct arena arena;
    struct arena records; /* while the row is written: the records in it */
    struct record **at;
    size_t count, room;
    size_t passed;   /* number of records that row_pass() has removed */
    size_t cpu_lets; /* number of records up to the last RECORD_LET_CPU */
    life_name names; /* assigned so far */
    uint32_t labels; /* likewise */
    uint32_t requests;
    bool is_read; /* its records own nothing outside of its arena */
    place_name places;
};

/* Appends a record of that kind, all else zero. */
struct record *row_add(struct row *row, enum record_kind kind);
/* Appends a copy of `like`, which is of that kind; NULL: all else zero. */
struct record *row_add_like(struct row *row, enum record_kind kind, const struct record *like);
/* A copy, in the row's arena, of a record that owns nothing. */
const struct record *row_copy_of(struct row *row, const struct record *record);
/* Removes all records from a row that is being written. Names that they introduced stay valid, and
 * the data in its arena stays. */
void row_pass(struct row *row);
void row_clear(struct row *row);

#endif
