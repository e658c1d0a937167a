#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "wire/chunk_codec.h"

static const struct segment_place PLACES[] = {{3, 17}, {3, 19}, {0, INT64_MAX}};

static struct chunk_ready whole(void)
{
    return (struct chunk_ready){.session = text_of("web1/shop/20261122T230916+0000"),
                                .chunk = 12,
                                .first_chunk = 3,
                                .clock_uuid = {1, 2, 3, [15] = 255},
                                .begin_ns = 100,
                                .end_ns = UINT64_MAX,
                                .final = true,
                                .length = 5,
                                .digest = UINT64_MAX,
                                .archive = {(const uint8_t *)"12345", 5},
                                .published_ms = 1795423167632};
}

static enum status again(const struct chunk_ready *ready, struct arena *arena,
                         struct chunk_ready *out)
{
    struct failure why;
    return chunk_ready_decode(chunk_ready_encode(ready, arena), arena, out, &why);
}

Test(chunk, announcement_comes_back_as_it_was)
{
    struct arena arena = {.first = NULL};
    struct chunk_ready ready = whole(), out;
    cr_assert(eq(int, again(&ready, &arena, &out), STATUS_OK));
    cr_expect(text_equal(out.session, ready.session));
    cr_expect(eq(u64, out.chunk, 12));
    cr_expect(eq(u64, out.first_chunk, 3));
    cr_expect(memcmp(out.clock_uuid, ready.clock_uuid, sizeof out.clock_uuid) == 0);
    cr_expect(eq(u64, out.begin_ns, 100));
    cr_expect(eq(u64, out.end_ns, UINT64_MAX));
    cr_expect(out.final && !out.lost);
    cr_expect(eq(u64, out.digest, UINT64_MAX));
    cr_expect(eq(sz, out.archive.count, 5));
    cr_expect(memcmp(out.archive.at, "12345", 5) == 0);
    cr_expect(eq(i64, out.published_ms, ready.published_ms));
    arena_clear(&arena);
}

Test(chunk, archive_may_be_in_segments_or_elsewhere_or_lost)
{
    struct arena arena = {.first = NULL};
    struct chunk_ready ready = whole(), out;
    ready.archive = (struct bytes){NULL, 0};
    ready.segments = PLACES;
    ready.segment_count = 3;
    ready.upload = UINT64_C(0xfedcba9876543210);
    cr_assert(eq(int, again(&ready, &arena, &out), STATUS_OK));
    cr_assert(eq(sz, out.segment_count, 3));
    for (size_t i = 0; i < 3; i++)
        cr_expect(out.segments[i].partition == PLACES[i].partition &&
                  out.segments[i].offset == PLACES[i].offset);
    cr_expect(eq(u64, out.upload, ready.upload));
    ready.segment_count = 0;
    ready.uri = text_of("file:///store/a.tar.zst");
    cr_assert(eq(int, again(&ready, &arena, &out), STATUS_OK));
    cr_expect(text_equal(out.uri, ready.uri));
    ready.uri = (struct text){NULL, 0};
    ready.lost = true;
    ready.lost_reason = text_of("it was gone");
    cr_assert(eq(int, again(&ready, &arena, &out), STATUS_OK));
    cr_expect(out.lost && text_equal(out.lost_reason, ready.lost_reason));
    arena_clear(&arena);
}

Test(chunk, empty_archive_is_an_archive)
{
    struct arena arena = {.first = NULL};
    struct chunk_ready ready = whole(), out;
    ready.length = ready.archive.count = 0;
    cr_assert(eq(int, again(&ready, &arena, &out), STATUS_OK));
    cr_expect(out.archive.at != NULL && out.archive.count == 0);
    arena_clear(&arena);
}

Test(chunk, announcement_that_contradicts_itself_is_rejected)
{
    struct arena arena = {.first = NULL};
    struct chunk_ready ready = whole(), out;
    ready.lost = true;
    cr_expect(eq(int, again(&ready, &arena, &out), STATUS_REJECT), "lost, and an archive");
    ready = whole();
    ready.uri = text_of("file:///store/a");
    cr_expect(eq(int, again(&ready, &arena, &out), STATUS_REJECT), "inline, and at a URI");
    ready = whole();
    ready.archive.at = NULL;
    cr_expect(eq(int, again(&ready, &arena, &out), STATUS_REJECT), "no archive anywhere");
    ready = whole();
    ready.length = 6;
    cr_expect(eq(int, again(&ready, &arena, &out), STATUS_REJECT), "another length");
    ready = whole();
    ready.session.count = 0;
    cr_expect(eq(int, again(&ready, &arena, &out), STATUS_REJECT), "no session");
    ready = whole();
    ready.end_ns = 99;
    cr_expect(eq(int, again(&ready, &arena, &out), STATUS_REJECT), "ends before it begins");
    arena_clear(&arena);
}

/* Field 1, a varint, comes first. */
Test(chunk, newer_format_stops_the_reader_and_is_not_parked)
{
    struct arena arena = {.first = NULL};
    struct chunk_ready ready = whole(), out;
    struct bytes record = chunk_ready_encode(&ready, &arena);
    uint8_t *newer = arena_take(&arena, record.count);
    memcpy(newer, record.at, record.count);
    cr_assert(newer[0] == 0x08 && newer[1] == 1);
    newer[1] = 2;
    struct failure why;
    struct bytes bytes = {newer, record.count};
    cr_expect(eq(int, chunk_ready_decode(bytes, &arena, &out, &why), STATUS_STOP));
    struct archive_segment segment = {.session = ready.session, .bytes = ready.archive}, read;
    record = archive_segment_encode(&segment, &arena);
    newer = arena_take(&arena, record.count);
    memcpy(newer, record.at, record.count);
    newer[1] = 2;
    bytes = (struct bytes){newer, record.count};
    cr_expect(eq(int, archive_segment_decode(bytes, &arena, &read, &why), STATUS_STOP));
    arena_clear(&arena);
}

/* Decodes a copy of the exact size, so that sanitizers detect reads past the end. */
static enum status decode_copy(bool is_segment, const uint8_t *bytes, size_t count)
{
    struct arena room = {.first = NULL};
    uint8_t *copy = malloc(count + (count == 0));
    memcpy(copy, bytes, count);
    struct bytes record = {copy, count};
    struct chunk_ready ready;
    struct archive_segment segment;
    struct failure why;
    enum status status = is_segment ? archive_segment_decode(record, &room, &segment, &why)
                                    : chunk_ready_decode(record, &room, &ready, &why);
    free(copy);
    arena_clear(&room);
    return status;
}

Test(chunk, damaged_records_are_read_within_their_bounds)
{
    struct arena arena = {.first = NULL};
    struct chunk_ready ready = whole();
    struct archive_segment segment = {
        .session = ready.session, .chunk = 1, .upload = 2, .index = 3, .bytes = ready.archive};
    struct bytes records[] = {chunk_ready_encode(&ready, &arena),
                              archive_segment_encode(&segment, &arena)};
    unsigned cut = 0, changed = 0;
    for (size_t i = 0; i < 2; i++) {
        uint8_t *bytes = arena_take(&arena, records[i].count);
        memcpy(bytes, records[i].at, records[i].count);
        for (size_t at = 0; at < records[i].count; at++) {
            cut += decode_copy(i == 1, bytes, at) == STATUS_REJECT;
            for (unsigned bit = 0; bit < 8; bit++) {
                bytes[at] ^= (uint8_t)(1 << bit);
                changed += decode_copy(i == 1, bytes, records[i].count) == STATUS_REJECT;
                bytes[at] ^= (uint8_t)(1 << bit);
            }
        }
    }
    /* A cut between two fields may leave a valid record. */
    cr_expect(cut > records[0].count && changed > records[0].count, "%u, %u", cut, changed);
    arena_clear(&arena);
}

Test(chunk, segment_comes_back_as_it_was)
{
    struct arena arena = {.first = NULL};
    struct archive_segment segment = {.session = text_of("a/b/c"),
                                      .chunk = UINT64_MAX,
                                      .upload = 7,
                                      .index = UINT32_MAX,
                                      .bytes = {(const uint8_t *)"\0\1\2", 3}},
                           out;
    struct failure why;
    cr_assert(eq(
        int, archive_segment_decode(archive_segment_encode(&segment, &arena), &arena, &out, &why),
        STATUS_OK));
    cr_expect(text_equal(out.session, segment.session));
    cr_expect(out.chunk == UINT64_MAX && out.upload == 7 && out.index == UINT32_MAX);
    cr_expect(out.bytes.count == 3 && memcmp(out.bytes.at, "\0\1\2", 3) == 0);
    arena_clear(&arena);
}
