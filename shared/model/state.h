/* model/state.h -- the nouns of the model, shared by its files and seen by nobody else.
 *
 * What each number means stands in docs/RESULTS.md; the rules named in quotes are its own. */
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/instances.h"
#include "base/map.h"
#include "base/names.h"
#include "model/model.h"

/* A use that failed with EBADF while nothing proved the descriptor: it counts if an older call
 * in progress proves it after all. */
struct doubtful_use {
    uint64_t entry_ns, ns;
    uint64_t thread; /* id */
    uint32_t path;
};

/* One descriptor, or the place of one: what stands under a number that calls were seen to use
 * but none has proved yet (`proven` false) is no row of the results. */
struct descriptor {
    uint64_t serial; /* unique in the model, from 1; of tables and processes likewise */
    uint64_t id;     /* 0 until proven */
    struct table *table;
    int32_t fd;
    unsigned refs; /* its table's place, and calls in progress */
    bool proven, begin_hard, ended, end_hard;
    bool retold; /* what is known of it now has been told by model_retell() */
    uint64_t begin_ns, end_ns;
    char *name; /* owned; NULL until told */
    uint8_t kind;
    bool cloexec;        /* known to be closed on exec */
    uint64_t closing_ns; /* entry of a close not seen to return; TIME_NONE */
    struct doubtful_use *doubtful;
    size_t doubtful_count, doubtful_room;
};

/* The descriptors of one process, or of several that share them (CLONE_FILES), or of threads that
 * have parted from their process's (unshare). */
struct table {
    uint64_t serial;
    unsigned refs;     /* processes that use it, and threads as one of their own */
    unsigned holds;    /* those, its descriptors, and calls in progress: it lives as long */
    uint64_t process;  /* id of the one that had it first */
    struct map places; /* fd -> struct descriptor; one reference each */
    struct table *next, **back; /* all of the model */
};

/* A pid between two forks of its leader; or until it was over for PROCESS_KEPT_NS. */
struct process {
    uint64_t serial;
    uint32_t pid_ns; /* as in struct thread */
    int32_t pid;
    /* As its facts tell: */
    int32_t ppid; /* -1: not yet */
    uint64_t fork_ns;
    bool fork_seen;
    uint64_t id;
    uint64_t before_id; /* of the one that had the pid before its fork; 0: not asked for yet */
    unsigned refs;      /* threads, and its place in the model */
    unsigned alive;     /* threads told and not yet exited */
    unsigned present;   /* of those alive, whose life is not over without an exit */
    unsigned parted;    /* of those alive, how many have a table of their own */
    bool leader_exited, leader_parted;
    bool leader_gone;    /* exited, or its number is another thread's */
    uint64_t over_ns;    /* since then neither its leader nor any other thread is; TIME_NONE */
    uint64_t fork_order; /* event order of its leader's fork; 0 if not seen */
    uint64_t *addresses; /* owned: keys of it in model.addresses */
    size_t address_count, address_room;
    struct table *table;    /* NULL until needed, and when it is over */
    struct thread *threads; /* told, not yet over */
};

/* What is told of a pid so long after its process was over is of another process, of which no fork was
 * seen. */
#define PROCESS_KEPT_NS UINT64_C(10000000000)
/* The same of a thread that has exited, at each LIVES_TICK_NS of the trace. */
#define THREAD_KEPT_NS UINT64_C(10000000000)

/* Complete instances that a call in progress was entered in: when it completes, it is one of theirs. */
struct call_credit {
    uint64_t thread; /* id */
    uint32_t stretch, path;
    uint64_t count;
};

/* The call that a thread is in. */
struct call_in_progress {
    struct open_call open; /* open.call NULL: none */
    char *text;            /* owned copy of open.text */
    uint32_t path;
    struct table *table;         /* at its entry; NULL if the process was not told */
    struct descriptor *use[2];   /* bound at its entry; a reference each */
    struct call_credit *credits; /* owned */
    size_t credit_count, credit_room;
};

/* One life of a tid; or what is known of a process without a thread (tid_is_of_process()). */
struct thread {
    uint32_t pid_ns; /* that tid and pid are numbers of, as namespace_of(); 0: the root's */
    int32_t tid;
    uint64_t id;
    unsigned refs;        /* living, and open instances */
    uint64_t begin_order; /* of its first event */
    uint64_t begin_ns, last_ns, exit_ns;
    bool begin_hard, exited, fork_seen;
    struct process *process; /* NULL until told */
    struct table *own_table; /* NULL: that of its process */
    struct thread *next_of_process, **back_of_process;
    char kernel_name[16], user_name[16];
    char program[16]; /* what the trace of its process says that this is called; "" if nothing */
    bool kernel_named, user_named;
    bool retold;    /* what is known of it now, but for its end, has been told by model_retell() */
    int32_t *inner; /* owned: its numbers in inner pid namespaces */
    size_t inner_count;

    int32_t cpu;                       /* where it is thought current; -1 */
    uint8_t state;                     /* enum thread_state */
    uint64_t state_since_ns, clock_ns; /* time is accounted up to clock_ns */
    uint64_t wake_ns, named_ns;
    uint64_t call_changed_ns; /* its last system call event that came alone */
    uint32_t stretch;
    bool first_call_seen; /* in this stretch */
    uint64_t
        call_epoch;   /* of its last system call event: in another one it may have lost some; 0 */
    bool before_told; /* a phase cell with time before the first call went out */
    struct call_in_progress call;
    struct phase_thread phases;

    uint64_t cpu_ns, switches;
    struct time_vector time; /* blocked_in unused: all in blocked_ns */
};

enum { CURRENT_UNSETTLED, CURRENT_NOBODY, CURRENT_IDLE, CURRENT_THREAD };

struct cpu {
    bool seen; /* has had a kernel event or a border */
    uint8_t current;
    struct thread *thread; /* CURRENT_THREAD */
    uint64_t run_begin_ns;
    bool run_whole;
    uint64_t last_ns;   /* last kernel event; TIME_NONE */
    uint64_t border_ns; /* while unsettled by a border; TIME_NONE */
};

/* An instance that ended while time of its thread might still be taken back by a border. */
struct closing {
    uint64_t thread, begin_ns, end_ns; /* thread: its id */
    uint64_t order;
    int32_t pid; /* as in struct ended_instance */
    uint32_t path, stretch;
};

struct model {
    struct schema *schema;
    struct result_sink sink;
    bool counts_switches;
    uint64_t order;       /* events taken */
    uint64_t past_events; /* of the intervals before this one */
    uint64_t event;       /* number of the event taken, in its interval */
    uint32_t *labels;     /* owned: what those of this interval's row are, from 1: ids in paths */
    size_t label_count, label_room;
    uint64_t epoch; /* from 1; another with each border, on any CPU */
    uint64_t last_thread_id, last_descriptor_id, last_serial;
    uint64_t last_process; /* number of the last that was met or forked */
    struct map threads;    /* namespace and tid -> living struct thread */
    struct map processes;  /* namespace and pid -> struct process, the newest: process_at() */
    struct map addresses;  /* file_table_address -> struct process that is in `processes` */
    struct over {
        uint64_t key, since_ns; /* key: in `processes` */
    } * over;                   /* owned: that may be forgotten one day, the first over first */
    size_t over_count, over_room;
    uint64_t lives_ns; /* the next multiple of LIVES_TICK_NS */
    uint64_t *exited;  /* owned: keys in `threads` of those that have exited, perhaps */
    size_t exited_count, exited_room;
    struct map inner; /* inner number -> count of threads that have it */
    struct cpu *cpus;
    size_t cpu_count;
    struct names paths;      /* id 0 is "" */
    size_t paths_most;       /* with more of them, those that nothing has are forgotten */
    struct table *tables;    /* all that have not been freed */
    struct instances phases; /* open ones */
    struct closing *closings;
    size_t closing_count, closing_room;
    bool kernel_absent;     /* this interval has no kernel trace */
    struct tallies tallies; /* of this interval, that only the past tells */
};

/* A number inside of a pid namespace, or (0) of the root's. */
static inline uint64_t number_key(uint32_t pid_ns, int32_t number)
{
    return (uint64_t)pid_ns << 32 | (uint32_t)number;
}

/* The namespace that an event's vtid and vpid are known to be numbers of; 0 for the root's, and if
 * none is told. Never a count of forks: see process_id(). */
static inline uint32_t namespace_of(const struct event *event)
{
    return event_is_inner(event) ? event->pid_ns | UINT32_C(1) << 31 : 0;
}

/* --- thread.c: lives, names, time --- */
struct thread *thread_find(const struct model *model, int32_t tid); /* living, or NULL */
/* The same for the number in an item: that of a process, too. */
struct thread *thread_of_item(const struct model *model, int32_t tid);
bool thread_is_living(const struct model *model, const struct thread *thread);
/* The living one, else a new life from here on. NULL for tid 0. */
struct thread *thread_named(struct model *model, int32_t tid, uint64_t time_ns);
/* The same by a number inside of a namespace. */
struct thread *thread_inside(struct model *model, uint32_t pid_ns, int32_t tid, uint64_t time_ns);
/* What is known of a process without a thread; NULL if `pid` is none. */
struct thread *thread_of_process(struct model *model, uint32_t pid_ns, int32_t pid,
                                 uint64_t time_ns);
struct thread *thread_born(struct model *model, int32_t tid, uint64_t time_ns);
void thread_touch(struct thread *thread, uint64_t time_ns);
void thread_set_name(struct thread *thread, struct text name, bool by_kernel);
void thread_set_program(struct thread *thread, struct text name);
void thread_exit(struct model *model, struct thread *thread, uint64_t time_ns);
/* Ends, as of `now_ns`, those that have exited and that nothing was told of for THREAD_KEPT_NS: that they
 * are switched out for good was not seen. */
void thread_forget_exited(struct model *model, uint64_t now_ns);
/* Of a restored model: what follows from the records. */
void thread_restored(struct model *model);
/* Its life is over: told, and forgotten when no open instance needs it. */
void thread_end(struct model *model, struct thread *thread, uint64_t time_ns);
void thread_unref(struct model *model, struct thread *thread);
void thread_tell_fact(struct model *model, const struct thread *thread);
void thread_tell(struct model *model, struct thread *thread);         /* and its numbers */
void thread_tell_numbers(struct model *model, struct thread *thread); /* since the last time */
/* Adds `ns` (modulo 2^64) where time in the thread's present state and call belongs. */
void thread_account(const struct thread *thread, struct time_vector *vector, uint64_t ns);
void thread_book(struct thread *thread, uint64_t until_ns);
/* Unsays what was accounted since `to_ns`, all under the present state and call. */
void thread_book_back(struct thread *thread, uint64_t to_ns);
/* Accounts for all its time up to its last event, and for none after it. */
void thread_settle_account(struct thread *thread);
void thread_set_state(struct thread *thread, enum thread_state state, uint64_t time_ns);
/* What was accounted since `from_ns` under the present state was unknown. */
void thread_take_back(struct thread *thread, uint64_t from_ns);
void thread_leave_cpu(struct model *model, struct thread *thread);
/* The first syscall event of its stretch: an exit of `call`, or (NULL) anything else. */
void thread_first_call(struct model *model, struct thread *thread, const struct syscall *call);
void thread_new_stretch(struct thread *thread);
void thread_add_time(struct thread *thread, const struct time_vector *time);
/* Adds what a piece tells of phases to `to`: what it does not know itself is as the thread is. */
void thread_resolve_time(const struct thread *thread, const struct time_vector *time,
                         struct time_vector *to);
uint32_t thread_path(const struct thread *thread);

/* --- process.c --- */
/* The newest of the pid, NULL if none is known, or that is over for long. */
struct process *process_at(struct model *model, uint32_t pid_ns, int32_t pid, uint64_t time_ns);
/* Whether it is over for so long that nothing is its own any more. */
bool process_is_past(const struct process *process, uint64_t time_ns);
/* Forgets those that are over for long. */
void process_forget_past(struct model *model, uint64_t time_ns);
struct process *process_forked(struct model *model, int32_t pid, int32_t ppid, uint64_t time_ns);
void process_told(struct model *model, struct thread *thread, int32_t pid, uint64_t time_ns);
void process_attach(struct model *model, struct thread *thread, struct process *process,
                    uint64_t time_ns);
void process_detach(struct model *model, struct thread *thread);
/* The thread has exited. */
void process_thread_gone(struct model *model, struct thread *thread, uint64_t time_ns);
/* Its life is over without an exit. */
void process_thread_lost(struct model *model, struct thread *thread, uint64_t time_ns);
/* The thread is one of the process's; nothing is counted. */
void process_link(struct thread *thread, struct process *process);
/* Of a restored model: what follows from the records. */
void process_restored(struct model *model);
/* The descriptors of the process are told to be at `address`. */
void process_told_address(struct model *model, struct process *process, uint64_t address,
                          uint64_t time_ns);
/* The first that was told so; NULL if none, or if that is over. */
struct process *process_at_address(struct model *model, uint64_t address, uint64_t time_ns);
void process_tell(struct model *model, struct process *process, int32_t ppid, uint64_t fork_ns,
                  bool fork_seen);
/* What its facts have come to. */
void process_retell(struct model *model, const struct process *process);
struct table *process_table(struct model *model, struct process *process);
void process_unref(struct model *model, struct process *process);

/* --- descriptor.c --- */
struct table *table_make(struct model *model, uint64_t process);
void table_link(struct model *model, struct table *table); /* as the newest of the model */
void descriptor_tell(struct model *model, const struct descriptor *descriptor);
/* That of the thread, whose process is told. */
struct table *table_of(struct model *model, const struct thread *thread);
void table_copy(struct model *model, struct table *from, struct process *to, uint64_t time_ns);
void table_share(struct table *from, struct process *to);
/* A new thread of the process has the parent's table. */
void table_share_own(struct thread *parent, struct thread *child);
void table_exec(struct model *model, struct thread *thread, uint64_t time_ns);
void table_release(struct model *model, struct process *process, uint64_t time_ns);
/* The thread has no table of its own any more; its last user takes the descriptors with it. */
void table_leave_own(struct model *model, struct thread *thread, uint64_t time_ns);
/* The same of a thread whose end nothing tells: the descriptors stay. */
void table_forget_own(struct model *model, struct thread *thread);
/* A user of the table is gone, and nothing tells when: with the last one the descriptors are told, as
 * far as they are known. */
void table_abandon(struct model *model, struct table *table);
void table_finish(struct model *model, struct table *table);
void descriptor_told(struct model *model, struct table *table, int32_t fd, struct text name,
                     uint64_t time_ns);
void descriptor_bind(struct model *model, struct thread *thread);
void descriptor_free(struct descriptor *descriptor);
void table_unref(struct table *table);
struct call_exit {
    uint64_t time_ns;
    int64_t ret;
    const int64_t *pair; /* NULL if not told */
};
/* The thread's call has ended: its uses count, its operations happen. */
void descriptor_complete(struct model *model, struct thread *thread, const struct call_exit *exit);
/* An exit without entry. */
void descriptor_exit_alone(struct model *model, struct thread *thread, const struct syscall *call,
                           const struct call_exit *exit);
void descriptor_uses(struct model *model, struct thread *thread, const struct uses_piece *uses);
void descriptor_life(struct model *model, struct thread *thread, const struct life_piece *life);

/* --- call.c --- */
void call_open(struct model *model, struct thread *thread, const struct open_call *open,
               uint32_t path);
/* One that is told whole, but for its cell: what it does to descriptors. */
void call_whole(struct model *model, struct thread *thread, const struct open_call *open,
                uint32_t path, const struct call_exit *exit);
void call_complete(struct model *model, struct thread *thread, const struct call_exit *exit);
void call_end_unknown(struct model *model, struct thread *thread);
/* An instance that the call was entered in is complete. */
void call_add_credit(struct call_in_progress *call, const struct thread *thread, uint32_t path,
                     uint64_t count);
void call_drop(struct call_in_progress *call);
void call_move(struct call_in_progress *to, struct call_in_progress *from);
void call_tell(struct model *model, const struct thread *thread, uint32_t path,
               const struct syscall *call, const struct call_cell *cell);

/* --- phase.c --- */
/* `summed`: what of it pieces tell, as in struct item. */
void phase_event(struct model *model, struct thread *thread, const struct event *event,
                 uint32_t summed);
/* --- what mappers have summed --- */
void phase_label(struct model *model, const struct label_piece *piece);
void phase_instance(struct model *model, const struct instance_piece *piece);
/* To be called before anything else of the piece is taken, and behind all. */
void phase_sums(struct model *model, struct thread *thread, const struct thread_piece *piece);
void phase_credits(struct model *model, struct thread *thread, const struct thread_piece *piece);
/* The path that a label of the row stands for. */
uint32_t phase_labeled(const struct model *model, uint32_t label);
/* The same of a call of the thread. */
uint32_t phase_of_call(const struct model *model, const struct thread *thread, uint32_t label);
void phase_end_unknown(struct model *model, struct instance *instance);
/* The same for one that is in no list of open ones; it gives its reference to the thread back. */
void phase_end_forgotten(struct model *model, struct thread *thread, uint32_t path);
/* The caller's process runs another program. */
void phase_exec(struct model *model, struct thread *caller);
/* The thread has exited; with the last of its process, what is open there ends. */
void phase_exit(struct model *model, struct thread *thread);
/* The trace's time is `now_ns`: what has timed out ends. */
void phase_tick(struct model *model, uint64_t now_ns);
void phase_call_completed(struct model *model, const struct thread *thread,
                          const struct call_credit *credit);
void phase_forget_closings(struct model *model, uint64_t before_ns);
void phase_take_back_closings(struct model *model, const struct thread *thread, uint64_t from_ns);
void phase_finish(struct model *model);
/* From here on events are of this set. What is open of definitions that it does not have ends
 * softly. */
void phase_use_set(struct model *model, const struct phase_set *phases);

/* Forgets the paths that nothing has any more, once they are many; of the others, the ids change. */
void model_forget_paths(struct model *model);
/* Frees a model without looking at its threads, processes, descriptors and instances. */
void model_free_empty(struct model *model);
void model_tell(const struct model *model, struct result *result);
/* Files it under the thread's process, or the thread while that is not told. */
void model_tell_of(const struct model *model, const struct thread *thread, struct result *result);
static inline struct text model_path(const struct model *model, uint32_t path)
{
    return names_text(&model->paths, path);
}
/* PARENT/name, or (of the parent "") the name. */
uint32_t model_child_path(struct model *model, uint32_t parent, struct text name);

static inline struct thread *thread_of_instance(const struct instance *instance)
{
    return (struct thread *)((char *)instance->thread - offsetof(struct thread, phases));
}

#endif
