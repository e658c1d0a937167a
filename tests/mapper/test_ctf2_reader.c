/* Packets read by metadata of CTF 2: the same events as by that of CTF 1.8, which is compared with
 * libbabeltrace2 elsewhere. */
#include <stdio.h>

#include "mapper/decode/reader.h"
#include "mapper/readers/readers.h"
#include "tests/mapper/event_text.h"
#include "tests/mapper/layout_json.h"
#include "tests/mapper/layout_text.h"
#include "tests/mapper/random_layout.h"

enum { STREAMS_MAX = 4 };

struct trace {
    struct bytes metadata;
    struct stream_file streams[STREAMS_MAX];
    size_t stream_count;
    uint64_t last_ns; /* of the events read */
};

static void say(void *context, const char *sentence)
{
    (void)context;
    cr_expect(false, "%s", sentence);
}

/* All events, one line each. */
static char *events_of(struct trace *trace, struct bytes metadata, size_t *count)
{
    char name[] = "kernel", *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct trace_files files = {.name = name,
                                .metadata = metadata,
                                .streams = trace->streams,
                                .stream_count = trace->stream_count};
    struct trace_set set = {&files, 1};
    struct phase_definitions phases;
    phases_init(&phases);
    struct schema *schema = schema_new(&phases);
    struct reader_choice choice = {.kind = readers_by_name("spanmill")};
    struct reader_warnings warnings = {.say = say, .context = NULL};
    struct reader *reader;
    struct failure why = {""};
    enum status status = reader_open_as(&choice, &set, schema, &warnings, &reader, &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
    const struct event *events;
    size_t some;
    while ((status = reader_next(reader, &events, &some, &why)) == STATUS_OK)
        for (size_t i = 0; i < some; i++) {
            event_text(out, &events[i]);
            *count += events[i].kind != EVENT_LOSS;
            if (events[i].kind != EVENT_LOSS)
                trace->last_ns = events[i].time_ns;
        }
    cr_expect(eq(int, status, STATUS_END), "%s", why.text);
    reader_close(reader);
    schema_free(schema);
    phases_clear(&phases);
    fclose(out);
    return text;
}

/* Reads the streams by both; returns how many events there are. */
static size_t compare(struct trace *trace)
{
    struct layout *layout;
    struct failure why = {""};
    cr_assert(eq(int, layout_open(trace->metadata, &layout, &why), STATUS_OK), "%s", why.text);
    char *json = layout_json(layout);
    size_t first_count = 0, second_count = 0;
    char *first = events_of(trace, trace->metadata, &first_count);
    struct bytes json_bytes = {(const uint8_t *)json, strlen(json)};
    char *second = events_of(trace, json_bytes, &second_count);
    cr_expect(eq(sz, first_count, second_count));
    cr_expect(eq(int, strcmp(first, second), 0));
    free(first);
    free(second);
    free(json);
    layout_close(layout);
    return first_count;
}

/* --- recorded --- */

static struct bytes file_bytes(const char *folder, const char *name)
{
    size_t room = (size_t)1 << 20;
    uint8_t *at = memory_new(room);
    char *path = memory_format("%s/user-space/%s/%s", TEST_DATA, folder, name);
    FILE *file = fopen(path, "rb");
    cr_assert(file != NULL, "%s", path);
    struct bytes bytes = {at, fread(at, 1, room, file)};
    fclose(file);
    free(path);
    return bytes;
}

static void forget(struct bytes bytes)
{
    free((void *)(uintptr_t)bytes.at);
}

static size_t compare_folder(const char *folder)
{
    char names[2][8] = {"ch_0", "ch_1"};
    struct trace trace = {.metadata = file_bytes(folder, "metadata"), .stream_count = 2};
    for (size_t i = 0; i < 2; i++)
        trace.streams[i] =
            (struct stream_file){.name = names[i], .data = file_bytes(folder, names[i])};
    size_t count = compare(&trace);
    forget(trace.metadata);
    forget(trace.streams[0].data);
    forget(trace.streams[1].data);
    return count;
}

Test(ctf2_reader, recorded_packets_are_read_alike_by_both_languages)
{
    cr_expect(eq(sz, compare_folder("uid"), 565));
    cr_expect(eq(sz, compare_folder("pid"), 424));
}

/* --- random --- */

static size_t compare_random(uint64_t seed)
{
    struct random random = {seed};
    char *text = random_metadata(&random);
    char names[STREAMS_MAX][32];
    struct trace trace = {.metadata = {(const uint8_t *)text, strlen(text)},
                          .stream_count = 1 + random_below(&random, STREAMS_MAX)};
    struct layout *layout = opened(text);
    size_t wrote = 0;
    for (size_t i = 0; i < trace.stream_count; i++) {
        struct random_stream wanted = {
            .instance = i, .begin = 1 + random_below(&random, 1000), .packets = 3, .events = 30};
        struct written written = random_packets(&random, layout, &layout->streams[0], &wanted);
        snprintf(names[i], sizeof names[i], "ch_%zu", i);
        trace.streams[i] =
            (struct stream_file){.name = names[i], .data = {written.at, written.count}};
        wrote += written.events;
    }
    size_t count = compare(&trace);
    cr_expect(eq(sz, count, wrote), "seed %u", (unsigned)seed);
    for (size_t i = 0; i < trace.stream_count; i++)
        forget(trace.streams[i].data);
    layout_close(layout);
    free(text);
    return count;
}

Test(ctf2_reader, random_packets_are_read_alike_by_both_languages)
{
    size_t events = 0;
    for (uint64_t seed = 5000; seed < 5060; seed++)
        events += compare_random(seed);
    cr_expect(gt(sz, events, 60));
}

/* --- what only CTF 2 has --- */

static void step_over(const char *file)
{
    char name[] = "ch_0";
    struct bytes metadata = file_bytes("../metadata", file);
    struct layout *layout;
    struct failure why = {""};
    cr_assert(eq(int, layout_open(metadata, &layout, &why), STATUS_OK), "%s", why.text);
    struct random random = {7};
    for (unsigned round = 0; round < 20; round++) {
        struct random_stream wanted = {.begin = 1000, .packets = 4, .events = 100};
        struct written written = random_packets(&random, layout, &layout->streams[0], &wanted);
        struct trace trace = {.streams = {{.name = name, .data = {written.at, written.count}}},
                              .stream_count = 1};
        size_t count = 0;
        char *events = events_of(&trace, metadata, &count);
        cr_expect(eq(sz, count, written.events), "round %u", round);
        cr_expect(eq(u64, trace.last_ns, written.last), "round %u", round);
        free(events);
        free(written.at);
    }
    layout_close(layout);
    forget(metadata);
}

Test(ctf2_reader, steps_over_what_only_ctf_2_has)
{
    step_over("ctf2-only");
}

/* Only the low bits of the time are in the packet, seven in each byte. */
Test(ctf2_reader, takes_times_of_variable_length)
{
    step_over("ctf2-only-varint-time");
}
