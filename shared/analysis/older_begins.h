/* analysis/older_begins.h -- the older ones of open phase instances with the same thread,
 * definition, path, and values. They differ only in their begins.
 *
 * A phase whose end never comes leaves one instance per begin. So older begins are stored as the
 * steps from each to the next younger one, about 10 bytes each, and are never iterated over. They
 * are removed at both ends: the youngest by an end event, the oldest by its timeout. */
#ifndef ANALYSIS_OLDER_BEGINS_H
#define ANALYSIS_OLDER_BEGINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/changes.h"
#include "base/row.h"
#include "trace/cells.h"

/* Orders of one definition of one set are multiples of 1 << EVENT_SHIFT apart: they count
 * events. */
enum { EVENT_SHIFT = 16 };

/* Events of a session are numbered below this, so that an order has 63 bits. */
#define SESSION_EVENTS_MAX (UINT64_C(1) << (63 - EVENT_SHIFT))

/* Maximum number of calls in a step, whose size has 16 bits. A thread that was blocked in more
 * calls begins no older begins. */
enum { OLDER_BEGIN_CALLS_MAX = 3000 };

/* The begin of an instance. */
struct instance_mark {
    uint64_t begin_ns, order;
    uint64_t calls_at;           /* calls of its thread up to then */
    struct time_vector total_at; /* owned; may be below 0, modulo 2^64 */
};

/* Consecutive steps. */
struct begin_block {
    struct begin_block *below, *above;
    uint64_t id;          /* unique among all blocks of all older begins; ascends from below */
    struct change change; /* for its record; changes are noted in its instance */
    /* Since its owner has reset this; the blocks at both ends may have changed anyway. */
    bool changed;
    bool has_other; /* a step may have time before the first call, or as before */
    uint32_t count;
    uint32_t *calls; /* owned: ids of calls, to which the steps refer by index */
    size_t call_count, call_room;
    uint32_t begin, end, room; /* bytes */
    uint8_t at[];
};

struct older_begins {
    size_t count;
    struct instance_mark oldest, youngest; /* separate marks, even if they are of one older begin */
    struct begin_block *top, *bottom;      /* with count - 1 steps; no block is empty */
    struct changes *changes;               /* borrowed: gets removed blocks; NULL: not needed */
};

/* The difference from one begin to the next. */
struct begin_step {
    uint64_t begin_ns, events, calls;
    struct time_vector time;
};

struct older_begins *older_begins_new(struct changes *changes);
void older_begins_free(struct older_begins *older_begins); /* NULL is fine */
/* Adds a mark that is younger than all. Takes its time: *mark has none afterwards. */
void older_begins_push(struct older_begins *older_begins, struct instance_mark *mark);
/* Adds one that began a step after the youngest, which exists. */
void older_begins_push_step(struct older_begins *older_begins, const struct begin_step *step);
/* Removes the youngest into *to, whose time is replaced. */
void older_begins_pop(struct older_begins *older_begins, struct instance_mark *to);
/* Removes the oldest. */
void older_begins_drop_oldest(struct older_begins *older_begins);
/* `resolve` assigns time before the first call, for all of them. */
void older_begins_resolve(struct older_begins *older_begins,
                          void (*resolve)(struct time_vector *time, const void *context),
                          const void *context);

/* The sum of the events of a block's steps. */
uint64_t older_begins_events(const struct older_begins *older_begins,
                             const struct begin_block *block);

/* Reads the steps of a block in order. */
struct begin_reader {
    struct row_reader row;
    const uint32_t *calls; /* borrowed */
    size_t call_count;
};

/* Reads into *step, whose time is replaced; false at the end, or if the bytes are invalid
 * (`row.bad`). */
bool older_begins_read(struct begin_reader *reader, struct begin_step *step);

/* Steps in the format of a block; all borrowed. */
struct begin_steps {
    uint64_t count, events;
    struct bytes bytes;
    const uint32_t *calls;
    size_t call_count;
    bool has_other; /* as in struct begin_block; set by older_begins_valid() */
};

struct begin_reader older_begins_reader(const struct begin_steps *steps);
/* Whether the bytes match the counts and are valid. */
bool older_begins_valid(struct begin_steps *steps);
/* Adds sound steps after the youngest, as a block of their own. Of the youngest, only its order is
 * updated: the owner knows the rest. */
void older_begins_add_block(struct older_begins *older_begins, uint64_t id,
                            const struct begin_steps *steps);

#endif
