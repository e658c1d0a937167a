/* chunk/chunk_list_parts.h -- shared by chunk_copies.c, chunk_find.c, chunk_intervals.c,
 * and chunk_list.c. */
#ifndef CHUNK_CHUNK_LIST_PARTS_H
#define CHUNK_CHUNK_LIST_PARTS_H

#include <string.h>

#include "chunk/chunk.h"

static inline const char *chunk_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Counts an unusable chunk, and reports why. */
void chunk_leave_out(struct chunk_list *list, const char *why);

/* The number in the name of a chunk's folder, if `path` is one or one of its traces; else -1. */
int64_t chunk_number_of_path(const char *path);

void chunk_ref_clear(struct chunk_ref *ref);

/* Leaves out copies of chunks under other numbers. The list is sorted. */
void chunk_drop_copies(struct chunk_list *list);

/* Sets the intervals of the chunks [begin, end), which are those of one session, in order. */
void chunk_decide_intervals(struct chunk_list *list, size_t begin, size_t end);

#endif
