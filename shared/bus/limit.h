/* bus/limit.h -- a time limit for calls into librdkafka that may never return.
 *
 * Some calls have no timeout, and some exceed it: rd_kafka_destroy() of 2.0.2 waits forever for a
 * thread that waits for a deleted topic. Such a call cannot be aborted, so the process ends:
 * committed data is safe, and the supervisor starts a new process. Private to this folder. */
#ifndef BUS_LIMIT_H
#define BUS_LIMIT_H

#include <stdint.h>

#include "bus/bus_settings.h"

struct limit;

/* `settings` must outlive it; the last line goes to their log. */
struct limit *limit_new(const struct bus_settings *settings);
void limit_free(struct limit *limit); /* NULL is fine */

/* If this thread does not call limit_end() within `ms`, the process logs `call` (a literal) and
 * exits with BUS_EXIT_HUNG. They do not nest. */
void limit_begin(struct limit *limit, const char *call, uint64_t ms);
void limit_end(struct limit *limit);

#endif
