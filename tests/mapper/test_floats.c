/* Floating-point fields, as `spanmill log` shows them: of both formats of metadata, sizes, byte
 * orders, and at any bit. */
#include <math.h>
#include <stdio.h>

#include "cli/story/line.h"
#include "mapper/decode/reader.h"
#include "mapper/readers/readers.h"
#include "tests/mapper/ctf2_text.h"

struct format {
    unsigned size, pad; /* bits of the number, and before it */
    bool is_big, is_ctf2;
};

static char *ctf2_of(const struct format *format)
{
    const char *order = format->is_big ? "big" : "little";
    char *text = memory_format(
        PREAMBLE STREAM
        "^{'type':'event-record-class','name':'e','payload-field-class':{'type':'structure',"
        "'member-classes':[{'name':'p','field-class':{'type':'fixed-length-unsigned-integer',"
        "'length':%u,'byte-order':'%s-endian'}},"
        "{'name':'x','field-class':{'type':'fixed-length-floating-point-number','length':%u,"
        "'byte-order':'%s-endian','alignment':1}}]}}\n",
        format->pad, order, format->size, order);
    char *quoted = json(text);
    free(text);
    return quoted;
}

static char *tsdl_of(const struct format *format)
{
    return memory_format(
        "/* CTF 1.8 */ trace { major = 1; minor = 8; byte_order = %s; };\n"
        "event { name = \"e\"; fields := struct { integer { size = %u; align = 1; } p;\n"
        "floating_point { exp_dig = %u; mant_dig = %u; align = 1; } x; }; };\n",
        format->is_big ? "be" : "le", format->pad, format->size == 32 ? 8 : 11,
        format->size == 32 ? 24 : 53);
}

static void put_bits(uint8_t *packet, const struct format *format, uint64_t number)
{
    for (unsigned i = 0; i < format->size; i++) {
        unsigned at = format->pad + i, place = format->is_big ? format->size - 1 - i : i;
        unsigned bit = format->is_big ? 7 - at % 8 : at % 8;
        packet[at / 8] |= (uint8_t)((number >> place & 1) << bit);
    }
}

static bool shows_all(enum domain domain, const char *name)
{
    (void)domain;
    (void)name;
    return true;
}

/* Appends the field `x` of the first event. */
static void write_x(struct line *line, struct reader *reader)
{
    const struct event *events;
    size_t count;
    struct failure why;
    cr_assert(eq(int, reader_next(reader, &events, &count, &why), STATUS_OK));
    for (unsigned i = 0; events[0].shapes && i < events[0].field_count; i++)
        if (strcmp(events[0].shapes[i].name, "x") == 0)
            line_float(line, events[0].fields[i].u, events[0].shapes[i].float_bits);
    line_char(line, '\0');
}

static void expect_text(const struct format *format, uint64_t number, const char *expected)
{
    char name[] = "ust", file[] = "ch_0",
         *metadata = format->is_ctf2 ? ctf2_of(format) : tsdl_of(format);
    uint8_t packet[16] = {0};
    put_bits(packet, format, number);
    struct stream_file stream = {.name = file,
                                 .data = {packet, (format->pad + format->size + 7) / 8}};
    struct trace_files files = {.name = name,
                                .metadata = {(const uint8_t *)metadata, strlen(metadata)},
                                .streams = &stream,
                                .stream_count = 1};
    struct trace_set set = {&files, 1};
    struct schema *schema = schema_new(NULL);
    struct reader_choice choice = {.kind = readers_by_name("spanmill"), .shows = shows_all};
    struct reader *reader;
    struct failure why = {""};
    cr_assert(eq(int, reader_open_as(&choice, &set, schema, NULL, &reader, &why), STATUS_OK),
              "%s\n%s", why.text, metadata);
    struct line line = {.count = 0};
    write_x(&line, reader);
    cr_expect(eq(str, line.at, STRING(expected)), "CTF %s, %u bits at bit %u, %s-endian",
              format->is_ctf2 ? "2" : "1.8", format->size, format->pad,
              format->is_big ? "big" : "little");
    free(line.at);
    reader_close(reader);
    schema_free(schema);
    free(metadata);
}

/* In all formats. */
static void expect_number(double number, const char *as_32, const char *as_64)
{
    float narrow = (float)number;
    uint32_t low;
    uint64_t bits;
    memcpy(&low, &narrow, sizeof low);
    memcpy(&bits, &number, sizeof bits);
    static const unsigned PADS[] = {1, 4, 8};
    for (unsigned i = 0; i < 3 * 4; i++) {
        struct format format = {
            .size = 32, .pad = PADS[i / 4], .is_big = i & 1, .is_ctf2 = (i & 2) != 0};
        expect_text(&format, low, as_32);
        format.size = 64;
        expect_text(&format, bits, as_64);
    }
}

Test(floats, are_shown_as_the_shortest_text_that_reads_back)
{
    expect_number(0.1, "0.1", "0.1");
    expect_number(-2.5, "-2.5", "-2.5");
    expect_number(3, "3", "3");
    expect_number(1.0 / 3, "0.33333334", "0.3333333333333333");
    expect_number(123456789.125, "1.2345679e+08", "123456789.125");
    expect_number(1e-30, "1e-30", "1e-30");
    expect_number((double)INFINITY, "inf", "inf");
    expect_number((double)NAN, "nan", "nan");
}
