/* cli/timeline_file.h -- option `--perfetto` of the commands that read traces. */
#ifndef CLI_TIMELINE_FILE_H
#define CLI_TIMELINE_FILE_H

#include "cli/progress.h"
#include "cli/render/report_filter.h"
#include "cli/report_file.h"
#include "cli/timeline/timeline.h"
#include "cli/traces.h"

#define PERFETTO_ROW                                                                               \
    TEXT_ROW("perfetto", 0, "FILE", NULL, "also write a timeline for ui.perfetto.dev")

struct timeline_file {
    struct report_file file;
    bool is_open;
};

/* NULL: none is asked for. False: it cannot be made, or there is more than one session, whose threads and CPUs
 * have the same numbers; said. */
bool timeline_file_open(struct timeline_file *file, const char *path, struct traces *traces);
/* Fills what is the same for all commands: chunks, phases, names, who says what is wrong. */
struct timeline_ask timeline_file_ask(struct traces *traces, const struct session_report *report);
/* Writes the file and closes it. An exit code; what is wrong or left out is said. */
int timeline_file_write(struct timeline_file *file, const struct timeline_ask *ask,
                        struct traces *traces);
/* Leaves what was there before, if it was not written. */
void timeline_file_drop(struct timeline_file *file);

#endif
