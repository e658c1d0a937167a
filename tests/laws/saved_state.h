/* tests/laws/saved_state.h -- the records that a joiner saves. */
#ifndef TESTS_LAWS_SAVED_STATE_H
#define TESTS_LAWS_SAVED_STATE_H

#include "base/arena.h"
#include "core/keep.h"

/* Empty if all zero; saved_state_clear(). */
struct saved_state {
    struct arena arena;
    struct kept_record *records;
    size_t count, room;
};

/* Copies the records. */
struct keep_sink saved_state_sink(struct saved_state *saved);
void saved_state_clear(struct saved_state *saved);

#endif
