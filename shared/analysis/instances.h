/* analysis/instances.h -- the phase instances that are open, and what the threads that began them have
 * spent since. The same code runs where the past is known (the join) and where it is not (the mapper).
 *
 * Nothing walks over the open instances of a thread: a thread has totals that grow, an instance notes
 * what they were when it began, and the difference is its own. Those that can only be told apart by their
 * begins are one struct: of the youngest, with the others below it as its elders (analysis/elders.h).
 *
 * Threads of one process are kin: those of which the last that was told of their process is the same
 * pid, without a fork of its leader between. */
#ifndef ANALYSIS_INSTANCES_H
#define ANALYSIS_INSTANCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/elders.h"
#include "base/changes.h"
#include "base/map.h"
#include "trace/cells.h"
#include "trace/event.h"
#include "trace/phase_set.h"

struct instance;

struct instances;

struct segments;

struct kin {
    struct instances *all;
    uint64_t id;    /* from 1, unique */
    uint64_t key;   /* in instances.kins */
    unsigned refs;  /* members; the count of threads that have it */
    unsigned alive; /* members that have not exited */
    bool leader_exited;
    bool current; /* whoever is told of this pid now becomes one */
    /* The mapper: its leader was forked in this interval, and nobody has left since: it has no members
     * that are not known here. */
    bool whole;
    struct phase_thread *members; /* in no order */
    struct instance *open;        /* of all members, in no order */
};

/* Embedded in what its owner knows of a thread. All zero is a thread without instances. */
struct phase_thread {
    uint64_t id; /* unique, not 0 */
    int32_t tid;
    struct kin *kin;                                 /* NULL: nothing is told of its process */
    struct phase_thread *next_member, **back_member; /* of the kin */
    bool exited, counted;                            /* counted: among kin->alive */
    bool is_process;        /* what a process does of which no event says the thread */
    struct instance *top;   /* begun last of those open; below it, those begun before */
    struct instance **last; /* by definition of `last_of`: begun last of those open; owned */
    const struct phase_set *last_of;
    size_t count;             /* open ones, with elders */
    uint64_t calls;           /* complete calls so far */
    struct time_vector total; /* its time, since it had no open instance */
};

/* A place in a chain of instances with one key, begun last first. */
struct instance_place {
    uint64_t key;
    struct instance *below, *above;
};

struct instance {
    uint32_t definition; /* its place in the set */
    uint32_t path;       /* what the owner calls its path */
    bool by_user;        /* begun by a user-space event */
    bool in_call;        /* begun within the call that its thread is in */
    bool after_exit;     /* its thread had exited: the end of its process says nothing of it */
    /* With its thread; by itself, if it is new, or its segments or whose it is are others. */
    struct change change;
    uint64_t id;               /* unique among all; of one that never had elders, its order */
    struct instance_mark mark; /* order: of its begin, over all: instance_order() */
    struct elders *elders;     /* owned; NULL: none yet. Not one of them is in_call */
    struct phase_thread *thread;
    struct instance *below, *above;           /* of its thread, by `mark` */
    struct instance *below_like, *above_like; /* of its thread and definition, likewise */
    struct instance *next_kin, **back_kin;
    struct instance *older, *newer; /* of its definition, by the eldest of each */
    struct segments *segments; /* owned: what it has of those that do its work; NULL: nothing yet */
    struct instance *request;  /* whose segment it is; NULL */
    struct instance *next_segment, **back_segment; /* of the same request */
    uint32_t
        row_name; /* of a row, from 1, for those whose segments it tells; mapping: of its request */
    struct field_value *values;     /* owned, with its texts: phase_value_count() of them */
    struct instance_place places[]; /* the chains that it is in */
};

struct instances {
    const struct phase_set *set;        /* what events begin and end */
    struct definition_links *links;     /* by definition */
    bool strangers_are_one;             /* threads without kin may be of one process: the mapper */
    struct instance **newest, **oldest; /* by definition */
    struct instance *aged;     /* out of that order, through `older`: instances_next_over() */
    struct instance **entered; /* by definition: the one that was put among them last */
    struct map chains;         /* key -> struct instance, begun last */
    struct map kins;           /* kin key -> struct kin */
    uint64_t last_kin;
    uint64_t tick_ns; /* timeouts are looked at when a multiple of it has come; 0: never */
    uint64_t now_ns;  /* the last */
    size_t count;     /* with elders */
    size_t structs;   /* without */
    /* Of an owner that saves; else NULL. Instances, and blocks of elders that are gone. */
    struct changes *changes;
    /* Likewise: what is known of a thread's kin is another. */
    void (*kin_changed)(struct phase_thread *thread);
};

void instances_init(struct instances *all, const struct phase_set *set);
/* Events are of `set` from here on, which has all definitions that something is open of. */
void instances_use(struct instances *all, const struct phase_set *set);
/* Everything that is open must have been closed. */
void instances_clear(struct instances *all);

/* Of the `event`th event of a session, from 0: a definition begins one instance by it at most. */
static inline uint64_t instance_order(uint64_t event, uint32_t definition)
{
    return (event << EVENT_SHIFT | definition) + 1;
}

/* The trace's time is `now_ns`; true if that is a new tick. */
static inline bool instances_tick(struct instances *all, uint64_t now_ns)
{
    if (all->tick_ns == 0 || now_ns - all->now_ns < all->tick_ns)
        return false;
    all->now_ns = now_ns - now_ns % all->tick_ns;
    return true;
}

/* --- threads --- */

/* The thread is told to be of process `pid` (of namespace `pid_ns`) by now; 0 says nothing. */
void instances_told(struct instances *all, struct phase_thread *thread, uint32_t pid_ns,
                    int32_t pid);
/* Whether that is what the thread was told to be of, and nothing says otherwise since. */
bool instances_are_of(const struct phase_thread *thread, int32_t pid);
/* Of which process it is is not known any more. */
void instances_untold(struct instances *all, struct phase_thread *thread);
/* The leader of `pid` was forked: who is told of it from now on is no kin of those before. */
void instances_forked(struct instances *all, int32_t pid);
/* The thread has exited. True if its process is over by that: its leader and all threads that were told
 * to be its own have exited. */
bool instances_exited(struct phase_thread *thread);
/* The thread is forgotten; no instance may be open on it. */
void instances_forget(struct phase_thread *thread);

/* The call that the thread is in has completed (or not): tells those begun within it apart. */
void instances_leave_call(struct phase_thread *thread, bool complete);
static inline void instances_call_over(struct phase_thread *thread, bool complete)
{
    thread->calls += complete;
    if (thread->top && thread->top->in_call)
        instances_leave_call(thread, complete);
}

/* A kin without members, as `kept` says (id, key, current, leader_exited); NULL if the pid has another. */
struct kin *instances_restore_kin(struct instances *all, const struct kin *kept);
/* The thread, which has none, becomes a member; nobody is counted. */
void kin_enter(struct phase_thread *thread, struct kin *kin);

/* --- instances --- */

/* False if it lacks a field of the name or the match, or does not pass the filters. `values` has room
 * for PHASE_MATCH_MAX; borrowed from the event. */
bool instances_fit(const struct phase_definition *definition, const struct event *event, bool ends,
                   struct field_value *values);
/* What the begin event has of the fields that are captured: behind the values of the match fields. */
void instances_capture(const struct phase_definition *definition, const struct event *event,
                       struct field_value values[PHASE_VALUES_MAX]);
/* The values of an instance that `event` ends: of what its begin event did not have to capture, those
 * that the end event has. Borrowed of both. */
void instances_capture_end(const struct phase_definition *definition,
                           const struct instance *instance, const struct event *event,
                           struct field_value values[PHASE_VALUES_MAX]);
enum { INSTANCE_NUMBER_ROOM = 24 };
/* The name that an instance has by an event that fits; in `room` if that is a number. */
struct text instances_name(const struct phase_definition *definition, const struct event *event,
                           char room[INSTANCE_NUMBER_ROOM]);

/* What is known of one that begins. Its values are borrowed, phase_value_count() of them. */
struct instance_begin {
    uint32_t definition, path;
    bool by_user, in_call;
    uint64_t begin_ns, order;
    const struct field_value *values;
};

/* A struct of its own, open on `thread`, that has spent nothing. */
struct instance *instances_open(struct instances *all, struct phase_thread *thread,
                                const struct instance_begin *begin);
/* The same; it may find its elders. */
struct instance *instances_begin(struct instances *all, struct phase_thread *thread,
                                 const struct instance_begin *begin);
/* It becomes the youngest of its elders; behind these comes what elders_push_step() puts there; then the
 * struct is of another that is younger than all, and has spent nothing. */
struct elders *instances_go_below(struct instances *all, struct instance *instance);
void instances_go_on_top(struct instances *all, struct instance *instance,
                         const struct instance_begin *begin);
static inline size_t instance_elders(const struct instance *instance)
{
    return instance->elders ? instance->elders->count : 0;
}
/* Itself, if it has no elders. */
static inline const struct instance_mark *instance_eldest(const struct instance *instance)
{
    return instance_elders(instance) > 0 ? &instance->elders->eldest : &instance->mark;
}
/* What its thread has spent since it began: into `time` (empty before; to be freed), and complete
 * calls that were entered in it. */
uint64_t instances_spent(const struct instance *instance, struct time_vector *time);
/* The same of one that began at `mark`. */
uint64_t instances_spent_since(const struct phase_thread *thread, const struct instance_mark *mark,
                               struct time_vector *time);
/* The contrary: it has spent so much by now. */
void instances_set_spent_since(const struct phase_thread *thread, struct instance_mark *mark,
                               const struct time_vector *time, uint64_t calls);
void instances_set_spent(struct instance *instance, const struct time_vector *time, uint64_t calls);
/* Takes it off all lists and frees it; if it has elders, the struct is of the youngest of them. */
void instances_close(struct instances *all, struct instance *instance);
void instances_close_with_elders(struct instances *all, struct instance *instance);
/* All structs, by the order of their begins; to be freed. */
struct instance **instances_sorted(const struct instances *all);
/* Closes all that are open. */
void instances_close_all(struct instances *all);

/* A hash of the values of the match fields of a definition. */
uint64_t instances_match_hash(const struct instances *all, uint32_t definition,
                              const struct field_value *values);
/* Whether its timeout is over at an event of that time: then that does not end it. */
bool instance_is_late(const struct instances *all, const struct instance *instance,
                      uint64_t time_ns);

/* The one begun last, of the thread's kin, with these values: whatever its thread. Of a definition
 * without match fields: of the thread itself. NULL if none. */
struct instance *instances_to_end(const struct instances *all, const struct phase_thread *thread,
                                  uint32_t definition, const struct field_value *values);
/* Of the definitions that may be the parent of `definition`, the one begun last on the thread itself;
 * NULL. */
struct instance *instances_own_parent(const struct instances *all,
                                      const struct phase_thread *thread, uint32_t definition);
/* The one begun last of the thread's kin that agrees in all match fields that both definitions name;
 * NULL. */
struct instance *instances_parent_by_match(const struct instances *all,
                                           const struct phase_thread *thread, uint32_t definition,
                                           const struct field_value *values);
/* Whose segment one of `definition` with these values is that begins on the thread: of the thread's kin, the
 * one begun last that agrees in its match fields; NULL. */
struct instance *instances_request(const struct instances *all, const struct phase_thread *thread,
                                   uint32_t definition, const struct field_value *values);
/* The values that the request must have which is of the `at`th definition that it may be a segment of. Borrowed. */
void instances_request_values(const struct instances *all, uint32_t definition, size_t at,
                              const struct field_value *values,
                              struct field_value match[PHASE_MATCH_MAX]);
/* The definitions that it may be a segment of. */
size_t instances_request_count(const struct instances *all, uint32_t definition);
uint32_t instances_request_at(const struct instances *all, uint32_t definition, size_t at);
/* The definitions that may be its parent. */
size_t instances_parent_count(const struct instances *all, uint32_t definition);
uint32_t instances_parent(const struct instances *all, uint32_t definition, size_t at);
/* Whether any definition that may be its parent has a match field of the same name. */
bool instances_share_fields(const struct instances *all, uint32_t definition);
/* One whose eldest, or itself, was over at the last tick; NULL if none is. The owner closes all of them at
 * each tick, so that no thread is found in a phase that has timed out. Nothing is opened in between. */
struct instance *instances_next_over(struct instances *all);
void instances_close_eldest(struct instances *all, struct instance *instance);

#endif
