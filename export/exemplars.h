/* export/exemplars.h -- the slowest listed instance of the interval for each series of phase
 * durations: a graph links its points to them. */
#ifndef EXPORT_EXEMPLARS_H
#define EXPORT_EXEMPLARS_H

#include "export/interval.h"

/* Sets `exemplar` of samples[0..count) of the interval; all in `arena`. Series `other` have none:
 * they do not belong to a single process and phase. */
void exemplars_put(const struct export_interval *interval, const struct family *durations,
                   struct sample *samples, size_t count, struct arena *arena);

#endif
