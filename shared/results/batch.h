/* results/batch.h -- sums the results of some intervals before they are written.
 *
 * It keeps the newest fact of each entity, adds up cells of equal dimensions, keeps the slowest
 * instances, and keeps all marks: folding its output gives the same as folding its input.
 * result_batch_clear() empties it; it has no data that must outlive a process. */
#ifndef RESULTS_BATCH_H
#define RESULTS_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "results/result.h"

struct result_batch;

struct result_batch *result_batch_new(void);
void result_batch_free(struct result_batch *batch); /* NULL is fine */

/* Copies its input. */
struct result_sink result_batch_sink(struct result_batch *batch);
/* Of all marks in it. */
struct tallies result_batch_tallies(const struct result_batch *batch);

/* Results with a common key: of a process; pid 0: of the thread `tid`, whose process is unknown;
 * both 0: of the host, and everything else. Facts are first, then cells, then instances, then marks
 * in input order. */
struct result_group {
    int32_t pid, tid;
    const struct result *results;
    size_t count;
};

/* All groups: by pid, then by tid, that of the host last. Valid until the batch takes more or is
 * cleared. Returns their number. */
size_t result_batch_groups(struct result_batch *batch, const struct result_group **out);
void result_batch_clear(struct result_batch *batch);

#endif
