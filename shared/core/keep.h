/* core/keep.h -- a core that joins, as records that outlive its program, and back.
 *
 * One record for each life, process, table of descriptors, descriptor, open instance and block of its elders,
 * and one for what is of the whole: what has not changed makes the same record again. A restored core goes on as the saved
 * one would have, to the same results. Records of a version before are read; of a newer one, refused. */
#ifndef CORE_KEEP_H
#define CORE_KEEP_H

#include "base/bytes.h"
#include "base/failure.h"
#include "base/keep_sink.h"
#include "core/core.h"

struct kept_record {
    struct text key;
    struct bytes record;
};

/* Between intervals: core_end() is the last that was called. */
void core_save(struct core *core, struct keep_sink sink);

/* A core of all records that one core_save() gave, in any order; what others there are is passed over.
 * `phases`: those of the interval before.
 * REJECT: a record is missing or damaged, or does not go with the others; *out is NULL.
 * STOP: of a newer format than this program knows. */
MUST_CHECK enum status core_restore(struct schema *schema, const struct phase_set *phases,
                                    struct result_sink sink, struct core_settler settler,
                                    const struct kept_record *records, size_t count,
                                    struct core **out, struct failure *why);

#endif
