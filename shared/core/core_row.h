/* core/core_row.h -- what mapping says of one interval: records in order.
 *
 * A record is one of three: a LET gives a name to a subject that only the past knows; a LINE is what one
 * subject has come to since its last record; a STEP is an event as it was. What they refer to by name
 * they have named before, in the same row. */
#ifndef CORE_CORE_ROW_H
#define CORE_CORE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "trace/phase_set.h"
#include "trace/cells.h"
#include "trace/event.h"
#include "trace/partial.h"

/* A thread's life, as a row names it: from 1, dense; 0 is none. */
typedef uint32_t life_name;

enum { CPU_NUMBER_MAX = 1 << 16 };

/* What is, or was, under a descriptor number: likewise. */
typedef uint32_t place_name;

enum record_kind {
    RECORD_LET_CPU,   /* LET: who is current on the CPU of its first event, or its next */
    RECORD_LET_LIFE,  /* LET: the life of a number that has an event of its own */
    RECORD_AGAIN,     /* LET: a life that was named before: its time is booked up to now */
    RECORD_LABEL,     /* LET: the path of a phase */
    RECORD_LET_PLACE, /* LET: what is under a descriptor number that a life uses */
    RECORD_LIFE,      /* LINE of a life */
    RECORD_INSTANCE,  /* LINE of a phase instance that is open */
    RECORD_CPU,       /* LINE of a CPU */
    RECORD_PLACE,     /* LINE of a descriptor that was created here */
    RECORD_USES,      /* LINE of what a life has done with a place */
    RECORD_USE,      /* STEP: a call whose place may be another by its exit, or has no proof here */
    RECORD_CHANGE,   /* STEP: a close of a place, and so on */
    RECORD_EVENT,    /* STEP */
    RECORD_TIME,     /* STEP: the time, for what is over by then */
    RECORD_ANALYSIS, /* of the engine of analyses, which runs beside (analysis/engine.h) */
    RECORD_COUNT,    /* LINE of a count */
    RECORD_SPAN,     /* LINE of a span that is open; STEP: an end of one */
    RECORD_WAITS     /* LINE of waits of a life */
};

/* Where time of a thread goes: by its state, and by whether it is in a call. */
enum time_slot {
    TIME_UNKNOWN,
    TIME_RUNNABLE,
    TIME_USER,
    TIME_SYS,
    TIME_BLOCKED,
    TIME_BEFORE_RUNNING, /* running; whether in a call, only the past or the first call tells */
    /* Of a row alone: in the state in which the past has it ... */
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

/* An instance that is among the sums, and that is told of by itself. */
struct ended_line {
    uint32_t label, definition;
    struct ended_instance ended; /* rank.order: as if the interval were the first of the session */
};

/* Complete instances in which the call that a thread is in was entered: if it completes, it is one of
 * theirs. */
struct call_credit {
    uint32_t label;
    uint64_t count;
    /* Joining: of the life that began them. */
    uint32_t thread, stretch;
};

/* What a life has come to. */
struct life_line {
    life_name life;
    int32_t tid;   /* 0: of the CPU's current, whoever that is */
    uint8_t state; /* enum thread_state */
    /* What there is. */
    bool counts_time;  /* `clock_ns` and `time` say something */
    bool state_known;  /* else `state`, `since_ns` and `wake_ns` say nothing: they are as before */
    bool call_changed; /* else what is told of the open call says nothing */
    bool call_was_unknown; /* an entry was the first of its calls here: what it was in has no end */
    bool is_open, is_seen; /* in `open`; its last call event is behind the last border */
    bool kernel_named, user_named, has_program;
    /* Those above are one column, this one is another: the call that a line before has told as open is
     * complete, and among the sums. */
    bool told_over;
    uint64_t since_ns, wake_ns;
    uint64_t clock_ns; /* time is accounted up to here */
    uint64_t time[TIME_SLOTS];
    uint64_t last_ns;  /* its last event; TIME_NONE without any */
    uint64_t named_ns; /* the last switch that named it; likewise */
    uint64_t cpu_ns, switches;
    struct interrupted interrupted; /* of `time`, and of time that is accounted later */
    struct durations latency;
    struct open_call open;
    uint32_t open_label;
    place_name used[2]; /* by the open call */
    struct call_sum *calls;
    size_t call_count;
    int64_t
        calls_ahead; /* complete calls whose sums come later; less those that come now and were ahead */
    /* The same time for instances that the past knows: in known states; and in the state that the past has
     * it in, there in calls (blocked_in), in none (blocked_ns), and as_before_ns. */
    struct time_vector spent, spent_before;
    struct phase_sum *phases;
    size_t phase_count;
    struct ended_line *ended;
    size_t ended_count;
    struct call_credit *credits;
    size_t credit_count;
    uint64_t nobodys; /* of a CPU's current: events that are nobody's if it is */
    struct text kernel_name, user_name, program;
};

/* What is known of the handlers that run on a CPU. Joining, all is known. */
enum {
    HANDLER_IRQ_KNOWN =
        1, /* mapping: whether one of an interrupt runs is known here; else as before */
    HANDLER_SOFTIRQ_KNOWN = 2, /* likewise; then the other is known, too */
    HANDLER_IN_IRQ = 4,
    HANDLER_IN_SOFTIRQ = 8,
    HANDLERS_NONE = HANDLER_IRQ_KNOWN | HANDLER_SOFTIRQ_KNOWN
};

/* A stretch in which one thread had a CPU, up to the begin of the next. */
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

/* What a CPU has come to. */
struct cpu_line {
    int32_t cpu;
    bool known;     /* else it is as before, but for `last_ns` */
    bool nobody;    /* nobody is known to be current; else, without a `current`, it is idle */
    bool run_whole; /* no loss since run_begin_ns, a switch in */
    life_name current;
    uint64_t run_begin_ns;
    uint64_t last_ns; /* its last event; TIME_NONE without any */
    uint64_t busy_ns, idle_ns;
    uint8_t handlers;            /* HANDLER_*: what is not known is as before */
    uint64_t irq_ns, softirq_ns; /* since when they run; TIME_NONE: they do not, or as before */
    uint64_t nested_ns; /* of the softirq, in interrupts; if that is as before: more of it */
    uint64_t within[HANDLER_LEVELS]; /* as in struct cpu */
    /* Who had it since its last line, the last CPU_SLICES of them; the last one up to run_begin_ns. */
    struct cpu_slice *slices;
    size_t slice_count;
};

/* What a step tells. */
enum {
    STEP_BY_CPU = 1,   /* all of the event, of whoever is current, or as it tells itself */
    STEP_CONTEXTS = 2, /* what its contexts tell of its actor */
    STEP_MEANING = 4   /* what it is */
};

struct step {
    uint8_t parts; /* STEP_* */
    struct event event;
    uint64_t number; /* of the event in its interval, from 0 */
    uint32_t summed; /* bits of what it ends, then of what it begins: in sums already */
    life_name actor; /* whose event it is; 0: nobody's, or what it says itself */
    life_name prev,
        next;       /* of a switch: the names that both have from here on; 0: none, or as before */
    bool elsewhere; /* of a switch: its prev_tid was known not to run on its CPU */
};

/* Gives the next number of a row, from 1, to what it says here. */
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

/* When one of the elders of an instance began. */
struct elder_line {
    uint64_t begin_ns, event, calls;
    struct time_vector time;
};

struct call_named {
    const struct syscall *call;
};

/* Steps between elders: a block of analysis/elders.h. */
struct steps_line {
    uint64_t count, events;
    bool has_other; /* some time is such as only the past knows what it is */
    struct call_named *calls;
    size_t call_count;
    struct text bytes;
};

/* What an instance has of its segments, as struct segments; but for those that are open, which name it. */
struct segments_line {
    uint64_t since_ns; /* TIME_NONE: there is nothing of it all */
    uint64_t busy_ns, span_ns;
    uint64_t lost, lost_begin_ns;
    uint64_t calls;
    struct time_vector time;
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
    /* Those that are open below it, and that only their begins tell apart from it. */
    uint64_t elders;
    struct elder_line eldest, youngest;
    struct steps_line *steps; /* of elders - 1 in all */
    size_t steps_count;
    /* Of one with segments, a number from 1, dense: by it, its open segments name it as their `request`. */
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

/* A descriptor from its creation on; with the uses of its owner under one label. */
struct place_line {
    place_name place; /* 0: nothing is told of it later */
    life_name life;
    int32_t fd;
    uint8_t kind;
    bool onto; /* what was under the number ended hard at begin_ns */
    bool cloexec, named;
    bool ended, end_hard;
    uint64_t begin_ns, end_ns;
    uint64_t closing_ns; /* entry of a close not seen to return; TIME_NONE */
    struct text name;
    uint32_t label;
    struct use_cell cell;
};

struct uses_line {
    place_name place;
    uint32_t label;
    uint64_t proven_ns; /* the earliest entry of one that shows that it was there; TIME_NONE */
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
    uint32_t definition; /* its place among those of the set, or among the built-in ones */
    bool built_in;
    uint8_t whose;              /* enum count_whose, if the definition asks for that */
    life_name life;             /* 0: as `whose` says, or not asked for */
    int32_t cpu;                /* -1: of none, or not asked for */
    uint32_t label;             /* of the phase */
    const struct syscall *call; /* in which its thread was; NULL: none, or that of `call_label` */
    uint32_t call_label;
    struct field_value *values;
    size_t value_count;
    struct count_cell cell;
};

/* Its place in the set; UINT32_MAX: it does not have it. */
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
    SPAN_USER_LOSS /* at time_ns, events of user space were lost; nothing else is told */
};

/* What begins or ends a span that a user defines. */
struct span_line {
    uint8_t kind; /* enum span_kind */
    uint64_t time_ns;
    /* Within what it is to be paired, as the definition says. */
    uint8_t whose;  /* enum count_whose */
    life_name life; /* of a thread or a process; else 0 */
    int32_t cpu;    /* of a CPU, or of its idle thread; else -1 */
    struct field_value *match;
    size_t match_count;
    struct count_line by; /* of a begin: what it is counted under */
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
    };
};

/* All zero is an empty row. Records are as large as their kind. */
struct row {
    struct arena arena;
    struct record **at;
    size_t count, room;
    life_name names; /* given so far */
    uint32_t labels; /* likewise */
    uint32_t requests;
    bool is_read; /* its records own nothing but what is in its arena */
    place_name places;
};

/* A record of that kind, all else zero; it is the row's last. */
struct record *row_add(struct row *row, enum record_kind kind);
/* The same, as `like` of that kind is; NULL: all else zero. */
struct record *row_add_like(struct row *row, enum record_kind kind, const struct record *like);
/* A copy, in the row's arena, of a record that owns nothing. */
const struct record *row_copy_of(struct row *row, const struct record *record);
void row_clear(struct row *row);

#endif
