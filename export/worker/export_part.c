#include <stdlib.h>

#include "base/memory.h"
#include "export/worker/export_worker.h"

static void say_event(void *context, enum exporter_event event, struct text session, uint64_t chunk)
{
    static const char *const events[] = {[EXPORTER_REPEATED] = "interval repeated",
                                         [EXPORTER_TORN] = "interval torn",
                                         [EXPORTER_OVER_LIMIT] = "too many series"};
    static const char *const whats[] = {
        [EXPORTER_REPEATED] = "already exported; not counted again",
        [EXPORTER_TORN] = "some of its results could not be read; none are exported",
        [EXPORTER_OVER_LIMIT] = "series above --series-limit are summed in `other`"};
    const struct member *member = context;
    char *name = memory_string(session);
    metrics_add(service_metrics(member->service), METRIC_DROPPED, event, 1);
    log_say(service_log(member->service), LOG_WARNING, events[event], log_text("session", name),
            log_integer("chunk", (int64_t)chunk), log_text("what", whats[event]));
    free(name);
}

struct member_part *export_part_new(struct member *member)
{
    struct export_part *part = memory_new(sizeof *part);
    part->exporter = exporter_new(&(struct exporter_options){
        .group = member->role,
        .series_limit = (size_t)config_integer(service_config(member->service), "series-limit"),
        .state = outbox_sink(&part->base.queues[MEMBER_STATE]),
        .notify = say_event,
        .context = member});
    crash_point("export-restoring");
    return &part->base;
}

void export_part_free(struct member_part *part)
{
    exporter_free(((struct export_part *)part)->exporter);
    free(part);
}
