/* base/nearest.h -- what somebody meant who wrote a name that there is not. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

#include "base/bytes.h"

/* The word of `words` that takes the fewest inserted, dropped, changed or swapped letters to
 * become, whatever their case, if those are at most a third of its own, rounded up; or the event that is
 * called so by its provider, PROVIDER:WRONG. NULL if none is that near. Of words equally near, the
 * first. */
const char *nearest_word(struct text wrong, const char *const *words, size_t count);

#endif
