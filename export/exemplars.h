/* export/exemplars.h -- of each series of phase durations, the slowest instance that the interval tells
 * of: what a point of a graph leads to. */
#ifndef EXPORT_EXEMPLARS_H
#define EXPORT_EXEMPLARS_H

#include "export/interval.h"

/* Sets `exemplar` of samples[0..count), which are those of the interval; all in `arena`. A series of
 * `other` has none: it is of no single process and phase. */
void exemplars_put(const struct export_interval *interval, const struct family *durations,
                   struct sample *samples, size_t count, struct arena *arena);

#endif
