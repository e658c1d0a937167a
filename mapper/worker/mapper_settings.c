#include "mapper/worker/mapper_settings.h"

#include "mapper/decode/reader.h"
#include "service/service.h"

static const struct config_row rows[] = {
    {.name = "threads",
     .letter = 'j',
     .type = CONFIG_INTEGER,
     .standard = "1",
     .least = 1,
     .most = 256,
     .argument = "N",
     .help = "workers in this process, one chunk each at a time"},
    {.name = "memory-limit",
     .type = CONFIG_BYTES,
     .standard = "1G",
     .least = 1 << 20,
     .most = 1ll << 42,
     .argument = "SIZE",
     .help = "of one unpacked chunk; larger ones are parked"},
    {.name = "tries",
     .type = CONFIG_INTEGER,
     .standard = "5",
     .least = 0,
     .most = 1000,
     .argument = "N",
     .help = "a chunk begun so often and never finished is parked;\n"
             "0: never"},
    {.name = "store-root",
     .type = CONFIG_TEXT,
     .argument = "DIR",
     .help = "archives by reference (file://) lie below it;\n"
             "without one, none are read"},
    {.name = "fetch-limit",
     .type = CONFIG_DURATION,
     .standard = "10m",
     .least = 100,
     .most = 86400000,
     .argument = "TIME",
     .help = "an archive out of reach for so long is parked"},
    {.name = "reader",
     .type = CONFIG_WORD,
     .standard = "spanmill",
     .words = "spanmill",
     .argument = "NAME",
     .help = "what decodes CTF: mappers have `spanmill` alone"},
    {.name = "poll",
     .type = CONFIG_DURATION,
     .standard = "100ms",
     .least = 1,
     .most = 10000,
     .argument = "TIME",
     .help = "between looks at the group while a chunk is mapped"},
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
