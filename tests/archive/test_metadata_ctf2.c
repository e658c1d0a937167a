#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "archive/metadata.h"
#include "archive/packets.h"
#include "tests/archive/fake_trace.h"

/* As lttng-tools 2.14 writes it. */
static struct fake_file file_of(const char *name)
{
    struct fake_file file = {.at = NULL};
    char *path = memory_format("%s/metadata/%s", TEST_DATA, name);
    FILE *in = fopen(path, "rb");
    cr_assert(in != NULL, "%s", path);
    uint8_t part[4096];
    for (size_t count; (count = fread(part, 1, sizeof part, in)) > 0;)
        fake_put(&file, part, count);
    fclose(in);
    free(path);
    return file;
}

static bool told(struct text text, const char *expected)
{
    return text_equal(text, text_of(expected));
}

static void expect_place(const struct packet_layout *layout, enum packet_field field, int offset,
                         int size)
{
    cr_expect(eq(int, layout->place[field].offset, offset), "field %d", (int)field);
    cr_expect(eq(int, layout->place[field].size, size), "field %d", (int)field);
    cr_expect(not(layout->place[field].big_endian));
}

Test(metadata_ctf2, tells_who_recorded_and_where_packets_keep_what)
{
    static const uint8_t CLOCK[16] = {0x29, 0x8b, 0xe4, 0xc5, 0x49, 0xbc, 0x40, 0x81,
                                      0xb7, 0x0b, 0xf8, 0x65, 0xb4, 0x33, 0xfd, 0x1b};
    struct fake_file file = file_of("ust-ctf2");
    struct metadata metadata;
    struct failure why = {""};
    cr_assert(eq(int, metadata_read(fake_data(&file), &metadata, &why), STATUS_OK), "%s", why.text);
    fake_clear(&file); /* nothing of it is kept */
    cr_expect(metadata.is_ctf2);
    cr_expect(told(metadata.hostname, "web1"));
    cr_expect(told(metadata.domain, "ust"));
    cr_expect(told(metadata.session, "zoo"));
    cr_expect(told(metadata.created, "20261123T074912+0000"));
    cr_expect(not(metadata.has_vpid));
    cr_expect(eq(u64, metadata.frequency, 1000000000));
    cr_expect(eq(i64, metadata.offset_ns, 1795404356867244272));
    cr_expect(eq(int, memcmp(metadata.clock_uuid, CLOCK, sizeof CLOCK), 0));
    cr_assert(eq(sz, metadata.name_count, 2));
    cr_expect(told(metadata.names[0], "zoo:all"));
    cr_expect(told(metadata.names[1], "zoo:none"));
    cr_assert(eq(sz, metadata.layout_count, 1));
    const struct packet_layout *layout = metadata_layout(&metadata, 0);
    cr_expect(eq(sz, layout->size, FAKE_HEADER + FAKE_CONTEXT));
    expect_place(layout, PACKET_MAGIC, 0, 4);
    expect_place(layout, PACKET_STREAM_ID, 20, 4);
    expect_place(layout, PACKET_INSTANCE, 24, 8);
    expect_place(layout, PACKET_BEGIN, 32, 8);
    expect_place(layout, PACKET_END, 40, 8);
    expect_place(layout, PACKET_CONTENT_SIZE, 48, 8);
    expect_place(layout, PACKET_SIZE, 56, 8);
    expect_place(layout, PACKET_SEQUENCE, 64, 8);
    expect_place(layout, PACKET_DISCARDED, 72, 8);
    expect_place(layout, PACKET_CPU, 80, 4);
    metadata_clear(&metadata);
}

Test(metadata_ctf2, that_is_cut_is_refused_or_lacks_whole_fragments)
{
    struct fake_file file = file_of("ust-ctf2");
    size_t ends = 0;
    for (size_t count = 0; count < file.count; count++) {
        struct metadata metadata;
        enum status status = metadata_read((struct bytes){file.at, count}, &metadata, NULL);
        bool between = file.at[count] == 0x1e || file.at[count - 1] == 0x1e;
        cr_expect(status == STATUS_REJECT || between, "cut at %zu", count);
        ends += status == STATUS_OK;
        metadata_clear(&metadata);
    }
    cr_expect(eq(sz, ends, 4)); /* in front of and behind the marks of the two events */
    fake_clear(&file);
}

Test(metadata_ctf2, survives_any_byte_changed)
{
    struct fake_file file = file_of("ust-ctf2");
    size_t refused = 0;
    for (size_t i = 0; i < file.count; i += 3) {
        static const uint8_t OTHERS[] = {'{', '}', '"', '\\', 0, 0x1e, '9'};
        uint8_t kept = file.at[i];
        file.at[i] = OTHERS[i % sizeof OTHERS];
        struct metadata metadata;
        refused += metadata_read(fake_data(&file), &metadata, NULL) != STATUS_OK;
        metadata_clear(&metadata);
        file.at[i] = kept;
    }
    cr_expect(gt(sz, refused, file.count / 30));
    fake_clear(&file);
}

/* --- other packets --- */

#define PREAMBLE "\x1e{\"type\":\"preamble\",\"version\":2}"
#define UNSIGNED(bits, align, order, role)                                                         \
    "{\"type\":\"fixed-length-unsigned-integer\",\"length\":" bits ",\"alignment\":" align         \
    ",\"byte-order\":\"" order "-endian\",\"roles\":[" role "]}"
#define MEMBER(name, class) "{\"name\":\"" name "\",\"field-class\":" class "}"
#define STRUCT(members) "{\"type\":\"structure\",\"member-classes\":[" members "]}"
#define STREAM(id, context)                                                                        \
    "\x1e{\"type\":\"data-stream-class\",\"id\":" id ",\"packet-context-field-class\":" context "}"
#define U8 "{\"type\":\"fixed-length-unsigned-integer\",\"length\":8,\"byte-order\":\"big-endian\"}"

static enum status read_text(const char *text, struct metadata *metadata)
{
    return metadata_read(fake_bytes(text), metadata, NULL);
}

Test(metadata_ctf2, lays_out_packets_of_any_sizes_orders_and_alignments)
{
    static const char TEXT[] =
        PREAMBLE "\x1e{\"type\":\"field-class-alias\",\"name\":\"count\",\"field-class\":" UNSIGNED(
            "16", "32", "big",
            "\"discarded-event-record-counter-snapshot\"") "}"
                                                           "\x1e{\"type\":\"trace-class\",\"packet-"
                                                           "header-field-class\":" STRUCT(
                                                               MEMBER("id", UNSIGNED("8", "8", "little", "\"data-stream-class-id\"")) "," MEMBER(
                                                                   "some",
                                                                   "{\"type\":\"static-length-"
                                                                   "array\",\"minimum-alignment\":"
                                                                   "16,\"length\":3,"
                                                                   "\"element-field-class\":" U8
                                                                   "}")) "}" STREAM("3",
                                                                                    STRUCT(
                                                                                        MEMBER("_", U8) "," MEMBER("lost", "\"count\"") "," MEMBER(
                                                                                            "cpu_"
                                                                                            "id",
                                                                                            UNSIGNED(
                                                                                                "8",
                                                                                                "8",
                                                                                                "bi"
                                                                                                "g",
                                                                                                "")) "," MEMBER("bit",
                                                                                                                UNSIGNED(
                                                                                                                    "1",
                                                                                                                    "1",
                                                                                                                    "big",
                                                                                                                    "")) "," MEMBER("odd",
                                                                                                                                    UNSIGNED(
                                                                                                                                        "8",
                                                                                                                                        "1",
                                                                                                                                        "big",
                                                                                                                                        "\"packet-total-length\""))))
                                                               STREAM("4",
                                                                      STRUCT(MEMBER(
                                                                          "text",
                                                                          "{\"type\":\"null-"
                                                                          "terminated-string\"}")));
    struct metadata metadata;
    cr_assert(eq(int, read_text(TEXT, &metadata), STATUS_OK));
    cr_assert(eq(sz, metadata.layout_count, 1)); /* strings have any size */
    const struct packet_layout *layout = metadata_layout(&metadata, 3);
    cr_assert(ne(ptr, (void *)(uintptr_t)layout, NULL));
    expect_place(layout, PACKET_STREAM_ID, 0, 1);
    /* The header ends at 5, the context begins at 8, its second field at 12. */
    cr_expect(eq(int, layout->place[PACKET_DISCARDED].offset, 12));
    cr_expect(eq(int, layout->place[PACKET_DISCARDED].size, 2));
    cr_expect(layout->place[PACKET_DISCARDED].big_endian);
    cr_expect(eq(int, layout->place[PACKET_CPU].offset, 14));
    cr_expect(eq(int, layout->place[PACKET_SIZE].size, 0)); /* on no byte */
    cr_expect(eq(int, layout->place[PACKET_BEGIN].size, 0));
    cr_expect(eq(sz, layout->size, 17));
    metadata_clear(&metadata);
}

Test(metadata_ctf2, with_classes_without_end_is_refused)
{
    static const char ITSELF[] = PREAMBLE
        "\x1e{\"type\":\"field-class-alias\",\"name\":\"a\",\"field-class\":\"a\"}" STREAM("0",
                                                                                           "\"a\"");
    static const char INSIDE[] =
        PREAMBLE "\x1e{\"type\":\"field-class-alias\",\"name\":\"a\",\"field-class\":" STRUCT(
            MEMBER("a", "\"a\"") "," MEMBER("b", "\"a\"")) "}" STREAM("0", "\"a\"");
    static const char MANY[] =
        PREAMBLE STREAM("0", "{\"type\":\"static-length-array\",\"length\":4294967295,"
                             "\"element-field-class\":" STRUCT("") "}");
    const char *texts[] = {ITSELF, INSIDE, MANY};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct metadata metadata;
        cr_expect(eq(int, read_text(texts[i], &metadata), STATUS_REJECT), "%zu", i);
        metadata_clear(&metadata);
    }
}
