/* reducer/state_diff.h -- what of a saved state has changed since it was written. */
#ifndef REDUCER_STATE_DIFF_H
#define REDUCER_STATE_DIFF_H

#include "base/bytes.h"
#include "core/keep.h"

struct state_diff;

struct state_diff *state_diff_new(void);
void state_diff_free(struct state_diff *diff); /* NULL is fine */

/* That record is written already: what a restored state came from. */
void state_diff_know(struct state_diff *diff, struct text key, struct bytes record);

/* Begins a new save: what is given to the sink returned goes on to `out` if it is not what was
 * written last under its key. It remembers what it was given (keep_sink.number). */
struct keep_sink state_diff_begin(struct state_diff *diff, struct keep_sink out);
/* The save is complete: keys that it did not have, and that do not stand, go to `out` with a record at NULL. */
void state_diff_end(struct state_diff *diff);
/* Who knew records by numbers is no more: nothing stands. */
void state_diff_let_go(struct state_diff *diff);

#endif
