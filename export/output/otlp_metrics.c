#include <assert.h>

#include "export/output/native.h"
#include "export/output/otlp_message.h"
#include "export/output/otlp_parts.h"

typedef Spanmill__Otlp__Metric Metric;
typedef Spanmill__Otlp__NumberPoint NumberPoint;
typedef Spanmill__Otlp__HistogramPoint HistogramPoint;
typedef Spanmill__Otlp__MetricsRequest MetricsRequest;

/* In OTLP, bucket i ends at 2^((i + 1) / 8). */
enum { BUCKET_OFFSET = NATIVE_END_OFFSET - 1 };

/* A sample is two points if its series opens: the first has the value at the begin. */
enum { POINTS = 2 };

struct message {
    const struct samples *interval;
    struct arena *arena;
    size_t count; /* samples */
    Metric **metrics;
    const struct family **families; /* of the metrics */
    size_t metric_count;
};

static uint64_t since_epoch_ns(int64_t ms)
{
    return (uint64_t)ms * 1000000;
}

static struct otlp_attributes labels_of(const struct message *message, const struct sample *sample)
{
    const struct text none = {NULL, 0};
    struct otlp_attributes labels = otlp_attributes_make(message->arena, FAMILY_LABELS_MAX + 2);
    otlp_put_text(&labels, "host", none, message->interval->host);
    otlp_put_text(&labels, "session", none, message->interval->session);
    for (uint8_t i = 0; i < sample->family->label_count; i++)
        otlp_put_text(&labels, sample->family->labels[i], none, sample->labels[i]);
    return labels;
}

static ProtobufCBinaryData id_of(struct arena *arena, const uint8_t *id, size_t count)
{
    ProtobufCBinaryData data = {count, arena_take(arena, count)};
    memcpy(data.data, id, count);
    return data;
}

/* --- counters and gauges --- */

static NumberPoint *number_point(const struct message *message, const struct sample *sample,
                                 int64_t time_ms, int64_t number)
{
    struct otlp_attributes labels = labels_of(message, sample);
    NumberPoint *point = arena_take(message->arena, sizeof *point);
    spanmill__otlp__number_point__init(point);
    point->attributes = labels.at;
    point->n_attributes = labels.count;
    point->has_start_ns =
        sample->family->kind == FAMILY_COUNTER && message->interval->since_ms != 0;
    point->start_ns = since_epoch_ns(message->interval->since_ms);
    point->time_ns = since_epoch_ns(time_ms);
    point->has_as_int = sample->family->unit == FAMILY_ONE;
    point->has_as_double = !point->has_as_int;
    point->as_int = number;
    point->as_double = native_number(sample->family, number);
    return point;
}

static void add_number(const struct message *message, Metric *metric, const struct sample *sample)
{
    bool counts = sample->family->kind == FAMILY_COUNTER;
    NumberPoint **points = counts ? metric->sum->points : metric->gauge->points;
    size_t *count = counts ? &metric->sum->n_points : &metric->gauge->n_points;
    if (sample->opens)
        points[(*count)++] =
            number_point(message, sample, message->interval->begin_ms, sample->number_before);
    points[(*count)++] = number_point(message, sample, message->interval->end_ms, sample->number);
}

/* --- durations --- */

static Spanmill__Otlp__Buckets *buckets_of(const struct message *message,
                                           const struct durations *durations)
{
    struct durations_bucket bucket;
    int32_t first = 0, last = -1;
    for (size_t at = 0; durations_next(durations, &at, &bucket); last = bucket.bucket)
        if (last < 0)
            first = bucket.bucket;
    Spanmill__Otlp__Buckets *buckets = arena_take(message->arena, sizeof *buckets);
    spanmill__otlp__buckets__init(buckets);
    buckets->offset = first + BUCKET_OFFSET;
    buckets->n_counts = (size_t)(last - first + 1);
    buckets->counts = arena_take(message->arena, (buckets->n_counts + 1) * sizeof(uint64_t));
    for (size_t at = 0; durations_next(durations, &at, &bucket);)
        buckets->counts[bucket.bucket - first] = bucket.count;
    return buckets;
}

static HistogramPoint *histogram_point(const struct message *message, const struct sample *sample,
                                       int64_t time_ms, const struct durations *durations)
{
    struct otlp_attributes labels = labels_of(message, sample);
    HistogramPoint *point = arena_take(message->arena, sizeof *point);
    spanmill__otlp__histogram_point__init(point);
    point->attributes = labels.at;
    point->n_attributes = labels.count;
    point->has_start_ns = message->interval->since_ms != 0;
    point->start_ns = since_epoch_ns(message->interval->since_ms);
    point->time_ns = since_epoch_ns(time_ms);
    point->count = durations->count;
    point->scale = NATIVE_SCALE;
    point->has_sum = point->has_zero_count = true;
    point->sum = (double)durations->total_ns / 1e9;
    if (durations->count == 0)
        return point;
    point->has_min = point->has_max = true;
    point->min = (double)durations->min_ns / 1e9;
    point->max = (double)durations->max_ns / 1e9;
    point->positive = buckets_of(message, durations);
    return point;
}

static void add_exemplar(const struct message *message, HistogramPoint *point,
                         const struct exemplar *exemplar)
{
    if (!exemplar)
        return;
    struct arena *arena = message->arena;
    Spanmill__Otlp__Exemplar *out = arena_take(arena, sizeof *out);
    spanmill__otlp__exemplar__init(out);
    out->time_ns = (uint64_t)exemplar->end_ns;
    out->has_as_double = out->has_span_id = out->has_trace_id = true;
    out->as_double = (double)exemplar->ns / 1e9;
    out->span_id = id_of(arena, exemplar->span, sizeof exemplar->span);
    out->trace_id = id_of(arena, exemplar->trace, sizeof exemplar->trace);
    point->exemplars = arena_take(arena, sizeof(Spanmill__Otlp__Exemplar *));
    point->exemplars[point->n_exemplars++] = out;
}

static void add_durations(const struct message *message, Metric *metric,
                          const struct sample *sample)
{
    Spanmill__Otlp__ExponentialHistogram *to = metric->exponential_histogram;
    if (sample->opens)
        to->points[to->n_points++] =
            histogram_point(message, sample, message->interval->begin_ms, sample->durations_before);
    HistogramPoint *point =
        histogram_point(message, sample, message->interval->end_ms, sample->durations);
    add_exemplar(message, point, sample->exemplar);
    to->points[to->n_points++] = point;
}

/* --- the whole --- */

static void put_kind(const struct message *message, Metric *metric, enum family_kind kind)
{
    struct arena *arena = message->arena;
    size_t room = message->count * POINTS * sizeof(void *);
    switch (kind) {
    case FAMILY_COUNTER:
        metric->sum = arena_take(arena, sizeof *metric->sum);
        spanmill__otlp__sum__init(metric->sum);
        metric->sum->points = arena_take(arena, room);
        metric->sum->has_temporality = metric->sum->has_monotonic = true;
        metric->sum->temporality = SPANMILL__OTLP__TEMPORALITY__CUMULATIVE;
        metric->sum->monotonic = true;
        return;
    case FAMILY_GAUGE:
        metric->gauge = arena_take(arena, sizeof *metric->gauge);
        spanmill__otlp__gauge__init(metric->gauge);
        metric->gauge->points = arena_take(arena, room);
        return;
    case FAMILY_DURATIONS:
        metric->exponential_histogram = arena_take(arena, sizeof *metric->exponential_histogram);
        spanmill__otlp__exponential_histogram__init(metric->exponential_histogram);
        metric->exponential_histogram->points = arena_take(arena, room);
        metric->exponential_histogram->has_temporality = true;
        metric->exponential_histogram->temporality = SPANMILL__OTLP__TEMPORALITY__CUMULATIVE;
        return;
    }
    assert(false);
}

static Metric *metric_of(struct message *message, const struct family *family)
{
    for (size_t i = 0; i < message->metric_count; i++)
        if (message->families[i] == family)
            return message->metrics[i];
    Metric *metric = arena_take(message->arena, sizeof *metric);
    spanmill__otlp__metric__init(metric);
    metric->name = arena_string(message->arena, text_of(family->name));
    metric->description = arena_string(message->arena, text_of(family->help));
    if (family->unit != FAMILY_ONE)
        metric->unit = arena_string(message->arena, text_of("s"));
    put_kind(message, metric, family->kind);
    message->families[message->metric_count] = family;
    message->metrics[message->metric_count++] = metric;
    return metric;
}

static Spanmill__Otlp__ResourceMetrics *resource_of(const struct message *message)
{
    struct arena *arena = message->arena;
    Spanmill__Otlp__ScopeMetrics *scope = arena_take(arena, sizeof *scope);
    spanmill__otlp__scope_metrics__init(scope);
    scope->scope = otlp_scope(arena);
    scope->metrics = message->metrics;
    scope->n_metrics = message->metric_count;
    Spanmill__Otlp__ResourceMetrics *resource = arena_take(arena, sizeof *resource);
    spanmill__otlp__resource_metrics__init(resource);
    resource->resource = otlp_resource(arena, message->interval->session, message->interval->host,
                                       text_of("spanmill"), message->interval->session, 0);
    resource->scope_metrics = arena_take(arena, sizeof(Spanmill__Otlp__ScopeMetrics *));
    resource->scope_metrics[resource->n_scope_metrics++] = scope;
    resource->schema_url = arena_string(arena, text_of(OTLP_SCHEMA));
    return resource;
}

void otlp_encode_metrics(const struct samples *interval, size_t from, size_t count,
                         struct arena *arena, struct bytes *out)
{
    assert(from + count <= interval->count && interval->begin_ms < interval->end_ms);
    struct message message = {.interval = interval,
                              .arena = arena,
                              .count = count,
                              .metrics = arena_take(arena, (count + 1) * sizeof(Metric *)),
                              .families = arena_take(arena, (count + 1) * sizeof(void *))};
    for (size_t i = from; i < from + count; i++) {
        const struct sample *sample = &interval->at[i];
        Metric *metric = metric_of(&message, sample->family);
        if (sample->family->kind == FAMILY_DURATIONS)
            add_durations(&message, metric, sample);
        else
            add_number(&message, metric, sample);
    }
    Spanmill__Otlp__ResourceMetrics *resource = resource_of(&message);
    MetricsRequest request;
    spanmill__otlp__metrics_request__init(&request);
    request.resource_metrics = &resource;
    request.n_resource_metrics = 1;
    uint8_t *bytes =
        arena_take(arena, spanmill__otlp__metrics_request__get_packed_size(&request) + 1);
    *out = (struct bytes){bytes, spanmill__otlp__metrics_request__pack(&request, bytes)};
}
