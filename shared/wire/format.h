/* wire/format.h -- numbers that encoders and decoders agree on. */
#ifndef WIRE_FORMAT_H
#define WIRE_FORMAT_H

#include "trace/event.h"

enum {
    /* Those before have no records of the core: none is read. */
    RECORD_FORMAT = 5,
    RECORD_FORMAT_OLDEST = 5, /* that is read */
    /* 2: durations in buckets of log2; 1: two counters of their own in place of tallies. All are
     * read. */
    RESULT_FORMAT = 3,
    RESULT_FORMAT_LOG2 = 2, /* the last with those */
    CPU_MAX = 1 << 16,
    PARTIAL_BYTES_MAX = 16 << 20 /* of one record, expanded */
};

#endif
