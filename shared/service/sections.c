#include "service/service.h"

static const struct config_row kafka_rows[] = {
    TEXT_ROW("brokers", 'b', "HOST:PORT,...", "localhost:9092", "bootstrap brokers"),
    TEXT_ROW("prefix", 0, "NAME", "spanmill", "prefix of topics, groups, and transactional ids"),
    PAIRS_ROW("kafka", 'X', "KEY=VALUE",
              "librdkafka property, such as security.protocol=SSL;\n"
              "variable: SPANMILL_KAFKA_SECURITY_PROTOCOL; repeatable"),
};

const struct config_section service_kafka_section = {"Kafka", kafka_rows,
                                                     sizeof kafka_rows / sizeof *kafka_rows};

static const struct config_row phases_rows[] = {SERVICE_PHASES_ROWS};

const struct config_section service_phases_section = {"Phases", phases_rows,
                                                      sizeof phases_rows / sizeof *phases_rows};

static const struct config_row rows[] = {
    TEXT_ROW("instance", 0, "NAME", NULL,
             "name of this process; must not change after a restart;\n"
             "default: HOST-PID"),
    TEXT_ROW("health-listen", 0, "HOST:PORT", "127.0.0.1:9464",
             "address of /livez, /readyz, and /metrics, or `off`; if the\n"
             "port is in use, the next free port"),
    DURATION_ROW("stuck-after", 0, "TIME", "30s", 100, 86400000,
                 "not alive if the main loop stalls for TIME"),
    DURATION_ROW("unready-after", 0, "TIME", "60s", 0, 86400000,
                 "not ready if no broker answers for TIME; 0: never"),
    DURATION_ROW("drain", 0, "TIME", "25s", 0, 86400000,
                 "time to finish current work after SIGTERM"),
    WORD_ROW("log-level", 0, "LEVEL", "info", LOG_LEVEL_WORDS, "error, warning, info, or debug"),
};

const struct config_section service_section = {"Service", rows, sizeof rows / sizeof *rows};
