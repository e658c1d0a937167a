/* Members of a group: start offsets, pauses, rebalances, commits. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "bus/bus_help.h"

static struct bench bench;

static enum status commit(struct member *member, int32_t partition, int64_t offset,
                          const char *metadata, struct failure *why)
{
    struct bus_offset at = {partition, offset, metadata};
    return bus_consumer_commit(member->bus, &at, why);
}

Test(consumer, begins_at_the_beginning_without_a_committed_offset, .timeout = 600)
{
    struct member member;
    bench_init(&bench, 1);
    bench_fill(&bench, 0, 3);
    member_join(&member, &bench, NULL);
    cr_expect(eq(uint, member_drain(&member, LIMIT_MS), 3));
    cr_expect(eq(i64, member.message.offset, 3), "where the end is");
    cr_expect(eq(i32, member.message.partition, 0));
    cr_expect(eq(uint, member.assigned, 1));
    member_leave(&member);
    cr_expect(eq(uint, member.revoked, 1));
    cr_expect(eq(uint, member.lost, 0));
}

Test(consumer, begins_where_it_is_told, .timeout = 600)
{
    struct member member;
    bench_init(&bench, 1);
    bench_fill(&bench, 0, 5);
    member_join(&member, &bench, NULL);
    member.begin_at = 3;
    cr_assert(member_next(&member, LIMIT_MS));
    cr_expect(eq(i64, member.message.offset, 3));
    cr_expect(value_is(&member.message, "3"));
    member_leave(&member);
}

Test(consumer, says_that_its_offset_is_gone_and_goes_on, .timeout = 600)
{
    struct member member;
    struct failure why = {""};
    bench_init(&bench, 2);
    bench_fill(&bench, 0, 3);
    bench_fill(&bench, 1, 3);
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    cr_assert(eq(int, commit(&member, 0, 1000, NULL, &why), STATUS_OK), "%s", why.text);
    cr_assert(eq(int, commit(&member, 1, 2, NULL, &why), STATUS_OK), "%s", why.text);
    member_leave(&member);
    member_join(&member, &bench, NULL);
    unsigned seen[2] = {0, 0};
    uint64_t end_ms = bench_now_ms() + LIMIT_MS;
    while (seen[0] < 3 || seen[1] < 1) {
        cr_assert(bench_now_ms() < end_ms, "%u and %u records; %s", seen[0], seen[1],
                  member.last_said);
        if (member_next(&member, 100))
            seen[member.message.partition]++;
    }
    cr_expect(not(member_next(&member, 1000)));
    cr_expect(eq(uint, seen[0], 3), "from the first that is there");
    cr_expect(eq(uint, seen[1], 1), "the other one from where it was");
    cr_expect(ge(uint, member.said, 1));
    cr_expect(strstr(member.last_said, "partition 0") != NULL, "%s", member.last_said);
    member_leave(&member);
}

/* Work that takes long, with pauses and polls, keeps the partition; no record is lost or delivered
 * twice. */
Test(consumer, keeps_its_partition_while_it_polls_paused, .timeout = 600)
{
    struct member member;
    bench_init(&bench, 1);
    bench_set(&bench, "max.poll.interval.ms", "6000");
    bench_fill(&bench, 0, 6);
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    for (int i = 1; i < 6; i++) {
        bus_consumer_pause(member.bus);
        member_poll_for(&member, i == 3 ? 8000 : 200);
        bus_consumer_resume(member.bus);
        cr_assert(member_next(&member, LIMIT_MS), "after pause %d", i);
        cr_expect(eq(i64, member.message.offset, i));
    }
    cr_expect(eq(uint, member.revoked, 0));
    member_leave(&member);
}

Test(consumer, may_be_paused_and_resumed_twice, .timeout = 600)
{
    struct member member;
    bench_init(&bench, 1);
    bench_fill(&bench, 0, 3);
    member_join(&member, &bench, NULL);
    bus_consumer_resume(member.bus);
    cr_assert(member_next(&member, LIMIT_MS));
    bus_consumer_pause(member.bus);
    bus_consumer_pause(member.bus);
    member_poll_for(&member, 300);
    bus_consumer_resume(member.bus);
    bus_consumer_resume(member.bus);
    cr_assert(member_next(&member, LIMIT_MS));
    cr_expect(eq(i64, member.message.offset, 1));
    cr_assert(member_next(&member, LIMIT_MS));
    cr_expect(eq(i64, member.message.offset, 2));
    member_leave(&member);
}

/* Partitions assigned during a pause are paused, too, and begin at the right offset. */
Test(consumer, stays_paused_over_a_rebalance, .timeout = 600)
{
    struct member first, second;
    bench_init(&bench, 2);
    bench_fill(&bench, 0, 3);
    bench_fill(&bench, 1, 3);
    member_join(&first, &bench, NULL);
    cr_assert(member_next(&first, LIMIT_MS));
    bus_consumer_pause(first.bus);
    member_join(&second, &bench, NULL);
    uint64_t end_ms = bench_now_ms() + LIMIT_MS;
    size_t owned = 0;
    while (owned != 1) {
        member_poll_for(&first, 50);
        bus_consumer_owned(first.bus, &owned);
        member_next(&second, 50);
        cr_assert(bench_now_ms() < end_ms);
    }
    member_poll_for(&first, 500);
    member_leave(&second);
    while (owned != 2) {
        member_poll_for(&first, 50);
        bus_consumer_owned(first.bus, &owned);
        cr_assert(bench_now_ms() < end_ms + LIMIT_MS);
    }
    member_poll_for(&first, 1000);
    cr_expect(ge(uint, first.revoked, 2));
    bus_consumer_resume(first.bus);
    unsigned seen[2] = {0, 0};
    while (seen[0] + seen[1] < 6 && member_next(&first, LIMIT_MS))
        seen[first.message.partition]++;
    cr_expect(eq(uint, seen[0], 3), "nothing was committed: all of it again");
    cr_expect(eq(uint, seen[1], 3));
    member_leave(&first);
}

Test(consumer, shares_partitions_with_others, .timeout = 600)
{
    struct member first, second;
    bench_init(&bench, 4);
    bench_set(&bench, "session.timeout.ms", "120000");
    for (int32_t i = 0; i < 4; i++)
        bench_fill(&bench, i, 1);
    member_join(&first, &bench, NULL);
    member_join(&second, &bench, NULL);
    size_t of_first = 0, of_second = 0;
    uint64_t end_ms = bench_now_ms() + LIMIT_MS;
    while (of_first != 2 || of_second != 2) {
        cr_assert(bench_now_ms() < end_ms, "%zu and %zu", of_first, of_second);
        member_next(&first, 50);
        member_next(&second, 50);
        bus_consumer_owned(first.bus, &of_first);
        bus_consumer_owned(second.bus, &of_second);
    }
    for (int32_t i = 0; i < 4; i++)
        cr_expect(ne(int, bus_consumer_owns(first.bus, i), bus_consumer_owns(second.bus, i)));
    /* A member that leaves is removed without a timeout. */
    uint64_t begin_ms = bench_now_ms();
    member_leave(&second);
    while (of_first != 4) {
        member_next(&first, 50);
        bus_consumer_owned(first.bus, &of_first);
        cr_assert(bench_now_ms() < begin_ms + 100000, "the session timed out");
    }
    member_leave(&first);
}

/* A reducer that is restarted within its session timeout gets its partitions back, without a
 * rebalance of others. */
Test(consumer, comes_back_under_its_name_without_a_rebalance, .timeout = 600)
{
    struct member first, second;
    bench_init(&bench, 2);
    bench_set(&bench, "session.timeout.ms", "120000");
    member_join(&first, &bench, "reducer-0");
    member_join(&second, &bench, "reducer-1");
    size_t of_first = 0, of_second = 0;
    uint64_t end_ms = bench_now_ms() + LIMIT_MS;
    while (of_first != 1 || of_second != 1) {
        cr_assert(bench_now_ms() < end_ms, "%zu and %zu", of_first, of_second);
        member_next(&first, 50);
        member_next(&second, 50);
        bus_consumer_owned(first.bus, &of_first);
        bus_consumer_owned(second.bus, &of_second);
    }
    unsigned before = first.revoked;
    member_leave(&second);
    member_poll_for(&first, 500);
    member_join(&second, &bench, "reducer-1");
    member_wait_owned(&second, 1, LIMIT_MS);
    member_poll_for(&first, 1000);
    cr_expect(eq(uint, first.revoked, before));
    member_leave(&second);
    member_leave(&first);
}

Test(consumer, commits_an_offset_with_a_text, .timeout = 600)
{
    struct member member;
    struct failure why = {""};
    char metadata[BUS_METADATA_MAX];
    bench_init(&bench, 1);
    bench_fill(&bench, 0, 3);
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    cr_assert(eq(int, commit(&member, 0, 0, "try=3", &why), STATUS_OK), "%s", why.text);
    cr_expect(eq(i64, member_committed(&member, metadata), 0));
    cr_expect(eq(str, metadata, "try=3"));
    member_leave(&member);
    /* The next one finds it. */
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    cr_expect(eq(i64, member.message.offset, 0));
    cr_expect(eq(i64, member_committed(&member, metadata), 0));
    cr_expect(eq(str, metadata, "try=3"));
    member_leave(&member);
}

Test(consumer, cannot_commit_for_what_it_lost, .timeout = 600)
{
    struct member first, second;
    struct failure why = {""};
    bench_init(&bench, 1);
    bench_set(&bench, "max.poll.interval.ms", "6000");
    bench_fill(&bench, 0, 1);
    member_join(&first, &bench, NULL);
    cr_assert(member_next(&first, LIMIT_MS));
    bench_set(&bench, "max.poll.interval.ms", "600000");
    member_join(&second, &bench, NULL);
    cr_assert(member_next(&second, LIMIT_MS));
    cr_expect(eq(int, commit(&first, 0, 1, NULL, &why), STATUS_RETRY));
    cr_expect(eq(int, commit(&second, 0, 1, NULL, &why), STATUS_OK), "%s", why.text);
    member_leave(&first);
    member_leave(&second);
}

Test(consumer, reads_from_another_offset_when_told, .timeout = 600)
{
    struct member member;
    struct failure why = {""};
    bench_init(&bench, 1);
    bench_fill(&bench, 0, 5);
    member_join(&member, &bench, NULL);
    cr_expect(eq(uint, member_drain(&member, LIMIT_MS), 5));
    cr_assert(eq(int, bus_consumer_seek(member.bus, 0, 1, &why), STATUS_OK), "%s", why.text);
    cr_assert(member_next(&member, LIMIT_MS));
    cr_expect(eq(i64, member.message.offset, 1));
    cr_expect(ne(int, bus_consumer_seek(member.bus, 7, 1, &why), STATUS_OK));
    member_leave(&member);
}

Test(consumer, knows_how_far_behind_it_is, .timeout = 600)
{
    struct member member;
    size_t partitions;
    bench_init(&bench, 1);
    bench_fill(&bench, 0, 5);
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    cr_expect(eq(i64, bus_consumer_unread(member.bus, true, &partitions), 4));
    cr_expect(eq(sz, partitions, 1));
    member_drain(&member, LIMIT_MS);
    cr_expect(zero(i64, bus_consumer_unread(member.bus, false, &partitions)));
    /* While it is paused, nothing is fetched: only the brokers know about new records. */
    bus_consumer_pause(member.bus);
    bench_fill(&bench, 0, 7);
    cr_expect(eq(i64, bus_consumer_unread(member.bus, true, &partitions), 7));
    bus_consumer_resume(member.bus);
    member_leave(&member);
}
