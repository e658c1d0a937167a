/* Metadata of CTF 2, as `lttng create --trace-format=ctf-2` writes it and as CTF2-SPEC-2.0 allows. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "mapper/ctf/layout.h"

#define RS "\x1e"
#define U(bits, more)                                                                              \
    "{\"type\":\"fixed-length-unsigned-integer\",\"length\":" #bits                                \
    ",\"byte-order\":\"little-endian\",\"alignment\":8" more "}"
#define MEMBER(name, class) "{\"name\":\"" name "\",\"field-class\":" class "}"
#define STRUCT(members) "{\"type\":\"structure\",\"member-classes\":[" members "]}"
#define LENGTH_AT(place) "\"length-field-location\":" place
#define SELECTOR_AT(place) "\"selector-field-location\":" place
#define IN_PAYLOAD(path) "{\"origin\":\"event-record-payload\",\"path\":[" path "]}"

#define PREAMBLE RS "{\"type\":\"preamble\",\"version\":2}\n"
#define STREAM RS "{\"type\":\"data-stream-class\"}\n"
/* One event whose payload has these members. */
#define EVENT(members)                                                                             \
    RS "{\"type\":\"event-record-class\",\"name\":\"e\",\"payload-field-class\":" STRUCT(          \
        members) "}\n"
#define TRACE(members) PREAMBLE STREAM EVENT(members)

/* What LTTng-tools 2.14 writes for a user-space trace, but for the indentation of most. */
static const char LTTNG_TRACE[] = RS
    "{\n  \"type\": \"preamble\",\n  \"uuid\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,255],\n"
    "  \"version\": 2\n}" RS
    "{\"environment\":{\"architecture_bit_width\":64,\"domain\":\"ust\",\"hostname\":\"web1\","
    "\"trace_creation_datetime\":\"20261122T230916+0000\",\"trace_name\":\"thumb\","
    "\"tracer_major\":2,\"tracer_minor\":14},"
    "\"name\":\"\",\"namespace\":\"lttng.org,2009\",\"packet-header-field-class\":" STRUCT(MEMBER("magic", U(32, ",\"roles\":[\"packet-magic-number\"]")) "," MEMBER(
        "uuid",
        "{\"type\":\"static-length-blob\",\"length\":16,"
        "\"roles\":[\"metadata-stream-uuid\"]}") "," MEMBER("stream_id",
                                                            U(32,
                                                              ",\"roles\":[\"data-stream-class-"
                                                              "id\"]")) "," MEMBER("stream_"
                                                                                   "instance_id",
                                                                                   U(64,
                                                                                     ",\"roles\":["
                                                                                     "\"data-"
                                                                                     "stream-"
                                                                                     "id\"]"))) ","
                                                                                                "\""
                                                                                                "ty"
                                                                                                "pe"
                                                                                                "\""
                                                                                                ":"
                                                                                                "\""
                                                                                                "tr"
                                                                                                "ac"
                                                                                                "e-"
                                                                                                "cl"
                                                                                                "as"
                                                                                                "s"
                                                                                                "\""
                                                                                                ","
                                                                                                "\""
                                                                                                "ui"
                                                                                                "d"
                                                                                                "\""
                                                                                                ":"
                                                                                                "\""
                                                                                                "01"
                                                                                                "02"
                                                                                                "03"
                                                                                                "04"
                                                                                                "-0"
                                                                                                "50"
                                                                                                "6-"
                                                                                                "07"
                                                                                                "08"
                                                                                                "-0"
                                                                                                "90"
                                                                                                "a-"
                                                                                                "0b"
                                                                                                "0c"
                                                                                                "0d"
                                                                                                "0e"
                                                                                                "0f"
                                                                                                "ff"
                                                                                                "\""
                                                                                                "}" RS
                                                                                                "{"
                                                                                                "\""
                                                                                                "de"
                                                                                                "sc"
                                                                                                "ri"
                                                                                                "pt"
                                                                                                "io"
                                                                                                "n"
                                                                                                "\""
                                                                                                ":"
                                                                                                "\""
                                                                                                "Mo"
                                                                                                "no"
                                                                                                "to"
                                                                                                "ni"
                                                                                                "c "
                                                                                                "Cl"
                                                                                                "oc"
                                                                                                "k"
                                                                                                "\""
                                                                                                ","
                                                                                                "\""
                                                                                                "fr"
                                                                                                "eq"
                                                                                                "ue"
                                                                                                "nc"
                                                                                                "y"
                                                                                                "\""
                                                                                                ":1"
                                                                                                "00"
                                                                                                "00"
                                                                                                "00"
                                                                                                "00"
                                                                                                "0,"
                                                                                                "\""
                                                                                                "id"
                                                                                                "\""
                                                                                                ":"
                                                                                                "\""
                                                                                                "mo"
                                                                                                "no"
                                                                                                "to"
                                                                                                "ni"
                                                                                                "c"
                                                                                                "\""
                                                                                                ","
                                                                                                "\""
                                                                                                "na"
                                                                                                "me"
                                                                                                "\""
                                                                                                ":"
                                                                                                "\""
                                                                                                "mo"
                                                                                                "no"
                                                                                                "to"
                                                                                                "ni"
                                                                                                "c"
                                                                                                "\""
                                                                                                ","
                                                                                                "\""
                                                                                                "of"
                                                                                                "fs"
                                                                                                "et"
                                                                                                "-f"
                                                                                                "ro"
                                                                                                "m-"
                                                                                                "or"
                                                                                                "ig"
                                                                                                "in"
                                                                                                "\""
                                                                                                ":{"
                                                                                                "\""
                                                                                                "cy"
                                                                                                "cl"
                                                                                                "es"
                                                                                                "\""
                                                                                                ":4"
                                                                                                "18"
                                                                                                "35"
                                                                                                "69"
                                                                                                "88"
                                                                                                ","
                                                                                                "\""
                                                                                                "se"
                                                                                                "co"
                                                                                                "nd"
                                                                                                "s"
                                                                                                "\""
                                                                                                ":1"
                                                                                                "79"
                                                                                                "53"
                                                                                                "88"
                                                                                                "91"
                                                                                                "4}"
                                                                                                ","
                                                                                                "\""
                                                                                                "or"
                                                                                                "ig"
                                                                                                "in"
                                                                                                "\""
                                                                                                ":"
                                                                                                "\""
                                                                                                "un"
                                                                                                "ix"
                                                                                                "-e"
                                                                                                "po"
                                                                                                "ch"
                                                                                                "\""
                                                                                                ","
                                                                                                "\""
                                                                                                "ty"
                                                                                                "pe"
                                                                                                "\""
                                                                                                ":"
                                                                                                "\""
                                                                                                "cl"
                                                                                                "oc"
                                                                                                "k-"
                                                                                                "cl"
                                                                                                "as"
                                                                                                "s"
                                                                                                "\""
                                                                                                ","
                                                                                                "\""
                                                                                                "ui"
                                                                                                "d"
                                                                                                "\""
                                                                                                ":"
                                                                                                "\""
                                                                                                "fd"
                                                                                                "68"
                                                                                                "56"
                                                                                                "c8"
                                                                                                "-1"
                                                                                                "4f"
                                                                                                "2-"
                                                                                                "45"
                                                                                                "62"
                                                                                                "-b"
                                                                                                "4b"
                                                                                                "2-"
                                                                                                "4c"
                                                                                                "33"
                                                                                                "e0"
                                                                                                "39"
                                                                                                "f1"
                                                                                                "eb"
                                                                                                "\""
                                                                                                "}";
static const char LTTNG_STREAM[] =
    RS "{\"type\":\"data-stream-class\",\"id\":0,\"default-clock-class-id\":\"monotonic\","
       "\"packet-context-field-class\":" STRUCT(
           MEMBER("timestamp_begin", U(64, ",\"roles\":[\"default-clock-timestamp\"]")) "," MEMBER("timestamp_end", U(64, ",\"roles\":[\"packet-end-default-clock-timestamp\"]")) "," MEMBER(
               "content_size",
               U(64,
                 ",\"roles\":[\"packet-content-length\"]")) "," MEMBER("packet_size",
                                                                       U(64,
                                                                         ",\"roles\":[\"packet-"
                                                                         "total-length\"]")) "," MEMBER("packet_seq_num",
                                                                                                        U(
                                                                                                            64,
                                                                                                            ",\"roles\":[\"packet-sequence-number\"]")) "," MEMBER("events_discarded", U(64,
                                                                                                                                                                                         ",\"roles\":[\"discarded-event-record-counter-snapshot\"]")) "," MEMBER("cpu_id",
                                                                                                                                                                                                                                                                 U(32, ""))) ",\"event-record-header-field-class\":{\"type\":\"structure\",\"minimum-alignment\":8,"
                                                                                                                                                                                                                                                                             "\"member-classes\":[" MEMBER("id",
                                                                                                                                                                                                                                                                                                           U(
                                                                                                                                                                                                                                                                                                               16,
                                                                                                                                                                                                                                                                                                               ",\"roles\":[\"event-record-class-id\"],"
                                                                                                                                                                                                                                                                                                               "\"mappings\":{\"compact\":[[0,65534]],\"extended\":[[65535,65535]]}")) "," MEMBER("v",
                                                                                                                                                                                                                                                                                                                                                                                                  "{\"type\":\"variant\"," SELECTOR_AT("{\"origin\":\"event-record-header\",\"path\":[\"id\"]}") ",\"options\":["
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "{\"name\":\"compact\",\"selector-field-ranges\":[[0,65534]],\"field-class\":" STRUCT(MEMBER(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     "timestamp", U(32,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    ",\"roles\":[\"default-clock-timestamp\"]"))) "},"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                  "{\"name\":\"extended\",\"selector-field-ranges\":[[65535,65535]],\"field-class\":" STRUCT(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      MEMBER(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          "id",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          U(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              32,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              ",\"roles\":[\"event-record-class-id\"]")) "," MEMBER("timestamp", U(64,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   ",\"roles\":[\"default-clock-timestamp\"]"))) "}]}") "]}}" RS
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        "{\"type\":\"event-record-class\",\"id\":7,\"data-stream-class-id\":0,"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        "\"attributes\":{\"lttng.org,2009\":{\"log-level\":\"debug:line\"}},"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        "\"name\":\"thumbnailer:request_begin\",\"payload-field-class\":" STRUCT(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            MEMBER("id", U(64, "")) "," MEMBER("file", "{\"type\":\"null-terminated-string\"}") "," MEMBER(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "_n",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                U(8,
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                  "")) "," MEMBER("n",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                  "{\"type\":\"dynamic-length-array\",\"element-field-class\":" U(16, "") "," LENGTH_AT(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      IN_PAYLOAD(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          "\"_n\"")) "}")) "}\n";

static char *lttng(void)
{
    return memory_format("%s%s", LTTNG_TRACE, LTTNG_STREAM);
}

static struct layout *opened(const char *text)
{
    struct layout *layout;
    struct failure why;
    struct bytes bytes = {(const uint8_t *)text, strlen(text)};
    cr_assert(eq(int, layout_open(bytes, &layout, &why), STATUS_OK), "%s", why.text);
    return layout;
}

static struct layout *opened_lttng(void)
{
    char *text = lttng();
    struct layout *layout = opened(text);
    free(text);
    return layout;
}

static const struct layout_field *payload(const struct layout *layout)
{
    return layout->streams[0].by_id[0]->payload;
}

static void refused(const char *text, const char *sentence)
{
    struct layout *layout;
    struct failure why;
    struct bytes bytes = {(const uint8_t *)text, strlen(text)};
    cr_expect(eq(int, layout_open(bytes, &layout, &why), STATUS_REJECT), "%s", sentence);
    cr_expect(eq(str, why.text, (char *)(uintptr_t)sentence));
    layout_close(layout);
}

Test(ctf2, reads_what_lttng_writes)
{
    struct layout *layout = opened_lttng();
    cr_expect(eq(int, layout->version, 2));
    cr_expect(layout->has_uuid && layout->uuid[0] == 1 && layout->uuid[15] == 255);
    cr_expect(eq(str, (char *)(uintptr_t)layout_env(layout, "hostname")->text, "web1"));
    cr_expect(eq(i64, layout_env(layout, "architecture_bit_width")->number, 64));
    const struct layout_clock *clock = &layout->clocks[0];
    cr_expect(eq(i64, clock->offset_s, 1795388914));
    cr_expect(eq(u64, clock->offset_cycles, 418356988));
    cr_expect(clock->is_unix && clock->has_uuid && clock->uuid[0] == 0xfd &&
              clock->uuid[15] == 0xeb);
    const struct layout_stream *stream = layout_stream(layout, 0);
    cr_expect(eq(u32, stream->clock, 0));
    const struct layout_event *event = layout_event(stream, 7);
    cr_assert(event != NULL);
    cr_expect(eq(str, (char *)(uintptr_t)event->name, "thumbnailer:request_begin"));
    cr_expect(eq(i32, event->log_level, 13));
    cr_expect(layout_event(stream, 0) == NULL);
    layout_close(layout);
}

Test(ctf2, roles_are_meanings)
{
    struct layout *layout = opened_lttng();
    static const enum layout_meaning CONTEXT[] = {
        LAYOUT_PACKET_BEGIN,    LAYOUT_PACKET_END, LAYOUT_CONTENT_BITS, LAYOUT_PACKET_BITS,
        LAYOUT_SEQUENCE_NUMBER, LAYOUT_DISCARDED,  LAYOUT_CPU};
    static const enum layout_meaning HEADER[] = {LAYOUT_MAGIC, LAYOUT_UUID, LAYOUT_STREAM_CLASS_ID,
                                                 LAYOUT_STREAM_ID};
    for (size_t i = 0; i < 4; i++)
        cr_expect(eq(int, layout->packet_header->fields[i].meaning, HEADER[i]));
    const struct layout_stream *stream = &layout->streams[0];
    for (size_t i = 0; i < 7; i++)
        cr_expect(eq(int, stream->packet_context->fields[i].meaning, CONTEXT[i]));
    const struct layout_field *v = layout_member(stream->event_header, "v");
    const struct layout_field *compact = layout_member(v, "compact");
    const struct layout_field *extended = layout_member(v, "extended");
    cr_expect(eq(int, stream->event_header->fields[0].meaning, LAYOUT_EVENT_ID));
    cr_expect(eq(int, compact->fields[0].meaning, LAYOUT_TIMESTAMP));
    cr_expect(eq(u32, compact->fields[0].clock, 0));
    cr_expect(eq(int, extended->fields[0].meaning, LAYOUT_EVENT_ID));
    cr_expect(eq(int, extended->fields[1].meaning, LAYOUT_TIMESTAMP));
    /* The tag is kept, and the options say when they are chosen. */
    cr_expect(eq(u32, v->from, stream->event_header->fields[0].save));
    cr_expect(ne(u32, v->from, LAYOUT_NONE));
    cr_expect(eq(u64, compact->ranges[0].high, 65534));
    cr_expect(eq(u64, extended->ranges[0].low, 65535));
    layout_close(layout);
}

Test(ctf2, names_keep_their_underscores)
{
    struct layout *layout = opened_lttng();
    const struct layout_field *fields = layout->events[0].payload->fields;
    cr_expect(eq(str, (char *)(uintptr_t)fields[2].name, "_n"));
    cr_expect(eq(int, fields[3].type, LAYOUT_SEQUENCE));
    cr_expect(eq(u32, fields[3].from, fields[2].save));
    layout_close(layout);
}

Test(ctf2, all_classes_of_fields)
{
    struct layout
        *
            layout = opened(TRACE(MEMBER("a", "{\"type\":\"fixed-length-signed-integer\","
                                              "\"length\":12,"
                                              "\"byte-order\":\"big-endian\",\"preferred-display-"
                                              "base\":16}") "," MEMBER("b",
                                                                       "{\"type\":\"fixed-length-"
                                                                       "boolean\",\"length\":1,"
                                                                       "\"byte-order\":\"little-"
                                                                       "endian\"}") "," MEMBER("c",
                                                                                               "{\""
                                                                                               "typ"
                                                                                               "e\""
                                                                                               ":\""
                                                                                               "fix"
                                                                                               "ed-"
                                                                                               "len"
                                                                                               "gth"
                                                                                               "-bi"
                                                                                               "t-"
                                                                                               "arr"
                                                                                               "ay"
                                                                                               "\","
                                                                                               "\"l"
                                                                                               "eng"
                                                                                               "th"
                                                                                               "\":"
                                                                                               "100"
                                                                                               ",\""
                                                                                               "ali"
                                                                                               "gnm"
                                                                                               "ent"
                                                                                               "\":"
                                                                                               "32,"
                                                                                               "\"b"
                                                                                               "yte"
                                                                                               "-or"
                                                                                               "der"
                                                                                               "\":"
                                                                                               "\"l"
                                                                                               "itt"
                                                                                               "le-"
                                                                                               "end"
                                                                                               "ian"
                                                                                               "\""
                                                                                               "}") "," MEMBER("d",
                                                                                                               "{\"type\":\"fixed-length-bit-map\",\"length\":8,"
                                                                                                               "\"byte-order\":\"little-endian\",\"flags\":{\"x\":[[0,0]]}}") "," MEMBER("e",
                                                                                                                                                                                         "{\"type\":\"fixed-length-floating-point-number\",\"length\":32,"
                                                                                                                                                                                         "\"byte-order\":\"big-endian\",\"alignment\":16}") "," MEMBER("f",
                                                                                                                                                                                                                                                       "{\"type\":\"variable-length-signed-integer\"}") "," MEMBER("g",
                                                                                                                                                                                                                                                                                                                   "{\"type\":\"variable-length-unsigned-integer\"}") "," MEMBER("h", "{\"type\":\"static-length-string\",\"length\":5}") "," MEMBER("i", "{\"type\":\"dynamic-length-string\"," LENGTH_AT("{\"path\":[\"g\"]}") "}") "," MEMBER("j", "{\"type\":\"static-length-blob\",\"length\":3}") "," MEMBER("k", "{\"type\":\"dynamic-length-blob\"," LENGTH_AT("{\"path\":[\"g\"]}") "}") "," MEMBER("l",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             "{\"type\":\"optional\"," SELECTOR_AT("{\"path\":[\"b\"]}") ",\"field-class\":{\"type\":\"null-terminated-string\"}}") "," MEMBER("m",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "{\"type\":\"static-length-array\",\"length\":2,\"minimum-alignment\":64,"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                               "\"element-field-class\":{\"type\":\"structure\"}}")));
    const struct layout_field *fields = payload(layout)->fields;
    static const struct {
        enum layout_type type;
        unsigned size, align, count;
    } WANTED[] = {
        {LAYOUT_INTEGER, 12, 1, 0},     {LAYOUT_INTEGER, 1, 1, 0},
        {LAYOUT_ARRAY, 0, 32, 100},     {LAYOUT_INTEGER, 8, 1, 0},
        {LAYOUT_FLOAT, 32, 16, 0},      {LAYOUT_VARINT, 0, 8, 0},
        {LAYOUT_VARINT, 0, 8, 0},       {LAYOUT_STRING_FIXED, 0, 8, 5},
        {LAYOUT_STRING_SIZED, 0, 8, 0}, {LAYOUT_BLOB_FIXED, 0, 8, 3},
        {LAYOUT_BLOB_SIZED, 0, 8, 0},   {LAYOUT_OPTIONAL, 0, 1, 0},
        {LAYOUT_ARRAY, 0, 64, 2},
    };
    cr_assert(eq(u32, payload(layout)->count, 13));
    for (size_t i = 0; i < 13; i++) {
        cr_expect(eq(int, fields[i].type, WANTED[i].type), "%zu", i);
        cr_expect(eq(int, fields[i].size, (int)WANTED[i].size), "%zu", i);
        cr_expect(eq(u32, fields[i].align, WANTED[i].align), "%zu", i);
        cr_expect(eq(u32, fields[i].count, WANTED[i].count), "%zu", i);
    }
    cr_expect(fields[0].is_signed && fields[0].big_endian && fields[0].base == 16);
    cr_expect(fields[1].is_bool && !fields[1].big_endian);
    cr_expect(fields[5].is_signed && !fields[6].is_signed);
    cr_expect(eq(u32, fields[8].from, fields[6].save));
    cr_expect(eq(u32, fields[10].from, fields[6].save));
    cr_expect(eq(u32, fields[11].from, fields[1].save));
    cr_expect(eq(u64, fields[11].fields[0].ranges[0].low, 1));
    cr_expect(eq(u64, fields[11].fields[0].ranges[0].high, UINT64_MAX));
    cr_expect(eq(u32, payload(layout)->align, 64));
    layout_close(layout);
}

Test(ctf2, aliases_stand_for_their_classes)
{
    struct layout *layout =
        opened(PREAMBLE RS "{\"type\":\"field-class-alias\",\"name\":\"u7\",\"field-class\":" U(
            7,
            "") "}" RS
                "{\"type\":\"field-class-alias\",\"name\":\"seven\",\"field-class\":\"u7\"}" STREAM
                    EVENT(MEMBER("x", "\"seven\"")));
    cr_expect(eq(int, payload(layout)->fields[0].size, 7));
    layout_close(layout);
}

Test(ctf2, paths_go_outward_with_null)
{
    struct layout *layout = opened(TRACE(MEMBER("n", U(8, "")) "," MEMBER(
        "s", STRUCT(MEMBER("n", U(8, "")) "," MEMBER(
                 "near",
                 "{\"type\":\"dynamic-length-blob\"," LENGTH_AT(
                     "{\"path\":[\"n\"]}") "}") "," MEMBER("far",
                                                           "{\"type\":\"dynamic-length-"
                                                           "blob\"," LENGTH_AT(
                                                               "{\"path\":[null,\"n\"]}") "}")))));
    const struct layout_field *fields = payload(layout)->fields;
    cr_expect(eq(u32, fields[1].fields[1].from, fields[1].fields[0].save));
    cr_expect(eq(u32, fields[1].fields[2].from, fields[0].save));
    cr_expect(ne(u32, fields[0].save, fields[1].fields[0].save));
    layout_close(layout);
}

Test(ctf2, a_length_within_the_element_of_an_array)
{
    struct layout *layout = opened(TRACE(MEMBER(
        "a",
        "{\"type\":\"static-length-array\",\"length\":3,\"element-field-class\":" STRUCT(
            MEMBER("n", U(8, "")) "," MEMBER("b", "{\"type\":\"dynamic-length-blob\"," LENGTH_AT(
                                                      IN_PAYLOAD("\"a\",\"n\"")) "}")) "}")));
    const struct layout_field *element = payload(layout)->fields[0].fields;
    cr_expect(eq(u32, element->fields[1].from, element->fields[0].save));
    layout_close(layout);
    refused(TRACE(MEMBER(
                "a",
                "{\"type\":\"static-length-array\",\"length\":3,"
                "\"element-field-class\":" STRUCT(MEMBER(
                    "n",
                    U(8, ""))) "},"
                               "\"x\":0") "," MEMBER("b",
                                                     "{\"type\":\"dynamic-length-blob\"," LENGTH_AT(
                                                         IN_PAYLOAD("\"a\",\"n\"")) "}")),
            "metadata: fragment 3: 3:2: event-record-class: payload-field-class: \"b\": "
            "field-class: no integer in front of it is \"a.n\"");
}

#define OPTION(low, high, class)                                                                   \
    "{\"selector-field-ranges\":[[" #low "," #high "]],\"field-class\":" class "}"

Test(ctf2, options_share_the_slot_of_what_may_be_in_any_of_them)
{
    struct layout *layout = opened(TRACE(MEMBER("t", U(8, "")) "," MEMBER(
        "v",
        "{\"type\":\"variant\"," SELECTOR_AT("{\"path\":[\"t\"]}") ",\"options\":[" OPTION(
            0, 4,
            STRUCT(MEMBER(
                "n",
                U(8, "")))) "," OPTION(5, 9,
                                       STRUCT(MEMBER("x", U(8, "")) "," MEMBER(
                                           "n",
                                           U(16, "")))) "]}") "," MEMBER("b",
                                                                         "{\"type\":\"dynamic-"
                                                                         "length-blob\"," LENGTH_AT(
                                                                             "{\"path\":[\"v\","
                                                                             "\"n\"]}") "}")));
    const struct layout_field *fields = payload(layout)->fields, *v = &fields[1];
    cr_expect(eq(u32, fields[2].from, v->fields[0].fields[0].save));
    cr_expect(eq(u32, fields[2].from, v->fields[1].fields[1].save));
    cr_expect(eq(u32, v->fields[1].fields[0].save, LAYOUT_NONE));
    cr_expect(eq(u32, layout->slot_count, 2));
    layout_close(layout);
}

Test(ctf2, ranges_reach_over_all_64_bits)
{
    struct layout *layout = opened(TRACE(MEMBER("t", U(64, "")) "," MEMBER(
        "o", "{\"type\":\"optional\"," SELECTOR_AT(
                 "{\"path\":[\"t\"]}") ",\"selector-field-ranges\":[[5,18446744073709551615]],"
                                       "\"field-class\":" U(8, "") "}")));
    const struct layout_field *chosen = payload(layout)->fields[1].fields;
    cr_expect(eq(u64, chosen->ranges[0].low, 5));
    cr_expect(eq(u64, chosen->ranges[0].high, UINT64_MAX));
    layout_close(layout);
}

Test(ctf2, negative_ranges_belong_to_signed_selectors)
{
    static const char SIGNED[] = "{\"type\":\"fixed-length-signed-integer\",\"length\":8,"
                                 "\"byte-order\":\"little-endian\"}";
    char text[1024];
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        struct layout *layout;
        struct failure why;
        snprintf(text, sizeof text,
                 TRACE(MEMBER("t", "%s") "," MEMBER(
                     "o", "{\"type\":\"optional\"," SELECTOR_AT(
                              "{\"path\":[\"t\"]}") ",\"selector-field-ranges\":[[-5,3]],\"field-"
                                                    "class\":" U(8, "") "}")),
                 is_signed ? SIGNED : U(8, ""));
        struct bytes bytes = {(const uint8_t *)text, strlen(text)};
        enum status status = layout_open(bytes, &layout, &why);
        cr_expect(eq(int, status, is_signed ? STATUS_OK : STATUS_REJECT));
        if (layout != NULL) {
            const struct layout_field *o = &payload(layout)->fields[1];
            cr_expect(o->is_signed && (int64_t)o->fields[0].ranges[0].low == -5);
        }
        layout_close(layout);
    }
}

Test(ctf2, utf_16_is_bytes)
{
    struct layout *layout = opened(TRACE(
        MEMBER("x", "{\"type\":\"static-length-string\",\"length\":6,\"encoding\":\"utf-16le\"}")));
    cr_expect(eq(int, payload(layout)->fields[0].type, LAYOUT_BLOB_FIXED));
    layout_close(layout);
    refused(TRACE(MEMBER("x", "{\"type\":\"null-terminated-string\",\"encoding\":\"utf-16le\"}")),
            "metadata: fragment 3: 3:2: event-record-class: payload-field-class: \"x\": "
            "field-class: only UTF-8 is read where a NUL ends a string");
}

Test(ctf2, attributes_are_left_alone_and_declared_extensions_refused)
{
    layout_close(opened(RS "{\"type\":\"preamble\",\"version\":2,\"attributes\":{\"a\":[1]},"
                           "\"extensions\":{\"b\":{}}}" STREAM));
    refused(RS "{\"type\":\"preamble\",\"version\":2,\"extensions\":{\"my.tracer\":{\"piano\":1}}}",
            "metadata: fragment 1: 1:2: preamble: the extension \"piano\" of \"my.tracer\" is not "
            "known");
}

Test(ctf2, a_fault_in_the_json_has_line_and_column)
{
    struct layout *layout;
    struct failure why;
    static const char TEXT[] =
        PREAMBLE STREAM RS "{\n  \"type\": \"event-record-class\",\n  oops\n}";
    struct bytes bytes = {(const uint8_t *)TEXT, strlen(TEXT)};
    cr_expect(eq(int, layout_open(bytes, &layout, &why), STATUS_REJECT));
    cr_expect(strncmp(why.text, "metadata: fragment 3: 5:6: ", 27) == 0, "%s", why.text);
}

Test(ctf2, says_what_is_missing_or_wrong)
{
#define PAYLOAD "event-record-class: payload-field-class: \"x\": field-class: "
#define AT_3 "metadata: fragment 3: 3:2: "
    refused(RS "\n", "metadata: empty");
    refused(RS "[]", "metadata: fragment 1: 1:2: not an object");
    refused(STREAM, "metadata: fragment 1: 1:2: the first one is to be a preamble");
    refused(RS "{\"type\":\"preamble\",\"version\":3}",
            "metadata: fragment 1: 1:2: preamble: version 3 is not read");
    refused(PREAMBLE PREAMBLE, "metadata: fragment 2: 2:2: preamble: a second one");
    refused(PREAMBLE RS "{\"type\":\"x\"}",
            "metadata: fragment 2: 2:2: the type \"x\" is not known");
    refused(PREAMBLE RS "{}", "metadata: fragment 2: 2:2: \"type\" is missing");
    refused(PREAMBLE STREAM STREAM, "metadata: fragment 3: 3:2: a second stream class 0");
    refused(PREAMBLE EVENT(""),
            "metadata: fragment 2: 2:2: event \"e\" is of stream 0, which is not declared");
    refused(TRACE("") EVENT(""),
            "metadata: fragment 4: 4:2: event \"e\" has the id 0 of event \"e\"");
    refused(TRACE(MEMBER("x", U(65, ""))), AT_3 PAYLOAD "integers of 65 bits are not read");
    refused(TRACE(MEMBER("x", U(0, ""))), AT_3 PAYLOAD "integers of 0 bits are not read");
    refused(TRACE(MEMBER("x", "{\"type\":\"fixed-length-unsigned-integer\",\"length\":8}")),
            AT_3 PAYLOAD "\"byte-order\" is missing");
    refused(TRACE(MEMBER("x", U(8, ",\"bit-order\":\"last-to-first\""))),
            AT_3 PAYLOAD "a \"bit-order\" against the byte order is not read");
    refused(TRACE(MEMBER("x", U(8, ",\"roles\":[\"boss\"]"))),
            AT_3 PAYLOAD "the role \"boss\" is not known");
    refused(TRACE(MEMBER("x", "{\"type\":\"structure\",\"minimum-alignment\":3}")),
            AT_3 PAYLOAD "\"minimum-alignment\" is no power of two");
    refused(TRACE(MEMBER("x", "\"u9\"")), AT_3 PAYLOAD "the field class \"u9\" is not declared");
    refused(TRACE(MEMBER("x", U(8, "")) "," MEMBER("x", U(8, ""))),
            AT_3 "two members are named \"x\"");
    refused(TRACE(MEMBER("x", "{\"type\":\"dynamic-length-blob\"," LENGTH_AT(
                                  "{\"path\":[\"y\"]}") "}") "," MEMBER("y", U(8, ""))),
            AT_3 "event-record-class: payload-field-class: \"x\": field-class: no integer in "
                 "front of it is \"y\"");
    refused(PREAMBLE RS "{\"type\":\"data-stream-class\",\"default-clock-class-id\":\"c\"}",
            "metadata: fragment 2: 2:2: data-stream-class: the clock \"c\" is not declared");
    refused(PREAMBLE RS
            "{\"type\":\"data-stream-class\",\"event-record-header-field-class\":" STRUCT(
                MEMBER("t", U(8, ",\"roles\":[\"default-clock-timestamp\"]"))) "}",
            "metadata: fragment 2: 2:2: \"t\" is a timestamp, but the stream has no clock");
    refused(PREAMBLE RS "{\"type\":\"clock-class\",\"id\":\"c\",\"frequency\":0}",
            "metadata: fragment 2: 2:2: clock-class: \"frequency\" is 0");
}

Test(ctf2, refuses_a_text_cut_anywhere_but_between_fragments)
{
    char *text = lttng();
    size_t whole = strlen(text), opened_count = 0;
    for (size_t count = 1; count < whole; count++) {
        struct layout *layout;
        struct failure why;
        uint8_t *part = malloc(count); /* where reading behind its end is noticed */
        memcpy(part, text, count);
        if (layout_open((struct bytes){part, count}, &layout, &why) == STATUS_OK)
            opened_count++;
        layout_close(layout);
        free(part);
    }
    free(text);
    /* Behind each of the first four fragments, with and without the next separator; behind the
     * last but for its line feed. */
    cr_expect(eq(sz, opened_count, 9));
}

Test(ctf2, bounds_how_deep_classes_nest)
{
    char text[8192] =
        PREAMBLE STREAM RS "{\"type\":\"event-record-class\",\"payload-field-class\":";
    for (int i = 0; i < 40; i++)
        strcat(text,
               "{\"type\":\"structure\",\"member-classes\":[{\"name\":\"s\",\"field-class\":");
    strcat(text, "{\"type\":\"structure\"}");
    for (int i = 0; i < 40; i++)
        strcat(text, "}]}");
    strcat(text, "}");
    struct layout *layout;
    struct failure why;
    struct bytes bytes = {(const uint8_t *)text, strlen(text)};
    cr_expect(eq(int, layout_open(bytes, &layout, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, "field classes nest deeper than 32") != NULL, "%s", why.text);
}
