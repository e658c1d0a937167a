/* trace/cells.h -- numbers that add up: of calls, of the time of a thread, of uses of a
 * descriptor. Merging two is adding, so the order of merging never shows. */
#ifndef TRACE_CELLS_H
#define TRACE_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"

/* Durations of one kind. min_ns and max_ns mean nothing while count is 0. */
struct duration_cell {
    uint64_t count;
    uint64_t total_ns, min_ns, max_ns;
    struct histogram spread;
};

void duration_cell_add(struct duration_cell *cell, uint64_t ns);
void duration_cell_merge(struct duration_cell *cell, const struct duration_cell *other);

struct error_count {
    uint32_t number; /* -ret, 1..4095 */
    uint32_t count;
};

/* Below this nobody asks which call it was, and the answer would be most of a cell's bytes. */
#define SLOWEST_NS_MIN UINT64_C(10000000)

/* Calls of one name: complete ones, and ends without the other. */
struct call_cell {
    struct duration_cell complete;
    uint64_t bytes, begin_unknown, end_unknown;
    /* Of the longest complete one, the earliest of equals; 0 if none took SLOWEST_NS_MIN. */
    uint64_t slowest_entry_ns;
    struct error_count *errors; /* owned, by number */
    uint32_t error_count, error_room;
};

/* One complete call that returned `ret` after `ns`; `bytes`: whether ret counts bytes. */
void call_cell_add(struct call_cell *cell, uint64_t entry_ns, uint64_t ns, int64_t ret, bool bytes);
void call_cell_add_error(struct call_cell *cell, uint32_t number, uint32_t count);
void call_cell_merge(struct call_cell *cell, const struct call_cell *other);
void call_cell_clear(struct call_cell *cell);

/* Whether a system call's return value is an error: -4095..-1. */
static inline bool ret_is_error(int64_t ret)
{
    return ret >= -4095 && ret <= -1;
}

/* Uses of a descriptor by complete calls. */
struct use_cell {
    struct duration_cell calls;
    uint64_t read_bytes, write_bytes;
};

void use_cell_merge(struct use_cell *cell, const struct use_cell *other);

/* Where the time of a thread went. `before` first call: inside a call that began before the
 * trace or outside of one, only the thread's first syscall event will tell. */
struct blocked_in {
    uint32_t call; /* id of the call, in the schema of whoever holds the vector */
    uint64_t ns;
};

struct time_vector {
    uint64_t user_ns, sys_ns, runnable_ns, unknown_ns;
    uint64_t blocked_ns; /* in no call */
    uint64_t before_running_ns, before_blocked_ns;
    struct blocked_in *blocked_in; /* owned; each call once */
    uint32_t blocked_count, blocked_room;
};

void time_vector_add_blocked_in(struct time_vector *vector, uint32_t call, uint64_t ns);
void time_vector_merge(struct time_vector *vector, const struct time_vector *other);
uint64_t time_vector_whole(const struct time_vector *vector);
bool time_vector_is_empty(const struct time_vector *vector);
void time_vector_clear(struct time_vector *vector); /* empty again, room kept */
void time_vector_free(struct time_vector *vector);

#endif
