/* cli/story/story_names.h -- the names of threads and descriptors at an instant, from the rows of a
 * report, which include later information. */
#ifndef CLI_STORY_STORY_NAMES_H
#define CLI_STORY_STORY_NAMES_H

#include <stdint.h>

#include "results/report.h"

struct story_names;

/* `session` (NULL: no names) is borrowed until story_names_free(). */
struct story_names *story_names_new(const struct session_report *session);
void story_names_free(struct story_names *names); /* NULL is fine */

/* The life of `tid` at that Unix time, and the time from which the tid may belong to another; NULL:
 * unknown. */
const struct thread_row *story_names_thread(const struct story_names *names, int32_t tid,
                                            int64_t at_ns, int64_t *until_ns);
/* The descriptor `fd` of process `pid`; NULL: unknown. */
const struct fd_row *story_names_descriptor(struct story_names *names, int64_t pid, int64_t fd,
                                            int64_t at_ns);
/* NULL: unknown. */
const char *story_names_process(const struct story_names *names, int64_t pid);

#endif
