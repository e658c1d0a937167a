/* mapper/bt2/bt2_trial.h -- tests whether libbabeltrace2 survives a trace.
 *
 * The library aborts on failed checks, even for some valid metadata. So everything that it does
 * with a trace is tried in a child process first. */
#ifndef MAPPER_BT2_BT2_TRIAL_H
#define MAPPER_BT2_BT2_TRIAL_H

#include "base/failure.h"

/* Encloses every use of the library that may hold its locks: a trial, which forks, waits for all of
 * them. */
void bt2_use_begin(void);
void bt2_use_end(void);

/* Calls `use` in a child process. OK if it returned; REJECT if the child died, with its output. */
MUST_CHECK enum status bt2_trial(void (*use)(void *context), void *context, struct failure *why);

#endif
