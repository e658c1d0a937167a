/* export/output/otlp_message.h -- intervals as requests of the OpenTelemetry protocol, not compressed. */
#ifndef EXPORT_OUTPUT_OTLP_MESSAGE_H
#define EXPORT_OUTPUT_OTLP_MESSAGE_H

#include "export/told_instances.h"

/* A request with `count` of the instances, from number `from` on, as spans; in `arena`. */
void otlp_encode_spans(const struct samples *interval, const struct told_instances *instances,
                       size_t from, size_t count, struct arena *arena, struct bytes *out);

/* A request with `count` of the samples, from number `from` on, as metrics; in `arena`. */
void otlp_encode_metrics(const struct samples *interval, size_t from, size_t count,
                         struct arena *arena, struct bytes *out);

#endif
