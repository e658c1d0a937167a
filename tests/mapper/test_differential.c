/* spanmill's reader against libbabeltrace2: the same events with equal slots in the same order, for
 * random traces and recordings, and for damaged ones. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "analysis/analyses.h"
#include "base/memory.h"
#include "chunk/chunk.h"
#include "mapper/decode/plan_cache.h"
#include "mapper/decode/reader.h"
#include "mapper/readers/readers.h"
#include "tests/mapper/event_text.h"
#include "tests/mapper/random_layout.h"

#ifndef TEST_DATA
#define TEST_DATA "tests/data"
#endif

/* --- output of a reader --- */

struct reading {
    char *text; /* a line per event */
    size_t size;
    size_t events, warnings;
    size_t backwards;               /* events before the current one */
    char warning[FAILURE_TEXT_MAX]; /* the first */
    enum status status;             /* END, or the reason why it was not opened */
};

static void keep_warning(void *context, const char *sentence)
{
    struct reading *reading = context;
    if (reading->warnings++ == 0)
        snprintf(reading->warning, sizeof reading->warning, "%s", sentence);
}

/* Of events before `begin_ns`, only losses; `leave_out`: the reader may skip them. */
static struct reading read_from(const char *kind, const struct trace_set *set,
                                const struct phase_definitions *phases, struct plan_cache *cache,
                                uint64_t begin_ns, bool leave_out)
{
    struct reading reading = {.status = STATUS_OK};
    FILE *out = open_memstream(&reading.text, &reading.size);
    struct schema *schema = schema_new_with(phases, analyses_event_row, analyses_count);
    struct reader_choice choice = {
        .kind = readers_by_name(kind), .cache = cache, .begin_ns = leave_out ? begin_ns : 0};
    struct reader_warnings warnings = {.say = keep_warning, .context = &reading};
    struct reader *reader;
    uint64_t last_ns = 0;
    cr_assert(ne(ptr, (void *)(uintptr_t)choice.kind, NULL));
    reading.status = reader_open_as(&choice, set, schema, &warnings, &reader, NULL);
    while (reading.status == STATUS_OK) {
        const struct event *events;
        size_t count;
        reading.status = reader_next(reader, &events, &count, NULL);
        for (size_t i = 0; reading.status == STATUS_OK && i < count; i++) {
            if (events[i].time_ns >= begin_ns || events[i].kind == EVENT_LOSS)
                event_text(out, &events[i]);
            reading.events += events[i].kind != EVENT_LOSS;
            reading.backwards += events[i].time_ns < last_ns;
            last_ns = events[i].time_ns;
        }
    }
    reader_close(reader);
    schema_free(schema);
    fclose(out);
    return reading;
}

static struct reading read_set(const char *kind, const struct trace_set *set,
                               const struct phase_definitions *phases, struct plan_cache *cache)
{
    return read_from(kind, set, phases, cache, 0, false);
}

static void show_line(const char *who, const char *text)
{
    fprintf(stderr, "%s: %.*s\n", who, (int)strcspn(text, "\n"), text);
}

/* Fails with the first line that differs. */
static bool same(const struct reading *ours, const struct reading *theirs)
{
    size_t line = 0;
    if (ours->status == theirs->status && strcmp(ours->text, theirs->text) == 0)
        return true;
    for (size_t i = 0; ours->text[i] == theirs->text[i] && ours->text[i]; i++)
        if (ours->text[i] == '\n')
            line = i + 1;
    fprintf(stderr, "status %d and %d, %zu and %zu events\n", (int)ours->status,
            (int)theirs->status, ours->events, theirs->events);
    show_line("spanmill   ", ours->text + line);
    show_line("babeltrace2", theirs->text + line);
    show_line("babeltrace2", theirs->warning);
    return false;
}

/* --- random traces --- */

/* Names that the core uses, instead of those of the generator. */
static const struct {
    const char *event;
    const char *fields[8];
} NAMED[] = {
    {"sched_switch", {"prev_tid", "prev_comm", "next_tid", "prev_state", "next_comm"}},
    {"sched_process_fork", {"parent_comm", "child_tid", "vtids", "child_pid", "parent_tid"}},
    {"syscall_entry_openat", {"filename", "flags", "dfd", "mode"}},
    {"syscall_entry_unknown", {"id", "args"}},
    {"syscall_exit_unknown", {"id", "ret"}},
    {"compat_syscall_entry_unknown", {"args", "id"}},
    {"syscall_exit_pipe2", {"ret", "fildes"}},
    {"lttng_statedump_process_state", {"tid", "pid", "name", "status", "file_table_address"}},
    {"syscall_entry_open", {"filename", "flags"}},
    {"syscall_entry_newfstat", {"fd"}},
};
static const char *const CONTEXTS[] = {"tid", "vtid", "procname", "pid", "vpid", NULL};

/* The fields of the generator with other names. */
struct naming {
    struct random *random;
    const char *given[4096];
    bool decided[4096];
    const char *const *names; /* still to be returned, up to NULL */
    const char *const *payload;
};

static bool skips(const char **at, const char *word)
{
    size_t count = strlen(word);
    if (strncmp(*at, word, count) != 0)
        return false;
    *at += count;
    return true;
}

static void name_field(struct naming *naming, unsigned long number, FILE *out)
{
    number %= sizeof naming->given / sizeof *naming->given;
    if (!naming->decided[number] && *naming->names && random_below(naming->random, 3) > 0)
        naming->given[number] = *naming->names++;
    naming->decided[number] = true;
    if (naming->given[number])
        fprintf(out, "_%s", naming->given[number]);
    else
        fprintf(out, "_f%lu", number);
}

static void name_event(struct naming *naming, unsigned long number, FILE *out)
{
    static const char *const NONE[] = {NULL};
    naming->payload = naming->names = NONE;
    if (number < sizeof NAMED / sizeof *NAMED) {
        naming->payload = NAMED[number].fields;
        fprintf(out, "name = \"%s\"", NAMED[number].event);
    } else {
        fprintf(out, "name = \"event_%lu\"", number);
    }
}

/* The same metadata, with names that the core uses. */
static char *named(struct random *random, char *take_text)
{
    char *text = NULL, *end;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct naming *naming = memory_new(sizeof *naming);
    static const char *const NONE[] = {NULL};
    naming->random = random;
    naming->names = naming->payload = NONE;
    for (const char *at = take_text; *at;) {
        const char *was = at;
        if (skips(&at, "name = \"event_")) {
            name_event(naming, strtoul(at, &end, 10), out);
            at = end + 1;
        } else if (skips(&at, "context := struct")) {
            naming->names = was > take_text && was[-1] != '.' ? CONTEXTS : naming->names;
            fprintf(out, "context := struct");
        } else if (skips(&at, "event.context := struct")) {
            naming->names = CONTEXTS;
            fprintf(out, "event.context := struct");
        } else if (skips(&at, "fields := struct")) {
            naming->names = naming->payload;
            fprintf(out, "fields := struct");
        } else if (skips(&at, "_f") && *at >= '0' && *at <= '9') {
            name_field(naming, strtoul(at, &end, 10), out);
            at = end;
        } else {
            at = was + 1;
            fputc(*was, out);
        }
    }
    fclose(out);
    free(naming);
    free(take_text);
    return text;
}

/* Requests up to four fields of every event. */
static void want_fields(struct phase_definitions *phases, struct random *random,
                        const struct layout *layout)
{
    phases_init(phases);
    for (uint32_t i = 0; i < layout->event_count; i++) {
        const struct layout_event *event = &layout->events[i];
        const char **capture = arena_take(&phases->arena, 4 * sizeof *capture);
        size_t count = 0;
        for (uint32_t j = 0; event->payload && j < event->payload->count && count < 4; j++)
            if (random_below(random, 3) == 0)
                capture[count++] =
                    arena_string(&phases->arena, text_of(event->payload->fields[j].name));
        const char *name = arena_string(&phases->arena, text_of(event->name));
        if (count > 0)
            phases_add(phases, (struct phase_definition){.name = "phase",
                                                         .begin_event = name,
                                                         .end_event = "none",
                                                         .capture = capture,
                                                         .capture_count = count});
    }
}

enum { STREAMS_MAX = 40 };

struct trace {
    char *metadata;
    struct layout *layout;
    struct phase_definitions phases;
    char name[16];
    struct stream_file streams[STREAMS_MAX];
    struct trace_files files;
    struct trace_set set;
    size_t events;
};

static uint8_t *writable(struct bytes bytes)
{
    return (uint8_t *)(uintptr_t)bytes.at;
}

static void add_file(struct trace *trace, struct random *random, const struct layout_stream *stream,
                     unsigned packets, unsigned events)
{
    size_t index = trace->files.stream_count++;
    struct random_stream wanted = {.instance = index,
                                   .begin = 1 + random_below(random, 10000),
                                   .packets = packets,
                                   .events = events,
                                   .loses_packets = random_below(random, 2) > 0};
    struct written written = random_packets(random, trace->layout, stream, &wanted);
    trace->streams[index] = (struct stream_file){.name = memory_format("channel_%zu", index),
                                                 .data = {written.at, written.count}};
    trace->events += written.events;
}

/* A trace of that metadata, without streams yet. */
static struct trace *trace_of(struct random *random, char *take_metadata, size_t count,
                              const char *name)
{
    struct trace *trace = memory_new(sizeof *trace);
    struct failure why;
    struct bytes text = {(const uint8_t *)take_metadata, count};
    trace->metadata = take_metadata;
    cr_assert(eq(int, layout_open(text, &trace->layout, &why), STATUS_OK), "%s", why.text);
    want_fields(&trace->phases, random, trace->layout);
    snprintf(trace->name, sizeof trace->name, "%s", name);
    trace->files =
        (struct trace_files){.name = trace->name, .metadata = text, .streams = trace->streams};
    trace->set = (struct trace_set){&trace->files, 1};
    return trace;
}

static struct trace *trace_new(struct random *random, unsigned streams, unsigned packets,
                               unsigned events)
{
    char *metadata = named(random, random_metadata(random));
    struct trace *trace = trace_of(random, metadata, strlen(metadata),
                                   random_below(random, 4) > 0 ? "kernel" : "ust/uid/0");
    for (unsigned i = 0; i < streams; i++)
        add_file(trace, random, &trace->layout->streams[0], packets, events);
    return trace;
}

static void trace_free(struct trace *trace)
{
    for (size_t i = 0; i < trace->files.stream_count; i++) {
        free(trace->streams[i].name);
        free(writable(trace->streams[i].data));
    }
    phases_clear(&trace->phases);
    layout_close(trace->layout);
    free(trace->metadata);
    free(trace);
}

/* READER_SEEDS: how many random traces; READER_SEED: the first. */
static uint64_t first_seed(void)
{
    const char *wanted = getenv("READER_SEED");
    return wanted ? strtoull(wanted, NULL, 10) : 0;
}

static unsigned seeds(unsigned usual)
{
    const char *wanted = getenv("READER_SEEDS");
    return wanted ? (unsigned)atoi(wanted) : usual;
}

Test(differential, random_traces_are_read_alike, .timeout = 600)
{
    size_t compared = 0, events = 0;
    for (uint64_t seed = first_seed(), end = seed + seeds(400); seed < end; seed++) {
        struct random random = {seed};
        unsigned streams = seed % 8 == 7 ? STREAMS_MAX : 4; /* more streams than are merged one by
                                                             * one */
        struct trace *trace = trace_new(&random, 1 + (unsigned)random_below(&random, streams),
                                        1 + (unsigned)random_below(&random, 4), 40);
        struct reading ours = read_set("spanmill", &trace->set, &trace->phases, NULL);
        struct reading theirs = read_set("babeltrace2", &trace->set, &trace->phases, NULL);
        cr_expect(eq(int, ours.status, STATUS_END), "seed %" PRIu64, seed);
        cr_expect(eq(sz, ours.events, trace->events), "seed %" PRIu64, seed);
        cr_expect(eq(sz, ours.warnings, 0), "seed %" PRIu64, seed);
        if (theirs.status == STATUS_END) {
            cr_expect(same(&ours, &theirs), "seed %" PRIu64 ":\n%s", seed, trace->metadata);
            compared++;
            events += theirs.events;
        }
        free(ours.text);
        free(theirs.text);
        trace_free(trace);
    }
    fprintf(stderr, "compared: %zu traces, %zu events\n", compared, events);
    cr_expect(gt(sz, compared, seeds(400) / 2));
    cr_expect(gt(sz, events, seeds(400) * 10));
}

/* --- metadata as LTTng writes it --- */

static char *file_text(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    cr_assert(ne(ptr, file, NULL), "%s", path);
    size_t room = (size_t)4 << 20;
    char *text = memory_new(room);
    *count = fread(text, 1, room, file);
    fclose(file);
    return text;
}

static void compare_metadata(const char *path, const char *name, unsigned packets)
{
    struct random random = {7};
    size_t count;
    char *text = file_text(path, &count);
    struct trace *trace = trace_of(&random, text, count, name);
    for (uint32_t i = 0; i < trace->layout->stream_count && i < STREAMS_MAX; i++)
        add_file(trace, &random, &trace->layout->streams[i], packets, 500);
    struct reading ours = read_set("spanmill", &trace->set, &trace->phases, NULL);
    struct reading theirs = read_set("babeltrace2", &trace->set, &trace->phases, NULL);
    cr_expect(eq(sz, ours.events, trace->events), "%s: %s", path, ours.warning);
    cr_expect(gt(sz, ours.events, 100), "%s", path);
    cr_expect(same(&ours, &theirs), "%s", path);
    free(ours.text);
    free(theirs.text);
    trace_free(trace);
}

Test(differential, random_packets_of_lttng_are_read_alike, .timeout = 600)
{
    compare_metadata(TEST_DATA "/metadata/kernel-2.5", "kernel", 3);
    compare_metadata(TEST_DATA "/metadata/kernel-2.12", "kernel", 3);
    compare_metadata(TEST_DATA "/metadata/ust-2.8", "ust/uid/0", 3);
    compare_metadata(TEST_DATA "/user-space/uid/metadata", "ust/uid/0", 3);
    compare_metadata(TEST_DATA "/user-space/pid/metadata", "ust/pid/1", 3);
    /* All events of a kernel that are used. */
    compare_metadata(
        TEST_DATA
        "/thumbnails/archives/20261122T231017+0000-20261122T231045+0000-3/kernel/metadata",
        "kernel", 20);
}

Test(differential, what_is_before_the_begin_may_be_left_out_and_nothing_else, .timeout = 600)
{
    size_t left_out = 0;
    for (uint64_t seed = first_seed(), end = seed + seeds(200); seed < end; seed++) {
        struct random random = {seed};
        struct trace *trace = trace_new(&random, 3, 4, 40);
        struct reading all = read_set("spanmill", &trace->set, &trace->phases, NULL);
        uint64_t begin_ns = 0;
        size_t line = random_below(&random, all.events + 1);
        for (const char *at = all.text; at && *at && line > 0; line--) {
            begin_ns = strtoull(at, NULL, 10);
            at = strchr(at, '\n');
            at += at != NULL;
        }
        struct reading rest =
            read_from("spanmill", &trace->set, &trace->phases, NULL, begin_ns, false);
        struct reading part =
            read_from("spanmill", &trace->set, &trace->phases, NULL, begin_ns, true);
        cr_expect(same(&part, &rest), "seed %" PRIu64, seed);
        left_out += rest.events - part.events;
        free(all.text);
        free(rest.text);
        free(part.text);
        trace_free(trace);
    }
    cr_expect(gt(sz, left_out, seeds(200) * 10));
}

/* --- damage --- */

static struct reading read_ours(const struct trace *trace)
{
    return read_set("spanmill", &trace->set, &trace->phases, NULL);
}

/* A sequence of packets with one event each, so that the number of events is known. */
struct row {
    struct written packets[8];
    size_t count;
};

static void write_row(struct row *row, struct random *random, const struct trace *trace)
{
    struct random_stream wanted = {.begin = 1000, .packets = 1, .events = 20};
    row->count = sizeof row->packets / sizeof *row->packets;
    for (size_t i = 0; i < row->count; i++) {
        row->packets[i] =
            random_packets(random, trace->layout, &trace->layout->streams[0], &wanted);
        wanted.begin = row->packets[i].end + 1;
    }
}

/* Makes the sequence the only stream of the trace. */
static void use_row(struct trace *trace, const struct row *row)
{
    uint8_t *at = NULL;
    size_t count = 0;
    for (size_t i = 0; i < row->count; i++) {
        at = memory_resize(at, count + row->packets[i].count, 1);
        memcpy(at + count, row->packets[i].at, row->packets[i].count);
        count += row->packets[i].count;
    }
    trace->streams[0] =
        (struct stream_file){.name = memory_string(text_of("channel")), .data = {at, count}};
    trace->files.stream_count = 1;
}

Test(differential, what_is_cut_off_is_missing_and_nothing_else, .timeout = 600)
{
    for (uint64_t seed = first_seed(), end = seed + seeds(300); seed < end; seed++) {
        struct random random = {seed};
        struct trace *trace = trace_new(&random, 0, 0, 0);
        struct row row;
        write_row(&row, &random, trace);
        use_row(trace, &row);
        size_t cut = random_below(&random, trace->streams[0].data.count + 1);
        trace->streams[0].data.count = cut;
        size_t whole = 0, events = 0;
        for (size_t i = 0; i < row.count && whole + row.packets[i].count <= cut; i++) {
            whole += row.packets[i].count;
            events += row.packets[i].events;
        }
        struct reading ours = read_ours(trace);
        cr_expect(eq(int, ours.status, STATUS_END), "seed %" PRIu64, seed);
        cr_expect(eq(sz, ours.events, events), "seed %" PRIu64, seed);
        cr_expect(eq(sz, ours.warnings, whole < cut), "seed %" PRIu64, seed);
        free(ours.text);
        for (size_t i = 0; i < row.count; i++)
            free(row.packets[i].at);
        trace_free(trace);
    }
}

Test(differential, a_packet_that_lies_takes_no_events_of_others, .timeout = 600)
{
    size_t warned = 0;
    for (uint64_t seed = first_seed(), end = seed + seeds(300); seed < end; seed++) {
        struct random random = {seed};
        struct trace *trace = trace_new(&random, 0, 0, 0);
        struct row row;
        size_t whole = 0;
        write_row(&row, &random, trace);
        const struct written *broken = &row.packets[random_below(&random, row.count)];
        /* After the packet header and LTTng's part of the context. */
        for (size_t i = 100; i < broken->count; i++)
            if (random_below(&random, 4) == 0)
                broken->at[i] = (uint8_t)random_below(&random, 256);
        for (size_t i = 0; i < row.count; i++)
            whole += &row.packets[i] == broken ? 0 : row.packets[i].events;
        use_row(trace, &row);
        struct reading ours = read_ours(trace);
        cr_expect(eq(int, ours.status, STATUS_END), "seed %" PRIu64, seed);
        cr_expect(ge(sz, ours.events, whole), "seed %" PRIu64 ": %s", seed, ours.warning);
        cr_expect(le(sz, ours.events, whole + broken->count * 8), "seed %" PRIu64, seed);
        warned += ours.warnings > 0;
        free(ours.text);
        for (size_t i = 0; i < row.count; i++)
            free(row.packets[i].at);
        trace_free(trace);
    }
    cr_expect(gt(sz, warned, seeds(300) / 4));
}

Test(differential, damage_anywhere_is_survived, .timeout = 600)
{
    size_t read = 0;
    for (uint64_t seed = first_seed(), end = seed + seeds(600); seed < end; seed++) {
        struct random random = {seed};
        struct trace *trace = trace_new(&random, 3, 3, 20);
        size_t bits = 0;
        for (size_t i = 0; i < trace->files.stream_count; i++) {
            struct stream_file *file = &trace->streams[i];
            bits += file->data.count * 8;
            for (size_t j = random_below(&random, 6); j > 0 && file->data.count > 0; j--)
                writable(file->data)[random_below(&random, file->data.count)] ^=
                    (uint8_t)(1u << random_below(&random, 8));
        }
        for (size_t j = random_below(&random, 3); j > 0; j--)
            trace->metadata[random_below(&random, trace->files.metadata.count)] ^=
                (char)(1u << random_below(&random, 5));
        struct reading ours = read_ours(trace);
        cr_expect(le(sz, ours.events, bits), "seed %" PRIu64, seed);
        cr_expect(eq(sz, ours.backwards, 0), "seed %" PRIu64, seed);
        read += ours.events > 0;
        free(ours.text);
        trace_free(trace);
    }
    cr_expect(gt(sz, read, seeds(600) / 10));
}

/* --- recordings --- */

static size_t compare_recording(const char *path, const struct phase_definitions *phases)
{
    struct chunk_list list = {.at = NULL};
    struct plan_cache *cache = plan_cache_new();
    size_t events = 0;
    cr_assert(eq(int, chunk_list_add(&list, path, NULL), STATUS_OK));
    cr_assert(eq(int, chunk_list_finish(&list, NULL), STATUS_OK));
    for (size_t i = 0; i < list.count; i++) {
        struct chunk *chunk;
        cr_assert(eq(int, chunk_open(&list.at[i], NULL, &chunk, NULL), STATUS_OK));
        struct reading ours = read_set("spanmill", chunk_traces(chunk), phases, cache);
        struct reading theirs = read_set("babeltrace2", chunk_traces(chunk), phases, NULL);
        cr_expect(same(&ours, &theirs), "%s", list.at[i].path);
        cr_expect(eq(sz, ours.warnings, theirs.warnings));
        events += ours.events;
        free(ours.text);
        free(theirs.text);
        chunk_close(chunk);
    }
    plan_cache_free(cache);
    chunk_list_clear(&list);
    return events;
}

Test(differential, recordings_are_read_alike, .timeout = 600)
{
    struct phase_definitions phases;
    phases_init(&phases);
    cr_assert(
        eq(int, phases_add_file(&phases, TEST_DATA "/thumbnails/phases.yaml", NULL), STATUS_OK));
    cr_expect(eq(sz, compare_recording(TEST_DATA "/thumbnails", &phases), 597583));
    cr_expect(eq(sz, compare_recording(TEST_DATA "/user-space/uid", &phases), 565));
    cr_expect(eq(sz, compare_recording(TEST_DATA "/user-space/pid", &phases), 424));
    phases_clear(&phases);
}
