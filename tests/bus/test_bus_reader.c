/* Reading chosen partitions: their ends, and the records before them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus_help.h"

static struct bench bench;

static struct bus_reader *new_reader(void)
{
    struct bus_reader *reader;
    struct failure why = {""};
    cr_assert(eq(int, bus_reader_new(&bench.settings, true, &reader, &why), STATUS_OK), "%s",
              why.text);
    return reader;
}

static void assign(struct bus_reader *reader, enum bus_topic topic, int32_t partition,
                   int64_t offset)
{
    struct bus_start start = {topic, partition, offset};
    struct failure why = {""};
    cr_assert(eq(int, bus_reader_assign(reader, &start, 1, &why), STATUS_OK), "%s", why.text);
}

/* Polls for a record; false if none arrives. */
static bool next(struct bus_reader *reader, struct bus_message *message, uint64_t limit_ms)
{
    struct failure why = {""};
    uint64_t end_ms = bench_now_ms() + limit_ms;
    while (bench_now_ms() < end_ms) {
        enum status status = bus_reader_poll(reader, 50, message, &why);
        cr_assert(ne(int, status, STATUS_STOP), "%s", why.text);
        if (status == STATUS_OK)
            return true;
    }
    return false;
}

/* Waits for an end of at least `least`, like bench_wait_end(). */
static void range(struct bus_reader *reader, enum bus_topic topic, int64_t least, int64_t *first,
                  int64_t *end)
{
    struct failure why = {""};
    bench_wait_end(reader, topic, 0, least);
    cr_assert(eq(int, bus_reader_range(reader, topic, 0, first, end, &why), STATUS_OK), "%s",
              why.text);
}

/* A transaction with one record that stays open; the bus has no function for that. */
static rd_kafka_t *open_transaction(const char *id, const char *value)
{
    char error[256], topic[BUS_NAME_MAX], named[100];
    bus_topic_name(&bench.settings, BUS_STATE, topic);
    snprintf(named, sizeof named, "%s-%s", bench.prefix, id);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bench.brokers, error, sizeof error);
    rd_kafka_conf_set(conf, "transactional.id", named, error, sizeof error);
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    cr_assert(handle != NULL, "%s", error);
    cr_assert(rd_kafka_init_transactions(handle, LIMIT_MS) == NULL);
    cr_assert(rd_kafka_begin_transaction(handle) == NULL);
    cr_assert(eq(int,
                 rd_kafka_producev(handle, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                                   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                   RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)),
                                   RD_KAFKA_V_END),
                 RD_KAFKA_RESP_ERR_NO_ERROR));
    cr_assert(eq(int, rd_kafka_flush(handle, LIMIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR));
    return handle;
}

static void end_transaction(rd_kafka_t *handle, bool commit)
{
    rd_kafka_error_t *error = commit ? rd_kafka_commit_transaction(handle, LIMIT_MS)
                                     : rd_kafka_abort_transaction(handle, LIMIT_MS);
    cr_assert(error == NULL, "%s", rd_kafka_error_string(error));
    rd_kafka_destroy(handle);
}

Test(reader, reads_from_offsets_of_its_choice, .timeout = 600)
{
    bench_init(&bench, 2);
    bench_fill(&bench, 0, 5);
    bench_fill(&bench, 1, 5);
    struct bus_reader *reader = new_reader();
    struct bus_start starts[] = {{BUS_CHUNKS, 0, 4}, {BUS_CHUNKS, 1, 2}};
    struct failure why = {""};
    struct bus_message message;
    int32_t count;
    cr_assert(eq(int, bus_reader_partitions(reader, BUS_CHUNKS, &count, &why), STATUS_OK));
    cr_expect(eq(i32, count, 2));
    cr_assert(eq(int, bus_reader_assign(reader, starts, 2, &why), STATUS_OK), "%s", why.text);
    unsigned records[2] = {0, 0}, ends = 0;
    while (ends < 2 && next(reader, &message, LIMIT_MS)) {
        ends += message.end;
        records[message.partition] += !message.end;
        if (message.end)
            cr_expect(eq(i64, message.offset, 5));
    }
    cr_expect(eq(uint, records[0], 1));
    cr_expect(eq(uint, records[1], 3));
    /* A different topic in its place. */
    assign(reader, BUS_CHUNKS, 0, 1);
    cr_assert(next(reader, &message, LIMIT_MS));
    cr_expect(value_is(&message, "1"));
    bus_reader_free(reader);
}

Test(reader, ends_at_once_in_an_empty_partition, .timeout = 600)
{
    bench_init(&bench, 1);
    struct bus_reader *reader = new_reader();
    struct bus_message message;
    int64_t first, end;
    range(reader, BUS_STATE, 0, &first, &end);
    cr_expect(eq(i64, first, 0));
    cr_expect(eq(i64, end, 0));
    assign(reader, BUS_STATE, 0, 0);
    cr_assert(next(reader, &message, LIMIT_MS));
    cr_expect(message.end);
    cr_expect(eq(i64, message.offset, 0));
    bus_reader_free(reader);
}

/* KAFKA-10167: committed state may follow the open transaction of a zombie. Restoring waits for
 * that transaction, because the end is the high watermark. */
Test(reader, is_told_of_an_end_behind_an_open_transaction, .timeout = 600)
{
    bench_init(&bench, 1);
    struct bus_reader *reader = new_reader();
    struct bus_message message;
    int64_t first, end;
    rd_kafka_t *zombie = open_transaction("zombie", "never");
    end_transaction(open_transaction("good", "state"), true);
    range(reader, BUS_STATE, 3, &first, &end);
    cr_expect(eq(i64, end, 3), "two records and a mark");
    assign(reader, BUS_STATE, 0, first);
    cr_assert(next(reader, &message, LIMIT_MS));
    cr_expect(message.end, "nothing is stable yet");
    cr_expect(eq(i64, message.offset, 0));
    cr_expect(not(next(reader, &message, 1000)));
    end_transaction(zombie, false);
    cr_assert(next(reader, &message, LIMIT_MS));
    cr_expect(value_is(&message, "state"));
    cr_assert(next(reader, &message, LIMIT_MS));
    cr_expect(message.end);
    cr_expect(eq(i64, message.offset, 4), "behind the marks, which nobody reads");
    bus_reader_free(reader);
}

/* The end of a partition is found even if it ends with aborted records and its first records were
 * compacted. */
Test(reader, finds_the_end_though_the_last_records_were_aborted, .timeout = 600)
{
    bench_init(&bench, 1);
    end_transaction(open_transaction("one", "good"), true);
    end_transaction(open_transaction("two", "bad"), false);
    struct bus_reader *reader = new_reader();
    struct bus_message message;
    int64_t first, end;
    range(reader, BUS_STATE, 4, &first, &end);
    assign(reader, BUS_STATE, 0, first);
    cr_assert(next(reader, &message, LIMIT_MS));
    cr_expect(value_is(&message, "good"));
    cr_assert(next(reader, &message, LIMIT_MS));
    cr_expect(message.end);
    cr_expect(eq(i64, message.offset, end));
    cr_expect(eq(i64, end, 4));
    bus_reader_free(reader);
}

Test(reader, tells_that_a_topic_is_not_there, .timeout = 600)
{
    bench_init(&bench, 1);
    struct bus_reader *reader = new_reader();
    struct failure why = {""};
    int32_t count;
    cr_expect(eq(int, bus_reader_partitions(reader, BUS_RESULTS, &count, &why), STATUS_REJECT));
    cr_expect(strstr(why.text, ".results") != NULL, "%s", why.text);
    bus_reader_free(reader);
}
