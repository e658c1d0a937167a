/* base/invariant.h -- what holds at a place, where a reader would otherwise have to prove it.
 *
 * assert() is for what costs nothing beside the work around it, and is on in all builds. invariant()
 * is for the inner loops, and for checks that walk a structure: builds of type Debug (dev, asan,
 * tsan, fuzz) check it, the others do not evaluate it. Neither is for what input can cause: that is
 * an error, and is said. */
#ifndef BASE_INVARIANT_H
#define BASE_INVARIANT_H

#include <assert.h>

#ifdef SPANMILL_INVARIANTS
#define invariant(condition) assert(condition)
#else
#define invariant(condition) ((void)sizeof((condition) ? 1 : 0))
#endif

#endif
