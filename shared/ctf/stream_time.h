/* ctf/stream_time.h -- converts a stream's clock to the nanoseconds of its session's clock.
 *
 * Nothing wraps: a time that the session's clock cannot represent is CYCLES_BEYOND, which is after
 * every stream_time.last_ns. */
#ifndef CTF_STREAM_TIME_H
#define CTF_STREAM_TIME_H

#include <stdbool.h>

#include "ctf/cycles.h"

struct stream_time {
    uint64_t frequency; /* of the stream's clock */
    int64_t shift_ns;   /* its zero, on the session's clock */
    /* The last valid time: after it, Unix time exceeds 63 bits of nanoseconds. */
    uint64_t last_ns;
};

/* `ns` since the zero of the stream's clock. */
static inline uint64_t shifted_ns(uint64_t ns, int64_t shift_ns)
{
    uint64_t shifted = ns + (uint64_t)shift_ns;
    bool wrapped = shift_ns < 0 ? shifted > ns : shifted < ns;
    return wrapped ? CYCLES_BEYOND : shifted;
}

static inline uint64_t stream_ns(const struct stream_time *time, uint64_t cycles)
{
    return shifted_ns(cycles_ns(cycles, time->frequency), time->shift_ns);
}

#endif
