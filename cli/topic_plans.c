#include "cli/topic_plans.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

/* An announcement is read before its archive, so archives are kept longer. */
#define ARCHIVES_LONGER_MS (UINT64_C(86400) * 1000)
/* Active segments are not compacted. With Kafka's default size (1 GiB), a restore might read that
 * much for a few MiB of state. */
#define STATE_SEGMENT_BYTES (UINT64_C(64) << 20)
/* Records have at most 1,000,000 bytes (bus/producer.c); this is Kafka's default, which operators
 * may have lowered. */
#define RECORD_BYTES_MAX UINT64_C(1048588)

static void plan_value(struct topic_plans *plans, enum bus_topic topic, const char *key,
                       const char *value)
{
    struct bus_topic_plan *plan = &plans->at[topic];
    assert(plan->setting_count < TOPIC_SETTINGS_MAX);
    char *room = plans->values[topic][plan->setting_count];
    snprintf(room, TOPIC_VALUE_MAX, "%s", value);
    plans->settings[topic][plan->setting_count++] = (struct bus_topic_setting){key, room};
}

static void plan_number(struct topic_plans *plans, enum bus_topic topic, const char *key,
                        uint64_t value)
{
    char text[TOPIC_VALUE_MAX];
    snprintf(text, sizeof text, "%" PRIu64, value);
    plan_value(plans, topic, key, text);
}

static void plan_state(struct topic_plans *plans, enum bus_topic topic,
                       const struct topic_settings *wanted_settings)
{
    char ratio[TOPIC_VALUE_MAX];
    /* As Kafka formats it: 0.1, not 0.10. */
    snprintf(ratio, sizeof ratio, "%g", wanted_settings->state_dirty / 100.0);
    plan_value(plans, topic, "cleanup.policy", "compact");
    plan_number(plans, topic, "segment.bytes", STATE_SEGMENT_BYTES);
    plan_number(plans, topic, "segment.ms", wanted_settings->state_segment_ms);
    plan_value(plans, topic, "min.cleanable.dirty.ratio", ratio);
}

static void plan_log(struct topic_plans *plans, enum bus_topic topic, uint64_t retention_ms)
{
    plan_value(plans, topic, "cleanup.policy", "delete");
    plan_number(plans, topic, "retention.ms", retention_ms);
}

void topic_plans_init(struct topic_plans *plans, const struct topic_settings *wanted_settings)
{
    *plans = (struct topic_plans){0};
    for (int i = 0; i < BUS_TOPICS; i++) {
        enum bus_topic topic = (enum bus_topic)i;
        plans->at[i] = (struct bus_topic_plan){.topic = topic,
                                               .partitions = topic == BUS_CHUNKS
                                                                 ? wanted_settings->chunk_partitions
                                                                 : wanted_settings->partitions,
                                               .replication = wanted_settings->replication,
                                               .settings = plans->settings[i]};
        plan_number(plans, topic, "min.insync.replicas", (uint64_t)wanted_settings->min_insync);
        /* A replica that was behind must not discard acknowledged records. */
        plan_value(plans, topic, "unclean.leader.election.enable", "false");
        plan_number(plans, topic, "max.message.bytes", RECORD_BYTES_MAX);
        /* Ages are measured with one clock, the broker's, not those of hosts. */
        plan_value(plans, topic, "message.timestamp.type", "LogAppendTime");
    }
    plan_log(plans, BUS_CHUNKS, wanted_settings->retention_ms);
    plan_log(plans, BUS_ARCHIVES, wanted_settings->retention_ms + ARCHIVES_LONGER_MS);
    plan_log(plans, BUS_PARTIALS, wanted_settings->retention_ms);
    plan_state(plans, BUS_STATE, wanted_settings);
    plan_log(plans, BUS_RESULTS, wanted_settings->retention_ms);
    plan_log(plans, BUS_PARKED, wanted_settings->parked_retention_ms);
    plan_state(plans, BUS_EXPORT, wanted_settings);
}
