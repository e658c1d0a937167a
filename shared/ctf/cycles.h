/* ctf/cycles.h -- the cycles of a clock as nanoseconds. */
#ifndef CTF_CYCLES_H
#define CTF_CYCLES_H

#include <stdint.h>

#define CYCLES_NS_PER_S UINT64_C(1000000000)

/* Rounded down. */
static inline uint64_t cycles_ns(uint64_t cycles, uint64_t frequency)
{
    if (frequency == CYCLES_NS_PER_S)
        return cycles;
    uint64_t rest = cycles % frequency;
    /* Above, the product would overflow. */
    return cycles / frequency * CYCLES_NS_PER_S +
           (frequency <= UINT64_MAX / CYCLES_NS_PER_S
                ? rest * CYCLES_NS_PER_S / frequency
                : (uint64_t)((long double)rest * CYCLES_NS_PER_S / (long double)frequency));
}

#endif
