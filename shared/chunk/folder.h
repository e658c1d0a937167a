/* chunk/folder.h -- the traces below a folder, mapped into memory.
 *
 * An LTTng folder is a trace if it contains stream files: `kernel`, `ust/uid/0/64-bit`, or the
 * folder itself if it contains `metadata`. LTTng only appends to files; others may truncate them:
 * folder_check(). */
#ifndef CHUNK_FOLDER_H
#define CHUNK_FOLDER_H

#include <stdbool.h>

#include "base/failure.h"
#include "chunk/trace_set.h"

struct folder;

/* Whether there are traces below: files in folders `kernel` or `ust`, or `metadata` itself. */
bool folder_has_traces(const char *path);
/* Whether the folder itself is one trace. */
bool folder_is_trace(const char *path);
/* The part of the path after the chunk C: "...C/kernel" or "...C/ust/uid/0/64-bit"; NULL for any
 * other path. */
const char *folder_domain(const char *path);

/* OK; REJECT: no trace, or an unreadable file; *out is NULL then. */
MUST_CHECK enum status folder_open(const char *path, struct folder **out, struct failure *why);
const struct trace_set *folder_traces(const struct folder *folder);
/* Call it after reading. REJECT: a file was truncated meanwhile. */
MUST_CHECK enum status folder_check(const struct folder *folder, struct failure *why);
void folder_close(struct folder *folder); /* NULL is fine */

/* For makers of a trace_set: kernel first, then by name; the streams by name. */
void trace_set_sort(struct trace_set *set);
/* Frees what the set owns: names, paths, and arrays, not the bytes. */
void trace_set_clear(struct trace_set *set);

#endif
