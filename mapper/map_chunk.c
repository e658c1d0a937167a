#include "mapper/map_chunk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analyses.h"
#include "base/memory.h"
#include "core/core.h"
#include "core/row_bytes.h"
#include "trace/schema.h"

/* Events between two checks whether to stop. */
enum { STOP_EVENTS = 1 << 16 };

/* Records are encoded when there are this many: few enough to be still in the cache. */
enum { ROW_RECORDS = 256 };

/* The state of mapping one chunk. */
struct mapping {
    struct schema *schema;
    struct chunk *chunk;
    struct reader *reader; /* NULL: the chunk has no traces */
    struct core *core;
    struct row row;           /* output of the core */
    struct columns_out bytes; /* of records that were encoded before */
    struct interval interval;
    struct interval_notes *notes; /* from the reader */
    /* Number of events: of the chunk itself before and after the interval, of the seam in the
     * interval and after it. */
    uint64_t early, left, seam, beyond;
    bool windowed;               /* only a part of the interval is needed */
    const struct map_part *part; /* or NULL */
    bool begun;                  /* the first event of the interval was read */
};

/* The session's identity in the records of a chunk. */
struct identity {
    uint64_t number, first_chunk, attempt;
    bool has_traces, gap_before, final;
    const char *mark;          /* or NULL */
    const char *session_names; /* "host/name/created", if not from the traces; or NULL */
    struct text session;       /* empty: from the traces, with the mark */
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
    core_free(mapping->core);
    row_clear(&mapping->row);
    columns_clear(&mapping->bytes);
    enter(guard);
    reader_close(mapping->reader);
    leave(guard);
    chunk_close(mapping->chunk);
    schema_free(mapping->schema);
    interval_notes_clear(mapping->notes);
    free(mapping->notes);
}

static bool is_first_part(const struct mapping *mapping)
{
    return !mapping->part || mapping->part->is_first;
}

static bool is_last_part(const struct mapping *mapping)
{
    return !mapping->part || mapping->part->is_last;
}

static void window(struct mapping *mapping, const struct interval *window)
{
    struct interval whole = mapping->interval;
    mapping->windowed = window->begin_ns > whole.begin_ns || window->end_ns < whole.end_ns;
    if (window->begin_ns > mapping->interval.begin_ns)
        mapping->interval.begin_ns = window->begin_ns;
    if (window->end_ns < mapping->interval.end_ns)
        mapping->interval.end_ns = window->end_ns;
}

/* Whether there is no data that metadata would be needed for. */
static bool is_empty(const struct trace_set *traces)
{
    for (size_t i = 0; i < traces->trace_count; i++)
        for (size_t j = 0; j < traces->traces[i].stream_count; j++)
            if (traces->traces[i].streams[j].data.count + traces->traces[i].streams[j].seam.count)
                return false;
    return true;
}

/* Opens a reader for the chunk's traces, if there are any. */
static enum status read_chunk(struct mapping *mapping, const struct map_options *options,
                              const struct reader_warnings *warnings, struct failure *why)
{
    mapping->interval = chunk_interval(mapping->chunk);
    if (mapping->part)
        mapping->interval = mapping->part->interval;
    else
        window(mapping, &options->window);
    const struct trace_set *traces = chunk_traces(mapping->chunk);
    if (traces->trace_count == 0)
        return STATUS_OK;
    enter(&options->guard);
    struct reader_warnings noting = warnings ? *warnings : (struct reader_warnings){.say = NULL};
    noting.notes = mapping->notes;
    struct reader_choice choice = {.kind = options->reader,
                                   .other = options->other_reader,
                                   .cache = options->cache,
                                   .begin_ns = mapping->interval.begin_ns,
                                   .is_part = mapping->part != NULL};
    enum status status =
        reader_open_as(&choice, traces, mapping->schema, &noting, &mapping->reader, why);
    leave(&options->guard);
    if (status == STATUS_REJECT && is_empty(traces)) {
        if (!traces->traces[0].is_recorded)
            interval_notes_clear(mapping->notes);
        return STATUS_OK;
    }
    return status;
}

static struct mapping mapping_new(const struct map_options *options)
{
    return (struct mapping){
        .schema = schema_new_with(options->phases, analyses_event_row, analyses_count),
        .row.arena.store = options->store,
        .part = options->part,
        .notes = memory_new(sizeof(struct interval_notes))};
}

static enum status mapping_open(struct mapping *mapping, const struct chunk_ref *ref,
                                const struct map_options *options,
                                const struct reader_warnings *warnings, struct failure *why)
{
    *mapping = mapping_new(options);
    enum status status = chunk_open(ref, options->room, &mapping->chunk, why);
    if (status == STATUS_OK)
        status = read_chunk(mapping, options, warnings, why);
    return status;
}

static const struct reader_info *info_of(const struct mapping *mapping)
{
    static const struct reader_info none;
    return mapping->reader ? reader_info(mapping->reader) : &none;
}

/* The trace that represents all: the kernel's, else the first. */
static const struct trace_info *speaker(const struct reader_info *info)
{
    for (size_t i = 0; i < info->trace_count; i++)
        if (info->traces[i].domain == DOMAIN_KERNEL)
            return &info->traces[i];
    return info->trace_count > 0 ? &info->traces[0] : NULL;
}

static bool has_kernel(const struct reader_info *info)
{
    for (size_t i = 0; i < info->trace_count; i++)
        if (info->traces[i].domain == DOMAIN_KERNEL)
            return true;
    return false;
}

void map_dumped_threads(struct schema *schema, const struct chunk *chunk,
                        const struct reader_info *info, uint64_t time_ns,
                        void (*take)(void *context, const struct event *event), void *context)
{
    size_t count;
    const struct thread_entry *threads = chunk_threads(chunk, &count);
    if (!chunk_threads_from_proc(chunk) || !has_kernel(info))
        return;
    enum { TID, PID, PPID };
    const struct event_class *class =
        schema_class(schema, DOMAIN_KERNEL, text_of("lttng_statedump_process_state"));
    struct field_value *absent = memory_new((class->field_count + 1) * sizeof *absent);
    for (size_t i = 0; i < count; i++) {
        const struct thread_entry *thread = &threads[i];
        struct event event = {.time_ns = time_ns,
                              .class = class,
                              .cpu = -1,
                              .domain = DOMAIN_KERNEL,
                              .kind = class->kind,
                              .field_count = (uint16_t) class->field_count,
                              .fields = absent,
                              .present = 1 << TID | 1 << PID | 1 << EVENT_VALUES};
        event.value[TID] = thread->tid;
        event.value[PID] = thread->pid;
        if (thread->ppid >= 0) {
            event.present |= 1 << PPID;
            event.value[PPID] = thread->ppid;
        }
        event.text[0] = text_of(thread->name);
        take(context, &event);
    }
    free(absent);
}

static void map_thread(void *context, const struct event *event)
{
    struct core *core = context;
    core_map_thread(core, event);
}

/* Number of events before the first of the interval. */
static size_t before_first(const struct mapping *mapping, const struct event *events, size_t count)
{
    size_t i = 0;
    while (i < count &&
           (events[i].time_ns < mapping->interval.begin_ns ||
            events[i].time_ns >= mapping->interval.end_ns || events[i].kind == EVENT_LOSS))
        i++;
    return i;
}

static void count_events(struct mapping *mapping, const struct event *events, size_t count)
{
    const struct interval *interval = &mapping->interval;
    /* Nearly all batches: in the interval, and after the seam. */
    if (count == 0 ||
        (events[0].time_ns > info_of(mapping)->seam_end_ns &&
         events[0].time_ns >= interval->begin_ns && events[count - 1].time_ns < interval->end_ns))
        return;
    for (size_t i = 0; i < count; i++) {
        const struct event *event = &events[i];
        if (event->kind == EVENT_LOSS)
            continue;
        if (event->time_ns < interval->begin_ns)
            mapping->early += !event->seam;
        else if (event->time_ns < interval->end_ns)
            mapping->seam += event->seam;
        else if (event->seam)
            mapping->beyond++;
        else
            mapping->left++;
    }
}

static void add_events(struct mapping *mapping, const struct event *events, size_t count)
{
    count_events(mapping, events, count);
    if (!mapping->begun) {
        size_t before = before_first(mapping, events, count);
        core_map(mapping->core, events, before);
        events += before;
        count -= before;
        mapping->begun = count > 0;
        if (count > 0 && is_first_part(mapping))
            map_dumped_threads(mapping->schema, mapping->chunk, info_of(mapping), events[0].time_ns,
                               map_thread, mapping->core);
    }
    core_map(mapping->core, events, count);
    if (mapping->row.count >= ROW_RECORDS)
        row_write_some(&mapping->row, mapping->schema, &mapping->bytes);
}

/* A missing user-space trace is a loss in user space, like those that its streams report. */
static void emit_lost_user(struct mapping *mapping)
{
    if (!info_of(mapping)->lost_user || mapping->interval.begin_ns == 0 || !is_first_part(mapping))
        return; /* nothing was open before */
    const struct event loss = {.time_ns = mapping->interval.begin_ns,
                               .class = schema_loss_class(mapping->schema, DOMAIN_UST),
                               .cpu = -1,
                               .domain = DOMAIN_UST,
                               .kind = EVENT_LOSS,
                               .present = 1 | 2 | 8};
    core_map(mapping->core, &loss, 1);
}

static enum status read_events(struct mapping *mapping, const struct map_stop *stop,
                               struct failure *why)
{
    size_t since_asked = 0;
    while (mapping->reader) {
        const struct event *events;
        size_t count;
        enum status status = reader_next(mapping->reader, &events, &count, why);
        if (status == STATUS_END)
            break;
        if (status != STATUS_OK)
            return status;
        add_events(mapping, events, count);
        /* The rest belongs to the next chunk, but is counted: that must take what is left. */
        if (events[count - 1].time_ns >= mapping->interval.end_ns &&
            (mapping->windowed || !is_last_part(mapping)))
            break;
        since_asked += count;
        if (stop->asked && since_asked >= STOP_EVENTS) {
            since_asked = 0;
            if (stop->asked(stop->context))
                return fail(why, STATUS_RETRY, "interrupted");
        }
    }
    return STATUS_OK;
}

/* There is a kernel trace, and none that declares a system call. */
static bool no_calls(const struct reader_info *info)
{
    for (size_t i = 0; i < info->trace_count; i++)
        if (info->traces[i].domain == DOMAIN_KERNEL && info->traces[i].declared.syscalls)
            return false;
    return has_kernel(info);
}

static struct core *new_core(struct mapping *mapping)
{
    struct core_mapping options = {.begin_ns = mapping->interval.begin_ns,
                                   .end_ns = mapping->interval.end_ns};
    const struct reader_info *info = info_of(mapping);
    for (size_t i = 0; i < info->trace_count; i++) {
        if (info->traces[i].domain != DOMAIN_KERNEL)
            continue;
        options.facts.has_kernel = true;
        options.facts.counts_switches |= info->traces[i].declared.sched_switch;
        options.facts.no_calls = no_calls(info);
        options.names_no_calls |=
            declared_names_architecture(&info->traces[i].declared) == ARCHITECTURE_UNKNOWN;
    }
    return core_new_mapping(mapping->schema, &options, &mapping->row);
}

void map_describe_traces(const struct reader_info *info, const struct core_counts *counts,
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
    end->no_calls = no_calls(info);
    const struct trace_info *trace = speaker(info);
    if (!trace)
        return;
    end->host = text_of(trace->hostname);
    end->session = text_of(trace->session);
    end->created = text_of(trace->created);
    memcpy(end->clock_uuid, trace->clock_uuid, sizeof end->clock_uuid);
    end->has_offset = true;
    end->offset_ns = trace->offset_ns;
    if (trace->domain != DOMAIN_KERNEL && counts->first_ns != TIME_NONE &&
        counts->first_trace < info->trace_count)
        end->offset_ns = info->traces[counts->first_trace].offset_ns;
}

/* Events of the chunk's files that are in no interval. */
static void note_dropped(struct mapping *mapping)
{
    const struct {
        uint64_t count;
        const char *text;
    } dropped[] = {{is_first_part(mapping) ? mapping->early + info_of(mapping)->early_events : 0,
                    "events before its interval, which belong to an earlier chunk"},
                   {is_last_part(mapping) ? mapping->beyond : 0,
                    "events of its seam that are later than its interval"}};
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped && !mapping->windowed; i++) {
        struct damage damage = {.scope = DAMAGE_EVENT,
                                .cause = i == 0 ? DAMAGE_BY_ORDER : DAMAGE_BY_SEAM,
                                .name = text_of(""),
                                .count = dropped[i].count,
                                .text = text_of(dropped[i].text)};
        if (damage.count > 0)
            interval_notes_add(mapping->notes, &damage);
    }
}

static struct interval_end describe_end(struct mapping *mapping, const struct identity *identity)
{
    struct core_counts counts = core_counts(mapping->core);
    struct interval_end end = {.chunk = identity->number,
                               .begin_ns = mapping->interval.begin_ns,
                               .end_ns = mapping->interval.end_ns,
                               .items = mapping->row.passed,
                               .has_traces = identity->has_traces && is_first_part(mapping),
                               .gap_before = identity->gap_before && is_first_part(mapping),
                               .final = identity->final,
                               .events = counts.events,
                               .single_events = counts.single_events,
                               .tallies = counts.tallies,
                               .first_ns = counts.first_ns,
                               .last_ns = counts.last_ns,
                               .phases = schema_own_set(mapping->schema),
                               .raw_bytes =
                                   is_first_part(mapping) ? chunk_raw_bytes(mapping->chunk) : 0};
    note_dropped(mapping);
    end.knows_seam = !mapping->windowed;
    end.left_events = is_last_part(mapping) ? mapping->left : 0;
    end.seam_events = mapping->seam;
    tallies_add(&end.tallies, &mapping->notes->tallies);
    interval_notes_sort(mapping->notes); /* decoders find damage in different orders */
    end.damage = interval_notes_damages(mapping->notes);
    end.uses = mapping->notes->uses;
    for (size_t i = 0; i < mapping->notes->count; i++)
        mapping->notes->items[i].chunk = identity->number;
    map_describe_traces(info_of(mapping), &counts, &end);
    return end;
}

/* Counts records on their way to the sink. */
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

static char *marked(struct text session, const char *mark)
{
    return memory_format("%.*s%s%s", (int)session.count, session.at, mark ? ":" : "",
                         mark ? mark : "");
}

/* The identity of a chunk that has no trace with it. */
static void set_session(const struct mapping *mapping, const struct identity *identity,
                        struct interval_end *end)
{
    const struct archive_facts *facts = chunk_facts(mapping->chunk);
    if (facts) {
        end->host = text_of(facts->host);
        end->session = text_of(facts->session);
        end->created = text_of(facts->created);
    } else if (identity->session_names) {
        text_session(text_of(identity->session_names), &end->host, &end->session, &end->created);
    }
}

/* Whether data was left out or lost: several parts may have reported it, or none. */
static bool is_damaged(const struct interval_end *end)
{
    for (size_t i = 0; i < TALLY_COUNT; i++)
        if (!tally_rows[i].hint && end->tallies.at[i] > 0) /* on the line of losses */
            return true;
    return end->damage.count + end->damage.more > 0;
}

static enum status send(struct mapping *mapping, const struct identity *identity,
                        const struct map_options *options, struct record_sink sink,
                        struct map_stats *stats, struct failure *why)
{
    core_map_end(mapping->core);
    row_write_rest(&mapping->row, mapping->schema, &mapping->bytes);
    struct interval_end end = describe_end(mapping, identity);
    if (mapping->part && is_damaged(&end))
        return fail(why, STATUS_END, "a part with damage or loss");
    if (info_of(mapping)->trace_count == 0)
        set_session(mapping, identity, &end);
    char *name = marked(end.session, identity->mark);
    end.session = text_of(name);
    char *session = identity->session.count > 0
                        ? memory_string(identity->session)
                        : memory_format("%.*s/%s/%.*s", (int)end.host.count, end.host.at, name,
                                        (int)end.created.count, end.created.at);
    struct record_meta meta = {.session = text_of(session),
                               .chunk = end.chunk,
                               .first_chunk = identity->first_chunk,
                               .attempt = identity->attempt};
    struct counting counting = {.sink = sink};
    partial_encode((struct bytes){mapping->bytes.at, mapping->bytes.count}, &meta, &end,
                   !options->stays, (struct record_sink){count_record, &counting});
    if (options->uses.take)
        options->uses.take(options->uses.context, end.uses);
    stats->events += end.events;
    stats->single_events += end.single_events;
    stats->items += end.items;
    tallies_add(&stats->tallies, &end.tallies);
    stats->record_bytes += counting.bytes;
    stats->raw_bytes += chunk_raw_bytes(mapping->chunk);
    free(session);
    free(name);
    return STATUS_OK;
}

/* Maps what mapping_open() or map_archive() opened with `status`; closes it. */
static enum status map_opened(struct mapping *mapping, enum status status,
                              const struct identity *identity, const struct map_options *options,
                              struct record_sink sink, struct map_stats *stats, struct failure *why)
{
    if (status == STATUS_OK) {
        mapping->core = new_core(mapping);
        emit_lost_user(mapping);
        status = read_events(mapping, &options->stop, why);
    }
    if (status == STATUS_OK)
        status = chunk_check(mapping->chunk, why);
    if (status == STATUS_OK)
        status = send(mapping, identity, options, sink, stats, why);
    mapping_close(mapping, &options->guard);
    return status;
}

enum status map_chunk(const struct chunk_ref *ref, const struct map_options *options,
                      const struct reader_warnings *warnings, struct record_sink sink,
                      struct map_stats *stats, struct failure *why)
{
    struct mapping mapping;
    enum status status = mapping_open(&mapping, ref, options, warnings, why);
    struct identity identity = {.number = (uint64_t)ref->number,
                                .first_chunk = options->first_chunk,
                                .attempt = 1,
                                .has_traces = ref->has_kernel_or_ust,
                                .gap_before = ref->gap_before,
                                .mark = options->mark ? options->mark : ref->snapshot,
                                .session_names = ref->session_names};
    return map_opened(&mapping, status, &identity, options, sink, stats, why);
}

/* Keeps the cuts inside of the interval; returns their number. */
static size_t cuts_inside(struct interval interval, uint64_t *cuts, size_t count)
{
    size_t inside = 0;
    for (size_t i = 0; i < count; i++)
        if (cuts[i] > interval.begin_ns && cuts[i] < interval.end_ns)
            cuts[inside++] = cuts[i];
    return inside;
}

static void note_sentence(void *context, const char *sentence)
{
    (void)sentence;
    *(bool *)context = true;
}

size_t map_cuts(const struct chunk_ref *ref, const struct map_options *options, size_t parts_max,
                size_t bytes_min, uint64_t *cuts)
{
    if (parts_max < 2 || ref->packed || ref->recorded ||
        (options->reader && !reader_kind_reads_parts(options->reader)))
        return 0;
    struct map_options own = *options;
    own.other_reader = NULL; /* it reads no parts, and its use is reported once */
    bool warned = false;
    const struct reader_warnings warnings = {.say = note_sentence, .context = &warned};
    struct mapping mapping;
    struct failure ignored;
    size_t count = 0;
    enum status status = mapping_open(&mapping, ref, &own, &warnings, &ignored);
    if (status == STATUS_OK && mapping.reader && !mapping.windowed && !warned &&
        mapping.notes->count == 0 && !info_of(&mapping)->lost_user)
        count = cuts_inside(mapping.interval, cuts,
                            reader_cuts(mapping.reader, parts_max, bytes_min, cuts));
    mapping_close(&mapping, &options->guard);
    return count;
}

enum status map_archive(struct bytes frame, const struct map_place *place,
                        const struct map_options *options, const struct reader_warnings *warnings,
                        struct record_sink sink, struct map_stats *stats, struct failure *why)
{
    struct mapping mapping = mapping_new(options);
    struct identity identity = {.number = place->chunk,
                                .first_chunk = place->first_chunk,
                                .attempt = place->attempt,
                                .final = place->final,
                                .session = place->session};
    enum status status =
        chunk_open_frame(frame, options->raw_max ? options->raw_max : ARCHIVE_RAW_MAX,
                         options->room, &mapping.chunk, why);
    char mark[ARCHIVE_TEXT_MAX] = "";
    if (status == STATUS_OK) {
        const struct archive_facts *facts = chunk_facts(mapping.chunk);
        identity.has_traces = facts->has_traces;
        snprintf(mark, sizeof mark, "%s", facts->snapshot);
        identity.mark = mark[0] ? mark : NULL;
        if (facts->number < 0 || (uint64_t)facts->number != place->chunk)
            status = fail(why, STATUS_REJECT, "the archive contains chunk %lld",
                          (long long)facts->number);
    }
    if (status == STATUS_OK)
        status = read_chunk(&mapping, options, warnings, why);
    return map_opened(&mapping, status, &identity, options, sink, stats, why);
}

/* The first event of the interval. */
static enum status find_first(const struct mapping *mapping, uint64_t *raw_ns, uint32_t *trace,
                              struct failure *why)
{
    while (mapping->reader) {
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
    return STATUS_END;
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
