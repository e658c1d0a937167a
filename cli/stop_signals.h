/* cli/stop_signals.h -- SIGINT and SIGTERM for commands that must clean up: the signals stay
 * blocked, and the command polls for them. */
#ifndef CLI_STOP_SIGNALS_H
#define CLI_STOP_SIGNALS_H

#include <stdbool.h>

/* `how`: SIG_BLOCK, SIG_UNBLOCK; for this thread and those that it creates. A signal that is
 * ignored, as with nohup, stays ignored. */
void stop_signals_block(int how);
/* Whether a signal is pending. `context` is not used. */
bool stop_signals_pending(void *context);

#endif
