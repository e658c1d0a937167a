#include "export/worker/export_settings.h"

#include "service/service.h"

static const struct config_row rows[] = {
    TEXT_ROW("group", 0, "NAME", "export",
             "of exporters that share the work: its offsets and sums\n"
             "are its own. One for each set of receivers"),
    INTEGER_ROW("series-limit", 0, "N", "20000", 100, 1000000,
                "series of a session; what is over it goes under `other`"),
    DURATION_ROW("flush", 0, "TIME", "200ms", 0, 5000,
                 "what was sent within it shares a transaction"),
    DURATION_ROW("forget-after", 0, "TIME", "14d", 100, 3650ll * 86400000,
                 "the sums of a session silent for so long are dropped"),
};

static const struct config_section own = {"Exporting", rows, sizeof rows / sizeof *rows};

void export_settings_init(struct export_settings *settings)
{
    size_t count = 0;
    settings->sections[count++] = &own;
    for (size_t i = 0; i < OUTPUT_KINDS; i++)
        if (output_kinds[i]->section)
            settings->sections[count++] = output_kinds[i]->section;
    settings->sections[count++] = &service_kafka_section;
    settings->sections[count++] = &service_section;
    settings->program = (struct config_program){
        .command = "spanmill-export",
        .block = "export",
        .about =
            "Sends the results of the pool to those who draw and store them, interval by\n"
            "interval. Its sums are in Kafka: it can be ended at any time and started anywhere.",
        .sections = settings->sections,
        .count = count,
        .examples =
            "spanmill-export -b kafka-1:9092 --remote-write http://prometheus:9090/api/v1/write\n"
            "spanmill-export -b kafka-1:9092 --otlp http://collector:4318\n"
            "spanmill-export --config /etc/spanmill/spanmill.yaml --print-config",
    };
}
