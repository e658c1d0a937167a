/* cli/report_file.h -- output of a report: stdout, or a file that is written atomically. */
#ifndef CLI_REPORT_FILE_H
#define CLI_REPORT_FILE_H

#include <stdio.h>

#include "base/failure.h"

struct report_file {
    FILE *out;
    char *path, *temporary; /* both NULL for stdout; no temporary unless it is a regular file */
};

/* `path` NULL: stdout. A temporary file next to `path` is renamed at the end.
 * REJECT: it cannot be created. */
MUST_CHECK enum status report_file_open(struct report_file *file, const char *path,
                                        struct failure *why);
/* REJECT: not all could be written; the temporary file is deleted. */
MUST_CHECK enum status report_file_close(struct report_file *file, struct failure *why);
/* Keeps the file that was there before. */
void report_file_drop(struct report_file *file);

#endif
