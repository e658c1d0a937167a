/* results/count_told.h -- what a user's definition counts together, events or spans, as results tell it. */
#ifndef RESULTS_COUNT_TOLD_H
#define RESULTS_COUNT_TOLD_H

#include "base/arena.h"
#include "trace/cells.h"
#include "trace/phases.h"

/* One of what the definition breaks down by. */
struct count_part {
    enum count_word word;
    struct text field; /* COUNT_BY_FIELD; else the word */
    /* Of a field (FIELD_ABSENT: the event does not have it), the CPU, the phase and the call ("" is in none;
     * FIELD_ABSENT: not known). Process and thread are those of the result's thread. */
    struct field_value value;
};

struct count_told {
    struct text name; /* of the definition */
    uint8_t whose;    /* enum count_whose */
    bool has_value;   /* the definition names one */
    bool is_span;     /* the values are durations, in ns */
    const struct count_part *parts;
    size_t part_count;
    const struct count_cell *cell;
};

/* Whether it is by processes or threads. */
bool count_told_asks(const struct count_told *told, enum count_word word);
/* A thread's id and all of it but the cell, as bytes that are equal if it is. To be freed. */
struct text count_told_pack(const struct count_told *told, uint64_t thread);
/* The contrary; it points to the bytes, and into `arena`. */
struct count_told count_told_unpack(struct text packed, uint64_t *thread, struct arena *arena);
/* A copy in `arena`, without a cell. */
struct count_told *count_told_copy(struct arena *arena, const struct count_told *told);

#endif
