#include "bus/producer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/memory.h"
#include "bus/client.h"
#include "bus/fit.h"
#include "bus/bus_partition.h"

/* Time limit of a step of a transaction, after which it is repeated. */
enum { STEP_MS = 1000, PARTITIONS_KNOWN_MS = 60000 };

/* A record being delivered. */
struct delivery {
    struct bus_place place;
    rd_kafka_resp_err_t code;
    bool done;
};

struct bus_producer {
    struct client client;
    rd_kafka_t *handle;
    char topics[BUS_TOPICS][BUS_NAME_MAX];
    int32_t partitions[BUS_TOPICS]; /* 0: not queried yet */
    uint64_t asked_ms[BUS_TOPICS];
    bool transactional;
    size_t on_way;
};

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    (void)handle;
    struct bus_producer *producer = opaque;
    struct delivery *delivery = message->_private;
    producer->on_way--;
    if (!delivery)
        return;
    *delivery = (struct delivery){{message->partition, message->offset}, message->err, true};
}

/* --- creation --- */

static void purge(struct bus_producer *producer)
{
    rd_kafka_purge(producer->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (producer->on_way > 0)
        rd_kafka_poll(producer->handle, 100);
}

/* Drops undelivered records, so that no delivery outlives its memory. */
static void drop(struct bus_producer *producer)
{
    CLIENT_LIMITED(&producer->client, CLIENT_LIMIT_MS, purge(producer));
}

/* Repeats until the broker answers. */
static enum status init_transactions(struct bus_producer *producer,
                                     const struct bus_patience *patience, struct failure *why)
{
    for (;;) {
        rd_kafka_error_t *error;
        CLIENT_LIMITED(&producer->client, CLIENT_GRACE_MS,
                       error = rd_kafka_init_transactions(producer->handle, STEP_MS));
        if (!error)
            return STATUS_OK;
        bool again = rd_kafka_error_is_retriable(error) ||
                     rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__TIMED_OUT;
        enum status status = fail(why, again ? STATUS_RETRY : STATUS_STOP,
                                  "initializing transactions: %s", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        if (!again || client_is_over(patience))
            return status;
    }
}

enum status bus_producer_new(const struct bus_settings *settings, const char *transactional_id,
                             const struct bus_patience *patience, struct bus_producer **out,
                             struct failure *why)
{
    *out = NULL;
    /* Partials, state and results are already compressed, or small; archives are compressed. An
     * open transaction blocks all readers of committed records: at most 10 s. */
    const struct client_default defaults[] = {
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"linger.ms", "5"},
        {"message.max.bytes", "1000000"},
        {"queue.buffering.max.kbytes", "65536"},
        {transactional_id ? "transaction.timeout.ms" : "delivery.timeout.ms",
         transactional_id ? "10000" : "30000"},
        {transactional_id ? "transactional.id" : NULL, transactional_id},
        {NULL, NULL}};
    rd_kafka_conf_t *conf;
    enum status status = client_conf(settings, defaults, &conf, why);
    if (status != STATUS_OK)
        return status;
    struct bus_producer *producer = memory_new(sizeof *producer);
    client_init(&producer->client, settings);
    producer->transactional = transactional_id != NULL;
    for (int i = 0; i < BUS_TOPICS; i++)
        bus_topic_name(settings, (enum bus_topic)i, producer->topics[i]);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    status = client_new(RD_KAFKA_PRODUCER, conf, producer, &producer->handle, why);
    if (status != STATUS_OK) {
        client_clear(&producer->client);
        free(producer);
        return status;
    }
    if (transactional_id)
        status = init_transactions(producer, patience, why);
    if (status != STATUS_OK) {
        bus_producer_free(producer);
        return status;
    }
    *out = producer;
    return STATUS_OK;
}

void bus_producer_free(struct bus_producer *producer)
{
    if (!producer)
        return;
    drop(producer);
    client_destroy(&producer->client, producer->handle, false);
    free(producer);
}

/* --- sending --- */

/* The number of partitions of the topic: constant, unless the topic is created again. */
static enum status ask_partitions(struct bus_producer *producer, enum bus_topic topic,
                                  const struct bus_patience *patience, struct failure *why)
{
    uint64_t now = client_now_ms();
    if (producer->partitions[topic] > 0 && now - producer->asked_ms[topic] < PARTITIONS_KNOWN_MS)
        return STATUS_OK;
    int32_t count;
    enum status status;
    do
        status = client_partitions(producer->handle, producer->topics[topic], CLIENT_ANSWER_MS,
                                   &count, why);
    while (status == STATUS_RETRY && !client_is_over(patience) &&
           client_now_ms() - now < 5 * CLIENT_ANSWER_MS);
    if (status != STATUS_OK)
        return status;
    producer->partitions[topic] = count;
    producer->asked_ms[topic] = now;
    return STATUS_OK;
}

static void warn(const struct bus_producer *producer, const char *sentence)
{
    enum { WARNING_OF_SYSLOG = 4 };
    const struct bus_settings *settings = producer->client.settings;
    if (settings->log)
        settings->log(settings->context, WARNING_OF_SYSLOG, sentence);
}

/* The number of partitions that records are distributed over. Partitions of partials without a
 * partition of state are not used: one that was added by mistake would take sessions from the
 * reducers with their state, and they could not be joined. */
static enum status ask_width(struct bus_producer *producer, enum bus_topic topic,
                             const struct bus_patience *patience, int32_t *width,
                             struct failure *why)
{
    enum status status = ask_partitions(producer, topic, patience, why);
    *width = producer->partitions[topic];
    if (status != STATUS_OK || topic != BUS_PARTIALS)
        return status;
    uint64_t asked_ms = producer->asked_ms[BUS_STATE];
    status = ask_partitions(producer, BUS_STATE, patience, why);
    if (status == STATUS_REJECT) {
        /* Without the right to see it, assume that it fits. */
        if (asked_ms == 0)
            warn(producer, why->text);
        producer->partitions[BUS_STATE] = INT32_MAX;
        producer->asked_ms[BUS_STATE] = client_now_ms();
        status = STATUS_OK;
    }
    if (status != STATUS_OK)
        return status;
    int32_t state = producer->partitions[BUS_STATE];
    struct failure misfit;
    if (bus_fit_check(producer->client.settings, *width, state, &misfit) == STATUS_OK)
        return STATUS_OK;
    if (asked_ms != producer->asked_ms[BUS_STATE])
        warn(producer, misfit.text);
    *width = state;
    return STATUS_OK;
}

static rd_kafka_headers_t *make_headers(const struct bus_record *record)
{
    if (record->header_count == 0)
        return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; i < record->header_count; i++)
        rd_kafka_header_add(headers, record->headers[i].name, -1, record->headers[i].value.at,
                            (ssize_t)record->headers[i].value.count);
    return headers;
}

/* Whether the producer is unusable: STOP, with the reason. The error of a record is not useful
 * then: it is the cause, or says that the record was dropped. */
static enum status judge_producer(struct bus_producer *producer, struct failure *why)
{
    char text[512];
    if (rd_kafka_fatal_error(producer->handle, text, sizeof text) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return STATUS_OK;
    return fail(why, STATUS_STOP, "%s", text);
}

/* The status for an error code of a record. */
static enum status judge(struct bus_producer *producer, rd_kafka_resp_err_t code, const char *topic,
                         struct failure *why)
{
    enum status status = error_status(code);
    if (status == STATUS_OK || judge_producer(producer, why) == STATUS_STOP)
        return status == STATUS_OK ? STATUS_OK : STATUS_STOP;
    return fail(why, status, "%s: %s", topic, rd_kafka_err2str(code));
}

static const char *topic_of(const struct bus_producer *producer, const struct bus_record *record)
{
    return record->foreign ? record->foreign : producer->topics[record->topic];
}

/* Passes one record to librdkafka, which copies it. */
static enum status produce(struct bus_producer *producer, const struct bus_record *record,
                           struct delivery *delivery, const struct bus_patience *patience,
                           struct failure *why)
{
    int32_t partition = record->foreign ? RD_KAFKA_PARTITION_UA : record->partition, width;
    enum status status = STATUS_OK;
    if (!record->foreign)
        status = ask_width(producer, record->topic, patience, &width, why);
    if (status != STATUS_OK)
        return status;
    if (partition < 0 && !record->foreign)
        partition = bus_partition(record->route, width);
    for (;;) {
        rd_kafka_headers_t *headers = make_headers(record);
        rd_kafka_vu_t arguments[] = {
            {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic_of(producer, record)},
            {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
            {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
            {.vtype = RD_KAFKA_VTYPE_KEY,
             .u.mem = {(void *)(uintptr_t)record->key.at, record->key.count}},
            {.vtype = RD_KAFKA_VTYPE_VALUE,
             .u.mem = {(void *)(uintptr_t)record->value.at, record->value.count}},
            {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = delivery},
            {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers}};
        size_t count = sizeof arguments / sizeof *arguments - (headers == NULL);
        rd_kafka_error_t *error = rd_kafka_produceva(producer->handle, arguments, count);
        if (!error) {
            producer->on_way++;
            return STATUS_OK;
        }
        rd_kafka_resp_err_t code = rd_kafka_error_code(error);
        rd_kafka_error_destroy(error);
        if (headers)
            rd_kafka_headers_destroy(headers); /* it only owns them if it accepts the record */
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return judge(producer, code, topic_of(producer, record), why);
        rd_kafka_poll(producer->handle, 100);
        if (client_is_over(patience))
            return fail(why, STATUS_RETRY, "the send queue is full");
    }
}

enum status bus_deliver(struct bus_producer *producer, const struct bus_record *records,
                        size_t count, uint64_t timeout_ms, const struct bus_patience *patience,
                        struct bus_place *places, struct failure *why)
{
    assert(!producer->transactional);
    struct delivery *deliveries = memory_new(count * sizeof *deliveries);
    uint64_t begin_ms = client_now_ms();
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = produce(producer, &records[i], &deliveries[i], patience, why);
    while (producer->on_way > 0 && status == STATUS_OK) {
        rd_kafka_poll(producer->handle, 100);
        if (client_now_ms() - begin_ms > timeout_ms || client_is_over(patience))
            status = fail(why, STATUS_RETRY, "%zu of %zu records are not delivered yet",
                          producer->on_way, count);
    }
    if (status != STATUS_OK) {
        drop(producer);
        struct failure fatal;
        if (judge_producer(producer, &fatal) == STATUS_STOP) {
            *why = fatal;
            status = STATUS_STOP;
        }
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = judge(producer, deliveries[i].code, topic_of(producer, &records[i]), why);
    for (size_t i = 0; i < count && places; i++)
        places[i] = deliveries[i].place;
    free(deliveries);
    return status;
}

/* --- transactions --- */

/* The status for an error of a transaction; destroys it. */
static enum status judge_step(rd_kafka_error_t *error, const char *step, bool *again,
                              struct failure *why)
{
    *again = false;
    if (!error)
        return STATUS_OK;
    enum status status = STATUS_STOP;
    if (!rd_kafka_error_is_fatal(error)) {
        *again = !rd_kafka_error_txn_requires_abort(error) &&
                 (rd_kafka_error_is_retriable(error) ||
                  rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__TIMED_OUT);
        if (*again || rd_kafka_error_txn_requires_abort(error))
            status = STATUS_RETRY;
    }
    fail(why, status, "%s: %s", step, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return status;
}

static enum status abort_transaction(struct bus_producer *producer,
                                     const struct bus_patience *patience, struct failure *why)
{
    bool again = true;
    enum status status = STATUS_RETRY;
    struct failure reason;
    while (again) {
        rd_kafka_error_t *error;
        CLIENT_LIMITED(&producer->client, CLIENT_GRACE_MS,
                       error = rd_kafka_abort_transaction(producer->handle, STEP_MS));
        status = judge_step(error, "aborting a transaction", &again, &reason);
        if (again && client_is_over(patience))
            return fail(why, STATUS_STOP, "%s", reason.text);
    }
    if (status == STATUS_OK)
        return STATUS_RETRY;
    return fail(why, STATUS_STOP, "%s", reason.text);
}

static enum status send_offsets(struct bus_producer *producer, struct bus_consumer *consumer,
                                const struct bus_offset *offsets, size_t count,
                                const struct bus_patience *patience, struct failure *why)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_t *at =
            rd_kafka_topic_partition_list_add(list, consumer_topic(consumer), offsets[i].partition);
        at->offset = offsets[i].offset;
        if (offsets[i].metadata) {
            at->metadata_size = strlen(offsets[i].metadata);
            at->metadata = strdup(offsets[i].metadata); /* given back with the list */
        }
    }
    rd_kafka_consumer_group_metadata_t *group = consumer_group_metadata(consumer);
    bool again = true;
    enum status status = STATUS_RETRY;
    while (again) {
        rd_kafka_error_t *error;
        CLIENT_LIMITED(
            &producer->client, CLIENT_GRACE_MS,
            error = rd_kafka_send_offsets_to_transaction(producer->handle, list, group, STEP_MS));
        status = judge_step(error, "sending offsets", &again, why);
        if (again && client_is_over(patience))
            break;
    }
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

/* A commit without a response has not failed: it is repeated. */
static enum status commit(struct bus_producer *producer, const struct bus_patience *patience,
                          struct failure *why)
{
    bool again = true;
    enum status status = STATUS_RETRY;
    while (again) {
        rd_kafka_error_t *error;
        CLIENT_LIMITED(&producer->client, CLIENT_GRACE_MS,
                       error = rd_kafka_commit_transaction(producer->handle, STEP_MS));
        status = judge_step(error, "committing a transaction", &again, why);
        if (again && client_is_over(patience))
            return STATUS_STOP; /* unknown whether it is committed: exit; the restart reads it */
    }
    return status;
}

enum status bus_transact(struct bus_producer *producer, const struct bus_record *records,
                         size_t count, struct bus_consumer *consumer,
                         const struct bus_offset *offsets, size_t offset_count,
                         const struct bus_patience *patience, struct failure *why)
{
    assert(producer->transactional);
    bool again;
    rd_kafka_error_t *error;
    CLIENT_LIMITED(&producer->client, CLIENT_GRACE_MS,
                   error = rd_kafka_begin_transaction(producer->handle));
    enum status status = judge_step(error, "beginning a transaction", &again, why);
    if (status != STATUS_OK)
        return STATUS_STOP;
    crash_point("transaction-begun");
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = produce(producer, &records[i], NULL, patience, why);
    crash_point("transaction-sent");
    if (status == STATUS_OK)
        status = send_offsets(producer, consumer, offsets, offset_count, patience, why);
    crash_point("transaction-offsets");
    if (status == STATUS_OK)
        status = commit(producer, patience, why);
    if (status == STATUS_OK) {
        crash_point("transaction-committed");
        return STATUS_OK;
    }
    if (status == STATUS_STOP)
        return status;
    enum status aborted = abort_transaction(producer, patience, why);
    return aborted == STATUS_RETRY ? status : aborted;
}
