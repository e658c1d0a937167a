/* bus/bus_settings.h -- brokers, and the names of topics, groups, and transactional ids.
 *
 * Only this folder uses librdkafka. Comments about its behavior apply to 2.0.2 and were verified
 * with Apache Kafka 3.9.1. */
#ifndef BUS_BUS_SETTINGS_H
#define BUS_BUS_SETTINGS_H

#include <stddef.h>

#include "base/failure.h"

/* A librdkafka property and its source. */
struct bus_pair {
    const char *key, *value;
    const char *source; /* or NULL */
};

struct bus_settings {
    const char *brokers;          /* HOST:PORT,... */
    const char *prefix;           /* of topics, groups and transactional ids */
    const struct bus_pair *pairs; /* override the defaults of roles, where allowed */
    size_t pair_count;
    /* Receives librdkafka's log lines with syslog levels, from any thread. NULL: stderr. */
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
    BUS_EXPORT, /* state of exporters */
    BUS_TOPICS  /* their number */
};

enum { BUS_NAME_MAX = 250 }; /* of a topic: Kafka's limit is 249 */

/* "PREFIX.chunks" and so on. */
void bus_topic_name(const struct bus_settings *settings, enum bus_topic topic,
                    char room[BUS_NAME_MAX]);
/* "PREFIX-mapper", "PREFIX-reducer", "PREFIX-export". */
void bus_group_name(const struct bus_settings *settings, const char *role, char room[BUS_NAME_MAX]);

/* The exit code of a process in which a call into librdkafka did not return (bus/limit.h). */
enum { BUS_EXIT_HUNG = 3 };

/* REJECT: empty, or not a broker address. */
MUST_CHECK enum status bus_brokers_check(const char *brokers, struct failure *why);

/* Checks that brokers are given, that librdkafka accepts the settings, and that they keep
 * exactly-once counting. REJECT: names the wrong setting and its source. */
MUST_CHECK enum status bus_settings_check(const struct bus_settings *settings, struct failure *why);

#endif
