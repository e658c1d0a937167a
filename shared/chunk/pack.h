/* chunk/pack.h -- packs recorded chunks into self-contained archives. */
#ifndef CHUNK_PACK_H
#define CHUNK_PACK_H

#include "chunk/archive.h"
#include "chunk/threads.h"
#include "base/failure.h"
#include "chunk/chunk.h"

/* Packs one chunk with its interval and seam; `first_number` is that of the session's first chunk,
 * `final`: it is the last. `out_facts` (or NULL) receives the facts of the archive.
 * REJECT: the chunk cannot be read or packed; RETRY: disk error. */
MUST_CHECK enum status pack_ref(const struct chunk_ref *ref, int64_t first_number, bool final,
                                const struct thread_directory *threads, const char *out_path,
                                struct archive_effort effort, struct archive_facts *out_facts,
                                struct failure *why);

/* Packs chunk `index` of a finished list, with `threads` as its thread directory, to `out_path`.
 * Its neighbors in the list define interval and seam, so the list should have all of them.
 * REJECT: the chunk cannot be read or packed; RETRY: disk error. */
MUST_CHECK enum status pack_chunk(const struct chunk_list *list, size_t index,
                                  const struct thread_directory *threads, const char *out_path,
                                  struct archive_effort effort, struct failure *why);

/* Name for the archive of a chunk: that of its folder, or of its archive; the caller frees it. */
char *pack_name(const struct chunk_ref *ref);

#endif
