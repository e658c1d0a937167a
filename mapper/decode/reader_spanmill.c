#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "mapper/decode/cuts.h"
#include "mapper/decode/merge.h"
#include "mapper/decode/plan_cache.h"
#include "mapper/decode/reader_kind.h"
#include "mapper/decode/stream_rules.h"
#include "ctf/session_clock.h"
#include "mapper/decode/trace_facts.h"
#include "mapper/decode/trace_streams.h"

/* Events per reader_next(): enough to amortize the call, few enough to stay in the L1 cache. */
enum { BATCH_EVENTS = 64 };

struct input {
    const struct trace_files *files;
    struct plan_set *set;
    struct stream_time *times;
    struct bound_trace bound;
};

/* The events of one reader_next(), and the memory that they point to. */
struct batch {
    struct event *events; /* BATCH_EVENTS; NULL: not used yet */
    struct scratch scratch;
};

struct reader_spanmill {
    struct reader reader;
    struct reader_warnings warnings;
    struct schema *schema;
    struct input *inputs;
    size_t input_count;
    bool lost_user;
    const struct layout_clock *clock; /* of the session; NULL: not known yet */
    struct trace_info *infos;
    struct reader_info info;
    int32_t *cpus;
    struct reader_stream *stream_names;
    struct stream *streams;
    size_t stream_count, stream_room;
    struct merge merge;
    struct scratch scratch; /* of the current batch */
    struct batch *batches;  /* used in turn */
    size_t batch_count, batch;
};

static const struct input *input_of(const struct stream *stream)
{
    return (const struct input *)((const char *)stream->trace - offsetof(struct input, bound));
}

static void report_of_stream(void *context, const struct stream *stream, struct damage damage,
                             const char *text)
{
    const struct reader_spanmill *reader = context;
    trace_report(&reader->warnings, input_of(stream)->files, stream->name, damage, text);
}

/* --- streams --- */

static void add_stream(struct reader_spanmill *reader, struct input *input,
                       struct trace_stream *take_stream)
{
    reader->streams = memory_grow(reader->streams, &reader->stream_room, reader->stream_count + 1,
                                  sizeof *reader->streams);
    struct stream *stream = &reader->streams[reader->stream_count++];
    stream_init(stream, &input->bound, take_stream->packets, take_stream->name);
    take_stream->packets = (struct packet_row){.at = NULL};
    stream->cut = take_stream->cut;
    stream->gone_ns = take_stream->gone_ns;
    stream->report = report_of_stream;
    stream->context = reader;
    stream->scratch = &reader->scratch;
}

static void add_streams(struct reader_spanmill *reader, struct input *input, uint64_t begin_ns)
{
    struct trace_streams streams;
    trace_streams_init(&streams, input->files, input->set->layout, input->times, begin_ns,
                       &reader->warnings);
    for (size_t i = 0; i < streams.count; i++)
        add_stream(reader, input, &streams.at[i]);
    trace_streams_clear(&streams);
}

static int by_place(const void *a, const void *b)
{
    const struct stream *left = a, *right = b;
    enum domain left_domain = left->trace->set->domain, right_domain = right->trace->set->domain;
    if (left_domain != right_domain)
        return left_domain < right_domain ? -1 : 1;
    if (left->cpu != right->cpu)
        return left->cpu < right->cpu ? -1 : 1;
    int trace = strcmp(input_of(left)->files->name, input_of(right)->files->name);
    return trace != 0 ? trace : strcmp(left->name, right->name);
}

static void rank_streams(struct reader_spanmill *reader)
{
    if (reader->stream_count == 0)
        return;
    qsort(reader->streams, reader->stream_count, sizeof *reader->streams, by_place);
    for (size_t i = 1; i < reader->stream_count; i++) {
        struct stream *stream = &reader->streams[i];
        if (stream[-1].cpu == stream->cpu &&
            stream[-1].trace->set->domain == stream->trace->set->domain)
            stream->rank = stream[-1].rank + 1;
    }
}

/* Events after the end of their packet are left out, so the ends are a limit. */
static uint64_t end_of_seam(const struct reader_spanmill *reader)
{
    uint64_t end_ns = 0;
    for (size_t i = 0; i < reader->stream_count; i++) {
        const struct stream *stream = &reader->streams[i];
        const struct packet_row *packets = &stream->packets;
        const struct input *input = &reader->inputs[stream->trace->blank.trace];
        for (size_t j = 0; j < packets->count; j++) {
            if (!packets->at[j].of_seam)
                continue;
            uint64_t late_ns =
                stream_late_ns(&input->times[packets->at[j].stream - input->set->layout->streams],
                               &packets->at[j]);
            end_ns = late_ns > end_ns ? late_ns : end_ns;
        }
    }
    return end_ns;
}

static void list_streams(struct reader_spanmill *reader)
{
    reader->stream_names = memory_new(reader->stream_count * sizeof *reader->stream_names);
    for (size_t i = 0; i < reader->stream_count; i++) {
        const struct stream *stream = &reader->streams[i];
        reader->stream_names[i] = (struct reader_stream){stream->trace->set->domain, stream->cpu,
                                                         stream->rank, stream->name};
    }
}

static void list_cpus(struct reader_spanmill *reader)
{
    size_t count = 0;
    list_streams(reader);
    reader->cpus = memory_new(reader->stream_count * sizeof *reader->cpus);
    for (size_t i = 0; i < reader->stream_count; i++) { /* ordered by domain and CPU */
        const struct stream *stream = &reader->streams[i];
        if (stream->trace->set->domain != DOMAIN_KERNEL || stream->cpu < 0)
            continue;
        if (count == 0 || reader->cpus[count - 1] != stream->cpu)
            reader->cpus[count++] = stream->cpu;
    }
    reader->info = (struct reader_info){
        .traces = reader->infos,
        .trace_count = reader->input_count,
        .cpus = reader->cpus,
        .cpu_count = count,
        .streams = reader->stream_names,
        .stream_count = reader->stream_count,
        .lost_user = reader->lost_user,
        .seam_end_ns = end_of_seam(reader),
    };
}

/* Events without a clock are counted, but have no time: they precede all others. */
static void place_timeless(struct reader_spanmill *reader, uint64_t begin_ns)
{
    uint64_t first_ns = UINT64_MAX;
    for (size_t i = 0; i < reader->stream_count; i++) {
        const struct packet_at *packet = &reader->streams[i].packets.at[0];
        if (packet->has_begin && packet->head.begin_ns < first_ns)
            first_ns = packet->head.begin_ns;
    }
    if (first_ns == UINT64_MAX || first_ns < begin_ns)
        first_ns = begin_ns;
    for (size_t i = 0; i < reader->stream_count; i++) {
        const struct stream *stream = &reader->streams[i];
        struct input *input = &reader->inputs[stream->trace->blank.trace];
        for (uint32_t j = 0; j < input->set->layout->stream_count; j++)
            if (input->set->layout->streams[j].clock == LAYOUT_NONE)
                input->times[j].shift_ns = (int64_t)first_ns;
        if (stream->packets.at[0].stream->clock == LAYOUT_NONE)
            reader_say(&reader->warnings, "%s: %s: %s", trace_shown(input_of(stream)->files),
                       stream->name,
                       "its events have no clock: they are counted, but have no time");
    }
}

/* --- the reader --- */

/* The streams write to reader->scratch: it is exchanged for that of the next batch. */
static struct batch *next_batch(struct reader_spanmill *reader)
{
    reader->batches[reader->batch].scratch = reader->scratch;
    reader->batch = (reader->batch + 1) % reader->batch_count;
    struct batch *batch = &reader->batches[reader->batch];
    reader->scratch = batch->scratch;
    if (!batch->events)
        batch->events = memory_new(BATCH_EVENTS * sizeof *batch->events);
    return batch;
}

static enum status spanmill_next(struct reader *base, const struct event **events, size_t *count,
                                 struct failure *why)
{
    (void)why;
    struct reader_spanmill *reader = (struct reader_spanmill *)base;
    struct batch *batch = next_batch(reader);
    scratch_clean_rich(&reader->scratch);
    scratch_reset(&reader->scratch);
    *events = batch->events;
    *count = merge_next(&reader->merge, batch->events, BATCH_EVENTS);
    return *count > 0 ? STATUS_OK : STATUS_END;
}

static const struct reader_info *spanmill_info(const struct reader *base)
{
    return &((const struct reader_spanmill *)base)->info;
}

static size_t spanmill_cuts(const struct reader *base, size_t parts_max, size_t bytes_min,
                            uint64_t *cuts)
{
    const struct reader_spanmill *reader = (const struct reader_spanmill *)base;
    return cuts_find(reader->streams, reader->stream_count, parts_max, bytes_min, cuts);
}

static void spanmill_close(struct reader *base)
{
    struct reader_spanmill *reader = (struct reader_spanmill *)base;
    merge_clear(&reader->merge);
    for (size_t i = 0; i < reader->stream_count; i++)
        stream_clear(&reader->streams[i]);
    for (size_t i = 0; i < reader->input_count; i++) {
        bound_trace_clear(&reader->inputs[i].bound);
        free(reader->inputs[i].times);
        plan_set_release(reader->inputs[i].set);
    }
    if (reader->batch_count > 0)
        reader->batches[reader->batch].scratch = reader->scratch;
    for (size_t i = 0; i < reader->batch_count; i++) {
        scratch_clear(&reader->batches[i].scratch);
        free(reader->batches[i].events);
    }
    free(reader->batches);
    free(reader->streams);
    free(reader->cpus);
    free(reader->stream_names);
    free(reader->infos);
    free(reader->inputs);
    free(reader);
}

/* Parses the metadata of a trace, and relates its clocks to that of the session. */
static enum status understand(struct reader_spanmill *reader, const struct reader_choice *choice,
                              struct input *input, struct trace_info *info, struct failure *why)
{
    const struct trace_files *files = input->files;
    if (files->metadata.at == NULL)
        return fail(why, STATUS_REJECT, "metadata: missing or empty");
    struct plan_wants wants = {schema_phases(reader->schema), schema_rows(reader->schema),
                               choice->shows, schema_is_of_names(reader->schema)};
    enum status status =
        plan_cache_take(choice->cache, files->metadata, strncmp(files->name, "ust", 3) == 0, &wants,
                        &input->set, why);
    if (status != STATUS_OK)
        return status;
    const struct layout *layout = input->set->layout;
    *info = trace_info_of(layout, input->set->domain, &input->set->declared);
    status = trace_times(layout, reader->clock, &input->times, info, why);
    if (status == STATUS_OK && !reader->clock)
        reader->clock = session_clock_of(layout);
    if (status != STATUS_OK)
        plan_set_release(input->set);
    return status;
}

/* Adds the trace, or leaves it out with a warning; `first` keeps the first reason. */
static void add_input(struct reader_spanmill *reader, const struct reader_choice *choice,
                      const struct trace_files *files, struct failure *first)
{
    struct failure why;
    struct input *input = &reader->inputs[reader->input_count];
    struct trace_info *info = &reader->infos[reader->input_count];
    *input = (struct input){.files = files};
    if (trace_is_empty(files) || trace_report_gone(&reader->warnings, files))
        return;
    if (understand(reader, choice, input, info, &why) != STATUS_OK) {
        trace_report_left_out(&reader->warnings, files, why.text);
        reader->lost_user |= trace_is_of_user(files);
        failure_prefix(&why, "%s", trace_shown(files));
        if (first->text[0] == '\0')
            *first = why;
        return;
    }
    trace_report_state(&reader->warnings, files, info);
    reader_note_uses(&reader->warnings, input->set->uses);
    struct event_origin origin = trace_origin(input->set->layout);
    bound_trace_init(&input->bound, input->set, input->times, reader->schema,
                     (uint32_t)reader->input_count,
                     declared_names_architecture(&info->declared) == ARCHITECTURE_X86_64, &origin);
    reader->input_count++;
}

static enum status spanmill_open(const struct reader_choice *choice, const struct trace_set *set,
                                 struct schema *schema, const struct reader_warnings *warnings,
                                 struct reader **out, struct failure *why)
{
    *out = NULL;
    struct failure first = {.text = ""};
    struct reader_spanmill *reader = memory_new(sizeof *reader);
    reader->reader.kind = &reader_spanmill;
    reader->schema = schema;
    if (warnings)
        reader->warnings = *warnings;
    reader->batch_count = choice->batches > 0 ? choice->batches : 1;
    reader->batches = memory_new(reader->batch_count * sizeof *reader->batches);
    reader->inputs = memory_new(set->trace_count * sizeof *reader->inputs);
    reader->infos = memory_new(set->trace_count * sizeof *reader->infos);
    for (size_t i = 0; i < set->trace_count; i++)
        add_input(reader, choice, &set->traces[i], &first);
    if (reader->input_count == 0) {
        spanmill_close(&reader->reader);
        return fail(why, STATUS_REJECT, "%s",
                    first.text[0] != '\0' ? first.text : "contains no trace");
    }
    for (size_t i = 0; i < reader->input_count; i++)
        add_streams(reader, &reader->inputs[i], choice->begin_ns);
    rank_streams(reader);
    list_cpus(reader);
    place_timeless(reader, choice->begin_ns);
    for (size_t i = 0; i < reader->stream_count; i++) {
        if (choice->is_part) {
            reader->streams[i].strict = true;
            cuts_skip(&reader->streams[i], choice->begin_ns);
        }
        stream_start(&reader->streams[i], choice->begin_ns);
        reader->info.early_events += reader->streams[i].early;
    }
    merge_init(&reader->merge, reader->streams, reader->stream_count);
    *out = &reader->reader;
    return STATUS_OK;
}

const struct reader_kind reader_spanmill = {
    .name = "spanmill",
    .open = spanmill_open,
    .info = spanmill_info,
    .next = spanmill_next,
    .cuts = spanmill_cuts,
    .close = spanmill_close,
};
