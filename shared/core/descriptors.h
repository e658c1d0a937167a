/* core/descriptors.h -- descriptors, their tables, and what mapping knows of them. */
#ifndef CORE_DESCRIPTORS_H
#define CORE_DESCRIPTORS_H

#include "core/state.h"
#include "trace/passed.h"

/* --- joining: the memory --- */

/* A use that failed with EBADF while nothing proved the descriptor: it counts if an older call
 * in progress proves it after all. */
struct doubtful_use {
    uint64_t entry_ns, ns;
    life_name thread;
    uint32_t label;
};

/* One descriptor, or the place of one: what stands under a number that calls were seen to use
 * but none has proved yet (`proven` false) is no row of the results. */
struct descriptor {
    uint64_t serial; /* as of a process, and these three */
    uint64_t seen;
    struct change change, telling; /* in `changed` of its table */
    uint64_t id;                   /* 0 until proven */
    struct table *table;
    int32_t fd;
    unsigned refs; /* its table's place, calls in progress, names in the row in hand */
    bool proven, begin_hard, ended, end_hard;
    bool gone;    /* from its table: it has ended, or nobody uses the table */
    bool cloexec; /* known to be closed on exec */
    bool retold;  /* what is known of it now was told by core_retell() */
    uint8_t kind;
    uint64_t begin_ns, end_ns;
    uint64_t closing_ns; /* entry of a close not seen to return; TIME_NONE */
    char *name;          /* owned; NULL until told */
    struct doubtful_use *doubtful;
    size_t doubtful_count, doubtful_room;
};

/* The descriptors of one process, or of several that share them (CLONE_FILES), or of threads that
 * have parted from their process's (unshare). */
struct table {
    uint64_t serial; /* as of a process, and these two; its record is always the same */
    uint64_t seen;
    struct change change; /* in `changed` */
    struct changed *changed;
    unsigned refs;              /* processes that use it, and threads as one of their own */
    unsigned holds;             /* those, and its descriptors: it lives as long */
    uint64_t process;           /* id of the one that had it first */
    struct map places;          /* fd -> struct descriptor; one reference each */
    struct table *next, **back; /* all of the core */
};

/* What a copy of a table lacks. */
struct left_out {
    bool cloexec;         /* descriptors that are closed on exec */
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
/* That of the life, if its process is told; else NULL. */
struct table *life_table(struct core *core, const struct life *life);
struct table *table_of_process(struct core *core, struct process *process);
struct descriptor *table_alive(const struct table *table, int32_t fd);
/* A new one under a number that is free. */
struct descriptor *table_place(struct core *core, struct table *table, int32_t fd);
/* "If its number is created again": what is under the number ends. */
void table_end_replaced(struct core *core, struct table *table, int32_t fd, uint64_t time_ns);
/* A new one that begins hard, in place of what was under the number. */
struct descriptor *table_create(struct core *core, struct table *table, int32_t fd,
                                uint64_t time_ns);
/* All of the table, by number; *count of them, to be freed. */
struct descriptor **table_all(const struct table *table, size_t *count);
void table_give_copy(struct core *core, struct table *from, struct process *to, uint64_t time_ns);
void table_give(struct table *from, struct process *to);
/* The child is a thread of the parent's process: it shares a table of the parent's own. */
void life_share_table(struct life *parent, struct life *child);
/* The life, which is over without an exit, or has exited, uses it no more. */
void life_forget_table(struct core *core, struct life *life);
void life_leave_table(struct core *core, struct life *life, uint64_t time_ns);
void life_move_table(struct life *to, struct life *from);
void process_leave_table(struct core *core, struct process *process, uint64_t time_ns);
void table_lose_user(struct core *core, struct table *table);
void life_exec_table(struct core *core, struct life *life, uint64_t time_ns);
/* Gives the thread, or its process if it is alone there, a copy of the table that it shares.
 * False if it shares it with nobody. */
bool life_unshare_table(struct core *core, struct life *life, const struct left_out *out,
                        uint64_t time_ns);
void tables_finish(struct core *core);

/* --- retell.c: as of a life; what is not proven is never told --- */
void descriptor_untold(struct descriptor *descriptor);
void descriptor_untell(struct descriptor *descriptor);

/* --- descriptors.c --- */
void descriptor_drop(struct descriptor *descriptor);
/* It is told to be there from then on. */
void descriptor_prove(struct core *core, struct descriptor *descriptor, uint64_t begin_ns);
void descriptor_end(struct core *core, struct descriptor *descriptor, uint64_t time_ns, bool hard);
void descriptor_tell_fact(struct core *core, const struct descriptor *descriptor);
/* One that the row tells from its creation to its end: nothing of it is kept. */
void descriptor_pass(struct core *core, struct table *table, const struct passed *passed,
                     life_name thread, uint32_t label);
void descriptor_set_name(struct descriptor *descriptor, struct text name);
void descriptor_dumped(struct core *core, struct table *table, const struct event *event);
/* The call that the life has entered is bound to what it uses. */
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
void descriptor_tell_uses(struct core *core, const struct descriptor *descriptor, life_name thread,
                          uint32_t label, const struct use_cell *cell);
/* `from` may be empty. */
struct descriptor *table_duplicate(struct core *core, struct table *table, int64_t from, int64_t to,
                                   bool cloexec, uint64_t time_ns);
/* What is under the number ends hard: another one takes its place. */
void table_end_onto(struct core *core, struct table *table, int64_t fd, uint64_t time_ns);
bool call_closes_on_exec(const struct life *life);
/* The exit of the call that the life is in, or of another. */
void descriptors_complete(struct core *core, struct life *life, const struct event *exit);
void descriptors_exit_alone(struct core *core, struct life *life, const struct event *exit);

/* --- joining: place_lines.c --- */
void join_let_place(struct core *core, const struct place_let *let);
void join_place(struct core *core, const struct place_line *line);
void join_passed(struct core *core, const struct passed_line *line);
void join_uses(struct core *core, const struct uses_line *line);
void join_use(struct core *core, const struct use_step *step);
void join_change(struct core *core, const struct change_step *step);
/* What the open call of a line uses. */
void join_bind(struct core *core, struct life *life, const place_name used[2]);
void join_places_end(struct core *core);

/* --- mapping: places.c --- */

static inline bool is_descriptor_number(int64_t value)
{
    return value >= 0 && value <= INT32_MAX;
}

void places_init(struct core *core);
/* All lives are forgotten, too. */
void places_clear(struct core *core);
void places_forget(struct life *life);
/* The call that the life has entered. */
void places_bind(struct core *core, struct life *life);
static inline void places_enter(struct core *core, struct life *life)
{
    life->bound[0] = life->bound[1] = NULL; /* of a call that was left behind */
    if (life->open_call->uses & life->open_present)
        places_bind(core, life);
}
/* Memory that a call will need: where its number leads, and what is there. */
void places_ask_for_number(const struct life *life, int32_t fd);
void places_ask_for(const struct life *life, int32_t fd);
/* The call has no end here. */
void places_drop(struct core *core, struct life *life);
/* Its exit, after a duration of that bucket. False if only the past can tell what it does: it goes there. */
bool places_exit_of(struct core *core, struct life *life, const struct event *exit,
                    unsigned bucket);
static inline bool places_exit(struct core *core, struct life *life, const struct event *exit,
                               unsigned bucket)
{
    if (life->open_call->role->op == CALL_PLAIN && !life->bound[0] && !life->bound[1])
        return true;
    return places_exit_of(core, life, exit, bucket);
}
/* The exit of a call that was not entered. */
void places_exit_alone(struct core *core, struct life *life, const struct event *exit);
/* What the open call uses has names: it passes to the past. */
void places_name_used(struct core *core, struct life *life, place_name used[2]);
/* To be called before a step: what the past reads of descriptors, it has. */
void places_before_step(struct core *core, const struct event *event, struct life *actor);
/* NULL: of all lives; else of all that may share a table with the life. */
void places_write_created(struct core *core, struct life *life);
/* Of no two lives is it known any more that they share no table, and of none what its numbers are. */
void places_doubt(struct core *core);
/* The past is told that the life is of the process. */
void places_told(struct core *core, struct life *life, int32_t pid);
/* To be called before a fork: of its child; NULL: the common one. */
struct group *places_group_of_child(struct core *core, struct life *parent,
                                    const struct event *event);
/* All that is unsent. */
void places_write(struct core *core);

#endif
