#include "service/backoff.h"

#include "base/hash.h"

struct backoff backoff_make(uint64_t least_ms, uint64_t most_ms, uint64_t seed)
{
    return (struct backoff){.least_ms = least_ms ? least_ms : 1,
                            .most_ms = most_ms > least_ms ? most_ms : least_ms,
                            .random = seed};
}

/* SplitMix64, similar to hash_mix(). */
static uint64_t next_random(struct backoff *backoff)
{
    backoff->random += UINT64_C(0x9e3779b97f4a7c15);
    return hash_mix(backoff->random);
}

uint64_t backoff_next_ms(struct backoff *backoff)
{
    uint64_t whole = backoff->next_ms ? backoff->next_ms : backoff->least_ms;
    backoff->next_ms = whole > backoff->most_ms / 2 ? backoff->most_ms : 2 * whole;
    uint64_t half = whole / 2;
    return whole - next_random(backoff) % (half + 1);
}

void backoff_reset(struct backoff *backoff)
{
    backoff->next_ms = 0;
}
