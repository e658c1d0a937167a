/* bus/admin.h -- topics, and committed offsets of groups. */
#ifndef BUS_ADMIN_H
#define BUS_ADMIN_H

#include <stdint.h>

#include "bus/consumer.h"
#include "bus/bus_settings.h"

struct bus_admin;

MUST_CHECK enum status bus_admin_new(const struct bus_settings *settings, struct bus_admin **out,
                                     struct failure *why);
void bus_admin_free(struct bus_admin *admin); /* NULL is fine */

/* A setting that topics of spanmill have. */
struct bus_topic_setting {
    const char *key, *value;
};

struct bus_topic_plan {
    enum bus_topic topic;
    int32_t partitions;
    int replication;
    const struct bus_topic_setting *settings;
    size_t setting_count;
};

/* Creates a topic. OK; END: it exists already; RETRY: no answer; REJECT, STOP: refused. */
MUST_CHECK enum status bus_admin_create(struct bus_admin *admin, const struct bus_topic_plan *plan,
                                        struct failure *why);
/* Calls `differs` for each setting that is not as planned.
 * OK: checked; END: no such topic; RETRY: no answer; STOP: not allowed. */
MUST_CHECK enum status bus_admin_check(struct bus_admin *admin, const struct bus_topic_plan *plan,
                                       void (*differs)(void *context, const char *what,
                                                       const char *planned, const char *found),
                                       void *context, struct failure *why);

/* How many partitions a topic has. RETRY: no answer. REJECT: there is no such topic. */
MUST_CHECK enum status bus_admin_partitions(struct bus_admin *admin, enum bus_topic topic,
                                            int32_t *count, struct failure *why);

/* Committed offsets of the group PREFIX-ROLE in a topic: `offsets`, by partition, has room for
 * `count`; BUS_OFFSET_NONE where there is none. RETRY: no answer. STOP: not allowed. */
MUST_CHECK enum status bus_admin_group_offsets(struct bus_admin *admin, const char *role,
                                               enum bus_topic topic, int64_t *offsets,
                                               int32_t count, struct failure *why);

/* The number of members of the group PREFIX-ROLE: a crashed one counts until its session times out.
 * RETRY: no answer. STOP: not allowed. */
MUST_CHECK enum status bus_admin_group_members(struct bus_admin *admin, const char *role,
                                               size_t *count, struct failure *why);

#endif
