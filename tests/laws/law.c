#include "law.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/json.h"
#include "mapper/partial_builder.h"
#include "reducer/stitch.h"
#include "results/fold.h"
#include "wire/partial_codec.h"

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
        at[i] = trace->events[law_random(state) % trace->count].time_ns + law_random(state) % 2;
    qsort(at, count, sizeof *at, compare_times);
}

static void take(void *fold, const struct result *result)
{
    fold_take(fold, result);
}

/* The records of one interval on their way: encoded, decoded again, and put in a row. */
struct wire {
    struct schema *schema;
    struct arena arena;
    struct item *row;
    size_t count;
    struct interval_end end;
    bool good;
    size_t bytes;
};

static void take_record(void *context, struct text key, struct bytes bytes)
{
    struct wire *wire = context;
    (void)key;
    struct decoded_record record;
    struct failure why;
    uint8_t *copy = arena_take(&wire->arena, bytes.count);
    memcpy(copy, bytes.at, bytes.count);
    wire->bytes += bytes.count;
    if (partial_decode((struct bytes){copy, bytes.count}, wire->schema, &wire->arena, &record,
                       &why) != STATUS_OK) {
        fprintf(stderr, "law: %s\n", why.text);
        wire->good = false;
        return;
    }
    if (record.is_end)
        wire->end = record.end;
    for (size_t i = 0; i < record.count; i++) {
        if (record.items[i].position < wire->count)
            wire->row[record.items[i].position] = record.items[i].item;
        else
            wire->good = false;
    }
}

/* Maps the part of the trace from event `*at` on that lies before `end_ns`. */
static void map_part(const struct law_trace *trace, size_t *at, struct interval interval,
                     bool all_single, struct stitch *stitch, struct law_figures *figures)
{
    struct partial_builder_options options = {.interval = interval,
                                              .has_kernel = trace->facts.has_kernel,
                                              .counts_switches = trace->facts.counts_switches,
                                              .all_single = all_single};
    struct partial_builder *builder = partial_builder_new(trace->schema, &options);
    size_t next = *at;
    for (; next < trace->count && trace->events[next].time_ns < interval.end_ns; next++)
        partial_builder_add(builder, &trace->events[next]);
    size_t count;
    const struct item *items = partial_builder_finish(builder, &count);
    struct partial_counts counts = partial_builder_counts(builder);
    struct interval_end end = trace->facts;
    end.begin_ns = interval.begin_ns;
    end.end_ns = interval.end_ns;
    end.has_traces = interval.begin_ns == 0;
    end.items = count;
    end.events = counts.events;
    end.discarded = counts.discarded;
    end.borders = counts.borders;
    end.first_ns = counts.first_ns;
    end.last_ns = counts.last_ns;
    struct wire wire = {.schema = trace->schema, .count = count, .good = true};
    wire.row = arena_take(&wire.arena, count * sizeof *wire.row);
    struct record_meta meta = {.session = text_of(trace->session), .attempt = 1};
    partial_encode(trace->schema, &meta, items, count, &end,
                   (struct record_sink){take_record, &wire});
    assert(wire.good && wire.end.items == count);
    stitch_add(stitch, wire.row, count, &wire.end);
    if (figures) {
        figures->items += count;
        figures->bytes += wire.bytes;
    }
    arena_clear(&wire.arena);
    partial_builder_free(builder);
    *at = next;
}

char *law_report(const struct law_trace *trace, struct law_cuts cuts, bool all_single,
                 unsigned shuffle, struct law_figures *figures)
{
    (void)shuffle;
    struct fold *fold = fold_new(text_of(trace->session));
    struct stitch *stitch = stitch_new(trace->schema, (struct result_sink){take, fold});
    size_t at = 0;
    for (size_t i = 0; i <= cuts.count; i++) {
        struct interval interval = {i > 0 ? cuts.at[i - 1] : 0,
                                    i < cuts.count ? cuts.at[i] : INTERVAL_OPEN};
        map_part(trace, &at, interval, all_single, stitch, figures);
    }
    stitch_finish(stitch);

    struct report report = {0};
    struct session_report session;
    fold_report(fold, &report.arena, true, &session);
    report.sessions = &session;
    report.session_count = 1;
    char *json = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&json, &size);
    report_write_json(out, &report);
    fclose(out);
    arena_clear(&report.arena);
    stitch_free(stitch);
    fold_free(fold);
    return json;
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
