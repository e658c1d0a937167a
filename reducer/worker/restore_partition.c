#include <stdlib.h>

#include "base/memory.h"
#include "reducer/worker/reducer_worker.h"
#include "service/kept_records.h"

/* --- output of the partition --- */

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
    const struct worker *worker = context;
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
    log_write(service_log(worker->service), lines[news->event].level, fields, count);
}

static struct part *new_part(struct worker *worker, int32_t number)
{
    struct part *part = memory_new(sizeof *part);
    part->number = number;
    part->partition = partition_new(&(struct partition_options){
        .waiting_max = (size_t)config_bytes(service_config(worker->service), "waiting-limit"),
        .spill_folder = config_text(service_config(worker->service), "spill-dir"),
        .results = outbox_sink(&part->results),
        .state = outbox_sink(&part->state),
        .notify = notify,
        .context = worker,
    });
    return part;
}

void part_free(struct part *part)
{
    if (!part)
        return;
    partition_free(part->partition);
    outbox_clear(&part->results);
    outbox_clear(&part->state);
    outbox_clear(&part->gaps);
    for (size_t i = 0; i < part->hole_count; i++)
        hole_watch_clear(&part->holes[i]);
    free(part->holes);
    free(part);
}

enum status restore_part(struct worker *worker, int32_t number, struct part **out, int64_t *offset,
                         struct failure *why)
{
    *out = NULL;
    uint64_t begin_ms = service_now_ms();
    const struct kept_source source = {worker->service, worker->consumer, worker->reader,
                                       BUS_STATE};
    struct kept_records kept;
    enum status status = kept_records_read(&source, number, &kept, offset, why);
    struct part *part = new_part(worker, number);
    if (status == STATUS_OK)
        status = partition_restore(part->partition, kept.at, kept.count, why);
    size_t count = kept.count, read = kept.read;
    kept_records_clear(&kept);
    if (status != STATUS_OK) {
        part_free(part);
        return status;
    }
    part->next = part->sent = *offset == BUS_OFFSET_NONE ? 0 : *offset;
    uint64_t took_ms = service_now_ms() - begin_ms;
    metrics_observe(service_metrics(worker->service), METRIC_RESTORE_TIME, 0, took_ms);
    log_say(service_log(worker->service), LOG_INFO, "partition restored",
            log_integer("partition", number), log_integer("offset", *offset),
            log_integer("records", (int64_t)count), log_integer("read", (int64_t)read),
            log_real("seconds", (double)took_ms / 1000));
    *out = part;
    return STATUS_OK;
}
