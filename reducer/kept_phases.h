/* reducer/kept_phases.h -- the current phase definitions of a session, as a record of its state: a
 * restored reducer has no definitions of its own. */
#ifndef REDUCER_KEPT_PHASES_H
#define REDUCER_KEPT_PHASES_H

#include "base/failure.h"
#include "core/keep.h"
#include "trace/schema.h"

void kept_phases_save(const struct phase_set *phases, struct keep_sink sink);

/* Returns the saved set, in `schema`; the empty set if the state has no such record.
 * REJECT: damaged. STOP: a newer format than this program knows. */
MUST_CHECK enum status kept_phases_restore(struct schema *schema, const struct kept_record *records,
                                           size_t count, const struct phase_set **out,
                                           struct failure *why);

#endif
