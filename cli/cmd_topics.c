#include "cli/commands.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bus/fit.h"
#include "cli/topic_plans.h"
#include "service/kafka.h"
#include "service/service.h"

#define YEAR_MS (365ll * 86400 * 1000)

/* A new topic appears in the brokers' metadata after a moment: number of checks, and pause. */
enum { APPEARS_TRIES = 100, APPEARS_PAUSE_MS = 100 };

static const struct config_row rows[] = {
    INTEGER_ROW("chunk-partitions", 0, "N", "64", 1, 10000,
                "partitions of chunks: the maximum number of mappers"),
    INTEGER_ROW("partitions", 0, "N", "16", 1, 10000,
                "partitions of other topics: the maximum number of\n"
                "reducers"),
    INTEGER_ROW("replication", 0, "N", "3", 1, 100, "replication factor"),
    INTEGER_ROW("min-insync", 0, "N", "2", 1, 100, "min.insync.replicas"),
    DURATION_ROW("retention", 0, "TIME", "3d", 60000, 10 * YEAR_MS,
                 "of chunks, partials, and results; one day more for archives"),
    DURATION_ROW("parked-retention", 0, "TIME", "10d", 60000, 10 * YEAR_MS, "of parked chunks"),
    DURATION_ROW("state-segment", 0, "TIME", "1h", 100, 30ll * 86400000,
                 "segment.ms of the state topic (compacted)"),
    INTEGER_ROW("state-dirty", 0, "PERCENT", "10", 1, 100,
                "min.cleanable.dirty.ratio of the state topic, in percent"),
};
static const struct config_section own = {"Topics", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &service_kafka_section};
static const struct config_program program = {
    .command = "spanmill topics",
    .block = "topics",
    .operands = "create|check|print",
    .about = "Creates or checks the topics of the pool. `create` does not change existing topics.\n"
             "Both report topics that differ from the expected settings and then exit with 1.\n"
             "`print` needs no broker: it prints the expected settings, one topic per line, for\n"
             "other tools that create topics.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill topics create -b kafka-1:9092\n"
                "spanmill topics create --partitions 4 --chunk-partitions 4 --replication 1 "
                "--min-insync 1\n"
                "spanmill topics check --config /etc/spanmill/spanmill.yaml",
};

static struct topic_settings topic_settings_of(const struct config *config)
{
    /* The tables limit the values. */
    return (struct topic_settings){
        .chunk_partitions = (int32_t)config_integer(config, "chunk-partitions"),
        .partitions = (int32_t)config_integer(config, "partitions"),
        .replication = (int)config_integer(config, "replication"),
        .min_insync = (int)config_integer(config, "min-insync"),
        .retention_ms = config_duration_ms(config, "retention"),
        .parked_retention_ms = config_duration_ms(config, "parked-retention"),
        .state_segment_ms = config_duration_ms(config, "state-segment"),
        .state_dirty = (unsigned)config_integer(config, "state-dirty"),
    };
}

/* The check of one topic. */
struct topic_check {
    const char *name;
    size_t differences;
};

static void tell_difference(void *context, const char *what, const char *planned, const char *found)
{
    struct topic_check *check = context;
    check->differences++;
    printf("%s: %s is %s, should be %s\n", check->name, what, found, planned);
}

/* Checks a topic; waits for a new one. */
static enum status check_topic(struct bus_admin *admin, const struct bus_topic_plan *plan,
                               bool made, struct topic_check *check, struct failure *why)
{
    enum status status;
    for (int tries = made ? APPEARS_TRIES : 1;; tries--) {
        status = bus_admin_check(admin, plan, tell_difference, check, why);
        if (status != STATUS_END || tries <= 1)
            return status;
        nanosleep(&(struct timespec){.tv_nsec = APPEARS_PAUSE_MS * 1000000L}, NULL);
    }
}

static enum status do_topic(struct bus_admin *admin, const struct bus_topic_plan *plan, bool create,
                            const char *name, bool *well, struct failure *why)
{
    enum status status = STATUS_END;
    if (create)
        status = bus_admin_create(admin, plan, why);
    if (status != STATUS_OK && status != STATUS_END)
        return status;
    bool made = status == STATUS_OK;
    struct topic_check check = {.name = name};
    status = check_topic(admin, plan, made, &check, why);
    if (status == STATUS_END) {
        printf("%s: does not exist\n", name);
        *well = false;
        return STATUS_OK;
    }
    if (status == STATUS_OK && check.differences == 0)
        printf("%s: %s, %d partitions\n", name, made ? "made" : "as expected",
               (int)plan->partitions);
    *well = *well && check.differences == 0;
    return status;
}

/* Reports partitions of partials that no reducer can join. */
static void check_fit(struct bus_admin *admin, const struct bus_settings *bus, bool *well)
{
    int32_t partials, state;
    struct failure why;
    if (bus_admin_partitions(admin, BUS_PARTIALS, &partials, &why) != STATUS_OK ||
        bus_admin_partitions(admin, BUS_STATE, &state, &why) != STATUS_OK)
        return; /* already reported */
    if (bus_fit_check(bus, partials, state, &why) == STATUS_OK)
        return;
    printf("topics do not match: %s\n", why.text);
    *well = false;
}

static enum exit_code run(const struct config *config, const struct bus_settings *bus, bool create)
{
    struct topic_settings wanted_settings = topic_settings_of(config);
    struct topic_plans plans;
    topic_plans_init(&plans, &wanted_settings);
    struct failure why;
    struct bus_admin *admin;
    bool well = true;
    enum status status = bus_admin_new(bus, &admin, &why);
    for (int i = 0; i < BUS_TOPICS && status == STATUS_OK; i++) {
        char name[BUS_NAME_MAX];
        bus_topic_name(bus, (enum bus_topic)i, name);
        status = do_topic(admin, &plans.at[i], create, name, &well, &why);
    }
    if (status == STATUS_OK)
        check_fit(admin, bus, &well);
    bus_admin_free(admin);
    if (status != STATUS_OK)
        fprintf(stderr, "spanmill topics: %s\n", why.text);
    if (fflush(stdout) != 0)
        return EXIT_FAILED;
    return status == STATUS_OK && well ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code print(const struct config *config, const struct bus_settings *bus)
{
    struct topic_settings wanted_settings = topic_settings_of(config);
    struct topic_plans plans;
    topic_plans_init(&plans, &wanted_settings);
    for (int i = 0; i < BUS_TOPICS; i++) {
        const struct bus_topic_plan *plan = &plans.at[i];
        char name[BUS_NAME_MAX];
        bus_topic_name(bus, plan->topic, name);
        printf("%s partitions=%d replication=%d", name, (int)plan->partitions, plan->replication);
        for (size_t k = 0; k < plan->setting_count; k++)
            printf(" %s=%s", plan->settings[k].key, plan->settings[k].value);
        putchar('\n');
    }
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

enum action { ACTION_CREATE, ACTION_CHECK, ACTION_PRINT, ACTIONS };

static bool read_action(const struct config *config, enum action *action)
{
    static const char *const names[ACTIONS] = {"create", "check", "print"};
    char *const *operands;
    size_t count = config_operands(config, &operands);
    if (count != 1) {
        config_wrong(config, stderr, "expected create, check, or print");
        return false;
    }
    *action = ACTION_CREATE;
    while (*action < ACTIONS && strcmp(operands[0], names[*action]) != 0)
        ++*action;
    if (*action == ACTIONS) {
        config_wrong(config, stderr, "unknown `%s`; expected create, check, or print", operands[0]);
        return false;
    }
    long long copies = config_integer(config, "replication");
    long long wanted = config_integer(config, "min-insync");
    if (wanted > copies) {
        config_wrong(
            config, stderr, "min-insync, %lld (%s), is greater than replication, %lld (%s)", wanted,
            config_source(config, "min-insync"), copies, config_source(config, "replication"));
        return false;
    }
    return true;
}

int cmd_topics(int argc, char **argv)
{
    struct config *config;
    enum config_outcome outcome = config_load(&program, argc, argv, stdout, stderr, &config);
    if (outcome != CONFIG_RUN)
        return (int)outcome;
    enum action action;
    if (!read_action(config, &action)) {
        config_free(config);
        return EXIT_WRONG_USAGE;
    }
    struct log log = {.file = stderr, .program = "spanmill topics", .level = LOG_WARNING};
    struct kafka_settings kafka;
    struct failure why;
    if (kafka_settings_init(&kafka, config, &log, &why) != STATUS_OK) {
        config_wrong(config, stderr, "%s", why.text);
        config_free(config);
        return EXIT_WRONG_USAGE;
    }
    enum exit_code code = action == ACTION_PRINT ? print(config, &kafka.bus)
                                                 : run(config, &kafka.bus, action == ACTION_CREATE);
    kafka_settings_clear(&kafka);
    config_free(config);
    return (int)code;
}
