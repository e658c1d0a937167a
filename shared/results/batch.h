/* results/batch.h -- what joining some intervals came to, added up before it goes out.
 *
 * Of each entity the newest fact is kept, cells of equal dimensions become one, of instances the slowest are kept, marks stay
 * as they are: folding what a batch gives out comes to what folding all that it took comes to. It forgets
 * everything with result_batch_clear(); nothing in it needs to outlive a process. */
#ifndef RESULTS_BATCH_H
#define RESULTS_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "results/result.h"

struct result_batch;

struct result_batch *result_batch_new(void);
void result_batch_free(struct result_batch *batch); /* NULL is fine */

/* Copies what it is given. */
struct result_sink result_batch_sink(struct result_batch *batch);
bool result_batch_is_empty(const struct result_batch *batch);
/* Of all marks in it. */
struct tallies result_batch_tallies(const struct result_batch *batch);

/* Results that go out under one key: of a process; pid 0: of the thread `tid`, whose process is
 * not told; both 0: of the host, and whatever nobody knows better. Facts come first, then cells,
 * then instances, then marks in the order in which they were taken. */
struct result_group {
    int32_t pid, tid;
    const struct result *results;
    size_t count;
};

/* All groups: by pid, then by tid, that of the host last. Valid until the batch takes more or is
 * cleared. Returns how many. */
size_t result_batch_groups(struct result_batch *batch, const struct result_group **out);
void result_batch_clear(struct result_batch *batch);

#endif
