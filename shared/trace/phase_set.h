/* trace/phase_set.h -- the phase definitions of a session.
 *
 * Each interval states the set of definitions it was mapped with. The set may change from one
 * interval to the next: equal definitions of two sets have the same id, so an instance that is open
 * under one set continues under the other. */
#ifndef TRACE_PHASE_SET_H
#define TRACE_PHASE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "trace/phases.h"

/* The definitions of an interval, in their order. Lives as long as its phase_sets. */
struct phase_set {
    uint64_t digest; /* phases_digest() */
    uint32_t index;  /* dense, from 0, in its phase_sets */
    size_t count;
    const struct phase_definition *const *at;
    const uint32_t *ids; /* of each; dense over all sets. Equal ones in a set have different ids */
    const struct count_definition *const *counts; /* built-in ones last, by their numbers */
    size_t count_count, built_in_count;
};

/* Number of counts that are not built in; these come first. */
static inline size_t phase_set_defined_counts(const struct phase_set *set)
{
    return set->count_count - set->built_in_count;
}

/* All zero is empty. */
struct phase_sets {
    struct arena arena;
    struct phase_set **at;
    size_t count, room;
    uint64_t *digests; /* of a definition, by id */
    size_t definition_count, definition_room;
    const struct count_definition *const *built_in; /* borrowed; all built-in counts, by number */
    size_t built_in_count;
};

void phase_sets_clear(struct phase_sets *sets);

/* Returns the set of these definitions (NULL: none) and of the first built-in counts: an existing
 * one, or a new one. `borrow`: a new one points to the definitions instead of copying them. */
const struct phase_set *phase_sets_add(struct phase_sets *sets,
                                       const struct phase_definitions *phases,
                                       size_t built_in_count, bool borrow);

/* Whether nothing is defined. */
static inline bool phase_set_is_empty(const struct phase_set *set)
{
    return set->count + set->count_count == 0;
}

/* Whether `set` has the definition. */
bool phase_set_has(const struct phase_set *set, uint32_t id);

#endif
