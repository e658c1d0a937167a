#include "export/output/remote_write_message.h"

#include <assert.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>

#include "export/output/native.h"
#include "export/output/remote_write_symbols.h"

typedef Spanmill__RemoteWrite__Label Label;
typedef Spanmill__RemoteWrite__Sample Sample;
typedef Spanmill__RemoteWrite__Histogram Histogram;
typedef Spanmill__RemoteWrite__Exemplar Exemplar;
typedef Spanmill__RemoteWrite__TimeSeries TimeSeries;
typedef Spanmill__RemoteWrite__WriteRequest WriteRequest;
typedef Spanmill__RemoteWrite__Request Request;

/* In addition to those of the family: __name__, host, session, le. */
enum { LABELS_MAX = FAMILY_LABELS_MAX + 4 };

/* Upper borders of classic buckets, 2^p ns: from 1 us to 137 s, a factor of 4 each. */
enum { CLASSIC_FIRST = 10, CLASSIC_LAST = 36, CLASSIC_STEP = 2 };

struct message {
    const struct samples *samples;
    struct arena *arena;
    TimeSeries **series;
    const struct family **families; /* of the series */
    size_t count, room;
};

/* --- series and their labels --- */

static int by_label_name(const void *a, const void *b)
{
    const Label *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static Label *label_of(const struct message *message, const char *name, struct text value)
{
    Label *label = arena_take(message->arena, sizeof *label);
    spanmill__remote_write__label__init(label);
    label->name = arena_string(message->arena, text_of(name));
    label->value = arena_string(message->arena, value);
    return label;
}

static void add_label(struct message *message, TimeSeries *series, const char *name,
                      struct text value)
{
    if (value.count == 0)
        return; /* Prometheus ignores empty labels */
    assert(series->n_labels < LABELS_MAX);
    series->labels[series->n_labels++] = label_of(message, name, value);
}

/* A series of the sample, with `suffix` after its name; `le` NULL: without that label. */
static TimeSeries *add_series(struct message *message, const struct sample *sample,
                              const char *suffix, const char *le)
{
    TimeSeries *series = arena_take(message->arena, sizeof *series);
    spanmill__remote_write__time_series__init(series);
    series->labels = arena_take(message->arena, LABELS_MAX * sizeof(Label *));
    char name[128];
    snprintf(name, sizeof name, "%s%s", sample->family->name, suffix);
    add_label(message, series, "__name__", text_of(name));
    add_label(message, series, "host", message->samples->host);
    add_label(message, series, "session", message->samples->session);
    if (le)
        add_label(message, series, "le", text_of(le));
    for (uint8_t i = 0; i < sample->family->label_count; i++)
        add_label(message, series, sample->family->labels[i], sample->labels[i]);
    qsort(series->labels, series->n_labels, sizeof *series->labels, by_label_name);
    assert(message->count < message->room);
    message->families[message->count] = sample->family;
    message->series[message->count++] = series;
    return series;
}

/* --- the slowest instance --- */

static Label *hex_label(const struct message *message, const char *name, const uint8_t *id,
                        size_t count)
{
    char digits[2 * 16 + 1];
    assert(2 * count < sizeof digits);
    for (size_t i = 0; i < count; i++)
        snprintf(&digits[2 * i], 3, "%02x", id[i]);
    return label_of(message, name, text_of(digits));
}

/* Prometheus limits names and values to 128 characters together; these are shorter. */
static void add_exemplar(const struct message *message, TimeSeries *series,
                         const struct exemplar *exemplar)
{
    if (!exemplar)
        return;
    Exemplar *out = arena_take(message->arena, sizeof *out);
    spanmill__remote_write__exemplar__init(out);
    out->labels = arena_take(message->arena, 3 * sizeof(Label *));
    out->labels[out->n_labels++] =
        hex_label(message, "span_id", exemplar->span, sizeof exemplar->span);
    out->labels[out->n_labels++] = label_of(message, "spanmill_id", text_of(exemplar->id));
    out->labels[out->n_labels++] =
        hex_label(message, "trace_id", exemplar->trace, sizeof exemplar->trace);
    out->value = (double)exemplar->ns / 1e9;
    out->time_ms = exemplar->end_ns / 1000000;
    series->exemplars = arena_take(message->arena, sizeof(Exemplar *));
    series->exemplars[series->n_exemplars++] = out;
}

/* --- numbers --- */

static void put_value(struct message *message, TimeSeries *series, int64_t time_ms, double value)
{
    Sample *sample = arena_take(message->arena, sizeof *sample);
    spanmill__remote_write__sample__init(sample);
    sample->time_ms = time_ms;
    sample->value = value;
    series->samples[series->n_samples++] = sample;
}

/* If it opens, also with the value at the begin, so that increase() is right. */
static TimeSeries *add_value(struct message *message, const struct sample *sample,
                             const char *suffix, const char *le, double before, double value)
{
    TimeSeries *series = add_series(message, sample, suffix, le);
    series->samples = arena_take(message->arena, 2 * sizeof(Sample *));
    if (sample->opens)
        put_value(message, series, message->samples->begin_ms, before);
    put_value(message, series, message->samples->end_ms, value);
    return series;
}

/* Cumulative: each has the count of its bucket and all below. */
static void sum_up(const struct durations *durations, uint64_t out[DURATIONS_POWERS])
{
    durations_log2(durations, out);
    for (int power = 1; power < DURATIONS_POWERS; power++)
        out[power] += out[power - 1];
}

static void add_classic(struct message *message, const struct sample *sample)
{
    static const struct durations none;
    const struct durations *before = sample->opens ? sample->durations_before : &none;
    const struct durations *now = sample->durations;
    uint64_t below_before[DURATIONS_POWERS], below[DURATIONS_POWERS];
    const struct exemplar *exemplar = sample->exemplar; /* in the bucket that counts it */
    sum_up(before, below_before);
    sum_up(now, below);
    for (int power = CLASSIC_FIRST; power <= CLASSIC_LAST; power += CLASSIC_STEP) {
        char le[32];
        snprintf(le, sizeof le, "%.12g", (double)(UINT64_C(1) << power) / 1e9);
        TimeSeries *bucket = add_value(message, sample, "_bucket", le,
                                       (double)below_before[power - 1], (double)below[power - 1]);
        if (!exemplar || (uint64_t)exemplar->ns >= UINT64_C(1) << power)
            continue;
        add_exemplar(message, bucket, exemplar);
        exemplar = NULL;
    }
    double count_before = (double)before->count, count = (double)now->count;
    add_exemplar(message, add_value(message, sample, "_bucket", "+Inf", count_before, count),
                 exemplar);
    add_value(message, sample, "_count", NULL, count_before, count);
    add_value(message, sample, "_sum", NULL, (double)before->total_ns / 1e9,
              (double)now->total_ns / 1e9);
}

static void add_span(struct message *message, Histogram *histogram, int32_t offset)
{
    Spanmill__RemoteWrite__Span *span = arena_take(message->arena, sizeof *span);
    spanmill__remote_write__span__init(span);
    span->offset = offset;
    histogram->spans[histogram->n_spans++] = span;
}

static Histogram *new_histogram(struct message *message, int64_t time_ms, size_t buckets)
{
    Histogram *histogram = arena_take(message->arena, sizeof *histogram);
    spanmill__remote_write__histogram__init(histogram);
    histogram->has_count = histogram->has_zero_count = true;
    histogram->has_time_ms = histogram->has_zero_threshold = true;
    histogram->time_ms = time_ms;
    histogram->schema = NATIVE_SCALE;
    histogram->spans =
        arena_take(message->arena, (buckets + 1) * sizeof(Spanmill__RemoteWrite__Span *));
    histogram->deltas = arena_take(message->arena, (buckets + 1) * sizeof *histogram->deltas);
    return histogram;
}

static Histogram *native_of(struct message *message, const struct durations *durations,
                            int64_t time_ms)
{
    struct durations_bucket bucket;
    size_t count = 0;
    for (size_t at = 0; durations_next(durations, &at, &bucket);)
        count++;
    Histogram *histogram = new_histogram(message, time_ms, count);
    histogram->count = durations->count;
    histogram->sum = (double)durations->total_ns / 1e9;
    int32_t next = 0; /* after the previous bucket */
    int64_t before = 0;
    for (size_t at = 0; durations_next(durations, &at, &bucket);) {
        int32_t index = bucket.bucket + NATIVE_END_OFFSET;
        if (histogram->n_spans == 0 || index != next)
            add_span(message, histogram, histogram->n_spans == 0 ? index : index - next);
        histogram->spans[histogram->n_spans - 1]->length++;
        histogram->deltas[histogram->n_deltas++] = (int64_t)bucket.count - before;
        before = (int64_t)bucket.count;
        next = index + 1;
    }
    return histogram;
}

static void add_native(struct message *message, const struct sample *sample)
{
    TimeSeries *series = add_series(message, sample, "", NULL);
    series->histograms = arena_take(message->arena, 2 * sizeof(Histogram *));
    if (sample->opens)
        series->histograms[series->n_histograms++] =
            native_of(message, sample->durations_before, message->samples->begin_ms);
    series->histograms[series->n_histograms++] =
        native_of(message, sample->durations, message->samples->end_ms);
    add_exemplar(message, series, sample->exemplar);
}

/* --- the whole --- */

static struct bytes compress(const ProtobufCMessage *request, struct arena *arena)
{
    size_t count = protobuf_c_message_get_packed_size(request);
    uint8_t *packed = arena_take(arena, count + 1);
    protobuf_c_message_pack(request, packed);
    size_t room = snappy_max_compressed_length(count);
    char *bytes = arena_take(arena, room + 1);
    snappy_status status = snappy_compress((const char *)packed, count, bytes, &room);
    assert(status == SNAPPY_OK);
    (void)status;
    return (struct bytes){(const uint8_t *)bytes, room};
}

static struct bytes pack(const struct message *message, enum remote_write_version version)
{
    WriteRequest request;
    spanmill__remote_write__write_request__init(&request);
    request.series = message->series;
    request.n_series = message->count;
    if (version == REMOTE_WRITE_1)
        return compress(&request.base, message->arena);
    Request second;
    remote_write_symbols(&request, message->families, message->samples->since_ms, message->arena,
                         &second);
    return compress(&second.base, message->arena);
}

static struct remote_write_counts count_of(const struct message *message)
{
    struct remote_write_counts counts = {.samples = 0};
    for (size_t i = 0; i < message->count; i++) {
        counts.samples += message->series[i]->n_samples;
        counts.histograms += message->series[i]->n_histograms;
        counts.exemplars += message->series[i]->n_exemplars;
    }
    return counts;
}

void remote_write_encode(const struct samples *samples, size_t from, size_t count,
                         enum remote_write_histograms histograms, enum remote_write_version version,
                         struct arena *arena, struct remote_write_request *out)
{
    assert(from + count <= samples->count && samples->begin_ms < samples->end_ms);
    enum { PER_SAMPLE = (CLASSIC_LAST - CLASSIC_FIRST) / CLASSIC_STEP + 4 };
    struct message message = {.samples = samples, .arena = arena, .room = count * PER_SAMPLE};
    message.series = arena_take(arena, (message.room + 1) * sizeof(TimeSeries *));
    message.families = arena_take(arena, (message.room + 1) * sizeof(struct family *));
    for (size_t i = from; i < from + count; i++) {
        const struct sample *sample = &samples->at[i];
        if (sample->family->kind != FAMILY_DURATIONS)
            add_value(&message, sample, "", NULL,
                      native_number(sample->family, sample->number_before),
                      native_number(sample->family, sample->number));
        else if (histograms == REMOTE_WRITE_CLASSIC)
            add_classic(&message, sample);
        else if (histograms == REMOTE_WRITE_NATIVE)
            add_native(&message, sample);
    }
    *out = (struct remote_write_request){.counts = count_of(&message)};
    if (message.count > 0)
        out->body = pack(&message, version);
}
