/* health/health.h -- what supervisors ask a process over HTTP, answered by a thread of its own:
 *
 *     /livez    200 while the program's loops turn, else 503: restart it. Never depends on others.
 *     /readyz   200 when it does its work, else 503 and why not.
 *     /metrics  its numbers (metrics.h).
 */
#ifndef HEALTH_HEALTH_H
#define HEALTH_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"
#include "health/metrics.h"

struct health;

struct health_settings {
    const char *listen;            /* "127.0.0.1:9464", "[::1]:9464", ":9464" of all addresses */
    uint64_t stuck_after_ms;       /* no turn for so long: not alive */
    const struct metrics *metrics; /* borrowed until health_close() */
};

/* OK      *out is new, and port 0 has become one that was free.
 * REJECT  `listen` is no address and port.
 * RETRY   the address is taken, or not of this machine. */
MUST_CHECK enum status health_open(const struct health_settings *settings, struct health **out,
                                   struct failure *why);
void health_close(struct health *health); /* NULL is fine */
/* Where it listens, "127.0.0.1:9464"; lives as long as it. */
const char *health_address(const struct health *health);

/* A program of several threads has as many loops, from 0 on. */
enum { HEALTH_LOOPS_MAX = 64 };

/* The loop has turned. Cheap; from any thread. It is watched from its first turn on: the program is
 * alive as long as all do. Here and below, a NULL `health` is fine: none was asked for. */
void health_turn_of(struct health *health, unsigned loop);
/* It will not turn again, and need not. */
void health_loop_over(struct health *health, unsigned loop);
static inline void health_turn(struct health *health)
{
    health_turn_of(health, 0);
}
/* `why` it is not ready, in a few words that last as long as the process ("restoring state"). Not
 * ready from the start on. */
void health_ready(struct health *health, bool ready, const char *why);

#endif
