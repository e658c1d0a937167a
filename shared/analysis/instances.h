/* analysis/instances.h -- the open phase instances, and what the threads that began them have spent
 * since; in both modes.
 *
 * Nothing iterates over the open instances of a thread: a thread has totals that only grow, an
 * instance stores their values at its begin, and the difference belongs to it. Instances that
 * differ only in their begins share one struct: it is the youngest, and the others are its older
 * begins (analysis/older_begins.h).
 *
 * Threads of one process form a thread group: those with the same pid according to the latest
 * information, without a fork of its leader in between. */
#ifndef ANALYSIS_INSTANCES_H
#define ANALYSIS_INSTANCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/older_begins.h"
#include "base/changes.h"
#include "base/map.h"
#include "trace/cells.h"
#include "trace/event.h"
#include "trace/phase_set.h"

struct instance;

struct instances;

struct segments;

struct thread_group {
    struct instances *all;
    uint64_t id;    /* from 1, unique */
    uint64_t key;   /* in instances.kins */
    unsigned refs;  /* members, counted or not; freed at 0 */
    unsigned alive; /* members that have not exited */
    bool leader_exited;
    bool current; /* a thread with this pid now becomes a member */
    /* Mapping: its leader was forked in this interval, and no member has left since: all its
     * members are known here. */
    bool whole;
    uint64_t execs;               /* Mapping: so far, which end instances */
    struct phase_thread *members; /* in no order */
    struct instance *open;        /* of all members, in no order */
};

/* Embedded in its owner's struct for a thread. All zero is a thread without instances. */
struct phase_thread {
    uint64_t calls;       /* complete calls so far */
    struct instance *top; /* the youngest open one; the others follow through `below` */
    size_t count;         /* open ones, including older begins */
    uint64_t id;          /* unique, not 0 */
    int32_t tid;
    struct thread_group *thread_group;               /* NULL: its process is unknown */
    struct phase_thread *next_member, **back_member; /* of the thread group */
    uint64_t membership;                             /* in it: unique, not 0; see `memberships` */
    bool exited, counted;                            /* `counted`: among thread_group->alive */
    bool is_process;        /* stands for events of a process that do not state a thread */
    struct instance **last; /* by definition of `last_of`: the youngest open one; owned */
    const struct phase_set *last_of;
    struct time_vector total; /* its time since it had no open instance */
};

/* The links of an instance in a chain: instances whose keys have one index, those of one key youngest
 * first. */
struct instance_place {
    uint64_t key;
    struct instance *instance;
    struct instance_place *below, *above;
};

/* Open instances by keys, which are hashes. */
struct instance_chains {
    struct instance_place **at; /* by the lowest bits of the key: the top of a chain */
    size_t mask;                /* chains - 1; 0 if there are none */
    size_t count;               /* places */
};

struct instance {
    /* Marked with its thread; alone if it is new, or if its segments or its request change. */
    struct change change;
    uint64_t id;               /* unique among all; its order if it never had older begins */
    struct instance_mark mark; /* order: of its begin, across definitions: instance_order() */
    struct older_begins *older_begins;        /* owned; NULL: none yet. None of them is in_call */
    struct instance *below, *above;           /* of its thread, by `mark` */
    struct instance *below_like, *above_like; /* of its thread and definition, likewise */
    struct instance *next_in_group, **back_in_group;
    struct instance *older, *newer;                /* of its definition, by the oldest of each */
    struct segments *segments;                     /* owned: data of its segments; NULL: none yet */
    struct instance *request;                      /* of which it is a segment; NULL */
    struct instance *next_segment, **back_segment; /* of the same request */
    /* Name in the row, from 1. Joining: of a request; mapping: of the request of this segment. */
    uint32_t row_name;
    /* Accessed by each search: together, followed by the values. */
    bool by_user;        /* begun by a user-space event */
    bool in_call;        /* begun within the current call of its thread */
    bool after_exit;     /* begun after its thread's exit: the end of its process does not end it */
    uint32_t definition; /* its index in the set */
    uint32_t path;       /* the owner's number for its path */
    struct phase_thread *thread;
    struct field_value *values;     /* owned, with its texts: phase_value_count() of them */
    struct instance_place places[]; /* its links in chains */
};

struct instances {
    const struct phase_set *set;    /* the current definitions */
    struct definition_links *links; /* by definition */
    bool ungrouped_are_one; /* mapping: threads without thread group may belong to one process */
    struct instance **newest, **oldest; /* by definition */
    struct instance *aged;     /* not in that order, linked by `older`: instances_next_over() */
    struct instance **entered; /* by definition: the last one inserted */
    struct instance_chains chains;
    struct map thread_groups; /* key -> struct thread_group */
    uint64_t last_thread_group, memberships;
    uint64_t tick_ns; /* timeouts are checked at multiples of this time; 0: never */
    uint64_t now_ns;  /* the last of these */
    size_t count;     /* including older begins */
    size_t structs;   /* without older begins */
    /* If the owner saves state; else NULL. Changed instances, and removed blocks of older
     * begins. */
    struct changes *changes;
    /* Likewise: called when the thread group data of a thread changes. */
    void (*group_changed)(struct phase_thread *thread);
};

void instances_init(struct instances *all, const struct phase_set *set);
/* Events refer to `set` from here on, which has all definitions with open instances. */
void instances_use(struct instances *all, const struct phase_set *set);
/* All open instances must be closed before. */
void instances_clear(struct instances *all);

/* For event number `event` of a session, from 0: it begins at most one instance of a definition. */
static inline uint64_t instance_order(uint64_t event, uint32_t definition)
{
    return (event << EVENT_SHIFT | definition) + 1;
}

/* Whether another one of its definition has the same oldest order, which identifies it: of two
 * events without a number, or with one that a row states wrongly. */
bool instances_has_twin(const struct instance *instance);

/* The trace's time is `now_ns`; true at a new tick. */
static inline bool instances_tick(struct instances *all, uint64_t now_ns)
{
    if (all->tick_ns == 0 || now_ns - all->now_ns < all->tick_ns)
        return false;
    all->now_ns = now_ns - now_ns % all->tick_ns;
    return true;
}

/* --- threads --- */

/* The thread belongs to process `pid` (in namespace `pid_ns`) now; 0: no information. */
void instances_learn_pid(struct instances *all, struct phase_thread *thread, uint32_t pid_ns,
                         int32_t pid);
/* Whether this is the latest information about the thread, and still valid. */
bool instances_are_of(const struct phase_thread *thread, int32_t pid);
/* The process of the thread is no longer known. */
void instances_forget_pid(struct instances *all, struct phase_thread *thread);
/* The leader of `pid` was forked: threads with this pid from now on are not in the thread group of
 * earlier ones. */
void instances_forked(struct instances *all, int32_t pid);
/* The thread has exited. True if that ends its process: its leader and all its known threads have
 * exited. */
bool instances_exited(struct phase_thread *thread);
/* Removes the thread; it must have no open instance. */
void instances_forget(struct phase_thread *thread);

/* The current call of the thread has completed, or ends without completing: updates instances begun
 * within it. */
void instances_leave_call(struct phase_thread *thread, bool complete);
static inline void instances_call_over(struct phase_thread *thread, bool complete)
{
    thread->calls += complete;
    if (thread->top && thread->top->in_call)
        instances_leave_call(thread, complete);
}

/* A thread group without members, with id, key, current, and leader_exited of `kept`; NULL if the
 * pid already has one. */
struct thread_group *instances_restore_group(struct instances *all,
                                             const struct thread_group *kept);
/* The thread, which has no thread group, becomes a member without being counted. */
void thread_group_enter(struct phase_thread *thread, struct thread_group *thread_group);

/* --- instances --- */

/* False if it lacks the field of the name or a match field, or does not pass the filters. `values`
 * has room for PHASE_MATCH_MAX; borrowed from the event. */
bool instances_fit(const struct phase_definition *definition, const struct event *event, bool ends,
                   struct field_value *values);
/* Adds the captured fields of the begin event, after the values of the match fields. */
void instances_capture(const struct phase_definition *definition, const struct event *event,
                       struct field_value values[PHASE_VALUES_MAX]);
/* The values of an instance that `event` ends: captured fields that its begin event lacked come
 * from the end event. Borrowed from both. */
void instances_capture_end(const struct phase_definition *definition,
                           const struct instance *instance, const struct event *event,
                           struct field_value values[PHASE_VALUES_MAX]);
enum { INSTANCE_NUMBER_ROOM = 24 };
/* The name of an instance from a fitting event; in `room` if it is a number. */
struct text instances_name(const struct phase_definition *definition, const struct event *event,
                           char room[INSTANCE_NUMBER_ROOM]);

/* The data of a beginning instance. Its values are borrowed, phase_value_count() of them. */
struct instance_begin {
    uint32_t definition, path;
    bool by_user, in_call;
    uint64_t begin_ns, order;
    const struct field_value *values;
};

/* A new struct, open on `thread`, that has spent nothing. */
struct instance *instances_open(struct instances *all, struct phase_thread *thread,
                                const struct instance_begin *begin);
/* The same, but it may get equal instances as its older begins. */
struct instance *instances_begin(struct instances *all, struct phase_thread *thread,
                                 const struct instance_begin *begin);
/* Begin and end of adding older begins: the instance becomes the youngest older begin of its
 * struct; older_begins_push_step() adds more; then the struct is a new instance, younger than all,
 * that has spent nothing. */
struct older_begins *instances_go_below(struct instances *all, struct instance *instance);
void instances_go_on_top(struct instances *all, struct instance *instance,
                         const struct instance_begin *begin);
static inline size_t instance_older_count(const struct instance *instance)
{
    return instance->older_begins ? instance->older_begins->count : 0;
}
/* The instance itself, if it has no older begins. */
static inline const struct instance_mark *instance_oldest(const struct instance *instance)
{
    return instance_older_count(instance) > 0 ? &instance->older_begins->oldest : &instance->mark;
}
/* What its thread has spent since it began: `time` (empty before; to be freed), and returned the
 * complete calls entered in it. */
uint64_t instances_spent(const struct instance *instance, struct time_vector *time);
/* The same for one that began at `mark`. */
uint64_t instances_spent_since(const struct phase_thread *thread, const struct instance_mark *mark,
                               struct time_vector *time);
/* The reverse: sets what it has spent by now. */
void instances_set_spent_since(const struct phase_thread *thread, struct instance_mark *mark,
                               const struct time_vector *time, uint64_t calls);
void instances_set_spent(struct instance *instance, const struct time_vector *time, uint64_t calls);
/* Closes and frees it; if it has older begins, the struct becomes the youngest of them. */
void instances_close(struct instances *all, struct instance *instance);
void instances_close_with_older(struct instances *all, struct instance *instance);
/* All structs, by the order of their begins; to be freed. */
struct instance **instances_sorted(const struct instances *all);
/* Closes all open instances. */
void instances_close_all(struct instances *all);

/* A hash of the values of a definition's match fields. */
uint64_t instances_match_hash(const struct instances *all, uint32_t definition,
                              const struct field_value *values);
/* Whether its timeout is over at an event of that time, which then does not end it. */
bool instance_is_late(const struct instances *all, const struct instance *instance,
                      uint64_t time_ns);

/* The youngest with these values in the thread group, on any thread. For a definition without match
 * fields: on the thread itself. NULL if none. */
struct instance *instances_to_end(const struct instances *all, const struct phase_thread *thread,
                                  uint32_t definition, const struct field_value *values);
/* The youngest on the thread itself whose definition may be the parent of `definition`; NULL. */
struct instance *instances_own_parent(const struct instances *all,
                                      const struct phase_thread *thread, uint32_t definition);
/* The youngest in the thread group with equal values of all match fields that both definitions
 * have; NULL. */
struct instance *instances_parent_by_match(const struct instances *all,
                                           const struct phase_thread *thread, uint32_t definition,
                                           const struct field_value *values);
/* The request of a segment of `definition` with these values that begins on the thread: the
 * youngest in the thread group with equal match fields; NULL. */
struct instance *instances_request(const struct instances *all, const struct phase_thread *thread,
                                   uint32_t definition, const struct field_value *values);
/* The match values of a request of the `at`th definition that it may be a segment of. Borrowed. */
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
/* An instance that timed out by the last tick, itself or its oldest; NULL if there is none. The
 * owner closes all of them at each tick, so no event finds a timed out instance. Nothing may be
 * opened in between. */
struct instance *instances_next_over(struct instances *all);
void instances_close_eldest(struct instances *all, struct instance *instance);

#endif
