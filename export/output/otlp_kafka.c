/* OTLP requests as Kafka records for the Collector's kafkareceiver: one per record, protobuf, not
 * compressed here. */
#include <stdlib.h>

#include "base/memory.h"
#include "export/output/otlp_message.h"
#include "export/output/otlp_post.h"

/* By default, brokers accept records of up to 1 MiB. */
enum { RECORD_MAX = 700 << 10 };

struct otlp_kafka {
    char *topics[OUTPUT_TOPICS]; /* owned; NULL: not among the signals */
};

struct putting {
    const struct otlp_items *items;
    struct text key; /* the session: its records stay in order */
    struct record_sink sink;
    struct output_answer *answer;
};

static void put_range(const struct putting *putting, size_t from, size_t count)
{
    struct arena arena = {.first = NULL};
    struct bytes body;
    putting->items->encode(putting->items->context, from, count, &arena, &body);
    if (body.count <= RECORD_MAX) {
        putting->sink.take(putting->sink.context, putting->key, body);
        putting->answer->taken += count;
        putting->answer->requests++;
        putting->answer->bytes += body.count;
    } else if (count > 1) {
        put_range(putting, from, count / 2);
        put_range(putting, from + count / 2, count - count / 2);
    } else {
        putting->answer->refused++;
        enum status ignored = fail(&putting->answer->refusal, STATUS_REJECT,
                                   "%zu bytes exceed the maximum record size", body.count);
        (void)ignored;
    }
    arena_clear(&arena);
}

static void put_items(const struct otlp_items *items, struct text session, struct record_sink sink,
                      struct output_answer *answer)
{
    const struct putting putting = {items, session, sink, answer};
    for (size_t from = 0; from < items->count;) {
        size_t count = items->count - from < items->most ? items->count - from : items->most;
        put_range(&putting, from, count);
        from += count;
    }
}

static void put(void *context, const struct export_interval *interval,
                const struct record_sink sinks[OUTPUT_TOPICS], struct output_answer *answer)
{
    const struct otlp_kafka *output = context;
    const struct samples *samples = &interval->samples;
    *answer = (struct output_answer){.taken = 0};
    if (output->topics[OUTPUT_TOPIC_SPANS]) {
        struct arena arena = {.first = NULL};
        struct otlp_spans spans = {.interval = samples};
        listed_instances_of(interval, &arena, &spans.instances);
        struct otlp_items items = {spans.instances.count, OTLP_SPANS_MAX, otlp_encode_some_spans,
                                   &spans};
        put_items(&items, samples->session, sinks[OUTPUT_TOPIC_SPANS], answer);
        answer->outdated = spans.instances.late;
        arena_clear(&arena);
    }
    struct otlp_items items = {samples->count, OTLP_SAMPLES_MAX, otlp_encode_some_metrics, samples};
    if (output->topics[OUTPUT_TOPIC_METRICS])
        put_items(&items, samples->session, sinks[OUTPUT_TOPIC_METRICS], answer);
}

static const char *topic(const void *context, enum output_topic topic)
{
    const struct otlp_kafka *output = context;
    return output->topics[topic];
}

static void close_output(void *context)
{
    struct otlp_kafka *output = context;
    for (size_t i = 0; output && i < OUTPUT_TOPICS; i++)
        free(output->topics[i]);
    free(output);
}

static enum status open_output(const struct config *config, void **out, struct failure *why)
{
    static const char *const suffixes[] = {"spans", "metrics"};
    static const enum otlp_signal signals[] = {OTLP_TRACES, OTLP_METRICS};
    const char *name = config_text(config, "otlp-kafka");
    if (!*name ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") <
            strlen(name))
        return fail(why, STATUS_REJECT, "otlp-kafka: `%s` is not a valid topic name", name);
    struct otlp_kafka *output = memory_new(sizeof *output);
    for (size_t i = 0; i < OUTPUT_TOPICS; i++)
        if (otlp_is_among(config, signals[i]))
            output->topics[i] = memory_format("%s_%s", name, suffixes[i]);
    *out = output;
    return STATUS_OK;
}

const struct output_kind output_otlp_kafka = {
    .name = "otlp_kafka",
    .option = "otlp-kafka",
    .open = open_output,
    .put = put,
    .topic = topic,
    .close = close_output,
};
