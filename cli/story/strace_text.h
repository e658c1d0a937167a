/* cli/story/strace_text.h -- events in the format of strace:
 *
 *     read("assets/clip.avi", count = 64)             the begin of a call
 *     = 64, = -1 ENOENT, = 0 {fildes = [3, 4]}        its end
 *     shop:request_begin {id = 7, path = "/a"}        any other event
 */
#ifndef CLI_STORY_STRACE_TEXT_H
#define CLI_STORY_STRACE_TEXT_H

#include <stdbool.h>

#include "cli/story/line.h"
#include "cli/story/story_names.h"
#include "trace/event.h"

/* Process and time of descriptors. */
struct strace_names {
    struct story_names *names;
    int64_t pid;     /* REPORT_NONE: unknown */
    int64_t wall_ns; /* since the Unix epoch */
    bool numbers;    /* also print the number of a descriptor: 3 "assets/clip.avi" */
};

/* For events that the reader shows; else `(...)`. */
void strace_text_entry(struct line *line, const struct event *event,
                       const struct strace_names *names);
/* `entry`: the output of strace_text_entry() for its begin; empty if unknown. */
void strace_text_exit(struct line *line, const struct event *event, struct text entry);
void strace_text_other(struct line *line, const struct event *event);

/* Whether an EVENT_CALL_EXIT has an error; *out is its name, possibly in `room`. */
bool strace_error(const struct event *event, const char **out, char room[16]);

#endif
