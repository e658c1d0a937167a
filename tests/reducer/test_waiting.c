#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>

#include "reducer/waiting.h"

/* A record whose bytes tell where it belongs. */
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

/* Whether the next chunk is this one; it is thrown away. */
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

Test(waiting, beyond_its_limit_keeps_records_in_a_file)
{
    struct waiting *waiting = waiting_new();
    waiting_limit(waiting, 10, "/tmp");
    add(waiting, "s", 1, 1, 0, false);
    add(waiting, "s", 1, 1, 1, true);
    add(waiting, "s", 2, 1, 0, true);
    size_t in_file, in_memory = waiting_bytes(waiting, &in_file);
    cr_expect(eq(sz, in_memory, 7));
    cr_expect(eq(sz, in_file, 14));
    add(waiting, "s", 0, 1, 0, true);
    for (uint64_t chunk = 0; chunk < 3; chunk++) {
        struct ready_chunk ready;
        char expected[64];
        cr_assert(eq(int, waiting_next(waiting, &ready, NULL), STATUS_OK));
        cr_expect(eq(u64, ready.chunk, chunk));
        for (size_t i = 0; i < ready.count; i++) {
            snprintf(expected, sizeof expected, "s/%d/1/%zu", (int)chunk, i);
            cr_expect(is_record(ready.records[i], expected));
        }
        ready_chunk_clear(&ready);
    }
    in_memory = waiting_bytes(waiting, &in_file);
    cr_expect(eq(sz, in_memory + in_file, 0));
    waiting_free(waiting);
}
