/* base/memory.h -- heap memory. Running out of memory ends the process, only here: sizes from input
 * are checked against a named limit before. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

#include "base/attrs.h"
#include "base/bytes.h"

/* New memory, zeroed. The caller frees it with free(). `size` may be 0. */
RETURNS_NONNULL void *memory_new(size_t size);

/* Like realloc() for `count` elements of `size` bytes; the new part is not zeroed. */
RETURNS_NONNULL void *memory_resize(void *old, size_t count, size_t size);

/* New memory, not zeroed, for large buffers: in large pages if the system has them. Also freed with
 * free(). */
RETURNS_NONNULL void *memory_buffer(size_t size);

/* Ensures capacity for `needed` elements in a growing array: returns the array, possibly moved, and
 * increases `*room` by at least half. */
RETURNS_NONNULL void *memory_grow(void *old, size_t *room, size_t needed, size_t size);

/* A terminated copy, owned by the caller. */
RETURNS_NONNULL char *memory_string(struct text text);

/* printf() to a new string, owned by the caller. */
RETURNS_NONNULL char *memory_format(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
