/* base/workers.h -- threads that help with one piece of work. */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

/* Calls work(context, i) in threads of their own, i from 1 to `helpers`, and lead(context, started)
 * in this one; returns when all have returned. `started` is less than `helpers` if the system gives
 * fewer threads: 1 to `started` run then. */
void workers_run(unsigned helpers, void (*work)(void *context, unsigned helper),
                 void (*lead)(void *context, unsigned started), void *context);

#endif
