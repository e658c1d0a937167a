/* wire/partial_bits.h -- what is there of an item: the bits of the numbers called "has" in
 * proto/partial.proto, which says what each means. */
#ifndef WIRE_PARTIAL_BITS_H
#define WIRE_PARTIAL_BITS_H

/* In front of each item: enum item_kind, and above it how many positions were skipped. Kinds from
 * ITEM_KIND_LAST on share that number, and "has" tells them apart. */
enum { ITEM_KIND_BITS = 3, ITEM_KIND_MASK = 7, ITEM_KIND_LAST = ITEM_KIND_MASK };

enum event_bit {
    EVENT_BIT_CPU = 1 << 0,
    EVENT_BIT_THREAD = 1 << 1,
    EVENT_BIT_SLOTS = 1 << 2,
    EVENT_BIT_USER = 1 << 3,
    EVENT_BIT_CALL = 1 << 4,
    EVENT_BIT_INTS = 1 << 5,
    EVENT_BIT_FIELDS = 1 << 6,
    EVENT_BIT_ELSEWHERE = 1 << 7,
    EVENT_BIT_LOSS = 1 << 8,
    EVENT_BIT_TID = 1 << 9,
    EVENT_BIT_PID = 1 << 10,
    EVENT_BIT_VTID = 1 << 11,
    EVENT_BIT_VPID = 1 << 12,
    EVENT_BIT_PROCNAME = 1 << 13,
    EVENT_BIT_PID_NS = 1 << 14,
    EVENT_BIT_PROGRAM = 1 << 15,
    EVENT_BIT_NUMBER = 1 << 16,
    EVENT_BIT_SUMMED = 1 << 17,
    EVENT_BIT_LABEL = 1 << 18,
    EVENT_BITS = (1 << 19) - 1
};

enum call_bit {
    CALL_BIT_COMPLETE = 1 << 0,
    CALL_BIT_BYTES = 1 << 1,
    CALL_BIT_ERRORS = 1 << 2,
    CALL_BIT_SLOWEST = 1 << 3,
    CALL_BIT_BEGIN_UNKNOWN = 1 << 4,
    CALL_BIT_END_UNKNOWN = 1 << 5,
    CALL_BIT_REFUSED = 1 << 6,
    CALL_BITS = (1 << 7) - 1
};

enum thread_bit {
    THREAD_BIT_STATE = 1 << 0,
    THREAD_BIT_LAST = 1 << 1,
    THREAD_BIT_NAMED = 1 << 2,
    THREAD_BIT_CPU_NS = 1 << 3,
    THREAD_BIT_SYS_NS = 1 << 4,
    THREAD_BIT_USER_NS = 1 << 5,
    THREAD_BIT_CALLS = 1 << 6,
    THREAD_BIT_NO_CALL = 1 << 7,
    THREAD_BIT_OPEN = 1 << 8,
    THREAD_BIT_SWITCHES = 1 << 9,
    THREAD_BIT_LATENCY = 1 << 10,
    THREAD_BIT_RUNNABLE_NS = 1 << 11,
    THREAD_BIT_BLOCKED_IN = 1 << 12,
    THREAD_BIT_BLOCKED_NS = 1 << 13,
    THREAD_BIT_UNKNOWN_NS = 1 << 14,
    THREAD_BIT_BEFORE_RUNNING_NS = 1 << 15,
    THREAD_BIT_BEFORE_BLOCKED_NS = 1 << 16,
    THREAD_BIT_WAKE = 1 << 17,
    THREAD_BIT_KERNEL_NAME = 1 << 18,
    THREAD_BIT_USER_NAME = 1 << 19,
    THREAD_BIT_PHASES = 1 << 20,
    THREAD_BIT_CLOSINGS = 1 << 21,
    THREAD_BIT_CREDITS = 1 << 22,
    THREAD_BIT_LABELS = 1 << 23,
    THREAD_BIT_ENDED = 1 << 24,
    THREAD_BIT_CLOSING_ORDERS = 1 << 25,
    THREAD_BITS = (1 << 26) - 1
};

enum time_bit {
    TIME_BIT_USER_NS = 1 << 0,
    TIME_BIT_SYS_NS = 1 << 1,
    TIME_BIT_RUNNABLE_NS = 1 << 2,
    TIME_BIT_UNKNOWN_NS = 1 << 3,
    TIME_BIT_BLOCKED_NS = 1 << 4,
    TIME_BIT_BEFORE_RUNNING_NS = 1 << 5,
    TIME_BIT_BEFORE_BLOCKED_NS = 1 << 6,
    TIME_BIT_AS_BEFORE_NS = 1 << 7,
    TIME_BIT_BLOCKED_IN = 1 << 8,
    TIME_BITS = (1 << 9) - 1
};

enum phase_bit {
    PHASE_BIT_COMPLETE = 1 << 0,
    PHASE_BIT_HOPPED = 1 << 1,
    PHASE_BIT_BEGIN_UNKNOWN = 1 << 2,
    PHASE_BIT_END_UNKNOWN = 1 << 3,
    PHASE_BIT_SYSCALLS = 1 << 4,
    PHASE_BIT_TIME = 1 << 5,
    PHASE_BIT_OVER = 1 << 6,
    PHASE_BITS = (1 << 7) - 1
};

enum ended_bit {
    ENDED_BIT_PID = 1 << 0,
    ENDED_BIT_END_TID = 1 << 1,
    ENDED_BIT_CALLS = 1 << 2,
    ENDED_BIT_VALUES = 1 << 3,
    ENDED_BITS = (1 << 4) - 1
};

enum label_bit {
    LABEL_BIT_TOP = 1 << 0,
    LABEL_BIT_PARENT = 1 << 1,
    LABEL_BIT_CHILD = 1 << 2,
    LABEL_BITS = (1 << 3) - 1
};

enum instance_bit {
    INSTANCE_BIT_USER = 1 << 0,
    INSTANCE_BIT_IN_CALL = 1 << 1,
    INSTANCE_BIT_CALLS = 1 << 2,
    INSTANCE_BITS = (1 << 3) - 1
};

/* Alone: it is of an analysis, and no instance. */
enum { ANALYSIS_BITS = 1 << 3 };

enum cpu_bit { CPU_BIT_CURRENT = 1 << 0, CPU_BIT_RUN_WHOLE = 1 << 1, CPU_BITS = (1 << 2) - 1 };

enum uses_bit {
    USES_BIT_PROVEN = 1 << 0,
    USES_BIT_CALLS = 1 << 1,
    USES_BIT_READ = 1 << 2,
    USES_BIT_WRITE = 1 << 3,
    USES_BIT_LABEL = 1 << 4,
    USES_BITS = (1 << 5) - 1
};

enum descriptor_call_bit {
    DESCRIPTOR_CALL_BIT_RET = 1 << 0,
    DESCRIPTOR_CALL_BIT_PAIR = 1 << 1,
    DESCRIPTOR_CALL_BIT_LABEL = 1 << 2,
    DESCRIPTOR_CALL_BITS = (1 << 3) - 1
};

enum life_bit {
    LIFE_BIT_NAME = 1 << 0,
    LIFE_BIT_KIND = 1 << 1,
    LIFE_BIT_CLOEXEC = 1 << 2,
    LIFE_BIT_ENDED = 1 << 3,
    LIFE_BIT_CALLS = 1 << 4,
    LIFE_BIT_READ = 1 << 5,
    LIFE_BIT_WRITE = 1 << 6,
    LIFE_BIT_LABEL = 1 << 7,
    LIFE_BITS = (1 << 8) - 1
};

#endif
