/* cli/story/call_log.h -- prints one line for each call and event, in the format of strace.
 *
 * A call is printed when it ends, with the time of its begin. Until then, it takes memory for one
 * line of text per thread in a call. */
#ifndef CLI_STORY_CALL_LOG_H
#define CLI_STORY_CALL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/story/follow.h"
#include "cli/story/story_names.h"

/* fnmatch() patterns; none: all. */
struct call_log_globs {
    const char *const *at;
    size_t count;
};

/* The name by which lost events are selected, and shown. */
#define CALL_LOG_LOST "lost"

struct call_log_numbers {
    const int64_t *at;
    size_t count;
};

struct call_log_choice {
    struct call_log_numbers pids, tids;
    struct call_log_globs processes; /* names of processes or threads; or'ed with `pids` */
    struct call_log_globs calls, events, errors;
    struct call_log_globs phases; /* names or paths of the instances that a thread is in */
    bool has_calls, has_events;   /* whether they are printed */
    bool with_errors;             /* only calls that failed */
    bool numbers;                 /* of descriptors, too */
    bool cpus;                    /* after the time: [002]; [---] if a stream has none */
    uint64_t least_ns;            /* only calls that took at least this long */
    int64_t begin_ns, end_ns;     /* Unix epoch: only what began in this time */
};

struct call_log_counts {
    uint64_t calls, events;       /* printed lines */
    uint64_t resumed, unfinished; /* calls without a begin, without an end */
    uint64_t lost;                /* events, according to the trace */
};

struct call_log;

/* The arguments are borrowed until call_log_free(). */
struct call_log *call_log_new(const struct call_log_choice *choice, struct story_names *names,
                              FILE *out);
void call_log_free(struct call_log *log); /* NULL is fine */

/* As follow.take; false if nothing more is needed, or can be written. */
bool call_log_take(void *context, const struct followed *followed);
/* Prints unfinished calls. */
void call_log_finish(struct call_log *log);
struct call_log_counts call_log_counts(const struct call_log *log);

/* Whether one of the patterns matches. */
bool call_log_matches(const struct call_log_globs *globs, const char *name);

#endif
