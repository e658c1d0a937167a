/* Packets to events, byte by byte: headers, clocks, and inconsistent packets. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "mapper/decode/reader.h"
#include "mapper/readers/readers.h"
#include "tests/chunk/fake_trace.h"
#include "tests/mapper/event_text.h"

#define STRING(text) ((char *)(uintptr_t)(text))

/* --- traces of one stream --- */

#define BEGIN(order, align)                                                                        \
    "/* CTF 1.8 */ trace { major = 1; minor = 8; byte_order = " order ";\n"                        \
    " packet.header := struct { integer { size = 32; align = 8; } magic; }; };\n"                  \
    "env { domain = \"kernel\"; };\n"                                                              \
    "clock { name = c; freq = 1000000000; };\n"                                                    \
    "typealias integer { size = 8; align = 8; } := uint8_t;\n"                                     \
    "typealias integer { size = 32; align = " align "; } := uint32_t;\n"                           \
    "typealias integer { size = 64; align = 8; } := uint64_t;\n"                                   \
    "typealias integer { size = 64; align = " align "; map = clock.c.value; } := time64_t;\n"

#define COMPACT(align)                                                                             \
    "struct { enum : integer { size = 5; } { compact = 0 ... 30, extended = 31 } id;"              \
    " variant <id> { struct { integer { size = 27; map = clock.c.value; } timestamp; } compact;"   \
    " struct { uint32_t id; time64_t timestamp; } extended; } v; } align(" align ")"

#define PLAIN                                                                                      \
    "struct { uint8_t id; integer { size = 8; align = 8; map = clock.c.value; } timestamp; }"

#define STREAM(header)                                                                             \
    "stream { event.header := " header "; packet.context := struct { "                             \
    " integer { size = 64; align = 8; map = clock.c.value; } timestamp_begin;"                     \
    " integer { size = 64; align = 8; map = clock.c.value; } timestamp_end;"                       \
    " uint64_t content_size; uint64_t packet_size; }; };\n"

#define EVENT(id, name, fields)                                                                    \
    "event { name = \"" name "\"; id = " id "; fields := struct { " fields " }; };\n"

/* Head of a packet: 36 bytes. */
enum { HEAD = 36, BEGIN_AT = 4, END_AT = 12, CONTENT_AT = 20, SIZE_AT = 28 };

static void set_number(struct fake_file *file, size_t at, uint64_t value, size_t size, bool big)
{
    for (size_t i = 0; i < size; i++)
        file->at[at + i] = (uint8_t)(value >> 8 * (big ? size - 1 - i : i));
}

/* Adds a packet with these bytes of events and some padding. */
static void add_packet(struct fake_file *file, bool big, uint64_t begin, uint64_t end,
                       const void *events, size_t count)
{
    static const uint8_t ZEROS[HEAD];
    size_t start = file->count;
    fake_put(file, ZEROS, HEAD);
    fake_put(file, events, count);
    fake_put(file, ZEROS, 4);
    set_number(file, start, 0xC1FC1FC1, 4, big);
    set_number(file, start + BEGIN_AT, begin, 8, big);
    set_number(file, start + END_AT, end, 8, big);
    set_number(file, start + CONTENT_AT, (HEAD + count) * 8, 8, big);
    set_number(file, start + SIZE_AT, (HEAD + count + 4) * 8, 8, big);
}

struct reading {
    struct fake_file text;
    char warning[FAILURE_TEXT_MAX]; /* the last */
    size_t warnings;
    uint64_t packets; /* that are damaged */
};

static void note(void *context, const char *sentence)
{
    struct reading *reading = context;
    reading->warnings++;
    snprintf(reading->warning, sizeof reading->warning, "%s", sentence);
}

/* The content of `file`: "TIME NAME" per event, "TIME lost" per border. */
static struct reading read_file(const char *metadata, const struct fake_file *file)
{
    struct reading reading = {.warnings = 0};
    char name[] = "s", folder[] = "kernel";
    /* A copy of the exact size, so that reads past its end are detected. */
    uint8_t *copy = memory_new(file->count);
    memcpy(copy, file->at, file->count);
    struct stream_file stream = {.name = name, .data = {copy, file->count}};
    struct trace_files files = {
        .name = folder, .metadata = fake_bytes(metadata), .streams = &stream, .stream_count = 1};
    struct trace_set set = {&files, 1};
    struct schema *schema = schema_new(NULL);
    struct reader_choice choice = {.kind = readers_by_name("spanmill")};
    struct interval_notes notes = {.count = 0};
    struct reader_warnings warnings = {.say = note, .context = &reading, .notes = &notes};
    struct reader *reader;
    struct failure why = {""};
    cr_assert(eq(int, reader_open_as(&choice, &set, schema, &warnings, &reader, &why), STATUS_OK),
              "%s", why.text);
    const struct event *events;
    size_t count;
    while (reader_next(reader, &events, &count, NULL) == STATUS_OK) {
        for (size_t i = 0; i < count; i++) {
            char line[128];
            int size = snprintf(line, sizeof line, "%" PRIu64 " %s\n", events[i].time_ns,
                                events[i].kind == EVENT_LOSS ? "lost" : events[i].class->name);
            fake_put(&reading.text, line, (size_t)size);
        }
    }
    fake_number(&reading.text, 0, 1);
    reading.packets = notes.tallies.at[TALLY_LOST_PACKETS];
    interval_notes_clear(&notes);
    reader_close(reader);
    schema_free(schema);
    free(copy);
    return reading;
}

static void expect(const char *metadata, struct fake_file *file, const char *events,
                   const char *warning)
{
    struct reading reading = read_file(metadata, file);
    cr_expect(eq(str, (char *)reading.text.at, STRING(events)));
    cr_expect(eq(str, reading.warning, STRING(warning)));
    fake_clear(&reading.text);
    fake_clear(file);
}

/* --- headers and clocks --- */

static void put_compact(struct fake_file *file, unsigned id, uint64_t time)
{
    fake_number(file, id | (time & 0x7FFFFFF) << 5, 4);
}

#define TWO EVENT("0", "a", "") EVENT("1", "b", "") EVENT("40", "far", "uint8_t _x;")

Test(decode, compact_times_go_on_from_the_begin_of_the_packet_and_wrap)
{
    struct fake_file events = {.at = NULL}, file = {.at = NULL};
    uint64_t begin = 0x7FFFFF0; /* of 27 bits, just before they overflow */
    put_compact(&events, 0, begin + 5);
    put_compact(&events, 1, begin + 15); /* that is: the last */
    put_compact(&events, 0, begin + 16); /* 0 again */
    put_compact(&events, 1, begin + 16); /* at the same time */
    put_compact(&events, 0, 0x7FFFFFF);  /* almost a full period later */
    put_compact(&events, 1, 0x7FFFFFE);  /* and another one */
    add_packet(&file, false, begin, UINT64_C(0x20000000), events.at, events.count);
    expect(BEGIN("le", "8") STREAM(COMPACT("8")) TWO, &file,
           "134217717 a\n134217727 b\n134217728 a\n134217728 b\n268435455 a\n402653182 b\n", "");
    fake_clear(&events);
}

Test(decode, the_extended_header_has_its_own_number_and_time)
{
    struct fake_file events = {.at = NULL}, file = {.at = NULL};
    put_compact(&events, 1, 1000);
    fake_number(&events, 31, 1); /* five bits, then padding to the next byte */
    fake_number(&events, 40, 4);
    fake_number(&events, UINT64_C(0x1234567800), 8);
    fake_number(&events, 7, 1);
    put_compact(&events, 0, 0x4567801);
    add_packet(&file, false, 900, UINT64_C(0x1234567900), events.at, events.count);
    expect(BEGIN("le", "8") STREAM(COMPACT("8")) TWO, &file,
           "1000 b\n78187493376 far\n78187493377 a\n", "");
    fake_clear(&events);
}

Test(decode, headers_are_aligned_from_the_begin_of_the_packet)
{
    struct fake_file events = {.at = NULL}, file = {.at = NULL};
    /* The head is 36 bytes long: 4 more than a multiple of 8. */
    fake_number(&events, 31, 4);   /* 36 */
    fake_number(&events, 40, 4);   /* 40: aligned to 8, as the extended structure requires */
    fake_number(&events, 0, 4);    /* 44 */
    fake_number(&events, 5000, 8); /* 48: the time */
    fake_number(&events, 7, 1);    /* 56: the field */
    fake_number(&events, 0, 3);
    put_compact(&events, 0, 5001); /* 60: headers by 4 */
    add_packet(&file, false, 900, 6000, events.at, events.count);
    expect(BEGIN("le", "64") STREAM(COMPACT("32")) TWO, &file, "5000 far\n5001 a\n", "");
    fake_clear(&events);
}

Test(decode, big_endian_bits_begin_at_the_top)
{
    /* 00001 and 27 bits of time; then 11111, padding, number and time. */
    static const uint8_t EVENTS[] = {0x08, 0x00, 0x03, 0xE8, 0xF8, 0, 0,    0,    40,
                                     0,    0,    0,    0,    0,    0, 0x04, 0x00, 9};
    struct fake_file file = {.at = NULL};
    add_packet(&file, true, 900, 2000, EVENTS, sizeof EVENTS);
    expect(BEGIN("be", "8") STREAM(COMPACT("8")) TWO, &file, "1000 b\n1024 far\n", "");
}

/* Around the number of fields at which a decoder may use another method. */
Test(decode, an_event_may_have_any_number_of_strings)
{
    for (unsigned count = 60; count <= 70; count++) {
        struct fake_file fields = {.at = NULL}, events = {.at = NULL}, file = {.at = NULL};
        char field[32];
        for (unsigned i = 0; i < count; i++)
            fake_put(&fields, field, (size_t)snprintf(field, sizeof field, "string _s%u; ", i));
        for (uint8_t time = 110; time <= 130; time += 10) {
            fake_put(&events, (const uint8_t[]){0, time}, 2);
            for (unsigned i = 0; i < count; i++)
                fake_put(&events, "a", 2);
        }
        add_packet(&file, false, 100, 200, events.at, events.count);
        char *metadata = memory_format(
            BEGIN("le", "8")
                STREAM(PLAIN) "event { name = \"many\"; id = 0; fields := struct { %.*s};};",
            (int)fields.count, (const char *)fields.at);
        expect(metadata, &file, "110 many\n120 many\n130 many\n", "");
        free(metadata);
        fake_clear(&events);
        fake_clear(&fields);
    }
}

/* --- inconsistent packets --- */

#define LIARS                                                                                      \
    BEGIN("le", "8")                                                                               \
    STREAM(PLAIN)                                                                                  \
    EVENT("0", "good", "uint8_t _x;")                                                              \
    EVENT("1", "text", "string _s;")                                                               \
    EVENT("2", "row", "uint8_t _n; uint32_t _a[_n];")                                              \
    EVENT("3", "choice",                                                                           \
          "enum : uint8_t { a = 0, b = 1 } _t; variant <_t> { uint8_t a;"                          \
          " string b; } _v;")                                                                      \
    EVENT("4", "rows", "uint8_t _n; struct { string s; } _a[_n];")

/* A packet with a good event and these bytes; then a good packet. */
static void expect_lie(const uint8_t *bytes, size_t count, const char *warning)
{
    struct fake_file events = {.at = NULL}, file = {.at = NULL};
    fake_put(&events, (const uint8_t[]){0, 110, 7}, 3);
    fake_put(&events, bytes, count);
    add_packet(&file, false, 100, 200, events.at, events.count);
    add_packet(&file, false, 200, 300, (const uint8_t[]){0, 210, 7}, 3);
    expect(LIARS, &file, "110 good\n110 lost\n210 good\n", warning);
    fake_clear(&events);
}

#define EXPECT_LIE(warning, ...)                                                                   \
    expect_lie((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}),             \
               "kernel/s: packet 0 at byte 0, offset " warning                                     \
               "; its events after clock time 110 ns are lost")

Test(decode, a_packet_that_lies_is_lost_from_there_on_and_the_next_goes_on)
{
    EXPECT_LIE("41 in it: no event class has the id 9", 9, 120);
    EXPECT_LIE("39 in it: a field goes past the end of the packet", 0);
    EXPECT_LIE("41 in it: an event goes past the end of the packet", 0, 120);
    EXPECT_LIE("41 in it: an event goes past the end of the packet", 1, 120, 'n', 'o');
    EXPECT_LIE("41 in it: an event goes past the end of the packet", 2, 120, 2, 1, 2, 3, 4, 5, 6,
               7);
    EXPECT_LIE("41 in it: the tag of a variant selects none of its options", 3, 120, 2, 7);
    EXPECT_LIE("41 in it: a string is not terminated", 3, 120, 1, 'n', 'o');
    EXPECT_LIE("41 in it: a string is not terminated", 4, 120, 3, 'a', 0, 'b', 0, 'c');
    EXPECT_LIE("41 in it: a field goes past the end of the packet", 4, 120, 3, 'a', 0, 'b', 0);
}

Test(decode, an_event_may_be_a_little_late_but_no_more)
{
    struct fake_file events = {.at = NULL}, file = {.at = NULL};
    put_compact(&events, 0, 150);
    put_compact(&events, 1, 250); /* the header of the packet states an end at 200 */
    add_packet(&file, false, 100, 200, events.at, events.count);
    expect(BEGIN("le", "8") STREAM(COMPACT("8")) TWO, &file, "150 a\n250 b\n", "");
    fake_number(&events, 31, 1);
    fake_number(&events, 40, 4);
    fake_number(&events, UINT64_C(200) + 1000000001, 8);
    fake_number(&events, 7, 1);
    add_packet(&file, false, 100, 200, events.at, events.count);
    expect(BEGIN("le", "8") STREAM(COMPACT("8")) TWO, &file, "150 a\n250 b\n250 lost\n",
           "kernel/s: packet 0 at byte 0, offset 57 in it: an event is later than the end of the "
           "packet; its events after clock time 250 ns are lost");
    fake_clear(&events);
}

Test(decode, events_without_any_bytes_are_not_counted_for_ever)
{
    static const char METADATA[] =
        BEGIN("le", "8") "stream { packet.context := struct { uint64_t a; uint64_t b;"
                         " uint64_t content_size; uint64_t packet_size; }; };\n"
                         "event { name = \"nothing\"; fields := struct { }; };\n";
    struct fake_file file = {.at = NULL};
    add_packet(&file, false, 0, 0, "x", 1);
    expect(METADATA, &file, "0 lost\n",
           "kernel/s: packet 0 at byte 0, offset 36 in it: an event has a size of 0 bits; its "
           "events after clock time 0 ns are lost");
}

Test(decode, packets_that_lie_are_said_one_by_one_up_to_a_few_and_all_counted)
{
    struct fake_file file = {.at = NULL};
    for (unsigned i = 0; i < 20; i++)
        add_packet(&file, false, 100 * i, 100 * i + 99, (const uint8_t[]){9, 9}, 2);
    struct reading reading = read_file(LIARS, &file);
    cr_expect(eq(sz, reading.warnings, 4));
    cr_expect(ne(ptr, strstr(reading.warning, "packet 3 at byte "), NULL));
    cr_expect(ne(ptr, strstr(reading.warning, "; further ones are counted, not listed"), NULL));
    cr_expect(eq(u64, reading.packets, 20));
    fake_clear(&reading.text);
    fake_clear(&file);
}

/* Wherever the stated content of a packet ends, exactly the events before it are read. */
Test(decode, content_that_ends_anywhere_ends_there)
{
    static const uint8_t EVENTS[] = {0, 110, 7,   1, 120, 'a', 'b', 0,   2, 130, 1, 1,   2, 3,
                                     4, 3,   140, 1, 'c', 0,   4,   150, 2, 'x', 0, 'y', 0};
    static const size_t ENDS[] = {0, 3, 8, 15, 20, 27};
    for (size_t count = 0; count <= sizeof EVENTS; count++) {
        struct fake_file file = {.at = NULL};
        add_packet(&file, false, 100, 200, EVENTS, count);
        struct reading reading = read_file(LIARS, &file);
        size_t lines = 0, events = 0;
        bool whole = false;
        for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++) {
            events += ENDS[i] > 0 && ENDS[i] <= count;
            whole |= ENDS[i] == count;
        }
        for (const char *at = (const char *)reading.text.at; *at; at++)
            lines += *at == '\n';
        cr_expect(eq(sz, lines, events + !whole), "%zu bytes: %s", count, reading.text.at);
        cr_expect(eq(sz, reading.warnings, !whole), "%zu bytes", count);
        fake_clear(&reading.text);
        fake_clear(&file);
    }
}
