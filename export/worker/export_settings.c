#include "export/worker/export_settings.h"

#include "service/service.h"

static const struct config_row rows[] = {
    TEXT_ROW("group", 0, "NAME", "export",
             "consumer group of exporters that share the work; each\n"
             "group has its own offsets and sums. Use one group per set\n"
             "of receivers"),
    INTEGER_ROW("series-limit", 0, "N", "20000", 100, 1000000,
                "maximum series per session; the rest goes to `other`"),
    DURATION_ROW("flush", 0, "TIME", "200ms", 0, 5000,
                 "time to collect intervals for one transaction"),
    DURATION_ROW("forget-after", 0, "TIME", "14d", 100, 3650ll * 86400000,
                 "drop the sums of a session without new data for TIME"),
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
            "Sends the results of the pool to Prometheus, OpenTelemetry, and PostgreSQL, interval\n"
            "by interval. It keeps its sums in Kafka: you can stop it at any time and start it on\n"
            "any host.",
        .sections = settings->sections,
        .count = count,
        .examples =
            "spanmill-export -b kafka-1:9092 --remote-write http://prometheus:9090/api/v1/write\n"
            "spanmill-export -b kafka-1:9092 --otlp http://collector:4318\n"
            "spanmill-export --config /etc/spanmill/spanmill.yaml --print-config",
    };
}
