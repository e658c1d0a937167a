/* reducer/kept_phases.h -- the phase definitions that hold where a session is joined, as a record of
 * its state: a restored reducer has none of its own. */
#ifndef REDUCER_KEPT_PHASES_H
#define REDUCER_KEPT_PHASES_H

#include "base/failure.h"
#include "core/keep.h"
#include "trace/schema.h"

void kept_phases_save(const struct phase_set *phases, struct keep_sink sink);

/* The set that was saved, of `schema`; of a state without such a record, the one without definitions.
 * REJECT: damaged. STOP: of a newer format than this program knows. */
MUST_CHECK enum status kept_phases_restore(struct schema *schema, const struct kept_record *records,
                                           size_t count, const struct phase_set **out,
                                           struct failure *why);

/* Whether the record is this one, which the core knows nothing of. */
bool kept_phases_is(const struct kept_record *record);

#endif
