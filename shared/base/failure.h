/* base/failure.h -- errors: a status for the caller, a sentence for people. Each layer prepends its
 * context: `chunk 17: channel0_3: packet at 4096: ...`. */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H

#include "base/attrs.h"

enum status {
    STATUS_OK,
    STATUS_END,    /* no more data */
    STATUS_RETRY,  /* the same input may succeed later */
    STATUS_REJECT, /* this input never will: park it, continue with the next */
    STATUS_STOP    /* nothing will succeed: exit */
};

enum { FAILURE_TEXT_MAX = 1024 };

struct failure {
    char text[FAILURE_TEXT_MAX];
};

/* Writes the sentence to `why` (NULL is fine) and returns `status`, so that callers can write
 * `return fail(why, STATUS_REJECT, ...)`. A sentence that is too long is cut at its end. */
enum status fail(struct failure *why, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
#ifdef __clang_analyzer__
/* The analyzer does not see failure.c, and would assume that fail() may return OK. */
#define fail(why, status, ...) (fail(why, status, __VA_ARGS__), (status))
#endif

/* Prepends `format` and ": " to the sentence in `why`. */
void failure_prefix(struct failure *why, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
