/* results/count_result.h -- the key and values of a user-defined count or span in results. */
#ifndef RESULTS_COUNT_RESULT_H
#define RESULTS_COUNT_RESULT_H

#include "base/arena.h"
#include "trace/cells.h"
#include "trace/phases.h"

/* One dimension of the definition. */
struct count_part {
    enum count_word word;
    struct text field; /* COUNT_BY_FIELD; else the name of the dimension */
    /* Of a field (FIELD_ABSENT: the event does not have it), the CPU, the phase, and the call ("":
     * none; FIELD_ABSENT: unknown). Process and thread are those of the result's thread. */
    struct field_value value;
};

struct count_result {
    struct text name; /* of the definition */
    uint8_t whose;    /* enum count_whose */
    bool has_value;   /* the definition has one */
    bool is_span;     /* the values are durations, in ns */
    const struct count_part *parts;
    size_t part_count;
    const struct count_cell *cell;
};

/* Whether processes or threads are a dimension. */
bool count_result_asks(const struct count_result *content, enum count_word word);
/* Encodes a thread's id and everything but the cell: equal keys have equal bytes. The caller frees
 * it. */
struct text count_result_pack(const struct count_result *content, uint64_t thread);
/* Decodes; the result points into the bytes and into `arena`. */
struct count_result count_result_unpack(struct text packed, uint64_t *thread, struct arena *arena);
/* A copy in `arena`, without a cell. */
struct count_result *count_result_copy(struct arena *arena, const struct count_result *content);

#endif
