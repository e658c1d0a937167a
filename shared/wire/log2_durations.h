/* wire/log2_durations.h -- durations as records told them before partials of format 4 and results of
 * format 3: how many there are of each floor(log2(ns)). */
#ifndef WIRE_LOG2_DURATIONS_H
#define WIRE_LOG2_DURATIONS_H

#include "base/durations.h"

enum { LOG2_POWERS = 48 }; /* the last has all longer ones, too */

struct log2_durations {
    uint64_t count, total_ns, min_ns, max_ns;
    uint64_t powers[LOG2_POWERS]; /* nothing, of up to DURATIONS_TOLD */
};

static inline unsigned log2_power(uint64_t ns)
{
    unsigned power = durations_bucket(ns) / DURATIONS_PARTS;
    return power < LOG2_POWERS ? power : LOG2_POWERS - 1;
}

/* All of a power but the least and the longest of all come into one bucket in the middle of it.
 * False if the numbers contradict each other; `*to` is none then, else its memory is of `arena`. */
bool log2_durations_read(const struct log2_durations *old, struct arena *arena,
                         struct durations *to);

#endif
