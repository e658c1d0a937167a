/* service/backoff.h -- exponential backoff with jitter: doubles the wait before each retry, less a
 * random part, so that processes that failed together do not retry together. */
#ifndef SERVICE_BACKOFF_H
#define SERVICE_BACKOFF_H

#include <stdint.h>

struct backoff {
    uint64_t least_ms, most_ms; /* of the waits, before subtracting the random part */
    uint64_t next_ms;           /* 0: the next try is the first */
    uint64_t random;            /* state of the generator */
};

/* A weak `seed` is sufficient: a process id, an address, the time. */
struct backoff backoff_make(uint64_t least_ms, uint64_t most_ms, uint64_t seed);
uint64_t backoff_next_ms(struct backoff *backoff); /* half of the wait to the whole wait */
void backoff_reset(struct backoff *backoff);       /* after a success */

#endif
