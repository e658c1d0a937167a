/* service/crew.h -- the same work in several threads. */
#ifndef SERVICE_CREW_H
#define SERVICE_CREW_H

#include "base/failure.h"

/* Runs `work` in `count` threads, numbered from 0, this one among them, and waits for all. `work`
 * ends when the service is asked to stop. OK if all of them are; else the first that was not, and
 * its failure: then the process is asked to stop (SIGTERM), so that the others end too. */
MUST_CHECK enum status
crew_run(unsigned count, enum status (*work)(void *context, unsigned thread, struct failure *why),
         void *context, struct failure *why);

/* For what the threads may only do one at a time. Both take a struct crew_lock. */
struct crew_lock;
struct crew_lock *crew_lock_new(void);
void crew_lock_free(struct crew_lock *lock); /* NULL is fine */
void crew_lock_take(void *lock);
void crew_lock_give(void *lock);

#endif
