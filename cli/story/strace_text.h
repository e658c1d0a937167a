/* cli/story/strace_text.h -- events in the form of strace:
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

/* Whose descriptors are meant, and when. */
struct strace_names {
    struct story_names *names;
    int64_t pid;     /* REPORT_NONE: not known */
    int64_t wall_ns; /* since the Unix epoch */
    bool numbers;    /* the number of a descriptor too: 3 "assets/clip.avi" */
};

/* Of events that a reader was asked to show; of others `(...)`. */
void strace_text_entry(struct line *line, const struct event *event,
                       const struct strace_names *names);
/* `entry`: what strace_text_entry() made of its begin; empty if that is not known. */
void strace_text_exit(struct line *line, const struct event *event, struct text entry);
void strace_text_other(struct line *line, const struct event *event);

/* Whether an EVENT_CALL_EXIT tells an error; *out is its name then, in `room` perhaps. */
bool strace_error(const struct event *event, const char **out, char room[16]);

#endif
