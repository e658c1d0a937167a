#include "bus/consumer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bus/client.h"

/* Time limits: for leaving a group; after which a missing topic counts as deleted. */
enum { CLOSE_MS = 5000, GONE_MS = 4000 };

/* Time limit for querying the ends of partitions. */
enum { UNREAD_MS = 500 };

struct bus_consumer {
    struct client client;
    rd_kafka_t *handle;
    struct bus_rebalance rebalance;
    char topic[BUS_NAME_MAX];
    rd_kafka_message_t *last;
    pthread_mutex_t lock; /* of the owned partitions: other threads may query the unread records */
    int32_t *owned;
    int64_t *next; /* by index in `owned`: the offset after the last returned record; -1: unknown */
    size_t owned_count, owned_room, next_room;
    int32_t *left; /* assigned, but skipped by the owner */
    size_t left_count, left_room;
    bool paused, closing, taken;
    bool was_there;     /* the topic exists: partitions of it were assigned */
    uint64_t gone_ms;   /* since when it is reported missing; 0: it is not */
    uint64_t looked_ms; /* time of the last query about it */
};

/* --- rebalances --- */

static rd_kafka_topic_partition_list_t *owned_list(const struct bus_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)consumer->owned_count);
    for (size_t i = 0; i < consumer->owned_count; i++)
        rd_kafka_topic_partition_list_add(list, consumer->topic, consumer->owned[i]);
    return list;
}

static void own(struct bus_consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
    pthread_mutex_lock(&consumer->lock);
    size_t count = (size_t)list->cnt;
    consumer->owned =
        memory_grow(consumer->owned, &consumer->owned_room, count + 1, sizeof *consumer->owned);
    consumer->next =
        memory_grow(consumer->next, &consumer->next_room, count + 1, sizeof *consumer->next);
    for (size_t i = 0; i < count; i++) {
        consumer->owned[i] = list->elems[i].partition;
        consumer->next[i] = -1;
    }
    consumer->owned_count = count;
    consumer->was_there |= count > 0;
    pthread_mutex_unlock(&consumer->lock);
}

static void own_none(struct bus_consumer *consumer)
{
    pthread_mutex_lock(&consumer->lock);
    consumer->owned_count = 0;
    pthread_mutex_unlock(&consumer->lock);
}

static void set_next(struct bus_consumer *consumer, int32_t partition, int64_t offset)
{
    pthread_mutex_lock(&consumer->lock);
    for (size_t i = 0; i < consumer->owned_count; i++)
        if (consumer->owned[i] == partition)
            consumer->next[i] = offset >= 0 ? offset : -1;
    pthread_mutex_unlock(&consumer->lock);
}

static void say(const struct bus_consumer *consumer, const char *sentence)
{
    if (consumer->rebalance.say)
        consumer->rebalance.say(consumer->rebalance.context, sentence);
}

/* Partitions without an offset begin at the committed one, or else at the beginning. All are
 * queried at once: each query may have to wait for an open transaction. */
static void find_begins(struct bus_consumer *consumer, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_new(list->cnt);
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].offset == BUS_OFFSET_NONE)
            rd_kafka_topic_partition_list_add(asked, consumer->topic, list->elems[i].partition);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (int i = 0; i < CLIENT_QUESTIONS && code != RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        code = asked->cnt == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR
                               : rd_kafka_committed(consumer->handle, asked, CLIENT_ANSWER_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        say(consumer, rd_kafka_err2str(code));
    for (int i = 0; i < asked->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &asked->elems[i];
        /* Without an answer now, librdkafka determines it. */
        int64_t begin = RD_KAFKA_OFFSET_STORED;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && at->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            begin = at->offset >= 0 ? at->offset : RD_KAFKA_OFFSET_BEGINNING;
        rd_kafka_topic_partition_list_find(list, consumer->topic, at->partition)->offset = begin;
    }
    rd_kafka_topic_partition_list_destroy(asked);
    for (int i = 0; i < list->cnt; i++)
        set_next(consumer, list->elems[i].partition, list->elems[i].offset);
}

/* Sets the partitions to read. */
static void give_assignment(struct bus_consumer *consumer,
                            const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code;
    CLIENT_LIMITED(&consumer->client, CLIENT_LIMIT_MS,
                   code = rd_kafka_assign(consumer->handle, list));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        say(consumer, "a partition assignment was refused");
    if (consumer->paused && list)
        rd_kafka_pause_partitions(consumer->handle,
                                  (rd_kafka_topic_partition_list_t *)(uintptr_t)list);
}

/* Adds the partition to `taken`, unless its owner skips it. */
static void take_or_leave(struct bus_consumer *consumer, int32_t partition,
                          rd_kafka_topic_partition_list_t *taken)
{
    int64_t offset = BUS_OFFSET_NONE;
    if (consumer->rebalance.assigned)
        offset = consumer->rebalance.assigned(consumer->rebalance.context, partition);
    if (offset != BUS_OFFSET_LEAVE) {
        rd_kafka_topic_partition_list_add(taken, consumer->topic, partition)->offset = offset;
        return;
    }
    consumer->left = memory_grow(consumer->left, &consumer->left_room, consumer->left_count + 1,
                                 sizeof *consumer->left);
    consumer->left[consumer->left_count++] = partition;
}

/* `list`, with offsets or BUS_OFFSET_NONE, becomes the assignment. */
static void read_from_now(struct bus_consumer *consumer, rd_kafka_topic_partition_list_t *list)
{
    own(consumer, list);
    find_begins(consumer, list);
    give_assignment(consumer, list);
}

static void assign(struct bus_consumer *consumer, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *taken = rd_kafka_topic_partition_list_new(list->cnt);
    consumer->left_count = 0;
    for (int i = 0; i < list->cnt; i++)
        take_or_leave(consumer, list->elems[i].partition, taken);
    read_from_now(consumer, taken);
    rd_kafka_topic_partition_list_destroy(taken);
}

/* The owned partitions, each with its next offset. */
static rd_kafka_topic_partition_list_t *current_list(struct bus_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *list = owned_list(consumer);
    rd_kafka_resp_err_t code;
    CLIENT_LIMITED(&consumer->client, CLIENT_LIMIT_MS,
                   code = rd_kafka_position(consumer->handle, list));
    for (int i = 0; i < list->cnt; i++)
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR || list->elems[i].offset < 0)
            list->elems[i].offset = BUS_OFFSET_NONE;
    return list;
}

void bus_consumer_ask_left(struct bus_consumer *consumer)
{
    size_t count = consumer->left_count;
    if (count == 0)
        return;
    rd_kafka_topic_partition_list_t *list = current_list(consumer);
    int32_t *left = memory_new(count * sizeof *left);
    memcpy(left, consumer->left, count * sizeof *left);
    consumer->left_count = 0;
    for (size_t i = 0; i < count; i++)
        take_or_leave(consumer, left[i], list);
    if (consumer->left_count < count)
        read_from_now(consumer, list);
    free(left);
    rd_kafka_topic_partition_list_destroy(list);
}

static void revoke(struct bus_consumer *consumer)
{
    bool lost = rd_kafka_assignment_lost(consumer->handle);
    /* A partition stays paused when it is revoked, and when it is assigned again, and would never
     * be resumed. */
    if (consumer->paused && consumer->owned_count > 0) {
        rd_kafka_topic_partition_list_t *list = owned_list(consumer);
        rd_kafka_resume_partitions(consumer->handle, list);
        rd_kafka_topic_partition_list_destroy(list);
    }
    own_none(consumer);
    consumer->left_count = 0;
    if (consumer->rebalance.revoked)
        consumer->rebalance.revoked(consumer->rebalance.context, lost);
    give_assignment(consumer, NULL);
}

static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    (void)handle;
    struct bus_consumer *consumer = opaque;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !consumer->closing)
        assign(consumer, list);
    else
        revoke(consumer);
}

/* --- creation --- */

enum status bus_consumer_new(const struct bus_settings *settings,
                             const struct bus_consumer_options *options, struct bus_consumer **out,
                             struct failure *why)
{
    *out = NULL;
    char group[BUS_NAME_MAX];
    bus_group_name(settings, options->role, group);
    /* The consumer pauses during long work on a record, which discards prefetched records: prefetch
     * little. */
    const struct client_default defaults[] = {
        {"group.id", group},
        {"partition.assignment.strategy", "range"},
        {"isolation.level", "read_committed"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"},
        {"enable.partition.eof", "true"},
        {"max.poll.interval.ms", "600000"},
        {"session.timeout.ms", "10000"},
        {"fetch.wait.max.ms", "50"},
        {"fetch.message.max.bytes", "1048576"},
        {"queued.min.messages", options->long_work ? "16" : "1000"},
        {"queued.max.messages.kbytes", options->long_work ? "16384" : "32768"},
        {options->instance ? "group.instance.id" : NULL, options->instance},
        {NULL, NULL}};
    rd_kafka_conf_t *conf;
    enum status status = client_conf(settings, defaults, &conf, why);
    if (status != STATUS_OK)
        return status;
    struct bus_consumer *consumer = memory_new(sizeof *consumer);
    pthread_mutex_init(&consumer->lock, NULL);
    client_init(&consumer->client, settings);
    consumer->rebalance = options->rebalance;
    bus_topic_name(settings, options->topic, consumer->topic);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    status = client_new(RD_KAFKA_CONSUMER, conf, consumer, &consumer->handle, why);
    if (status != STATUS_OK) {
        client_clear(&consumer->client);
        pthread_mutex_destroy(&consumer->lock);
        free(consumer);
        return status;
    }
    rd_kafka_poll_set_consumer(consumer->handle);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, consumer->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code;
    CLIENT_LIMITED(&consumer->client, CLIENT_LIMIT_MS,
                   code = rd_kafka_subscribe(consumer->handle, topics));
    rd_kafka_topic_partition_list_destroy(topics);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        bus_consumer_free(consumer);
        return fail(why, STATUS_REJECT, "subscribing to %s: %s", consumer->topic,
                    rd_kafka_err2str(code));
    }
    *out = consumer;
    return STATUS_OK;
}

static void give_back(struct bus_consumer *consumer)
{
    if (consumer->last)
        rd_kafka_message_destroy(consumer->last);
    consumer->last = NULL;
}

/* Leaves the group; false on timeout: a hanging broker would block it for as long. */
static bool close_group(struct bus_consumer *consumer)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer->handle);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(consumer->handle, queue);
    uint64_t begin_ms = client_now_ms();
    if (error)
        rd_kafka_error_destroy(error);
    while (!rd_kafka_consumer_closed(consumer->handle) && client_now_ms() - begin_ms < CLOSE_MS) {
        /* Not rd_kafka_queue_poll_callback(): it crashes on an operation without a callback. */
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20);
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
            revoke(consumer);
        rd_kafka_event_destroy(event); /* NULL is fine, above, too */
    }
    rd_kafka_queue_destroy(queue);
    return rd_kafka_consumer_closed(consumer->handle);
}

void bus_consumer_free(struct bus_consumer *consumer)
{
    if (!consumer)
        return;
    consumer->closing = true;
    give_back(consumer);
    bool closed = close_group(consumer);
    client_destroy(&consumer->client, consumer->handle, !closed);
    pthread_mutex_destroy(&consumer->lock);
    free(consumer->owned);
    free(consumer->next);
    free(consumer->left);
    free(consumer);
}

/* --- reading --- */

/* The offset to read is out of range, deleted by retention. Continues at the first existing record.
 * A partition in error does not accept a seek, so all are assigned again. */
static void reset(struct bus_consumer *consumer, int32_t partition)
{
    rd_kafka_topic_partition_list_t *list = current_list(consumer);
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].partition == partition)
            list->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
    find_begins(consumer, list);
    char *sentence = memory_format("partition %d: the offset to read from was deleted and records "
                                   "are lost; continuing at the first available record",
                                   (int)partition);
    say(consumer, sentence);
    free(sentence);
    give_assignment(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static enum status note_missing(struct bus_consumer *consumer, const char *sentence)
{
    if (consumer->gone_ms == 0) {
        say(consumer, sentence);
        consumer->gone_ms = consumer->looked_ms = client_now_ms();
    }
    return STATUS_END;
}

/* Waits for a topic that does not exist yet. One that existed counts as deleted if it is missing
 * for a while: restarted brokers may not know it at once. */
static enum status look_whether_gone(struct bus_consumer *consumer, struct failure *why)
{
    uint64_t now_ms = client_now_ms();
    if (consumer->gone_ms == 0 || now_ms - consumer->looked_ms < CLIENT_ANSWER_MS)
        return STATUS_OK;
    int32_t count;
    struct failure reason;
    enum status status =
        client_partitions(consumer->handle, consumer->topic, CLIENT_ANSWER_MS, &count, &reason);
    consumer->looked_ms = client_now_ms();
    if (status == STATUS_OK || !consumer->was_there)
        consumer->gone_ms = 0;
    else if (status == STATUS_REJECT && now_ms - consumer->gone_ms >= GONE_MS)
        return fail(why, STATUS_STOP, "%s; it existed before", reason.text);
    return STATUS_OK;
}

/* Not a record: OK if the caller gets it (an end), END if not. */
static enum status take_error(struct bus_consumer *consumer, rd_kafka_message_t *message,
                              struct failure *why)
{
    char text[512];
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return STATUS_OK;
    if (verdict_is_missing(message->err))
        return note_missing(consumer, rd_kafka_message_errstr(message));
    switch (error_status(message->err)) {
    case STATUS_END: reset(consumer, message->partition); return STATUS_END;
    case STATUS_REJECT:
        return fail(why, STATUS_STOP, "%s: %s", consumer->topic, rd_kafka_message_errstr(message));
    case STATUS_STOP:
        if (!rd_kafka_fatal_error(consumer->handle, text, sizeof text))
            snprintf(text, sizeof text, "%s", rd_kafka_message_errstr(message));
        return fail(why, STATUS_STOP, "%s", text);
    case STATUS_OK:
    case STATUS_RETRY: break;
    }
    say(consumer, rd_kafka_message_errstr(message));
    return STATUS_END;
}

enum status bus_consumer_poll(struct bus_consumer *consumer, int timeout_ms,
                              struct bus_message *out, struct failure *why)
{
    give_back(consumer);
    enum status status = look_whether_gone(consumer, why);
    if (status != STATUS_OK)
        return status;
    rd_kafka_message_t *message = client_poll(consumer->handle, timeout_ms, &consumer->taken);
    if (!message)
        return STATUS_END;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        status = take_error(consumer, message, why);
    if (status != STATUS_OK) {
        rd_kafka_message_destroy(message);
        return status;
    }
    consumer->last = message;
    client_message(message, out);
    set_next(consumer, out->partition, out->end ? out->offset : out->offset + 1);
    return STATUS_OK;
}

static void pause_or_resume(struct bus_consumer *consumer, bool pause)
{
    if (consumer->paused == pause)
        return;
    consumer->paused = pause;
    if (consumer->owned_count == 0)
        return;
    rd_kafka_topic_partition_list_t *list = owned_list(consumer);
    if (pause)
        rd_kafka_pause_partitions(consumer->handle, list);
    else
        rd_kafka_resume_partitions(consumer->handle, list);
    rd_kafka_topic_partition_list_destroy(list);
}

void bus_consumer_pause(struct bus_consumer *consumer)
{
    pause_or_resume(consumer, true);
}

void bus_consumer_resume(struct bus_consumer *consumer)
{
    pause_or_resume(consumer, false);
}

enum status bus_consumer_seek(struct bus_consumer *consumer, int32_t partition, int64_t offset,
                              struct failure *why)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, consumer->topic, partition)->offset = offset;
    /* Before 2.1.0, it divides the timeout by 1000. */
    int seek_ms = rd_kafka_version() < 0x02010000 ? 1000 * CLIENT_LIMIT_MS : CLIENT_LIMIT_MS;
    rd_kafka_error_t *error;
    CLIENT_LIMITED(&consumer->client, CLIENT_GRACE_MS,
                   error = rd_kafka_seek_partitions(consumer->handle, list, seek_ms));
    rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : list->elems[0].err;
    if (error)
        rd_kafka_error_destroy(error);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        set_next(consumer, partition, offset);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? STATUS_OK : client_fail(code, "seeking", why);
}

bool bus_consumer_owns(const struct bus_consumer *consumer, int32_t partition)
{
    for (size_t i = 0; i < consumer->owned_count; i++)
        if (consumer->owned[i] == partition)
            return true;
    return false;
}

const int32_t *bus_consumer_owned(const struct bus_consumer *consumer, size_t *count)
{
    *count = consumer->owned_count;
    return consumer->owned;
}

/* --- offsets --- */

enum status bus_consumer_committed(struct bus_consumer *consumer, int32_t partition,
                                   int64_t *offset, char metadata[BUS_METADATA_MAX],
                                   struct failure *why)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *at =
        rd_kafka_topic_partition_list_add(list, consumer->topic, partition);
    rd_kafka_resp_err_t code;
    CLIENT_LIMITED(&consumer->client, CLIENT_GRACE_MS,
                   code = rd_kafka_committed(consumer->handle, list, CLIENT_ANSWER_MS));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = at->err;
    *offset = at->offset >= 0 ? at->offset : BUS_OFFSET_NONE;
    metadata[0] = '\0';
    if (at->metadata)
        snprintf(metadata, BUS_METADATA_MAX, "%.*s", (int)at->metadata_size,
                 (const char *)at->metadata);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? STATUS_OK
                                              : client_fail(code, "committed offset", why);
}

enum status bus_consumer_commit(struct bus_consumer *consumer, const struct bus_offset *offset,
                                struct failure *why)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *at =
        rd_kafka_topic_partition_list_add(list, consumer->topic, offset->partition);
    at->offset = offset->offset;
    if (offset->metadata) {
        at->metadata_size = strlen(offset->metadata);
        at->metadata = strdup(offset->metadata); /* freed with the list */
    }
    /* rd_kafka_commit() waits forever without a broker; with a queue, it does not. */
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer->handle);
    rd_kafka_resp_err_t code = rd_kafka_commit_queue(consumer->handle, list, queue, NULL, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_event_t *event = code == RD_KAFKA_RESP_ERR_NO_ERROR
                                  ? rd_kafka_queue_poll(queue, 5 * CLIENT_ANSWER_MS)
                                  : NULL;
    if (event) {
        code = rd_kafka_event_error(event);
        const rd_kafka_topic_partition_list_t *done = rd_kafka_event_topic_partition_list(event);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && done && done->cnt > 0)
            code = done->elems[0].err;
        rd_kafka_event_destroy(event);
    } else if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    rd_kafka_queue_destroy(queue);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? STATUS_OK
                                              : client_fail(code, "committing an offset", why);
}

/* The owned partitions, each with the next offset to read; the caller frees the list. */
static rd_kafka_topic_partition_list_t *positions(struct bus_consumer *consumer)
{
    pthread_mutex_lock(&consumer->lock);
    rd_kafka_topic_partition_list_t *list = owned_list(consumer);
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = consumer->next[i];
    pthread_mutex_unlock(&consumer->lock);
    return list;
}

/* The ends of partitions according to the brokers, in a list like `list`; NULL without an answer. A
 * paused partition is not fetched, so its end would stay unknown. */
static rd_kafka_topic_partition_list_t *ask_ends(struct bus_consumer *consumer,
                                                 const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_copy(list);
    for (int i = 0; i < ends->cnt; i++)
        ends->elems[i].offset = RD_KAFKA_OFFSET_END;
    if (ends->cnt > 0 &&
        rd_kafka_offsets_for_times(consumer->handle, ends, UNREAD_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return ends;
    rd_kafka_topic_partition_list_destroy(ends);
    return NULL;
}

int64_t bus_consumer_unread(struct bus_consumer *consumer, bool ask, size_t *partitions)
{
    rd_kafka_topic_partition_list_t *list = positions(consumer);
    rd_kafka_topic_partition_list_t *ends = ask ? ask_ends(consumer, list) : NULL;
    int64_t unread = 0;
    *partitions = (size_t)list->cnt;
    for (int i = 0; i < list->cnt; i++) {
        int64_t next = list->elems[i].offset, first = -1, end = -1;
        int32_t partition = list->elems[i].partition;
        rd_kafka_get_watermark_offsets(consumer->handle, consumer->topic, partition, &first, &end);
        const rd_kafka_topic_partition_t *answer =
            ends ? rd_kafka_topic_partition_list_find(ends, consumer->topic, partition) : NULL;
        if (answer && answer->err == RD_KAFKA_RESP_ERR_NO_ERROR && answer->offset > end)
            end = answer->offset;
        if (next < 0)
            next = first > 0 ? first : 0;
        if (end > next)
            unread += end - next;
    }
    if (ends)
        rd_kafka_topic_partition_list_destroy(ends);
    rd_kafka_topic_partition_list_destroy(list);
    return unread;
}

rd_kafka_consumer_group_metadata_t *consumer_group_metadata(struct bus_consumer *consumer)
{
    return rd_kafka_consumer_group_metadata(consumer->handle);
}

const char *consumer_topic(const struct bus_consumer *consumer)
{
    return consumer->topic;
}
