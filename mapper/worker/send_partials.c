#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/memory.h"
#include "mapper/worker/mapper_worker.h"
#include "wire/key.h"
#include "wire/partial_codec.h"

enum { TRY_MS = 200, HEADERS = 5 };

/* Whether this worker still owns the chunk: its partition is assigned, and no other has finished it
 * meanwhile. RETRY: no answer from the broker. */
static enum status check_ours(struct worker *worker, const struct chunk_work *work, bool *ours,
                              struct failure *why)
{
    int64_t committed;
    char metadata[BUS_METADATA_MAX];
    *ours = bus_consumer_owns(worker->consumer, work->partition);
    if (!*ours)
        return STATUS_OK;
    enum status status =
        bus_consumer_committed(worker->consumer, work->partition, &committed, metadata, why);
    if (status == STATUS_OK)
        *ours = committed == BUS_OFFSET_NONE || committed == work->offset;
    return status;
}

/* With the losses and damage of the chunk, if there are any. */
void worker_say_chunk(const struct worker *worker, const struct chunk_work *work, const char *event)
{
    enum { FIELDS = 10 };
    char *session = memory_string(work->ready.session);
    struct log_field fields[FIELDS + TALLY_COUNT] = {
        log_text("event", event),
        log_text("session", session),
        log_integer("chunk", (int64_t)work->ready.chunk),
        log_integer("events", (int64_t)work->stats.events),
        log_integer("bytes", (int64_t)work->stats.raw_bytes),
        log_integer("partial_bytes", (int64_t)work->stats.record_bytes),
        log_real("seconds", (double)(service_now_ms() - work->begin_ms) / 1000),
        log_integer("try", work->tries),
        log_integer("partition", work->partition),
        log_integer("offset", work->offset)};
    size_t count = FIELDS;
    for (size_t i = 0; i < TALLY_COUNT; i++)
        if (work->stats.tallies.at[i] > 0)
            fields[count++] = log_integer(tally_rows[i].json, (int64_t)work->stats.tallies.at[i]);
    log_write(service_log(worker->service), LOG_INFO, fields, count);
    free(session);
}

/* An unreadable announcement only has its key. */
void worker_warn_chunk(const struct worker *worker, const struct chunk_work *work,
                       const char *event, const char *kind, const char *key, const char *text)
{
    char *session = memory_string(work->ready.session), *whole = memory_string(work->key);
    bool known = work->ready.session.count > 0;
    log_say(service_log(worker->service), LOG_WARNING, event,
            known ? log_text("session", session) : log_text("key", whole),
            known ? log_integer("chunk", (int64_t)work->ready.chunk) : log_nothing_(),
            kind ? log_text("kind", kind) : log_nothing_(), log_text(key, text),
            log_integer("partition", work->partition), log_integer("offset", work->offset));
    free(whole);
    free(session);
}

/* Log names of outcomes; parked chunks are logged when they are parked. */
static const char *const outcome_events[] = {
    [OUTCOME_MAPPED] = "chunk mapped", [OUTCOME_LOST] = "loss reported", [OUTCOME_PARKED] = NULL};

/* The transaction of a chunk; repeated while it is aborted and we still own the chunk. */
static enum status transact(struct worker *worker, const struct chunk_work *work,
                            const struct bus_record *records, size_t count,
                            enum chunk_outcome outcome, struct failure *why)
{
    struct bus_patience patience = worker_patience(worker);
    struct bus_offset offset = {work->partition, work->offset + 1, NULL};
    struct metrics *metrics = service_metrics(worker->service);
    for (;;) {
        bool ours;
        enum status status = check_ours(worker, work, &ours, why);
        if (status == STATUS_OK && !ours) {
            worker_say_chunk(worker, work, "chunk is now assigned to another mapper");
            metrics_add(metrics, METRIC_CHUNKS, OUTCOME_GIVEN_BACK, 1);
            return STATUS_OK;
        }
        uint64_t begin_ms = service_now_ms();
        if (status == STATUS_OK) {
            crash_point("mapper-sending");
            status = bus_transact(worker->producer, records, count, worker->consumer, &offset, 1,
                                  &patience, why);
        }
        if (status == STATUS_OK) {
            crash_point("mapper-sent");
            metrics_observe(metrics, METRIC_TRANSACTION_TIME, 0, service_now_ms() - begin_ms);
            metrics_add(metrics, METRIC_CHUNKS, outcome, 1);
            if (outcome_events[outcome])
                worker_say_chunk(worker, work, outcome_events[outcome]);
            return STATUS_OK;
        }
        if (status != STATUS_RETRY)
            return STATUS_STOP;
        metrics_add(metrics, METRIC_TRANSACTIONS_ABORTED, 0, 1);
        worker_warn_chunk(worker, work, "transaction aborted", NULL, "why", why->text);
        if (worker_poll_once(worker))
            return STATUS_STOP;
        service_sleep(worker->service, TRY_MS);
    }
}

enum status worker_send_partials(struct worker *worker, struct chunk_work *work,
                                 struct failure *why)
{
    const struct outbox *partials = &worker->partials;
    struct bus_record *records = memory_new((partials->count + 1) * sizeof *records);
    for (size_t i = 0; i < partials->count; i++)
        records[i] = (struct bus_record){.topic = BUS_PARTIALS,
                                         .partition = -1,
                                         .route = key_session(partials->records[i].key),
                                         .key = partials->records[i].key,
                                         .value = partials->records[i].value};
    metrics_add(service_metrics(worker->service), METRIC_RECORDS, 0, partials->count);
    metrics_add(service_metrics(worker->service), METRIC_PARTIAL_BYTES, 0, partials->bytes);
    enum status status = transact(worker, work, records, partials->count, OUTCOME_MAPPED, why);
    free(records);
    return status;
}

static void add_gap(struct outbox *outbox, const struct chunk_work *work, enum gap_cause cause,
                    struct text reason)
{
    struct record_meta meta = {.session = work->ready.session,
                               .chunk = work->ready.chunk,
                               .first_chunk = work->ready.first_chunk};
    if (getrandom(&meta.attempt, sizeof meta.attempt, 0) != (ssize_t)sizeof meta.attempt)
        meta.attempt = service_now_ms();
    partial_encode_gap(&meta, &(struct gap){cause, reason, work->ready.final}, outbox_sink(outbox));
}

enum status worker_send_loss(struct worker *worker, struct chunk_work *work, struct failure *why)
{
    struct outbox gap = {.count = 0};
    add_gap(&gap, work, GAP_LOST, work->ready.lost_reason);
    struct bus_record record = {.topic = BUS_PARTIALS,
                                .partition = -1,
                                .route = work->ready.session,
                                .key = gap.records[0].key,
                                .value = gap.records[0].value};
    enum status status = transact(worker, work, &record, 1, OUTCOME_LOST, why);
    outbox_clear(&gap);
    return status;
}

static struct bytes bytes_of(const char *string)
{
    return (struct bytes){(const uint8_t *)string, strlen(string)};
}

enum status worker_park(struct worker *worker, struct chunk_work *work, enum park_kind kind,
                        const char *reason, struct failure *why)
{
    static const char *const words[] = {[PARK_DAMAGED] = "damaged",
                                        [PARK_GONE] = "fetch",
                                        [PARK_FETCH] = "fetch",
                                        [PARK_LIMIT] = "limit",
                                        [PARK_TRIES] = "tries"};
    char topic[BUS_NAME_MAX], partition[16], offset[32];
    bus_topic_name(worker->bus, BUS_CHUNKS, topic);
    snprintf(partition, sizeof partition, "%d", (int)work->partition);
    snprintf(offset, sizeof offset, "%lld", (long long)work->offset);
    const struct bus_header headers[HEADERS] = {{"reason", bytes_of(reason)},
                                                {"kind", bytes_of(words[kind])},
                                                {"topic", bytes_of(topic)},
                                                {"partition", bytes_of(partition)},
                                                {"offset", bytes_of(offset)}};
    struct bus_record records[2] = {{.topic = BUS_PARKED,
                                     .partition = -1,
                                     .route = work->key,
                                     .key = work->key,
                                     .value = work->value,
                                     .headers = headers,
                                     .header_count = HEADERS}};
    size_t count = 1;
    struct outbox gap = {.count = 0};
    /* An unreadable announcement has no session to write a gap for. */
    if ((kind == PARK_DAMAGED || kind == PARK_GONE) && work->ready.session.count > 0) {
        add_gap(&gap, work, GAP_DAMAGED, text_of(reason));
        records[count++] = (struct bus_record){.topic = BUS_PARTIALS,
                                               .partition = -1,
                                               .route = work->ready.session,
                                               .key = gap.records[0].key,
                                               .value = gap.records[0].value};
    }
    worker_warn_chunk(worker, work, "chunk parked", words[kind], "reason", reason);
    crash_point("mapper-parking");
    enum status status = transact(worker, work, records, count, OUTCOME_PARKED, why);
    outbox_clear(&gap);
    return status;
}
