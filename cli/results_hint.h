/* cli/results_hint.h -- messages about what is missing in the results, and what exists. */
#ifndef CLI_RESULTS_HINT_H
#define CLI_RESULTS_HINT_H

#include "bus/bus_settings.h"
#include "cli/result_log.h"

/* A sentence that lists the sessions with results, which the caller frees; NULL if there are
 * none. */
char *results_hint_sessions(const struct result_log *log);

/* The same for any names, which it sorts; `where`: "the results". */
char *results_hint_names(const char **names, size_t count, const char *where);

/* Parked chunks that were not sent again. */
struct parked_hint {
    size_t count;   /* of selected sessions */
    char *lines[3]; /* about the last of them, newest first; NULL after the end */
};

/* Reads the topic of parked chunks; if that fails, there are none. */
void parked_hint_read(struct parked_hint *hint, const struct result_log_options *options);
void parked_hint_clear(struct parked_hint *hint);

#endif
