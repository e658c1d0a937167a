/* The OTLP outputs: phase instances as spans, samples as metrics. */
#include "export/output/otlp_message.h"
#include "export/output/otlp_post.h"

void otlp_encode_some_spans(const void *context, size_t from, size_t count, struct arena *arena,
                            struct bytes *out)
{
    const struct otlp_spans *spans = context;
    otlp_encode_spans(spans->interval, &spans->instances, from, count, arena, out);
}

void otlp_encode_some_metrics(const void *context, size_t from, size_t count, struct arena *arena,
                              struct bytes *out)
{
    otlp_encode_metrics(context, from, count, arena, out);
}

static enum status send_traces(void *output, const struct export_interval *interval,
                               const struct output_patience *patience, struct output_answer *answer,
                               struct failure *why)
{
    struct arena arena = {.first = NULL};
    struct otlp_spans spans = {.interval = &interval->samples};
    listed_instances_of(interval, &arena, &spans.instances);
    struct otlp_items items = {spans.instances.count, OTLP_SPANS_MAX, otlp_encode_some_spans,
                               &spans};
    enum status status = otlp_post_send(output, &items, patience, answer, why);
    answer->outdated = spans.instances.late;
    arena_clear(&arena);
    return status;
}

static enum status send_metrics(void *output, const struct export_interval *interval,
                                const struct output_patience *patience,
                                struct output_answer *answer, struct failure *why)
{
    struct otlp_items items = {interval->samples.count, OTLP_SAMPLES_MAX, otlp_encode_some_metrics,
                               &interval->samples};
    return otlp_post_send(output, &items, patience, answer, why);
}

/* --- opening --- */

static bool wants_traces(const struct config *config)
{
    return otlp_is_wanted(config, OTLP_TRACES);
}

static bool wants_metrics(const struct config *config)
{
    return otlp_is_wanted(config, OTLP_METRICS);
}

static enum status open_signal(const struct config *config, enum otlp_signal signal, void **out,
                               struct failure *why)
{
    struct otlp_post *post;
    enum status status = otlp_post_open(config, signal, &post, why);
    *out = post;
    return status;
}

static enum status open_traces(const struct config *config, void **out, struct failure *why)
{
    return open_signal(config, OTLP_TRACES, out, why);
}

static enum status open_metrics(const struct config *config, void **out, struct failure *why)
{
    return open_signal(config, OTLP_METRICS, out, why);
}

static void close_post(void *output)
{
    otlp_post_close(output);
}

const struct output_kind output_otlp_traces = {
    .name = "otlp_traces",
    .option = "otlp",
    .section = &otlp_section,
    .is_wanted = wants_traces,
    .open = open_traces,
    .send = send_traces,
    .close = close_post,
};

const struct output_kind output_otlp_metrics = {
    .name = "otlp_metrics",
    .option = "otlp",
    .is_wanted = wants_metrics,
    .open = open_metrics,
    .send = send_metrics,
    .close = close_post,
};
