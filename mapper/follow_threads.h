/* mapper/follow_threads.h -- which threads exist at the end of a chunk, from its events. */
#ifndef MAPPER_FOLLOW_THREADS_H
#define MAPPER_FOLLOW_THREADS_H

#include "base/failure.h"
#include "chunk/chunk.h"
#include "chunk/threads.h"
#include "mapper/decode/reader.h"

/* Applies the thread events in the chunk's interval: state dump, fork, exec, exit. Call it for the
 * chunks of a session in order; `threads` is the directory at the end of the previous one. */
MUST_CHECK enum status follow_threads(struct thread_directory *threads, const struct chunk_ref *ref,
                                      const struct reader_warnings *warnings, struct failure *why);

#endif
