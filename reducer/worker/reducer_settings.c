#include "reducer/worker/reducer_settings.h"

#include "service/service.h"

static const struct config_row rows[] = {
    DURATION_ROW("gap-after", 0, "TIME", "15m", 100, 30ll * 86400000,
                 "a chunk that is missing for so long, with nothing on its\n"
                 "way, is given up: its interval becomes a gap"),
    DURATION_ROW("expire-after", 0, "TIME", "24h", 100, 365ll * 86400000,
                 "a session silent for so long is closed"),
    DURATION_ROW("forget-after", 0, "TIME", "14d", 100, 3650ll * 86400000,
                 "the header of a closed session is kept so long: longer\n"
                 "than chunks and partials"),
    DURATION_ROW("flush", 0, "TIME", "200ms", 0, 5000,
                 "intervals joined within it share a transaction"),
    BYTES_ROW("waiting-limit", 0, "SIZE", "256M", 1, 1ll << 42,
              "of chunks that came early, in memory, per partition;\n"
              "beyond it they wait in a file without a name"),
    TEXT_ROW("spill-dir", 0, "DIR", "/tmp", "where that file is"),
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
