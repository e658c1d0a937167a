/* bus/bus_watch.h -- whether brokers answer, asked by a thread of its own: what a program waits for may
 * have many reasons, and one that waits for nothing would not notice. */
#ifndef BUS_BUS_WATCH_H
#define BUS_BUS_WATCH_H

#include <stdint.h>

#include "bus/bus_settings.h"

struct bus_watch;

struct bus_watch_options {
    const struct bus_settings *bus; /* borrowed */
    uint64_t every_ms;              /* so often it asks */
    /* Brokers are away (`why`, a few words), or back (NULL) after `away_ms`. From the thread of the
     * watch. */
    void (*changed)(void *context, const char *why, uint64_t away_ms);
    void *context;
};

/* OK, or REJECT: a setting. STOP: no thread. */
MUST_CHECK enum status bus_watch_new(const struct bus_watch_options *options,
                                     struct bus_watch **out, struct failure *why);
void bus_watch_free(struct bus_watch *watch); /* NULL is fine; takes a second at the most */

/* How long no broker has answered; 0: the last question was answered. *why: the last error, in words
 * that last as long as the process. From any thread. */
uint64_t bus_watch_away_ms(const struct bus_watch *watch, const char **why);

#endif
