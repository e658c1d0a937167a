/* base/memory.h -- heap memory. Running out of it ends the process, here and nowhere else: a
 * size that comes from input passes a named limit before it comes here. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

#include "base/attrs.h"
#include "base/bytes.h"

/* New memory, zeroed. The caller owns it and gives it back with free(). `size` may be 0. */
RETURNS_NONNULL void *memory_new(size_t size);

/* Like realloc() for `count` elements of `size` bytes; what is new is not zeroed. */
RETURNS_NONNULL void *memory_resize(void *old, size_t count, size_t size);

/* New memory, not zeroed, for much at once: in large pages where the system has them. Also given
 * back with free(). */
RETURNS_NONNULL void *memory_buffer(size_t size);

/* Makes room for `needed` elements in a growing array: returns it, moved perhaps, and raises
 * `*room` at least by half. */
RETURNS_NONNULL void *memory_grow(void *old, size_t *room, size_t needed, size_t size);

/* A terminated copy, owned by the caller. */
RETURNS_NONNULL char *memory_string(struct text text);

/* printf() into a new string, owned by the caller. */
RETURNS_NONNULL char *memory_format(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
