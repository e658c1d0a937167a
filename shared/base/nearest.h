/* base/nearest.h -- suggests a known name for a misspelled one. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

#include "base/bytes.h"

/* The word of `words` with the fewest insertions, deletions, replacements, or swaps of letters from
 * `wrong`, ignoring case, if these are at most a third of its length, rounded up; or the event with
 * its provider, PROVIDER:WRONG. NULL if none is that near. Of equally near words, the first. */
const char *nearest_word(struct text wrong, const char *const *words, size_t count);

#endif
