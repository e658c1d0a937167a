/* bus/bus_settings.h -- where the broker is, and what topics, groups and transactional ids are called.
 *
 * This folder is the only one that sees librdkafka. What is written about its behaviour holds for
 * 2.0.2 and was tried against Apache Kafka 3.9.1. */
#ifndef BUS_BUS_SETTINGS_H
#define BUS_BUS_SETTINGS_H

#include <stddef.h>

#include "base/failure.h"

/* A setting of librdkafka, and where a user can find it. */
struct bus_pair {
    const char *key, *value;
    const char *source; /* or NULL */
};

struct bus_settings {
    const char *brokers;          /* HOST:PORT,... */
    const char *prefix;           /* of topics, groups and transactional ids */
    const struct bus_pair *pairs; /* win over what roles set by default, where that is allowed */
    size_t pair_count;
    /* What librdkafka logs, by syslog's levels; from any thread. NULL: to stderr. */
    void (*log)(void *context, int level, const char *text);
    void *context;
};

enum bus_topic {
    BUS_CHUNKS,
    BUS_ARCHIVES,
    BUS_PARTIALS,
    BUS_STATE,
    BUS_RESULTS,
    BUS_PARKED,
    BUS_EXPORT, /* what exporters keep */
    BUS_TOPICS  /* how many there are */
};

enum { BUS_NAME_MAX = 250 }; /* of a topic: Kafka's limit is 249 */

/* "PREFIX.chunks" and so on. */
void bus_topic_name(const struct bus_settings *settings, enum bus_topic topic,
                    char room[BUS_NAME_MAX]);
/* "PREFIX-mapper", "PREFIX-reducer", "PREFIX-export". */
void bus_group_name(const struct bus_settings *settings, const char *role, char room[BUS_NAME_MAX]);

/* The exit code of a process in which a call into librdkafka did not return (bus/limit.h). */
enum { BUS_EXIT_HUNG = 3 };

/* REJECT: it names none, or what no broker can be. */
MUST_CHECK enum status bus_brokers_check(const char *brokers, struct failure *why);

/* Whether brokers are named, and the settings are ones that librdkafka takes and that leave each
 * chunk counted once. REJECT: names the one that is not, and its source. */
MUST_CHECK enum status bus_settings_check(const struct bus_settings *settings, struct failure *why);

#endif
