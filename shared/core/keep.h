/* core/keep.h -- saves the state of a joining core as records, and restores it.
 *
 * There is one record per life, process, descriptor table, descriptor, open instance, and block of
 * its older begins, and one for the core as a whole. Unchanged entities make the same record again.
 * A restored core produces the same results as the saved one would have. Records of older versions
 * are read, those of newer ones refused. */
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

/* Between intervals: core_end() was the last call. */
void core_save(struct core *core, struct keep_sink sink);

/* Restores a core from all records of one core_save(), in any order; other records are ignored.
 * `phases`: of the previous interval.
 * REJECT  a record is missing, damaged, or inconsistent with the others; *out is NULL
 * STOP    a newer format than this program knows */
MUST_CHECK enum status core_restore(struct schema *schema, const struct phase_set *phases,
                                    struct result_sink sink,
                                    struct core_settle_source settle_source,
                                    const struct kept_record *records, size_t count,
                                    struct core **out, struct failure *why);

#endif
