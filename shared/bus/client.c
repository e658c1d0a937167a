#include "bus/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

/* Time limit of a query that only wakes threads. */
enum { WAKE_MS = 100 };

static enum status set(rd_kafka_conf_t *conf, const char *key, const char *value,
                       const char *source, struct failure *why)
{
    char error[256];
    if (rd_kafka_conf_set(conf, key, value, error, sizeof error) == RD_KAFKA_CONF_OK)
        return STATUS_OK;
    return fail(why, STATUS_REJECT, "%s%s%s", source ? source : "", source ? ": " : "", error);
}

static void log_line(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
    const struct client *log = rd_kafka_opaque(handle);
    /* The same settings are used for consumers and producers. */
    if (strcmp(facility, "CONFWARN") == 0 && strstr(text, "will be ignored by this"))
        return;
    /* A login that ends with the client is no failure. */
    if (strcmp(facility, "FAIL") == 0 && strstr(text, rd_kafka_err2str(RD_KAFKA_RESP_ERR__DESTROY)))
        return;
    if (!log || !log->settings->log) {
        fprintf(stderr, "librdkafka: %s: %s\n", facility, text);
        return;
    }
    char *line = memory_format("%s: %s", facility, text);
    log->settings->log(log->settings->context, level, line);
    free(line);
}

enum status client_conf(const struct bus_settings *settings, const struct client_default *defaults,
                        rd_kafka_conf_t **out, struct failure *why)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, log_line);
    enum status status = bus_brokers_check(settings->brokers, why);
    if (status == STATUS_OK)
        status = set(conf, "bootstrap.servers", settings->brokers, NULL, why);
    /* Producers, and queries by one, would create missing topics, with one partition and the
     * brokers' default settings. */
    if (status == STATUS_OK)
        status = set(conf, "allow.auto.create.topics", "false", NULL, why);
    for (const struct client_default *at = defaults; at->key && status == STATUS_OK; at++)
        status = set(conf, at->key, at->value, NULL, why);
    for (size_t i = 0; i < settings->pair_count && status == STATUS_OK; i++) {
        const struct bus_pair *pair = &settings->pairs[i];
        status = settings_check_pair(pair, why);
        if (status == STATUS_OK)
            status = set(conf, pair->key, pair->value, pair->source, why);
    }
    if (status == STATUS_OK)
        *out = conf;
    else
        rd_kafka_conf_destroy(conf);
    return status;
}

enum status client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, void *opaque, rd_kafka_t **out,
                       struct failure *why)
{
    char error[512];
    rd_kafka_conf_set_opaque(conf, opaque);
    *out = rd_kafka_new(type, conf, error, sizeof error);
    if (*out)
        return STATUS_OK;
    rd_kafka_conf_destroy(conf); /* it is only consumed on success */
    return fail(why, STATUS_REJECT, "%s", error);
}

enum status bus_settings_check(const struct bus_settings *settings, struct failure *why)
{
    static const struct client_default none[] = {{NULL, NULL}};
    rd_kafka_conf_t *conf;
    enum status status = client_conf(settings, none, &conf, why);
    if (status == STATUS_OK)
        rd_kafka_conf_destroy(conf);
    return status;
}

enum status client_fail(rd_kafka_resp_err_t code, const char *what, struct failure *why)
{
    enum status status = error_status(code);
    bool passes = status == STATUS_RETRY || status == STATUS_END;
    return fail(why, passes ? STATUS_RETRY : STATUS_STOP, "%s: %s", what, rd_kafka_err2str(code));
}

void client_init(struct client *client, const struct bus_settings *settings)
{
    *client = (struct client){settings, limit_new(settings)};
}

void client_clear(struct client *client)
{
    limit_free(client->limit);
    client->limit = NULL;
}

void client_destroy(struct client *client, rd_kafka_t *handle, bool unclosed)
{
    if (handle && unclosed)
        CLIENT_LIMITED(client, CLIENT_LIMIT_MS,
                       rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE));
    else if (handle)
        CLIENT_LIMITED(client, CLIENT_LIMIT_MS, rd_kafka_destroy(handle));
    client_clear(client);
}

/* Queries the leaders of all partitions: sending it wakes the fetcher threads. The response is
 * ignored. */
static void wake(rd_kafka_t *handle)
{
    rd_kafka_topic_partition_list_t *list;
    if (rd_kafka_assignment(handle, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
    if (list->cnt > 0)
        rd_kafka_offsets_for_times(handle, list, WAKE_MS);
    rd_kafka_topic_partition_list_destroy(list);
}

rd_kafka_message_t *client_poll(rd_kafka_t *handle, int timeout_ms, bool *taken)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(handle, 0);
    if (!message && timeout_ms > 0) {
        if (*taken)
            wake(handle);
        *taken = false;
        message = rd_kafka_consumer_poll(handle, timeout_ms);
    }
    if (message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        *taken = true;
    return message;
}

void client_message(const rd_kafka_message_t *message, struct bus_message *out)
{
    rd_kafka_timestamp_type_t type;
    *out = (struct bus_message){
        .partition = message->partition,
        .offset = message->offset,
        .time_ms = rd_kafka_message_timestamp(message, &type),
        .key = {message->key, message->key_len},
        .value = {message->payload, message->len},
        .end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF,
    };
    if (out->end) {
        /* The payload is an error message then. */
        out->value = (struct bytes){NULL, 0};
        out->key = (struct text){NULL, 0};
    }
}

struct bytes client_header(const rd_kafka_message_t *message, const char *name)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    if (!message || rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return (struct bytes){NULL, 0};
    return (struct bytes){value, size};
}

enum status client_partitions(rd_kafka_t *handle, const char *topic, int timeout_ms, int32_t *count,
                              struct failure *why)
{
    int replication;
    return client_topic(handle, topic, timeout_ms, count, &replication, why);
}

enum status client_topic(rd_kafka_t *handle, const char *topic, int timeout_ms, int32_t *count,
                         int *replication, struct failure *why)
{
    rd_kafka_topic_t *of = rd_kafka_topic_new(handle, topic, NULL);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(handle, 0, of, &metadata, timeout_ms);
    rd_kafka_topic_destroy(of);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return client_fail(code, topic, why);
    *count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
    *replication = *count > 0 ? metadata->topics[0].partitions[0].replica_cnt : 0;
    code = metadata->topic_cnt == 1 ? metadata->topics[0].err
                                    : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    rd_kafka_metadata_destroy(metadata);
    if (verdict_is_missing(code))
        return fail(why, STATUS_REJECT, "topic %s does not exist (see spanmill topics create)",
                    topic);
    if (error_status(code) == STATUS_REJECT)
        return fail(why, STATUS_REJECT, "%s: %s", topic, rd_kafka_err2str(code));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || *count <= 0)
        return client_fail(code, topic, why);
    return STATUS_OK;
}

bool client_is_over(const struct bus_patience *patience)
{
    return patience && patience->over && patience->over(patience->context);
}

uint64_t client_now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}
