/* trace/damage.h -- what of an interval was left out, by name.
 *
 * Items are bounded in number and length, what they count is not: each also raises the tallies of
 * its scope (trace/tally.h). They travel with the tallies: from the mapper or the join to the
 * interval's mark, and to the report. */
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
    ROW(MISSING, 2, "missing")         /* a number that no chunk has; a file that is not there */  \
    ROW(UNREADABLE, 3, "unreadable")   /* the system refuses it, or its format is unknown */       \
    ROW(METADATA, 4, "metadata")       /* missing, damaged, or not understood */                   \
    ROW(DAMAGED, 5, "damaged")         /* it contradicts itself */                                 \
    ROW(CUT, 6, "cut")                 /* its end is not there */                                  \
    ROW(RECORDING, 7, "recording")     /* still being written: stop or rotate */                   \
    ROW(OTHER_TRACE, 8, "other_trace") /* a file of another trace */                               \
    ROW(CPU, 9, "cpu")                 /* a number that no CPU can have */                         \
    ROW(CLOCK, 10, "clock")            /* cannot be put in one order with the others */            \
    ROW(SEAM, 11, "seam")              /* events that one chunk left and the next did not take */  \
    ROW(ORDER, 12, "order")            /* intervals that do not meet */                            \
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
    uint64_t chunk;       /* its number; of several missing ones, that of the first */
    struct text name;     /* path in the chunk: "kernel/kchan_0"; empty: the chunk itself */
    uint64_t count;       /* of what `scope` says */
    uint64_t bytes;       /* that were not read; 0 if nobody knows */
    struct text text;     /* what is wrong, without the name */
};

/* Of one interval, or of a whole session. */
struct damages {
    const struct damage *at;
    size_t count;
    uint64_t more; /* items that found no room */
};

const char *damage_scope_name(uint8_t scope);
const char *damage_cause_name(uint8_t cause);
/* On the wire; what only newer programs know comes back as the last scope, or as OTHER. */
uint32_t damage_scope_tag(uint8_t scope);
uint32_t damage_cause_tag(uint8_t cause);
uint8_t damage_scope_of_tag(uint32_t tag);
uint8_t damage_cause_of_tag(uint32_t tag);

/* Raises the tallies of what the item counts. */
void damage_tally(const struct damage *damage, struct tallies *tallies);

/* Collects the items of an interval with their tallies. All zero is empty. */
struct interval_notes {
    struct tallies tallies;
    struct arena arena;
    struct phase_uses uses; /* what the traces declare of phases */
    struct damage items[DAMAGE_ITEMS_MAX];
    size_t count;
    uint64_t more;
};

/* Copies the item; one of the same scope, cause and name as another is added to that. Returns what
 * all of them count; UINT64_MAX where there was no room. */
uint64_t interval_notes_add(struct interval_notes *notes, const struct damage *damage);
/* By chunk, scope, name and cause, in whatever order they were noted. */
void interval_notes_sort(struct interval_notes *notes);
struct damages interval_notes_damages(const struct interval_notes *notes);
void interval_notes_clear(struct interval_notes *notes);

/* Copies what `from` holds into `arena`. */
struct damages damages_copy(struct arena *arena, struct damages from);

#endif
