/* shared/chunk/session_marks.h -- what tells sessions apart that have one name. */
#ifndef CHUNK_SESSION_MARKS_H
#define CHUNK_SESSION_MARKS_H

#include "chunk/chunk.h"

/* Host, name and creation time of a session may be those of another one in the list: of a plain trace
 * that is there twice, or of a host of the same name (clones); or nothing tells them. For each chunk of
 * a finished list, what its session's name gets appended: its folder, or its clock; NULL: nothing. */
char **session_marks(const struct chunk_list *list);
void session_marks_free(char **marks, size_t count); /* NULL is fine */

/* HOST/SESSION:MARK/CREATED of `told`, HOST/SESSION/CREATED, either NULL for none; owned. */
char *session_marked(const char *told, const char *mark);

#endif
