/* core/places.h -- the nouns of places.c, place_calls.c and place_groups.c, and seen by nobody else. */
#ifndef CORE_PLACES_H
#define CORE_PLACES_H

#include "core/descriptors.h"

enum { LOW_NUMBERS = 64 };

struct number {
    uint32_t epoch; /* another one: what is under it may be another */
    uint32_t lets;  /* names that were given to what the past has under it */
    struct place *created;
};

/* Uses under another label than the last. */
struct more_uses {
    struct more_uses *next;
    uint32_t label;
    struct use_cell cell;
};

struct place {
    struct group *group;
    struct number *number;
    uint32_t epoch, generation; /* as of which it is */
    place_name name;            /* 0: created here, untold */
    uint32_t label;             /* of `cell` */
    struct use_cell cell;
    struct life *owner;
    int32_t fd;
    bool created; /* here: any use is of it */
    bool passes;  /* created where the past has nothing: of it, too, if it ends here */
    bool left;    /* by its life: it is none any more */
    bool listed;  /* among those whose proof is unsent */
    uint8_t kind;
    bool cloexec, named, onto;
    uint64_t proven_ns, sent_proof_ns;
    uint64_t begin_ns, closing_ns;
    struct text text;
    struct more_uses *more;
    struct place *next_unproven;
    struct place *next_closing;
    struct place *next_created, **back_created;
};

/* Descriptors of a life that are no places any more, and that the row does not have yet. */
struct passing {
    struct passed_out out;
    uint32_t label; /* of their uses, if any has some */
    bool is_used;
    bool listed; /* in its group */
    struct life *owner;
    struct passing *next;
};

struct places {
    struct place *low[LOW_NUMBERS];
    struct map high;
    struct passing passing;
    /* Of numbers of `free_of` under which the past has nothing: epoch and lets, + 1; else 0. They
     * say nothing if the group has told something meanwhile. */
    uint64_t free[LOW_NUMBERS];
    const struct group *free_of;
    uint32_t free_told;
};

/* Lives that may share a table. All that is not known otherwise is of the common group; a process that is
 * forked here has its own, until a life may be of both. */
struct group {
    struct number low[LOW_NUMBERS];
    struct map high;
    uint32_t generation;   /* of what is known of all its numbers */
    uint32_t told;         /* steps that may have put something under any of them */
    bool merged;           /* into the common one */
    struct place *created; /* untold */
    struct passing *passing;
    struct place *unproven; /* perhaps: whose proof is unsent */
    struct place *closing;  /* by calls in progress; the past knows nothing of it */
    struct group *next;
};

struct numbers {
    struct group common;
    struct group *groups; /* others */
    struct map by_pid;    /* the group of the newest process */
    struct place *unused; /* by next_created */
    struct arena arena;
};

static inline bool is_fresh(const struct place *place)
{
    return place->epoch == place->number->epoch && place->generation == place->group->generation;
}

static inline struct place *place_of(const struct life *life, int32_t fd)
{
    if (!life->places)
        return NULL;
    return fd < LOW_NUMBERS ? life->places->low[fd] : map_get(&life->places->high, (uint64_t)fd);
}

/* --- places.c --- */
/* That of the life now. */
struct group *place_group(const struct core *core, struct life *life);
struct number *number_in(struct core *core, struct group *group, int32_t fd);
struct number *number_at(struct core *core, struct life *life, int32_t fd);
/* What was the life's place of the number is told and left. */
struct place *place_new(struct core *core, struct life *life, int32_t fd);
/* Its uses are told; what was created there is. */
void place_leave(struct core *core, struct life *life, struct place *place);
void place_leave_number(struct core *core, struct life *life, int32_t fd);
/* `cell` is empty behind it. */
struct uses_line *place_write_uses(struct core *core, struct place *place, uint32_t label,
                                   struct use_cell *cell);
void place_write_more(struct core *core, struct place *place);
/* What was created here. Behind it, the place has a name if more may be told of it. */
void place_write_created(struct core *core, struct place *place, bool ended, uint64_t end_ns,
                         bool hard);
/* The same of one that has ended, but what nobody has to know in its order may wait. */
void place_end_created(struct core *core, struct place *place, uint64_t end_ns, bool hard);
/* NULL is fine. */
void place_tell_created(struct core *core, struct place *place);
struct change_step *place_write_change(struct core *core, enum place_change change,
                                       const struct place *place, uint64_t time_ns);
void place_leave_closing(struct place *place);
void place_write_closing(struct core *core, struct place *place);
void group_write_created(struct core *core, struct group *group);
void group_write_proofs(struct core *core, struct group *group);
/* NULL: of any number. */
void group_write_closings(struct core *core, struct group *group, const struct number *number);

#endif
