/* ctf/cycles.h -- converts clock cycles to nanoseconds. */
#ifndef CTF_CYCLES_H
#define CTF_CYCLES_H

#include <stdint.h>

#define CYCLES_NS_PER_S UINT64_C(1000000000)

/* The result if it exceeds 64 bits. */
#define CYCLES_BEYOND UINT64_MAX

__extension__ typedef unsigned __int128 cycles_wide;

/* Rounded down; CYCLES_BEYOND if it exceeds 64 bits. */
static inline uint64_t cycles_ns(uint64_t cycles, uint64_t frequency)
{
    if (frequency == CYCLES_NS_PER_S)
        return cycles;
    cycles_wide ns = (cycles_wide)cycles * CYCLES_NS_PER_S / frequency;
    return ns > CYCLES_BEYOND ? CYCLES_BEYOND : (uint64_t)ns;
}

#endif
