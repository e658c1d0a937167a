#include "bus/bus_reader.h"

#include <stdlib.h>

#include "base/memory.h"
#include "bus/client.h"

struct bus_reader {
    struct client client;
    rd_kafka_t *handle;
    /* For offset queries: a read_committed consumer would get the last stable offset. */
    rd_kafka_t *uncommitted;
    const struct bus_settings *settings;
    rd_kafka_message_t *last;
    bool taken;
    /* The assignment, if any: its topic may be deleted, which librdkafka does not report. */
    bool is_assigned;
    enum bus_topic topic;
    uint64_t looked_ms; /* time of the last message or query */
    unsigned missing;   /* how often brokers reported that the topic does not exist */
};

/* Query interval for a silent topic; and how often brokers must report it as missing, because
 * restarted ones may not know it yet. */
enum { LOOK_MS = 2000, MISSING_TIMES = 3 };

static enum status new_handle(const struct bus_settings *settings, bool ahead,
                              const char *isolation, struct bus_reader *reader, rd_kafka_t **out,
                              struct failure *why)
{
    /* The group is never joined, but librdkafka requires a name. */
    const struct client_default defaults[] = {
        {"group.id", "spanmill-reader"},
        {"isolation.level", isolation},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"},
        {"enable.partition.eof", "true"},
        {"fetch.wait.max.ms", "20"},
        /* Below these limits, it keeps fetching; at them, it waits for a second (before librdkafka
         * 2.2). */
        {"queued.min.messages", ahead ? "10000" : "64"},
        {"queued.max.messages.kbytes", ahead ? "65536" : "8192"},
        {NULL, NULL}};
    rd_kafka_conf_t *conf;
    enum status status = client_conf(settings, defaults, &conf, why);
    if (status == STATUS_OK)
        status = client_new(RD_KAFKA_CONSUMER, conf, reader, out, why);
    return status;
}

enum status bus_reader_new(const struct bus_settings *settings, bool ahead, struct bus_reader **out,
                           struct failure *why)
{
    *out = NULL;
    struct bus_reader *reader = memory_new(sizeof *reader);
    reader->settings = settings;
    client_init(&reader->client, settings);
    enum status status =
        new_handle(settings, ahead, "read_committed", reader, &reader->handle, why);
    if (status == STATUS_OK) {
        rd_kafka_poll_set_consumer(reader->handle);
        status = new_handle(settings, false, "read_uncommitted", reader, &reader->uncommitted, why);
    }
    if (status == STATUS_OK)
        *out = reader;
    else
        bus_reader_free(reader);
    return status;
}

static void give_back(struct bus_reader *reader)
{
    if (reader->last)
        rd_kafka_message_destroy(reader->last);
    reader->last = NULL;
}

void bus_reader_free(struct bus_reader *reader)
{
    if (!reader)
        return;
    give_back(reader);
    if (reader->uncommitted)
        CLIENT_LIMITED(&reader->client, CLIENT_LIMIT_MS, rd_kafka_destroy(reader->uncommitted));
    if (reader->handle)
        CLIENT_LIMITED(&reader->client, CLIENT_LIMIT_MS, rd_kafka_consumer_close(reader->handle));
    client_destroy(&reader->client, reader->handle, false);
    free(reader);
}

enum status bus_reader_partitions(struct bus_reader *reader, enum bus_topic topic, int32_t *count,
                                  struct failure *why)
{
    char name[BUS_NAME_MAX];
    bus_topic_name(reader->settings, topic, name);
    return client_partitions(reader->uncommitted, name, 5 * CLIENT_ANSWER_MS, count, why);
}

/* It was reported missing: RETRY if it exists after all, REJECT if not. */
static enum status check_partition(struct bus_reader *reader, const char *topic, int32_t partition,
                                   struct failure *why)
{
    int32_t count;
    enum status status =
        client_partitions(reader->uncommitted, topic, 3 * CLIENT_ANSWER_MS, &count, why);
    if (status != STATUS_OK)
        return status;
    if (partition < 0 || partition >= count)
        return fail(why, STATUS_REJECT, "%s has %d partitions, and no partition %d", topic,
                    (int)count, (int)partition);
    return fail(why, STATUS_RETRY, "%s: partition %d does not exist yet", topic, (int)partition);
}

/* Special times of ListOffsets: the first offset, and the end. */
enum { OFFSET_FIRST = -2, OFFSET_END = -1 };

/* The offset of a partition that ListOffsets returns for the time `which`; BUS_OFFSET_NONE if
 * nothing was written then or later. (rd_kafka_query_watermark_offsets() of 2.0.2 waits forever
 * without a broker.) */
static enum status ask_offset(struct bus_reader *reader, const char *topic, int32_t partition,
                              int64_t which, int64_t *offset, struct failure *why)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_add(list, topic, partition);
    at->offset = which;
    rd_kafka_resp_err_t code;
    CLIENT_LIMITED(&reader->client, CLIENT_GRACE_MS,
                   code =
                       rd_kafka_offsets_for_times(reader->uncommitted, list, 3 * CLIENT_ANSWER_MS));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = at->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && at->offset < 0 && which < 0)
        code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    *offset = at->offset >= 0 ? at->offset : BUS_OFFSET_NONE;
    rd_kafka_topic_partition_list_destroy(list);
    if (verdict_is_missing(code))
        return check_partition(reader, topic, partition, why);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? STATUS_OK : client_fail(code, topic, why);
}

enum status bus_reader_range(struct bus_reader *reader, enum bus_topic topic, int32_t partition,
                             int64_t *first, int64_t *end, struct failure *why)
{
    char name[BUS_NAME_MAX];
    bus_topic_name(reader->settings, topic, name);
    enum status status = ask_offset(reader, name, partition, OFFSET_FIRST, first, why);
    if (status == STATUS_OK)
        status = ask_offset(reader, name, partition, OFFSET_END, end, why);
    return status;
}

enum status bus_reader_at_time(struct bus_reader *reader, enum bus_topic topic, int32_t partition,
                               int64_t time_ms, int64_t *offset, struct failure *why)
{
    char name[BUS_NAME_MAX];
    bus_topic_name(reader->settings, topic, name);
    enum status status =
        ask_offset(reader, name, partition, time_ms > 0 ? time_ms : 0, offset, why);
    if (status == STATUS_OK && *offset == BUS_OFFSET_NONE)
        status = ask_offset(reader, name, partition, OFFSET_END, offset, why);
    return status;
}

enum status bus_reader_assign(struct bus_reader *reader, const struct bus_start *starts,
                              size_t count, struct failure *why)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        char name[BUS_NAME_MAX];
        bus_topic_name(reader->settings, starts[i].topic, name);
        rd_kafka_topic_partition_list_add(list, name, starts[i].partition)->offset =
            starts[i].offset;
    }
    reader->is_assigned = count > 0;
    reader->topic = count > 0 ? starts[0].topic : BUS_CHUNKS;
    reader->looked_ms = client_now_ms();
    reader->missing = 0;
    rd_kafka_resp_err_t code;
    CLIENT_LIMITED(&reader->client, CLIENT_LIMIT_MS, code = rd_kafka_assign(reader->handle, list));
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? STATUS_OK
               : fail(why, STATUS_REJECT, "assigning partitions: %s", rd_kafka_err2str(code));
}

/* END, or STOP: the topic was deleted. */
static enum status look_whether_gone(struct bus_reader *reader, struct failure *why)
{
    char name[BUS_NAME_MAX];
    int32_t count;
    if (!reader->is_assigned || client_now_ms() - reader->looked_ms < LOOK_MS)
        return STATUS_END;
    bus_topic_name(reader->settings, reader->topic, name);
    enum status status =
        client_partitions(reader->uncommitted, name, CLIENT_ANSWER_MS, &count, why);
    reader->missing = status == STATUS_REJECT ? reader->missing + 1 : 0;
    reader->looked_ms = client_now_ms();
    return reader->missing >= MISSING_TIMES ? STATUS_STOP : STATUS_END;
}

enum status bus_reader_poll(struct bus_reader *reader, int timeout_ms, struct bus_message *out,
                            struct failure *why)
{
    give_back(reader);
    rd_kafka_message_t *message = client_poll(reader->handle, timeout_ms, &reader->taken);
    if (!message)
        return look_whether_gone(reader, why);
    reader->looked_ms = client_now_ms();
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
        message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        /* Temporary errors, such as an unavailable broker, resolve themselves. librdkafka also
         * queries the group's coordinator, which is not needed. */
        enum status status = STATUS_END;
        if (error_status(message->err) != STATUS_RETRY &&
            message->err != RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
            status = fail(why, STATUS_STOP, "%s", rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
        return status;
    }
    reader->last = message;
    client_message(message, out);
    return STATUS_OK;
}

struct bytes bus_reader_header(const struct bus_reader *reader, const char *name)
{
    return client_header(reader->last, name);
}

enum status bus_reader_all(struct bus_reader *reader, enum bus_topic topic, int32_t partition,
                           const struct bus_reading *reading, struct failure *why)
{
    enum { POLL_MS = 100 };
    int64_t first, end;
    enum status status = bus_reader_range(reader, topic, partition, &first, &end, why);
    if (status != STATUS_OK || first == end)
        return status;
    status = bus_reader_assign(reader, &(struct bus_start){topic, partition, first}, 1, why);
    while (status == STATUS_OK) {
        struct bus_message message;
        status = bus_reader_poll(reader, POLL_MS, &message, why);
        if (status == STATUS_OK && message.end && message.offset >= end)
            break;
        if (status == STATUS_OK && !message.end)
            reading->take(reading->context, &message);
        if (status == STATUS_END)
            status = STATUS_OK;
        if (reading->leave(reading->context))
            status = fail(why, STATUS_RETRY, "stopped by request while reading a partition");
    }
    struct failure ignored; /* continuing would only fill memory */
    enum status idle = bus_reader_assign(reader, NULL, 0, &ignored);
    (void)idle;
    return status;
}
