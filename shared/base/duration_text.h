/* base/duration_text.h -- parses durations as people write them: "500ms", "1.5h", "1h 30m". */
#ifndef BASE_DURATION_TEXT_H
#define BASE_DURATION_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* The sum of numbers with units (ns, us, ms, s, m or min, h, d), case-insensitive, with optional
 * blanks between them. *out is in units of `unit_ns` nanoseconds, rounded; a smaller unit is an
 * error. "0" needs no unit. False if `text` is anything else, or exceeds 64 bits. */
bool duration_read(struct text text, uint64_t unit_ns, uint64_t *out);

#endif
