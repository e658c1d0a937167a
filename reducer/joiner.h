/* reducer/joiner.h -- joins the intervals of one session, from the left.
 *
 * Rows pass through a queue on their way into the core: who ran on a CPU before its first switch is told
 * by that switch, so a row that has not come to it waits, for 10 s of trace time at the most. */
#ifndef REDUCER_JOINER_H
#define REDUCER_JOINER_H

#include <stdbool.h>

#include "base/failure.h"
#include "core/keep.h"
#include "results/result.h"
#include "trace/partial.h"
#include "trace/schema.h"

struct joiner;

/* `schema` (borrowed until joiner_free()) makes the classes and calls of the rows to come. Chunks are
 * numbered from 0; those below the first that comes are missing. */
struct joiner *joiner_new(struct schema *schema, struct result_sink sink);
void joiner_free(struct joiner *joiner); /* NULL is fine */

/* Those below `chunk` are not wanted, and so not missing. Before anything is added. */
void joiner_expect(struct joiner *joiner, uint64_t chunk);

/* Appends the next interval: its row, then its end. What the row holds becomes the joiner's, and in the row's
 * arena lies what `end` points to. */
void joiner_add(struct joiner *joiner, struct row *row, const struct interval_end *end);
/* The chunk will never come, or cannot be used: `cause` is of enum damage_cause. */
void joiner_missing(struct joiner *joiner, uint64_t chunk, uint8_t cause, struct text reason);
/* Nothing is known from `begin_ns` on, where the last interval ended. */
void joiner_open_gap(struct joiner *joiner, uint64_t begin_ns);
/* The session is over. */
void joiner_finish(struct joiner *joiner);

/* The oldest interval that is still in the queue; false if none is. */
bool joiner_oldest_chunk(const struct joiner *joiner, uint64_t *chunk);

/* The phase definitions that hold where it has come to; NULL before the first interval. */
const struct phase_set *joiner_phases(const struct joiner *joiner);

/* Memory of what is in the queue, decoded. */
size_t joiner_queued_bytes(const struct joiner *joiner);

/* Saves all but the queue: whoever restores adds the intervals from the oldest chunk on again. Saved when it
 * is finished, it is a session that may come again, with all that was open forgotten. */
void joiner_save(struct joiner *joiner, struct keep_sink sink);
/* As core_restore(). */
MUST_CHECK enum status joiner_restore(struct schema *schema, struct result_sink sink,
                                      const struct kept_record *records, size_t count,
                                      struct joiner **out, struct failure *why);
/* As core_retell(). */
void joiner_retell(struct joiner *joiner, uint64_t turn, uint64_t turns);

#endif
