/* cli/window.h -- the time window of traces: --since and --until. */
#ifndef CLI_WINDOW_H
#define CLI_WINDOW_H

#include <stdbool.h>
#include <stdio.h>

#include "chunk/chunk.h"
#include "cli/time_point.h"
#include "config/config.h"

struct window {
    struct time_point since, until;
    const char *since_text, *until_text; /* as given, owned by the config; NULL: not given */
};

/* Reads the rows `since` and `until` of `config`. False: reported on `err`. */
bool window_read(struct window *window, const struct config *config, FILE *err);

/* The window in the clock of each chunk. */
struct chunk_windows {
    struct interval *at;      /* by chunk: its part of the window */
    struct interval *before;  /* by chunk: the time before that; NULL if the window has no begin */
    int64_t begin_ns, end_ns; /* Unix epoch; INT64_MIN, INT64_MAX: open */
};

/* For a finished list: a message why nothing is in the window, with the time of the trace. NULL if
 * there is no window, or no event. Reads chunks again; the caller frees it. */
char *window_is_outside(const struct window *window, const struct chunk_list *list);

/* For a finished list. Times relative to the begin or end refer to the first or last event of all
 * sessions. Chunks without an event that has the clock are included completely. */
void window_of_chunks(const struct window *window, const struct chunk_list *list,
                      struct chunk_windows *out);
void chunk_windows_clear(struct chunk_windows *windows);

#endif
