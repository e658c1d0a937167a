/* health/health.h -- health and metrics of a process over HTTP, served by a thread:
 *
 *     /livez    200 while the main loops run, else 503: restart it. Never depends on other processes.
 *     /readyz   200 if it is working and brokers answer, else 503 and the reason.
 *     /metrics  its metrics (metrics.h). */
#ifndef HEALTH_HEALTH_H
#define HEALTH_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"
#include "health/metrics.h"

struct health;

struct health_settings {
    const char *listen;      /* "127.0.0.1:9464", "[::1]:9464", ":9464" for all addresses */
    uint64_t stuck_after_ms; /* a loop without an iteration for so long: not alive */
    struct metrics *metrics; /* borrowed until health_close() */
    unsigned more_ports;     /* if the port is in use, so many ports after it are tried */
    /* How long no broker has answered, and *why; NULL: not monitored. Above `unready_after_ms`, the
     * process is not ready; 0: never for this reason. */
    uint64_t (*away_ms)(void *context, const char **why);
    void *context;
    uint64_t unready_after_ms;
};

/* OK      *out is new; port 0 is replaced by a free one.
 * REJECT  `listen` is not an address and port.
 * RETRY   the address is in use, or not of this machine. */
MUST_CHECK enum status health_open(const struct health_settings *settings, struct health **out,
                                   struct failure *why);
void health_close(struct health *health); /* NULL is fine */
/* Its address, "127.0.0.1:9464"; valid until health_close(). */
const char *health_address(const struct health *health);
/* Whether the port is not the configured one. */
bool health_gave_way(const struct health *health);

/* A program has one loop per working thread, numbered from 0. */
enum { HEALTH_LOOPS_MAX = 256 };

/* The loop begins an iteration. Cheap; from any thread. It is monitored from its first iteration
 * on: the program is alive as long as all monitored loops run. Here and below, `health` may be
 * NULL: disabled. */
void health_turn_of(struct health *health, unsigned loop);
/* The loop has ended as intended. */
void health_loop_over(struct health *health, unsigned loop);
static inline void health_turn(struct health *health)
{
    health_turn_of(health, 0);
}
/* `why` the loop is not ready: a short text that is never freed ("restoring state"). At the start,
 * no loop is ready; the program is ready if one of its loops is. */
void health_ready_of(struct health *health, unsigned loop, bool ready, const char *why);
static inline void health_ready(struct health *health, bool ready, const char *why)
{
    health_ready_of(health, 0, ready, why);
}

#endif
