/* base/clock.h -- the current time of CLOCK_MONOTONIC, CLOCK_REALTIME, or the CPU clock of a thread
 * or a process. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_ms(clockid_t clock)
{
    return clock_ns(clock) / 1000000;
}

static inline double clock_s(clockid_t clock)
{
    return (double)clock_ns(clock) * 1e-9;
}

/* On CLOCK_MONOTONIC, for pthread_cond_timedwait(). */
static inline struct timespec clock_deadline(uint64_t ms)
{
    uint64_t ns = clock_ns(CLOCK_MONOTONIC) + ms * 1000000;
    return (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
}

#endif
