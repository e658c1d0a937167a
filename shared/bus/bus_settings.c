#include "bus/bus_settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/client.h"

void bus_topic_name(const struct bus_settings *settings, enum bus_topic topic,
                    char room[BUS_NAME_MAX])
{
    static const char *const names[BUS_TOPICS] = {
        [BUS_CHUNKS] = "chunks", [BUS_ARCHIVES] = "archives", [BUS_PARTIALS] = "partials",
        [BUS_STATE] = "state",   [BUS_RESULTS] = "results",   [BUS_PARKED] = "parked",
        [BUS_EXPORT] = "export"};
    snprintf(room, BUS_NAME_MAX, "%s.%s", settings->prefix, names[topic]);
}

void bus_group_name(const struct bus_settings *settings, const char *role, char room[BUS_NAME_MAX])
{
    snprintf(room, BUS_NAME_MAX, "%s-%s", settings->prefix, role);
}

/* --- settings that users must not set --- */

/* Settings needed to count each chunk once. A key that ends with `.` is a prefix. Some have two
 * names in librdkafka. */
static const struct own_setting {
    const char *key;
    const char *allowed; /* an equivalent value; NULL: none */
    const char *why;
} own_settings[] = {
    {"bootstrap.servers", NULL, "use -b, --brokers"},
    {"metadata.broker.list", NULL, "use -b, --brokers"},
    {"test.mock.", NULL, "mock brokers store no data"},
    {"group.id", NULL, "use --prefix; offsets belong to the group"},
    {"group.instance.id", NULL, "use --instance"},
    {"group.protocol", NULL, "rebalancing is eager"},
    {"group.protocol.type", NULL, "all members of a group need the same value"},
    {"group.remote.assignor", NULL, "all all members of a group need the same value"},
    {"partition.assignment.strategy", NULL,
     "rebalancing is eager, and all all members of a group need the same value strategy"},
    {"isolation.level", NULL, "records of aborted transactions must not be read"},
    {"enable.auto.commit", NULL, "offsets are committed in the transaction of their output"},
    {"auto.commit.enable", NULL, "offsets are committed in the transaction of their output"},
    {"auto.commit.interval.ms", NULL, "offsets are committed in the transaction of their output"},
    {"enable.auto.offset.store", NULL, "offsets are committed in the transaction of their output"},
    {"offset.store.method", NULL, "offsets are committed in the transaction of their output"},
    {"auto.offset.reset", NULL, "a deleted offset is reported, not skipped"},
    {"enable.partition.eof", NULL, "end-of-partition events are needed for gaps and lag"},
    {"transactional.id", NULL, "it is built from --prefix and --instance"},
    {"enable.idempotence", NULL, "records could be duplicated or reordered"},
    {"enable.gapless.guarantee", NULL, "it stops producers that could continue"},
    {"acks", "all", "records on one broker only are lost with it"},
    {"request.required.acks", "all", "records on one broker only are lost with it"},
    {"queuing.strategy", "fifo", "records could be reordered"},
    {"delivery.report.only.error", "false", "every delivery report is needed"},
    {"enabled_events", NULL, "deliveries and rebalances use callbacks, not events"},
    {"topic.blacklist", NULL, "topics would be hidden"},
    {"allow.auto.create.topics", "false", "use `spanmill topics create`"},
};

static bool is_own(const struct own_setting *own, const char *key)
{
    size_t length = strlen(own->key);
    return own->key[length - 1] == '.' ? strncmp(key, own->key, length) == 0
                                       : strcmp(key, own->key) == 0;
}

enum status settings_check_pair(const struct bus_pair *pair, struct failure *why)
{
    for (size_t i = 0; i < sizeof own_settings / sizeof *own_settings; i++) {
        const struct own_setting *own = &own_settings[i];
        if (!is_own(own, pair->key) || (own->allowed && strcmp(pair->value, own->allowed) == 0))
            continue;
        return fail(why, STATUS_REJECT, "%s%s%s cannot be set: %s",
                    pair->source ? pair->source : "", pair->source ? ": " : "", pair->key,
                    own->why);
    }
    return STATUS_OK;
}

/* --- brokers --- */

/* "HOST", "HOST:PORT", "[::1]:9092", with or without a protocol prefix. */
static bool is_broker(const char *at, size_t length)
{
    for (size_t i = 0; i + 3 <= length; i++)
        if (memcmp(at + i, "://", 3) == 0) {
            length -= i + 3;
            at += i + 3;
            break;
        }
    for (size_t i = 0; i < length; i++)
        if (isspace((unsigned char)at[i]) || at[i] == '/')
            return false;
    const char *bracket = memchr(at, ']', length);
    const char *host_end = bracket ? bracket + 1 : memchr(at, ':', length);
    if (!host_end || host_end == at + length)
        return length > 0;
    if (host_end == at || *host_end != ':')
        return false;
    char *end;
    unsigned long port = isdigit((unsigned char)host_end[1]) ? strtoul(host_end + 1, &end, 10) : 0;
    return port > 0 && port <= 65535 && end == at + length;
}

enum status bus_brokers_check(const char *brokers, struct failure *why)
{
    size_t count = 0;
    for (const char *at = brokers; *at; at += *at == ',') {
        at += strspn(at, " \t\r\n");
        size_t length = strcspn(at, ","), used = length;
        while (used > 0 && isspace((unsigned char)at[used - 1]))
            used--;
        if (used > 0 && !is_broker(at, used))
            return fail(why, STATUS_REJECT, "`%.*s` is not a broker address such as kafka-1:9092",
                        (int)used, at);
        count += used > 0;
        at += length;
    }
    if (count == 0)
        return fail(why, STATUS_REJECT, "no broker given; use HOST:PORT,...");
    return STATUS_OK;
}
