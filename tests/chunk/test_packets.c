#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "chunk/packets.h"
#include "tests/chunk/fake_trace.h"

static struct metadata fake_trace(void)
{
    char *text = fake_metadata("kernel", "h", "s", "20260101T000000+0000");
    struct metadata metadata;
    cr_assert(eq(int, metadata_read(fake_bytes(text), &metadata, NULL), STATUS_OK));
    free(text);
    return metadata;
}

/* Packets [10 i, 10 i + 10) with one event each. */
static struct fake_file packets_of_ten(size_t count)
{
    struct fake_file file = {.at = NULL};
    for (uint64_t i = 0; i < count; i++) {
        struct fake_packet packet = {
            .begin = 10 * i, .end = 10 * i + 10, .sequence = i, .discarded = i / 2, .cpu = 3};
        fake_add(&file, packet, (uint64_t[]){10 * i + 5}, 1);
    }
    return file;
}

/* CtfIndex 1.1 of the same file. */
static struct fake_file index_of(const struct packet_list *packets)
{
    struct fake_file index = {.at = NULL};
    static const uint8_t HEADER[16] = {0xC1, 0xF1, 0xDC, 0xC1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 72};
    fake_put(&index, HEADER, sizeof HEADER);
    for (size_t i = 0; i < packets->count; i++) {
        const struct packet *packet = &packets->at[i];
        uint64_t fields[9] = {packet->offset,
                              packet->size * 8,
                              packet->content * 8,
                              packet->begin_ns,
                              packet->end_ns,
                              packet->discarded,
                              0,
                              0,
                              i};
        for (size_t j = 0; j < 9; j++)
            for (size_t k = 8; k-- > 0;)
                fake_number(&index, fields[j] >> 8 * k & 0xff, 1);
    }
    return index;
}

static const struct bytes NO_INDEX = {NULL, 0};

Test(packets, are_found_one_behind_the_other)
{
    struct metadata metadata = fake_trace();
    struct fake_file file = packets_of_ten(3);
    struct packet_list packets = {.at = NULL};
    cr_assert(
        eq(int, packets_scan(&metadata, fake_data(&file), NO_INDEX, &packets, NULL), STATUS_OK));
    cr_assert(eq(sz, packets.count, 3));
    const struct packet *last = &packets.at[2];
    cr_expect(eq(u64, last->begin_ns, 20));
    cr_expect(eq(u64, last->end_ns, 30));
    cr_expect(eq(u64, last->sequence, 2));
    cr_expect(eq(u64, last->discarded, 1));
    cr_expect(eq(i32, last->cpu, 3));
    cr_expect(eq(u64, last->instance, 3));
    cr_expect(eq(sz, last->content, FAKE_HEADER + FAKE_CONTEXT + 14));
    cr_expect(eq(sz, last->size, last->content + FAKE_PADDING));
    cr_expect(eq(sz, last->offset, 2 * last->size));
    packets_clear(&packets);
    fake_clear(&file);
    metadata_clear(&metadata);
}

Test(packets, before_a_cut_count_and_one_that_lacks_padding_alone)
{
    struct metadata metadata = fake_trace();
    struct fake_file file = packets_of_ten(3);
    size_t size = file.count / 3;
    for (size_t count = 0; count < file.count; count++) {
        struct packet_list packets = {.at = NULL};
        uint8_t *part = memory_new(count); /* so that reads past it are detected */
        memcpy(part, file.at, count);
        enum status status =
            packets_scan(&metadata, (struct bytes){part, count}, NO_INDEX, &packets, NULL);
        bool padding = count % size >= size - FAKE_PADDING;
        bool whole = padding || count % size == 0;
        cr_expect(eq(int, status, whole ? STATUS_OK : STATUS_REJECT), "%zu", count);
        cr_expect(eq(sz, packets.count, count / size + padding), "cut at %zu", count);
        packets_clear(&packets);
        free(part);
    }
    fake_clear(&file);
    metadata_clear(&metadata);
}

Test(packets, behind_a_damaged_one_are_found_by_magic_number_or_index)
{
    struct metadata metadata = fake_trace();
    struct fake_file file = packets_of_ten(4);
    struct packet_list packets = {.at = NULL};
    cr_assert(
        eq(int, packets_scan(&metadata, fake_data(&file), NO_INDEX, &packets, NULL), STATUS_OK));
    struct fake_file index = index_of(&packets);
    cr_expect(eq(sz, packets_index_end(fake_data(&index)), file.count));
    size_t second = packets.at[1].offset;
    packets_clear(&packets);

    memset(file.at + second, 0xff, 16);
    struct failure why;
    cr_expect(eq(int, packets_scan(&metadata, fake_data(&file), NO_INDEX, &packets, &why),
                 STATUS_REJECT));
    cr_expect(eq(sz, packets.count, 3));
    packets_clear(&packets);
    cr_expect(eq(int, packets_scan(&metadata, fake_data(&file), fake_data(&index), &packets, &why),
                 STATUS_REJECT));
    cr_assert(eq(sz, packets.count, 3));
    cr_expect(eq(u64, packets.at[1].sequence, 2));
    packets_clear(&packets);
    fake_clear(&index);
    fake_clear(&file);
    metadata_clear(&metadata);
}

Test(packets, of_no_size_do_not_stop_the_walk)
{
    struct metadata metadata = fake_trace();
    struct fake_file file = packets_of_ten(2);
    memset(file.at + FAKE_HEADER + 16, 0, 16); /* content_size and packet_size */
    struct packet_list packets = {.at = NULL};
    struct failure why = {""};
    cr_expect(eq(int, packets_scan(&metadata, fake_data(&file), NO_INDEX, &packets, &why),
                 STATUS_REJECT));
    cr_expect(strstr(why.text, "still being recorded (stop or rotate the session)") != NULL, "%s",
              why.text);
    cr_assert(eq(sz, packets.count, 1));
    cr_expect(eq(u64, packets.at[0].sequence, 1));
    packets_clear(&packets);
    fake_clear(&file);
    metadata_clear(&metadata);
}

/* Of packets that end at 10, 20, 30 ... with these counters. */
static size_t seam_of(const uint64_t *discarded, size_t count, uint64_t boundary_ns)
{
    struct packet at[8] = {{.offset = 0}};
    for (size_t i = 0; i < count; i++)
        at[i] = (struct packet){.begin_ns = 10 * i,
                                .end_ns = 10 * i + 10,
                                .sequence = i,
                                .has_sequence = true,
                                .discarded = discarded[i]};
    return packets_seam(&(struct packet_list){.at = at, .count = count}, boundary_ns);
}

Test(packets, that_end_at_or_after_the_boundary_are_the_seam)
{
    static const uint64_t NONE[8] = {0};
    cr_expect(eq(sz, seam_of(NONE, 4, 25), 2));
    cr_expect(eq(sz, seam_of(NONE, 4, 30), 2));
    cr_expect(eq(sz, seam_of(NONE, 4, 31), 3));
    cr_expect(eq(sz, seam_of(NONE, 4, 0), 0));
    cr_expect(eq(sz, seam_of(NONE, 4, 1000), 3), "the last always, for its counter");
    cr_expect(eq(sz, seam_of(NONE, 0, 5), 0));
}

Test(packets, before_a_lossy_one_of_the_seam_belong_to_it)
{
    static const uint64_t GROWS[8] = {0, 0, 7, 7};
    cr_expect(eq(sz, seam_of(GROWS, 4, 30), 1));
    cr_expect(eq(sz, seam_of(GROWS, 4, 40), 3));
}

Test(packets, tell_losses_by_their_counters)
{
    struct packet before = {
        .begin_ns = 0, .end_ns = 10, .sequence = 4, .discarded = 3, .has_sequence = true};
    struct packet packet = {
        .begin_ns = 12, .end_ns = 20, .sequence = 5, .discarded = 3, .has_sequence = true};
    struct packet_loss loss = packet_loss_of(&before, &packet);
    cr_expect(not(loss.before));
    cr_expect(not(loss.after));

    packet.discarded = 8;
    loss = packet_loss_of(&before, &packet);
    cr_expect(eq(u64, loss.discarded, 5));
    cr_expect(eq(u64, loss.since_ns, 10));
    cr_expect(loss.before);
    cr_expect(loss.after);

    packet.discarded = 3;
    packet.sequence = 7;
    loss = packet_loss_of(&before, &packet);
    cr_expect(eq(u64, loss.discarded, 0));
    cr_expect(loss.before);
    cr_expect(not(loss.after), "a missing packet is one border");
}

Test(packets, of_a_stream_that_begins_count_only_from_number_zero)
{
    struct packet first = {.begin_ns = 12, .sequence = 0, .discarded = 9, .has_sequence = true};
    cr_expect(eq(u64, packet_loss_of(NULL, &first).discarded, 9));
    cr_expect(eq(u64, packet_loss_of(NULL, &first).since_ns, 12));
    first.sequence = 1;
    cr_expect(eq(u64, packet_loss_of(NULL, &first).discarded, 0));
    cr_expect(not(packet_loss_of(NULL, &first).before));
}
