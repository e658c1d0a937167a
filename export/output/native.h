/* export/output/native.h -- numbers of samples in the units and buckets of receivers. */
#ifndef EXPORT_OUTPUT_NATIVE_H
#define EXPORT_OUTPUT_NATIVE_H

#include "export/family.h"

/* Buckets of spanmill have borders of 2^(i/8) ns, those of a native histogram of scale 3 have
 * 2^(i/8) s. 10^9 is 2^29.897, or 239.18 / 8 of a doubling: bucket i of ours is from 2^((i-239.18)/8) s
 * to 2^((i-238.18)/8) s, and counts as the native bucket that ends at 2^((i-238)/8) s, 1.6 % higher. */
enum { NATIVE_SCALE = 3, NATIVE_END_OFFSET = -238 };

static inline double native_number(const struct family *family, int64_t number)
{
    switch (family->unit) {
    case FAMILY_NS: return (double)number / 1e9;
    case FAMILY_MS: return (double)number / 1e3;
    case FAMILY_ONE: break;
    }
    return (double)number;
}

#endif
