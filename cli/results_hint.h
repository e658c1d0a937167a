/* cli/results_hint.h -- why there is less in the results than was asked for, and what there is. */
#ifndef CLI_RESULTS_HINT_H
#define CLI_RESULTS_HINT_H

#include "bus/bus_settings.h"
#include "cli/result_log.h"

/* A sentence, the caller's, that lists sessions of which there are results; NULL if there are none. */
char *results_hint_sessions(const struct result_log *log);

/* The same of any names, which it sorts; `where` they are: "the results". */
char *results_hint_names(const char **names, size_t count, const char *where);

/* Chunks that mappers have parked and nobody has sent again. */
struct parked_hint {
    size_t count;   /* of sessions that are asked for */
    char *lines[3]; /* about the last of them, newest first; NULL behind the end */
};

/* Reads the topic of parked chunks; where that cannot be done, it is as if there were none. */
void parked_hint_read(struct parked_hint *hint, const struct result_log_options *options);
void parked_hint_clear(struct parked_hint *hint);

#endif
