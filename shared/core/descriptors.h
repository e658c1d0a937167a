/* core/descriptors.h -- descriptors, their tables, and what a mapper knows of them. */
#ifndef CORE_DESCRIPTORS_H
#define CORE_DESCRIPTORS_H

#include "base/shared_text.h"
#include "core/state.h"
#include "trace/passed.h"

/* --- joining: state --- */

/* A use that failed with EBADF before anything proved the descriptor: it counts if an older call in
 * progress proves it after all. */
struct doubtful_use {
    uint64_t entry_ns, ns;
    life_name thread;
    uint32_t label;
};

/* A descriptor, or the place of one: if calls used the number but none has proved the descriptor
 * yet (`proven` false), it is not in the results. */
struct descriptor {
    uint64_t serial; /* this and the next three as in struct process */
    uint64_t seen;
    struct change change, publishing; /* in `changed` of its table */
    uint64_t id;                      /* 0 until proven */
    struct table *table;
    int32_t fd;
    unsigned refs; /* its table's place, calls in progress, names in the current row */
    bool proven, begin_hard, ended, end_hard;
    bool gone;        /* no longer in its table: it has ended, or no thread uses the table */
    bool cloexec;     /* known to be closed on exec */
    bool republished; /* core_republish() has emitted its current data */
    uint8_t kind;
    uint64_t begin_ns, end_ns;
    uint64_t closing_ns;      /* entry of a close not seen to return; TIME_NONE */
    struct shared_text *name; /* an owner of it; NULL: unknown */
    struct doubtful_use *doubtful;
    size_t doubtful_count, doubtful_room;
};

/* The descriptors of one process, of several that share them (CLONE_FILES), or of threads that have
 * separated from their process (unshare). */
struct table {
    uint64_t serial; /* this and the next two as in struct process; its record never changes */
    uint64_t seen;
    struct change change; /* in `changed` */
    struct changed *changed;
    unsigned refs;              /* processes that use it, and threads that use it as their own */
    unsigned holds;             /* the same plus its descriptors: freed at 0 */
    uint64_t process;           /* id of its first process */
    struct map places;          /* fd -> struct descriptor; one reference each */
    struct table *next, **back; /* all tables of the core */
};

/* What a copy of a table leaves out. */
struct left_out {
    bool cloexec;         /* descriptors with close-on-exec */
    uint64_t first, last; /* these numbers; none if last < first */
};
extern const struct left_out nothing_left_out;

static inline struct descriptor *descriptor_touch(struct descriptor *descriptor)
{
    if (descriptor)
        changes_note(&descriptor->table->changed->descriptors, &descriptor->change);
    return descriptor;
}

/* --- tables.c --- */
/* The table of the life, if its process is known; else NULL. */
struct table *life_table(struct core *core, const struct life *life);
struct table *table_of_process(struct core *core, struct process *process);
struct descriptor *table_alive(const struct table *table, int32_t fd);
/* A new descriptor under a free number. */
struct descriptor *table_place(struct core *core, struct table *table, int32_t fd);
/* Ends the descriptor under the number, because the number is created again. */
void table_end_replaced(struct core *core, struct table *table, int32_t fd, uint64_t time_ns);
/* A new descriptor with a hard begin, replacing the one under the number. */
struct descriptor *table_create(struct core *core, struct table *table, int32_t fd,
                                uint64_t time_ns);
/* All descriptors of the table, by number; *count of them, to be freed. */
struct descriptor **table_all(const struct table *table, size_t *count);
void table_give_copy(struct core *core, struct table *from, struct process *to, uint64_t time_ns);
void table_give(struct table *from, struct process *to);
/* The child is a thread of the parent's process: it shares a table that the parent has of its
 * own. */
void life_share_table(struct life *parent, struct life *child);
/* Stops using it: the life is over without an exit; has exited. */
void life_forget_table(struct core *core, struct life *life);
void life_leave_table(struct core *core, struct life *life, uint64_t time_ns);
void life_move_table(struct life *to, struct life *from);
void process_leave_table(struct core *core, struct process *process, uint64_t time_ns);
void table_lose_user(struct core *core, struct table *table);
void life_exec_table(struct core *core, struct life *life, uint64_t time_ns);
/* Gives the thread, or its process if it has no other thread, a copy of the shared table. False if
 * it is not shared. */
bool life_unshare_table(struct core *core, struct life *life, const struct left_out *out,
                        uint64_t time_ns);
void tables_finish(struct core *core);

/* --- republish.c: as for lives; unproven descriptors are never emitted --- */
void descriptor_not_published(struct descriptor *descriptor);
void descriptor_unpublish(struct descriptor *descriptor);

/* --- descriptors.c --- */
void descriptor_drop(struct descriptor *descriptor);
/* It certainly exists from begin_ns on. */
void descriptor_prove(struct core *core, struct descriptor *descriptor, uint64_t begin_ns);
void descriptor_end(struct core *core, struct descriptor *descriptor, uint64_t time_ns, bool hard);
void descriptor_emit_fact(struct core *core, const struct descriptor *descriptor);
/* A descriptor that the row has from its creation to its end: nothing of it is kept. */
void descriptor_pass(struct core *core, struct table *table, const struct passed *passed,
                     life_name thread, uint32_t label);
void descriptor_set_name(struct descriptor *descriptor, struct text name);
void descriptor_dumped(struct core *core, struct table *table, const struct event *event);
/* Binds the current call of the life to the descriptors that it uses. */
void descriptors_bind(struct core *core, struct life *life);
void descriptors_release(struct life *life);
/* A use by a complete call. `bad`: EBADF, which proves nothing. */
struct use {
    life_name thread;
    uint32_t label; /* a path */
    uint64_t entry_ns;
    bool bad;
    struct use_cell cell;
};
void descriptor_count_use(struct core *core, struct descriptor *descriptor, const struct use *use);
/* `lasts`: the cell is of a row. */
void descriptor_emit_uses(struct core *core, const struct descriptor *descriptor, life_name thread,
                          uint32_t label, const struct use_cell *cell, bool lasts);
/* `from` may be empty. */
struct descriptor *table_duplicate(struct core *core, struct table *table, int64_t from, int64_t to,
                                   bool cloexec, uint64_t time_ns);
/* The descriptor under the number ends hard: another one replaces it. */
void table_end_onto(struct core *core, struct table *table, int64_t fd, uint64_t time_ns);
bool call_closes_on_exec(const struct life *life);
/* The exit of the life's current call; an exit without an entry. */
void descriptors_complete(struct core *core, struct life *life, const struct event *exit);
void descriptors_exit_alone(struct core *core, struct life *life, const struct event *exit);

/* --- joining: place_lines.c --- */
void join_let_place(struct core *core, const struct place_let *let);
void join_place(struct core *core, const struct place_line *line);
void join_passed(struct core *core, const struct passed_line *line);
void join_uses(struct core *core, const struct uses_line *line);
void join_use(struct core *core, const struct use_step *step);
void join_change(struct core *core, const struct change_step *step);
/* Binds the open call of a line. */
void join_bind(struct core *core, struct life *life, const place_name used[2]);
void join_places_end(struct core *core);

/* --- mapping: places.c --- */

static inline bool is_descriptor_number(int64_t value)
{
    return value >= 0 && value <= INT32_MAX;
}

void places_init(struct core *core);
/* After all lives are dropped. */
void places_clear(struct core *core);
void places_forget(struct life *life);
/* Binds the current call of the life. */
void places_bind(struct core *core, struct life *life);
static inline void places_enter(struct core *core, struct life *life)
{
    life->bound[0] = life->bound[1] = NULL; /* of a call without an exit */
    if (life->open_call->uses & life->open_present)
        places_bind(core, life);
}
/* Prefetch memory for a call: the place of its number, and that place's data. */
void places_ask_for_number(const struct life *life, int32_t fd);
void places_ask_for(const struct life *life, int32_t fd);
/* The call has no end here. */
void places_drop(struct core *core, struct life *life);
/* The exit of its call, with a duration of that bucket. False if its effect depends on earlier
 * state: it becomes a STEP. */
bool places_exit_of(struct core *core, struct life *life, const struct event *exit,
                    unsigned bucket);
static inline bool places_exit(struct core *core, struct life *life, const struct event *exit,
                               unsigned bucket)
{
    if (life->open_call->role->op == CALL_PLAIN && !life->bound[0] && !life->bound[1])
        return true;
    return places_exit_of(core, life, exit, bucket);
}
/* Entry and exit of a plain call, in one: `open_call`, its label, and entry_ns are set. */
void places_whole_call(struct core *core, struct life *life, const struct event *entry,
                       const struct event *exit, unsigned bucket);
/* The exit of a call without an entry. */
void places_exit_alone(struct core *core, struct life *life, const struct event *exit);
/* Gives names to the places of the open call, which passes to the past. */
void places_name_used(struct core *core, struct life *life, place_name used[2]);
/* Call before a STEP: writes the descriptors that joining it reads. */
void places_before_step(struct core *core, const struct event *event, struct life *actor);
/* NULL: of all lives; else of all that may share a table with the life. */
void places_write_created(struct core *core, struct life *life);
/* From here on, any two lives may share a table, and all places are stale. */
void places_doubt(struct core *core);
/* The row now has the process of the life. */
void places_learn_pid(struct core *core, struct life *life, int32_t pid);
/* Call before a fork: the group of its child; NULL: the common one. */
struct group *places_group_of_child(struct core *core, struct life *parent,
                                    const struct event *event);
/* Writes all unwritten data. */
void places_write(struct core *core);

#endif
