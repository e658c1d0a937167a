/* analysis/elders.h -- open phase instances that wait below another of their kind: of one thread, one
 * definition, one path, and with the same values. They are told apart by their begins alone.
 *
 * A phase whose end never comes leaves one with each begin. So they are kept as the steps from each to the
 * next younger one, some 10 bytes each, and nothing walks over them. What is at both ends can be taken away: the
 * youngest by an end event, the eldest by its timeout. */
#ifndef ANALYSIS_ELDERS_H
#define ANALYSIS_ELDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/changes.h"
#include "base/row.h"
#include "trace/cells.h"

/* Orders of one definition of one set are multiples of 1 << EVENT_SHIFT apart: they count events. */
enum { EVENT_SHIFT = 16 };

/* So many calls a step names at the most: its size is told by 16 bits. A thread that was blocked in more
 * begins no elders. */
enum { ELDER_CALLS_MOST = 3000 };

/* When an instance began. */
struct instance_mark {
    uint64_t begin_ns, order;
    uint64_t calls_at;           /* what its thread had counted by then */
    struct time_vector total_at; /* owned; may count below 0, modulo 2^64 */
};

/* Steps of some elders that follow each other. */
struct elder_block {
    struct elder_block *below, *above;
    uint64_t id;          /* unique among all blocks of all elders; ascends from below */
    struct change change; /* as of an instance, of which it is: without a place */
    bool
        changed; /* since its owner has set this to false; the ones on both ends may have, anyway */
    bool has_other; /* a step may have time before the first call, or as before */
    uint32_t count;
    uint32_t *calls; /* owned: ids of the calls that the steps name by their places here */
    size_t call_count, call_room;
    uint32_t begin, end, room; /* bytes */
    uint8_t at[];
};

struct elders {
    size_t count;
    struct instance_mark eldest, youngest; /* two, even if they are of one */
    struct elder_block *top, *bottom;      /* of count - 1 steps; no block is empty */
    struct changes *changes;               /* borrowed: blocks that are gone; NULL: nobody asks */
};

/* What changed from one begin to the next. */
struct elder_step {
    uint64_t begin_ns, events, calls;
    struct time_vector time;
};

struct elders *elders_new(struct changes *changes);
void elders_free(struct elders *elders); /* NULL is none */
/* The mark is younger than all. Its time becomes theirs: *mark has none then. */
void elders_push(struct elders *elders, struct instance_mark *mark);
/* One that began a step behind the youngest, of which there is one. */
void elders_push_step(struct elders *elders, const struct elder_step *step);
/* Takes the youngest into *to, whose time is replaced. */
void elders_pop(struct elders *elders, struct instance_mark *to);
/* Takes the eldest away. */
void elders_drop_eldest(struct elders *elders);
/* `resolve` says what time before the first call was: of all of them. */
void elders_resolve(struct elders *elders,
                    void (*resolve)(struct time_vector *time, const void *context),
                    const void *context);

/* What the events of a block's steps come to. */
uint64_t elders_events(const struct elders *elders, const struct elder_block *block);

/* Reads the steps of a block, the first first. */
struct elder_reader {
    struct row_reader row;
    const uint32_t *calls; /* borrowed */
    size_t call_count;
};

/* Into *step, whose time is replaced; false at the end, or if the bytes are no steps (`row.bad`). */
bool elders_read(struct elder_reader *reader, struct elder_step *step);

/* Steps as they are in a block elsewhere; all is borrowed. */
struct elder_steps {
    uint64_t count, events;
    struct bytes bytes;
    const uint32_t *calls;
    size_t call_count;
    bool has_other; /* as in struct elder_block; elders_sound() finds it */
};

struct elder_reader elders_reader(const struct elder_steps *steps);
/* Whether they are what they say. */
bool elders_sound(struct elder_steps *steps);
/* Sound ones follow the youngest, as a block of its own. Of the youngest, its order alone is moved: the owner knows
 * the rest. */
void elders_add_block(struct elders *elders, uint64_t id, const struct elder_steps *steps);

#endif
