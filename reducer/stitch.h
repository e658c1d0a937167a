/* reducer/stitch.h -- joins the intervals of one session, from the left.
 *
 * Items pass through a queue on their way into the model: who ran on a CPU before its first
 * switch is told by that switch, so what comes before it waits, for 10 s of trace time at the
 * most. */
#ifndef REDUCER_STITCH_H
#define REDUCER_STITCH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/failure.h"
#include "model/save.h"
#include "results/result.h"
#include "trace/partial.h"
#include "trace/schema.h"

struct stitch;

/* `schema` (borrowed until stitch_free()) makes the classes and calls of the items to come. Chunks are
 * numbered from 0; those below the first that comes are missing. */
struct stitch *stitch_new(struct schema *schema, struct result_sink sink);
void stitch_free(struct stitch *stitch); /* NULL is fine */

/* Those below `chunk` are not wanted, and so not missing. Before anything is added. */
void stitch_expect(struct stitch *stitch, uint64_t chunk);

/* Appends the next interval: its row of items, then its end. Everything is copied. */
void stitch_add(struct stitch *stitch, const struct item *items, size_t count,
                const struct interval_end *end);
/* The same without a copy: the row (of items that lie anywhere) and all that items and end point
 * to live in `arena`, which becomes stitch's; the caller's is empty then. */
void stitch_add_owned(struct stitch *stitch, struct arena *arena, const struct item *const *row,
                      size_t count, const struct interval_end *end);
/* The chunk will never come, or cannot be used: `cause` is of enum damage_cause. */
void stitch_missing(struct stitch *stitch, uint64_t chunk, uint8_t cause, struct text reason);
/* Nothing is known from `begin_ns` on, where the last interval ended. */
void stitch_open_gap(struct stitch *stitch, uint64_t begin_ns);
/* The session is over. */
void stitch_finish(struct stitch *stitch);

/* The oldest interval that is still in the queue, all of it or the rest; false if none is. */
bool stitch_oldest_chunk(const struct stitch *stitch, uint64_t *chunk);

/* The phase definitions that hold where it has come to; NULL before the first interval. */
const struct phase_set *stitch_phases(const struct stitch *stitch);

/* Memory of what is in the queue, decoded. */
size_t stitch_queued_bytes(const struct stitch *stitch);

/* Saves all but the queue: whoever restores adds the intervals from the oldest chunk on again, and
 * what was done of that is passed over. Saved when it is finished, it is a session that may come
 * again, with all that was open forgotten. */
void stitch_save(struct stitch *stitch, struct state_sink sink);
/* As model_restore(). */
MUST_CHECK enum status stitch_restore(struct schema *schema, struct result_sink sink,
                                      const struct state_record *records, size_t count,
                                      struct stitch **out, struct failure *why);
/* As model_retell(). */
void stitch_retell(struct stitch *stitch, uint64_t turn, uint64_t turns);

#endif
