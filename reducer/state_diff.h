/* reducer/state_diff.h -- finds the changes of a saved state since it was last written. */
#ifndef REDUCER_STATE_DIFF_H
#define REDUCER_STATE_DIFF_H

#include "base/bytes.h"
#include "core/keep.h"

struct state_diff;

struct state_diff *state_diff_new(void);
void state_diff_free(struct state_diff *diff); /* NULL is fine */

/* The record is already written: a restored state came from it. */
void state_diff_know(struct state_diff *diff, struct text key, struct bytes record);

/* Begins a new save: the returned sink passes a record on to `out` if it differs from the one last
 * written under its key. It remembers records by number (keep_sink.number). */
struct keep_sink state_diff_begin(struct state_diff *diff, struct keep_sink out);
/* Ends the save: for keys that were not in it and are not kept by number, it passes a record at
 * NULL to `out`. */
void state_diff_end(struct state_diff *diff);
/* The owner of record numbers is gone: no record is kept by number any more. */
void state_diff_let_go(struct state_diff *diff);

#endif
