#include "wire/log2_durations.h"

#include <string.h>

static bool read_few(const struct log2_durations *old, struct durations *to)
{
    uint64_t middle_ns = old->total_ns - old->min_ns - old->max_ns;
    return durations_of_few(to, old->count, old->min_ns, middle_ns, old->max_ns) &&
           to->total_ns == old->total_ns;
}

/* Buckets of power `power` are 8 * power and up; the middle one of those that may not be empty. */
static unsigned middle_of(const struct log2_durations *old, unsigned power)
{
    unsigned low = power * DURATIONS_PARTS, high = low + DURATIONS_PARTS - 1;
    unsigned least = durations_bucket(old->min_ns), most = durations_bucket(old->max_ns);
    if (power == LOG2_POWERS - 1 || high > most)
        high = most;
    return ((low > least ? low : least) + high) / 2;
}

bool log2_durations_read(const struct log2_durations *old, struct arena *arena,
                         struct durations *to)
{
    *to = (struct durations){0};
    if (old->count <= DURATIONS_EXACT)
        return read_few(old, to);
    if (old->min_ns > old->max_ns)
        return false;
    uint64_t counts[DURATIONS_BUCKETS] = {0}, rest = old->count;
    unsigned least = log2_power(old->min_ns), most = log2_power(old->max_ns);
    for (unsigned power = 0; power < LOG2_POWERS; power++) {
        uint64_t count = old->powers[power],
                 ends = (power == least ? 1u : 0u) + (power == most ? 1u : 0u);
        if (count < ends || count > rest || (count > 0 && (power < least || power > most)))
            return false;
        rest -= count;
        if (count > ends)
            counts[middle_of(old, power)] += count - ends;
    }
    counts[durations_bucket(old->min_ns)]++;
    counts[durations_bucket(old->max_ns)]++;
    struct durations_bucket buckets[DURATIONS_BUCKETS], *kept;
    size_t used = 0;
    for (unsigned i = 0; i < DURATIONS_BUCKETS; i++)
        if (counts[i])
            buckets[used++] = (struct durations_bucket){counts[i], (uint16_t)i};
    kept = arena_take(arena, used * sizeof *kept);
    memcpy(kept, buckets, used * sizeof *kept);
    return rest == 0 &&
           durations_of_buckets(to, kept, used, old->total_ns, old->min_ns, old->max_ns);
}
