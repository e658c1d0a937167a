/* trace/event.h -- one event of a trace, as readers produce it and the core consumes it.
 *
 * A reader looks each event class up once per metadata (trace/schema.h) and then fills, per event,
 * only the slots that the class asks for. This file defines the slots of each kind. */
#ifndef TRACE_EVENT_H
#define TRACE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

/* In the order of their events at equal times. */
enum domain { DOMAIN_KERNEL, DOMAIN_UST };

/* The kind of an event for the core; slots refer to struct event below. A slot is absent (see
 * `present`) if the class does not have its field. Source of the fields: lttng-modules 2.13,
 * include/instrumentation/events/{sched,lttng-statedump}.h. */
enum event_kind {
    /* Counted; may have contexts, and begin or end phases. */
    EVENT_OTHER,
    /* value: 0 prev_tid, 1 prev_state, 2 next_tid; text: 0 prev_comm, 1 next_comm */
    EVENT_SWITCH,
    /* sched_waking, sched_wakeup, sched_wakeup_new. value: 0 tid; text: 0 comm */
    EVENT_WAKEUP,
    /* value: 0 parent_tid, 1 parent_pid, 2 child_tid, 3 child_pid; text: 0 parent_comm,
     * 1 child_comm; ints: vtids of the child, outermost namespace first */
    EVENT_FORK,
    /* value: 0 tid, 1 old_tid; text: 0 filename */
    EVENT_EXEC,
    /* value: 0 tid; text: 0 comm */
    EVENT_EXIT,
    /* lttng_statedump_process_state. value: 0 tid, 1 pid, 2 ppid, 3 status,
     * 4 file_table_address; text: 0 name */
    EVENT_DUMP_PROCESS,
    /* lttng_statedump_process_pid_ns. value: 0 tid, 1 vtid, 2 ns_level */
    EVENT_DUMP_PID_NS,
    /* lttng_statedump_file_descriptor. value: 0 file_table_address, 1 pid (before LTTng 2.12),
     * 2 fd, 3 flags; text: 0 filename */
    EVENT_DUMP_FD,
    /* value, text: as trace/syscalls.h lays out for event.call */
    EVENT_CALL_ENTRY,
    /* value: 0 ret; ints: the two new descriptors of pipe, pipe2, socketpair */
    EVENT_CALL_EXIT,
    /* Begin or end of an interrupt handler on a CPU; the class has its level. value: 0 its number
     * within the level; a timer has none */
    EVENT_HANDLER_ENTRY,
    EVENT_HANDLER_EXIT,
    /* Not in the trace: the tracer's counters increased, or packets are missing. It is at the place
     * in its stream where data is missing; its time is the end of the previous packet (for the
     * border after the last event of a packet with losses, the end of that packet).
     * value: 0 events discarded (0 for the second border of a packet), 1 whether it is a border:
     * 1 kernel stream, 0 user space (losses there are only counted), 3 packets missing */
    EVENT_LOSS
};

/* What a CPU may run besides a thread. A level can interrupt the levels after it; where it does
 * not, it is the more specific one. Source: lttng-modules 2.13, irq.h, timer.h and
 * arch/x86/irq_vectors.h. */
enum handler_level {
    HANDLER_TIMER,  /* the function of an hrtimer */
    HANDLER_IRQ,    /* of a device */
    HANDLER_VECTOR, /* of an x86 interrupt vector that belongs to no device */
    HANDLER_SOFTIRQ,
    HANDLER_LEVELS
};

enum { EVENT_VALUES = 6, EVENT_TEXTS = 2 };

/* Contexts of an event. vpid may come from the `env` of a per-process trace; the program always
 * does. */
enum {
    EVENT_HAS_TID = 1,
    EVENT_HAS_PID = 2,
    EVENT_HAS_VTID = 4,
    EVENT_HAS_VPID = 8,
    EVENT_HAS_PROCNAME = 16,
    EVENT_HAS_PID_NS = 32,
    EVENT_HAS_PROGRAM = 64
};

/* The inode number of the root pid namespace. Source: PROC_PID_INIT_INO of the kernel's
 * include/linux/proc_ns.h. */
#define PID_NS_ROOT UINT32_C(0xEFFFFFFC)

/* A payload field that a phase definition names. */
enum field_type { FIELD_ABSENT, FIELD_INT, FIELD_UINT, FIELD_TEXT };

struct field_value {
    enum field_type type;
    union {
        int64_t i;
        uint64_t u;
        struct text text;
    };
};

/* The declaration of a payload field, from a reader that decodes all fields of a class. */
struct field_shape {
    const char *name;
    uint32_t name_count; /* bytes of the name */
    uint8_t base;        /* numbers: display base 2, 8, 10, or 16 */
    bool is_declared;    /* else a definition asks for a field that the event does not have */
    bool is_taken;       /* else struct field_value cannot hold its type */
    uint8_t float_bits;  /* 32 or 64: its value is the bits of an IEEE 754 number; else 0 */
    /* By its name (field_shape_named()): */
    bool is_descriptor; /* `fd`, `dfd`, `in_fd`, `fd_in`, `fildes` and the like */
    bool is_length;     /* of a sequence, added by the tracer: `_NAME_length` */
    bool is_return;     /* `ret` */
};

/* With the name of `count` bytes, borrowed, and what that says. */
struct field_shape field_shape_named(const char *name, size_t count);

/* Whether all fields of the events of that name are decoded. */
typedef bool shown_events(enum domain domain, const char *name);

struct event_class; /* trace/schema.h */
struct syscall;     /* trace/syscalls.h */

struct event {
    uint64_t time_ns; /* monotonic clock of the trace, raw; never less than the previous one */
    const struct event_class *class; /* of the schema */
    const struct syscall *call;      /* EVENT_CALL_*: which; of the schema */
    int32_t cpu;                     /* -1 if the stream has none */
    uint32_t stream;                 /* rank among the streams of its domain and CPU */
    uint32_t trace;                  /* index in reader_info.traces */
    uint8_t domain;                  /* enum domain */
    uint8_t kind;                    /* enum event_kind; that of the class */
    uint8_t has;                     /* EVENT_HAS_* */
    uint8_t present;                 /* bit i: value[i]; bit EVENT_VALUES + i: text[i] */
    uint16_t int_count;
    uint16_t field_count; /* 0, or the count of class->fields; with `shapes`, of these */
    bool seam;            /* from a packet of the previous chunk; not used after the mapper */
    int64_t value[EVENT_VALUES];
    /* Absent in most events; all of the following is 0 then. */
    struct text text[EVENT_TEXTS];
    int32_t tid, pid, vtid, vpid;
    uint32_t pid_ns;      /* inode number of the pid namespace of vtid and vpid */
    struct text procname; /* of the thread */
    struct text program;  /* name of the process when its trace began */
    const int64_t *ints;
    const struct field_value *fields; /* in the order of class->fields */
    /* The declaration of each of `fields`, if all fields of the class were requested
     * (reader_choice.shows); those of class->fields come first. Owned by the reader. NULL
     * otherwise. */
    const struct field_shape *shapes;
};

/* Prefix of context names where definitions name fields: `$ctx.vtid`. */
#define EVENT_CONTEXT "$ctx."
/* Whether `$ctx.NAME` is a context that every reader provides. */
bool event_has_context_named(const char *name);
extern const char event_context_names[];
/* FIELD_ABSENT: the event does not have it. */
struct field_value event_context_value(const struct event *event, const char *name);

/* What the `env` of a per-process trace states for all its events. */
struct event_origin {
    bool has_vpid;
    int32_t vpid;
    struct text program; /* empty if unknown */
};

static inline void event_set_origin(struct event *event, const struct event_origin *origin)
{
    if (origin->has_vpid) {
        event->has |= EVENT_HAS_VPID;
        event->vpid = origin->vpid;
    }
    if (origin->program.count > 0) {
        event->has |= EVENT_HAS_PROGRAM;
        event->program = origin->program;
    }
}

/* Whether vtid and vpid are numbers of a namespace that is known not to be the root namespace. */
static inline bool event_is_inner(const struct event *event)
{
    return (event->has & EVENT_HAS_PID_NS) && event->pid_ns != PID_NS_ROOT;
}

static inline bool event_is_of_handler(const struct event *event)
{
    return event->kind == EVENT_HANDLER_ENTRY || event->kind == EVENT_HANDLER_EXIT;
}

static inline bool event_has_value(const struct event *event, unsigned slot)
{
    return event->present >> slot & 1;
}

/* Whether contexts show at least the process. */
static inline bool event_has_process(const struct event *event)
{
    return event->has & (EVENT_HAS_PID | EVENT_HAS_VPID);
}

/* The `tid` context of the event is not the assumed current thread: whether this shows a switch
 * that was not recorded. During a switch, kernel events may belong to either thread, and idle
 * threads appear without a switch when a CPU comes online. */
static inline bool event_shows_unseen_switch(const struct event *event)
{
    return event->tid != 0 && (event->kind == EVENT_SWITCH || event->kind == EVENT_CALL_ENTRY ||
                               event->kind == EVENT_CALL_EXIT);
}

/* The current thread according to the event alone; 0 if it does not show it. */
static inline int32_t event_shown_current(const struct event *event)
{
    bool of_current = event->kind == EVENT_FORK || event->kind == EVENT_EXIT;
    return of_current && event_has_value(event, 0) && event->value[0] > 0 &&
                   event->value[0] <= INT32_MAX
               ? (int32_t)event->value[0]
               : 0;
}

/* Whether an EVENT_LOSS is a border, so the state of its CPU is unknown afterwards. */
static inline bool event_is_border(const struct event *event)
{
    return event->domain == DOMAIN_KERNEL && event->value[1] != 0;
}

/* Whether an EVENT_DUMP_PROCESS is of a thread that has already exited. */
static inline bool event_shows_dead(const struct event *event)
{
    enum { TASK_EXIT = 3, TASK_ZOMBIE = 4, TASK_DEAD = 7 }; /* lttng_statedump_process_state */
    int64_t status = event->value[3];
    return status == TASK_EXIT || status == TASK_ZOMBIE || status == TASK_DEAD;
}

static inline bool event_has_text(const struct event *event, unsigned slot)
{
    return event->present >> (EVENT_VALUES + slot) & 1;
}

/* The order of a session's events: time, domain, CPU, stream. Result as of memcmp(); events that
 * compare equal are in the order of their stream. */
int event_compare(const struct event *a, const struct event *b);

/* Copies the event's data into `arena`; class and call are shared. */
struct event event_copy(struct arena *arena, const struct event *from);

#endif
