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

/* --- what is not a user's to set --- */

/* Settings on which it depends that each chunk counts once. A key that ends with `.` is of all that
 * begin so. librdkafka has some under two names. */
static const struct own_setting {
    const char *key;
    const char *allowed; /* a value that is as good as ours; NULL: none */
    const char *why;
} own_settings[] = {
    {"bootstrap.servers", NULL, "brokers are told by -b, --brokers"},
    {"metadata.broker.list", NULL, "brokers are told by -b, --brokers"},
    {"test.mock.", NULL, "brokers of a test keep nothing"},
    {"group.id", NULL, "groups are named by --prefix, and offsets are those of the group"},
    {"group.instance.id", NULL, "members are named by --instance"},
    {"group.protocol", NULL, "partitions are given back all at once when members change"},
    {"group.protocol.type", NULL, "members of a group need the same"},
    {"group.remote.assignor", NULL, "all members of a group need the same"},
    {"partition.assignment.strategy", NULL,
     "partitions are given back all at once when members change, and members need the same"},
    {"isolation.level", NULL, "what a transaction that was aborted has sent must not be read"},
    {"enable.auto.commit", NULL, "offsets are committed with what was made of the records"},
    {"auto.commit.enable", NULL, "offsets are committed with what was made of the records"},
    {"auto.commit.interval.ms", NULL, "offsets are committed with what was made of the records"},
    {"enable.auto.offset.store", NULL, "offsets are committed with what was made of the records"},
    {"offset.store.method", NULL, "offsets are kept by the brokers, with what was made of records"},
    {"auto.offset.reset", NULL, "an offset that is gone is said, and not passed over"},
    {"enable.partition.eof", NULL, "gaps and lag are told by the ends of partitions"},
    {"transactional.id", NULL, "it is made of --prefix and --instance"},
    {"enable.idempotence", NULL, "records would be there twice, or in another order"},
    {"enable.gapless.guarantee", NULL, "it ends producers that could go on"},
    {"acks", "all", "what one broker alone has is lost with it"},
    {"request.required.acks", "all", "what one broker alone has is lost with it"},
    {"queuing.strategy", "fifo", "records would be sent in another order"},
    {"delivery.report.only.error", "false", "a record is sent when its delivery is reported"},
    {"enabled_events", NULL, "deliveries and rebalances are told by calls, not by events"},
    {"topic.blacklist", NULL, "topics would not be seen"},
    {"allow.auto.create.topics", "false", "topics are made by `spanmill topics create`"},
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

/* "HOST", "HOST:PORT", "[::1]:9092", with a protocol's name in front or without. */
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
            return fail(why, STATUS_REJECT, "`%.*s` is no broker like kafka-1:9092", (int)used, at);
        count += used > 0;
        at += length;
    }
    if (count == 0)
        return fail(why, STATUS_REJECT, "no broker is named: HOST:PORT,...");
    return STATUS_OK;
}
