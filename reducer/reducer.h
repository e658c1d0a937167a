/* reducer/reducer.h -- turns records of partials, in any order and with duplicates, into a
 * report. */
#ifndef REDUCER_REDUCER_H
#define REDUCER_REDUCER_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "results/report.h"

struct reducer;

struct reducer *reducer_new(void);
void reducer_free(struct reducer *reducer); /* NULL is fine */

/* All chunks that the session will have, ascending; without this call, those from its first on.
 * Numbers from `begin` on that are not in the list are missing. */
void reducer_expect(struct reducer *reducer, struct text session, uint64_t begin,
                    const uint64_t *chunks, size_t count);
/* The chunk is missing (`reason` NULL) or unusable: it is joined as a gap. */
void reducer_missing(struct reducer *reducer, struct text session, uint64_t chunk,
                     const char *reason);

/* Takes a record, borrowed for the call, and joins the chunks that it completes.
 * REJECT: not a record, or the completed chunk is inconsistent; that chunk is joined as a gap.
 * STOP: a newer format than this program knows. */
MUST_CHECK enum status reducer_add(struct reducer *reducer, struct bytes record,
                                   struct failure *why);

/* A decoded chunk. */
struct prepared;

/* Decodes all records of one chunk, given in order, ahead of reducer_add(): any thread may do that
 * while another adds. NULL if they are inconsistent; reducer_add() then reports the reason. */
struct prepared *reducer_prepare(const struct reducer *reducer, const struct bytes *records,
                                 size_t count);
/* A chunk mapped in parts: `take_part` is the next part after all of `prepared`. */
void prepared_append(struct prepared *prepared, struct prepared *take_part);
void prepared_free(struct prepared *prepared); /* NULL is fine */
/* The chunk, whose records are added from now on: they are not copied, nor decoded again. Of a
 * chunk in parts, only those of one part are added. NULL is fine. */
void reducer_use(struct reducer *reducer, struct prepared *take_prepared);

/* Before anything is added: the chunks added up to reducer_count() are only joined for the state
 * that later chunks need, and are not counted. */
void reducer_pass(struct reducer *reducer);
/* Between two chunks, each completely added: counting begins. A chunk may be added again, for the
 * rest of its interval. Call reducer_expect() again for each session. */
void reducer_count(struct reducer *reducer);

/* No more records will come: ends all sessions. */
void reducer_finish(struct reducer *reducer);

/* CPU seconds that the report's sums took, of all sessions so far: a reducer of the pool sends its
 * results instead. */
double reducer_fold_s(const struct reducer *reducer);

/* Recycles the memory of rows, also for mappers. Borrowed; any thread may use it. */
struct arena_store *reducer_store(const struct reducer *reducer);

/* Fills `out` (report_clear()), sessions by name. After reducer_finish(). `jobs` as in
 * fold_report_by(). */
void reducer_report(const struct reducer *reducer, unsigned jobs, struct report *out);

#endif
