/* service/backoff.h -- how long to wait before the next try: twice as long each time, less a
 * random part, so that what failed together does not come back together. */
#ifndef SERVICE_BACKOFF_H
#define SERVICE_BACKOFF_H

#include <stdint.h>

struct backoff {
    uint64_t least_ms, most_ms; /* of the waits, before the random part is taken off */
    uint64_t next_ms;           /* 0: the next try is the first */
    uint64_t random;            /* state of the generator */
};

/* `seed` need not be good: a process id, an address, the time. */
struct backoff backoff_make(uint64_t least_ms, uint64_t most_ms, uint64_t seed);
uint64_t backoff_next_ms(struct backoff *backoff); /* from half of the wait to the whole */
void backoff_reset(struct backoff *backoff);       /* a try has gone well */

#endif
