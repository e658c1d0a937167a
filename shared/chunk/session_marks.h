/* shared/chunk/session_marks.h -- distinguishes sessions with the same name. */
#ifndef CHUNK_SESSION_MARKS_H
#define CHUNK_SESSION_MARKS_H

#include "chunk/chunk.h"

/* Host, name, and creation time of a session may also be those of another one in the list: of a
 * duplicate plain trace, or of a host with the same name (clones); or they are unknown. For each
 * chunk of a finished list, returns the mark to append to its session's name: its folder, or its
 * clock; NULL: none. */
char **session_marks(const struct chunk_list *list);
void session_marks_free(char **marks, size_t count); /* NULL is fine */

/* HOST/SESSION:MARK/CREATED from `session_names`, HOST/SESSION/CREATED; each may be NULL; owned by
 * the caller. */
char *session_marked(const char *session_names, const char *mark);

#endif
