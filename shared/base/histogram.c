#include "base/histogram.h"

#include <stddef.h>

static uint64_t power_of_ten(double most)
{
    uint64_t power = 1;
    while ((double)power * 10 <= most)
        power *= 10;
    return power;
}

/* An estimate is never shown with more: what it is worth beyond that nobody reads. */
enum { THREE_DIGITS = 100 };

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

/* A quantile lies between `low` and `high`, most likely at `value`. */
struct estimate {
    double value, low, high;
};

static struct estimate estimate_of(const struct histogram *histogram, double share, uint64_t min,
                                   uint64_t max)
{
    uint64_t whole = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        whole += histogram->count[i];
    if (whole == 0)
        return (struct estimate){0, 0, 0};

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
            return (struct estimate){low + (high - low) * (wanted - before) / here, low, high};
        }
        before += here;
    }
    return (struct estimate){(double)max, (double)max, (double)max};
}

uint64_t histogram_quantile(const struct histogram *histogram, double share, uint64_t min,
                            uint64_t max)
{
    return (uint64_t)estimate_of(histogram, share, min, max).value;
}

uint64_t histogram_quantile_rounded(const struct histogram *histogram, double share, uint64_t min,
                                    uint64_t max)
{
    struct estimate estimate = estimate_of(histogram, share, min, max);
    if (estimate.value <= 0)
        return min;
    uint64_t value = bounded(rounded(estimate.value, estimate.high - estimate.low), min, max);
    return rounded((double)value, (double)value / THREE_DIGITS);
}
