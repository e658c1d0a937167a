/* Records delivered one by one by an idempotent producer. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus_help.h"
#include "bus/bus_partition.h"

static struct bench bench;

Test(producer, tells_where_records_were_written, .timeout = 600)
{
    bench_init(&bench, 4);
    struct bus_producer *producer = bench_producer(&bench, NULL);
    struct bus_record records[] = {bench_record(BUS_CHUNKS, -1, "host/session", "one"),
                                   bench_record(BUS_CHUNKS, 3, "host/session", "two"),
                                   bench_record(BUS_CHUNKS, 3, "host/session", "three")};
    struct bus_place places[3];
    struct failure why = {""};
    cr_assert(eq(int, bus_deliver(producer, records, 3, LIMIT_MS, NULL, places, &why), STATUS_OK),
              "%s", why.text);
    int32_t partition = bus_partition(text_of("host/session"), 4);
    cr_assert(ne(i32, partition, 3), "choose another key for this test");
    cr_expect(eq(i32, places[0].partition, partition));
    cr_expect(eq(i64, places[0].offset, 0));
    cr_expect(eq(i32, places[2].partition, 3));
    cr_expect(eq(i64, places[2].offset, 1));
    bus_producer_free(producer);
}

Test(producer, sends_keys_headers_and_tombstones, .timeout = 600)
{
    bench_init(&bench, 1);
    struct bus_producer *producer = bench_producer(&bench, NULL);
    struct bus_header headers[] = {{"reason", {(const uint8_t *)"too large", 9}},
                                   {"empty", {(const uint8_t *)"", 0}}};
    struct bus_record record = bench_record(BUS_CHUNKS, 0, "key", NULL);
    record.headers = headers;
    record.header_count = 2;
    struct failure why = {""};
    cr_assert(eq(int, bus_deliver(producer, &record, 1, LIMIT_MS, NULL, NULL, &why), STATUS_OK));
    bus_producer_free(producer);

    struct bus_reader *reader;
    struct bus_message message;
    cr_assert(eq(int, bus_reader_new(&bench.settings, false, &reader, &why), STATUS_OK));
    struct bus_start start = {BUS_CHUNKS, 0, 0};
    cr_assert(eq(int, bus_reader_assign(reader, &start, 1, &why), STATUS_OK));
    while (bus_reader_poll(reader, 1000, &message, &why) != STATUS_OK)
        continue;
    cr_assert(not(message.end));
    cr_expect(message.value.at == NULL, "a tombstone has no value");
    cr_expect(text_equal(message.key, text_of("key")));
    cr_expect(message.time_ms > 1600000000000, "%lld", (long long)message.time_ms);
    struct bytes reason = bus_reader_header(reader, "reason");
    cr_expect(eq(sz, reason.count, 9));
    cr_expect(memcmp(reason.at, "too large", 9) == 0);
    cr_expect(bus_reader_header(reader, "empty").at != NULL);
    cr_expect(bus_reader_header(reader, "other").at == NULL);
    bus_reader_free(reader);
}

Test(producer, refuses_what_no_broker_would_take, .timeout = 600)
{
    bench_init(&bench, 1);
    struct bus_producer *producer = bench_producer(&bench, NULL);
    struct failure why = {""};
    struct bus_record record = bench_record(BUS_RESULTS, 0, "key", "there is no such topic");
    cr_expect(
        eq(int, bus_deliver(producer, &record, 1, LIMIT_MS, NULL, NULL, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, ".results") != NULL, "%s", why.text);

    uint8_t *large = calloc(1, 1200000);
    record = bench_record(BUS_CHUNKS, 0, "key", "");
    record.value = (struct bytes){large, 1200000};
    cr_expect(
        eq(int, bus_deliver(producer, &record, 1, LIMIT_MS, NULL, NULL, &why), STATUS_REJECT));
    record.value.count = 950000;
    cr_expect(eq(int, bus_deliver(producer, &record, 1, LIMIT_MS, NULL, NULL, &why), STATUS_OK),
              "%s", why.text);
    free(large);
    bus_producer_free(producer);
}

Test(producer, delivers_more_than_its_queue_holds, .timeout = 600)
{
    enum { COUNT = 3000, SIZE = 1000 };
    bench_init(&bench, 1);
    bench_set(&bench, "queue.buffering.max.messages", "100");
    struct bus_producer *producer = bench_producer(&bench, NULL);
    struct bus_record *records = calloc(COUNT, sizeof *records);
    struct bus_place *places = calloc(COUNT, sizeof *places);
    uint8_t value[SIZE] = {0};
    for (int i = 0; i < COUNT; i++) {
        records[i] = bench_record(BUS_CHUNKS, 0, "key", "");
        records[i].value = (struct bytes){value, SIZE};
    }
    struct failure why = {""};
    cr_expect(
        eq(int, bus_deliver(producer, records, COUNT, LIMIT_MS, NULL, places, &why), STATUS_OK),
        "%s", why.text);
    for (int i = 0; i < COUNT; i++)
        cr_assert(eq(i64, places[i].offset, i));
    free(records);
    free(places);
    bus_producer_free(producer);
}

static bool is_over(void *context)
{
    unsigned *asked = context;
    return ++*asked >= 3;
}

/* A broker that hangs while records are in flight, and continues later. */
Test(producer, gives_up_on_a_broker_that_hangs_and_is_of_use_after, .timeout = 600)
{
    char folder[64], room[1024];
    bench_init_own_broker(&bench, 1, folder);
    struct bus_producer *producer = bench_producer(&bench, NULL);
    struct bus_record record = bench_record(BUS_CHUNKS, 0, "key", "first");
    struct failure why = {""};
    cr_expect(eq(int, bus_deliver(producer, &record, 1, LIMIT_MS, NULL, NULL, &why), STATUS_OK));
    bench_signal_broker(folder, SIGSTOP);
    record = bench_record(BUS_CHUNKS, 0, "key", "second");
    uint64_t begin_ms = bench_now_ms();
    cr_expect(eq(int, bus_deliver(producer, &record, 1, 1500, NULL, NULL, &why), STATUS_RETRY));
    unsigned asked = 0;
    struct bus_patience patience = {is_over, &asked};
    cr_expect(
        eq(int, bus_deliver(producer, &record, 1, 300000, &patience, NULL, &why), STATUS_RETRY));
    cr_expect(eq(uint, asked, 3));
    cr_expect(lt(u64, bench_now_ms() - begin_ms, 120000)); /* the wait limit ended it, not the
                                                            * transaction limit */
    bench_signal_broker(folder, SIGCONT);
    record = bench_record(BUS_CHUNKS, 0, "key", "third");
    enum status status = STATUS_RETRY;
    for (int i = 0; i < 20 && status == STATUS_RETRY; i++)
        status = bus_deliver(producer, &record, 1, 10000, NULL, NULL, &why);
    cr_expect(eq(int, status, STATUS_OK), "%s", why.text);
    bus_producer_free(producer);
    bench_read(&bench, BUS_CHUNKS, 0, room);
    cr_expect(strstr(room, "first") != NULL && strstr(room, "third") != NULL, "%s", room);
    bench_broker(folder, "stop");
}
