#include "bus/reader.h"

#include <stdlib.h>

#include "base/memory.h"
#include "bus/client.h"

struct bus_reader {
    struct client_log log;
    rd_kafka_t *handle;
    /* Asks for offsets: one that reads committed records only is told of the last stable one. */
    rd_kafka_t *uncommitted;
    const struct bus_settings *settings;
    rd_kafka_message_t *last;
    bool taken;
};

static enum status new_handle(const struct bus_settings *settings, bool ahead,
                              const char *isolation, struct bus_reader *reader, rd_kafka_t **out,
                              struct failure *why)
{
    /* The group is never joined: librdkafka wants a name all the same. */
    const struct client_default defaults[] = {
        {"group.id", "spanmill-reader"},
        {"isolation.level", isolation},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"},
        {"enable.partition.eof", "true"},
        {"fetch.wait.max.ms", "20"},
        /* Below these, it fetches on; at them, it waits for a second (before librdkafka 2.2). */
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
    reader->log.settings = reader->settings = settings;
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
    if (reader->handle) {
        rd_kafka_consumer_close(reader->handle);
        rd_kafka_destroy(reader->handle);
    }
    if (reader->uncommitted)
        rd_kafka_destroy(reader->uncommitted);
    free(reader);
}

enum status bus_reader_partitions(struct bus_reader *reader, enum bus_topic topic, int32_t *count,
                                  struct failure *why)
{
    char name[BUS_NAME_MAX];
    bus_topic_name(reader->settings, topic, name);
    return client_partitions(reader->uncommitted, name, 5 * CLIENT_ANSWER_MS, count, why);
}

/* Of a partition, the offset that ListOffsets knows by the time `which`: -2 is the first, -1 the
 * end. (rd_kafka_query_watermark_offsets() of 2.0.2 waits for ever without a broker.) */
static enum status ask_offset(struct bus_reader *reader, const char *topic, int32_t partition,
                              int64_t which, int64_t *offset, struct failure *why)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_add(list, topic, partition);
    at->offset = which;
    rd_kafka_resp_err_t code =
        rd_kafka_offsets_for_times(reader->uncommitted, list, 3 * CLIENT_ANSWER_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = at->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && at->offset < 0)
        code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    *offset = at->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? STATUS_OK : client_fail(code, topic, why);
}

enum status bus_reader_range(struct bus_reader *reader, enum bus_topic topic, int32_t partition,
                             int64_t *first, int64_t *end, struct failure *why)
{
    char name[BUS_NAME_MAX];
    bus_topic_name(reader->settings, topic, name);
    enum status status = ask_offset(reader, name, partition, -2, first, why);
    if (status == STATUS_OK)
        status = ask_offset(reader, name, partition, -1, end, why);
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
    rd_kafka_resp_err_t code = rd_kafka_assign(reader->handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? STATUS_OK
               : fail(why, STATUS_REJECT, "assigning partitions: %s", rd_kafka_err2str(code));
}

enum status bus_reader_poll(struct bus_reader *reader, int timeout_ms, struct bus_message *out,
                            struct failure *why)
{
    give_back(reader);
    rd_kafka_message_t *message = client_poll(reader->handle, timeout_ms, &reader->taken);
    if (!message)
        return STATUS_END;
    if (message->err == RD_KAFKA_RESP_ERR__FATAL ||
        message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        enum status status = fail(why, STATUS_STOP, "%s", rd_kafka_message_errstr(message));
        rd_kafka_message_destroy(message);
        return status;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
        message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        rd_kafka_message_destroy(message); /* a broker away: it goes on by itself */
        return STATUS_END;
    }
    reader->last = message;
    client_message(message, out);
    return STATUS_OK;
}

struct bytes bus_reader_header(const struct bus_reader *reader, const char *name)
{
    return client_header(reader->last, name);
}
