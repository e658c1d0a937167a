#include "base/histogram.h"

#include <stddef.h>

static uint64_t power_of_ten(double most)
{
    uint64_t power = 1;
    while ((double)power * 10 <= most)
        power *= 10;
    return power;
}

/* Rounds an estimate that may be wrong by `width`. */
static uint64_t rounded(double estimate, double width)
{
    uint64_t step = power_of_ten(width < estimate / 2 ? width : estimate);
    return (uint64_t)(estimate / (double)step + 0.5) * step;
}

static uint64_t bounded(uint64_t value, uint64_t min, uint64_t max)
{
    return value < min ? min : value > max ? max : value;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share, uint64_t min,
                            uint64_t max)
{
    uint64_t whole = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        whole += histogram->count[i];
    if (whole == 0)
        return 0;

    double wanted = share * (double)whole;
    double before = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        double here = (double)histogram->count[i];
        if (here > 0 && before + here >= wanted) {
            double low = i == 0 ? 0 : (double)((uint64_t)1 << i);
            double high = i == 0 ? 2 : 2 * low;
            if (low < (double)min)
                low = (double)min;
            if (high > (double)max)
                high = (double)max;
            double estimate = low + (high - low) * (wanted - before) / here;
            return bounded(rounded(estimate, high - low), min, max);
        }
        before += here;
    }
    return max;
}
