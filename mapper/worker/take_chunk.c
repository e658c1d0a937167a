#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "chunk/archive.h"
#include "base/memory.h"
#include "mapper/worker/mapper_worker.h"
#include "publish/fetch.h"

enum { TRY_MS = 200, FETCH_LEAST_MS = 500, FETCH_MOST_MS = 10000, SEGMENTS_MS = 30000 };

/* --- tries --- */

/* Commits the start of the Nth try of the chunk: its own offset again, with a text. */
static enum status commit_try(struct worker *worker, const struct chunk_work *work, unsigned tries)
{
    char text[32];
    snprintf(text, sizeof text, "try=%u", tries);
    struct bus_offset offset = {work->partition, work->offset, text};
    struct failure why;
    enum status status = bus_consumer_commit(worker->consumer, &offset, &why);
    if (status != STATUS_OK)
        worker_warn_chunk(worker, work, "try not committed", NULL, "why", why.text);
    return status;
}

void worker_forget_tries(struct worker *worker, int32_t partition)
{
    while (worker->known_count <= (size_t)partition) {
        worker->known = memory_grow(worker->known, &worker->known_room, worker->known_count + 1,
                                    sizeof *worker->known);
        worker->known[worker->known_count++] = BUS_OFFSET_NONE;
    }
    worker->known[partition] = BUS_OFFSET_NONE;
}

/* How many tries of the chunk began before, on any mapper, and whether it is finished already. The
 * group is asked for the first chunk of a partition after an assignment, and for one that comes
 * again: no other mapper can have begun later ones of our partition. */
static enum status ask_tries(struct worker *worker, struct chunk_work *work, bool *finished,
                             struct failure *why)
{
    int64_t committed, known = worker->known[work->partition];
    char metadata[BUS_METADATA_MAX];
    enum status status;
    *finished = false;
    work->tries = 1;
    if (known != BUS_OFFSET_NONE && work->offset > known) {
        worker->known[work->partition] = work->offset;
        return STATUS_OK;
    }
    while ((status = bus_consumer_committed(worker->consumer, work->partition, &committed, metadata,
                                            why)) == STATUS_RETRY) {
        if (worker_poll_once(worker) || !bus_consumer_owns(worker->consumer, work->partition))
            return STATUS_END;
        service_sleep(worker->service, TRY_MS);
    }
    unsigned before = 0;
    if (status == STATUS_OK && committed == work->offset &&
        sscanf(metadata, "try=%u", &before) != 1)
        before = 0;
    *finished = status == STATUS_OK && committed != BUS_OFFSET_NONE && committed > work->offset;
    work->tries = before + 1;
    if (status == STATUS_OK && bus_consumer_owns(worker->consumer, work->partition))
        worker->known[work->partition] = work->offset;
    return status;
}

/* --- one chunk --- */

static bool is_over(void *context)
{
    return worker_poll_once(context);
}

static enum status fetch(struct worker *worker, const struct chunk_work *work, struct bytes *out,
                         struct failure *why)
{
    const struct config *config = service_config(worker->service);
    if (work->ready.segment_count > 0 && !worker->reader) {
        enum status status = bus_reader_new(worker->bus, false, &worker->reader, why);
        if (status != STATUS_OK)
            return STATUS_RETRY;
    }
    struct fetch_options options = {.reader = worker->reader,
                                    .store_root = config_text(config, "store-root"),
                                    .stored_max = ARCHIVE_STORED_MAX,
                                    .patience = {is_over, worker},
                                    .timeout_ms = SEGMENTS_MS};
    return fetch_archive(&options, &work->ready, out, why);
}

/* Fetches, and retries as long as the settings allow, with growing pauses. *left: asked to stop, or
 * we do not own the chunk any more; else as fetch_archive(). */
static enum status fetch_patiently(struct worker *worker, struct chunk_work *work,
                                   struct bytes *out, bool *left, struct failure *why)
{
    struct backoff pauses = backoff_make(FETCH_LEAST_MS, FETCH_MOST_MS, (uint64_t)work->offset);
    uint64_t begin_ms = service_now_ms();
    uint64_t limit_ms = config_duration_ms(service_config(worker->service), "fetch-limit");
    enum status status;
    while ((status = fetch(worker, work, out, why)) == STATUS_RETRY) {
        *left = worker_poll_once(worker) || !bus_consumer_owns(worker->consumer, work->partition);
        uint64_t passed_ms = service_now_ms() - begin_ms;
        if (*left || passed_ms > limit_ms)
            return STATUS_RETRY;
        worker_warn_chunk(worker, work, "archive unreachable", NULL, "why", why->text);
        uint64_t pause_ms = backoff_next_ms(&pauses);
        if (pause_ms > limit_ms - passed_ms)
            pause_ms = limit_ms - passed_ms + 1;
        service_sleep(worker->service, pause_ms);
    }
    metrics_observe(service_metrics(worker->service), METRIC_FETCH_TIME, 0,
                    service_now_ms() - begin_ms);
    metrics_add(service_metrics(worker->service), METRIC_ARCHIVE_BYTES, 0, out->count);
    return status;
}

/* Counts definitions that this chunk cannot match. A later one may: programs declare their events
 * when they start. The reducer, which sees all chunks of the session, reports them. */
static void take_uses(void *context, struct phase_uses uses)
{
    struct worker *worker = context;
    struct arena arena = {.first = NULL};
    size_t count;
    phase_uses_faults(uses, &arena, &count);
    metrics_add(service_metrics(worker->service), METRIC_PHASE_FAULTS, 0, count);
    arena_clear(&arena);
}

/* Maps into worker->partials. */
static enum status map(struct worker *worker, struct chunk_work *work, struct bytes archive,
                       struct failure *why)
{
    const struct chunk_ready *ready = &work->ready;
    struct map_place place = {.session = ready->session,
                              .chunk = ready->chunk,
                              .first_chunk = ready->first_chunk,
                              .final = ready->final};
    if (getrandom(&place.attempt, sizeof place.attempt, 0) != (ssize_t)sizeof place.attempt)
        return fail(why, STATUS_STOP, "no random numbers");
    struct map_options options = {
        .phases = worker->phases,
        .cache = worker->cache,
        .room = &worker->room,
        .guard = worker->guard,
        .window = {0, INTERVAL_OPEN},
        .raw_max = (size_t)config_bytes(service_config(worker->service), "memory-limit"),
        .stop = {is_over, worker},
        .uses = {take_uses, worker}};
    uint64_t begin_ms = service_now_ms();
    outbox_reset(&worker->partials);
    enum status status = map_archive(archive, &place, &options, &worker->warnings,
                                     outbox_sink(&worker->partials), &work->stats, why);
    struct metrics *metrics = service_metrics(worker->service);
    metrics_observe(metrics, METRIC_MAP_TIME, 0, service_now_ms() - begin_ms);
    metrics_add(metrics, METRIC_EVENTS, 0, work->stats.events);
    for (size_t i = 0; i < TALLY_COUNT; i++)
        metrics_add(metrics, METRIC_TALLIES, i, work->stats.tallies.at[i]);
    metrics_add(metrics, METRIC_RAW_BYTES, 0, work->stats.raw_bytes);
    return status;
}

/* Fetches, maps, and sends. END: asked to stop before it was mapped. */
static enum status work_on(struct worker *worker, struct chunk_work *work, struct failure *why)
{
    struct bytes archive;
    bool left = false;
    enum status status = fetch_patiently(worker, work, &archive, &left, why);
    if (left)
        return STATUS_END;
    if (status == STATUS_END)
        return worker_park(worker, work, PARK_GONE, why->text, why);
    if (status == STATUS_RETRY)
        return worker_park(worker, work, PARK_FETCH, why->text, why);
    if (status == STATUS_REJECT)
        return worker_park(worker, work, PARK_DAMAGED, why->text, why);
    if (status != STATUS_OK)
        return status;
    crash_point("mapper-fetched");
    status = map(worker, work, archive, why);
    free((void *)(uintptr_t)archive.at);
    crash_point("mapper-mapped");
    if (status == STATUS_RETRY)
        return STATUS_END;
    if (status == STATUS_END)
        return worker_park(worker, work, PARK_LIMIT, why->text, why);
    if (status == STATUS_REJECT)
        return worker_park(worker, work, PARK_DAMAGED, why->text, why);
    if (status == STATUS_OK)
        status = worker_send_partials(worker, work, why);
    outbox_reset(&worker->partials);
    return status;
}

/* Decides by the announcement and the number of tries. */
static enum status handle(struct worker *worker, struct chunk_work *work, struct failure *why)
{
    enum status status = chunk_ready_decode(work->value, &work->arena, &work->ready, why);
    if (status == STATUS_REJECT) {
        work->ready.session = (struct text){NULL, 0};
        return worker_park(worker, work, PARK_DAMAGED, why->text, why);
    }
    if (status != STATUS_OK)
        return status;
    bool finished;
    status = ask_tries(worker, work, &finished, why);
    if (status != STATUS_OK || finished) {
        metrics_add(service_metrics(worker->service), METRIC_CHUNKS,
                    finished ? OUTCOME_REPEATED : OUTCOME_GIVEN_BACK, 1);
        worker_say_chunk(worker, work,
                         finished ? "chunk already mapped" : "chunk returned unmapped");
        return status;
    }
    if (work->ready.lost)
        return worker_send_loss(worker, work, why);
    long long most = config_integer(service_config(worker->service), "tries");
    if (most > 0 && work->tries > most) {
        snprintf(why->text, sizeof why->text,
                 "was started %lld times and never finished: mapping it seems to end the mapper",
                 most);
        return worker_park(worker, work, PARK_TRIES, why->text, why);
    }
    /* If this fails, the broker is down or the partition is revoked: the transaction will show
     * it. */
    enum status ignored = commit_try(worker, work, work->tries);
    (void)ignored;
    crash_point("mapper-begun");
    return work_on(worker, work, why);
}

enum status worker_take_chunk(struct worker *worker, const struct bus_message *message,
                              struct failure *why)
{
    struct chunk_work work = {.partition = message->partition,
                              .offset = message->offset,
                              .time_ms = message->time_ms,
                              .begin_ms = service_now_ms()};
    uint8_t *value = arena_take(&work.arena, message->value.count + 1);
    if (message->value.count > 0)
        memcpy(value, message->value.at, message->value.count);
    work.value = (struct bytes){value, message->value.count};
    work.key = (struct text){arena_string(&work.arena, message->key), message->key.count};

    worker->polled_ms = service_now_ms();
    worker->work = &work;
    enum status status = handle(worker, &work, why);
    bus_consumer_resume(worker->consumer);
    if (status == STATUS_END && bus_consumer_owns(worker->consumer, work.partition)) {
        if (work.tries > 0) {
            enum status ignored = commit_try(worker, &work, work.tries - 1);
            (void)ignored;
        }
        if (service_stopping(worker->service))
            status = STATUS_OK;
    }
    worker->work = NULL;
    arena_clear(&work.arena);
    return status == STATUS_END ? STATUS_OK : status;
}
