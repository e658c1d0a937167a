/* service/crew.h -- runs the same function in several threads. */
#ifndef SERVICE_CREW_H
#define SERVICE_CREW_H

#include "base/failure.h"

/* Runs `work` in `count` threads, numbered from 0, including this one, and waits for all. `work`
 * returns when the service is stopping. OK if all return it; else the first other status and its
 * failure, after which SIGTERM to the process stops the other threads. */
MUST_CHECK enum status
crew_run(unsigned count, enum status (*work)(void *context, unsigned thread, struct failure *why),
         void *context, struct failure *why);

/* Mutual exclusion of the threads. The last two take a struct crew_lock. */
struct crew_lock;
struct crew_lock *crew_lock_new(void);
void crew_lock_free(struct crew_lock *lock); /* NULL is fine */
void crew_lock_take(void *lock);
void crew_lock_give(void *lock);

#endif
