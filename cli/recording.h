/* cli/recording.h -- which sessions are recorded at this moment, as the session daemon tells. */
#ifndef CLI_RECORDING_H
#define CLI_RECORDING_H

#include "chunk/chunk.h"

/* Marks the chunks that lie where a session daemon of this machine records now (chunk_ref.recorded).
 * Asks `lttng list`, if any chunk may be recorded and a daemon's socket is there. Nothing is marked
 * if the daemon does not answer within two seconds, or is another user's: then nobody can tell. */
void recording_mark(struct chunk_list *list);

#endif
