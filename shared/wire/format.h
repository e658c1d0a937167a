/* wire/format.h -- numbers that encoders and decoders agree on. */
#ifndef WIRE_FORMAT_H
#define WIRE_FORMAT_H

#include "trace/event.h"

enum {
    RECORD_FORMAT = 3,        /* 2: calls without `refused`; 1: items as messages */
    RECORD_FORMAT_OLDEST = 2, /* that is read */
    RESULT_FORMAT = 2,        /* 1: two counters of their own in place of tallies; read, too */
    CALL_VALUES = 4,          /* of struct open_call and struct descriptor_call */
    PRESENT_TEXT = 1 << EVENT_VALUES, /* in their `present` */
    PRESENT_CALL = 15 | PRESENT_TEXT,
    CPU_MAX = 1 << 16,
    PARTIAL_BYTES_MAX = 16 << 20, /* of one record, expanded */
    DURATIONS_TOLD = 3            /* so many are told by their total, minimum and maximum */
};

#endif
