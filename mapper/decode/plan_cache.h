/* mapper/decode/plan_cache.h -- metadata that has been understood, with the plans made of it, kept from
 * chunk to chunk: LTTng writes the same metadata into each, and reading a kernel's takes longer
 * than a small chunk's events.
 *
 * Belongs to one thread, or is used between the enter() and leave() of a map_guard: readers touch it
 * while they open and close only. What it gives out never changes. */
#ifndef MAPPER_DECODE_PLAN_CACHE_H
#define MAPPER_DECODE_PLAN_CACHE_H

#include "base/arena.h"
#include "base/failure.h"
#include "ctf/layout.h"
#include "mapper/decode/plan.h"
#include "trace/phase_use.h"
#include "trace/phases.h"
#include "trace/schema.h"

/* What is wanted of events. */
struct plan_wants {
    const struct phase_definitions *phases; /* NULL: none */
    event_rows *rows;                       /* of analyses; NULL: none */
    shown_events *shows;                    /* NULL: none */
};

/* The metadata of a trace, understood. */
struct plan_set {
    struct layout *layout;
    enum domain domain;
    const struct plan *const *plans;   /* by layout_event.number */
    const struct plan_header *headers; /* in the order of layout->streams */
    struct declared_names declared;    /* kernel only */
    struct phase_uses uses;            /* of the phase definitions */
    /* For the cache. */
    struct arena arena;
    struct bytes text;      /* of the metadata, without the headers of its packets */
    uint64_t phases_digest; /* what was wanted of the events, as is: */
    event_rows *rows;
    shown_events *shows;
    bool of_user_folder;
    size_t users;
    uint64_t used; /* the cache's count when it was used last */
};

struct plan_cache;

struct plan_cache *plan_cache_new(void);
void plan_cache_free(struct plan_cache *cache); /* NULL is fine; sets in use live on */

/* Finds or makes the plans for the file `metadata` (borrowed for the call). `of_user_folder`: its
 * folder is that of a user-space trace, if it does not say itself what it is. `cache` may be NULL.
 * OK      *out is to be given back with plan_set_release().
 * REJECT  not understood; `why` begins with "metadata:". */
MUST_CHECK enum status plan_cache_take(struct plan_cache *cache, struct bytes metadata,
                                       bool of_user_folder, const struct plan_wants *wants,
                                       struct plan_set **out, struct failure *why);
/* Whether it is asked for the first time; `cache` is one that a caller keeps for all chunks. */
bool plan_cache_first_miss(struct plan_cache *cache);
void plan_set_release(struct plan_set *set); /* NULL is fine */

#endif
