/* base/utf8.h -- names from traces are bytes: what of them is UTF-8, and how wide it prints. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Stands for what is no UTF-8. */
#define UTF8_REPLACEMENT ((uint32_t)0xfffd)

/* Takes one character off the front of `rest`, which is not empty. Bytes that are none give
 * UTF8_REPLACEMENT, one for each longest part that could have begun a character.
 * Source: Unicode 15, 3.9, U+FFFD Substitution of Maximal Subparts; what Python's
 * decode(errors='replace') does. */
uint32_t utf8_take(struct text *rest);

/* Writes `character` into `room`; returns how many bytes. */
size_t utf8_put(uint32_t character, char room[4]);

/* What would steer a terminal: controls, and what turns the direction of writing. */
bool utf8_is_control(uint32_t character);

/* Columns that `text` takes on a terminal: 0 for what combines, 2 for what is wide. */
size_t utf8_width(struct text text);

/* A copy for people, owned by the caller: UTF-8 throughout, controls as `\x1b`, so that a name
 * cannot steer a terminal. */
char *utf8_printable(struct text text);

#endif
