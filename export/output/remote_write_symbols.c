#include "export/output/remote_write_symbols.h"

#include "base/names.h"

typedef Spanmill__RemoteWrite__Label Label;
typedef Spanmill__RemoteWrite__Exemplar Exemplar;
typedef Spanmill__RemoteWrite__TimeSeries TimeSeries;
typedef Spanmill__RemoteWrite__Series Series;
typedef Spanmill__RemoteWrite__SeriesExemplar SeriesExemplar;
typedef Spanmill__RemoteWrite__Metadata Metadata;

/* The first one is empty, as the protocol requires. */
struct symbols {
    struct names names;
    struct arena *arena;
    int64_t since_ms;
};

static uint32_t symbol(struct symbols *symbols, const char *text)
{
    return names_id(&symbols->names, text_of(text));
}

static uint32_t *refer(struct symbols *symbols, Label *const *labels, size_t count)
{
    uint32_t *out = arena_take(symbols->arena, (2 * count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = symbol(symbols, labels[i]->name);
        out[2 * i + 1] = symbol(symbols, labels[i]->value);
    }
    return out;
}

static SeriesExemplar *exemplar_of(struct symbols *symbols, const Exemplar *exemplar)
{
    SeriesExemplar *out = arena_take(symbols->arena, sizeof *out);
    spanmill__remote_write__series_exemplar__init(out);
    out->labels = refer(symbols, exemplar->labels, exemplar->n_labels);
    out->n_labels = 2 * exemplar->n_labels;
    out->value = exemplar->value;
    out->time_ms = exemplar->time_ms;
    return out;
}

static Metadata *metadata_of(struct symbols *symbols, const struct family *family)
{
    static const Spanmill__RemoteWrite__Metadata__Type types[] = {
        [FAMILY_COUNTER] = SPANMILL__REMOTE_WRITE__METADATA__TYPE__COUNTER,
        [FAMILY_GAUGE] = SPANMILL__REMOTE_WRITE__METADATA__TYPE__GAUGE,
        [FAMILY_DURATIONS] = SPANMILL__REMOTE_WRITE__METADATA__TYPE__HISTOGRAM};
    Metadata *out = arena_take(symbols->arena, sizeof *out);
    spanmill__remote_write__metadata__init(out);
    out->type = types[family->kind];
    out->help = symbol(symbols, family->help);
    out->unit = symbol(symbols, family->unit == FAMILY_ONE ? "" : "seconds");
    return out;
}

/* A sample at the start time itself has no start: it must be earlier than the sample. */
static void set_starts(const TimeSeries *series, int64_t since_ms)
{
    for (size_t i = 0; i < series->n_samples; i++) {
        series->samples[i]->has_start_ms = since_ms < series->samples[i]->time_ms;
        series->samples[i]->start_ms = since_ms;
    }
    for (size_t i = 0; i < series->n_histograms; i++) {
        series->histograms[i]->has_start_ms = since_ms < series->histograms[i]->time_ms;
        series->histograms[i]->start_ms = since_ms;
    }
}

static Series *series_of(struct symbols *symbols, const TimeSeries *series,
                         const struct family *family)
{
    Series *out = arena_take(symbols->arena, sizeof *out);
    spanmill__remote_write__series__init(out);
    out->labels = refer(symbols, series->labels, series->n_labels);
    out->n_labels = 2 * series->n_labels;
    if (symbols->since_ms != 0 && family->kind != FAMILY_GAUGE)
        set_starts(series, symbols->since_ms);
    out->samples = series->samples;
    out->n_samples = series->n_samples;
    out->histograms = series->histograms;
    out->n_histograms = series->n_histograms;
    out->exemplars =
        arena_take(symbols->arena, (series->n_exemplars + 1) * sizeof(SeriesExemplar *));
    for (size_t i = 0; i < series->n_exemplars; i++)
        out->exemplars[out->n_exemplars++] = exemplar_of(symbols, series->exemplars[i]);
    out->metadata = metadata_of(symbols, family);
    return out;
}

static void put_symbols(const struct symbols *symbols, Spanmill__RemoteWrite__Request *out)
{
    out->symbols = arena_take(symbols->arena, symbols->names.count * sizeof *out->symbols);
    for (uint32_t i = 0; i < symbols->names.count; i++)
        out->symbols[out->n_symbols++] =
            arena_string(symbols->arena, names_text(&symbols->names, i));
}

void remote_write_symbols(const Spanmill__RemoteWrite__WriteRequest *request,
                          const struct family *const *families, int64_t since_ms,
                          struct arena *arena, Spanmill__RemoteWrite__Request *out)
{
    struct symbols symbols = {.arena = arena, .since_ms = since_ms};
    symbol(&symbols, "");
    spanmill__remote_write__request__init(out);
    out->series = arena_take(arena, (request->n_series + 1) * sizeof(Series *));
    for (size_t i = 0; i < request->n_series; i++)
        out->series[out->n_series++] = series_of(&symbols, request->series[i], families[i]);
    put_symbols(&symbols, out);
    names_clear(&symbols.names);
}
