#include "export/output/output.h"

const struct output_kind *const output_kinds[OUTPUT_KINDS] = {
    &output_remote_write, &output_otlp_traces, &output_otlp_metrics, &output_otlp_kafka,
    &output_postgres};
