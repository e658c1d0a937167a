/* export/output/otlp_message.h -- encodes intervals as uncompressed OTLP requests. */
#ifndef EXPORT_OUTPUT_OTLP_MESSAGE_H
#define EXPORT_OUTPUT_OTLP_MESSAGE_H

#include "export/listed_instances.h"

/* A request with `count` of the instances, from number `from` on, as spans; in `arena`. */
void otlp_encode_spans(const struct samples *interval, const struct listed_instances *instances,
                       size_t from, size_t count, struct arena *arena, struct bytes *out);

/* A request with `count` of the samples, from number `from` on, as metrics; in `arena`. */
void otlp_encode_metrics(const struct samples *interval, size_t from, size_t count,
                         struct arena *arena, struct bytes *out);

/* --- for senders --- */

/* The data of an interval for a signal; in an arena. */
struct otlp_spans {
    const struct samples *interval;
    struct listed_instances instances;
};

/* The above as otlp_items.encode: `context` is a struct otlp_spans, or a struct samples. */
void otlp_encode_some_spans(const void *context, size_t from, size_t count, struct arena *arena,
                            struct bytes *out);
void otlp_encode_some_metrics(const void *context, size_t from, size_t count, struct arena *arena,
                              struct bytes *out);

enum { OTLP_SPANS_MAX = 512, OTLP_SAMPLES_MAX = 2000 /* in one message */ };

#endif
