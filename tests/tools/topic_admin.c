/* topic_admin BROKERS ACTION TOPIC [NUMBER [NUMBER]] -- what operators and retention do to topics:
 *
 *     partitions TOPIC COUNT           adds partitions, up to COUNT
 *     delete TOPIC                     deletes the topic
 *     records TOPIC PARTITION BEFORE   deletes the records before that offset; -1: all
 *     committed TOPIC PARTITION GROUP  prints what the group has committed; -1001: nothing
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 30000, PAUSE_MS = 100 };

static void ask(rd_kafka_t *handle, rd_kafka_queue_t *queue, char **words, int count)
{
    char error[256] = "";
    long first = count > 4 ? strtol(words[4], NULL, 10) : 0;
    if (strcmp(words[2], "partitions") == 0) {
        rd_kafka_NewPartitions_t *more =
            rd_kafka_NewPartitions_new(words[3], (size_t)first, error, sizeof error);
        rd_kafka_CreatePartitions(handle, &more, 1, NULL, queue);
        rd_kafka_NewPartitions_destroy(more);
    } else if (strcmp(words[2], "delete") == 0) {
        rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(words[3]);
        rd_kafka_DeleteTopics(handle, &topic, 1, NULL, queue);
        rd_kafka_DeleteTopic_destroy(topic);
    } else {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, words[3], (int32_t)first)->offset =
            count > 5 ? strtoll(words[5], NULL, 10) : -1;
        rd_kafka_DeleteRecords_t *records = rd_kafka_DeleteRecords_new(list);
        rd_kafka_DeleteRecords(handle, &records, 1, NULL, queue);
        rd_kafka_DeleteRecords_destroy(records);
        rd_kafka_topic_partition_list_destroy(list);
    }
}

/* The response for deleted records is per partition, the others per topic. */
static rd_kafka_resp_err_t result_of(rd_kafka_event_t *event)
{
    size_t count = 0;
    const rd_kafka_topic_result_t **topics = NULL;
    if (rd_kafka_event_error(event))
        return rd_kafka_event_error(event);
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT)
        topics = rd_kafka_CreatePartitions_result_topics(
            rd_kafka_event_CreatePartitions_result(event), &count);
    else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DELETETOPICS_RESULT)
        topics =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
    else
        return rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event))
            ->elems[0]
            .err;
    return count == 1 ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR__FAIL;
}

/* By a consumer of the group that never subscribes: see observe() in shared/bus/admin.c. On a fresh
 * broker there is no coordinator yet, which librdkafka reports at once. */
static rd_kafka_resp_err_t print_committed(rd_kafka_t *handle, char **words)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    const rd_kafka_topic_partition_t *at =
        rd_kafka_topic_partition_list_add(list, words[3], (int32_t)strtol(words[4], NULL, 10));
    rd_kafka_resp_err_t code;
    for (int left_ms = ANSWER_MS;; left_ms -= PAUSE_MS) {
        code = rd_kafka_committed(handle, list, ANSWER_MS);
        if ((code != RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE &&
             code != RD_KAFKA_RESP_ERR_NOT_COORDINATOR) ||
            left_ms <= 0)
            break;
        rd_kafka_poll(handle, PAUSE_MS);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = at->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        printf("%lld\n", (long long)at->offset);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

static rd_kafka_resp_err_t change(rd_kafka_t *handle, char **words, int count)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
    ask(handle, queue, words, count);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ANSWER_MS);
    rd_kafka_resp_err_t code = event ? result_of(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    return code;
}

int main(int argc, char **argv)
{
    char error[256] = "";
    if (argc < 4)
        return 2;
    int reads = strcmp(argv[2], "committed") == 0;
    if (reads && argc < 6)
        return 2;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], error, sizeof error);
    if (reads)
        rd_kafka_conf_set(conf, "group.id", argv[5], error, sizeof error);
    rd_kafka_t *handle =
        rd_kafka_new(reads ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (!handle) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    rd_kafka_resp_err_t code = reads ? print_committed(handle, argv) : change(handle, argv, argc);
    if (code)
        fprintf(stderr, "%s %s: %s\n", argv[2], argv[3], rd_kafka_err2str(code));
    if (reads)
        rd_kafka_consumer_close(handle);
    rd_kafka_destroy(handle);
    return code ? 1 : 0;
}
