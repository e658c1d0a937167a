/* config/value.h -- converts values of settings between text and numbers. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attrs.h"
#include "base/failure.h"

/* All: REJECT if `text` is something else; `why` does not have the name of the setting. */

/* Decimal digits, optionally with a sign. */
MUST_CHECK enum status value_integer(const char *text, long long *out, struct failure *why);

/* "900", "900K", "64M", "1.5G", "64MiB": all units are binary. */
MUST_CHECK enum status value_bytes(const char *text, uint64_t *out, struct failure *why);

/* "30s", "500ms", "1h30m", "1.5h", "2d"; only "0" needs no unit. */
MUST_CHECK enum status value_duration_ms(const char *text, uint64_t *out, struct failure *why);

/* yes, no, true, false, on, off, 1, 0. */
MUST_CHECK enum status value_flag(const char *text, bool *out, struct failure *why);

/* The index of `text` in the NULL-terminated `words`; if absent, `why` has the most similar one. */
MUST_CHECK enum status value_word(const char *text, const char *const *words, size_t *out,
                                  struct failure *why);

enum { VALUE_TEXT_MAX = 48 };

/* Format as value_bytes() and value_duration_ms() read: "64M", "1h30m". */
void value_put_bytes(uint64_t bytes, char room[VALUE_TEXT_MAX]);
void value_put_duration_ms(uint64_t ms, char room[VALUE_TEXT_MAX]);

#endif
