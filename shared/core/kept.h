/* core/kept.h -- the contents of state records: the entities of core/state.h with numbers instead
 * of pointers; for keep.c and restore.c. */
#ifndef CORE_KEPT_H
#define CORE_KEPT_H

#include "core/columns.h"
#include "core/descriptors.h"

enum kept_kind {
    KEPT_CORE = 1,
    KEPT_LIFE,
    KEPT_PROCESS,
    KEPT_TABLE,
    KEPT_DESCRIPTOR,
    KEPT_INSTANCE,
    KEPT_OLDER_BEGINS,
    KEPT_SPAN,
    KEPT_CPUS,
    KEPT_KINDS
};
#define KEPT_KEY "core/"

struct kept_cpu {
    int32_t cpu;
    uint8_t knows;
    bool run_whole, seen;
    uint64_t run_begin_ns, last_ns, border_ns;
    uint8_t handlers; /* HANDLER_IN_* */
    uint64_t irq_ns, softirq_ns, nested_ns;
    uint32_t current; /* id of a life; 0: none */
    uint64_t within[HANDLER_LEVELS];
    struct cpu_slice *slices; /* borrowed */
    size_t slice_count;
};

/* Consecutive CPUs, so that no record grows with the number of CPUs. */
enum { KEPT_CPUS_MOST = 64 };
struct kept_cpus {
    struct kept_cpu *cpus;
    size_t cpu_count;
};

struct kept_core {
    uint64_t order, last_process, last_descriptor, last_serial, past_events, border_epoch;
    uint64_t time_ns, phases_now_ns;
    uint32_t last_life;
    bool has_kernel, counts_switches, no_calls;
    uint64_t spans_last_ns;
    struct kept_cpus all; /* of older versions, which had no KEPT_CPUS */
};

struct kept_number {
    int32_t number;
};

struct kept_credit {
    struct text path;
    uint64_t count;
    uint32_t thread, stretch;
};

struct kept_life {
    struct life life;
    struct text path; /* of the phase in which its open call was entered */
    struct kept_number *inner;
    size_t inner_count;
    struct kept_credit *credits;
    size_t credit_count;
    struct layer_wait *layers; /* of its open instances */
    size_t layer_count;
    uint64_t process, own_table, used[2]; /* serials; 0: none */
    /* Data of its thread group. */
    struct thread_group thread_group;
    bool phases_exited, counted;
};

struct kept_address {
    uint64_t address;
};

struct kept_process {
    struct process process;
    uint64_t table;
    bool is_newest; /* of its pid */
    struct kept_address *addresses;
    size_t address_count;
};

struct kept_table {
    struct table table;
};

struct kept_doubtful {
    uint64_t entry_ns, ns;
    uint32_t thread;
    struct text path;
};

struct kept_descriptor {
    struct descriptor descriptor;
    uint64_t table;
    bool in_place; /* it is the current descriptor of its number */
    struct text name;
    struct kept_doubtful *doubtful;
    size_t doubtful_count;
};

struct kept_instance {
    uint32_t life, definition;
    struct text path;
    bool by_user, in_call, after_exit;
    uint64_t begin_ns, order, calls;
    struct time_vector time;
    struct field_value *values;
    size_t value_count;
    /* Its older begins, whose steps are in records of their own. */
    uint64_t id; /* 0: `order` */
    uint64_t older_begins;
    struct older_begin_line oldest, youngest; /* `event` is the order */
    struct segments_line segments;
    uint64_t request; /* the id of its request, if it is a segment; 0: none */
};

/* A block of steps between older begins of `instance`. */
struct kept_older_begins {
    uint64_t instance, block;
    struct steps_line steps;
};

/* An open user-defined span (core/spans.c). */
struct kept_span {
    uint64_t serial;
    uint64_t definition; /* count_digest() */
    uint8_t whose;
    uint64_t subject;
    int32_t cpu;
    uint64_t begin_ns;
    struct field_value *match;
    size_t match_count;
    /* The keys that it is counted under. */
    uint8_t by_whose;
    int32_t by_cpu;
    uint64_t thread;
    int32_t tid, pid;
    struct text phase, call;
    struct field_value *values;
    size_t value_count;
};

const struct column_table *kept_table_of(uint64_t kind);

#endif
