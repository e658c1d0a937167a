/* wire/log2_durations.h -- durations as in records before partials of format 4 and results of
 * format 3: a counter for each floor(log2(ns)). */
#ifndef WIRE_LOG2_DURATIONS_H
#define WIRE_LOG2_DURATIONS_H

#include "base/durations.h"

enum { LOG2_POWERS = 48 }; /* the last one includes all longer ones */

struct log2_durations {
    uint64_t count, total_ns, min_ns, max_ns;
    uint64_t powers[LOG2_POWERS]; /* unused for up to DURATIONS_EXACT */
};

static inline unsigned log2_power(uint64_t ns)
{
    unsigned power = durations_bucket(ns) / DURATIONS_PARTS;
    return power < LOG2_POWERS ? power : LOG2_POWERS - 1;
}

/* Each power's durations, except the least and the longest of all, are put in one bucket in its
 * middle. False if the numbers are inconsistent; `*to` is empty then, else its memory is in
 * `arena`. */
bool log2_durations_read(const struct log2_durations *old, struct arena *arena,
                         struct durations *to);

#endif
