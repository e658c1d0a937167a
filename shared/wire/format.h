/* wire/format.h -- constants that encoders and decoders share. */
#ifndef WIRE_FORMAT_H
#define WIRE_FORMAT_H

#include "trace/event.h"

enum {
    /* Earlier ones have no records of the core, and cannot be read. */
    RECORD_FORMAT = 5,
    RECORD_FORMAT_OLDEST = 5, /* the oldest readable */
    /* 2: durations in log2 buckets; 1: two counters instead of tallies. All are readable. */
    RESULT_FORMAT = 3,
    RESULT_FORMAT_LOG2 = 2,     /* the last with log2 buckets */
    PARTIAL_BYTES_MAX = 1 << 20 /* of one record, unpacked: mappers write less */
};

#endif
