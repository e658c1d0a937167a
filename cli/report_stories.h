/* cli/report_stories.h -- the stories of a report's slowest instances, for the page of --html. */
#ifndef CLI_REPORT_STORIES_H
#define CLI_REPORT_STORIES_H

#include <stdbool.h>

#include "cli/traces.h"
#include "results/report.h"

/* Limits: stories per phase without a parent, stories per session, bytes of text per story. */
enum { STORIES_OF_PHASE = 3, STORIES_OF_SESSION = 12, STORY_TEXT_MAX = 256 << 10 };

struct report_stories {
    struct traces *traces;
    const struct report *report; /* complete: has the names of all threads */
    bool (*wants)(const void *context, const struct session_report *session, int64_t pid);
    const void *context;
    bool (*stop)(void *context);
};

/* One JSON object per line: session, id, and `story`, the text of `spanmill explain`; the caller
 * frees it. A longer story is truncated at the end of a line, with a note. NULL: stopped. */
char *report_stories(const struct report_stories *options);

#endif
