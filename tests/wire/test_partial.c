/* Records of a chunk: they decode to what was encoded, decoding damaged ones does not read out of
 * bounds, and records of earlier versions are read. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "wire/format.h"
#include "wire/partial_codec.h"
#include "wire/partial_peek.h"

enum { RECORDS_MAX = 16 };

struct records {
    struct bytes at[RECORDS_MAX]; /* owned */
    size_t count;
};

static void take(void *context, struct text key, struct bytes record)
{
    struct records *records = context;
    cr_assert(text_equal(key, text_of("h/s/t/host")));
    uint8_t *copy = memory_new(record.count);
    memcpy(copy, record.at, record.count);
    records->at[records->count++] = (struct bytes){copy, record.count};
}

static void drop(struct records *records)
{
    for (size_t i = 0; i < records->count; i++)
        free((void *)(uintptr_t)records->at[i].at);
}

static const int32_t CPUS[] = {0, 7};
static const struct damage DAMAGE[] = {{.scope = DAMAGE_PACKET,
                                        .cause = DAMAGE_BY_ORDER,
                                        .chunk = 3,
                                        .count = 2,
                                        .bytes = 5,
                                        .name = {"kernel/chan_0", 13},
                                        .text = {"is cut", 6}}};

static struct interval_end sample_end(void)
{
    struct interval_end end = {.chunk = 3,
                               .begin_ns = 10,
                               .end_ns = UINT64_MAX,
                               .items = 12,
                               .has_traces = 1,
                               .has_kernel = true,
                               .counts_switches = true,
                               .events = UINT64_MAX,
                               .single_events = 4,
                               .damage = {DAMAGE, 1, 6},
                               .first_ns = 11,
                               .last_ns = 12,
                               .has_offset = true,
                               .offset_ns = INT64_MIN,
                               .cpus = CPUS,
                               .cpu_count = 2,
                               .host = {"h", 1},
                               .session = {"s", 1},
                               .created = {"t", 1},
                               .raw_bytes = 99,
                               .knows_seam = true,
                               .left_events = 5,
                               .seam_events = 6,
                               .final = true};
    end.tallies.at[TALLY_DISCARDED] = 8;
    end.clock_uuid[15] = 1;
    return end;
}

static const struct record_meta META = {
    .session = {"h/s/t", 5}, .chunk = 3, .first_chunk = 2, .attempt = UINT64_MAX};

static struct records encoded(struct bytes row)
{
    struct records records = {.count = 0};
    struct interval_end end = sample_end();
    partial_encode(row, &META, &end, true, (struct record_sink){take, &records});
    return records;
}

/* More than a record holds. */
static struct bytes long_row(void)
{
    size_t count = 1500 << 10;
    uint8_t *at = memory_new(count);
    for (size_t i = 0; i < count; i++)
        at[i] = (uint8_t)(i * i >> 7);
    return (struct bytes){at, count};
}

static struct decoded_record decoded(struct bytes record, struct arena *arena)
{
    struct decoded_record out;
    struct failure why;
    cr_assert(eq(int, partial_decode(record, NULL, arena, &out, &why), STATUS_OK), "%s", why.text);
    return out;
}

Test(partial, a_row_comes_back_as_it_was)
{
    struct bytes row = long_row();
    struct records records = encoded(row);
    struct arena arena = {.first = NULL};
    cr_assert(eq(sz, records.count, 4));
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        struct decoded_record record = decoded(records.at[i], &arena);
        cr_assert(record.index == i && !record.is_end && !record.is_gap);
        cr_assert(le(sz, at + record.row.count, row.count));
        cr_expect(eq(int, memcmp(record.row.at, row.at + at, record.row.count), 0));
        at += record.row.count;
    }
    cr_expect(eq(sz, at, row.count));
    drop(&records);
    arena_clear(&arena);
    free((void *)(uintptr_t)row.at);
}

Test(partial, an_end_comes_back_as_it_was)
{
    struct records records = encoded((struct bytes){NULL, 0});
    struct arena arena = {.first = NULL};
    cr_assert(eq(sz, records.count, 1));
    struct decoded_record record = decoded(records.at[0], &arena);
    struct interval_end end = record.end, was = sample_end();
    cr_assert(record.is_end && record.records == 0 && record.index == 0);
    cr_expect(text_equal(record.meta.session, META.session) && record.meta.chunk == META.chunk &&
              record.meta.first_chunk == META.first_chunk && record.meta.attempt == META.attempt);
    cr_expect(end.chunk == was.chunk && end.begin_ns == was.begin_ns && end.end_ns == was.end_ns &&
              end.items == was.items && end.has_traces == was.has_traces && end.has_kernel &&
              !end.has_user && end.counts_switches && !end.gap_before);
    cr_expect(end.events == was.events && end.single_events == was.single_events &&
              end.tallies.at[TALLY_DISCARDED] == 8 && end.raw_bytes == was.raw_bytes);
    cr_expect(end.first_ns == was.first_ns && end.last_ns == was.last_ns && end.has_offset &&
              end.offset_ns == was.offset_ns && end.final && end.knows_seam &&
              end.left_events == was.left_events && end.seam_events == was.seam_events);
    cr_expect(end.cpu_count == 2 && end.cpus[1] == 7);
    cr_expect(eq(int, memcmp(end.clock_uuid, was.clock_uuid, sizeof end.clock_uuid), 0));
    cr_expect(text_equal(end.host, was.host) && text_equal(end.session, was.session) &&
              text_equal(end.created, was.created));
    cr_assert(end.damage.count == 1 && end.damage.more == 6);
    const struct damage *damage = &end.damage.at[0];
    cr_expect(damage->scope == DAMAGE[0].scope && damage->cause == DAMAGE[0].cause &&
              damage->chunk == 3 && damage->count == 2 && damage->bytes == 5 &&
              text_equal(damage->name, DAMAGE[0].name) && text_equal(damage->text, DAMAGE[0].text));
    drop(&records);
    arena_clear(&arena);
}

/* In a separate allocation, so that ASan detects reads past the end. */
static enum status decode_copy(struct bytes record)
{
    uint8_t *copy = malloc(record.count + 1);
    memcpy(copy, record.at, record.count);
    struct arena arena = {.first = NULL};
    struct decoded_record decoded;
    struct failure why;
    enum status status =
        partial_decode((struct bytes){copy, record.count}, NULL, &arena, &decoded, &why);
    arena_clear(&arena);
    free(copy);
    return status;
}

/* A row of 3,000 bytes that can be compressed, and its end. */
static struct records sample_records(void)
{
    static uint8_t row[3000];
    for (size_t i = 0; i < sizeof row; i++)
        row[i] = (uint8_t)(i % 50 * i);
    struct records records = encoded((struct bytes){row, sizeof row});
    cr_assert(eq(sz, records.count, 2));
    return records;
}

Test(partial, what_is_cut_off_is_no_record)
{
    struct records records = sample_records();
    for (size_t i = 0; i < records.count; i++)
        for (size_t count = 0; count < records.at[i].count; count++)
            cr_expect(eq(int, decode_copy((struct bytes){records.at[i].at, count}), STATUS_REJECT),
                      "record %zu, %zu bytes of %zu", i, count, records.at[i].count);
    drop(&records);
}

Test(partial, any_byte_may_be_another)
{
    struct records records = sample_records();
    for (size_t i = 0; i < records.count; i++)
        for (size_t at = 0; at < records.at[i].count; at++) {
            uint8_t *byte = (uint8_t *)(uintptr_t)&records.at[i].at[at], before = *byte;
            for (unsigned bit = 0; bit < 8; bit++) {
                *byte = (uint8_t)(before ^ 1u << bit);
                enum status status = decode_copy(records.at[i]);
                cr_expect(status == STATUS_OK || status == STATUS_REJECT || status == STATUS_STOP);
            }
            *byte = before;
        }
    drop(&records);
}

Test(partial, other_formats_are_told_apart)
{
    struct records records = sample_records();
    uint8_t *format = (uint8_t *)(uintptr_t)&records.at[0].at[1];
    cr_assert(eq(int, *format, RECORD_FORMAT));
    *format = RECORD_FORMAT_OLDEST - 1; /* older: of no use */
    cr_expect(eq(int, decode_copy(records.at[0]), STATUS_REJECT));
    *format = RECORD_FORMAT + 1; /* newer: the program is old, the data is good */
    cr_expect(eq(int, decode_copy(records.at[0]), STATUS_STOP));
    drop(&records);
}
