/* chunk/source.h -- opens a chunk from its folder or its archive. */
#ifndef CHUNK_SOURCE_H
#define CHUNK_SOURCE_H

#include <stdbool.h>

#include "chunk/archive.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "chunk/trace_set.h"

struct source;

/* An archive is unpacked into `room` (archive_open()). REJECT: not found, or not readable as the
 * expected kind; *out is NULL. */
MUST_CHECK enum status source_open(const char *path, bool packed, struct archive_room *room,
                                   struct source **out, struct failure *why);
/* An archive in memory, borrowed for this call only, whose digest was checked. */
MUST_CHECK enum status source_open_frame(struct bytes frame, size_t raw_max,
                                         struct archive_room *room, struct source **out,
                                         struct failure *why);
/* The facts of an archive, without unpacking it. */
MUST_CHECK enum status source_peek(const char *path, struct archive_facts *out,
                                   struct failure *why);
const struct trace_set *source_traces(const struct source *source);
/* The packets of the previous chunk, as `data`; empty for a folder. */
const struct trace_set *source_seam(const struct source *source);
/* NULL for a folder. */
const struct archive *source_archive(const struct source *source);
/* Call it after reading. REJECT: a file was truncated meanwhile. */
MUST_CHECK enum status source_check(const struct source *source, struct failure *why);
void source_close(struct source *source); /* NULL is fine */

#endif
