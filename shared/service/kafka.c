#include "service/kafka.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Syslog levels: 0 to 3 are errors, 4 is a warning, 5 and 6 are information. */
static void write_line(void *context, int level, const char *text)
{
    enum log_level ours = level <= 3   ? LOG_ERROR
                          : level == 4 ? LOG_WARNING
                          : level <= 6 ? LOG_INFO
                                       : LOG_DEBUG;
    log_say((const struct log *)context, ours, "librdkafka", log_text("text", text));
}

/* Topic names allow no other characters, and at most 249; the longest suffix is `.archives`. */
static enum status check_prefix(const struct config *config, struct failure *why)
{
    enum { PREFIX_MAX = 200 };
    const char *prefix = config_text(config, "prefix");
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (*prefix && strlen(prefix) <= PREFIX_MAX && prefix[strspn(prefix, letters)] == '\0')
        return STATUS_OK;
    return fail(why, STATUS_REJECT,
                "prefix (%s): `%s` must have 1 to %d letters, digits, dots, _, and -",
                config_source(config, "prefix"), prefix, PREFIX_MAX);
}

static enum status check_brokers(const struct config *config, struct failure *why)
{
    enum status status = bus_brokers_check(config_text(config, "brokers"), why);
    if (status != STATUS_OK)
        failure_prefix(why, "brokers (%s)", config_source(config, "brokers"));
    return status;
}

enum status kafka_settings_init(struct kafka_settings *settings, const struct config *config,
                                const struct log *log, struct failure *why)
{
    *settings = (struct kafka_settings){0};
    enum status status = check_prefix(config, why);
    if (status == STATUS_OK)
        status = check_brokers(config, why);
    if (status != STATUS_OK)
        return status;
    const struct config_pair *pairs = NULL;
    size_t count = config_pairs(config, "kafka", &pairs);
    settings->pairs = memory_new(count * sizeof *settings->pairs);
    for (size_t i = 0; i < count; i++)
        settings->pairs[i] = (struct bus_pair){pairs[i].key, pairs[i].value, pairs[i].source};
    settings->bus = (struct bus_settings){.brokers = config_text(config, "brokers"),
                                          .prefix = config_text(config, "prefix"),
                                          .pairs = settings->pairs,
                                          .pair_count = count,
                                          .log = write_line,
                                          .context = (void *)(uintptr_t)log};
    status = bus_settings_check(&settings->bus, why);
    if (status != STATUS_OK)
        kafka_settings_clear(settings);
    return status;
}

void kafka_settings_clear(struct kafka_settings *settings)
{
    free(settings->pairs);
    *settings = (struct kafka_settings){0};
}
