/* reducer/joiner.h -- joins the intervals of one session in order.
 *
 * Rows pass through a queue before the core: the first switch of a CPU shows which thread ran there
 * before, so a row without that switch waits for it, for up to 10 s of trace time. */
#ifndef REDUCER_JOINER_H
#define REDUCER_JOINER_H

#include <stdbool.h>

#include "base/failure.h"
#include "core/keep.h"
#include "results/result.h"
#include "trace/partial.h"
#include "trace/schema.h"

struct joiner;

/* `schema` (borrowed until joiner_free()) makes the classes and calls of the rows. Chunks are
 * numbered from 0; those below the first added one count as missing. */
struct joiner *joiner_new(struct schema *schema, struct result_sink sink);
void joiner_free(struct joiner *joiner); /* NULL is fine */

/* Chunks below `chunk` are not expected, and so not missing. Call it before adding anything. */
void joiner_expect(struct joiner *joiner, uint64_t chunk);

/* Appends the next interval: its row, then its end. The joiner takes ownership of the row's
 * contents; `end` points into the arena of the row. */
void joiner_add(struct joiner *joiner, struct row *row, const struct interval_end *end);
/* The chunk will not arrive, or is unusable: `cause` is an enum damage_cause. */
void joiner_missing(struct joiner *joiner, uint64_t chunk, uint8_t cause, struct text reason);
/* Everything is unknown from `begin_ns` on, where the last interval ended. */
void joiner_open_gap(struct joiner *joiner, uint64_t begin_ns);
/* Ends the session. */
void joiner_finish(struct joiner *joiner);

/* The oldest interval in the queue; false if it is empty. */
bool joiner_oldest_chunk(const struct joiner *joiner, uint64_t *chunk);

/* The current phase definitions; NULL before the first interval. */
const struct phase_set *joiner_phases(const struct joiner *joiner);

/* Memory of the decoded rows in the queue. */
size_t joiner_queued_bytes(const struct joiner *joiner);

/* Saves everything but the queue: after a restore, the caller adds the intervals from the oldest
 * chunk on again. Saved after joiner_finish(), it is a session that may return, without anything
 * open. */
void joiner_save(struct joiner *joiner, struct keep_sink sink);
/* As core_restore(). */
MUST_CHECK enum status joiner_restore(struct schema *schema, struct result_sink sink,
                                      const struct kept_record *records, size_t count,
                                      struct joiner **out, struct failure *why);
/* As core_republish(). */
void joiner_republish(struct joiner *joiner, uint64_t turn, uint64_t turns);

#endif
