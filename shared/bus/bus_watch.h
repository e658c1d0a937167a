/* bus/bus_watch.h -- checks in a separate thread whether brokers answer: a program may wait for
 * other reasons, and an idle one would not notice. */
#ifndef BUS_BUS_WATCH_H
#define BUS_BUS_WATCH_H

#include <stdint.h>

#include "bus/bus_settings.h"

struct bus_watch;

struct bus_watch_options {
    const struct bus_settings *bus; /* borrowed */
    uint64_t every_ms;              /* query interval */
    /* Brokers do not answer (`why`, a short text), or answer again (NULL) after `away_ms`. Called
     * from the thread of the watch. */
    void (*changed)(void *context, const char *why, uint64_t away_ms);
    void *context;
};

/* OK, or REJECT: a setting. STOP: no thread. */
MUST_CHECK enum status bus_watch_new(const struct bus_watch_options *options,
                                     struct bus_watch **out, struct failure *why);
void bus_watch_free(struct bus_watch *watch); /* NULL is fine; takes at most a second */

/* How long no broker has answered; 0: the last query was answered. *why: the last error, a static
 * text. Thread-safe. */
uint64_t bus_watch_away_ms(const struct bus_watch *watch, const char **why);

#endif
