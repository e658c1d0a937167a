/* chunk/pack.h -- recorded chunks into archives, each self-contained. */
#ifndef CHUNK_PACK_H
#define CHUNK_PACK_H

#include "chunk/archive.h"
#include "chunk/threads.h"
#include "base/failure.h"
#include "chunk/chunk.h"

/* Packs one chunk by its interval and seam; `first_number` is that of the session's first chunk,
 * `final`: it is the last. `told` (or NULL) gets what the archive says of itself.
 * REJECT: the chunk cannot be read, or not be packed; RETRY: the disk. */
MUST_CHECK enum status pack_ref(const struct chunk_ref *ref, int64_t first_number, bool final,
                                const struct thread_directory *threads, const char *out_path,
                                struct archive_effort effort, struct archive_facts *told,
                                struct failure *why);

/* Packs chunk `index` of a finished list, with `threads` as its thread directory, into `out_path`.
 * Its neighbours in the list decide interval and seam, so all that lie beside it should be there.
 * REJECT: the chunk cannot be read, or not be packed; RETRY: the disk. */
MUST_CHECK enum status pack_chunk(const struct chunk_list *list, size_t index,
                                  const struct thread_directory *threads, const char *out_path,
                                  struct archive_effort effort, struct failure *why);

/* Name of the archive of a chunk: that of its folder, or of its archive; to be freed. */
char *pack_name(const struct chunk_ref *ref);

#endif
