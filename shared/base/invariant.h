/* base/invariant.h -- states what holds at a place, where a reader would otherwise have to prove
 * it.
 *
 * assert() is for checks of negligible cost, and is on in all builds. invariant() is for inner
 * loops, and for checks that iterate over a structure: builds of type Debug (dev, asan, tsan, fuzz)
 * check it, others do not evaluate it. Neither is for conditions that input can cause: those are
 * errors, and are reported. */
#ifndef BASE_INVARIANT_H
#define BASE_INVARIANT_H

#include <assert.h>

#ifdef SPANMILL_INVARIANTS
#define invariant(condition) assert(condition)
#else
#define invariant(condition) ((void)sizeof((condition) ? 1 : 0))
#endif

#endif
