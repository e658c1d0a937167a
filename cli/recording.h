/* cli/recording.h -- asks the session daemon which sessions are being recorded. */
#ifndef CLI_RECORDING_H
#define CLI_RECORDING_H

#include "chunk/chunk.h"

/* Marks the chunks in folders where a session daemon of this machine is recording
 * (chunk_ref.recorded). Runs `lttng list` if a chunk may be affected and a daemon's socket exists.
 * Nothing is marked if the daemon does not answer within two seconds, or belongs to another
 * user. */
void recording_mark(struct chunk_list *list);

#endif
