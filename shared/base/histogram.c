#include "base/histogram.h"

#include <stddef.h>

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
            return (uint64_t)(low + (high - low) * (wanted - before) / here);
        }
        before += here;
    }
    return max;
}
