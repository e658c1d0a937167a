#include "service/service.h"

static const struct config_row kafka_rows[] = {
    {.name = "brokers",
     .letter = 'b',
     .type = CONFIG_TEXT,
     .standard = "localhost:9092",
     .argument = "HOST:PORT,...",
     .help = "brokers to begin with"},
    {.name = "prefix",
     .type = CONFIG_TEXT,
     .standard = "spanmill",
     .argument = "NAME",
     .help = "in front of topics, groups, transactional ids"},
    {.name = "kafka",
     .letter = 'X',
     .type = CONFIG_PAIRS,
     .argument = "KEY=VALUE",
     .help = "a setting of librdkafka, like security.protocol=SSL;\n"
             "variables: SPANMILL_KAFKA_SECURITY_PROTOCOL"},
};

const struct config_section service_kafka_section = {"Kafka", kafka_rows,
                                                     sizeof kafka_rows / sizeof *kafka_rows};

static const struct config_row phases_rows[] = {
    {.name = "phases",
     .letter = 'p',
     .type = CONFIG_LIST,
     .argument = "FILE",
     .help = "phase definitions (YAML); repeatable. Mappers and\n"
             "reducers need the same"},
    {.name = "phase",
     .type = CONFIG_LIST,
     .argument = "DEF",
     .help = "one phase: 'NAME[(PARENT)] : BEGIN [: END]'; repeatable"},
};

const struct config_section service_phases_section = {"Phases", phases_rows,
                                                      sizeof phases_rows / sizeof *phases_rows};

static const struct config_row rows[] = {
    {.name = "instance",
     .type = CONFIG_TEXT,
     .argument = "NAME",
     .help = "name of this process, the same after a restart;\n"
             "without one: HOST-PID"},
    {.name = "health-listen",
     .type = CONFIG_TEXT,
     .standard = "127.0.0.1:9464",
     .argument = "HOST:PORT",
     .help = "where /livez, /readyz, /metrics are; `off`: nowhere;\n"
             "the next free port where it is taken"},
    {.name = "stuck-after",
     .type = CONFIG_DURATION,
     .standard = "30s",
     .least = 100,
     .most = 86400000,
     .argument = "TIME",
     .help = "the loop stands still that long: not alive"},
    {.name = "unready-after",
     .type = CONFIG_DURATION,
     .standard = "60s",
     .least = 0,
     .most = 86400000,
     .argument = "TIME",
     .help = "no broker answers that long: not ready; 0: whatever"},
    {.name = "drain",
     .type = CONFIG_DURATION,
     .standard = "25s",
     .least = 0,
     .most = 86400000,
     .argument = "TIME",
     .help = "after SIGTERM, to finish what is in hand"},
    {.name = "log-level",
     .type = CONFIG_WORD,
     .standard = "info",
     .words = LOG_LEVEL_WORDS,
     .argument = "LEVEL",
     .help = "error, warning, info, debug"},
};

const struct config_section service_section = {"Service", rows, sizeof rows / sizeof *rows};
