/* cli/report_stories.h -- the stories of a report's slowest instances, as the page of --html has them. */
#ifndef CLI_REPORT_STORIES_H
#define CLI_REPORT_STORIES_H

#include <stdbool.h>

#include "cli/progress.h"
#include "cli/traces.h"
#include "results/report.h"

/* Of each phase without a parent, so many; in all, of a session; and so much text of each. */
enum { STORIES_OF_PHASE = 3, STORIES_OF_SESSION = 12, STORY_TEXT_MAX = 256 << 10 };

struct report_stories {
    struct traces *traces;
    const struct report *report; /* whole: names of all threads */
    bool (*wants)(const void *context, const struct session_report *session, int64_t pid);
    const void *context;
    bool (*stop)(void *context);
};

/* A JSON object a line: session, id, and `story`, the text as `spanmill explain` prints it; the caller's to free.
 * A longer one is cut at the end of a line, and says so. NULL: it was to stop. */
char *report_stories(const struct report_stories *ask);

#endif
