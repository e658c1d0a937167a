/* health/health.h -- what supervisors ask a process over HTTP, answered by a thread of its own:
 *
 *     /livez    200 while the program's loops turn, else 503: restart it. Never depends on others.
 *     /readyz   200 when it does its work and brokers answer, else 503 and why not.
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
    const char *listen;      /* "127.0.0.1:9464", "[::1]:9464", ":9464" of all addresses */
    uint64_t stuck_after_ms; /* no turn for so long: not alive */
    struct metrics *metrics; /* borrowed until health_close() */
    unsigned more_ports;     /* where the port is taken, so many behind it may do as well */
    /* How long no broker has answered, and *why; NULL: nobody knows. It is not ready when that is
     * more than `unready_after_ms`; 0: whatever it is. */
    uint64_t (*away_ms)(void *context, const char **why);
    void *context;
    uint64_t unready_after_ms;
};

/* OK      *out is new, and port 0 has become one that was free.
 * REJECT  `listen` is no address and port.
 * RETRY   the address is taken, or not of this machine. */
MUST_CHECK enum status health_open(const struct health_settings *settings, struct health **out,
                                   struct failure *why);
void health_close(struct health *health); /* NULL is fine */
/* Where it listens, "127.0.0.1:9464"; lives as long as it. */
const char *health_address(const struct health *health);
/* Whether that is another port than it was told. */
bool health_gave_way(const struct health *health);

/* A program of several threads has as many loops, from 0 on. */
enum { HEALTH_LOOPS_MAX = 256 };

/* The loop has turned. Cheap; from any thread. It is watched from its first turn on: the program is
 * alive as long as all do. Here and below, a NULL `health` is fine: none was asked for. */
void health_turn_of(struct health *health, unsigned loop);
/* It will not turn again, and need not. */
void health_loop_over(struct health *health, unsigned loop);
static inline void health_turn(struct health *health)
{
    health_turn_of(health, 0);
}
/* `why` the loop is not ready, in a few words that last as long as the process ("restoring state").
 * None is from the start on; the program is when one of its loops is. */
void health_ready_of(struct health *health, unsigned loop, bool ready, const char *why);
static inline void health_ready(struct health *health, bool ready, const char *why)
{
    health_ready_of(health, 0, ready, why);
}

#endif
