/* cli/topic_plans.h -- required properties of the pool's topics. docs/TOPICS.md has the reasons. */
#ifndef CLI_TOPIC_PLANS_H
#define CLI_TOPIC_PLANS_H

#include <stdint.h>

#include "bus/admin.h"

struct topic_settings {
    int32_t chunk_partitions, partitions; /* of chunks; of each of the others */
    int replication, min_insync;
    uint64_t retention_ms, parked_retention_ms;
    uint64_t state_segment_ms; /* a segment may be compacted after it */
    unsigned state_dirty;      /* percentage of uncompacted log that triggers compaction */
};

enum { TOPIC_SETTINGS_MAX = 8, TOPIC_VALUE_MAX = 24 };

struct topic_plans {
    struct bus_topic_plan at[BUS_TOPICS]; /* points into the arrays below: do not copy */
    struct bus_topic_setting settings[BUS_TOPICS][TOPIC_SETTINGS_MAX];
    char values[BUS_TOPICS][TOPIC_SETTINGS_MAX][TOPIC_VALUE_MAX];
};

void topic_plans_init(struct topic_plans *plans, const struct topic_settings *wanted_settings);

#endif
