/* cli/report_file.h -- where a report goes: stdout, or a file that is whole or not there. */
#ifndef CLI_REPORT_FILE_H
#define CLI_REPORT_FILE_H

#include <stdio.h>

#include "base/failure.h"

struct report_file {
    FILE *out;
    char *path, *temporary; /* both NULL for stdout; no temporary for what is no regular file */
};

/* `path` NULL: stdout. A file is written beside `path` and takes its name in the end.
 * REJECT: it cannot be made. */
MUST_CHECK enum status report_file_open(struct report_file *file, const char *path,
                                        struct failure *why);
/* REJECT: not all could be written; the temporary file is gone. */
MUST_CHECK enum status report_file_close(struct report_file *file, struct failure *why);
/* Leaves what was there before. */
void report_file_drop(struct report_file *file);

#endif
