/* Creating and comparing topics, and offsets of other groups. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus_help.h"
#include "cli/topic_plans.h"

static struct bench bench;

static struct bus_admin *new_admin(void)
{
    struct bus_admin *admin;
    struct failure why = {""};
    cr_assert(eq(int, bus_admin_new(&bench.settings, &admin, &why), STATUS_OK), "%s", why.text);
    return admin;
}

struct differences {
    char text[512];
};

static void note(void *context, const char *what, const char *planned, const char *found)
{
    struct differences *differences = context;
    size_t used = strlen(differences->text);
    snprintf(differences->text + used, sizeof differences->text - used, "%s %s %s;", what, planned,
             found);
}

/* Whether they match the plan, as soon as the broker knows all of them. */
static enum status check(struct bus_admin *admin, const struct bus_topic_plan *plan,
                         struct differences *differences)
{
    struct failure why = {""};
    enum status status = STATUS_END;
    *differences = (struct differences){""};
    for (int i = 0; i < 50 && status != STATUS_OK; i++) {
        status = bus_admin_check(admin, plan, note, differences, &why);
        if (status != STATUS_OK)
            bench_sleep_ms(100);
    }
    return status;
}

Test(admin, makes_topics_that_are_as_planned, .timeout = 600)
{
    struct failure why = {""};
    struct differences differences;
    bench_init(&bench, 1);
    bench.settings.prefix = strcat(bench.prefix, "x");
    struct bus_admin *admin = new_admin();
    struct topic_settings wanted_settings = {.chunk_partitions = 6,
                                             .partitions = 3,
                                             .replication = 1,
                                             .min_insync = 1,
                                             .retention_ms = 86400000,
                                             .parked_retention_ms = 2 * 86400000,
                                             .state_segment_ms = 1000,
                                             .state_dirty = 1};
    struct topic_plans plans;
    topic_plans_init(&plans, &wanted_settings);
    for (int i = 0; i < BUS_TOPICS; i++)
        cr_expect(eq(int, bus_admin_create(admin, &plans.at[i], &why), STATUS_OK), "%s", why.text);
    for (int i = 0; i < BUS_TOPICS; i++) {
        cr_expect(eq(int, check(admin, &plans.at[i], &differences), STATUS_OK));
        cr_expect(eq(str, differences.text, ""));
        cr_expect(eq(int, bus_admin_create(admin, &plans.at[i], &why), STATUS_END));
    }
    wanted_settings.chunk_partitions = 7;
    wanted_settings.state_dirty = 50;
    topic_plans_init(&plans, &wanted_settings);
    cr_expect(eq(int, check(admin, &plans.at[BUS_CHUNKS], &differences), STATUS_OK));
    cr_expect(eq(str, differences.text, "partitions 7 6;"));
    cr_expect(eq(int, check(admin, &plans.at[BUS_STATE], &differences), STATUS_OK));
    cr_expect(eq(str, differences.text, "min.cleanable.dirty.ratio 0.5 0.01;"));
    bus_admin_free(admin);
}

Test(admin, sees_how_often_a_topic_is_replicated, .timeout = 600)
{
    struct differences differences;
    bench_init(&bench, 2);
    struct bus_admin *admin = new_admin();
    struct bus_topic_plan plan = {.topic = BUS_CHUNKS, .partitions = 2, .replication = 3};
    cr_expect(eq(int, check(admin, &plan, &differences), STATUS_OK));
    cr_expect(eq(str, differences.text, "replication 3 1;"));
    bus_admin_free(admin);
}

Test(admin, tells_what_a_broker_refuses, .timeout = 600)
{
    struct failure why = {""};
    bench_init(&bench, 1);
    struct bus_admin *admin = new_admin();
    struct bus_topic_plan plan = {.topic = BUS_RESULTS, .partitions = 1, .replication = 3};
    cr_expect(eq(int, bus_admin_create(admin, &plan, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, ".results") != NULL, "%s", why.text);
    struct bus_topic_setting setting = {"retention.ms", "long"};
    plan = (struct bus_topic_plan){.topic = BUS_RESULTS,
                                   .partitions = 1,
                                   .replication = 1,
                                   .settings = &setting,
                                   .setting_count = 1};
    cr_expect(eq(int, bus_admin_create(admin, &plan, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, "retention.ms") != NULL, "%s", why.text);
    bus_admin_free(admin);
}

/* Most brokers create a topic at its first use: with one partition and a retention of a week. */
Test(admin, makes_no_topic_by_asking_for_it, .timeout = 600)
{
    char folder[64];
    struct failure why = {""};
    struct differences differences = {""};
    setenv("BROKER_PROPERTIES", "auto.create.topics.enable=true", 1);
    bench_init_own_broker(&bench, 1, folder);
    struct bus_admin *admin = new_admin();
    struct bus_topic_plan plan = {.topic = BUS_RESULTS, .partitions = 2, .replication = 1};
    for (int i = 0; i < 3; i++) {
        cr_expect(eq(int, bus_admin_check(admin, &plan, note, &differences, &why), STATUS_END));
        bench_sleep_ms(300);
    }
    struct bus_producer *producer = bench_producer(&bench, NULL);
    struct bus_record record = bench_record(BUS_RESULTS, -1, "key", "value");
    for (int i = 0; i < 3; i++) {
        uint64_t end_ms = bench_now_ms() + LIMIT_MS;
        enum status status = STATUS_RETRY; /* as long as no broker has answered */
        while (status == STATUS_RETRY && bench_now_ms() < end_ms)
            status = bus_deliver(producer, &record, 1, 5000, NULL, NULL, &why);
        cr_expect(eq(int, status, STATUS_REJECT), "%s", why.text);
        bench_sleep_ms(300);
    }
    cr_expect(eq(int, bus_admin_create(admin, &plan, &why), STATUS_OK), "%s", why.text);
    cr_expect(eq(int, check(admin, &plan, &differences), STATUS_OK));
    cr_expect(eq(str, differences.text, ""));
    bus_producer_free(producer);
    bus_admin_free(admin);
    bench_broker(folder, "stop");
}

/* The first request for a group at a new broker waits for the topic that stores groups. */
static void group_offsets(struct bus_admin *admin, int64_t offsets[3], struct failure *why)
{
    enum status status = STATUS_RETRY;
    for (int i = 0; i < 20 && status == STATUS_RETRY; i++)
        status = bus_admin_group_offsets(admin, "test", BUS_CHUNKS, offsets, 3, why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why->text);
}

Test(admin, lists_what_another_group_committed, .timeout = 600)
{
    struct failure why = {""};
    struct member member;
    int64_t offsets[3] = {7, 7, 7};
    bench_init(&bench, 3);
    bench_fill(&bench, 1, 3);
    struct bus_admin *admin = new_admin();
    group_offsets(admin, offsets, &why);
    for (int i = 0; i < 3; i++)
        cr_expect(eq(i64, offsets[i], BUS_OFFSET_NONE), "there is no such group yet");
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    struct bus_offset at = {1, 2, "try=1"};
    cr_assert(eq(int, bus_consumer_commit(member.bus, &at, &why), STATUS_OK), "%s", why.text);
    group_offsets(admin, offsets, &why);
    cr_expect(eq(i64, offsets[0], BUS_OFFSET_NONE));
    cr_expect(eq(i64, offsets[1], 2));
    cr_expect(eq(i64, offsets[2], BUS_OFFSET_NONE));
    member_leave(&member);
    bus_admin_free(admin);
}
