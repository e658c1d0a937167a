/* Names, and settings that librdkafka does not accept. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus_settings.h"

static enum status check(const char *key, const char *value, const char *source,
                         struct failure *why)
{
    struct bus_pair pair = {key, value, source};
    struct bus_settings settings = {
        .brokers = "localhost:1", .prefix = "p", .pairs = &pair, .pair_count = 1};
    return bus_settings_check(&settings, why);
}

Test(settings, names_begin_with_the_prefix)
{
    struct bus_settings settings = {.prefix = "team-a"};
    char room[BUS_NAME_MAX];
    bus_topic_name(&settings, BUS_CHUNKS, room);
    cr_expect(eq(str, room, "team-a.chunks"));
    bus_topic_name(&settings, BUS_PARKED, room);
    cr_expect(eq(str, room, "team-a.parked"));
    bus_group_name(&settings, "mapper", room);
    cr_expect(eq(str, room, "team-a-mapper"));
}

Test(settings, takes_what_librdkafka_knows)
{
    struct failure why;
    cr_expect(eq(int, check("security.protocol", "SSL", "here", &why), STATUS_OK));
    cr_expect(eq(int, check("fetch.wait.max.ms", "20", NULL, &why), STATUS_OK));
}

Test(settings, names_a_key_that_is_unknown_and_its_source)
{
    struct failure why;
    cr_assert(eq(int, check("security.protokol", "SSL", "a.yaml:3", &why), STATUS_REJECT));
    cr_expect(strstr(why.text, "a.yaml:3") != NULL && strstr(why.text, "security.protokol") != NULL,
              "%s", why.text);
}

Test(settings, names_a_value_that_is_out_of_range)
{
    struct failure why;
    cr_assert(eq(int, check("session.timeout.ms", "-1", NULL, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, "session.timeout.ms") != NULL, "%s", why.text);
    cr_assert(eq(int, check("security.protocol", "loose", NULL, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, "security.protocol") != NULL, "%s", why.text);
}

/* Each of them could make chunks count twice or not at all. */
Test(settings, refuses_what_is_not_a_users_to_set_and_says_why)
{
    static const char *const keys[] = {"isolation.level",       "group.id",
                                       "group.instance.id",     "transactional.id",
                                       "enable.auto.commit",    "auto.commit.enable",
                                       "enable.idempotence",    "enable.auto.offset.store",
                                       "auto.offset.reset",     "bootstrap.servers",
                                       "metadata.broker.list",  "partition.assignment.strategy",
                                       "enable.partition.eof",  "delivery.report.only.error",
                                       "test.mock.num.brokers", "allow.auto.create.topics",
                                       "enabled_events",        "offset.store.method",
                                       "topic.blacklist"};
    static const char *const values[] = {"true", "1", "x", ""};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            struct failure why;
            cr_assert(eq(int, check(keys[i], values[j], "a.yaml:3", &why), STATUS_REJECT), "%s=%s",
                      keys[i], values[j]);
            char begin[80];
            snprintf(begin, sizeof begin, "a.yaml:3: %s cannot be set: ", keys[i]);
            cr_expect(strncmp(why.text, begin, strlen(begin)) == 0, "%s", why.text);
            cr_expect(gt(sz, strlen(why.text), strlen(begin) + 10));
        }
}

Test(settings, takes_acknowledgements_of_all_alone)
{
    struct failure why;
    cr_expect(eq(int, check("acks", "all", NULL, &why), STATUS_OK));
    static const char *const wrong[] = {"1", "0", "2", "leader"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect(eq(int, check("acks", wrong[i], NULL, &why), STATUS_REJECT));
        cr_expect(eq(int, check("request.required.acks", wrong[i], NULL, &why), STATUS_REJECT));
    }
}

Test(settings, brokers_are_named_as_such)
{
    static const char *const good[] = {"k",           "k:1",         "k-1:9092,k-2:9092",
                                       " k:1 , l:2 ", "k:1,",        "[::1]:9092",
                                       "[::1]",       "SSL://k:9093"};
    static const char *const bad[] = {
        "",    " ",       ",",   " , ",     "k:",  ":9092",         "k:x",
        "k:0", "k:70000", "k l", "k:1;l:2", "::1", "http://k/9092", "k:9092x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(eq(int, bus_brokers_check(good[i], NULL), STATUS_OK), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct failure why = {""};
        cr_expect(eq(int, bus_brokers_check(bad[i], &why), STATUS_REJECT), "%s", bad[i]);
        cr_expect(gt(sz, strlen(why.text), 10));
    }
}
