/* core/state.h -- the entities of the core, private to its files, and how to write an analysis on
 * them.
 *
 * Both modes use the same entities. A `struct life` is one life of a tid. When joining, it is the
 * complete state. When mapping, it is a cache of that state: `active` means that its data is
 * exclusive (no other name of this row that may be the same life holds data), `counts` that its
 * time is accounted here, `known` that its state is known here. Without `known`, state and call are
 * "as before": the past has them, and the slots of the sums say so.
 *
 * Each event has a handler per mode. It finds the lives and CPUs of the event and applies the
 * meaning to them; life_switched_out() and so on are written once for both modes. If mapping lacks
 * needed state, its handler makes a STEP instead:
 *
 *     life_retire() for everything that the event reads or writes, and everything that may be the
 *         same (or life_before_fact(), life_before_step(), if it does not change state or call);
 *     map_step(): writes the unchanged event to the row;
 *     life_define() for the state known after the event, regardless of earlier state.
 *
 * Rules that keep both modes consistent:
 *     - A handler must activate or retire everything that it reads.
 *     - A name that may be the same life as another name is never active together with it.
 *     - Only a thread's own events account for its running time: calls, switches that name it,
 *       its exit. So no sum is ever taken back. */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include <stdlib.h>
#include <string.h>

#include "analysis/engine.h"
#include "analysis/instances.h"
#include "base/arena.h"
#include "base/attrs.h"
#include "base/cell_index.h"
#include "base/changes.h"
#include "base/map.h"
#include "base/names.h"
#include "core/core.h"

enum core_mode { CORE_MAP, CORE_JOIN };

/* Follows enum thread_state. */
enum { STATE_AS_BEFORE = STATE_BLOCKED + 1, STATES };

/* What is known of the current call of a thread. When joining, IN_UNKNOWN is a stretch without any
 * call event so far. */
enum in_call {
    IN_UNKNOWN,
    IN_NONE,
    IN_OPEN,
    IN_EMITTED, /* mapping: in `open_call`, owned by the past: it ends there, unless `ends_here` */
    IN_CALLS
};

enum {
    NAME_BYTES = 16,   /* of a thread, with the zero at its end */
    CALLS_CACHED = 16, /* call sums found without a search; a power of two */
    WAITS_CACHED = 32, /* the same for waits */
    LABELS_RECENT = 64
};

struct process;
struct table;
struct descriptor;
struct place;
struct places;
struct group;
struct numbers;
struct counts;
struct count_sum;
struct spans;
struct span_begin;
struct wait_sum;
struct slices;
struct wait_layers;
struct named_place;
struct child_label;

/* The state in the last LINE of a life, if no other record of it followed. */
struct emitted_life {
    bool holds, known;
    uint8_t state;
    uint64_t clock_ns, since_ns, wake_ns;
};

/* Begins of spans, the first first (core/spans.c). */
struct span_list {
    struct span_begin *first, *last;
};

struct life {
    /* Accessed by every event of the thread. */
    uint64_t clock_ns; /* its time is accounted up to here */
    uint64_t last_ns;
    life_name name; /* in the row; joining: its id */
    int32_t tid;    /* 0: of the current thread of a CPU, whose tid is unknown in the row */
    int32_t cpu;    /* where it is considered current; -1 */
    uint8_t slot;   /* enum time_slot: by state and call */
    uint8_t state;  /* enum thread_state, or STATE_AS_BEFORE */
    uint8_t in;     /* enum in_call */
    bool active, counts, known;
    bool listed;       /* it may have unsent data */
    bool spends;       /* phase instances begun on it may be open */
    bool call_changed; /* since its last line */
    bool call_was_unknown;
    bool no_call_yet;  /* mapping: forked here, and active since then without a call event */
    bool ends_here;    /* mapping, IN_EMITTED: its exit needs no state of the past ... */
    bool over_emitted; /* ... and there was one since its last line */
    const struct syscall *open_call; /* IN_OPEN, IN_EMITTED */
    uint64_t entry_ns;
    /* Accessed by each switch. */
    uint64_t time[TIME_SLOTS];
    uint64_t since_ns, wake_ns, named_ns;
    uint64_t cpu_ns, switches;
    uint64_t ran_tick; /* it was known to run at this tick of the row */
    struct wait_sum *waits;
    struct durations latency;
    size_t wait_count;
    /* Accessed by each call. */
    struct call_sum *calls;
    char kernel_name[NAME_BYTES]; /* by each switch */
    bool kernel_named;
    uint8_t open_present;
    uint32_t open_label;
    uint8_t call_at[CALLS_CACHED]; /* 1 + index in calls, by call id; 0: none */
    uint64_t call_epoch;           /* borders so far, at its last call event; 0: none seen */
    size_t call_count;
    struct places *places;  /* mapping: by number; NULL: none yet */
    struct place *bound[2]; /* mapping: used by the open call */
    int64_t open_value[4];
    struct text open_text;
    uint8_t wait_at[WAITS_CACHED]; /* 1 + index in waits; 0: none; by each switch */
    size_t credit_count;
    struct phase_thread phases; /* up to its `count` */
    /* Accessed by few events: handlers, names, */
    struct interrupted interrupted; /* of its running time */
    bool user_named, has_program;
    char user_name[NAME_BYTES];
    char program[NAME_BYTES]; /* the process name in the trace of its process */
    /* calls, */
    char *open_owned;           /* joining: owner of the text; when mapping, the row owns it */
    struct descriptor *used[2]; /* joining: by the open call, as of its entry; a reference each */
    struct group *group;        /* mapping: that may share its table; NULL: the common one */
    size_t call_room;
    struct cell_index call_index; /* of those, by label and call id */
    size_t wait_room;
    struct cell_index wait_index; /* of those, by label and who */
    struct wait_layers *layers;   /* owned: of its open instances; NULL: none yet */
    /* and phases. */
    struct time_vector spent, spent_before; /* mapping: as in its line */
    struct phase_sum *phase_sums;
    size_t phase_count, phase_room;
    struct cell_index phase_index; /* of those, by label */
    struct call_credit *credits;
    size_t credit_room;
    struct unsent_ended *ended; /* mapping: individually listed instances */
    uint32_t label;             /* mapping: of the phase that it is in, as of label_epoch */
    uint64_t label_epoch;
    uint32_t call_label;   /* mapping: label of its call in the past; 0: none yet */
    uint64_t parent_epoch; /* the same of its parent: what follows is as of it */
    uint32_t parent_of, parent_under, parent;
    struct count_sum *counted; /* mapping: sums of counts that are unsent */
    uint64_t count_epoch;
    struct span_list span_begins; /* mapping: open here, that name it */
    bool may_hold_phase;          /* mapping: the past may have one open on it */
    bool before_emitted; /* joining: a phase cell with time before the first call went out */
    /* Links of the list of lives with unsent data, and of all lives. */
    struct life *next_listed, *next_of_all, **back_of_all;
    /* Mapping only. */
    struct emitted_life emitted; /* by its last line */
    uint64_t calls_emitted; /* complete ones in `calls` that LINEs have counted before their sums */
    int32_t wild_cpu;       /* of a life without a tid: the CPU */
    uint64_t unknown_events; /* without a thread, if its CPU has no known current thread */
    bool exit_known, exiting;
    bool kernel_name_sent, user_name_sent, program_sent;
    bool has_process;  /* the past certainly knows its process */
    int32_t known_pid; /* its pid, once it is in the row; else 0 */
    /* Joining only. */
    uint64_t begin_order, begin_ns, exit_ns;
    bool begin_hard, exited, fork_seen, over;
    bool
        republished; /* core_republish() has emitted everything known of it, except its end so far */
    struct change change, publishing; /* in `changed` */
    struct changed *changed;
    uint32_t stretch;
    struct process *process;
    struct life *next_of_process, **back_of_process;
    uint32_t pid_ns; /* namespace of tid, as namespace_of(); 0: root */
    int32_t *inner;  /* owned: its ids in inner pid namespaces */
    size_t inner_count;
    struct table *own_table; /* NULL: that of its process */
};

enum cpu_knowledge {
    CPU_UNKNOWN, /* mapping: as in the past; joining: not settled yet */
    CPU_LET,     /* mapping only: `current` is the current thread of the past */
    CPU_THREAD_UNKNOWN,
    CPU_IDLE,
    CPU_THREAD
};

struct cpu {
    struct life *current; /* CPU_LET, CPU_THREAD */
    uint8_t knows;        /* enum cpu_knowledge */
    bool run_whole, changed, seen;
    uint64_t run_begin_ns;
    uint64_t last_ns;          /* its last event; TIME_NONE */
    uint64_t busy_ns, idle_ns; /* of whole runs not yet in a LINE */
    uint64_t emitted_ns;       /* mapping: last_ns in its last LINE */
    uint64_t let_tick;     /* mapping: of the first name of its current in this stretch; 0: none */
    uint64_t border_ns;    /* joining: not settled after this time; TIME_NONE */
    uint8_t handlers;      /* HANDLER_* */
    bool handlers_changed; /* mapping: since its last line */
    uint64_t irq_ns, softirq_ns; /* of running handlers: their time is counted up to here */
    /* Of the softirq since then, in interrupts. When mapping without HANDLER_SOFTIRQ_KNOWN: the
     * part that the past does not have yet. */
    uint64_t nested_ns;
    /* The running handler of each level: 2 + its number, WITHIN_NONE, or WITHIN_AS_BEFORE. */
    uint64_t within[HANDLER_LEVELS];
    struct slices *slices; /* owned: slices before its current thread; NULL: unknown */
};

/* WITHIN_AS_BEFORE: mapping: as in the past; joining: none was seen. */
enum { WITHIN_AS_BEFORE, WITHIN_NONE, WITHIN_FIRST };

/* The entities that core_republish() has emitted, by turn, and those that are new or have changed
 * since. Of `struct change`, only the membership in one of the sets is used. */
enum { REPUBLISH_TURNS = 32 };
struct republishing {
    struct changes unpublished, turns[REPUBLISH_TURNS];
};
void republishing_clear(struct republishing *all);

/* Joining: entities that may have changed since the last core_save(), and those removed since. Any
 * other entity still has its last record: code that creates, frees, or changes an entity adds it
 * here, before or after. Builds with invariants compare all entities at each save. */
struct changed {
    struct changes lives, processes, tables, descriptors, instances, spans;
    struct republishing published_lives, published_processes, published_descriptors;
};
void changed_free(struct changed *changed); /* NULL is fine */

/* A pid from one fork of its leader to the next, or until it has been over for PROCESS_KEPT_NS. */
struct process {
    /* Assigned when first saved: unique in the core, as for tables and descriptors. */
    uint64_t serial;
    uint64_t seen;                    /* number of the save that saw it last */
    struct change change, publishing; /* in `changed` */
    struct changed *changed;
    uint32_t pid_ns;
    int32_t pid;
    uint64_t id;
    uint64_t before_id;  /* of the previous process of the pid; 0: not looked up yet */
    uint64_t fork_order; /* event order of its leader's fork; 0 if not seen */
    int32_t ppid;        /* its parent at the fork, else the first known one; -1 */
    bool fork_seen;
    uint64_t fork_ns;
    unsigned refs;
    unsigned alive;   /* known threads that have not exited */
    unsigned present; /* those of `alive` whose life is not over without an exit */
    unsigned parted;  /* those of `alive` with a table of their own */
    bool leader_exited, leader_parted;
    bool leader_gone;    /* exited, or its tid belongs to another thread */
    uint64_t over_ns;    /* since when neither its leader nor any other thread exists; TIME_NONE */
    uint64_t *addresses; /* owned: its keys in core.addresses */
    size_t address_count, address_room;
    struct table *table;  /* NULL until needed, and after its end */
    struct life *threads; /* emitted, not yet over */
};

/* Events for a pid more than this after the end of its process belong to another process, whose
 * fork is not in the trace. */
#define PROCESS_KEPT_NS UINT64_C(10000000000)

/* A process that may be dropped later. */
struct over {
    uint64_t key, since_ns; /* key: in core.processes */
};

/* At each multiple of this raw time, the reducer drops ended lives; a mapper then drops all its
 * knowledge, as at the begin of its interval. */
#define LIVES_TICK_NS UINT64_C(20000000000)

/* When mapping, lives are found by tid without a hash: in pages of a table, up to the kernel's
 * largest tid (PID_MAX_LIMIT). */
enum { PAGE_LIVES = 1 << 10, PAGES = 1 << 12 };
struct life_page {
    struct life *at[PAGE_LIVES];
};

struct core {
    enum core_mode mode;
    struct schema *schema;
    struct core_facts facts;
    struct cpu *cpus;
    size_t cpu_count;
    struct map lives;       /* by tid */
    struct counts *counted; /* user-defined counts; NULL: none yet */
    struct spans *spans;    /* likewise: open user-defined spans */
    bool spans_wait;        /* for spans_settle() */
    struct life *listed, *all;
    struct life **ended; /* joining: those of `all` that are over */
    size_t ended_count, ended_room;
    uint64_t border_epoch; /* from 1 */
    struct instances phases;
    struct changed *changed; /* owned; NULL: mapping */
    struct tallies tallies;
    /* Mapping. */
    struct row *row;
    struct arena lives_memory; /* lives in use take turns: in large pages, in whole cache lines */
    struct life_page *pages[PAGES]; /* owned */
    struct core_mapping mapping;
    struct engine *engine; /* of analyses, independent of the rest */
    struct core_counts counts;
    uint32_t last_life;
    unsigned let_cpus;         /* CPUs in state CPU_LET */
    uint64_t tick;             /* counts the LETs of CPUs */
    uint64_t time_ns;          /* when to check the following time: */
    uint64_t lives_ns;         /* when the reducer drops ended lives */
    const struct event *batch; /* its first event has the number: */
    uint64_t batch_number;
    uint64_t label_epoch;   /* changes when the earlier state of phases may have changed */
    uint64_t *remote_order; /* by definition: of the last begin written to the row */
    /* The same by definition and values: hash -> struct remote_begin, owned by the row. */
    struct map remote_begins;
    uint64_t ends_epoch; /* changes when an unknown thread may have ended one of these */
    /* By definition: number of open instances on threads whose process is unknown. */
    size_t *ungrouped;
    struct map child_labels;
    struct child_label *recent_labels[LABELS_RECENT]; /* of those, by an index from the name */
    struct map slowest;                               /* hash -> struct known_slowest */
    /* STEP_*: parts that a STEP includes besides the effect of the event */
    uint8_t step_parts;
    bool only_steps;         /* the current event becomes a STEP in any case */
    struct numbers *numbers; /* of descriptors */
    /* Joining. */
    struct result_sink sink;
    struct core_settle_source settle_source;
    struct life **named; /* by name, for the current row */
    /* `unknown_thread`: stands for an unknown current thread; `idle`: the idle thread. */
    struct life unknown_thread, idle;
    size_t named_room;
    life_name names;
    uint64_t order, last_process;
    struct names paths;
    size_t paths_most;      /* at more, unused ones are searched for */
    struct names old_paths; /* of results up to the next mark */
    uint32_t *labels;       /* of the current row: ids of paths */
    size_t label_count, label_room;
    struct instance **requests; /* by name, for the current row; NULL: over */
    size_t request_count, request_room;
    uint64_t past_events;  /* at most SESSION_EVENTS_MAX */
    uint64_t event_number; /* in its interval: one more than that of the current event */
    uint32_t summed;       /* of the current event, as in struct step */
    struct map processes;  /* by pid: the newest, process_by_pid() */
    struct map inner;      /* inner id -> number of lives with it */
    /* Address of a descriptor table -> its process, which is in `processes`. */
    struct map addresses;
    struct over *over; /* in the order of their ends */
    size_t over_count, over_room;
    struct table *tables;       /* all */
    struct named_place *places; /* by name, for the current row */
    size_t place_count, place_room;
    uint64_t last_descriptor, last_serial;
    uint64_t saves;                    /* so far */
    const struct phase_set *saved_set; /* to which the saved instances refer */
    uint64_t *exited;
    size_t exited_count, exited_room;
};

/* The key of a tid or pid in a pid namespace; 0: the root namespace. */
static inline uint64_t number_key(uint32_t pid_ns, int32_t number)
{
    return (uint64_t)pid_ns << 32 | (uint32_t)number;
}

/* The pid namespace of the event's vtid and vpid; 0 for the root, or if unknown. */
static inline uint32_t namespace_of(const struct event *event)
{
    return event_is_inner(event) ? event->pid_ns | UINT32_C(1) << 31 : 0;
}

static inline bool is_call_event(const struct event *event)
{
    return event->kind == EVENT_CALL_ENTRY || event->kind == EVENT_CALL_EXIT;
}

static inline bool is_phase_event(const struct event *event)
{
    return event->class->begin_count > 0 || event->class->end_count > 0;
}

static inline void process_touch(struct process *process)
{
    changes_note(&process->changed->processes, &process->change);
}

/* Marks its process, too. */
static inline struct life *life_touch(struct life *life)
{
    if (life->changed)
        changes_note(&life->changed->lives, &life->change);
    if (life->process)
        process_touch(life->process);
    return life;
}

/* --- lives.c --- */
static inline bool life_is_in_call(const struct life *life)
{
    return life->in >= IN_OPEN;
}

extern const uint8_t time_slots[STATES][IN_CALLS];

/* Sets the slot of its time from its state and call. */
static inline void life_place(struct life *life)
{
    life->slot = time_slots[life->state][life->in];
}

/* Adds `ns` to the slot for time in its current state and call, for phases. */
void life_account(const struct life *life, struct time_vector *time, uint64_t ns);
void life_spend(struct life *life, uint64_t ns);

static inline void life_book(struct life *life, uint64_t until_ns)
{
    if (until_ns <= life->clock_ns)
        return;
    if (life->spends)
        life_spend(life, until_ns - life->clock_ns);
    life->time[life->slot] += until_ns - life->clock_ns;
    life->clock_ns = until_ns;
}

static inline void life_list(struct core *core, struct life *life)
{
    if (life->listed)
        return;
    life->listed = true;
    life->next_listed = core->listed;
    core->listed = life;
}

static inline void life_set_state(struct life *life, enum thread_state state, uint64_t time_ns)
{
    life->state = (uint8_t)state;
    life->since_ns = time_ns;
    life->wake_ns = TIME_NONE;
    life_place(life);
}

void life_put_name(struct life *life, struct text name, bool by_kernel);
/* Whether `now` is the name, cut to its length. */
static inline bool life_name_is(const char now[NAME_BYTES], struct text name)
{
    size_t count = name.count < NAME_BYTES - 1 ? name.count : NAME_BYTES - 1;
    return now[count] == '\0' && (count == 0 || memcmp(now, name.at, count) == 0);
}
static inline bool life_is_named(const struct life *life, struct text name, bool by_kernel)
{
    return by_kernel ? life->kernel_named && life_name_is(life->kernel_name, name)
                     : life->user_named && life_name_is(life->user_name, name);
}
/* Fast path: the name is usually unchanged. */
static inline void life_set_name(struct life *life, struct text name, bool by_kernel)
{
    if (!life_is_named(life, name, by_kernel))
        life_put_name(life, name, by_kernel);
}

struct life *life_new(struct core *core, int32_t tid);
void life_clear(struct life *life); /* frees what it owns */
void life_free(struct life *life);  /* joining: itself, too */
/* Joining: the live life of the tid, else a new one from now on; NULL if tid is not positive. */
struct life *life_named(struct core *core, int32_t tid, uint64_t time_ns);
/* The same for a tid in a pid namespace. */
struct life *life_inside(struct core *core, uint32_t pid_ns, int32_t tid, uint64_t time_ns);
/* The entity for data of a process without a known thread. */
struct life *life_of_process(struct core *core, uint32_t pid_ns, int32_t pid, uint64_t time_ns);
struct life *life_find(const struct core *core, int32_t tid);
void life_add_inner(struct core *core, struct life *life, int64_t number);
void life_set_program(struct life *life, struct text name);
struct life *life_begin(struct core *core, int32_t tid, uint64_t time_ns);
void life_exit(struct core *core, struct life *life, uint64_t time_ns);
/* Ends its life and emits that. */
void life_end(struct core *core, struct life *life, uint64_t time_ns);
void life_emit_fact(struct core *core, const struct life *life);
/* Emits its sums since they were last emitted. */
void life_emit_sums(struct core *core, struct life *life);
void life_emit(struct core *core, struct life *life);
void life_note_exited(struct core *core, const struct life *life);
/* It is freed at the next end of an interval when nothing is open on it. */
void life_is_over(struct core *core, struct life *life);
/* --- republish.c --- */
/* Marks its current data as not emitted; as gone. */
void life_not_published(struct life *life);
void life_unpublish(struct life *life);
/* Marks it as emitted; as gone. */
void process_is_published(struct process *process);
void process_unpublish(struct process *process);
/* --- lives.c --- */
void life_forget_exited(struct core *core, uint64_t now_ns);
/* Its time running before its first call was in `call`, or (NULL) outside of any. */
void life_first_call(struct core *core, struct life *life, const struct syscall *call);
void life_new_stretch(struct core *core, struct life *life);
void core_emit(const struct core *core, struct result *result);
void core_emit_of(const struct core *core, const struct life *life, struct result *result);

/* --- map_events.c: mapping --- */
/* The row's current life of the tid; NULL if tid is not positive. */
struct life *map_life_new(struct core *core, int32_t tid);
/* NULL: none yet. */
static inline struct life *map_life_known(const struct core *core, int32_t tid)
{
    uint32_t page = (uint32_t)tid / PAGE_LIVES;
    if (page >= PAGES)
        return map_get(&core->lives, (uint64_t)tid);
    return core->pages[page] ? core->pages[page]->at[(uint32_t)tid % PAGE_LIVES] : NULL;
}
void map_lives_forget(struct core *core);
static inline struct life *map_life(struct core *core, int32_t tid)
{
    if (tid <= 0)
        return NULL;
    struct life *life = map_life_known(core, tid);
    return life ? life : map_life_new(core, tid);
}
/* The entity for events of a process that do not state a thread. */
static inline struct life *map_process(struct core *core, int32_t pid)
{
    int32_t tid = tid_of_process(pid);
    struct life *life = tid ? map_get(&core->lives, (uint64_t)tid) : NULL;
    return life || !tid ? life : map_life_new(core, tid);
}
/* Writes all its unwritten data to the row. */
void life_write(struct core *core, struct life *life);
/* Writes what instances of the past need; data that only adds up stays here. */
void life_write_spent(struct core *core, struct life *life);
/* Writes all its unwritten data and drops all knowledge of it. */
void life_retire(struct core *core, struct life *life);
/* Activates it for an event of its own: its time is accounted from here on. */
/* `owns`: for an event of its own; else it is only referred to. */
void life_let(struct core *core, struct life *life, uint64_t time_ns, bool owns);
void life_activate_slowly(struct core *core, struct life *life, uint64_t time_ns);
static inline void life_activate(struct core *core, struct life *life, uint64_t time_ns)
{
    if (!life->counts)
        life_activate_slowly(core, life, time_ns);
}
/* Makes it active without accounting its time: other data from an event is exclusive. */
static inline void life_own(struct core *core, struct life *life, uint64_t time_ns)
{
    if (!life->active)
        life_let(core, life, time_ns, false);
}
/* Before a STEP that does not change its time, state, or call: what is exclusively known here stays
 * known, and sums may follow later. `names_only`: nor does it change its process and phases. */
void life_before_fact(struct core *core, struct life *life, bool names_only);
/* Before a STEP that defines its state: its call stays known. */
void life_before_step(struct core *core, struct life *life);
/* After a STEP that defines its state, regardless of earlier state; its call is as known here. */
void life_define(struct core *core, struct life *life, enum thread_state state, uint64_t time_ns);
/* From here on, the tid may belong to another life, which is returned. */
struct life *life_forget(struct core *core, struct life *life);
/* Retires every current thread of a CPU in state CPU_LET that may be `life`; if `leaves`, that
 * CPU's current thread is unknown from here on. */
void map_doubt(struct core *core, const struct life *life, bool leaves);
/* Retires every life that may be current there, under any name. */
void map_retire_current(struct core *core, struct cpu *cpu);
void cpu_write(struct core *core, struct cpu *cpu);
/* Removes it from the CPU where it was known to run. */
void map_leave_cpu(struct core *core, struct life *life);
/* Writes the event to the row. */
struct step *map_step(struct core *core, const struct event *event, struct life *actor);
/* Its name in the row; assigned if it has none. */
life_name map_name(struct core *core, struct life *life);

/* --- cpu.c: current threads and switches --- */
struct cpu *cpu_at_slowly(struct core *core, int32_t number);
static inline struct cpu *cpu_at(struct core *core, int32_t number)
{
    return number >= 0 && (size_t)number < core->cpu_count ? &core->cpus[number]
                                                           : cpu_at_slowly(core, number);
}
void map_switch(struct core *core, struct cpu *cpu, const struct event *event);
void join_switch(struct core *core, const struct event *event);
/* `cpu` NULL: event without a CPU. */
void map_wakeup(struct core *core, struct cpu *cpu, const struct event *event, struct life *actor);
void join_wakeup(struct core *core, const struct event *event, const struct life *actor);
/* Before the first event of a CPU since its current thread was unknown. */
void map_let_cpu(struct core *core, struct cpu *cpu, const struct event *event);
void join_settle(struct core *core, int32_t number, uint64_t first_ns);
void map_border(struct core *core, const struct event *event);
void join_border(struct core *core, int32_t number, uint64_t border_ns);
void life_leave_cpu(struct core *core, struct life *life);

/* Mapping: whether the running handler, or that there is none, is known. */
bool knows_handler(const struct cpu *cpu);
/* The level of the running handler; HANDLER_LEVELS: none. */
unsigned handler_of(const struct cpu *cpu);

/* --- handlers.c: interrupt handlers and softirqs, and the time they take from threads --- */
static inline bool handlers_known(const struct cpu *cpu)
{
    return cpu->handlers & HANDLER_SOFTIRQ_KNOWN;
}
/* No handler runs: a CPU does not switch in one. */
static inline void handlers_end(struct cpu *cpu)
{
    cpu->handlers_changed |= cpu->handlers != HANDLERS_NONE;
    cpu->handlers = HANDLERS_NONE;
    for (unsigned i = 0; i < HANDLER_LEVELS; i++)
        cpu->within[i] = WITHIN_NONE;
}
/* Whether a phase may begin or end by it while a handler runs. */
static inline bool is_phase_event_in_handler(const struct event *event)
{
    return is_phase_event(event) && event->domain == DOMAIN_KERNEL && event->kind != EVENT_SWITCH &&
           event->kind != EVENT_EXEC;
}
/* Accounts the time of running handlers up to now to the current thread. */
void handlers_book(struct core *core, struct cpu *cpu, uint64_t now_ns);
void map_handler(struct core *core, struct cpu *cpu, const struct event *event, struct life *actor);
void join_handler(struct core *core, const struct event *event);
void handlers_write(struct cpu *cpu, struct cpu_line *line);
void join_handlers(struct cpu *cpu, const struct cpu_line *line);
/* Adds `emitted` of a row; if the row does not know whether it was in a call, the state of the
 * thread decides. */
void life_add_interrupted(const struct life *life, const struct interrupted *emitted,
                          struct interrupted *to);

/* A kernel event without a CPU. */
void map_event_without_cpu(struct core *core, const struct event *event);
/* Why the thread of a kernel event without a tid context is unknown. */
enum tally unknown_thread_tally(const struct core *core, const struct event *event);
/* --- event_thread.c: the thread of an event, and its contexts --- */
/* A kernel event with contexts; a user-space event. */
void map_context_event(struct core *core, struct cpu *cpu, const struct event *event);
void map_user_event(struct core *core, const struct event *event);
/* Applies the whole event to the current thread. */
void join_kernel_event(struct core *core, const struct event *event);
void join_user_event(struct core *core, const struct event *event);
/* Adds the event to user-defined counts of the thread; NULL: of no thread. */
void join_counted(struct core *core, const struct event *event, struct life *life);
void join_contexts(struct core *core, const struct event *event, struct life *life);
void join_meaning(struct core *core, const struct event *event, struct life *actor);
/* Applies the effect of a kernel event whose thread is known, without its contexts. */
void map_meaning(struct core *core, struct cpu *cpu, const struct event *event, struct life *actor);

/* --- calls.c --- */
void map_call_entry(struct core *core, struct life *life, const struct event *event);
void map_call_exit(struct core *core, struct life *life, const struct event *event);
/* The entry of a plain call, of a plain class, and its exit, the next event of all, in one: the same
 * effect at less cost. False: something else is needed; nothing was done. */
bool map_whole_call(struct core *core, struct cpu *cpu, const struct event *entry);
void join_call_entry(struct core *core, struct life *life, const struct event *event);
void join_call_exit(struct core *core, struct life *life, const struct event *event);
/* Its current call has no end. */
void call_has_no_end(struct core *core, struct life *life);
void calls_emit(struct core *core, struct life *life);
void calls_join(struct core *core, struct life *life, const struct life_line *line);
void calls_move(struct life *to, struct life *from);

/* --- waits.c: wakers, and who ran instead --- */
/* Adds a wait of `ns`, or a part of one, to its sums; who: wait_who(). */
void wait_add(struct core *core, struct life *life, uint64_t who, uint64_t ns);
/* Time in its current state, as far as it is accounted. */
static inline uint64_t wait_ns(const struct life *life)
{
    uint64_t from_ns = life->since_ns > life->begin_ns ? life->since_ns : life->begin_ns;
    return life->clock_ns > from_ns ? life->clock_ns - from_ns : 0;
}
/* Its time is accounted. If it waits, the other side of the wait is unknown. */
void wait_lost(struct core *core, struct life *life);
/* Mapping: writes its sums to the row; allowed at any time before its life ends. */
void waits_write(struct core *core, struct life *life);
void waits_emit(struct core *core, struct life *life);
void waits_join(struct core *core, const struct waits_line *line);
/* Translates a `who` of the current row to that of joining: an id, the idle thread, or unknown. */
uint64_t join_who(const struct core *core, uint64_t who);

/* --- wait_layers.c: waits of open instances, in both modes --- */
/* Adds a wait of the life, which has an open instance. */
void layers_add(struct life *life, const struct instance_wait *wait);
/* Collects the waits since an instance with that `order` began; `ended` owns them. False: they are
 * more than an instance reports. */
bool layers_since(const struct life *life, uint64_t order, struct ended_instance *ended);
/* No instance is open any more. */
void layers_forget(struct life *life);
void layers_free(struct life *life);
/* Mapping: writes its layers, after its instances have been written. */
void layers_write(struct core *core, struct life *life);
MUST_CHECK bool layers_join(struct core *core, const struct layers_line *line);
/* Joining: translates the waits of an instance of a row; `to` owns them. */
void waits_resolve(const struct core *core, const struct ended_instance *from,
                   struct ended_instance *to);
/* Makes the waits sum to the blocked and the runnable time of the instance. */
void waits_fit(struct ended_instance *ended, bool is_request);
/* Sorts by total, largest first, and keeps only those that are emitted. */
void waits_sort(struct ended_instance *ended);
/* For state; the caller frees it. */
struct layer_wait *layers_list(const struct life *life, size_t *count);
/* The reverse. False if it is not sound. */
bool layers_restore(struct life *life, const struct layer_wait *waits, size_t count);

/* --- slices.c: which threads had a CPU, and when, in both modes --- */
/* Adds a slice that ends at the current switch. */
void slices_add(struct cpu *cpu, const struct cpu_slice *slice);
/* The same; mapping: the switch is not a STEP, so the row gets the slice in a LINE. */
void slices_add_here(struct cpu *cpu, const struct cpu_slice *slice);
/* The thread up to the current switch is unknown; mapping: known to the past only. */
void slices_forget(struct cpu *cpu);
/* The life got the CPU now, after a wait of `ns`. */
void slices_end_wait(struct core *core, const struct cpu *cpu, struct life *life, uint64_t ns);
/* Mapping: whether the slices known here, with one more, cover a wait since then. */
bool slices_cover(const struct cpu *cpu, uint64_t since_ns);
/* The last slices, at most `most`, oldest first; borrowed until the next is added. */
struct cpu_slice *slices_last(const struct cpu *cpu, size_t most, size_t *count);
void slices_write(struct core *core, struct cpu *cpu, struct cpu_line *line);
void join_slices(const struct core *core, struct cpu *cpu, const struct cpu_line *line);

/* --- join.c --- */
/* The life with that name in the current row, even if it is over. */
struct life *join_named(const struct core *core, life_name name);
/* The same; NULL: none, or it is over. */
struct life *join_life_of(const struct core *core, life_name name);

/* --- lines.c: joining LINEs --- */
/* False if it contradicts earlier records: it is ignored. */
bool join_life_line(struct core *core, const struct life_line *line);
void join_cpu_line(struct core *core, const struct cpu_line *line);

/* --- counts.c: joining --- */
/* The name of the life's current call, as an id of core.paths; 0 if it is in none or `life` is
 * NULL. */
uint32_t join_call_name(struct core *core, const struct life *life);

/* --- paths.c --- */
/* Between intervals. */
void join_forget_paths(struct core *core);

/* --- phase_instances.c: instances of phases, in both modes --- */
void phase_begins(struct core *core, struct life *life, const struct event *event, uint32_t at,
                  const struct field_value *values, uint32_t path, uint64_t order);
/* Ended by `event` of `ender`. */
void phase_completes(struct core *core, struct instance *instance, const struct life *ender,
                     const struct event *event);
void phase_has_no_begin(struct core *core, struct life *life, uint32_t label);
/* Its current call ends: a complete one counts for the instances that ended within it. */
void phase_add_credits(struct core *core, struct life *life, bool complete);
static inline struct life *life_of_thread(struct phase_thread *thread)
{
    return CONTAINER_OF(struct life, thread, phases);
}
static inline struct life *life_of(const struct instance *instance)
{
    return life_of_thread(instance->thread);
}
/* --- joining --- */
void join_phases(struct core *core, struct life *life, const struct event *event, uint32_t summed);
void join_label(struct core *core, const struct label_let *let);
MUST_CHECK bool join_instance(struct core *core, const struct instance_line *line);
void join_credits(struct core *core, struct life *life, const struct life_line *line);
void join_phase_sums(struct core *core, struct life *life, const struct life_line *line);
uint32_t join_labeled(const struct core *core, uint32_t label);
void join_phase_exec(struct core *core, struct life *caller);
void join_phase_exit(struct core *core, struct life *life);
void phases_tick(struct core *core, uint64_t now_ns);
void phases_resolve(struct core *core, struct life *life, const struct syscall *call);
void phases_emit(struct core *core, struct life *life);
void phases_use(struct core *core, const struct phase_set *set);
void phases_finish(struct core *core);
/* Adds the time that the thread of an instance has spent in it by `time_ns`; returns its complete
 * calls. */
uint64_t phase_spent_until(const struct instance *instance, uint64_t time_ns,
                           struct time_vector *time);

/* --- phase_segments.c: requests and segments, in both modes --- */
/* If its request is open, makes the instance a segment of it. */
void segment_begins(struct core *core, struct instance *instance);
/* The segment ends at `time_ns`, having spent this. */
void segment_ends(const struct core *core, struct instance *instance, uint64_t time_ns,
                  const struct time_vector *time, uint64_t calls);
/* Stores its segment data at its end in `ended`; open segments count up to there. */
void request_ends(const struct core *core, struct instance *instance, uint64_t time_ns,
                  struct ended_instance *ended);
/* For rows and state; `time` is to be freed, and `waits` are borrowed. */
struct segments_line segments_line_of(const struct instance *instance);
/* The reverse, except for the waits. False: it has no such data. */
bool segments_set(struct instance *instance, const struct segments_line *line);
/* Joining: the segment data of an instance that passes. */
void join_segments(struct core *core, const struct instance_line *line, struct instance *instance);

/* --- map_slowest.c: instances that are listed individually --- */
/* Whether to list a complete instance of that duration, which is in the sum. */
bool map_keeps_ended(struct core *core, const struct life *life, struct phase_sum *sum,
                     uint32_t definition, uint64_t ns);
/* Lists it. `line`, its values, and its time are borrowed. */
void map_keep_ended(struct core *core, struct life *life, struct phase_sum *sum,
                    const struct ended_line *line);
/* Adds the unwritten ones of the life to its LINE. */
void map_write_ended(struct life *life, struct life_line *line);
void map_forget_slowest(struct core *core);

/* --- map_phases.c: mapping of phases --- */
void map_phases_init(struct core *core);
void map_phases_clear(struct core *core);
/* Begins and ends what the event begins and ends on its own thread; whatever needs earlier state
 * goes to the row. */
bool map_phases(struct core *core, struct life *life, const struct event *event, uint32_t *summed);
/* Call before a phase event becomes a STEP. `life`: its thread; NULL: unknown here. */
void map_before_phases(struct core *core, struct life *life, const struct event *event,
                       uint32_t summed);
/* Its open instances pass to the past. */
void map_pass(struct core *core, struct life *life);
void map_pass_all(struct core *core);
/* An instance of its process in the past may end: new labels from here on. */
void map_new_labels(struct core *core, struct life *life);
/* Passes the instances that an exec of the thread as `pid` may end. */
void map_pass_for_exec(struct core *core, const struct life *life, int32_t pid);
uint32_t map_new_label(struct core *core, struct life *life);
/* The label of its call in the past, if it has had no call event here. */
uint32_t map_call_label(struct core *core, struct life *life);
void map_learn_pid(struct core *core, struct life *life, int32_t pid);
/* Process information in the row may concern this thread; NULL: any thread. */
void map_doubt_pid(struct core *core, struct life *life);

/* The label of its current phase. */
static inline uint32_t life_label(struct core *core, struct life *life)
{
    if (life->phases.top)
        return life->phases.top->path;
    if (core->mode == CORE_JOIN || core->phases.set->count == 0)
        return 0;
    return life->label_epoch == core->label_epoch ? life->label : map_new_label(core, life);
}

/* --- processes.c --- */
void life_learn_pid(struct core *core, struct life *life, int32_t pid, uint64_t time_ns);
/* At the fork of its leader. */
struct process *process_begin(struct core *core, int32_t pid, int32_t ppid, uint64_t time_ns);
/* Whether it was over for PROCESS_KEPT_NS at `time_ns`. */
bool process_over_long(const struct process *process, uint64_t time_ns);
/* NULL if none is known, or if it was over long before `time_ns`. */
struct process *process_by_pid(struct core *core, uint32_t pid_ns, int32_t pid, uint64_t time_ns);
struct process *process_by_address(struct core *core, uint64_t address, uint64_t time_ns);
void process_dumped(struct core *core, struct process *process, const struct event *event);
/* Adds the life to the process without counting it. */
void process_own(struct life *life, struct process *process);
void process_enter(struct core *core, struct life *life, struct process *process, uint64_t time_ns);
void process_leave(struct core *core, struct life *life);
/* Before its end without an exit; after its exit. */
void process_life_over(struct core *core, const struct life *life, uint64_t time_ns);
void process_life_exited(struct core *core, struct life *life, uint64_t time_ns);
void process_drop(struct core *core, struct process *process);
void process_emit_fact(const struct core *core, const struct process *process);
void processes_forget_past(struct core *core, uint64_t time_ns);

/* --- process_events.c: fork, exec, exit, and state dumps --- */
void map_birth_event(struct core *core, const struct event *event, struct life *actor);
/* Returns the life that the event belongs to from then on. */
struct life *join_exec(struct core *core, const struct event *event);
void join_birth_event(struct core *core, const struct event *event);

#endif
