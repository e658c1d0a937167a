/* How both readers treat unusual or inconsistent streams: skipped packets, counters and clocks of
 * few bits, several clocks, none. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>

#include "mapper/bt2/bt2_graph.h"
#include "mapper/decode/reader.h"
#include "mapper/readers/readers.h"
#include "chunk/survey.h"
#include "tests/chunk/fake_trace.h"

/* --- metadata --- */

#define U(bits) "integer { size = " #bits "; align = 8; }"
#define T(bits, clock) "integer { size = " #bits "; align = 8; map = clock." clock ".value; }"
#define TRACE                                                                                      \
    "/* CTF 1.8 */\n"                                                                              \
    "trace { major = 1; minor = 8; byte_order = le; uuid = "                                       \
    "\"00010203-0405-0607-0809-0a0b0c0d0e0f\"; packet.header := struct { " U(32) " magic; " U(     \
        8) " uuid[16]; " U(32) " stream_id; }; };\n"
#define INSTANCES                                                                                  \
    "/* CTF 1.8 */\n"                                                                              \
    "trace { major = 1; minor = 8; byte_order = le; uuid = "                                       \
    "\"00010203-0405-0607-0809-0a0b0c0d0e0f\"; packet.header := struct { " U(32) " magic; " U(     \
        8) " uuid[16]; " U(32) " stream_id; " U(64) " stream_instance_id; }; };\n" CLOCK("c",      \
                                                                                         "freq = " \
                                                                                         "1000000" \
                                                                                         "000;")   \
        STREAM(0, "c", 64, 64)
#define CLOCK(name, rest) "clock { name = " name "; " rest " };\n"
/* A stream of two counters and two times of so many bits. */
#define STREAM(id, clock, times, counters)                                                                                                                       \
    "stream { id = " #id "; packet.context := struct { " T(times, clock) " timestamp_begin; " T(times, clock) " timestamp_end; " U(32) " content_size; " U(      \
        32) " packet_size; " U(counters) " packet_seq_num; " U(counters) " events_discarded; " U(32) " cpu_id; };\n"                                             \
                                                                                                     "event.header := "                                          \
                                                                                                     "struct { " U(8) " id; " T(                                 \
                                                                                                         times,                                                  \
                                                                                                         clock) " timestamp; }; };\n"                            \
                                                                                                                "event { name = \"e\"; id = 0; stream_id = " #id \
                                                                                                                "; fields := struct { }; };\n"
#define USUAL TRACE CLOCK("c", "freq = 1000000000;") STREAM(0, "c", 64, 64)

/* --- packets --- */

struct odd_packet {
    uint64_t begin, end, sequence, discarded;
    uint32_t cpu, stream;
    uint8_t times, counters; /* bytes; 0: 8 */
    uint64_t events[4];      /* their times, up to a 0 */
    uint8_t foreign;         /* changes the uuid */
    uint32_t padding;        /* bytes; stated and present */
    uint32_t content;        /* bits, stated; 0: the actual ones */
    uint32_t more_size;      /* bytes; stated but not present */
    uint64_t instance;       /* of the stream, plus 1; 0: packets state none */
    bool no_content;
};

static void put_head(struct fake_file *file, const struct odd_packet *packet, uint64_t content)
{
    unsigned times = packet->times > 0 ? packet->times : 8;
    unsigned counters = packet->counters > 0 ? packet->counters : 8;
    fake_number(file, 0xC1FC1FC1, 4);
    for (unsigned i = 0; i < 16; i++)
        fake_number(file, i + packet->foreign, 1);
    fake_number(file, packet->stream, 4);
    if (packet->instance > 0)
        fake_number(file, packet->instance - 1, 8);
    fake_number(file, packet->begin, times);
    fake_number(file, packet->end, times);
    fake_number(file, packet->no_content ? 0 : packet->content > 0 ? packet->content : content, 4);
    fake_number(file, content + 8 * ((uint64_t)packet->padding + packet->more_size), 4);
    fake_number(file, packet->sequence, counters);
    fake_number(file, packet->discarded, counters);
    fake_number(file, packet->cpu, 4);
}

static void put_packet(struct fake_file *file, const struct odd_packet *packet)
{
    unsigned times = packet->times > 0 ? packet->times : 8;
    unsigned counters = packet->counters > 0 ? packet->counters : 8;
    size_t events = 0;
    while (events < 4 && packet->events[events] > 0)
        events++;
    uint64_t bytes = 36 + 2 * (uint64_t)times + 2 * (uint64_t)counters + events * (1 + times);
    put_head(file, packet, (bytes + (packet->instance > 0 ? 8 : 0)) * 8);
    for (size_t i = 0; i < events; i++) {
        fake_number(file, 0, 1);
        fake_number(file, packet->events[i], times);
    }
    for (uint32_t i = 0; i < packet->padding; i++)
        fake_number(file, 0, 1);
}

/* --- a trace set --- */

enum { FILES_MAX = 4 };

struct odd_trace {
    struct fake_file data[FILES_MAX];
    char names[FILES_MAX][24];
    struct stream_file streams[FILES_MAX];
    char name[16];
    struct trace_files files;
};

static void add_packet(struct odd_trace *trace, size_t file, struct odd_packet packet)
{
    put_packet(&trace->data[file], &packet);
    if (file >= trace->files.stream_count)
        trace->files.stream_count = file + 1;
}

static void finish(struct odd_trace *trace, const char *name, const char *metadata)
{
    snprintf(trace->name, sizeof trace->name, "%s", name);
    for (size_t i = 0; i < trace->files.stream_count; i++) {
        snprintf(trace->names[i], sizeof trace->names[i], "s_%zu", i);
        trace->streams[i].name = trace->names[i];
        trace->streams[i].data = fake_data(&trace->data[i]);
    }
    trace->files.name = trace->name;
    trace->files.metadata = fake_bytes(metadata);
    trace->files.streams = trace->streams;
}

static void trace_clear(struct odd_trace *trace)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        fake_clear(&trace->data[i]);
}

/* --- output of readers --- */

struct reading {
    struct fake_file text; /* of events */
    struct fake_file said;
    int64_t offset_ns;
};

static void note(void *context, const char *sentence)
{
    struct reading *reading = context;
    fake_put(&reading->said, sentence, strlen(sentence));
    fake_put(&reading->said, "\n", 1);
}

static void put_event(struct fake_file *text, const struct event *event)
{
    char line[128];
    int count =
        event->kind == EVENT_LOSS
            ? snprintf(line, sizeof line, "%" PRIu64 " lost %" PRId64 " missing %" PRId64 "\n",
                       event->time_ns, event->value[0], event->value[3])
            : snprintf(line, sizeof line, "%" PRIu64 " cpu%d\n", event->time_ns, event->cpu);
    fake_put(text, line, (size_t)count);
}

static enum status read_by(const char *name, const struct trace_set *set, struct reading *reading)
{
    const struct reader_kind *kind = readers_by_name(name);
    struct reader_choice choice = {.kind = kind};
    struct reader_warnings warnings = {.say = note, .context = reading};
    struct schema *schema = schema_new(NULL);
    struct reader *reader;
    *reading = (struct reading){.offset_ns = 0};
    enum status status = reader_open_as(&choice, set, schema, &warnings, &reader, NULL);
    while (status == STATUS_OK) {
        const struct event *events;
        size_t count;
        reading->offset_ns = reader_info(reader)->traces[0].offset_ns;
        status = reader_next(reader, &events, &count, NULL);
        for (size_t i = 0; status == STATUS_OK && i < count; i++)
            put_event(&reading->text, &events[i]);
    }
    fake_number(&reading->text, 0, 1);
    fake_number(&reading->said, 0, 1);
    reader_close(reader);
    schema_free(schema);
    return status;
}

/* Both readers give `expected`, and their messages contain `said`. */
static void expect_of_set(const struct trace_set *set, const char *expected, const char *said)
{
    static const char *const KINDS[] = {"spanmill", "babeltrace2"};
    for (size_t i = 0; i < 2; i++) {
        struct reading reading;
        enum status status = read_by(KINDS[i], set, &reading);
        cr_expect(eq(int, status, expected != NULL ? STATUS_END : STATUS_REJECT), "%s", KINDS[i]);
        if (expected != NULL)
            cr_expect(eq(str, (char *)reading.text.at, (char *)(uintptr_t)expected), "%s",
                      KINDS[i]);
        if (said == NULL)
            cr_expect(eq(str, (char *)reading.said.at, ""), "%s", KINDS[i]);
        else
            cr_expect(strstr((char *)reading.said.at, said) != NULL, "%s says: %s", KINDS[i],
                      (char *)reading.said.at);
        fake_clear(&reading.text);
        fake_clear(&reading.said);
    }
}

/* Only for spanmill's reader: libbabeltrace2 would stop or ignore it. */
static void expect_of_ours(struct odd_trace *trace, const char *metadata, const char *expected,
                           const char *said)
{
    struct reading reading;
    finish(trace, "ust", metadata);
    cr_expect(
        eq(int, read_by("spanmill", &(struct trace_set){&trace->files, 1}, &reading), STATUS_END));
    cr_expect(eq(str, (char *)reading.text.at, (char *)(uintptr_t)expected));
    cr_expect(strstr((char *)reading.said.at, said) != NULL, "%s", (char *)reading.said.at);
    fake_clear(&reading.text);
    fake_clear(&reading.said);
    trace_clear(trace);
}

static void expect_reading(struct odd_trace *trace, const char *name, const char *metadata,
                           const char *expected, const char *said)
{
    finish(trace, name, metadata);
    expect_of_set(&(struct trace_set){&trace->files, 1}, expected, said);
    trace_clear(trace);
}

/* --- inconsistent packets --- */

Test(odd_streams, of_a_cpu_that_cannot_be_are_named_and_counted_without_it)
{
    static const uint32_t CPUS[] = {8192, 65536, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct odd_trace trace = {.name = ""};
        char said[128];
        add_packet(&trace, 0, (struct odd_packet){.begin = 1, .end = 9, .events = {5, 6}});
        add_packet(&trace, 1,
                   (struct odd_packet){.begin = 1, .end = 9, .cpu = CPUS[i], .events = {8}});
        add_packet(&trace, 2,
                   (struct odd_packet){.begin = 1, .end = 9, .cpu = 8191, .events = {7}});
        snprintf(said, sizeof said, "kernel/s_1: packet at byte 0: CPU number %u is out of range",
                 CPUS[i]);
        expect_reading(&trace, "kernel", USUAL, "5 cpu0\n6 cpu0\n7 cpu8191\n8 cpu-1\n", said);
    }
}

Test(odd_streams, of_another_trace_are_left_out_by_name)
{
    struct odd_trace trace = {.name = ""};
    add_packet(&trace, 0, (struct odd_packet){.begin = 1, .end = 9, .events = {5}});
    add_packet(&trace, 1, (struct odd_packet){.begin = 1, .end = 9, .events = {6}, .foreign = 1});
    expect_reading(&trace, "ust", USUAL, "5 cpu0\n",
                   "ust/s_1: packet at byte 0: belongs to another trace (different uuid)");
}

Test(odd_streams, go_on_behind_a_packet_that_lies)
{
    static const struct {
        struct odd_packet packet;
        const char *said;
    } LIES[] = {
        {{.begin = 19, .end = 11, .events = {15}}, "packet at byte 86: it ends before it begins"},
        {{.begin = 11, .end = 19, .content = 1 << 20, .events = {15}}, "content of 1048576 bits"},
        {{.begin = 11, .end = 19, .no_content = true, .events = {15}}, "content of 0 bits"},
        {{.begin = 11, .end = 19, .foreign = 1, .events = {15}}, "belongs to another trace"},
        {{.begin = 11, .end = 19, .stream = 7, .events = {15}},
         "its stream is not declared in the metadata"},
        {{.begin = UINT64_C(1) << 63, .end = UINT64_MAX - 1, .events = {15}}, "exceeds 64 bits"},
    };
    for (size_t i = 0; i < sizeof LIES / sizeof *LIES; i++) {
        struct odd_trace trace = {.name = ""};
        add_packet(&trace, 0, (struct odd_packet){.begin = 1, .end = 9, .events = {5, 6}});
        add_packet(&trace, 0, LIES[i].packet);
        add_packet(&trace, 0,
                   (struct odd_packet){.begin = 21, .end = 29, .sequence = 2, .events = {25}});
        expect_reading(&trace, "kernel", USUAL, "5 cpu0\n6 cpu0\n9 lost 0 missing 1\n25 cpu0\n",
                       LIES[i].said);
    }
}

Test(odd_streams, that_lack_padding_alone_are_whole)
{
    struct odd_trace trace = {.name = ""};
    add_packet(&trace, 0,
               (struct odd_packet){.begin = 1, .end = 9, .events = {5, 6}, .padding = 50});
    trace.data[0].count -= 30;
    expect_reading(&trace, "kernel", USUAL, "5 cpu0\n6 cpu0\n",
                   "truncated: the last 30 bytes are missing, which are padding; no event is lost");
}

Test(odd_streams, end_where_the_next_packet_begins_whatever_size_they_tell)
{
    struct odd_trace trace = {.name = ""};
    add_packet(&trace, 0,
               (struct odd_packet){.begin = 1, .end = 9, .events = {5, 6}, .more_size = 1 << 20});
    add_packet(&trace, 0,
               (struct odd_packet){.begin = 11, .end = 19, .sequence = 1, .events = {15}});
    expect_of_ours(
        &trace, USUAL, "5 cpu0\n6 cpu0\n15 cpu0\n",
        "packet at byte 0: its size is 1048662 bytes, but the next packet is at byte 86");
}

/* By the index: the stated size fits the file. */
Test(odd_streams, end_where_the_index_says_that_the_next_packet_begins)
{
    struct odd_trace trace = {.name = ""};
    struct fake_file index = {.at = NULL};
    static const uint64_t HEAD[] = {0xC1F1DCC100000001, 0x0000000100000048};
    add_packet(&trace, 0,
               (struct odd_packet){.begin = 1, .end = 9, .events = {5, 6}, .more_size = 77});
    add_packet(&trace, 0,
               (struct odd_packet){.begin = 11, .end = 19, .sequence = 1, .events = {15}});
    for (size_t i = 0; i < 2 + 2 * 9; i++) {
        uint64_t number = i < 2 ? HEAD[i] : i == 2 + 9 ? 86 : 0;
        for (unsigned j = 8; j-- > 0;)
            fake_number(&index, number >> 8 * j & 0xFF, 1);
    }
    trace.streams[0].index = fake_data(&index);
    expect_of_ours(&trace, USUAL, "5 cpu0\n6 cpu0\n15 cpu0\n",
                   "packet at byte 0: its size is 163 bytes, but the next packet is at byte 86");
    fake_clear(&index);
}

Test(odd_streams, that_are_there_twice_count_once)
{
    struct odd_trace trace = {.name = ""};
    struct odd_packet first = {.begin = 1, .end = 9, .instance = 1, .events = {5, 6}};
    struct odd_packet second = {
        .begin = 11, .end = 19, .instance = 1, .sequence = 1, .events = {15}};
    add_packet(&trace, 0, first);
    add_packet(&trace, 0, second);
    add_packet(&trace, 1, second);
    add_packet(&trace, 2, first);
    add_packet(&trace, 2, second);
    expect_reading(&trace, "ust", INSTANCES, "5 cpu0\n6 cpu0\n15 cpu0\n",
                   "ust/s_2: 2 of its packets are also in s_0; their events are counted once");
}

/* Every stream has packets in every chunk: one without packets in the seam was lost there. */
Test(odd_streams, that_begin_late_beside_a_seam_are_said_to_lack_packets)
{
    struct odd_trace trace = {.name = ""};
    struct fake_file seam = {.at = NULL};
    put_packet(&seam, &(struct odd_packet){.begin = 1, .end = 9, .sequence = 2, .events = {5}});
    add_packet(&trace, 0,
               (struct odd_packet){.begin = 11, .end = 19, .sequence = 3, .events = {15}});
    add_packet(
        &trace, 1,
        (struct odd_packet){.begin = 11, .end = 19, .cpu = 1, .sequence = 4, .events = {16}});
    add_packet(&trace, 2, (struct odd_packet){.begin = 11, .end = 19, .cpu = 2, .events = {17}});
    trace.streams[0].seam = fake_data(&seam);
    trace.files.follows = true;
    expect_reading(&trace, "kernel", USUAL,
                   "5 cpu0\n11 lost 0 missing 0\n15 cpu0\n16 cpu1\n17 cpu2\n",
                   "s_1: begins with packet 4, and none of its packets could be read in the "
                   "previous chunk");
    fake_clear(&seam);
}

Test(odd_streams, without_a_byte_and_without_metadata_lose_nothing)
{
    struct odd_trace trace = {.name = ""}, empty = {.name = ""};
    add_packet(&trace, 0, (struct odd_packet){.begin = 1, .end = 9, .events = {5}});
    finish(&trace, "kernel", USUAL);
    finish(&empty, "ust", "");
    empty.files.metadata = (struct bytes){NULL, 0};
    struct trace_files both[] = {trace.files, empty.files};
    expect_of_set(&(struct trace_set){both, 2}, "5 cpu0\n", NULL);
    trace_clear(&trace);
}

Test(odd_streams, of_two_streams_in_one_file_lie_but_are_read)
{
    struct odd_trace trace = {.name = ""};
    add_packet(&trace, 0,
               (struct odd_packet){.begin = 1, .end = 9, .instance = 2, .events = {5, 6}});
    add_packet(
        &trace, 0,
        (struct odd_packet){.begin = 11, .end = 19, .instance = 1, .sequence = 1, .events = {15}});
    add_packet(&trace, 1,
               (struct odd_packet){.begin = 1, .end = 9, .cpu = 1, .instance = 2, .events = {7}});
    expect_of_ours(
        &trace, INSTANCES, "5 cpu0\n6 cpu0\n7 cpu1\n15 cpu0\n",
        "s_0: packet at byte 94: belongs to stream instance 0, the previous packet to 1");
}

Test(odd_streams, with_events_behind_their_packets_end_lie)
{
    struct odd_trace trace = {.name = ""};
    add_packet(&trace, 0, (struct odd_packet){.begin = 1, .end = 9, .events = {5, 1000000009}});
    add_packet(&trace, 1, (struct odd_packet){.begin = 1, .end = 9, .events = {5, 1000000010, 1}});
    add_packet(&trace, 1,
               (struct odd_packet){.begin = 10, .end = 20, .sequence = 1, .events = {11}});
    expect_reading(
        &trace, "ust", USUAL, "5 cpu0\n5 cpu0\n5 lost 0 missing 0\n11 cpu0\n1000000009 cpu0\n",
        "an event is later than the end of the packet; its events after clock time 5 ns");
}

/* --- losses --- */

/* libbabeltrace2 2.1, the first that reads CTF 2, aborts on packets that overlap around missing ones. */
Test(odd_streams, of_user_space_lose_without_moving_an_event)
{
    struct odd_trace trace = {.name = ""};
    add_packet(&trace, 0, (struct odd_packet){.begin = 1000, .end = 2000, .events = {1100, 1200}});
    add_packet(
        &trace, 0,
        (struct odd_packet){
            .begin = 1700, .end = 2900, .sequence = 4, .discarded = 5, .events = {1800, 1900}});
    static const char EXPECTED[] = "1100 cpu0\n1200 cpu0\n1700 lost 5 missing 3\n1800 cpu0\n1900 "
                                   "cpu0\n2900 lost 0 missing 0\n";
    if (bt2_graph_reads(2))
        expect_of_ours(&trace, USUAL, EXPECTED, "");
    else
        expect_reading(&trace, "ust", USUAL, EXPECTED, NULL);
}

Test(odd_streams, have_counters_that_wrap_by_their_width)
{
    static const struct {
        uint8_t bytes;
        const char *metadata;
    } WIDTHS[] = {
        {1, TRACE CLOCK("c", "freq = 1000000000;") STREAM(0, "c", 64, 8)},
        {2, TRACE CLOCK("c", "freq = 1000000000;") STREAM(0, "c", 64, 16)},
        {4, TRACE CLOCK("c", "freq = 1000000000;") STREAM(0, "c", 64, 32)},
    };
    for (size_t i = 0; i < 3; i++) {
        struct odd_trace trace = {.name = ""};
        uint64_t top = (UINT64_C(1) << 8 * WIDTHS[i].bytes) - 1;
        struct odd_packet packet = {.begin = 1,
                                    .end = 9,
                                    .events = {5},
                                    .counters = WIDTHS[i].bytes,
                                    .sequence = top,
                                    .discarded = top - 2};
        add_packet(&trace, 0, packet);
        packet.begin = 11, packet.end = 19, packet.events[0] = 15;
        packet.sequence = 0;
        add_packet(&trace, 0, packet); /* the next, without a loss */
        packet.begin = 21, packet.end = 29, packet.events[0] = 25;
        packet.sequence = 3, packet.discarded = 4;
        add_packet(&trace, 0, packet);
        expect_reading(&trace, "ust", WIDTHS[i].metadata,
                       "5 cpu0\n15 cpu0\n19 lost 7 missing 2\n25 cpu0\n29 lost 0 missing 0\n",
                       NULL);
    }
}

/* --- clocks --- */

/* libbabeltrace2 takes the first bits of packets as they are, so it is not compared here. */
Test(odd_streams, have_clocks_that_wrap_by_their_width)
{
    struct odd_trace trace = {.name = ""};
    struct odd_packet packet = {.begin = 65000, .end = 65530, .times = 2, .events = {65100, 65500}};
    add_packet(&trace, 0, packet);
    packet.begin = 65531, packet.end = 500, packet.sequence = 1;
    packet.events[0] = 65535, packet.events[1] = 400;
    add_packet(&trace, 0, packet);
    packet.begin = 600, packet.end = 700, packet.sequence = 2;
    packet.events[0] = 650, packet.events[1] = 0;
    add_packet(&trace, 0, packet);
    expect_of_ours(&trace, TRACE CLOCK("c", "freq = 1000000000;") STREAM(0, "c", 16, 64),
                   "65100 cpu0\n65500 cpu0\n65535 cpu0\n65936 cpu0\n66186 cpu0\n", "");
}

#define TWO_CLOCKS(first, second)                                                                  \
    TRACE CLOCK("a", first) CLOCK("b", second) STREAM(0, "a", 64, 64) STREAM(1, "b", 64, 64)

Test(odd_streams, of_several_clocks_are_put_into_one_order)
{
    /* The second runs at 1 MHz, and its zero is 4 us later. */
    struct odd_trace trace = {.name = ""};
    add_packet(&trace, 0, (struct odd_packet){.begin = 1, .end = 9999, .events = {1000, 7500}});
    add_packet(&trace, 1, (struct odd_packet){.begin = 1, .end = 9, .events = {3, 4}, .stream = 1});
    expect_reading(
        &trace, "ust",
        TWO_CLOCKS("freq = 1000000000; offset_s = 5;", "freq = 1000000; offset_s = 5; offset = 4;"),
        "1000 cpu0\n7000 cpu0\n7500 cpu0\n8000 cpu0\n", NULL);
}

Test(odd_streams, before_the_zero_of_the_sessions_clock_are_left_out)
{
    struct odd_trace trace = {.name = ""};
    add_packet(&trace, 0, (struct odd_packet){.begin = 1, .end = 9999, .events = {1000}});
    add_packet(&trace, 1, (struct odd_packet){.begin = 1, .end = 9, .events = {3}, .stream = 1});
    expect_reading(&trace, "ust",
                   TWO_CLOCKS("freq = 1000000000; offset_s = 5;", "freq = 1000000000;"),
                   "1000 cpu0\n", "s_1: packet at byte 0: its time exceeds");
}

Test(odd_streams, of_two_traces_are_compared_by_what_their_clocks_declare)
{
    static const char FIRST[] =
        TRACE CLOCK("m", "freq = 1000000000; offset_s = 7; uuid = "
                         "\"c0ffee00-0000-4000-8000-000000000001\";") STREAM(0, "m", 64, 64);
    static const struct {
        const char *metadata, *expected;
    } SECOND[] = {
        /* The same clock, sampled again; another one. */
        {TRACE CLOCK("m", "freq = 1000000000; offset_s = 7; offset = 100; uuid = "
                          "\"c0ffee00-0000-4000-8000-000000000001\";") STREAM(0, "m", 64, 64),
         "10 cpu0\n20 cpu0\n30 cpu0\n"},
        {TRACE CLOCK("m", "freq = 1000000000; offset_s = 7; offset = 100; uuid = "
                          "\"c0ffee00-0000-4000-8000-0000000000ff\";") STREAM(0, "m", 64, 64),
         "10 cpu0\n30 cpu0\n120 cpu0\n"},
        {TRACE CLOCK("o", "freq = 1000000000; offset_s = 7; offset = 100;") STREAM(0, "o", 64, 64),
         "10 cpu0\n30 cpu0\n120 cpu0\n"},
    };
    for (size_t i = 0; i < 3; i++) {
        struct odd_trace kernel = {.name = ""}, user = {.name = ""};
        add_packet(&kernel, 0, (struct odd_packet){.begin = 1, .end = 90, .events = {10, 30}});
        add_packet(&user, 0, (struct odd_packet){.begin = 1, .end = 90, .events = {20}});
        finish(&kernel, "kernel", FIRST);
        finish(&user, "ust", SECOND[i].metadata);
        struct trace_files both[] = {kernel.files, user.files};
        expect_of_set(&(struct trace_set){both, 2}, SECOND[i].expected, NULL);
        trace_clear(&kernel);
        trace_clear(&user);
    }
}

/* Like boundaries between chunks. */
Test(odd_streams, of_two_traces_are_surveyed_by_the_clock_of_the_session)
{
    static const char *const METADATA[] = {
        TRACE CLOCK("a", "freq = 1000000000; offset_s = 5;") STREAM(0, "a", 64, 64),
        TRACE CLOCK("b", "freq = 1000000; offset_s = 5; offset = 4;") STREAM(0, "b", 64, 64),
    };
    struct chunk_survey *survey = survey_new();
    for (size_t i = 0; i < 2; i++) {
        struct odd_trace trace = {.name = ""};
        struct metadata metadata;
        add_packet(&trace, 0, (struct odd_packet){.begin = i == 0 ? 9000 : 2, .end = 9500});
        finish(&trace, i == 0 ? "kernel" : "ust", METADATA[i]);
        cr_assert(eq(int, metadata_read(trace.files.metadata, &metadata, NULL), STATUS_OK));
        survey_trace(survey, &metadata, &trace.files);
        metadata_clear(&metadata);
        trace_clear(&trace);
    }
    survey_sort(survey);
    cr_expect(eq(u64, survey_begin_ns(survey), 6000));
    cr_expect(eq(u64, survey_end_ns(survey), 9504000));
    survey_free(survey);
}

Test(odd_streams, beyond_64_bits_of_nanoseconds_are_refused)
{
    static const char *const CLOCKS[] = {
        TRACE CLOCK("c", "freq = 1000000000; offset_s = 9223372037;") STREAM(0, "c", 64, 64),
        TRACE CLOCK("c", "freq = 1000; offset = 9223372036854775807;") STREAM(0, "c", 64, 64),
        TRACE CLOCK("c", "freq = 1000000000; offset_s = -9223372037;") STREAM(0, "c", 64, 64),
    };
    for (size_t i = 0; i < 3; i++) {
        struct odd_trace trace = {.name = ""};
        add_packet(&trace, 0, (struct odd_packet){.begin = 1, .end = 9, .events = {5}});
        expect_reading(&trace, "ust", CLOCKS[i], NULL, "exceeds 64 bits of nanoseconds");
    }
}

Test(odd_streams, have_instants_up_to_the_last_of_64_bits)
{
    struct odd_trace trace = {.name = ""};
    add_packet(&trace, 0, (struct odd_packet){.begin = 1, .end = 854775807, .events = {854775807}});
    add_packet(&trace, 1,
               (struct odd_packet){.begin = 1, .end = 854775807, .events = {5, 854775808}});
    add_packet(&trace, 2, (struct odd_packet){.begin = 1, .end = 854775808, .events = {6}});
    expect_of_ours(
        &trace,
        TRACE CLOCK("c", "freq = 1000000000; offset_s = 9223372036;") STREAM(0, "c", 64, 64),
        "5 cpu0\n5 lost 0 missing 0\n854775807 cpu0\n", "the time of an event exceeds 64 bits");
}

Test(odd_streams, of_any_frequency_lose_no_cycle)
{
    struct odd_trace trace = {.name = ""};
    add_packet(&trace, 0,
               (struct odd_packet){
                   .begin = 1, .end = UINT64_MAX - 1, .events = {1000, 1001, UINT64_MAX - 1}});
    expect_reading(&trace, "ust",
                   TRACE CLOCK("c", "freq = 1000000000000; precision = 3;") STREAM(0, "c", 64, 64),
                   "1 cpu0\n1 cpu0\n18446744073709551 cpu0\n", NULL);
}

Test(odd_streams, without_a_clock_are_counted_and_have_no_time)
{
    static const char METADATA[] = TRACE CLOCK("c", "freq = 1000000000;")
        STREAM(0, "c", 64, 64) "stream { id = 1; packet.context := struct { " U(
            32) " content_size; " U(32) " packet_size; }; event.header := struct "
                                        "{ " U(8) " id; }; };\n"
                                                  "event { name = \"f\"; id = 0; "
                                                  "stream_id = 1; fields := struct "
                                                  "{ }; };\n";
    struct odd_trace trace = {.name = ""};
    add_packet(&trace, 0, (struct odd_packet){.begin = 40, .end = 90, .events = {50}});
    fake_number(&trace.data[1], 0xC1FC1FC1, 4);
    for (unsigned i = 0; i < 16; i++)
        fake_number(&trace.data[1], i, 1);
    fake_number(&trace.data[1], 1, 4);
    fake_number(&trace.data[1], 34 * 8, 4);
    fake_number(&trace.data[1], 34 * 8, 4);
    fake_number(&trace.data[1], 0, 2);
    trace.files.stream_count = 2;
    expect_reading(&trace, "ust", METADATA, "40 cpu-1\n40 cpu-1\n50 cpu0\n",
                   "ust: s_1: its events have no clock: they are counted, but have no time");
}
