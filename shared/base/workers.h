/* base/workers.h -- runs one task in several threads. */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

/* Calls work(context, i) in new threads, i from 1 to `helpers`, and lead(context, started) in this
 * one; returns when all have returned. `started` is less than `helpers` if the system has fewer
 * threads: 1 to `started` run then. */
void workers_run(unsigned helpers, void (*work)(void *context, unsigned helper),
                 void (*lead)(void *context, unsigned started), void *context);

#endif
