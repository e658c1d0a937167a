/* base/utf8.h -- names from traces are bytes: decodes them as UTF-8, and computes their display
 * width. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Replaces invalid bytes. */
#define UTF8_REPLACEMENT ((uint32_t)0xfffd)

/* Takes one character from the front of `rest`, which is not empty. Invalid bytes give
 * UTF8_REPLACEMENT, one for each longest part that could have begun a character.
 * Source: Unicode 15, 3.9, U+FFFD Substitution of Maximal Subparts; like Python's
 * decode(errors='replace'). */
uint32_t utf8_take(struct text *rest);

/* Writes `character` to `room`; returns the number of bytes. */
size_t utf8_put(uint32_t character, char room[4]);

/* Characters that affect a terminal: controls, and changes of the writing direction. */
bool utf8_is_control(uint32_t character);

/* Columns of `text` on a terminal: 0 for combining characters, 2 for wide ones. */
size_t utf8_width(struct text text);

/* A printable copy, owned by the caller: valid UTF-8, controls as `\x1b`, so that a name cannot
 * control a terminal. */
char *utf8_printable(struct text text);

#endif
