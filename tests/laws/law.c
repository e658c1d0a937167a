#include "law.h"
#include "law_parts.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/render/json.h"
#include "core/row_bytes.h"
#include "core/core.h"
#include "mapper/partial_builder.h"
#include "reducer/stitch.h"
#include "results/fold.h"
#include "wire/partial_codec.h"
#include "wire/result_codec.h"

void law_trace_clear(struct law_trace *trace)
{
    arena_clear(&trace->arena);
    free(trace->events);
    trace->events = NULL;
    trace->count = trace->room = 0;
}

void law_trace_add(struct law_trace *trace, const struct event *event)
{
    trace->events =
        memory_grow(trace->events, &trace->room, trace->count + 1, sizeof *trace->events);
    trace->events[trace->count++] = event_copy(&trace->arena, event);
}

uint64_t law_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static int compare_times(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

void law_random_cuts(const struct law_trace *trace, uint64_t *state, uint64_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        at[i] = i < trace->change_count ? trace->changes[i].at_ns
                                        : trace->events[law_random(state) % trace->count].time_ns +
                                              law_random(state) % 2;
    qsort(at, count, sizeof *at, compare_times);
}

/* A part of the trace on its way: mapped and encoded, perhaps by another thread, then decoded. */
struct part {
    const struct law_trace *trace;
    struct interval interval;
    size_t first, end; /* its events */
    bool all_single;
    uint64_t chunk, attempt;
    bool final;
    struct arena arena; /* holds the records */
    struct bytes *records;
    size_t record_count, record_room, bytes, items;
};

static void take_record(void *context, struct text key, struct bytes record)
{
    struct part *part = context;
    (void)key;
    uint8_t *copy = arena_take(&part->arena, record.count);
    memcpy(copy, record.at, record.count);
    part->records = memory_grow(part->records, &part->record_room, part->record_count + 1,
                                sizeof *part->records);
    part->records[part->record_count++] = (struct bytes){copy, record.count};
    part->bytes += record.count;
}

static void encode_item(void *context, const struct item *item)
{
    partial_encoder_add(context, item);
}

/* With whose definitions the part is mapped. */
static struct schema *schema_of(const struct part *part)
{
    const struct law_trace *trace = part->trace;
    struct schema *schema = trace->schema;
    for (size_t i = 0; i < trace->change_count; i++)
        if (trace->changes[i].at_ns <= part->interval.begin_ns)
            schema = trace->changes[i].schema;
    return schema;
}

static struct field_value field_named(const struct event *event, const char *name)
{
    for (size_t i = 0; i < event->field_count; i++)
        if (strcmp(event->class->fields[i], name) == 0)
            return event->fields[i];
    return (struct field_value){.type = FIELD_ABSENT};
}

/* The event as a reader with that schema has it. */
static struct event read_with(struct schema *schema, const struct event *from, struct arena *arena)
{
    struct event event = *from;
    enum domain domain = (enum domain)from->domain;
    event.class = from->kind == EVENT_LOSS
                      ? schema_loss_class(schema, domain)
                      : schema_class(schema, domain, text_of(from->class->name));
    event.call = from->call ? schema_call(schema, text_of(from->call->name)) : NULL;
    struct field_value *fields = arena_take(arena, event.class->field_count * sizeof *fields);
    for (size_t i = 0; i < event.class->field_count; i++)
        fields[i] = field_named(from, event.class->fields[i]);
    event.fields = fields;
    event.field_count = (uint16_t)(from->field_count ? event.class->field_count : 0);
    return event;
}

static void add_events(struct part *part, struct schema *schema, struct partial_builder *builder)
{
    const struct event *events = part->trace->events + part->first;
    size_t count = part->end - part->first;
    if (schema == part->trace->schema) {
        partial_builder_add(builder, events, count);
        return;
    }
    struct event *read = arena_take(&part->arena, count * sizeof *read);
    for (size_t i = 0; i < count; i++)
        read[i] = read_with(schema, &events[i], &part->arena);
    partial_builder_add(builder, read, count);
}

static void map_part(struct part *part)
{
    const struct law_trace *trace = part->trace;
    struct schema *schema = schema_of(part);
    struct partial_encoder *encoder = partial_encoder_new(schema);
    struct partial_builder_options options = {.interval = part->interval,
                                              .has_kernel = trace->facts.has_kernel,
                                              .counts_switches = trace->facts.counts_switches,
                                              .all_single = part->all_single,
                                              .sink = {encode_item, encoder}};
    struct partial_builder *builder = partial_builder_new(schema, &options);
    add_events(part, schema, builder);
    partial_builder_finish(builder);
    struct partial_counts counts = partial_builder_counts(builder);
    struct interval_end end = trace->facts;
    end.begin_ns = part->interval.begin_ns;
    end.end_ns = part->interval.end_ns;
    end.has_traces = part->interval.begin_ns == 0;
    end.chunk = part->chunk;
    end.final = part->final;
    end.phases = schema_own_set(schema);
    end.items = part->items = partial_encoder_items(encoder);
    end.events = counts.events;
    end.tallies = counts.tallies;
    end.first_ns = counts.first_ns;
    end.last_ns = counts.last_ns;
    struct record_meta meta = {
        .session = text_of(trace->session), .chunk = part->chunk, .attempt = part->attempt};
    partial_encoder_finish(encoder, &meta, &end, (struct record_sink){take_record, part});
    partial_builder_free(builder);
    partial_encoder_free(encoder);
}

/* The same by the core, as mappers do it. */
static void map_part_by_core(struct part *part)
{
    const struct law_trace *trace = part->trace;
    struct schema *schema = schema_of(part);
    struct core_mapping mapping = {.facts = {trace->facts.has_kernel, trace->facts.counts_switches},
                                   .begin_ns = part->interval.begin_ns,
                                   .end_ns = part->interval.end_ns};
    struct row row = {.count = 0};
    struct core *core = core_new_mapping(schema, &mapping, &row);
    const struct event *events = part->trace->events + part->first;
    size_t count = part->end - part->first;
    struct event *read = arena_take(&part->arena, (count + 1) * sizeof *read);
    for (size_t i = 0; i < count; i++)
        read[i] = schema == trace->schema ? events[i] : read_with(schema, &events[i], &part->arena);
    core_map(core, read, count);
    core_map_end(core);
    struct core_counts counts = core_counts(core);
    struct interval_end end = trace->facts;
    end.begin_ns = part->interval.begin_ns;
    end.end_ns = part->interval.end_ns;
    end.has_traces = part->interval.begin_ns == 0;
    end.chunk = part->chunk;
    end.final = part->final;
    end.phases = schema_own_set(schema);
    end.items = part->items = row.count;
    end.events = counts.events;
    end.tallies = counts.tallies;
    end.first_ns = counts.first_ns;
    end.last_ns = counts.last_ns;
    struct record_meta meta = {
        .session = text_of(trace->session), .chunk = part->chunk, .attempt = part->attempt};
    struct columns_out bytes = {.count = 0};
    row_write(&row, schema, &bytes);
    partial_encode_row((struct bytes){bytes.at, bytes.count}, &meta, &end,
                       (struct record_sink){take_record, part});
    columns_clear(&bytes);
    core_free(core);
    row_clear(&row);
}

/* The parts still to be mapped, for any number of threads. */
struct work {
    struct part *parts;
    const size_t *order;
    size_t count;
    atomic_size_t next;
};

static void *map_parts(void *context)
{
    struct work *work = context;
    for (;;) {
        size_t at = atomic_fetch_add(&work->next, 1);
        if (at >= work->count)
            return NULL;
        map_part(&work->parts[work->order[at]]);
    }
}

/* Maps all parts in an order drawn from `shuffle`, by up to four threads. */
static void map_all(struct part *parts, size_t count, unsigned shuffle)
{
    uint64_t random = shuffle + 1;
    size_t *order = memory_new(count * sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; shuffle && i > 1; i--) {
        size_t other = law_random(&random) % i, kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
    struct work work = {.parts = parts, .order = order, .count = count};
    pthread_t threads[3];
    size_t thread_count = shuffle ? law_random(&random) % 4 : 0;
    for (size_t i = 0; i < thread_count; i++)
        assert(pthread_create(&threads[i], NULL, map_parts, &work) == 0);
    map_parts(&work);
    for (size_t i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    free(order);
}

/* A part mapped again gives the very same records. */
static void check_repeat(const struct part *part)
{
    struct part again = *part;
    again.arena = (struct arena){0};
    again.records = NULL;
    again.record_count = again.record_room = again.bytes = 0;
    map_part(&again);
    assert(again.record_count == part->record_count);
    for (size_t i = 0; i < again.record_count; i++)
        assert(again.records[i].count == part->records[i].count &&
               memcmp(again.records[i].at, part->records[i].at, part->records[i].count) == 0);
    arena_clear(&again.arena);
    free(again.records);
}

/* One interval, as a reducer gets it. */
struct interval_row {
    const struct item *items;
    size_t count;
    struct interval_end end;
};

static struct interval_row decode_part(const struct part *part, struct arena *arena)
{
    struct item *row = arena_take(arena, part->items * sizeof *row);
    struct interval_row out = {.items = row, .count = part->items};
    size_t placed = 0;
    for (size_t i = part->record_count; i-- > 0;) { /* the end first */
        struct decoded_record record;
        struct failure why;
        if (partial_decode(part->records[i], part->trace->schema, out.end.phases, arena, &record,
                           &why) != STATUS_OK) {
            fprintf(stderr, "law: %s\n", why.text);
            abort();
        }
        if (record.is_end)
            out.end = record.end;
        for (size_t k = 0; k < record.count; k++, placed++) {
            assert(record.items[k].position < part->items);
            const struct item *item = record.items[k].item;
            memcpy(&row[record.items[k].position], item, item_bytes((enum item_kind)item->kind));
        }
    }
    assert(placed == part->items && out.end.items == part->items);
    return out;
}

char *law_fold_report(const struct fold *fold)
{
    struct report report = {0};
    struct session_report session;
    fold_report(fold, &report.arena, &session);
    report.sessions = &session;
    report.session_count = 1;
    char *json = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&json, &size);
    report_write_json(out, &report, 1);
    fclose(out);
    arena_clear(&report.arena);
    return json;
}

static void take(void *fold, const struct result *result)
{
    fold_take(fold, result);
}

/* What a stitch saves. */
struct saved {
    struct arena arena;
    struct state_record *records;
    size_t count, room;
};

static void keep(void *context, struct text key, struct bytes record)
{
    struct saved *saved = context;
    uint8_t *copy = arena_take(&saved->arena, record.count);
    memcpy(copy, record.at, record.count);
    saved->records =
        memory_grow(saved->records, &saved->room, saved->count + 1, sizeof *saved->records);
    saved->records[saved->count++] =
        (struct state_record){{arena_string(&saved->arena, key), key.count}, {copy, record.count}};
}

/* Ends the stitch behind row `last`, and makes another of what it saved, read in any order; tells
 * some of the living again, which must change nothing. */
static struct stitch *restart(struct stitch *stitch, struct schema *schema, struct result_sink sink,
                              const struct interval_row *rows, size_t last, uint64_t *random)
{
    struct saved saved = {.count = 0};
    stitch_retell(stitch, law_random(random) % 4, 4);
    uint64_t oldest = last + 1;
    if (!stitch_oldest_chunk(stitch, &oldest))
        oldest = last + 1;
    stitch_save(stitch, (struct state_sink){keep, &saved});
    stitch_free(stitch);
    for (size_t i = saved.count; i > 1; i--) {
        size_t other = law_random(random) % i;
        struct state_record kept = saved.records[i - 1];
        saved.records[i - 1] = saved.records[other];
        saved.records[other] = kept;
    }
    struct failure why;
    if (stitch_restore(schema, sink, saved.records, saved.count, &stitch, &why) != STATUS_OK) {
        fprintf(stderr, "law: restart behind %zu: %s\n", last, why.text);
        abort();
    }
    for (size_t i = (size_t)oldest; i <= last; i++)
        stitch_add(stitch, rows[i].items, rows[i].count, &rows[i].end);
    arena_clear(&saved.arena);
    free(saved.records);
    return stitch;
}

static struct part *part_trace(const struct law_trace *trace, struct law_cuts cuts, bool all_single)
{
    struct part *parts = memory_new((cuts.count + 1) * sizeof *parts);
    size_t at = 0;
    for (size_t i = 0; i <= cuts.count; i++) {
        struct part *part = &parts[i];
        part->trace = trace;
        part->all_single = all_single;
        part->chunk = i;
        part->attempt = 1;
        part->interval = (struct interval){i > 0 ? cuts.at[i - 1] : 0,
                                           i < cuts.count ? cuts.at[i] : INTERVAL_OPEN};
        part->first = at;
        while (at < trace->count && trace->events[at].time_ns < part->interval.end_ns)
            at++;
        part->end = at;
    }
    return parts;
}

void law_map_piece(const struct law_trace *trace, struct law_cuts cuts, size_t index,
                   uint64_t attempt, struct record_sink sink)
{
    struct part *parts = part_trace(trace, cuts, false);
    struct part *part = &parts[index];
    part->attempt = attempt;
    part->final = index == cuts.count;
    map_part_by_core(part);
    for (size_t i = 0; i < part->record_count; i++)
        sink.take(sink.context, text_of(""), part->records[i]);
    arena_clear(&part->arena);
    free(part->records);
    free(parts);
}

/* All parts of a trace, mapped, encoded and decoded. */
struct rows {
    struct part *parts;
    struct interval_row *at;
    size_t count;
    struct arena arena;
};

static void make_rows(struct rows *rows, const struct law_trace *trace, struct law_cuts cuts,
                      bool all_single, unsigned shuffle)
{
    *rows = (struct rows){.parts = part_trace(trace, cuts, all_single), .count = cuts.count + 1};
    map_all(rows->parts, rows->count, shuffle);
    if (shuffle)
        check_repeat(&rows->parts[shuffle % rows->count]);
    rows->at = memory_new(rows->count * sizeof *rows->at);
    for (size_t i = 0; i < rows->count; i++)
        rows->at[i] = decode_part(&rows->parts[i], &rows->arena);
}

static void clear_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        arena_clear(&rows->parts[i].arena);
        free(rows->parts[i].records);
    }
    free(rows->parts);
    free(rows->at);
    arena_clear(&rows->arena);
}

char *law_report(const struct law_trace *trace, struct law_cuts cuts, bool all_single,
                 unsigned shuffle, struct law_figures *figures)
{
    struct rows rows;
    make_rows(&rows, trace, cuts, all_single, shuffle);
    for (size_t i = 0; figures && i < rows.count; i++) {
        figures->items += rows.parts[i].items;
        figures->bytes += rows.parts[i].bytes;
    }
    struct fold *fold = fold_new(text_of(trace->session));
    struct stitch *stitch = stitch_new(trace->schema, (struct result_sink){take, fold});
    uint64_t random = shuffle + 7;
    for (size_t i = 0; i < rows.count; i++) {
        stitch_add(stitch, rows.at[i].items, rows.at[i].count, &rows.at[i].end);
        if (shuffle % 2 == 1 && law_random(&random) % 3 > 0)
            stitch = restart(stitch, trace->schema, (struct result_sink){take, fold}, rows.at, i,
                             &random);
    }
    stitch_finish(stitch);
    char *json = law_fold_report(fold);
    stitch_free(stitch);
    fold_free(fold);
    clear_rows(&rows);
    return json;
}

/* --- the log of results --- */

static void log_record(void *context, struct text key, struct bytes value)
{
    struct law_log *log = context;
    uint8_t *copy = arena_take(&log->arena, value.count);
    memcpy(copy, value.at, value.count);
    log->records = memory_grow(log->records, &log->room, log->count + 1, sizeof *log->records);
    log->records[log->count++] =
        (struct law_log_record){.key = {arena_string(&log->arena, key), key.count},
                                .value = {copy, value.count},
                                .interval = log->intervals};
}

void law_log_make(struct law_log *log, const struct law_trace *trace, struct law_cuts cuts,
                  unsigned turns)
{
    *log = (struct law_log){.count = 0};
    struct rows rows;
    make_rows(&rows, trace, cuts, false, 0);
    struct result_batch *batch = result_batch_new();
    struct stitch *stitch = stitch_new(trace->schema, result_batch_sink(batch));
    for (; log->intervals <= rows.count; log->intervals++) {
        size_t i = log->intervals;
        if (i < rows.count)
            stitch_add(stitch, rows.at[i].items, rows.at[i].count, &rows.at[i].end);
        else
            stitch_finish(stitch);
        if (i < rows.count && turns)
            stitch_retell(stitch, i % turns, turns);
        struct result_meta meta = {.session = text_of(trace->session), .chunk = i};
        result_flush(&meta, batch, (struct record_sink){log_record, log});
    }
    stitch_free(stitch);
    result_batch_free(batch);
    clear_rows(&rows);
}

void law_log_clear(struct law_log *log)
{
    arena_clear(&log->arena);
    free(log->records);
}

bool law_difference(const char *expected, const char *found, char *room, size_t size)
{
    while (*expected && *found) {
        size_t left = strcspn(expected, "\n"), right = strcspn(found, "\n");
        if (left != right || memcmp(expected, found, left) != 0) {
            snprintf(room, size, "expected %.*s\n  found %.*s", (int)left, expected, (int)right,
                     found);
            return true;
        }
        expected += left + (expected[left] == '\n');
        found += right + (found[right] == '\n');
    }
    if (*expected == *found)
        return false;
    snprintf(room, size, "one ends early: expected \"%.300s\", found \"%.300s\"", expected, found);
    return true;
}
