#include "cli/cmd_topics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bus/admin.h"
#include "cli/options.h"
#include "service/kafka.h"
#include "service/service.h"

static const struct config_row rows[] = {
    {.name = "chunk-partitions",
     .type = CONFIG_INTEGER,
     .standard = "64",
     .least = 1,
     .most = 10000,
     .argument = "N",
     .help = "of chunks: as many as there may ever be mappers"},
    {.name = "partitions",
     .type = CONFIG_INTEGER,
     .standard = "16",
     .least = 1,
     .most = 10000,
     .argument = "N",
     .help = "of the others: as many as there may ever be reducers"},
    {.name = "replication",
     .type = CONFIG_INTEGER,
     .standard = "3",
     .least = 1,
     .most = 100,
     .argument = "N",
     .help = "copies of each record"},
    {.name = "min-insync",
     .type = CONFIG_INTEGER,
     .standard = "2",
     .least = 1,
     .most = 100,
     .argument = "N",
     .help = "copies that must be there before a record counts"},
    {.name = "retention",
     .type = CONFIG_DURATION,
     .standard = "3d",
     .least = 60000,
     .most = 3650ll * 86400000,
     .argument = "TIME",
     .help = "of chunks, partials and results; archives one day more"},
    {.name = "rejected-retention",
     .type = CONFIG_DURATION,
     .standard = "14d",
     .least = 60000,
     .most = 3650ll * 86400000,
     .argument = "TIME",
     .help = "of what was parked"},
    {.name = "state-segment",
     .type = CONFIG_DURATION,
     .standard = "1h",
     .least = 100,
     .most = 30ll * 86400000,
     .argument = "TIME",
     .help = "of the compacted topic: what is older is compacted"},
};
static const struct config_section own = {"Topics", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &service_kafka_section};
static const struct config_program program = {
    .command = "spanmill topics",
    .block = "topics",
    .operands = "create|check",
    .about = "Makes the topics that are not there, or says how those that are differ from what they\n"
             "should be.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill topics create -b kafka-1:9092\n"
                "spanmill topics check -b kafka-1:9092 --prefix staging",
};

enum { SETTINGS_MAX = 12, NUMBER_MAX = 24, DAY_MS = 86400000 };

/* A plan and the texts of its numbers. */
struct plan {
    struct bus_topic_plan plan;
    struct bus_topic_setting settings[SETTINGS_MAX];
    char numbers[SETTINGS_MAX][NUMBER_MAX];
};

static void set(struct plan *plan, const char *key, const char *value)
{
    plan->settings[plan->plan.setting_count++] = (struct bus_topic_setting){key, value};
}

static void set_number(struct plan *plan, const char *key, uint64_t value)
{
    char *number = plan->numbers[plan->plan.setting_count];
    snprintf(number, NUMBER_MAX, "%llu", (unsigned long long)value);
    set(plan, key, number);
}

static void plan_topic(struct plan *plan, enum bus_topic topic, const struct config *config)
{
    *plan = (struct plan){
        .plan = {.topic = topic,
                 .partitions = (int32_t)config_integer(
                     config, topic == BUS_CHUNKS ? "chunk-partitions" : "partitions"),
                 .replication = (int)config_integer(config, "replication"),
                 .settings = plan->settings}};
    set_number(plan, "min.insync.replicas", (uint64_t)config_integer(config, "min-insync"));
    set(plan, "unclean.leader.election.enable", "false");
    set(plan, "message.timestamp.type", "LogAppendTime");
    if (topic == BUS_STATE) {
        /* Small segments, often compacted: else restoring reads what was replaced long ago. */
        set(plan, "cleanup.policy", "compact");
        set(plan, "segment.bytes", "67108864");
        set_number(plan, "segment.ms", config_duration_ms(config, "state-segment"));
        set(plan, "min.cleanable.dirty.ratio", "0.1");
        return;
    }
    uint64_t retention_ms = config_duration_ms(config, "retention");
    if (topic == BUS_REJECTED)
        retention_ms = config_duration_ms(config, "rejected-retention");
    if (topic == BUS_ARCHIVES)
        retention_ms += DAY_MS; /* what an announcement points to outlives it */
    set(plan, "cleanup.policy", "delete");
    set_number(plan, "retention.ms", retention_ms);
}

struct difference {
    const char *topic;
    unsigned count;
};

static void differs(void *context, const char *what, const char *planned, const char *found)
{
    struct difference *difference = context;
    printf("%s: %s is %s, should be %s\n", difference->topic, what, found, planned);
    difference->count++;
}

/* How many topics are not as they should be; -1 if that cannot be told. */
static int check_all(struct bus_admin *admin, const struct bus_settings *bus,
                     const struct config *config, struct failure *why)
{
    int wrong = 0;
    for (int i = 0; i < BUS_TOPICS; i++) {
        struct plan plan;
        char name[BUS_NAME_MAX];
        plan_topic(&plan, (enum bus_topic)i, config);
        bus_topic_name(bus, plan.plan.topic, name);
        struct difference difference = {.topic = name};
        enum status status =
            bus_admin_check(admin, &plan.plan, differs, &difference, why);
        if (status == STATUS_RETRY || status == STATUS_REJECT)
            return -1;
        if (status == STATUS_END)
            printf("%s: is not there\n", name);
        else if (difference.count == 0)
            printf("%s: as it should be\n", name);
        wrong += status == STATUS_END || difference.count > 0;
    }
    return wrong;
}

static int create_all(struct bus_admin *admin, const struct bus_settings *bus,
                      const struct config *config, struct failure *why)
{
    for (int i = 0; i < BUS_TOPICS; i++) {
        struct plan plan;
        char name[BUS_NAME_MAX];
        plan_topic(&plan, (enum bus_topic)i, config);
        bus_topic_name(bus, plan.plan.topic, name);
        enum status status = bus_admin_create(admin, &plan.plan, why);
        if (status != STATUS_OK && status != STATUS_END)
            return -1;
        printf("%s: %s\n", name, status == STATUS_END ? "was there" : "made");
    }
    return 0;
}

static int run(const struct config *config, const struct bus_settings *bus, bool create)
{
    struct bus_admin *admin;
    struct failure why;
    enum status status = bus_admin_new(bus, &admin, &why);
    int wrong = -1;
    if (status == STATUS_OK) {
        wrong = create ? create_all(admin, bus, config, &why) : check_all(admin, bus, config, &why);
        bus_admin_free(admin);
    }
    if (wrong < 0)
        fprintf(stderr, "spanmill topics: %s\n", why.text);
    return wrong == 0 && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

int cmd_topics(int argc, char **argv)
{
    struct config *config;
    enum config_outcome outcome = config_load(&program, argc, argv, stdout, stderr, &config);
    if (outcome != CONFIG_RUN)
        return (int)outcome;
    char *const *words;
    size_t count = config_operands(config, &words);
    bool create = count == 1 && strcmp(words[0], "create") == 0;
    struct log log = {.file = stderr, .program = "spanmill topics", .level = LOG_WARNING};
    struct kafka_settings kafka;
    struct failure why;
    int code = EXIT_WRONG_USAGE;
    if (!create && (count != 1 || strcmp(words[0], "check") != 0)) {
        config_wrong(config, stderr, "`create` or `check`");
    } else if (kafka_settings_init(&kafka, config, &log, &why) != STATUS_OK) {
        config_wrong(config, stderr, "%s", why.text);
    } else {
        code = run(config, &kafka.bus, create);
        kafka_settings_clear(&kafka);
    }
    config_free(config);
    return code;
}
