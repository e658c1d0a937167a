/* bus/limit.h -- an end for calls into librdkafka that may never return.
 *
 * Some calls have no time-out, and some do not keep theirs: rd_kafka_destroy() of 2.0.2 waits for
 * ever for a thread that waits for a topic that was deleted. Nothing can be done about such a call
 * in the process that made it, so the process ends: what was committed is committed, and whoever
 * supervises it starts another one. For this folder alone. */
#ifndef BUS_LIMIT_H
#define BUS_LIMIT_H

#include <stdint.h>

#include "bus/bus_settings.h"

struct limit;

/* `settings`, which must outlive it, have the log that gets the last line. */
struct limit *limit_new(const struct bus_settings *settings);
void limit_free(struct limit *limit); /* NULL is fine */

/* What this thread does until limit_end() may take `ms`; then the process ends with the code
 * BUS_EXIT_HUNG, and says that it was `call`, a literal. They do not nest. */
void limit_begin(struct limit *limit, const char *call, uint64_t ms);
void limit_end(struct limit *limit);

#endif
