/* export/output/native.h -- converts samples to the units and buckets of receivers. */
#ifndef EXPORT_OUTPUT_NATIVE_H
#define EXPORT_OUTPUT_NATIVE_H

#include "export/family.h"

/* Bucket limits are 2^(i/8) ns in spanmill, and 2^(i/8) s in a native histogram of scale 3. 10^9 is
 * 2^29.897 = 2^(239.18/8): bucket i of spanmill covers 2^((i-239.18)/8) s to 2^((i-238.18)/8) s,
 * and is mapped to the native bucket that ends at 2^((i-238)/8) s, 1.6 % higher. */
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
