/* core/places.h -- the entities of places.c, place_calls.c, and place_groups.c; private to them. */
#ifndef CORE_PLACES_H
#define CORE_PLACES_H

#include "core/descriptors.h"

enum { LOW_NUMBERS = 64 };

struct number {
    uint32_t epoch; /* changes when another descriptor may be under the number */
    /* Changes when a descriptor is put under the number; the former value returns when that one
     * ends. */
    uint32_t fill;
    uint32_t last_fill; /* given so far */
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
    uint32_t epoch, generation; /* when it was valid: compared with those of number and group */
    uint32_t fill, fill_before; /* of its number: by its descriptor, and before that */
    place_name name;            /* 0: created here, not in the row */
    uint32_t label;             /* of `cell` */
    struct use_cell cell;
    struct life *owner;
    int32_t fd;
    bool created; /* here: all uses are of this descriptor */
    bool passes;  /* created where the past has no descriptor: it passes, too, if it ends here */
    bool left;    /* its life has dropped it */
    bool listed;  /* its proof is not written yet */
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

/* Ended descriptors of a life that pass and are not in the row yet. */
struct passing {
    struct passed_out out;
    uint32_t label; /* of their uses, if there are any */
    bool is_used;
    bool listed; /* in the list of its group */
    struct life *owner;
    struct passing *next;
};

struct places {
    struct place *low[LOW_NUMBERS];
    struct map high;
    struct passing passing;
    /* For numbers of `free_of` under which the past has no descriptor: their fill then, + 1; else 0.
     * Invalid if the group's `steps` has changed since `free_steps`. */
    uint32_t *free; /* NULL: none yet */
    const struct group *free_of;
    uint32_t free_steps;
};

/* Lives that may share a descriptor table. Lives belong to the common group by default; a process
 * forked here has its own, until a life may belong to both. */
struct group {
    struct number low[LOW_NUMBERS];
    struct map high;
    uint32_t generation;   /* changes when other descriptors may be under all its numbers */
    uint32_t steps;        /* STEPs that may have put a descriptor under any number */
    bool merged;           /* into the common one */
    struct place *created; /* not in the row yet */
    struct passing *passing;
    struct place *unproven; /* may include places whose proof is already written */
    struct place *closing;  /* being closed by calls in progress; the row does not have this */
    struct group *next;
};

struct numbers {
    struct group common;
    struct group *groups; /* all others */
    struct map by_pid;    /* pid -> the group of its newest process */
    struct place *unused; /* by next_created */
    struct arena arena;
};

static inline bool is_fresh(const struct place *place)
{
    return place->epoch == place->number->epoch && place->generation == place->group->generation;
}

/* Its descriptor is under its number. */
static inline void place_fill(struct place *place)
{
    struct number *number = place->number;
    place->fill_before = number->fill;
    place->fill = number->fill = ++number->last_fill;
}

/* It is no longer there. */
static inline void place_unfill(const struct place *place)
{
    if (place->number->fill == place->fill)
        place->number->fill = place->fill_before;
}

static inline struct place *place_of(const struct life *life, int32_t fd)
{
    if (!life->places)
        return NULL;
    return fd < LOW_NUMBERS ? life->places->low[fd] : map_get(&life->places->high, (uint64_t)fd);
}

/* --- places.c --- */
/* The group of the life at present. */
struct group *place_group(const struct core *core, struct life *life);
struct number *number_in(struct core *core, struct group *group, int32_t fd);
struct number *number_at(struct core *core, struct life *life, int32_t fd);
/* The life's previous place of the number is written and dropped. */
struct place *place_new(struct core *core, struct life *life, int32_t fd);
/* Writes its uses, and the descriptor if created here, and drops it. */
void place_leave(struct core *core, struct life *life, struct place *place);
void place_leave_number(struct core *core, struct life *life, int32_t fd);
/* `cell` is empty afterwards. */
struct uses_line *place_write_uses(struct core *core, struct place *place, uint32_t label,
                                   struct use_cell *cell);
void place_write_more(struct core *core, struct place *place);
/* Writes the descriptor created here. Afterwards, the place has a name if more records may
 * follow. */
void place_write_created(struct core *core, struct place *place, bool ended, uint64_t end_ns,
                         bool hard);
/* The same for an ended descriptor, but data without an order requirement may wait. */
void place_end_created(struct core *core, struct place *place, uint64_t end_ns, bool hard);
/* NULL is fine. */
void place_emit_created(struct core *core, struct place *place);
struct change_step *place_write_change(struct core *core, enum place_change change,
                                       const struct place *place, uint64_t time_ns);
void place_leave_closing(struct place *place);
void place_write_closing(struct core *core, struct place *place);
void group_write_created(struct core *core, struct group *group);
/* The same without descriptors that have ended. */
void group_write_open(struct core *core, struct group *group);
void places_write_passing(struct core *core, struct life *life);
void group_write_proofs(struct core *core, struct group *group);
/* NULL: of any number. */
void group_write_closings(struct core *core, struct group *group, const struct number *number);

#endif
