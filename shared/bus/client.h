/* bus/client.h -- common code of all librdkafka handles; private to this folder. */
#ifndef BUS_CLIENT_H
#define BUS_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus/consumer.h"
#include "bus/producer.h"
#include "bus/limit.h"
#include "bus/bus_settings.h"
#include "bus/error_status.h"

/* A role's default, which the user's settings override; a NULL key ends the list. */
struct client_default {
    const char *key, *value;
};

/* Timeout of a query to the broker, after which it is repeated. */
enum { CLIENT_ANSWER_MS = 1000, CLIENT_QUESTIONS = 10 };

/* Limits for calls that have no timeout or may exceed it: beyond them, the process ends
 * (bus/limit.h). */
enum { CLIENT_LIMIT_MS = 10000, CLIENT_GRACE_MS = 15000 };

/* Log destination and time limit of a handle; `settings` must outlive it. */
struct client {
    const struct bus_settings *settings;
    struct limit *limit;
};

/* Clear `client` after its handle is destroyed. */
void client_init(struct client *client, const struct bus_settings *settings);
void client_clear(struct client *client);
/* Destroys the handle (NULL is fine), and clears the client. With `unclosed`, without leaving the
 * group. */
void client_destroy(struct client *client, rd_kafka_t *handle, bool unclosed);

/* `call` with a limit: `ms` plus the call's own timeout. */
#define CLIENT_LIMITED(client, ms, call)                                                           \
    do {                                                                                           \
        limit_begin((client)->limit, #call, (ms));                                                 \
        call;                                                                                      \
        limit_end((client)->limit);                                                                \
    } while (0)

/* A configuration with the role's defaults and the user's settings. REJECT: one is refused. */
MUST_CHECK enum status client_conf(const struct bus_settings *settings,
                                   const struct client_default *defaults, rd_kafka_conf_t **out,
                                   struct failure *why);
/* REJECT: spanmill must set it itself; `why` has the reason and the source of the setting. */
MUST_CHECK enum status settings_check_pair(const struct bus_pair *pair, struct failure *why);
/* Creates the handle; owns `conf` in any case. `opaque` is passed to callbacks: its first member
 * must be a struct client. */
MUST_CHECK enum status client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, void *opaque,
                                  rd_kafka_t **out, struct failure *why);

/* RETRY with the code's text; STOP if it is permanent. */
enum status client_fail(rd_kafka_resp_err_t code, const char *what, struct failure *why);
/* Fills `out` from `message`, which is borrowed. */
void client_message(const rd_kafka_message_t *message, struct bus_message *out);
struct bytes client_header(const rd_kafka_message_t *message, const char *name);

/* Waits up to `timeout_ms` for the next message or event; NULL: timeout. `*taken`: whether records
 * were taken since the prefetch queue was last empty; initially false.
 *
 * If its prefetch limits are reached, librdkafka only checks once a second whether records were
 * taken (from 2.2 on, fetch.queue.backoff.ms sets how often). With small limits and short work,
 * almost all time would be spent waiting: so when the queue is empty, this call makes it check at
 * once. */
rd_kafka_message_t *client_poll(rd_kafka_t *handle, int timeout_ms, bool *taken);

/* The number of partitions of a topic. RETRY: no response within `timeout_ms`. REJECT: no such
 * topic, or no right to see it. */
MUST_CHECK enum status client_partitions(rd_kafka_t *handle, const char *topic, int timeout_ms,
                                         int32_t *count, struct failure *why);

/* Also the replication factor. */
MUST_CHECK enum status client_topic(rd_kafka_t *handle, const char *topic, int timeout_ms,
                                    int32_t *count, int *replication, struct failure *why);

bool client_is_over(const struct bus_patience *patience);
uint64_t client_now_ms(void);

/* Of a consumer's group, for transactions; owned by the caller. */
rd_kafka_consumer_group_metadata_t *consumer_group_metadata(struct bus_consumer *consumer);
const char *consumer_topic(const struct bus_consumer *consumer);

#endif
