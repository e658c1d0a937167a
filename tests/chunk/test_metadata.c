#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "chunk/metadata_cache.h"
#include "chunk/packets.h"
#include "tests/chunk/fake_packet.h"
#include "tests/chunk/fake_trace.h"

/* A file as LTTng stores it: the text in packets of `room` bytes each. */
static struct fake_file packetized(const char *text, size_t room)
{
    struct fake_file file = {.at = NULL};
    size_t left = strlen(text);
    while (left > 0) {
        size_t part = left < room ? left : room;
        fake_number(&file, 0x75D11D57, 4);
        for (unsigned i = 0; i < 20; i++) /* uuid, checksum */
            fake_number(&file, 0, 1);
        fake_number(&file, (37 + part) * 8, 4);
        fake_number(&file, (37 + room) * 8, 4);
        static const uint8_t TAIL[5] = {0, 0, 0, 1, 8};
        fake_put(&file, TAIL, sizeof TAIL);
        fake_put(&file, text, part);
        for (size_t i = part; i < room; i++)
            fake_number(&file, 0, 1);
        text += part;
        left -= part;
    }
    return file;
}

static bool is_text(struct text text, const char *expected)
{
    return text_equal(text, text_of(expected));
}

static void expect_fake(const struct metadata *metadata)
{
    cr_expect(is_text(metadata->hostname, "web1"));
    cr_expect(is_text(metadata->domain, "kernel"));
    cr_expect(is_text(metadata->session, "s"));
    cr_expect(is_text(metadata->created, "20260101T000000+0000"));
    cr_expect(eq(u64, metadata->frequency, 1000000000));
    cr_expect(eq(i64, metadata->offset_ns, 5000000007));
    cr_expect(eq(int, metadata->clock_uuid[1], 0x11));
    cr_expect(not(metadata->has_vpid));
    const struct layout *layout = metadata->layout;
    cr_assert(eq(u32, layout->stream_count, 1));
    cr_assert(eq(u32, layout->event_count, 3));
    cr_expect(eq(str, (char *)(uintptr_t)layout->events[1].name, "sched_process_fork"));
    cr_expect(eq(ptr, (void *)(uintptr_t)layout->events[1].payload, NULL));
}

Test(metadata, reads_plain_text)
{
    char *text = fake_metadata("kernel", "web1", "s", "20260101T000000+0000");
    struct metadata metadata;
    cr_assert(eq(int, metadata_read(fake_bytes(text), &metadata, NULL), STATUS_OK));
    expect_fake(&metadata);
    metadata_clear(&metadata);
    free(text);
}

Test(metadata, is_parsed_once_however_its_packets_are_divided)
{
    char *text = fake_metadata("kernel", "web1", "s", "20260101T000000+0000");
    char *other = fake_metadata("kernel", "web2", "s", "20260101T000000+0000");
    struct fake_file file = packetized(text, 100), again = packetized(text, 70);
    struct metadata_cache *cache = metadata_cache_new();
    struct metadata first, second, third;
    cr_assert(eq(int, metadata_cache_read(cache, fake_data(&file), &first, NULL), STATUS_OK));
    cr_assert(
        eq(int, metadata_cache_read_packets(cache, fake_data(&again), &second, NULL), STATUS_OK));
    cr_assert(eq(int, metadata_cache_read(cache, fake_bytes(other), &third, NULL), STATUS_OK));
    expect_fake(&first);
    expect_fake(&second);
    cr_expect(eq(ptr, second.layout, first.layout));
    cr_expect(ne(ptr, third.layout, first.layout));
    cr_expect(text_equal(third.hostname, text_of("web2")));
    metadata_clear(&first);
    metadata_clear(&second);
    metadata_clear(&third);
    metadata_cache_free(cache);
    fake_clear(&file);
    fake_clear(&again);
    free(text);
    free(other);
}

Test(metadata, reads_text_in_packets)
{
    char *text = fake_metadata("kernel", "web1", "s", "20260101T000000+0000");
    struct fake_file file = packetized(text, 100);
    struct metadata metadata;
    cr_assert(eq(int, metadata_read(fake_data(&file), &metadata, NULL), STATUS_OK));
    expect_fake(&metadata);
    metadata_clear(&metadata);
    fake_clear(&file);
    free(text);
}

Test(metadata, refuses_a_file_cut_inside_the_content_of_a_packet)
{
    char *text = fake_metadata("kernel", "web1", "s", "20260101T000000+0000");
    struct fake_file file = packetized(text, 100);
    size_t whole = strlen(text) / 100 * 137 + 37 + strlen(text) % 100;
    for (size_t count = 0; count < file.count; count++) {
        struct metadata metadata;
        enum status status = metadata_read((struct bytes){file.at, count}, &metadata, NULL);
        if (count % 137 != 0)
            cr_expect(eq(int, status, count < whole ? STATUS_REJECT : STATUS_OK), "cut at %zu",
                      count);
        metadata_clear(&metadata);
    }
    fake_clear(&file);
    free(text);
}

Test(metadata, survives_any_byte_changed)
{
    char *text = fake_metadata("kernel", "web1", "s", "20260101T000000+0000");
    size_t count = strlen(text), refused = 0;
    for (size_t i = 0; i < count; i++) {
        static const char OTHERS[] = {'{', '}', ';', '"', '\0', '[', '='};
        for (size_t j = 0; j < sizeof OTHERS; j++) {
            char kept = text[i];
            text[i] = OTHERS[j];
            struct metadata metadata;
            refused += metadata_read((struct bytes){(const uint8_t *)text, count}, &metadata,
                                     NULL) != STATUS_OK;
            metadata_clear(&metadata);
            text[i] = kept;
        }
    }
    cr_expect(gt(sz, refused, 0));
    free(text);
}

/* Before LTTng 2.8: no stream_instance_id, no sequence numbers; big-endian, naturally aligned. */
static const char OLD[] =
    "/* CTF 1.8 */\n"
    "typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
    "typealias integer { size = 32; align = 32; signed = false; } := uint32_t;\n"
    "typealias integer { size = 64; align = 64; signed = false; } := uint64_t;\n"
    "typealias integer { size = 32; align = 32; signed = false; } := unsigned long;\n"
    "trace { major = 1; minor = 8; byte_order = be;\n"
    "  packet.header := struct { uint32_t magic; uint8_t  uuid[16]; uint32_t stream_id; };\n};\n"
    "env { domain = \"ust\"; vpid = 4711; procname = \"server\"; };\n"
    "clock { name = monotonic; freq = 500000000; offset_s = 3; offset = 500000000; };\n"
    "stream { id = 7; packet.context := struct { uint64_t timestamp_begin;\n"
    "  uint64_t timestamp_end; uint64_t content_size; uint64_t packet_size;\n"
    "  unsigned long events_discarded; uint32_t cpu_id; };\n};\n";

Test(metadata, lays_out_packets_of_older_tracers)
{
    struct metadata metadata;
    cr_assert(eq(int, metadata_read(fake_bytes(OLD), &metadata, NULL), STATUS_OK));
    cr_expect(metadata.has_vpid);
    cr_expect(eq(i32, metadata.vpid, 4711));
    cr_expect(is_text(metadata.procname, "server"));
    cr_expect(is_text(metadata.hostname, ""));
    cr_expect(eq(i64, metadata.offset_ns, 4000000000));
    struct fake_file file = {.at = NULL};
    static const uint8_t PACKET[64] = {0xC1,     0xFC,     0x1F,     0xC1,     [23] = 7, [31] = 3,
                                       [39] = 4, [46] = 2, [54] = 2, [59] = 5, [63] = 6};
    fake_put(&file, PACKET, sizeof PACKET);
    struct packet packet;
    struct failure why = {""};
    cr_assert(eq(int, fake_packet_read(&metadata, fake_data(&file), &packet, &why), STATUS_OK),
              "%s", why.text);
    cr_expect(eq(u64, packet.stream_id, 7));
    cr_expect(eq(u64, packet.begin_ns, 6)); /* at half a gigahertz */
    cr_expect(eq(u64, packet.end_ns, 8));
    cr_expect(eq(sz, packet.size, 64));
    cr_expect(eq(u64, packet.discarded, 5));
    cr_expect(eq(i32, packet.cpu, 6));
    cr_expect(not(packet.has_sequence));
    cr_expect(not(packet.has_instance));
    file.at[23] = 8;
    cr_expect(eq(int, fake_packet_read(&metadata, fake_data(&file), &packet, &why), STATUS_REJECT));
    cr_expect(eq(str, why.text, "packet at byte 0: its stream is not declared in the metadata"));
    fake_clear(&file);
    metadata_clear(&metadata);
}

/* --- packets of other tracers --- */

static void expect_packet(const char *text, struct bytes file, uint64_t size)
{
    struct metadata metadata;
    struct failure why = {""};
    cr_assert(eq(int, metadata_read(fake_bytes(text), &metadata, &why), STATUS_OK), "%s", why.text);
    struct packet packet;
    cr_assert(eq(int, fake_packet_read(&metadata, file, &packet, &why), STATUS_OK), "%s", why.text);
    cr_expect(eq(sz, packet.size, size));
    metadata_clear(&metadata);
}

#define NO_HEADER "/* CTF 1.8 */ trace { major = 1; minor = 8; byte_order = le; };\n"
#define U16 "integer { size = 16; align = 8; }"

Test(metadata, packets_without_any_head_are_the_whole_file)
{
    static const uint8_t FILE[9] = {1, 2, 3};
    struct bytes file = {FILE, sizeof FILE};
    expect_packet(NO_HEADER "stream { event.header := struct { " U16 " id; }; };", file, 9);
    expect_packet(NO_HEADER "env { string = \"x\"; integer = 1; };\n"
                            "event { name = \"e\"; fields := struct { " U16 " x; }; };",
                  file, 9);
}

Test(metadata, heads_of_packets_have_any_fields)
{
    /* 3 bits, 13 bits, a string, an array; the size of 10 bytes follows them. */
    static const uint8_t FILE[12] = {5, 0, 'a', 'b', 0, 1, 2, 80, 0};
    expect_packet(NO_HEADER "stream { packet.context := struct {\n"
                            "integer { size = 3; } n; integer { size = 13; } m; string s;\n"
                            "integer { size = 8; } a[2]; " U16 " packet_size; }; };",
                  (struct bytes){FILE, sizeof FILE}, 10);
    /* The length of a sequence precedes it. */
    static const uint8_t OTHER[12] = {2, 0, 1, 2, 64, 0};
    expect_packet(NO_HEADER "stream { packet.context := struct {\n" U16
                            " n; integer { size = 8; } a[n]; " U16 " packet_size; }; };",
                  (struct bytes){OTHER, sizeof OTHER}, 8);
}

Test(metadata, names_are_without_the_escapes_of_the_text)
{
    struct metadata metadata;
    static const char TEXT[] =
        NO_HEADER "env { trace_name = \"quo\\\"te \\\\ \\x41\\102\"; hostname = \"a\\tb\"; };\n"
                  "event { name = \"e\\\"\"; };";
    cr_assert(eq(int, metadata_read(fake_bytes(TEXT), &metadata, NULL), STATUS_OK));
    cr_expect(is_text(metadata.session, "quo\"te \\ AB"));
    cr_expect(is_text(metadata.hostname, "a\\x09b")); /* control characters are shown, not
                                                       * interpreted */
    cr_expect(eq(str, (char *)(uintptr_t)metadata.layout->events[0].name, "e\""));
    metadata_clear(&metadata);
}

Test(metadata, fields_of_events_are_not_looked_at)
{
    struct metadata metadata;
    static const char TEXT[] =
        NO_HEADER "stream { event.context := struct { nobody x; }; };\n"
                  "event { name = \"e\"; context := struct { nothing y; };\n"
                  "fields := struct { struct { string \"};\" } z; /* }; */ }; id = 3; };";
    cr_assert(eq(int, metadata_read(fake_bytes(TEXT), &metadata, NULL), STATUS_OK));
    cr_assert(eq(u32, metadata.layout->event_count, 1));
    cr_expect(eq(u64, metadata.layout->events[0].id, 3));
    metadata_clear(&metadata);
}
