#include "reducer/worker/reducer_settings.h"

#include "service/service.h"

static const struct config_row rows[] = {
    DURATION_ROW("gap-after", 0, "TIME", "15m", 100, 30ll * 86400000,
                 "give up a chunk that is missing for TIME while nothing of\n"
                 "it arrives; its interval becomes a gap"),
    DURATION_ROW("expire-after", 0, "TIME", "24h", 100, 365ll * 86400000,
                 "close a session without new data for TIME"),
    DURATION_ROW("forget-after", 0, "TIME", "14d", 100, 3650ll * 86400000,
                 "keep the header of a closed session for TIME; must exceed\n"
                 "the retention of chunks and partials"),
    DURATION_ROW("flush", 0, "TIME", "200ms", 0, 5000,
                 "time to collect intervals for one transaction"),
    BYTES_ROW("waiting-limit", 0, "SIZE", "256M", 1, 1ll << 42,
              "memory per partition for chunks that arrived early;\n"
              "above it, they are spilled to an unlinked file"),
    TEXT_ROW("spill-dir", 0, "DIR", "/tmp", "folder of the spill file"),
};

static const struct config_section own = {"Joining", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &service_kafka_section,
                                                        &service_section};

const struct config_program reducer_program = {
    .command = "spanmill-reducer",
    .block = "reducer",
    .about = "Joins partials from Kafka in chunk order and writes results. It keeps its state in\n"
             "Kafka: you can stop it at any time and start it on any host.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill-reducer -b kafka-1:9092 --instance reducer-0\n"
                "spanmill-reducer --config /etc/spanmill/spanmill.yaml --print-config",
};
