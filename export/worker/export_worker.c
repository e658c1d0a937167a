#include "export/worker/export_worker.h"

#include <string.h>

#include "base/memory.h"
#include "wire/key.h"

enum { FORGET_EVERY_MS = 60000, TRY_LEAST_MS = 100, TRY_MOST_MS = 10000 };

static struct export_worker *worker_of(struct member *member)
{
    return (struct export_worker *)member;
}

static struct exporter *exporter_of(const struct member_part *part)
{
    return ((const struct export_part *)part)->exporter;
}

/* --- partitions --- */

static enum status restore(struct member *member, struct member_part *part,
                           const struct key_value *entries, size_t count, struct failure *why)
{
    (void)member;
    return exporter_restore(exporter_of(part), entries, count, why);
}

static void take_from_hand(struct export_worker *worker)
{
    worker->member.is_busy = false;
    for (size_t i = 0; i < worker->output_count; i++)
        worker->outputs[i].done = false;
}

static void dropped(struct member *member)
{
    worker_of(member)->blocked_since_ms = 0;
    take_from_hand(worker_of(member));
}

static int64_t oldest(const struct member_part *part)
{
    return exporter_oldest(exporter_of(part), part->next);
}

static void save(struct member_part *part)
{
    exporter_save(exporter_of(part));
}

static void committed(struct member *member)
{
    (void)member;
    crash_point("export-committed");
}

/* --- records --- */

/* Samples that were sent for a session must be committed before more of it is taken. */
static bool must_commit_first(const struct member_part *part, const struct bus_message *message)
{
    return part->queues[MEMBER_STATE].count > 0 ||
           exporter_is_unsaved(exporter_of(part), key_session(message->key));
}

static enum status take(struct member *member, struct member_part *part,
                        const struct bus_message *message, struct failure *why)
{
    struct export_worker *worker = worker_of(member);
    if (member->is_busy)
        return STATUS_END;
    if (must_commit_first(part, message)) {
        enum status status = member_commit(member, why);
        if (status != STATUS_OK)
            return status == STATUS_RETRY ? STATUS_END : status;
    }
    enum status status = exporter_take(exporter_of(part), message->value, message->offset,
                                       message->time_ms, &worker->interval, why);
    metrics_add(service_metrics(member->service), METRIC_RECORDS, 0, 1);
    if (status == STATUS_OK && worker->interval.record_count > 0) {
        take_from_hand(worker);
        member->is_busy = true;
        worker->part = part;
        worker->try_ms = 0;
    }
    return status;
}

static void update_metrics(struct member *member)
{
    struct metrics *metrics = service_metrics(member->service);
    int64_t sessions = 0, series = 0;
    for (size_t i = 0; i < member->part_count; i++) {
        struct export_part *part = (struct export_part *)member->parts[i];
        uint64_t over;
        sessions += (int64_t)exporter_sessions(part->exporter);
        series += (int64_t)exporter_series(part->exporter, &over);
        metrics_add(metrics, METRIC_OVER_LIMIT, 0, over - part->over_reported);
        part->over_reported = over;
    }
    metrics_set(metrics, METRIC_SESSIONS, 0, sessions);
    metrics_set(metrics, METRIC_SERIES, 0, series);
}

/* --- the loop --- */

/* Pauses reading until all outputs have accepted the current interval. */
static void hold_back(struct export_worker *worker)
{
    struct member *member = &worker->member;
    metrics_set(service_metrics(member->service), METRIC_BLOCKED, 0,
                (int64_t)worker->blocked_since_ms);
    if (member->is_busy == worker->paused)
        return;
    if (member->is_busy)
        bus_consumer_pause(member->consumer);
    else
        bus_consumer_resume(member->consumer);
    worker->paused = member->is_busy;
}

static void forget(struct export_worker *worker)
{
    const struct member *member = &worker->member;
    if (service_now_ms() - worker->forgot_ms < FORGET_EVERY_MS || member->is_busy)
        return;
    worker->forgot_ms = service_now_ms();
    for (size_t i = 0; i < member->part_count; i++)
        if (member->parts[i]->at_end)
            exporter_forget(exporter_of(member->parts[i]),
                            member_now_ms() - (int64_t)worker->forget_after_ms);
}

static const char *turn(struct member *member)
{
    struct export_worker *worker = worker_of(member);
    export_send(worker);
    hold_back(worker);
    forget(worker);
    return NULL;
}

static const struct member_kind exporting = {.topic = BUS_RESULTS,
                                             .new_part = export_part_new,
                                             .restore = restore,
                                             .free_part = export_part_free,
                                             .dropped = dropped,
                                             .take = take,
                                             .turn = turn,
                                             .update_metrics = update_metrics,
                                             .save = save,
                                             .oldest = oldest,
                                             .committed = committed};

static enum status open_outputs(struct export_worker *worker, struct failure *why)
{
    const struct config *config = service_config(worker->member.service);
    for (size_t i = 0; i < OUTPUT_KINDS; i++) {
        const struct output_kind *kind = output_kinds[i];
        if (kind->is_wanted ? !kind->is_wanted(config) : !config_text(config, kind->option))
            continue;
        struct export_output *output = &worker->outputs[worker->output_count];
        *output = (struct export_output){.kind = kind, .word = i};
        enum status status = kind->open(config, &output->self, why);
        if (status != STATUS_OK)
            return status;
        worker->output_count++;
        for (size_t topic = 0; topic < OUTPUT_TOPICS && kind->put; topic++)
            worker->member.queues[QUEUE_PUT + topic].foreign =
                kind->topic(output->self, (enum output_topic)topic);
    }
    return worker->output_count > 0
               ? STATUS_OK
               : fail(why, STATUS_REJECT,
                      "no receiver given: use --remote-write, --otlp, --otlp-kafka, or --postgres");
}

static enum status check_group(const char *group, struct failure *why)
{
    for (const char *at = group; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *at))
            return fail(why, STATUS_REJECT, "group: `%s` may contain only letters, digits, and ._-",
                        group);
    if (*group && strcmp(group, "mapper") != 0 && strcmp(group, "reducer") != 0)
        return STATUS_OK;
    return fail(why, STATUS_REJECT, "group: `%s` is not allowed as the name of an exporter group",
                group);
}

enum status export_run(struct service *service, struct failure *why)
{
    const struct config *config = service_config(service);
    struct export_worker worker = {.member = {.kind = &exporting,
                                              .service = service,
                                              .queues = {[MEMBER_STATE] = {.topic = BUS_EXPORT}},
                                              .role = config_text(config, "group"),
                                              .name = service_instance(service),
                                              .flush_ms = config_duration_ms(config, "flush")},
                                   .forget_after_ms = config_duration_ms(config, "forget-after"),
                                   .trying =
                                       backoff_make(TRY_LEAST_MS, TRY_MOST_MS, service_now_ms())};
    enum status status = check_group(worker.member.role, why);
    if (status == STATUS_OK)
        status = open_outputs(&worker, why);
    if (status == STATUS_OK)
        status = member_run(&worker.member, why);
    else
        log_say(service_log(service), LOG_ERROR, "leaving", log_text("reason", why->text));
    for (size_t i = 0; i < worker.output_count; i++)
        worker.outputs[i].kind->close(worker.outputs[i].self);
    return status;
}
