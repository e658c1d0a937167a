/* trace/phase_use.h -- how the traces declare the events that phase definitions name.
 *
 * The metadata of each trace shows for both sides of each definition whether it can match. Over
 * traces, chunks, and sessions, the best state counts: user-space metadata grows during a session,
 * and an event is in one trace only. */
#ifndef TRACE_PHASE_USE_H
#define TRACE_PHASE_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

/* From worst to best; also on the wire. */
enum phase_use_state {
    PHASE_USE_UNDECLARED = 1, /* the event is not declared; near: the most similar name, or empty */
    PHASE_USE_NO_FIELD,       /* field: the missing one; near: likewise */
    PHASE_USE_BAD_FIELD,      /* field: the unusable one; near: its type */
    PHASE_USE_FIT             /* field: for each match field `n` (number) or `t` (text) */
};

/* The part of a definition; also on the wire. */
enum phase_part {
    PHASE_BEGIN,
    PHASE_END,
    PHASE_CAPTURE, /* a field that either event may have */
    /* A count: `begin` is its event pattern, `match` a field that it names or empty. For each
     * pattern of a span, `begin` is that pattern, and `end` the other. */
    PHASE_COUNT
};

/* One side of a definition, or a field that it captures; or a count. */
struct phase_use {
    uint8_t state;          /* enum phase_use_state */
    uint8_t part;           /* enum phase_part */
    struct text phase;      /* its name as written: `request`, `$step` */
    struct text begin, end; /* its events */
    struct text match; /* match fields of this side, separated by commas; or the captured field */
    struct text field, near;
};

struct phase_uses {
    const struct phase_use *at; /* sorted by phase_use_compare(), each once */
    size_t count;
};

/* A file may have many definitions; these limit what is sent. */
enum { PHASE_USES_MAX = 512, PHASE_USE_TEXT_MAX = 256 };

/* 0 if both are the same side of one definition, by names, events, and match fields; else the order
 * of the two. */
int phase_use_compare(const struct phase_use *a, const struct phase_use *b);

static inline bool phase_use_is_of_span(const struct phase_use *use)
{
    return use->part == PHASE_COUNT && use->end.count > 0;
}

/* Whether `a`, of the same side, has a better state than `b`. */
bool phase_use_is_better(const struct phase_use *a, const struct phase_use *b);

/* Sorts `count` of them and merges those of one side; borrows `at`. */
struct phase_uses phase_uses_sort(struct phase_use *at, size_t count);
/* Merges `from` into *to; the order of merging does not matter. Copies texts into `arena`. */
void phase_uses_add(struct phase_uses *to, struct arena *arena, struct phase_uses more);
struct phase_uses phase_uses_copy(struct arena *arena, struct phase_uses from);

/* Encodes: for each, its state, its part, and its six texts, each with a trailing zero. The caller
 * frees the bytes. */
struct bytes phase_uses_pack(struct phase_uses uses);
/* Decodes; truncated or invalid data is left out. Texts point into `packed`. */
struct phase_uses phase_uses_unpack(struct arena *arena, struct bytes packed);

/* The definitions that cannot match, one sentence each; *count of them, in `arena`. */
char **phase_uses_faults(struct phase_uses uses, struct arena *arena, size_t *count);
/* Those sentences whose fault is not in `before`. `uses` was merged from `before`. */
char **phase_uses_new_faults(struct phase_uses before, struct phase_uses uses, struct arena *arena,
                             size_t *count);
/* Removes sides that cannot match and that are not in `of_now`, all sides of the current
 * definitions. */
void phase_uses_forget(struct phase_uses *uses, struct arena *arena, struct phase_uses of_now);

#endif
