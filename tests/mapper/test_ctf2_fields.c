/* Fields that only CTF 2 has: the bits of a packet and the resulting fields of an event. */
#include <stdio.h>

#include "mapper/decode/reader.h"
#include "mapper/readers/readers.h"
#include "tests/mapper/ctf2_text.h"
#include "tests/mapper/event_text.h"

static void say(void *context, const char *sentence)
{
    if (strstr(sentence, "have no clock") == NULL)
        snprintf(context, FAILURE_TEXT_MAX, "%s", sentence);
}

/* "fields ..." of the events "e" of a stream of one packet without a head; `*said` is the last
 * warning, but for that of a stream without a clock. */
static char *fields_of(const char *metadata, const uint8_t *packet, size_t count,
                       char said[FAILURE_TEXT_MAX])
{
    static const char *const CAPTURE[] = {"a", "b", "c", "d"};
    char name[] = "ust", file[] = "ch_0", *text = NULL, *text_json = json(metadata);
    size_t size = 0, some;
    struct stream_file stream = {.name = file, .data = {packet, count}};
    struct trace_files files = {.name = name,
                                .metadata = {(const uint8_t *)text_json, strlen(text_json)},
                                .streams = &stream,
                                .stream_count = 1};
    struct trace_set set = {&files, 1};
    struct phase_definitions phases;
    phases_init(&phases);
    phases_add(&phases, (struct phase_definition){.name = "p",
                                                  .begin_event = "e",
                                                  .end_event = "f",
                                                  .capture = CAPTURE,
                                                  .capture_count = 4});
    struct schema *schema = schema_new(&phases);
    struct reader_choice choice = {.kind = readers_by_name("spanmill")};
    struct reader_warnings warnings = {.say = say, .context = said};
    struct reader *reader;
    struct failure why = {""};
    const struct event *events;
    *said = '\0';
    cr_assert(eq(int, reader_open_as(&choice, &set, schema, &warnings, &reader, &why), STATUS_OK),
              "%s", why.text);
    FILE *out = open_memstream(&text, &size);
    while (reader_next(reader, &events, &some, &why) == STATUS_OK)
        for (size_t i = 0; i < some; i++)
            for (unsigned j = 0; events[i].kind != EVENT_LOSS && j < events[i].field_count; j++)
                event_text_value(out, &events[i].fields[j]);
    fclose(out);
    while (size > 1 && strcmp(text + size - 2, " -") == 0)
        text[size -= 2] = '\0'; /* of no field */
    reader_close(reader);
    schema_free(schema);
    phases_clear(&phases);
    free(text_json);
    return text;
}

static void expect_fields(const char *metadata, const uint8_t *packet, size_t count,
                          const char *expected)
{
    char said[FAILURE_TEXT_MAX];
    char *fields = fields_of(metadata, packet, count, said);
    cr_expect(eq(str, fields, STRING(expected)));
    cr_expect(eq(str, said, ""));
    free(fields);
}

#define UINT(length, order, bits)                                                                  \
    "{'type':'fixed-length-unsigned-integer','length':" length ",'byte-order':'" order             \
    "-endian','bit-order':'" bits "'}"
#define SINT(length, order, bits)                                                                  \
    "{'type':'fixed-length-signed-integer','length':" length ",'byte-order':'" order               \
    "-endian','bit-order':'" bits "'}"
#define FTL "first-to-last"
#define LTF "last-to-first"

Test(ctf2_fields, bits_stand_in_either_order)
{
    static const uint8_t PACKET[] = {0x01, 0x80, 0x01, 0x80, 0x13, 0x13};
    expect_fields(TRACE(M("a", UINT("16", "little", FTL)) AND("b", UINT("16", "little", LTF))),
                  PACKET, 4, " +32769 +32769");
    static const uint8_t ODD[] = {0x01, 0x02, 0x01, 0x02};
    expect_fields(TRACE(M("a", UINT("16", "little", FTL)) AND("b", UINT("16", "little", LTF))), ODD,
                  4, " +513 +32832");
    expect_fields(TRACE(M("a", UINT("16", "big", FTL)) AND("b", UINT("16", "big", LTF))), ODD, 4,
                  " +16512 +258");
    static const uint8_t SMALL[] = {0x13};
    expect_fields(TRACE(M("a", UINT("3", "little", LTF)) AND("b", SINT("5", "little", LTF))), SMALL,
                  1, " +6 8");
    expect_fields(TRACE(M("a", UINT("3", "big", FTL)) AND("b", SINT("5", "big", FTL))), SMALL, 1,
                  " +0 -7");
}

Test(ctf2_fields, lengths_and_choices_are_of_reversed_bits_as_well)
{
    static const uint8_t PACKET[] = {0x40, 7, 8, 9};
    expect_fields(TRACE(M("n", UINT("8", "little", LTF)) AND(
                      "x", "{'type':'dynamic-length-array','length-field-location':{'path':['n']},"
                           "'element-field-class':" U8 "}") AND("a", U8)),
                  PACKET, 4, " +9");
}

#define WIDE(type, encoding, more) "{'type':'" type "','encoding':'" encoding "'" more "}"

Test(ctf2_fields, strings_of_other_encodings_become_utf_8)
{
    static const uint8_t LITTLE[] = {'a', 0,    0xE4, 0,    0xAC, 0x20, 0x3D, 0xD8,
                                     0,   0xDE, 0x00, 0xDC, 0,    0,    'x'};
    expect_fields(TRACE(M("a", WIDE("null-terminated-string", "utf-16le", "")) AND("b", U8)),
                  LITTLE, sizeof LITTLE,
                  " \"a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBD\" +120");
    expect_fields(
        TRACE(M("a", WIDE("static-length-string", "utf-16le", ",'length':4")) AND("b", U8)), LITTLE,
        5, " \"a\xC3\xA4\" +172");
    static const uint8_t BIG[] = {0, 0, 0, 'b', 0, 1, 0xF6, 0, 0, 0x11, 0, 0, 0, 0, 0, 0, 'y'};
    expect_fields(TRACE(M("a", WIDE("null-terminated-string", "utf-32be", "")) AND("b", U8)), BIG,
                  sizeof BIG, " \"b\xF0\x9F\x98\x80\xEF\xBF\xBD\" +121");
    static const uint8_t SIZED[] = {6, 0, 'a', 0, 0, 0, 'b', 'z'};
    expect_fields(
        TRACE(M("n", U8) AND("a", WIDE("dynamic-length-string", "utf-16be",
                                       ",'length-field-location':{'path':['n']}")) AND("b", U8)),
        SIZED, sizeof SIZED, " \"a\" +122");
}

Test(ctf2_fields, more_bits_than_a_number_has_are_passed_over)
{
    static const uint8_t PACKET[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                     0, 0, 0, 0, 0, 0, 0, 0, 5, 3, 7};
    expect_fields(
        TRACE(M("a", "{'type':'fixed-length-floating-point-number','length':160,"
                     "'byte-order':'big-endian'}") AND("b", BIT_MAP) AND("c", U8) AND("d", U8)),
        PACKET, sizeof PACKET, " - +5 +3 +7");
    expect_fields(TRACE(M("a", UINT("128", "little", FTL)) AND("b", UINT("40", "big", LTF))),
                  PACKET, 21, " - +5");
}

Test(ctf2_fields, integers_of_variable_length_have_64_bits)
{
    /* All 64 bits, and with redundant bytes. */
    static const uint8_t PACKET[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                     0xFF, 0x01, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80,
                                     0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
    expect_fields(TRACE(M("a", VARINT) AND("b", VARINT)), PACKET, sizeof PACKET,
                  " +18446744073709551615 +1");
    static const uint8_t SIGNED[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                     0x80, 0x80, 0x7F, 0xFE, 0xFF, 0xFF, 0xFF,
                                     0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F};
    expect_fields(TRACE(M("a", SIGNED_VARINT) AND("b", SIGNED_VARINT)), SIGNED, sizeof SIGNED,
                  " -9223372036854775808 -2");
}

/* The metadata is valid, so the fault is in the packet. */
Test(ctf2_fields, integers_of_variable_length_beyond_64_bits_are_faults_of_their_packet)
{
    static const uint8_t PACKETS[][12] = {
        {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02},
        {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
    };
    for (size_t i = 0; i < 2; i++) {
        char said[FAILURE_TEXT_MAX];
        char *fields = fields_of(TRACE(M("a", VARINT)), PACKETS[i], 12, said);
        cr_expect(strstr(said, "has more than 64 bits") != NULL, "%s", said);
        cr_expect(strstr(said, "ch_0") != NULL, "%s", said);
        cr_expect(eq(str, fields, ""));
        free(fields);
    }
}

Test(ctf2_fields, numbers_of_64_bits_are_exact)
{
    static const uint8_t PACKET[] = {0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 9, 8};
    expect_fields(TRACE(M("n", UINT("64", "little", FTL)) AND(
                      "x", VARIANT("'n'", OPTION("[0,18446744073709551613]", U8) "," OPTION(
                                              "[18446744073709551614,18446744073709551614]",
                                              STRUCT(M("y", U8))))) AND("a", U8)),
                  PACKET, sizeof PACKET, " +8");
    struct layout *layout =
        opened_json(PREAMBLE "^{'type':'data-stream-class','id':18446744073709551615}\n");
    cr_expect(eq(u64, layout->streams[0].id, UINT64_MAX));
    layout_close(layout);
}
