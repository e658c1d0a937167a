#include "mapper/map.h"

#include <stdlib.h>

#include "base/memory.h"
#include "mapper/partial_builder.h"
#include "trace/schema.h"

/* Events between two questions whether to stop. */
enum { STOP_EVENTS = 1 << 16 };

/* What is open while a chunk is mapped. */
struct mapping {
    struct schema *schema;
    struct chunk *chunk;
    struct reader *reader;
    struct partial_builder *builder;
    bool finished; /* the builder's row */
    struct interval interval;
};

static void enter(const struct map_guard *guard)
{
    if (guard->enter)
        guard->enter(guard->context);
}

static void leave(const struct map_guard *guard)
{
    if (guard->leave)
        guard->leave(guard->context);
}

static void mapping_close(struct mapping *mapping, const struct map_guard *guard)
{
    if (mapping->builder && !mapping->finished) {
        size_t ignored; /* only a finished row gives back all that it holds */
        partial_builder_finish(mapping->builder, &ignored);
    }
    partial_builder_free(mapping->builder);
    enter(guard);
    reader_close(mapping->reader);
    leave(guard);
    chunk_close(mapping->chunk);
    schema_free(mapping->schema);
}

static enum status mapping_open(struct mapping *mapping, const struct chunk_ref *ref,
                                const struct map_options *options,
                                const struct reader_warnings *warnings, struct failure *why)
{
    *mapping = (struct mapping){.schema = schema_new(options->phases)};
    enum status status = chunk_open(ref, &mapping->chunk, why);
    if (status != STATUS_OK)
        return status;
    mapping->interval = chunk_interval(mapping->chunk);
    if (options->window.begin_ns > mapping->interval.begin_ns)
        mapping->interval.begin_ns = options->window.begin_ns;
    if (options->window.end_ns < mapping->interval.end_ns)
        mapping->interval.end_ns = options->window.end_ns;
    const struct trace_set *traces = chunk_traces(mapping->chunk);
    enter(&options->guard);
    status = options->reader
                 ? reader_open_kind(options->reader, traces, mapping->schema, warnings,
                                    &mapping->reader, why)
                 : reader_open(traces, mapping->schema, warnings, &mapping->reader, why);
    leave(&options->guard);
    return status;
}

/* The trace that speaks for all: the kernel's, else the first. */
static const struct trace_info *speaker(const struct reader_info *info)
{
    for (size_t i = 0; i < info->trace_count; i++)
        if (info->traces[i].domain == DOMAIN_KERNEL)
            return &info->traces[i];
    return info->trace_count > 0 ? &info->traces[0] : NULL;
}

static enum status read_events(struct mapping *mapping, bool (*stop)(void), struct failure *why)
{
    size_t since_asked = 0;
    for (;;) {
        const struct event *events;
        size_t count;
        enum status status = reader_next(mapping->reader, &events, &count, why);
        if (status == STATUS_END)
            return STATUS_OK;
        if (status != STATUS_OK)
            return status;
        for (size_t i = 0; i < count; i++)
            partial_builder_add(mapping->builder, &events[i]);
        if (events[count - 1].time_ns >= mapping->interval.end_ns)
            return STATUS_OK; /* the rest is the next chunk's */
        since_asked += count;
        if (stop && since_asked >= STOP_EVENTS) {
            since_asked = 0;
            if (stop())
                return fail(why, STATUS_RETRY, "interrupted");
        }
    }
}

static struct partial_builder *new_builder(const struct mapping *mapping, bool all_single)
{
    struct partial_builder_options options = {.interval = mapping->interval,
                                              .all_single = all_single};
    const struct reader_info *info = reader_info(mapping->reader);
    for (size_t i = 0; i < info->trace_count; i++) {
        if (info->traces[i].domain != DOMAIN_KERNEL)
            continue;
        options.has_kernel = true;
        options.counts_switches |= info->traces[i].declared.sched_switch;
    }
    return partial_builder_new(mapping->schema, &options);
}

/* What the traces tell. */
static void describe_traces(const struct reader_info *info, const struct partial_counts *counts,
                            struct interval_end *end)
{
    end->cpus = info->cpus;
    end->cpu_count = info->cpu_count;
    end->host = end->session = end->created = text_of("");
    for (size_t i = 0; i < info->trace_count; i++) {
        bool kernel = info->traces[i].domain == DOMAIN_KERNEL;
        end->has_kernel |= kernel;
        end->has_user |= !kernel;
        end->counts_switches |= kernel && info->traces[i].declared.sched_switch;
    }
    const struct trace_info *trace = speaker(info);
    if (!trace)
        return;
    end->host = text_of(trace->hostname);
    end->session = text_of(trace->session);
    end->created = text_of(trace->created);
    end->has_offset = true;
    end->offset_ns = trace->offset_ns;
    if (trace->domain != DOMAIN_KERNEL && counts->first_ns != TIME_NONE &&
        counts->first_trace < info->trace_count)
        end->offset_ns = info->traces[counts->first_trace].offset_ns;
}

static struct interval_end describe_end(const struct mapping *mapping, const struct chunk_ref *ref,
                                        const struct phase_definitions *phases, size_t items)
{
    struct partial_counts counts = partial_builder_counts(mapping->builder);
    struct interval_end end = {.chunk = (uint64_t)ref->number,
                               .begin_ns = mapping->interval.begin_ns,
                               .end_ns = mapping->interval.end_ns,
                               .items = items,
                               .has_traces = ref->has_kernel_or_ust,
                               .gap_before = ref->gap_before,
                               .events = counts.events,
                               .single_events = counts.single_events,
                               .discarded = counts.discarded,
                               .borders = counts.borders,
                               .first_ns = counts.first_ns,
                               .last_ns = counts.last_ns,
                               .phases_digest = phases ? phases_digest(phases) : 0,
                               .raw_bytes = chunk_raw_bytes(mapping->chunk)};
    describe_traces(reader_info(mapping->reader), &counts, &end);
    return end;
}

/* Counts on the way to the real sink. */
struct counting {
    struct record_sink sink;
    uint64_t bytes;
};

static void count_record(void *context, struct text key, struct bytes record)
{
    struct counting *counting = context;
    counting->bytes += record.count;
    counting->sink.take(counting->sink.context, key, record);
}

static uint64_t count_singles(const struct item *items, size_t count, uint64_t single_events)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].kind == ITEM_DESCRIPTOR_CALL)
            single_events += 2;
    return single_events;
}

static void send(struct mapping *mapping, const struct chunk_ref *ref,
                 const struct map_options *options, struct record_sink sink,
                 struct map_stats *stats)
{
    size_t count;
    const struct item *items = partial_builder_finish(mapping->builder, &count);
    mapping->finished = true;
    struct interval_end end = describe_end(mapping, ref, options->phases, count);
    const char *mark = options->mark ? options->mark : ref->snapshot;
    char *name = memory_format("%.*s%s%s", (int)end.session.count, end.session.at, mark ? ":" : "",
                               mark ? mark : "");
    end.session = text_of(name);
    char *session = memory_format("%.*s/%s/%.*s", (int)end.host.count, end.host.at, name,
                                  (int)end.created.count, end.created.at);
    struct record_meta meta = {.session = text_of(session),
                               .chunk = end.chunk,
                               .first_chunk = options->first_chunk,
                               .attempt = 1};
    struct counting counting = {.sink = sink};
    partial_encode(mapping->schema, &meta, items, count, &end,
                   (struct record_sink){count_record, &counting});
    stats->events += end.events;
    stats->single_events += count_singles(items, count, end.single_events);
    stats->items += count;
    stats->record_bytes += counting.bytes;
    stats->raw_bytes += end.raw_bytes;
    free(session);
    free(name);
}

enum status map_chunk(const struct chunk_ref *ref, const struct map_options *options,
                      const struct reader_warnings *warnings, struct record_sink sink,
                      struct map_stats *stats, struct failure *why)
{
    struct mapping mapping;
    enum status status = mapping_open(&mapping, ref, options, warnings, why);
    if (status == STATUS_OK) {
        mapping.builder = new_builder(&mapping, options->all_single);
        status = read_events(&mapping, options->stop, why);
    }
    if (status == STATUS_OK)
        send(&mapping, ref, options, sink, stats);
    mapping_close(&mapping, &options->guard);
    return status;
}

/* The first event of the interval. */
static enum status find_first(const struct mapping *mapping, uint64_t *raw_ns, uint32_t *trace,
                              struct failure *why)
{
    for (;;) {
        const struct event *events;
        size_t count;
        enum status status = reader_next(mapping->reader, &events, &count, why);
        if (status != STATUS_OK)
            return status;
        for (size_t i = 0; i < count; i++) {
            if (events[i].time_ns >= mapping->interval.end_ns)
                return STATUS_END;
            if (events[i].kind == EVENT_LOSS || events[i].time_ns < mapping->interval.begin_ns)
                continue;
            *raw_ns = events[i].time_ns;
            *trace = events[i].trace;
            return STATUS_OK;
        }
    }
}

enum status map_first_event(const struct chunk_ref *ref, uint64_t *raw_ns, int64_t *offset_ns,
                            struct failure *why)
{
    struct map_options options = {.window = {0, INTERVAL_OPEN}};
    struct mapping mapping;
    enum status status = mapping_open(&mapping, ref, &options, NULL, why);
    uint32_t first_trace = 0;
    if (status == STATUS_OK)
        status = find_first(&mapping, raw_ns, &first_trace, why);
    if (status == STATUS_OK) {
        const struct reader_info *info = reader_info(mapping.reader);
        const struct trace_info *trace = speaker(info);
        if (!trace || trace->domain != DOMAIN_KERNEL)
            trace = &info->traces[first_trace];
        *offset_ns = trace->offset_ns;
    }
    mapping_close(&mapping, &options.guard);
    return status;
}
