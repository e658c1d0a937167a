/* cli/window.h -- from when to when users want to know, of traces: --since and --until. */
#ifndef CLI_WINDOW_H
#define CLI_WINDOW_H

#include <stdbool.h>
#include <stdio.h>

#include "chunk/chunk.h"
#include "cli/time_point.h"
#include "config/config.h"

struct window {
    struct time_point since, until;
};

/* Rows `since` and `until` of `config`. False: said on `err`. */
bool window_read(struct window *window, const struct config *config, FILE *err);

/* The window in the clock of each chunk. */
struct chunk_windows {
    struct interval *at;      /* by chunk: what is wanted of it */
    struct interval *before;  /* by chunk: all before that; NULL if the window has no begin */
    int64_t begin_ns, end_ns; /* Unix epoch; INT64_MIN, INT64_MAX: open */
};

/* Of a finished list: why nothing is in the window, in words for people: when the trace is. NULL if
 * there is no window, or no event. Reads chunks again; to be freed. */
char *window_is_outside(const struct window *window, const struct chunk_list *list);

/* Of a finished list. What is told from the begin on is told from the first event of all sessions, what from
 * the end on from the last. Chunks of which no event tells the clock are wanted whole. */
void window_of_chunks(const struct window *window, const struct chunk_list *list,
                      struct chunk_windows *out);
void chunk_windows_clear(struct chunk_windows *windows);

#endif
