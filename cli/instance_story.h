/* cli/instance_story.h -- the story of an instance in a report, as text. */
#ifndef CLI_INSTANCE_STORY_H
#define CLI_INSTANCE_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "chunk/chunk.h"
#include "cli/progress.h"
#include "cli/story/line.h"
#include "results/report.h"
#include "trace/phases.h"

struct instance_story {
    const struct chunk_ref *chunks; /* of the session, in order */
    size_t count;
    const struct phase_definitions *phases;
    const struct session_report *report;
    const struct instance_row *row;
    struct progress *progress; /* for messages */
    bool unfolded;
    FILE *out;
};

/* Writes the name of the instance, with its values. */
void instance_story_title(struct line *line, const struct instance_row *row);
/* Whether, by its name, its definition is one of these. */
bool instance_story_is_of(const struct instance_row *row, const struct phase_definitions *phases);
/* Returns the number of unreadable chunks. */
size_t instance_story_print(const struct instance_story *shown);

#endif
