/* base/failure.h -- what went wrong, for the caller as a status, for people as a sentence.
 * Each layer on the way up puts its place in front: `chunk 17: channel0_3: packet at 4096: ...`. */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H

#include "base/attrs.h"

enum status {
    STATUS_OK,
    STATUS_END,    /* nothing more to come */
    STATUS_RETRY,  /* the same input may do later */
    STATUS_REJECT, /* this input never will: park it, go on with the next */
    STATUS_STOP    /* nothing will: leave */
};

enum { FAILURE_TEXT_MAX = 1024 };

struct failure {
    char text[FAILURE_TEXT_MAX];
};

/* Writes the sentence into `why` (NULL is fine) and returns `status`, so that callers can write
 * `return fail(why, STATUS_REJECT, ...)`. A sentence that does not fit is cut at its end. */
enum status fail(struct failure *why, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
#ifdef __clang_analyzer__
/* It does not see into failure.c, and takes everything that failed for OK. */
#define fail(why, status, ...) (fail(why, status, __VA_ARGS__), (status))
#endif

/* Puts `format` and ": " in front of what `why` says already. */
void failure_prefix(struct failure *why, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
