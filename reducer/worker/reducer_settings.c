#include "reducer/worker/reducer_settings.h"

#include "service/service.h"

static const struct config_row rows[] = {
    {.name = "gap-after",
     .type = CONFIG_DURATION,
     .standard = "15m",
     .least = 100,
     .most = 30ll * 86400000,
     .argument = "TIME",
     .help = "a chunk that is missing for so long, with nothing on its\n"
             "way, is given up: its interval becomes a gap"},
    {.name = "expire-after",
     .type = CONFIG_DURATION,
     .standard = "24h",
     .least = 100,
     .most = 365ll * 86400000,
     .argument = "TIME",
     .help = "a session silent for so long is closed"},
    {.name = "forget-after",
     .type = CONFIG_DURATION,
     .standard = "14d",
     .least = 100,
     .most = 3650ll * 86400000,
     .argument = "TIME",
     .help = "the header of a closed session is kept so long: longer\n"
             "than chunks and partials"},
    {.name = "flush",
     .type = CONFIG_DURATION,
     .standard = "200ms",
     .least = 0,
     .most = 5000,
     .argument = "TIME",
     .help = "intervals joined within it share a transaction"},
    {.name = "waiting-limit",
     .type = CONFIG_BYTES,
     .standard = "256M",
     .least = 1,
     .most = 1ll << 42,
     .argument = "SIZE",
     .help = "of chunks that came early, in memory, per partition;\n"
             "beyond it they wait in a file without a name"},
    {.name = "spill-dir",
     .type = CONFIG_TEXT,
     .standard = "/tmp",
     .argument = "DIR",
     .help = "where that file is"},
};

static const struct config_section own = {"Joining", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &service_kafka_section,
                                                        &service_section};

const struct config_program reducer_program = {
    .command = "spanmill-reducer",
    .block = "reducer",
    .about =
        "Joins partial spans from Kafka, chunk by chunk, and gives back results. Its state is in\n"
        "Kafka, too: it can be ended at any time and started anywhere.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill-reducer -b kafka-1:9092 --instance reducer-0\n"
                "spanmill-reducer --config /etc/spanmill/spanmill.yaml --print-config",
};
