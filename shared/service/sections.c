#include "service/service.h"

static const struct config_row kafka_rows[] = {
    TEXT_ROW("brokers", 'b', "HOST:PORT,...", "localhost:9092", "brokers to begin with"),
    TEXT_ROW("prefix", 0, "NAME", "spanmill", "in front of topics, groups, transactional ids"),
    PAIRS_ROW("kafka", 'X', "KEY=VALUE",
              "a setting of librdkafka, like security.protocol=SSL;\n"
              "variables: SPANMILL_KAFKA_SECURITY_PROTOCOL"),
};

const struct config_section service_kafka_section = {"Kafka", kafka_rows,
                                                     sizeof kafka_rows / sizeof *kafka_rows};

static const struct config_row phases_rows[] = {
    LIST_ROW("definitions", 0, "FILE", "phases and counts (YAML); repeatable"),
    LIST_ROW("phases", 'p', "FILE", "the same, by its older name"),
    LIST_ROW("phase", 0, "DEF", "one phase: 'NAME[(PARENT)] : BEGIN [: END]'; repeatable"),
};

const struct config_section service_phases_section = {"Phases", phases_rows,
                                                      sizeof phases_rows / sizeof *phases_rows};

static const struct config_row rows[] = {
    TEXT_ROW("instance", 0, "NAME", NULL,
             "name of this process, the same after a restart;\n"
             "without one: HOST-PID"),
    TEXT_ROW("health-listen", 0, "HOST:PORT", "127.0.0.1:9464",
             "where /livez, /readyz, /metrics are; `off`: nowhere;\n"
             "the next free port where it is taken"),
    DURATION_ROW("stuck-after", 0, "TIME", "30s", 100, 86400000,
                 "the loop stands still that long: not alive"),
    DURATION_ROW("unready-after", 0, "TIME", "60s", 0, 86400000,
                 "no broker answers that long: not ready; 0: whatever"),
    DURATION_ROW("drain", 0, "TIME", "25s", 0, 86400000,
                 "after SIGTERM, to finish what is in hand"),
    WORD_ROW("log-level", 0, "LEVEL", "info", LOG_LEVEL_WORDS, "error, warning, info, debug"),
};

const struct config_section service_section = {"Service", rows, sizeof rows / sizeof *rows};
