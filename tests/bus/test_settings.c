/* Names, and settings that librdkafka does not take. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "bus/settings.h"

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
    cr_assert(eq(int, check("isolation.level", "loose", NULL, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, "isolation.level") != NULL, "%s", why.text);
}
