#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "archive/metadata.h"
#include "tests/archive/fake_trace.h"

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

static bool told(struct text text, const char *expected)
{
    return text_equal(text, text_of(expected));
}

static void expect_fake(const struct metadata *metadata)
{
    cr_expect(told(metadata->hostname, "web1"));
    cr_expect(told(metadata->domain, "kernel"));
    cr_expect(told(metadata->session, "s"));
    cr_expect(told(metadata->created, "20260101T000000+0000"));
    cr_expect(eq(u64, metadata->frequency, 1000000000));
    cr_expect(eq(i64, metadata->offset_ns, 5000000007));
    cr_expect(eq(int, metadata->clock_uuid[1], 0x11));
    cr_expect(not(metadata->has_vpid));
    cr_assert(eq(sz, metadata->layout_count, 1));
    const struct packet_layout *layout = metadata_layout(metadata, 0);
    cr_assert(ne(ptr, (void *)(uintptr_t)layout, NULL));
    cr_expect(eq(sz, layout->size, FAKE_HEADER + FAKE_CONTEXT));
    cr_expect(eq(int, layout->place[PACKET_BEGIN].offset, FAKE_HEADER));
    cr_expect(eq(int, layout->place[PACKET_DISCARDED].offset, FAKE_HEADER + 40));
    cr_expect(eq(int, layout->place[PACKET_CPU].size, 4));
    cr_assert(eq(sz, metadata->name_count, 3));
    cr_expect(told(metadata->names[1], "sched_process_fork"));
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

Test(metadata, refuses_a_file_cut_inside_a_packet)
{
    char *text = fake_metadata("kernel", "web1", "s", "20260101T000000+0000");
    struct fake_file file = packetized(text, 100);
    for (size_t count = 0; count < file.count; count++) {
        struct metadata metadata;
        enum status status = metadata_read((struct bytes){file.at, count}, &metadata, NULL);
        if (count % 137 != 0)
            cr_expect(eq(int, status, STATUS_REJECT), "cut at %zu", count);
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
    cr_expect(told(metadata.procname, "server"));
    cr_expect(told(metadata.hostname, ""));
    cr_expect(eq(i64, metadata.offset_ns, 4000000000));
    cr_expect(eq(u64, metadata_ns(&metadata, 3), 6));
    cr_expect(eq(ptr, (void *)(uintptr_t)metadata_layout(&metadata, 0), NULL));
    const struct packet_layout *layout = metadata_layout(&metadata, 7);
    cr_assert(ne(ptr, (void *)(uintptr_t)layout, NULL));
    cr_expect(eq(sz, layout->size, 24 + 4 * 8 + 2 * 4));
    cr_expect(eq(int, layout->place[PACKET_BEGIN].offset, 24));
    cr_expect(layout->place[PACKET_BEGIN].big_endian);
    cr_expect(eq(int, layout->place[PACKET_DISCARDED].offset, 56));
    cr_expect(eq(int, layout->place[PACKET_DISCARDED].size, 4));
    cr_expect(eq(int, layout->place[PACKET_CPU].offset, 60));
    cr_expect(eq(int, layout->place[PACKET_SEQUENCE].size, 0));
    cr_expect(eq(int, layout->place[PACKET_INSTANCE].size, 0));
    metadata_clear(&metadata);
}
