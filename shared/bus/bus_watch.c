#include "bus/bus_watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "bus/client.h"

struct bus_watch {
    struct client client;
    struct bus_settings quiet; /* without log: the other handles report errors */
    struct bus_watch_options options;
    rd_kafka_t *handle;
    rd_kafka_topic_t *topic;
    pthread_t thread;
    pthread_mutex_t lock; /* of stop */
    pthread_cond_t wake;
    bool stop;
    _Atomic(const char *) error; /* of the last query; NULL: it was answered */
    _Atomic uint64_t answered_ms;
};

static void log_nothing(void *context, int level, const char *text)
{
    (void)context, (void)level, (void)text;
}

/* Queries one topic; without a topic it would query all. That it does not exist, or is not visible,
 * is an answer, too. */
static void ask(struct bus_watch *watch)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(watch->handle, 0, watch->topic, &metadata, CLIENT_ANSWER_MS);
    const char *before = atomic_load(&watch->error);
    uint64_t away_ms = client_now_ms() - atomic_load(&watch->answered_ms);
    const char *error = code == RD_KAFKA_RESP_ERR_NO_ERROR ? NULL : rd_kafka_err2str(code);
    if (!error) {
        rd_kafka_metadata_destroy(metadata);
        atomic_store(&watch->answered_ms, client_now_ms());
    }
    atomic_store(&watch->error, error);
    if (!before != !error)
        watch->options.changed(watch->options.context, error, away_ms);
}

static void *run(void *context)
{
    struct bus_watch *watch = context;
    pthread_mutex_lock(&watch->lock);
    while (!watch->stop) {
        pthread_mutex_unlock(&watch->lock);
        ask(watch);
        struct timespec until = clock_deadline(watch->options.every_ms);
        pthread_mutex_lock(&watch->lock);
        while (!watch->stop && pthread_cond_timedwait(&watch->wake, &watch->lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

static enum status open_handle(struct bus_watch *watch, struct failure *why)
{
    static const struct client_default none[] = {{NULL, NULL}};
    rd_kafka_conf_t *conf;
    enum status status = client_conf(&watch->quiet, none, &conf, why);
    if (status == STATUS_OK)
        status = client_new(RD_KAFKA_PRODUCER, conf, watch, &watch->handle, why);
    if (status != STATUS_OK)
        return status;
    char name[BUS_NAME_MAX];
    bus_topic_name(&watch->quiet, BUS_CHUNKS, name);
    watch->topic = rd_kafka_topic_new(watch->handle, name, NULL);
    return watch->topic
               ? STATUS_OK
               : fail(why, STATUS_STOP, "%s: %s", name, rd_kafka_err2str(rd_kafka_last_error()));
}

static void close_handle(struct bus_watch *watch)
{
    if (watch->topic)
        rd_kafka_topic_destroy(watch->topic);
    client_destroy(&watch->client, watch->handle, false);
    free(watch);
}

static void init_wake(pthread_cond_t *wake)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

enum status bus_watch_new(const struct bus_watch_options *options, struct bus_watch **out,
                          struct failure *why)
{
    *out = NULL;
    struct bus_watch *watch = memory_new(sizeof *watch);
    watch->options = *options;
    watch->quiet = *options->bus;
    watch->quiet.log = log_nothing;
    client_init(&watch->client, options->bus);
    atomic_store(&watch->answered_ms, client_now_ms());
    enum status status = open_handle(watch, why);
    if (status != STATUS_OK) {
        close_handle(watch);
        return status;
    }
    pthread_mutex_init(&watch->lock, NULL);
    init_wake(&watch->wake);
    if (pthread_create(&watch->thread, NULL, run, watch) != 0) {
        close_handle(watch);
        return fail(why, STATUS_STOP, "cannot start the thread that monitors the brokers");
    }
    *out = watch;
    return STATUS_OK;
}

void bus_watch_free(struct bus_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->stop = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->lock);
    close_handle(watch);
}

uint64_t bus_watch_away_ms(const struct bus_watch *watch, const char **why)
{
    *why = atomic_load(&watch->error);
    uint64_t now_ms = client_now_ms(), answered_ms = atomic_load(&watch->answered_ms);
    return *why && now_ms > answered_ms ? now_ms - answered_ms : 0;
}
