/* cli/timeline_file.h -- option `--perfetto` of the commands that read traces. */
#ifndef CLI_TIMELINE_FILE_H
#define CLI_TIMELINE_FILE_H

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

/* `path` NULL: no file. False: it cannot be created, or there are several sessions, whose tids and
 * CPU numbers may collide; reported. */
bool timeline_file_open(struct timeline_file *file, const char *path, struct traces *traces);
/* Fills the common fields: chunks, phases, names, messages. */
struct timeline_options timeline_file_options(struct traces *traces,
                                              const struct session_report *report);
/* Writes and closes the file. Returns an exit code; reports errors and what is left out. */
int timeline_file_write(struct timeline_file *file, const struct timeline_options *options,
                        struct traces *traces);
/* If it was not written, keeps the file that was there before. */
void timeline_file_drop(struct timeline_file *file);

#endif
