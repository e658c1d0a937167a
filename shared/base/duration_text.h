/* base/duration_text.h -- durations as people write them: "500ms", "1.5h", "1h 30m". */
#ifndef BASE_DURATION_TEXT_H
#define BASE_DURATION_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* Numbers, each with its unit (ns, us, ms, s, m or min, h, d), added up; units in any case, blanks
 * between them. *out is in units of `unit_ns` nanoseconds, rounded; a unit smaller than that is
 * refused. "0" needs no unit. False if `text` is something else or above 64 bits. */
bool duration_read(struct text text, uint64_t unit_ns, uint64_t *out);

#endif
