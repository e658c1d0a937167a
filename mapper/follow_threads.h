/* mapper/follow_threads.h -- which threads live when a chunk ends, as its events tell. */
#ifndef MAPPER_FOLLOW_THREADS_H
#define MAPPER_FOLLOW_THREADS_H

#include "base/failure.h"
#include "chunk/chunk.h"
#include "chunk/threads.h"
#include "mapper/decode/reader.h"

/* Follows what the chunk's interval tells of threads: state dump, fork, exec, exit. Called for the
 * chunks of a session one after the other, `threads` is the directory at the end of the last. */
MUST_CHECK enum status follow_threads(struct thread_directory *threads, const struct chunk_ref *ref,
                                      const struct reader_warnings *warnings, struct failure *why);

#endif
