/* bus/client.h -- what all handles of librdkafka have in common; for this folder alone. */
#ifndef BUS_CLIENT_H
#define BUS_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus/consumer.h"
#include "bus/producer.h"
#include "bus/limit.h"
#include "bus/bus_settings.h"
#include "bus/verdict.h"

/* Of a role, before the user's; ended by a NULL key. */
struct client_default {
    const char *key, *value;
};

/* The broker's answer to a question is waited for this long, then asked for again. */
enum { CLIENT_ANSWER_MS = 1000, CLIENT_QUESTIONS = 10 };

/* The most that calls take which have no time-out, or may not keep theirs: beyond it the process
 * ends (bus/limit.h). */
enum { CLIENT_LIMIT_MS = 10000, CLIENT_GRACE_MS = 15000 };

/* Where librdkafka's log lines of a handle go, and what ends its calls; `settings` must outlive
 * it. */
struct client {
    const struct bus_settings *settings;
    struct limit *limit;
};

/* `client` with the settings, to be cleared when the handle is gone. */
void client_init(struct client *client, const struct bus_settings *settings);
void client_clear(struct client *client);
/* Destroys the handle (NULL is fine), and clears the client. With `unclosed`, without leaving the
 * group. */
void client_destroy(struct client *client, rd_kafka_t *handle, bool unclosed);

/* `call` with an end: `ms` on top of what it says itself. */
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
/* REJECT: one that spanmill has to set itself; `why` says for what, and where it comes from. */
MUST_CHECK enum status settings_check_pair(const struct bus_pair *pair, struct failure *why);
/* Makes the handle; takes `conf` in any case. `opaque` is given to callbacks: its first member
 * must be a struct client. */
MUST_CHECK enum status client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, void *opaque,
                                  rd_kafka_t **out, struct failure *why);

/* RETRY with the code's text; STOP if it is permanent. */
enum status client_fail(rd_kafka_resp_err_t code, const char *what, struct failure *why);
/* Fills `out` from `message`, which stays whose it was. */
void client_message(const rd_kafka_message_t *message, struct bus_message *out);
struct bytes client_header(const rd_kafka_message_t *message, const char *name);

/* The next message or event, waited for up to `timeout_ms`; NULL: nothing came. `*taken`: whether
 * records were taken since all that had been fetched was taken last; it begins as false.
 *
 * At its limits of what is fetched ahead, librdkafka looks only once a second whether records were
 * taken since (from 2.2 on, fetch.queue.backoff.ms says how often). With small limits and short work
 * nearly all time would be spent waiting: so when nothing is left, it is made to look at once. */
rd_kafka_message_t *client_poll(rd_kafka_t *handle, int timeout_ms, bool *taken);

/* How many partitions a topic has. RETRY: no answer within `timeout_ms`. REJECT: there is no such
 * topic, or it must not be seen. */
MUST_CHECK enum status client_partitions(rd_kafka_t *handle, const char *topic, int timeout_ms,
                                         int32_t *count, struct failure *why);

/* Also how often it is replicated. */
MUST_CHECK enum status client_topic(rd_kafka_t *handle, const char *topic, int timeout_ms,
                                    int32_t *count, int *replication, struct failure *why);

bool client_is_over(const struct bus_patience *patience);
uint64_t client_now_ms(void);

/* Of a consumer's group, for transactions; owned by the caller. */
rd_kafka_consumer_group_metadata_t *consumer_group_metadata(struct bus_consumer *consumer);
const char *consumer_topic(const struct bus_consumer *consumer);

#endif
