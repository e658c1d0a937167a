/* trace/phase_set.h -- the phase definitions of a session.
 *
 * Each interval is mapped with a set of definitions, and says which. From one interval to the next
 * the set may change: of two sets, equal definitions have the same id, so that what is open under
 * one goes on under the other. */
#ifndef TRACE_PHASE_SET_H
#define TRACE_PHASE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "trace/phases.h"

/* The definitions of an interval, in their order; as long as its phase_sets. */
struct phase_set {
    uint64_t digest; /* phases_digest() */
    uint32_t index;  /* dense, from 0, in its phase_sets */
    size_t count;
    const struct phase_definition *const *at;
    const uint32_t
        *ids; /* of each; dense over all sets. Of equal ones in a set, each has its own */
    const struct count_definition *const *counts; /* built-in ones last, by their numbers */
    size_t count_count, built_in_count;
};

/* The counts that are not built in: the first ones. */
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
    const struct count_definition *const *built_in; /* borrowed; those that there are, by number */
    size_t built_in_count;
};

void phase_sets_clear(struct phase_sets *sets);

/* The set of these definitions (NULL: of none) and of the first built-in counts: one that is there, or a
 * new one. `borrow`: a new one points to the definitions instead of to copies. */
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
