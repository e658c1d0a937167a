/* trace/phase_use.h -- what the traces declare of the events that phase definitions name.
 *
 * Each trace's metadata says of both sides of each definition whether it can match. Over traces,
 * chunks and sessions the best word holds: user-space metadata grows while a session runs, and an
 * event is of one trace alone. */
#ifndef TRACE_PHASE_USE_H
#define TRACE_PHASE_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

/* From worst to best; also on the wire. */
enum phase_use_state {
    PHASE_USE_UNDECLARED = 1, /* the event; near: the name nearest to it, or empty */
    PHASE_USE_NO_FIELD,       /* field: which; near: likewise */
    PHASE_USE_BAD_FIELD,      /* field: which; near: what it is */
    PHASE_USE_FIT             /* field: of each match field `n` (a number) or `t` (text) */
};

/* What of a definition; also on the wire. */
enum phase_part {
    PHASE_BEGIN,
    PHASE_END,
    PHASE_CAPTURE, /* a field that either event may have */
    /* A count: `begin` is its pattern of events, `match` a field that it names or empty. Of either pattern of a
     * span, that is `begin`, and the other is `end`. */
    PHASE_COUNT
};

/* One side of a definition, or a field that it captures; or a count. */
struct phase_use {
    uint8_t state;          /* enum phase_use_state */
    uint8_t part;           /* enum phase_part */
    struct text phase;      /* its name as written: `request`, `$step` */
    struct text begin, end; /* its events */
    struct text match; /* its match fields on this side, with commas between; what is captured */
    struct text field, near;
};

struct phase_uses {
    const struct phase_use *at; /* by definition as phase_use_compare(), each once */
    size_t count;
};

/* A file of definitions may have many; what is carried is bounded. */
enum { PHASE_USES_MAX = 512, PHASE_USE_TEXT_MAX = 256 };

/* Whether both are of one side of one definition, as far as names, events and match fields tell: 0;
 * else which comes first. */
int phase_use_compare(const struct phase_use *a, const struct phase_use *b);

static inline bool phase_use_is_of_span(const struct phase_use *use)
{
    return use->part == PHASE_COUNT && use->end.count > 0;
}

/* Whether `a`, of the same side, says better than `b` whether it can match. */
bool phase_use_is_better(const struct phase_use *a, const struct phase_use *b);

/* Puts `count` of them, in any order and perhaps several of a side, in order; borrows `at`. */
struct phase_uses phase_uses_sort(struct phase_use *at, size_t count);
/* Makes of *to what both tell, the same in either order; its texts are copied into `arena`. */
void phase_uses_add(struct phase_uses *to, struct arena *arena, struct phase_uses more);
struct phase_uses phase_uses_copy(struct arena *arena, struct phase_uses from);

/* As one run of bytes: for each its state, its part, and its six texts, each with a zero
 * behind it. To be freed. */
struct bytes phase_uses_pack(struct phase_uses uses);
/* What is cut or makes no sense is left out; the texts are those of `packed`. */
struct phase_uses phase_uses_unpack(struct arena *arena, struct bytes packed);

/* The definitions that cannot match, in a sentence each; *count of them, in `arena`. */
char **phase_uses_faults(struct phase_uses uses, struct arena *arena, size_t *count);
/* Of those, what was not wrong in the same way in `before`, which `uses` was made of. */
char **phase_uses_new_faults(struct phase_uses before, struct phase_uses uses, struct arena *arena,
                             size_t *count);
/* Takes away sides that cannot match and that `of_now`, all sides of the definitions there are, does
 * not have. */
void phase_uses_forget(struct phase_uses *uses, struct arena *arena, struct phase_uses of_now);

#endif
