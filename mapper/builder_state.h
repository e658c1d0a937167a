/* mapper/builder_state.h -- what a partial builder knows and has not told yet; shared by its
 * files.
 *
 * The builder keeps, of each thread, CPU and descriptor number, what this interval alone tells
 * of its state, and the sums that whoever knows the past has not been told ("unsent"). Before an
 * event goes out as it was, every subject that it may touch is told: then both know the same of
 * it, and the order of the row is the order of the events wherever that matters. */
#ifndef MAPPER_BUILDER_STATE_H
#define MAPPER_BUILDER_STATE_H

#include "analysis/engine.h"
#include "analysis/instances.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/cell_index.h"
#include "mapper/partial_builder.h"

struct fd_number;

/* Uses of a slot by one thread, unsent. */
struct unsent_uses {
    struct fd_number *slot;
    uint32_t label;
    uint64_t proven_ns; /* least entry of a call that proves; TIME_NONE */
    struct use_cell cell;
    /* Above, what each use touches: as few cache lines as may be. */
    struct thread_known *thread;
    struct unsent_uses *next_of_slot, **back_of_slot;
    struct unsent_uses *next_of_thread, **back_of_thread;
    struct unsent_uses *next_label; /* of the same thread and slot */
};

/* A descriptor created here, unsent. */
struct unsent_life {
    struct thread_known *owner;
    struct unsent_life *next_of_thread, **back_of_thread;
    struct life_piece piece;
};

/* A call in progress that uses a slot. */
struct fd_user {
    struct thread_known *thread;
    struct fd_number *slot; /* NULL: none */
    struct fd_user *next, **back;
};

/* One descriptor number of a group. */
struct fd_number {
    struct table_group *group;
    int32_t fd;
    uint64_t proven_ns; /* it was alive since then, no operation on it after; TIME_NONE */
    struct unsent_life *life;
    struct unsent_uses *uses;
    struct fd_user *users;
    struct fd_number *next_dirty; /* of its group */
    bool dirty;
};

enum {
    FD_LOW = 64,        /* descriptor numbers that are found without a hash */
    THREAD_RECENT = 256 /* threads that are, by the low bits of their tid; a power of two */
};

/* Threads that may share a descriptor table: what one does to a number may touch what another
 * uses under it. `certain`: they do share it. */
struct table_group {
    bool certain;
    int32_t pid;                   /* of the process that was forked into it; 0 if none */
    struct fd_number *low[FD_LOW]; /* by number; owned */
    struct map slots;              /* from FD_LOW on: fd -> struct fd_number; owned */
    struct fd_number *dirty;
    struct table_group *next;
};

/* The slowest of some instances that ended here. */
struct known_slowest {
    struct known_slowest *next; /* of the same hash */
    uint64_t set;               /* of threads */
    uint32_t label, definition;
    struct slowest list; /* of struct unsent_ended */
};

struct unsent_ended {
    struct unsent_ended *next, **back; /* of its thread; until it is sent */
    bool sent;                         /* then nothing of the piece is left */
    struct piece_ended piece;
};

enum call_knowledge {
    CALL_UNKNOWN, /* only the past knows */
    CALL_TOLD,    /* in `open`, of which the past was told: its exit goes out */
    CALL_KNOWN_NONE,
    CALL_KNOWN_OPEN
};

/* Where the cell of a call and a label is among a thread's. */
struct call_place {
    uint32_t label;
    uint32_t at; /* 1 + index in calls; 0: none */
};

struct thread_known {
    int32_t tid; /* or that of a process: tid_of_process() */
    int32_t pid; /* for filing; 0 if not told here */
    struct table_group *group;
    bool met;           /* an event has named this life of it */
    bool late;          /* then there were processes forked here that it may be of */
    bool seen;          /* the model knows that it exists */
    bool pid_told;      /* events that may tell its process have passed */
    bool program_known; /* the model knows that its process's trace says `program` */
    char program[16];
    bool born;                /* forked here */
    uint64_t life;            /* unique in the builder; another with each life of the tid */
    bool may_hold_phase;      /* the past may know of a phase that is open on it */
    bool exit_known, exiting; /* whether sched_process_exit was seen */

    bool dirty;
    bool state_known;
    uint8_t state; /* enum thread_state */
    uint8_t call;  /* enum call_knowledge */
    int32_t cpu;   /* where it runs; -1 */
    uint64_t clock_ns, state_since_ns, from_ns, wake_ns;
    uint32_t label; /* of the phase it is in, as of label_epoch */
    uint32_t open_label;
    uint64_t label_epoch;
    struct open_call open;
    uint64_t call_epoch; /* border_epoch at its last system call event */
    struct fd_user user[2];

    /* unsent */
    struct thread_known *next_dirty, **back_dirty;
    struct time_vector time;
    struct piece_call *calls;
    struct call_place *call_at;   /* by call id: the cell used last */
    struct cell_index call_index; /* by label and call id; empty while there is one label */
    size_t call_at_count;
    size_t call_count, call_room;
    uint64_t told_ns; /* events of its CPU up to here are told to be its own */
    uint64_t last_ns, named_ns, cpu_ns, switches;
    struct unsent_uses *uses;
    struct unsent_life *lives;
    bool kernel_name_unsent, user_name_unsent;
    bool kernel_name_known, user_name_known;
    char kernel_name[16], user_name[16];
    struct durations latency;
    struct unsent_uses *low_uses[FD_LOW]; /* those of low numbers */
    struct map high_uses;                 /* of the others, by number */

    struct phase_thread phases; /* what was begun on it here and is open */
    bool begun_by_user;         /* any of it may be by a user-space event */
    struct cell_index phase_index;
    struct piece_phase *phase_cells; /* by label */
    size_t phase_room;
    struct unsent_ended *ended;
    struct piece_closing *closings;
    size_t closing_count, closing_room;
    struct piece_credit *credits;
    size_t credit_count, credit_room;
    uint64_t parent_epoch; /* what follows is as of it */
    uint32_t parent_of, parent_under, parent;
};

struct cpu_known {
    bool entered; /* has had an event since the interval's begin or its last border */
    bool known;   /* has had a switch since */
    struct thread_known *current; /* NULL: idle, or nobody */
    bool nobody;
    bool run_whole, dirty;
    uint64_t run_begin_ns, last_ns, busy_ns;
};

/* The path of a phase below another, as the row tells it. */
struct known_label {
    struct known_label *next; /* of the same hash */
    uint32_t under, label;
    struct text name;
};

struct partial_builder {
    struct schema *schema;
    struct partial_builder_options options;
    struct partial_counts counts;
    struct arena arena;
    struct item item;               /* in the making */
    struct unsent_uses *free_uses;  /* to be used again, through next_of_slot */
    struct unsent_life *free_lives; /* through next_of_thread */
    struct map threads;             /* tid -> struct thread_known */
    struct thread_known *recent[THREAD_RECENT];
    struct thread_known *all; /* with something unsent, the last marked first */
    struct cpu_known *cpus;
    size_t cpu_count;
    struct table_group *groups; /* owned; the last is that of all threads not born here */
    struct table_group *old_group;
    uint64_t border_epoch;   /* borders so far */
    struct instances phases; /* begun here, and open */
    uint64_t *remote_order;  /* by definition: of the last begin that the past was told of */
    size_t *strangers;       /* by definition: open on threads whose process is not told */
    uint64_t doubts;         /* from 1; another whenever the past may know more of processes */
    uint64_t epoch; /* from 1; what only the past knows of phases may differ from that of another */
    uint64_t tick_ns;  /* when timeouts are looked at again, or (if that is first) */
    uint64_t renew_ns; /* when the past forgets lives that are over */
    uint32_t last_label;
    uint32_t summed;           /* of the event now, as in struct item */
    uint32_t call_label;       /* of the call event that is sent next; LABEL_HERE */
    struct map labels;         /* of struct known_label */
    struct map slowest;        /* of struct known_slowest, under hashes */
    struct piece_ended *ended; /* owned: room for those of a piece */
    size_t ended_room;
    uint64_t last_life;
    struct engine *engine; /* of analyses */
};

enum { CPU_NUMBER_MAX = 1 << 16 };

static inline bool builder_in_interval(const struct partial_builder *builder, uint64_t time_ns)
{
    return time_ns >= builder->options.interval.begin_ns &&
           time_ns < builder->options.interval.end_ns;
}

/* Whether an EVENT_LOSS is of the interval. */
static inline bool builder_has_loss(const struct partial_builder *builder,
                                    const struct event *event)
{
    bool junction = event->value[2] != 0;
    return event->cpu <= CPU_NUMBER_MAX && event->time_ns < builder->options.interval.end_ns &&
           (event->time_ns >= builder->options.interval.begin_ns || junction);
}

/* Whether nothing is known of its CPU behind it. */
static inline bool builder_is_border(const struct partial_builder *builder,
                                     const struct event *event)
{
    return builder_has_loss(builder, event) && event_is_border(event) && event->cpu >= 0;
}

/* --- partial_builder.c --- */
/* Begins an item, all else zero; builder_send() tells it. */
struct item *builder_item(struct partial_builder *builder, enum item_kind kind,
                          const struct thread_known *thread);
void builder_send(struct partial_builder *builder);
/* Tells what is unsent of the thread; a call in progress passes to whoever knows the past. */
void builder_tell_thread(struct partial_builder *builder, struct thread_known *thread);
/* A thread that is of no certain group does something to descriptors. */
void builder_be_uncertain(struct partial_builder *builder, struct thread_known *thread);

/* To be called before the thread does anything to descriptors. */
static inline void builder_before_descriptors(struct partial_builder *builder,
                                              struct thread_known *thread)
{
    if (thread && thread->late)
        builder_be_uncertain(builder, thread);
}
static inline void builder_mark(struct partial_builder *builder, struct thread_known *thread)
{
    if (thread->dirty)
        return;
    thread->dirty = true;
    thread->next_dirty = builder->all;
    thread->back_dirty = &builder->all;
    if (thread->next_dirty)
        thread->next_dirty->back_dirty = &thread->next_dirty;
    builder->all = thread;
}

/* Puts `ns` where time in the thread's present state and call belongs. */
static inline void builder_account(const struct thread_known *thread, struct time_vector *time,
                                   uint64_t ns)
{
    switch ((enum thread_state)thread->state) {
    case STATE_UNKNOWN: time->unknown_ns += ns; return;
    case STATE_RUNNABLE: time->runnable_ns += ns; return;
    case STATE_RUNNING:
        if (thread->call == CALL_UNKNOWN)
            time->before_running_ns += ns;
        else if (thread->call != CALL_KNOWN_NONE)
            time->sys_ns += ns;
        else
            time->user_ns += ns;
        return;
    case STATE_BLOCKED:
        if (thread->call == CALL_UNKNOWN)
            time->before_blocked_ns += ns;
        else if (thread->call != CALL_KNOWN_NONE)
            time_vector_add_blocked_in(time, thread->open.call->id, ns);
        else
            time->blocked_ns += ns;
        return;
    }
}

/* Accounts for its time up to `until_ns`. */
static inline void builder_book(struct thread_known *thread, uint64_t until_ns)
{
    if (!thread->state_known || until_ns <= thread->clock_ns)
        return;
    uint64_t ns = until_ns - thread->clock_ns;
    thread->clock_ns = until_ns;
    builder_account(thread, &thread->time, ns);
    if (thread->phases.count > 0)
        builder_account(thread, &thread->phases.total, ns);
}

/* --- builder_analyses.c: the engine of analyses, beside all else --- */
void builder_open_analyses(struct partial_builder *builder);
/* Gives it the events up to the first that tells of a loss, and tells it of that; returns how many. What
 * it sends stands in the row in front of what else comes of them. */
size_t builder_map_analyses(struct partial_builder *builder, const struct event *events,
                            size_t count);

/* --- builder_phases.c: instances that this interval alone tells ---
 *
 * What begins here is later than all that the past knows: an end that finds one here ends it. What
 * cannot be told here passes to the past: the instances open on a thread with all that they have
 * spent, or the event itself. */
uint32_t builder_new_label(struct partial_builder *builder, struct thread_known *thread);
/* Of the phase that the thread is in. */
static inline uint32_t builder_label(struct partial_builder *builder, struct thread_known *thread)
{
    return thread->label_epoch == builder->epoch ? thread->label
                                                 : builder_new_label(builder, thread);
}
/* Sums what the event begins and ends on the thread, which is its own for certain. False if something
 * is left, which only the past knows: builder->summed says what is not. */
bool builder_sum_phases(struct partial_builder *builder, struct thread_known *thread,
                        const struct event *event);
/* To be called before a phase event goes out. `thread`: whose it is if `certain`, else whose it may be,
 * or NULL. */
void builder_before_phase(struct partial_builder *builder, struct thread_known *thread,
                          const struct event *event, bool certain);
/* All that is open on the thread passes to the past. */
void builder_pass_instances(struct partial_builder *builder, struct thread_known *thread);
void builder_pass_all(struct partial_builder *builder);
/* The caller's process runs another program, which ends what it has begun by user-space events. */
void builder_before_exec(struct partial_builder *builder, struct thread_known *caller);
/* The thread is told to be of the process. Whether that is news. */
bool builder_told_pid(struct partial_builder *builder, struct thread_known *thread, uint32_t pid_ns,
                      int32_t pid);
/* The thread is the leader of a process that is forked here. */
void builder_forked(struct partial_builder *builder, struct thread_known *leader);
/* The thread exits: to be called before that goes out. What that ends for certain is summed, the rest
 * passes. */
void builder_before_exit(struct partial_builder *builder, struct thread_known *thread);
/* What the past is told of a process may be of the thread, NULL: of any. */
void builder_doubt_pid(struct partial_builder *builder, struct thread_known *thread);
/* The call that the thread was in is over. */
void builder_call_over(struct partial_builder *builder, struct thread_known *thread, bool complete);
/* Forgets what nothing takes back any more; returns how many are left. */
size_t builder_closings(const struct partial_builder *builder, struct thread_known *thread);
void builder_phases_told(struct thread_known *thread);
/* An item that tells the time and nothing else. */
void builder_tell_time(struct partial_builder *builder, uint64_t now_ns);
void builder_tick(struct partial_builder *builder, uint64_t now_ns);

/* --- builder_slowest.c: instances that are told of by themselves --- */
/* The instance of the thread is complete by `event`, and in its phase's cell. */
void builder_keep_ended(struct partial_builder *builder, struct thread_known *thread,
                        struct piece_phase *phase, const struct instance *instance,
                        const struct thread_known *ender, const struct event *event);
/* Those of the thread that are unsent; good until the next call. */
size_t builder_ended(struct partial_builder *builder, const struct thread_known *thread,
                     struct piece_ended **out);
void builder_ended_told(struct thread_known *thread);
void builder_free_ended(struct partial_builder *builder);

/* --- builder_calls.c: system calls, and what they do to descriptors --- */
void builder_call_entry(struct partial_builder *builder, struct thread_known *thread,
                        const struct event *event);
void builder_call_exit(struct partial_builder *builder, struct thread_known *thread,
                       const struct event *event);
void builder_release_users(struct thread_known *thread);
void builder_tell_uses_of_thread(struct partial_builder *builder, struct thread_known *thread);
void builder_tell_group(struct partial_builder *builder, struct table_group *group);
/* The thread (NULL: any may be it) may have parted from its descriptor table by the call whose exit
 * this is, if it is one. */
void builder_part(struct partial_builder *builder, const struct thread_known *thread,
                  const struct event *event);
/* Only which descriptors there are: calls in progress stay here, since what follows neither
 * creates nor ends a descriptor that they use. */
void builder_tell_proofs(struct partial_builder *builder, struct table_group *group);
void builder_tell_all_groups(struct partial_builder *builder);
struct table_group *builder_new_group(struct partial_builder *builder);
/* Frees all but the group of threads not born here; nothing of them may be unsent. */
void builder_free_new_groups(struct partial_builder *builder);
void builder_free_groups(struct partial_builder *builder);
void builder_single(struct partial_builder *builder, const struct event *event, int32_t tid,
                    const struct thread_known *key);

#endif
