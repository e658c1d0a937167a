/* reducer/reducer.h -- records of partials, in any order and with repeats, to a report. */
#ifndef REDUCER_REDUCER_H
#define REDUCER_REDUCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "results/report.h"

struct reducer;

struct reducer *reducer_new(void);
void reducer_free(struct reducer *reducer); /* NULL is fine */

/* All chunks that a session will have, ascending; else those from its first on. Numbers from `begin`
 * on that are not among them are missing. */
void reducer_expect(struct reducer *reducer, struct text session, uint64_t begin,
                    const uint64_t *chunks, size_t count);
/* One that is not there (`reason` NULL), or that cannot be used: joined as a gap. */
void reducer_missing(struct reducer *reducer, struct text session, uint64_t chunk,
                     const char *reason);

/* Takes a record, borrowed for the call, and joins whatever it makes whole.
 * REJECT: not a record, or what it completes contradicts itself; that chunk is joined as a gap.
 * STOP: the record is of a newer format than this program knows. */
MUST_CHECK enum status reducer_add(struct reducer *reducer, struct bytes record,
                                   struct failure *why);

/* A chunk that is decoded already. */
struct prepared;

/* Decodes the records of one chunk, all of them and in their order, ahead of reducer_add(): any
 * thread may do that, while another adds. NULL if they contradict themselves; reducer_add() will
 * say how. */
struct prepared *reducer_prepare(const struct reducer *reducer, const struct bytes *records,
                                 size_t count);
void prepared_free(struct prepared *prepared); /* NULL is fine */
/* The chunk whose records are added next; NULL is fine. */
void reducer_use(struct reducer *reducer, struct prepared *take_prepared);

/* Before anything is added: what is added up to reducer_count() is joined for what later chunks need to know
 * of it, and counts nowhere. */
void reducer_pass(struct reducer *reducer);
/* Between two chunks, all of whose records were added: what comes counts. A chunk may come once more, for
 * the rest of its interval. Sessions are to be expected anew. */
void reducer_count(struct reducer *reducer);

/* No more records will come: ends all sessions. */
void reducer_finish(struct reducer *reducer);

/* Where the memory of rows is kept for the next: for who maps, too. Borrowed; of any thread. */
struct arena_store *reducer_store(const struct reducer *reducer);

/* Fills `out` (report_clear()), sessions by name. After reducer_finish(). `jobs` as in
 * fold_report_by(). */
void reducer_report(const struct reducer *reducer, unsigned jobs, struct report *out);

#endif
