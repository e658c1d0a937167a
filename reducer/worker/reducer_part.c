#include <stdlib.h>

#include "base/memory.h"
#include "reducer/worker/reducer_worker.h"

static void notify(void *context, const struct partition_news *news)
{
    static const struct {
        enum log_level level;
        const char *event;
    } lines[] = {[PARTITION_SESSION_BEGUN] = {LOG_INFO, "session begun"},
                 [PARTITION_JOINED] = {LOG_INFO, "interval joined"},
                 [PARTITION_PHASES_CHANGED] = {LOG_INFO, "phases changed"},
                 [PARTITION_PHASE_FAULT] = {LOG_WARNING, "phase matches no event"},
                 [PARTITION_GAP] = {LOG_WARNING, "gap"},
                 [PARTITION_MISMATCH] = {LOG_WARNING, "intervals do not meet"},
                 [PARTITION_REFUSED] = {LOG_WARNING, "chunk refused"},
                 [PARTITION_SILENT] = {LOG_WARNING, "session silent"},
                 [PARTITION_SESSION_ENDED] = {LOG_INFO, "session ended"}};
    enum { FIELDS = 5 };
    const struct member *member = context;
    struct log_field fields[FIELDS + TALLY_COUNT] = {log_text("event", lines[news->event].event),
                                                     log_text("session", news->session),
                                                     log_integer("chunk", (int64_t)news->chunk)};
    size_t count = 3;
    if (news->tallies)
        fields[count++] = log_integer("events", (int64_t)news->events);
    for (size_t i = 0; i < TALLY_COUNT && news->tallies; i++)
        if (news->tallies->at[i] > 0)
            fields[count++] = log_integer(tally_rows[i].json, (int64_t)news->tallies->at[i]);
    if (news->what)
        fields[count++] = log_text("what", news->what);
    log_write(service_log(member->service), lines[news->event].level, fields, count);
}

struct member_part *reducer_part_new(struct member *member)
{
    const struct config *config = service_config(member->service);
    struct part *part = memory_new(sizeof *part);
    part->partition = partition_new(&(struct partition_options){
        .waiting_max = (size_t)config_bytes(config, "waiting-limit"),
        .spill_folder = config_text(config, "spill-dir"),
        .results = outbox_sink(&part->base.queues[QUEUE_RESULTS]),
        .state = outbox_sink(&part->base.queues[MEMBER_STATE]),
        .notify = notify,
        .context = member,
    });
    crash_point("reducer-restoring");
    return &part->base;
}

void reducer_part_free(struct member_part *base)
{
    struct part *part = (struct part *)base;
    partition_free(part->partition);
    for (size_t i = 0; i < part->hole_count; i++)
        hole_watch_clear(&part->holes[i]);
    free(part->holes);
    free(part);
}
