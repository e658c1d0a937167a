#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <malloc.h>
#include <stdio.h>

#include "reducer/waiting.h"

/* A record whose bytes contain its place. */
static void add(struct waiting *waiting, const char *session, uint64_t chunk, uint64_t attempt,
                uint64_t index, bool is_end)
{
    char bytes[64];
    int count =
        snprintf(bytes, sizeof bytes, "%s/%d/%d/%d", session, (int)chunk, (int)attempt, (int)index);
    struct record_place place = {
        .meta = {.session = text_of(session), .chunk = chunk, .first_chunk = 0, .attempt = attempt},
        .index = index,
        .is_end = is_end};
    waiting_add(waiting, &place, (struct bytes){(const uint8_t *)bytes, (size_t)count}, 0);
}

static bool is_record(struct bytes record, const char *expected)
{
    return text_equal((struct text){(const char *)record.at, record.count}, text_of(expected));
}

/* Whether the next chunk is this one; it is discarded. */
static bool next_is(struct waiting *waiting, uint64_t chunk, bool gap_before)
{
    struct ready_chunk ready;
    if (waiting_next(waiting, &ready, NULL) != STATUS_OK)
        return false;
    bool same = ready.chunk == chunk && ready.gap_before == gap_before;
    ready_chunk_clear(&ready);
    return same;
}

static bool is_empty(struct waiting *waiting)
{
    struct ready_chunk ready;
    return waiting_next(waiting, &ready, NULL) == STATUS_END;
}

Test(waiting, gives_a_chunk_when_all_its_records_are_there)
{
    struct waiting *waiting = waiting_new();
    add(waiting, "s", 0, 1, 2, true);
    add(waiting, "s", 0, 1, 0, false);
    cr_expect(is_empty(waiting), "record 1 is missing");
    add(waiting, "s", 0, 1, 1, false);
    struct ready_chunk ready;
    cr_assert(eq(int, waiting_next(waiting, &ready, NULL), STATUS_OK));
    cr_expect(eq(str, ready.session, "s"));
    cr_expect(eq(sz, ready.count, 3));
    cr_expect(is_record(ready.records[0], "s/0/1/0"));
    cr_expect(is_record(ready.records[1], "s/0/1/1"));
    cr_expect(is_record(ready.records[2], "s/0/1/2"));
    ready_chunk_clear(&ready);
    cr_expect(is_empty(waiting));
    waiting_free(waiting);
}

Test(waiting, keeps_a_chunk_until_those_before_it_are_out)
{
    struct waiting *waiting = waiting_new();
    add(waiting, "s", 2, 1, 0, true);
    add(waiting, "s", 1, 1, 0, true);
    cr_expect(is_empty(waiting));
    cr_expect(eq(sz, waiting_count(waiting), 2));
    add(waiting, "s", 0, 1, 0, true);
    cr_expect(next_is(waiting, 0, false));
    cr_expect(next_is(waiting, 1, false));
    cr_expect(next_is(waiting, 2, false));
    cr_expect(eq(sz, waiting_count(waiting), 0));
    waiting_free(waiting);
}

Test(waiting, drops_what_comes_again)
{
    struct waiting *waiting = waiting_new();
    add(waiting, "s", 0, 1, 0, false);
    add(waiting, "s", 0, 1, 0, false);
    cr_expect(is_empty(waiting), "one record twice is not two");
    add(waiting, "s", 0, 1, 1, true);
    cr_expect(next_is(waiting, 0, false));
    add(waiting, "s", 0, 1, 0, false);
    add(waiting, "s", 0, 1, 1, true);
    add(waiting, "s", 0, 2, 0, true);
    cr_expect(is_empty(waiting), "the chunk was joined already");
    cr_expect(eq(sz, waiting_count(waiting), 0));
    waiting_free(waiting);
}

Test(waiting, never_mixes_two_attempts)
{
    struct waiting *waiting = waiting_new();
    add(waiting, "s", 0, 1, 0, false);
    add(waiting, "s", 0, 2, 1, true);
    cr_expect(is_empty(waiting));
    add(waiting, "s", 0, 2, 0, false);
    struct ready_chunk ready;
    cr_assert(eq(int, waiting_next(waiting, &ready, NULL), STATUS_OK));
    cr_expect(is_record(ready.records[0], "s/0/2/0"));
    ready_chunk_clear(&ready);
    add(waiting, "s", 0, 1, 1, true);
    cr_expect(is_empty(waiting), "the other attempt came too late");
    cr_expect(eq(sz, waiting_count(waiting), 0), "and what there was of it is gone");
    waiting_free(waiting);
}

Test(waiting, keeps_sessions_apart)
{
    struct waiting *waiting = waiting_new();
    add(waiting, "a", 1, 1, 0, true);
    add(waiting, "b", 0, 1, 0, true);
    struct ready_chunk ready;
    cr_assert(eq(int, waiting_next(waiting, &ready, NULL), STATUS_OK));
    cr_expect(eq(str, ready.session, "b"));
    ready_chunk_clear(&ready);
    cr_expect(is_empty(waiting));
    waiting_free(waiting);
}

Test(waiting, expects_the_numbers_it_is_told)
{
    struct waiting *waiting = waiting_new();
    const uint64_t chunks[] = {3, 7};
    waiting_expect(waiting, text_of("s"), chunks, 2);
    add(waiting, "s", 7, 1, 0, true);
    cr_expect(is_empty(waiting));
    add(waiting, "s", 3, 1, 0, true);
    cr_expect(next_is(waiting, 3, false));
    cr_expect(next_is(waiting, 7, false));
    waiting_free(waiting);
}

Test(waiting, passes_what_never_comes_and_tells_the_gap)
{
    struct waiting *waiting = waiting_new();
    const uint64_t chunks[] = {0, 1, 2, 3, 4};
    waiting_expect(waiting, text_of("s"), chunks, 5);
    waiting_missing(waiting, text_of("s"), 2);
    waiting_missing(waiting, text_of("s"), 1);
    add(waiting, "s", 3, 1, 0, true);
    cr_expect(is_empty(waiting), "chunk 0 is still to come");
    add(waiting, "s", 0, 1, 0, true);
    cr_expect(next_is(waiting, 0, false));
    cr_expect(next_is(waiting, 3, true));
    cr_expect(not(waiting_has_gap(waiting, text_of("s"))));
    waiting_missing(waiting, text_of("s"), 4);
    cr_expect(is_empty(waiting));
    cr_expect(waiting_has_gap(waiting, text_of("s")), "nothing comes behind it to tell");
    waiting_free(waiting);
}

Test(waiting, gives_up_records_of_a_chunk_that_never_gets_whole)
{
    struct waiting *waiting = waiting_new();
    add(waiting, "s", 0, 1, 0, false);
    add(waiting, "s", 1, 1, 0, true);
    cr_expect(is_empty(waiting));
    waiting_missing(waiting, text_of("s"), 0);
    cr_expect(next_is(waiting, 1, true));
    cr_expect(eq(sz, waiting_count(waiting), 0));
    waiting_free(waiting);
}

/* Reads the chunks of add(): from 0, with this many records each. */
static void expect_chunks(struct waiting *waiting, uint64_t chunks, size_t records)
{
    for (uint64_t chunk = 0; chunk < chunks; chunk++) {
        struct ready_chunk ready;
        char expected[64];
        cr_assert(eq(int, waiting_next(waiting, &ready, NULL), STATUS_OK));
        cr_assert(eq(u64, ready.chunk, chunk));
        cr_assert(eq(sz, ready.count, records));
        for (size_t i = 0; i < ready.count; i++) {
            snprintf(expected, sizeof expected, "s/%d/1/%zu", (int)chunk, i);
            cr_expect(is_record(ready.records[i], expected));
        }
        ready_chunk_clear(&ready);
    }
}

static size_t memory_of(const struct waiting *waiting)
{
    size_t in_file;
    return waiting_bytes(waiting, &in_file);
}

static size_t file_of(const struct waiting *waiting)
{
    size_t in_file;
    waiting_bytes(waiting, &in_file);
    return in_file;
}

/* The limit includes the memory of bookkeeping, so the first record counts together with its
 * index. */
Test(waiting, beyond_its_limit_keeps_records_in_a_file)
{
    struct waiting *waiting = waiting_new();
    add(waiting, "s", 2, 1, 1, true);
    size_t one = memory_of(waiting);
    cr_expect(gt(sz, one, 7 + sizeof(void *)));
    waiting_limit(waiting, one + 10, "/tmp");
    add(waiting, "s", 2, 1, 0, false);
    add(waiting, "s", 1, 1, 0, false);
    add(waiting, "s", 1, 1, 1, true);
    cr_expect(gt(sz, file_of(waiting), 3 * 7));
    add(waiting, "s", 0, 1, 1, true);
    add(waiting, "s", 0, 1, 0, false);
    expect_chunks(waiting, 3, 2);
    cr_expect(zero(sz, file_of(waiting)));
    waiting_free(waiting);
}

/* A chunk is missing, and the following ones are as small as possible. */
static struct waiting *fill(size_t limit, uint64_t chunks, uint64_t records)
{
    struct waiting *waiting = waiting_new();
    waiting_limit(waiting, limit, "/tmp");
    for (uint64_t chunk = chunks; chunk-- > 1;)
        for (uint64_t i = records; i-- > 0;)
            add(waiting, "s", chunk, 1, i, i + 1 == records);
    return waiting;
}

static void finish(struct waiting *waiting, uint64_t chunks, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++)
        add(waiting, "s", 0, 1, i, i + 1 == records);
    expect_chunks(waiting, chunks, records);
    cr_expect(zero(sz, file_of(waiting)));
    waiting_free(waiting);
}

enum { LIMIT = 64 << 10 };

Test(waiting, tiny_records_do_not_take_more_than_the_limit)
{
    struct waiting *waiting = fill(LIMIT, 4, 20000);
    cr_expect(le(sz, memory_of(waiting), LIMIT + LIMIT / 8), "%zu", memory_of(waiting));
    cr_expect(gt(sz, file_of(waiting), 3 * 20000 * 7));
    finish(waiting, 4, 20000);
}

Test(waiting, a_record_at_a_far_index_takes_no_room_for_those_before_it)
{
    struct waiting *waiting = waiting_new();
    waiting_limit(waiting, LIMIT, "/tmp");
    for (uint64_t chunk = 1; chunk < 20; chunk++)
        add(waiting, "s", chunk, 1, (1 << 20) - 1, false);
    cr_expect(lt(sz, memory_of(waiting), 20 * 300000), "%zu", memory_of(waiting));
    waiting_free(waiting);
}

Test(waiting, what_is_counted_is_what_the_heap_gives)
{
    size_t before = mallinfo2().uordblks;
    struct waiting *waiting = fill(0, 6, 5000);
    size_t held = mallinfo2().uordblks - before, counted = memory_of(waiting);
    if (before > 0) { /* not under a sanitizer's heap */
        cr_expect(gt(sz, counted, held - held / 4), "%zu of %zu", counted, held);
        cr_expect(lt(sz, counted, held + held / 4), "%zu of %zu", counted, held);
    }
    finish(waiting, 6, 5000);
}

Test(waiting, what_waits_elsewhere_leaves_less_of_the_limit)
{
    struct waiting *waiting = waiting_new();
    waiting_limit(waiting, 10 * LIMIT, "/tmp");
    waiting_elsewhere(waiting, 10 * LIMIT);
    add(waiting, "s", 1, 1, 0, true);
    cr_expect(gt(sz, file_of(waiting), 0));
    cr_expect(gt(sz, memory_of(waiting), 10 * LIMIT));
    waiting_elsewhere(waiting, 0);
    add(waiting, "s", 0, 1, 0, true);
    expect_chunks(waiting, 2, 1);
    waiting_free(waiting);
}

Test(waiting, where_the_file_cannot_be_written_records_stay_in_memory)
{
    struct waiting *waiting = waiting_new();
    waiting_limit(waiting, 1, "/nowhere");
    add(waiting, "s", 1, 1, 0, true);
    cr_expect(zero(sz, file_of(waiting)));
    add(waiting, "s", 0, 1, 0, true);
    expect_chunks(waiting, 2, 1);
    waiting_free(waiting);
}

static enum waiting_outcome add_one(struct waiting *waiting, uint64_t attempt, uint64_t index,
                                    bool is_end)
{
    struct record_place place = {.meta = {.session = text_of("s"), .chunk = 0, .attempt = attempt},
                                 .index = index,
                                 .is_end = is_end};
    return waiting_add(waiting, &place, (struct bytes){(const uint8_t *)"x", 1}, 0);
}

/* Else an incomplete chunk could be taken for a complete one. */
Test(waiting, records_that_contradict_the_end_of_their_attempt_are_refused)
{
    struct waiting *waiting = waiting_new();
    cr_expect(eq(int, add_one(waiting, 1, 1, true), WAITING_TAKEN));
    cr_expect(eq(int, add_one(waiting, 1, 5, false), WAITING_REFUSED));
    cr_expect(eq(int, add_one(waiting, 2, 5, false), WAITING_TAKEN));
    cr_expect(eq(int, add_one(waiting, 2, 1, true), WAITING_REFUSED));
    cr_expect(eq(int, add_one(waiting, 3, 1 << 20, false), WAITING_REFUSED));
    cr_expect(is_empty(waiting));
    cr_expect(eq(int, add_one(waiting, 1, 0, false), WAITING_TAKEN));
    cr_expect(next_is(waiting, 0, false));
    waiting_free(waiting);
}
