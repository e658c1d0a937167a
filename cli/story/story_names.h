/* cli/story/story_names.h -- who a thread was and what a descriptor was called at a moment, by the rows of a
 * report: also what was told only later. */
#ifndef CLI_STORY_STORY_NAMES_H
#define CLI_STORY_STORY_NAMES_H

#include <stdint.h>

#include "results/report.h"

struct story_names;

/* `session` (NULL: nothing is known) is borrowed until story_names_free(). */
struct story_names *story_names_new(const struct session_report *session);
void story_names_free(struct story_names *names); /* NULL is fine */

/* The life of `tid` at that time since the Unix epoch, and from when on it may be another's;
 * NULL: not known. */
const struct thread_row *story_names_thread(const struct story_names *names, int32_t tid,
                                            int64_t at_ns, int64_t *until_ns);
/* What process `pid` had under `fd`; NULL: not known. */
const struct fd_row *story_names_descriptor(struct story_names *names, int64_t pid, int64_t fd,
                                            int64_t at_ns);
/* NULL: not known. */
const char *story_names_process(const struct story_names *names, int64_t pid);

#endif
