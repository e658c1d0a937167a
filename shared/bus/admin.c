#include "bus/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bus/client.h"

/* Creating a topic takes time; workers query during their work. */
enum { CREATE_MS = 15000, ASK_MS = 5000 };

struct bus_admin {
    struct client client;
    rd_kafka_t *handle;
    rd_kafka_queue_t *queue;
    const struct bus_settings *settings;
    rd_kafka_t *observer; /* of the group `observed`; NULL: none yet */
    char observed[BUS_NAME_MAX];
};

enum status bus_admin_new(const struct bus_settings *settings, struct bus_admin **out,
                          struct failure *why)
{
    *out = NULL;
    static const struct client_default defaults[] = {{NULL, NULL}};
    rd_kafka_conf_t *conf;
    enum status status = client_conf(settings, defaults, &conf, why);
    if (status != STATUS_OK)
        return status;
    struct bus_admin *admin = memory_new(sizeof *admin);
    admin->settings = settings;
    client_init(&admin->client, settings);
    status = client_new(RD_KAFKA_PRODUCER, conf, admin, &admin->handle, why);
    if (status != STATUS_OK) {
        client_clear(&admin->client);
        free(admin);
        return status;
    }
    admin->queue = rd_kafka_queue_new(admin->handle);
    *out = admin;
    return STATUS_OK;
}

static void drop_observer(struct bus_admin *admin)
{
    if (admin->observer)
        CLIENT_LIMITED(&admin->client, CLIENT_LIMIT_MS, rd_kafka_destroy(admin->observer));
    admin->observer = NULL;
}

void bus_admin_free(struct bus_admin *admin)
{
    if (!admin)
        return;
    drop_observer(admin);
    rd_kafka_queue_destroy(admin->queue);
    client_destroy(&admin->client, admin->handle, false);
    free(admin);
}

static rd_kafka_AdminOptions_t *options_for(const struct bus_admin *admin, rd_kafka_admin_op_t op,
                                            int limit_ms)
{
    char error[256];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->handle, op);
    /* Both are in the valid range. */
    rd_kafka_AdminOptions_set_request_timeout(options, limit_ms, error, sizeof error);
    return options;
}

/* Waits for the response. It arrives within the request's own limit, possibly as a timeout, so none
 * is left in the queue for the next request. */
static enum status answer(const struct bus_admin *admin, const char *what, rd_kafka_event_t **out,
                          struct failure *why)
{
    *out = rd_kafka_queue_poll(admin->queue, CREATE_MS + CLIENT_ANSWER_MS);
    rd_kafka_resp_err_t code = *out ? rd_kafka_event_error(*out) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return STATUS_OK;
    enum status status = client_fail(code, what, why);
    if (*out)
        rd_kafka_event_destroy(*out);
    *out = NULL;
    return status;
}

enum status bus_admin_create(struct bus_admin *admin, const struct bus_topic_plan *plan,
                             struct failure *why)
{
    char name[BUS_NAME_MAX], error[512];
    bus_topic_name(admin->settings, plan->topic, name);
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(name, plan->partitions, plan->replication, error, sizeof error);
    if (!topic)
        return fail(why, STATUS_REJECT, "%s: %s", name, error);
    for (size_t i = 0; i < plan->setting_count; i++)
        rd_kafka_NewTopic_set_config(topic, plan->settings[i].key, plan->settings[i].value);
    rd_kafka_AdminOptions_t *options =
        options_for(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS, CREATE_MS);
    rd_kafka_CreateTopics(admin->handle, &topic, 1, options, admin->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(topic);

    rd_kafka_event_t *event;
    enum status status = answer(admin, name, &event, why);
    if (status != STATUS_OK)
        return status;
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    rd_kafka_resp_err_t code =
        count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
    if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        status = STATUS_END;
    else if (code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT)
        status = client_fail(code, name, why);
    else if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        status = fail(why, STATUS_REJECT, "%s: %s", name,
                      count == 1 && rd_kafka_topic_result_error_string(results[0])
                          ? rd_kafka_topic_result_error_string(results[0])
                          : rd_kafka_err2str(code));
    rd_kafka_event_destroy(event);
    return status;
}

/* --- checking --- */

struct comparison {
    const struct bus_topic_plan *plan;
    void (*differs)(void *context, const char *what, const char *planned, const char *found);
    void *context;
};

static void compare_numbers(const struct comparison *comparison, const char *what, int planned,
                            int found)
{
    char of_plan[16], of_topic[16];
    if (planned == found)
        return;
    snprintf(of_plan, sizeof of_plan, "%d", planned);
    snprintf(of_topic, sizeof of_topic, "%d", found);
    comparison->differs(comparison->context, what, of_plan, of_topic);
}

static void compare_settings(const struct comparison *comparison,
                             const rd_kafka_ConfigResource_t *resource)
{
    size_t count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (size_t i = 0; i < comparison->plan->setting_count; i++) {
        const struct bus_topic_setting *setting = &comparison->plan->settings[i];
        const char *found = NULL;
        for (size_t j = 0; j < count && !found; j++)
            if (strcmp(rd_kafka_ConfigEntry_name(entries[j]), setting->key) == 0)
                found = rd_kafka_ConfigEntry_value(entries[j]);
        if (!found || strcmp(found, setting->value) != 0)
            comparison->differs(comparison->context, setting->key, setting->value,
                                found ? found : "unset");
    }
}

enum status bus_admin_check(struct bus_admin *admin, const struct bus_topic_plan *plan,
                            void (*differs)(void *context, const char *what, const char *planned,
                                            const char *found),
                            void *context, struct failure *why)
{
    const struct comparison comparison = {plan, differs, context};
    char name[BUS_NAME_MAX];
    bus_topic_name(admin->settings, plan->topic, name);
    int32_t partitions;
    int replication;
    enum status status =
        client_topic(admin->handle, name, 5 * CLIENT_ANSWER_MS, &partitions, &replication, why);
    if (status != STATUS_OK)
        return status == STATUS_REJECT ? STATUS_END : status;
    compare_numbers(&comparison, "partitions", plan->partitions, partitions);
    compare_numbers(&comparison, "replication", plan->replication, replication);
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    rd_kafka_AdminOptions_t *options =
        options_for(admin, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, ASK_MS);
    rd_kafka_DescribeConfigs(admin->handle, &resource, 1, options, admin->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_event_t *event;
    status = answer(admin, name, &event, why);
    if (status != STATUS_OK)
        return status;
    size_t count;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    if (count == 1 && rd_kafka_ConfigResource_error(resources[0]) == RD_KAFKA_RESP_ERR_NO_ERROR)
        compare_settings(&comparison, resources[0]);
    else
        status = fail(why, STATUS_RETRY, "%s: cannot read its configuration", name);
    rd_kafka_event_destroy(event);
    return status;
}

enum status bus_admin_partitions(struct bus_admin *admin, enum bus_topic topic, int32_t *count,
                                 struct failure *why)
{
    char name[BUS_NAME_MAX];
    bus_topic_name(admin->settings, topic, name);
    return client_partitions(admin->handle, name, 5 * CLIENT_ANSWER_MS, count, why);
}

/* --- another group --- */

/* A consumer with the group's name that never subscribes, and so is no member. librdkafka's admin
 * request for offsets, ListConsumerGroupOffsets, aborts the process if the coordinator has moved or
 * is not ready: seen with 2.0.2 (rd_kafka_cgrp_op() with a handle that has no group). */
static enum status observe(struct bus_admin *admin, const char *group, struct failure *why)
{
    if (admin->observer && strcmp(admin->observed, group) == 0)
        return STATUS_OK;
    drop_observer(admin);
    snprintf(admin->observed, sizeof admin->observed, "%s", group);
    const struct client_default defaults[] = {{"group.id", group},
                                              {"isolation.level", "read_uncommitted"},
                                              {"enable.auto.commit", "false"},
                                              {NULL, NULL}};
    rd_kafka_conf_t *conf;
    enum status status = client_conf(admin->settings, defaults, &conf, why);
    if (status == STATUS_OK)
        status = client_new(RD_KAFKA_CONSUMER, conf, admin, &admin->observer, why);
    return status;
}

enum status bus_admin_group_offsets(struct bus_admin *admin, const char *role, enum bus_topic topic,
                                    int64_t *offsets, int32_t count, struct failure *why)
{
    char name[BUS_NAME_MAX], group[BUS_NAME_MAX];
    bus_topic_name(admin->settings, topic, name);
    bus_group_name(admin->settings, role, group);
    enum status status = observe(admin, group, why);
    if (status != STATUS_OK)
        return status;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int32_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, name, i);
    rd_kafka_resp_err_t code;
    CLIENT_LIMITED(&admin->client, CLIENT_GRACE_MS,
                   code = rd_kafka_committed(admin->observer, list, ASK_MS));
    for (int32_t i = 0; i < count; i++) {
        const rd_kafka_topic_partition_t *at = &list->elems[i];
        offsets[at->partition] = at->offset >= 0 ? at->offset : BUS_OFFSET_NONE;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            code = at->err;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? STATUS_OK : client_fail(code, group, why);
}

/* Queries the brokers for the groups that they coordinate: rd_kafka_DescribeConsumerGroups() of
 * 2.0.2 has the bug described at observe(). */
enum status bus_admin_group_members(struct bus_admin *admin, const char *role, size_t *count,
                                    struct failure *why)
{
    char group[BUS_NAME_MAX];
    bus_group_name(admin->settings, role, group);
    const struct rd_kafka_group_list *list = NULL;
    rd_kafka_resp_err_t code;
    CLIENT_LIMITED(&admin->client, CLIENT_GRACE_MS,
                   code = rd_kafka_list_groups(admin->handle, group, &list, ASK_MS));
    *count = 0;
    for (int i = 0; list && i < list->group_cnt; i++) {
        *count += (size_t)list->groups[i].member_cnt;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            code = list->groups[i].err;
    }
    if (list)
        rd_kafka_group_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? STATUS_OK : client_fail(code, group, why);
}
