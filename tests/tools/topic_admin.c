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

enum { ANSWER_MS = 30000 };

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
    } else if (strcmp(words[2], "committed") == 0) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, words[3], (int32_t)first);
        rd_kafka_ListConsumerGroupOffsets_t *group =
            rd_kafka_ListConsumerGroupOffsets_new(words[5], list);
        rd_kafka_ListConsumerGroupOffsets(handle, &group, 1, NULL, queue);
        rd_kafka_ListConsumerGroupOffsets_destroy(group);
        rd_kafka_topic_partition_list_destroy(list);
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

static rd_kafka_resp_err_t print_committed(rd_kafka_event_t *event)
{
    size_t count = 0;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
    const rd_kafka_topic_partition_list_t *list =
        count == 1 ? rd_kafka_group_result_partitions(groups[0]) : NULL;
    if (!list || list->cnt != 1)
        return RD_KAFKA_RESP_ERR__FAIL;
    printf("%lld\n", (long long)list->elems[0].offset);
    return list->elems[0].err;
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
    else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT)
        return print_committed(event);
    else
        return rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event))
            ->elems[0]
            .err;
    return count == 1 ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR__FAIL;
}

int main(int argc, char **argv)
{
    char error[256] = "";
    if (argc < 4 || (strcmp(argv[2], "committed") == 0 && argc < 6))
        return 2;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], error, sizeof error);
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (!handle) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
    ask(handle, queue, argv, argc);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ANSWER_MS);
    rd_kafka_resp_err_t code = event ? result_of(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (code)
        fprintf(stderr, "%s %s: %s\n", argv[2], argv[3], rd_kafka_err2str(code));
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(handle);
    return code ? 1 : 0;
}
