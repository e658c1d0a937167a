#include <stdlib.h>

#include "base/memory.h"
#include "export/worker/export_worker.h"
#include "service/kept_records.h"

static void say_event(void *context, enum exporter_event event, struct text session, uint64_t chunk)
{
    static const char *const events[] = {[EXPORTER_REPEATED] = "interval repeated",
                                         [EXPORTER_TORN] = "interval torn",
                                         [EXPORTER_OVER_LIMIT] = "too many series"};
    static const char *const whats[] = {
        [EXPORTER_REPEATED] = "already exported; not counted again",
        [EXPORTER_TORN] = "some of its results could not be read; none are exported",
        [EXPORTER_OVER_LIMIT] = "series above --series-limit are summed in `other`"};
    const struct export_worker *worker = context;
    char *name = memory_string(session);
    metrics_add(service_metrics(worker->service), METRIC_DROPPED, event, 1);
    log_say(service_log(worker->service), LOG_WARNING, events[event], log_text("session", name),
            log_integer("chunk", (int64_t)chunk), log_text("what", whats[event]));
    free(name);
}

void export_part_free(struct export_part *part)
{
    if (!part)
        return;
    exporter_free(part->exporter);
    outbox_clear(&part->state);
    for (size_t topic = 0; topic < OUTPUT_TOPICS; topic++)
        outbox_clear(&part->put[topic]);
    free(part);
}

static struct export_part *new_part(struct export_worker *worker, int32_t number)
{
    struct export_part *part = memory_new(sizeof *part);
    part->number = number;
    part->exporter = exporter_new(&(struct exporter_options){
        .group = worker->group,
        .series_limit = (size_t)config_integer(service_config(worker->service), "series-limit"),
        .state = outbox_sink(&part->state),
        .notify = say_event,
        .context = worker});
    return part;
}

enum status export_part_restore(struct export_worker *worker, int32_t number,
                                struct export_part **out, int64_t *offset, struct failure *why)
{
    *out = NULL;
    uint64_t begin_ms = service_now_ms();
    const struct kept_source source = {worker->service, worker->consumer, worker->reader,
                                       BUS_EXPORT};
    struct kept_records kept;
    enum status status = kept_records_read(&source, number, &kept, offset, why);
    struct export_part *part = new_part(worker, number);
    if (status == STATUS_OK)
        status = exporter_restore(part->exporter, kept.at, kept.count, why);
    kept_records_clear(&kept);
    if (status != STATUS_OK) {
        export_part_free(part);
        return status;
    }
    part->next = part->sent = *offset == BUS_OFFSET_NONE ? 0 : *offset;
    uint64_t took_ms = service_now_ms() - begin_ms;
    metrics_observe(service_metrics(worker->service), METRIC_RESTORE_TIME, 0, took_ms);
    log_say(service_log(worker->service), LOG_INFO, "partition restored",
            log_integer("partition", number), log_integer("offset", *offset),
            log_integer("sessions", (int64_t)exporter_sessions(part->exporter)),
            log_real("seconds", (double)took_ms / 1000));
    *out = part;
    return STATUS_OK;
}
