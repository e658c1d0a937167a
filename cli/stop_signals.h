/* cli/stop_signals.h -- SIGINT and SIGTERM, for commands that have something to put in order:
 * they stay blocked, and are asked for. */
#ifndef CLI_STOP_SIGNALS_H
#define CLI_STOP_SIGNALS_H

#include <stdbool.h>

/* `how`: SIG_BLOCK, SIG_UNBLOCK; of this thread and those that it makes. One that is ignored, as
 * by nohup, stays so. */
void stop_signals_block(int how);
/* Whether one has come. `context` is not used. */
bool stop_signals_pending(void *context);

#endif
