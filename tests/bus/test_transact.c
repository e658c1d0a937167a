/* Transactions: records and offsets are committed together or not at all. Needs a real broker. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus_help.h"

static struct bench bench;
static const struct bus_patience patience = {never_over, NULL};

static enum status send_one(struct bus_producer *producer, struct member *member, const char *value,
                            int64_t offset, const char *metadata)
{
    struct failure why = {""};
    struct bus_record record = bench_record(BUS_PARTIALS, 0, "key", value);
    struct bus_offset at = {0, offset, metadata};
    return bus_transact(producer, &record, 1, member->bus, &at, 1, &patience, &why);
}

Test(transact, commits_records_offsets_and_their_text, .timeout = 600)
{
    char metadata[BUS_METADATA_MAX], room[1024];
    struct member member;
    bench_init(&bench, 1);
    bench_fill(&bench, 0, 3);
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    cr_expect(eq(i64, member_committed(&member, metadata), BUS_OFFSET_NONE));
    struct bus_producer *producer = bench_producer(&bench, "one");
    cr_expect(eq(int, send_one(producer, &member, "a", 1, "try=0"), STATUS_OK));
    cr_expect(eq(i64, member_committed(&member, metadata), 1));
    cr_expect(eq(str, metadata, "try=0"));
    cr_expect(eq(int, send_one(producer, &member, "b", 2, NULL), STATUS_OK));
    cr_expect(eq(i64, member_committed(&member, metadata), 2));
    cr_expect(eq(str, metadata, ""));
    cr_expect(eq(str, (char *)bench_read(&bench, BUS_PARTIALS, 0, room), "a b "));
    bus_producer_free(producer);
    member_leave(&member);
}

Test(transact, begins_a_group_anew_where_it_was_committed, .timeout = 600)
{
    struct member member;
    bench_init(&bench, 1);
    bench_fill(&bench, 0, 4);
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    cr_expect(value_is(&member.message, "0"));
    struct bus_producer *producer = bench_producer(&bench, "one");
    cr_expect(eq(int, send_one(producer, &member, "a", 2, NULL), STATUS_OK));
    member_leave(&member);
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    cr_expect(eq(i64, member.message.offset, 2));
    cr_expect(eq(uint, member.said, 0), "%s", member.last_said);
    bus_producer_free(producer);
    member_leave(&member);
}

/* The last record is too large, and most records before it are already written. */
Test(transact, shows_nothing_of_what_was_aborted, .timeout = 600)
{
    enum { COUNT = 200 };
    char metadata[BUS_METADATA_MAX], room[1024];
    struct member member;
    bench_init(&bench, 1);
    bench_fill(&bench, 0, 1);
    bench_set(&bench, "queue.buffering.max.messages", "10");
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    struct bus_producer *producer = bench_producer(&bench, "one");
    uint8_t *large = calloc(1, 1200000);
    struct bus_record records[COUNT + 1];
    for (int i = 0; i <= COUNT; i++)
        records[i] = bench_record(BUS_PARTIALS, 0, "key", "never");
    records[COUNT].value = (struct bytes){large, 1200000};
    struct bus_offset at = {0, 1, NULL};
    struct failure why = {""};
    cr_expect(eq(int,
                 bus_transact(producer, records, COUNT + 1, member.bus, &at, 1, &patience, &why),
                 STATUS_REJECT));
    cr_expect(eq(i64, member_committed(&member, metadata), BUS_OFFSET_NONE));
    cr_expect(eq(int, send_one(producer, &member, "after", 1, NULL), STATUS_OK),
              "the producer is of use after an abort");
    cr_expect(eq(str, (char *)bench_read(&bench, BUS_PARTIALS, 0, room), "after "));
    struct bus_reader *reader;
    cr_assert(eq(int, bus_reader_new(&bench.settings, true, &reader, &why), STATUS_OK));
    cr_expect(gt(i64, bench_wait_end(reader, BUS_PARTIALS, 0, 0), COUNT / 2), "they were written");
    bus_reader_free(reader);
    free(large);
    bus_producer_free(producer);
    member_leave(&member);
}

Test(transact, is_fenced_by_a_producer_of_the_same_id, .timeout = 600)
{
    char room[1024];
    struct member member;
    bench_init(&bench, 1);
    bench_fill(&bench, 0, 1);
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    struct bus_producer *old = bench_producer(&bench, "same");
    cr_expect(eq(int, send_one(old, &member, "old", 1, NULL), STATUS_OK));
    struct bus_producer *new = bench_producer(&bench, "same");
    cr_expect(eq(int, send_one(old, &member, "zombie", 1, NULL), STATUS_STOP));
    cr_expect(eq(int, send_one(old, &member, "zombie", 1, NULL), STATUS_STOP), "once and for all");
    cr_expect(eq(int, send_one(new, &member, "new", 1, NULL), STATUS_OK));
    cr_expect(eq(str, (char *)bench_read(&bench, BUS_PARTIALS, 0, room), "old new "));
    bus_producer_free(old);
    bus_producer_free(new);
    member_leave(&member);
}

/* The generation of the group fences: the ids differ here. A member whose session has timed out
 * must not commit for a partition that another one owns. */
Test(transact, aborts_when_the_member_is_of_a_former_generation, .timeout = 600)
{
    char metadata[BUS_METADATA_MAX], room[1024];
    struct member first, second;
    bench_init(&bench, 1);
    bench_set(&bench, "max.poll.interval.ms", "6000");
    bench_fill(&bench, 0, 1);
    member_join(&first, &bench, NULL);
    cr_assert(member_next(&first, LIMIT_MS));
    struct bus_producer *a = bench_producer(&bench, "a"), *b = bench_producer(&bench, "b");
    /* The first one is not polled any more and loses its partition; the second one must not, even
     * if it is slow. */
    bench_set(&bench, "max.poll.interval.ms", "600000");
    member_join(&second, &bench, NULL);
    cr_assert(member_next(&second, LIMIT_MS));
    cr_expect(eq(int, send_one(b, &second, "second", 1, NULL), STATUS_OK));
    cr_expect(eq(int, send_one(a, &first, "zombie", 1, NULL), STATUS_RETRY));
    cr_expect(eq(str, (char *)bench_read(&bench, BUS_PARTIALS, 0, room), "second "));
    cr_expect(eq(i64, member_committed(&second, metadata), 1));
    /* Polled again, it is notified, and its producer is usable. */
    while (first.revoked == 0)
        member_poll_for(&first, 100);
    cr_expect(not(bus_consumer_owns(first.bus, 0)));
    bus_producer_free(a);
    bus_producer_free(b);
    member_leave(&first);
    member_leave(&second);
}

Test(transact, takes_more_records_than_the_queue_holds, .timeout = 600)
{
    enum { COUNT = 2000 };
    struct member member;
    bench_init(&bench, 1);
    bench_fill(&bench, 0, 1);
    bench_set(&bench, "queue.buffering.max.messages", "50");
    member_join(&member, &bench, NULL);
    cr_assert(member_next(&member, LIMIT_MS));
    struct bus_producer *producer = bench_producer(&bench, "one");
    struct bus_record *records = calloc(COUNT, sizeof *records);
    for (int i = 0; i < COUNT; i++)
        records[i] = bench_record(BUS_PARTIALS, 0, "key", "value");
    struct bus_offset at = {0, 1, NULL};
    struct failure why = {""};
    cr_expect(eq(int, bus_transact(producer, records, COUNT, member.bus, &at, 1, &patience, &why),
                 STATUS_OK),
              "%s", why.text);
    struct bus_reader *reader;
    cr_assert(eq(int, bus_reader_new(&bench.settings, true, &reader, &why), STATUS_OK));
    cr_expect(eq(i64, bench_wait_end(reader, BUS_PARTIALS, 0, COUNT + 1), COUNT + 1),
              "the records, and the mark of the transaction's end");
    bus_reader_free(reader);
    free(records);
    bus_producer_free(producer);
    member_leave(&member);
}
