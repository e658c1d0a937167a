/* base/histogram.h -- base-2 exponential histogram of durations or sizes.
 *
 * Bucket i counts values v with floor(log2(v)) == i, bucket 0 also v == 0. Two merge by
 * addition, so the order of merging never shows. This is scale 0 of OpenTelemetry's exponential
 * histogram. */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

/* Above 2^47 (of nanoseconds: 39 hours) all is one bucket. */
enum { HISTOGRAM_BUCKETS = 48 };

struct histogram {
    uint64_t count[HISTOGRAM_BUCKETS];
};

static inline unsigned histogram_bucket(uint64_t value)
{
    unsigned bucket = value < 2 ? 0 : 63u - (unsigned)__builtin_clzll(value);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* Value below which `share` (0..1) of the counted lie, interpolated inside its bucket; 0 if none
 * were counted. `min` and `max`, if known, bound the answer (else 0 and UINT64_MAX). */
uint64_t histogram_quantile(const struct histogram *histogram, double share, uint64_t min,
                            uint64_t max);

/* The same with no more digits than the buckets are worth: one significant digit, since a bucket
 * tells a value within a factor of two; more only where `min` and `max` leave less of the bucket
 * than half the value. */
uint64_t histogram_quantile_rounded(const struct histogram *histogram, double share, uint64_t min,
                                    uint64_t max);

#endif
