/* mapper/decode/plan_cache.h -- a cache of parsed metadata, with its plans, across chunks: LTTng
 * writes the same metadata into each chunk, and parsing that of a kernel takes longer than the
 * events of a small chunk.
 *
 * Used by one thread, or between enter() and leave() of a map_guard: readers only access it while
 * opening and closing. The objects that it returns never change. */
#ifndef MAPPER_DECODE_PLAN_CACHE_H
#define MAPPER_DECODE_PLAN_CACHE_H

#include "base/arena.h"
#include "base/failure.h"
#include "ctf/layout.h"
#include "mapper/decode/plan.h"
#include "trace/phase_use.h"
#include "trace/phases.h"
#include "trace/schema.h"

/* What is needed of events. */
struct plan_wants {
    const struct phase_definitions *phases; /* NULL: none */
    event_rows *rows;                       /* of analyses; NULL: none */
    shown_events *shows;                    /* NULL: none */
    bool is_of_names;                       /* as schema_is_of_names() */
};

/* The parsed metadata of a trace. */
struct plan_set {
    struct layout *layout; /* of `owner` */
    enum domain domain;
    const struct plan *const *plans;   /* by layout_event.number */
    const struct plan_header *headers; /* in the order of layout->streams */
    struct declared_names declared;    /* kernel only */
    struct phase_uses uses;            /* of the phase definitions */
    /* For the cache. */
    struct plan_set *owner; /* the first set of this text, or this one */
    struct arena arena;
    struct bytes text;      /* the metadata, without packet headers */
    uint64_t phases_digest; /* the key, besides the text: */
    event_rows *rows;
    shown_events *shows;
    bool of_user_folder, is_of_names;
    size_t users;
    uint64_t used; /* the cache's use count at its last use */
};

struct plan_cache;

struct plan_cache *plan_cache_new(void);
void plan_cache_free(struct plan_cache *cache); /* NULL is fine; sets in use remain valid */

/* Finds or makes the plans for the file `metadata` (borrowed for the call). `of_user_folder`: it is
 * in the folder of a user-space trace, in case the metadata does not state the domain. `cache` may
 * be NULL.
 * OK      *out must be released with plan_set_release().
 * REJECT  not understood; `why` begins with "metadata:". */
MUST_CHECK enum status plan_cache_take(struct plan_cache *cache, struct bytes metadata,
                                       bool of_user_folder, const struct plan_wants *wants,
                                       struct plan_set **out, struct failure *why);
/* Whether this is the first call; `cache` is one that a caller keeps for all chunks. */
bool plan_cache_first_miss(struct plan_cache *cache);
void plan_set_release(struct plan_set *set); /* NULL is fine */

#endif
