#include "mapper/worker/mapper_settings.h"

#include "mapper/decode/reader.h"
#include "service/service.h"

static const struct config_row rows[] = {
    INTEGER_ROW("threads", 'j', "N", "1", 1, 256,
                "workers in this process, one chunk each at a time"),
    BYTES_ROW("memory-limit", 0, "SIZE", "1G", 1 << 20, 1ll << 42,
              "of one unpacked chunk; larger ones are parked"),
    INTEGER_ROW("tries", 0, "N", "5", 0, 1000,
                "a chunk begun so often and never finished is parked;\n"
                "0: never"),
    TEXT_ROW("store-root", 0, "DIR", NULL,
             "archives by reference (file://) lie below it;\n"
             "without one, none are read"),
    DURATION_ROW("fetch-limit", 0, "TIME", "10m", 100, 86400000,
                 "an archive out of reach for so long is parked"),
    WORD_ROW("reader", 0, "NAME", "spanmill", "spanmill",
             "what decodes CTF: mappers have `spanmill` alone"),
    DURATION_ROW("poll", 0, "TIME", "100ms", 1, 10000,
                 "between looks at the group while a chunk is mapped"),
};

static const struct config_section own = {"Mapping", rows, sizeof rows / sizeof *rows};
static const struct config_section *const sections[] = {&own, &service_phases_section,
                                                        &service_kafka_section, &service_section};

const struct config_program mapper_program = {
    .command = "spanmill-mapper",
    .block = "mapper",
    .about = "Takes chunks of LTTng traces from Kafka and gives back partial spans. Start as many\n"
             "as there is work for.",
    .sections = sections,
    .count = sizeof sections / sizeof *sections,
    .examples = "spanmill-mapper -b kafka-1:9092 --phases shop.yaml\n"
                "spanmill-mapper --config /etc/spanmill/spanmill.yaml --print-config",
};
