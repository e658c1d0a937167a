/* trace/damage.h -- data of an interval that was left out, by name.
 *
 * The number and length of items are limited; what they count is not: each item also increases the
 * tallies of its scope (trace/tally.h). Items are sent with the tallies: from the mapper or the
 * join to the interval's mark, and to the report. */
#ifndef TRACE_DAMAGE_H
#define TRACE_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "trace/phase_use.h"
#include "trace/tally.h"

/* ROW(name, tag on the wire, name in JSON, tally that counts it). */
#define DAMAGE_SCOPES(ROW)                                                                         \
    ROW(CHUNK, 1, "chunk", TALLY_LOST_CHUNKS)                                                      \
    ROW(TRACE, 2, "trace", TALLY_LOST_TRACES)                                                      \
    ROW(STREAM, 3, "stream", TALLY_LOST_STREAMS)                                                   \
    ROW(PACKET, 4, "packet", TALLY_LOST_PACKETS)                                                   \
    ROW(EVENT, 5, "event", TALLY_DROPPED_EVENTS)

/* ROW(name, tag on the wire, name in JSON). */
#define DAMAGE_CAUSES(ROW)                                                                         \
    ROW(OTHER, 1, "other")                                                                         \
    ROW(MISSING, 2, "missing")         /* a number without a chunk; no such file */                \
    ROW(UNREADABLE, 3, "unreadable")   /* cannot be read, or unknown format */                     \
    ROW(METADATA, 4, "metadata")       /* missing, damaged, or not understood */                   \
    ROW(DAMAGED, 5, "damaged")         /* it contradicts itself */                                 \
    ROW(CUT, 6, "cut")                 /* its end is missing */                                    \
    ROW(RECORDING, 7, "recording")     /* still being written: stop or rotate */                   \
    ROW(OTHER_TRACE, 8, "other_trace") /* a file of another trace */                               \
    ROW(CPU, 9, "cpu")                 /* a number that no CPU can have */                         \
    ROW(CLOCK, 10, "clock")            /* cannot be ordered with the others */                     \
    ROW(SEAM, 11, "seam")              /* events that one chunk left and the next did not take */  \
    ROW(ORDER, 12, "order")            /* a hole or overlap of intervals */                        \
    ROW(REFUSED, 13, "refused")        /* a chunk that could not be joined */

enum damage_scope {
#define DAMAGE_ID(name, ...) DAMAGE_##name,
    DAMAGE_SCOPES(DAMAGE_ID)
#undef DAMAGE_ID
        DAMAGE_SCOPE_COUNT
};

enum damage_cause {
#define DAMAGE_ID(name, ...) DAMAGE_BY_##name,
    DAMAGE_CAUSES(DAMAGE_ID)
#undef DAMAGE_ID
        DAMAGE_CAUSE_COUNT
};

enum { DAMAGE_ITEMS_MAX = 32, DAMAGE_NAME_MAX = 256, DAMAGE_TEXT_MAX = 512 };

struct damage {
    uint8_t scope, cause; /* enum damage_scope, enum damage_cause */
    uint64_t chunk;       /* its number; of several missing ones, the first */
    struct text name;     /* path in the chunk: "kernel/kchan_0"; empty: the chunk itself */
    uint64_t count;       /* in the unit of `scope` */
    uint64_t bytes;       /* not read; 0 if unknown */
    struct text text;     /* what is wrong, without the name */
};

/* Of one interval, or of a whole session. */
struct damages {
    const struct damage *at;
    size_t count;
    uint64_t more; /* items over the limit */
};

const char *damage_scope_name(uint8_t scope);
const char *damage_cause_name(uint8_t cause);
/* Tags on the wire. Unknown tags, of newer programs, become the last scope, or OTHER. */
uint32_t damage_scope_tag(uint8_t scope);
uint32_t damage_cause_tag(uint8_t cause);
uint8_t damage_scope_of_tag(uint32_t tag);
uint8_t damage_cause_of_tag(uint32_t tag);

/* Collects the items and tallies of an interval. All zero is empty. */
struct interval_notes {
    struct tallies tallies;
    struct arena arena;
    struct phase_uses uses; /* how the traces declare the events of phase definitions */
    struct damage items[DAMAGE_ITEMS_MAX];
    size_t count;
    uint64_t more;
};

/* Copies the item; one with the same scope, cause, and name is added up instead. Returns the total
 * count of these; UINT64_MAX if the limit is reached. */
uint64_t interval_notes_add(struct interval_notes *notes, const struct damage *damage);
/* Sorts by chunk, scope, name, and cause. */
void interval_notes_sort(struct interval_notes *notes);
struct damages interval_notes_damages(const struct interval_notes *notes);
void interval_notes_clear(struct interval_notes *notes);

/* Copies `from` and what it points to into `arena`. */
struct damages damages_copy(struct arena *arena, struct damages from);

#endif
