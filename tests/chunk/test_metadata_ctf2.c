#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "chunk/metadata.h"
#include "chunk/packets.h"
#include "chunk/packets.h"
#include "tests/chunk/fake_packet.h"
#include "tests/chunk/fake_trace.h"

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

static bool is_text(struct text text, const char *expected)
{
    return text_equal(text, text_of(expected));
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
    cr_expect(is_text(metadata.hostname, "web1"));
    cr_expect(is_text(metadata.domain, "ust"));
    cr_expect(is_text(metadata.session, "zoo"));
    cr_expect(is_text(metadata.created, "20261123T074912+0000"));
    cr_expect(not(metadata.has_vpid));
    cr_expect(eq(u64, metadata.frequency, 1000000000));
    cr_expect(eq(i64, metadata.offset_ns, 1795404356867244272));
    cr_expect(eq(int, memcmp(metadata.clock_uuid, CLOCK, sizeof CLOCK), 0));
    const struct layout *layout = metadata.layout;
    cr_assert(eq(u32, layout->event_count, 2));
    cr_expect(eq(str, (char *)(uintptr_t)layout->events[0].name, "zoo:all"));
    cr_expect(eq(str, (char *)(uintptr_t)layout->events[1].name, "zoo:none"));
    fake_add(&file, (struct fake_packet){10, 20, 3, 4, 5, 0}, NULL, 0);
    struct packet packet;
    cr_expect(eq(int, fake_packet_read(&metadata, fake_data(&file), &packet, &why), STATUS_REJECT));
    cr_expect(eq(str, why.text, "packet at byte 0: belongs to another trace (different uuid)"));
    memcpy(file.at + 4, layout->uuid, sizeof layout->uuid);
    cr_assert(eq(int, fake_packet_read(&metadata, fake_data(&file), &packet, &why), STATUS_OK),
              "%s", why.text);
    cr_expect(eq(u64, packet.begin_ns, 10));
    cr_expect(eq(u64, packet.end_ns, 20));
    cr_expect(eq(sz, packet.content, FAKE_HEADER + FAKE_CONTEXT));
    cr_expect(eq(sz, packet.size, FAKE_HEADER + FAKE_CONTEXT + FAKE_PADDING));
    cr_expect(eq(u64, packet.sequence, 3));
    cr_expect(eq(u64, packet.discarded, 4));
    cr_expect(eq(u64, packet.instance, 5));
    cr_expect(eq(i32, packet.cpu, 5));
    fake_clear(&file);
    metadata_clear(&metadata);
}

Test(metadata_ctf2, that_is_cut_is_refused_or_lacks_whole_fragments)
{
    struct fake_file file = file_of("ust-ctf2");
    size_t ends = 0;
    for (size_t count = 0; count < file.count; count++) {
        struct metadata metadata;
        bool between = file.at[count] == 0x1e || (count > 0 && file.at[count - 1] == 0x1e);
        if (!between && count % 16 != 0)
            continue; /* each takes a while */
        enum status status = metadata_read((struct bytes){file.at, count}, &metadata, NULL);
        cr_expect(status == STATUS_REJECT || between, "cut at %zu", count);
        ends += status == STATUS_OK;
        metadata_clear(&metadata);
    }
    cr_expect(eq(sz, ends, 4)); /* before and after the marks of the two events */
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

#define ALIAS(name, class)                                                                         \
    "\x1e{\"type\":\"field-class-alias\",\"name\":\"" name "\",\"field-class\":" class "}"
#define TRACE(header) "\x1e{\"type\":\"trace-class\",\"packet-header-field-class\":" header "}"
#define COUNTER UNSIGNED("16", "32", "big", "\"discarded-event-record-counter-snapshot\"")
#define THREE_BYTES                                                                                \
    "{\"type\":\"static-length-array\",\"minimum-alignment\":16,\"length\":3,"                     \
    "\"element-field-class\":" U8 "}"
#define HEADER                                                                                     \
    STRUCT(MEMBER("id", UNSIGNED("8", "8", "little", "\"data-stream-class-id\"")) "," MEMBER(      \
        "some", THREE_BYTES))
#define CONTEXT                                                                                    \
    STRUCT(MEMBER("_", U8) "," MEMBER("lost", "\"count\"") "," MEMBER(                             \
        "cpu_id",                                                                                  \
        UNSIGNED("8", "8", "big",                                                                  \
                 "")) "," MEMBER("bit",                                                            \
                                 UNSIGNED("1", "1", "big",                                         \
                                          "")) "," MEMBER("odd",                                   \
                                                          UNSIGNED("8", "1", "big",                \
                                                                   "\"packet-total-length\"")))

/* The header ends at 5, the context begins at 8, its second field at 12; the size, 160, follows the
 * first bit of byte 15. */
Test(metadata_ctf2, finds_packets_of_any_sizes_orders_and_alignments)
{
    static const char TEXT[] = PREAMBLE ALIAS("count", COUNTER) TRACE(HEADER) STREAM("3", CONTEXT)
        STREAM("4", STRUCT(MEMBER("text", "{\"type\":\"null-terminated-string\"}")));
    struct metadata metadata;
    cr_assert(eq(int, read_text(TEXT, &metadata), STATUS_OK));
    static const uint8_t FILE[20] = {3, [12] = 1, 2, 4, 0x80 | 160 >> 1, (uint8_t)(160 << 7)};
    struct packet packet;
    struct failure why = {""};
    cr_assert(
        eq(int, fake_packet_read(&metadata, (struct bytes){FILE, 20}, &packet, &why), STATUS_OK),
        "%s", why.text);
    cr_expect(eq(u64, packet.stream_id, 3));
    cr_expect(eq(u64, packet.discarded, 0x102));
    cr_expect(eq(i32, packet.cpu, 4));
    cr_expect(eq(sz, packet.size, 20));
    static const uint8_t OTHER[7] = {4, [5] = 0, 0};
    cr_assert(
        eq(int, fake_packet_read(&metadata, (struct bytes){OTHER, 7}, &packet, &why), STATUS_OK),
        "%s", why.text);
    cr_expect(eq(u64, packet.stream_id, 4));
    cr_expect(eq(sz, packet.size, 7));
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
