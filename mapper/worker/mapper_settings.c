#include "mapper/worker/mapper_settings.h"

#include "service/service.h"

static const struct config_row rows[] = {
    INTEGER_ROW("threads", 'j', "N", "1", 1, 256, "worker threads; each maps one chunk at a time"),
    BYTES_ROW("memory-limit", 0, "SIZE", "1G", 1 << 20, 1ll << 42,
              "largest unpacked chunk; larger chunks are parked"),
    INTEGER_ROW("tries", 0, "N", "5", 0, 1000,
                "park a chunk after N tries that did not finish;\n"
                "0: never"),
    TEXT_ROW("store-root", 0, "DIR", NULL,
             "folder of archives by reference (file://); default:\n"
             "archives by reference are parked"),
    DURATION_ROW("fetch-limit", 0, "TIME", "10m", 100, 86400000,
                 "park a chunk whose archive is unreachable for TIME"),
    WORD_ROW("reader", 0, "NAME", "spanmill", "spanmill",
             "CTF decoder; mappers only have `spanmill`"),
    DURATION_ROW("poll", 0, "TIME", "100ms", 1, 10000,
                 "poll interval of the consumer group while mapping"),
};

static const struct config_section own = {"Mapping", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &service_phases_section,
                                                        &service_kafka_section, &service_section};

const struct config_program mapper_program = {
    .command = "spanmill-mapper",
    .block = "mapper",
    .about = "Reads chunks of LTTng traces from Kafka and writes partials. Start any number of\n"
             "mappers.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill-mapper -b kafka-1:9092 --phases shop.yaml\n"
                "spanmill-mapper --config /etc/spanmill/spanmill.yaml --print-config",
};
