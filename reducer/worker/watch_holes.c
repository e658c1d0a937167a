#include <stdlib.h>
#include <sys/random.h>

#include "base/memory.h"
#include "reducer/worker/reducer_worker.h"

void hole_watch_clear(struct hole_watch *hole)
{
    free(hole->session);
    free(hole->chunks_ends);
}

/* --- data in flight --- */

/* The end offsets of the topic of chunks; NULL without an answer. Owned by the caller. */
static int64_t *ask_ends(struct worker *worker, struct failure *why)
{
    if (worker->chunk_partitions == 0 &&
        bus_reader_partitions(worker->member.reader, BUS_CHUNKS, &worker->chunk_partitions, why) !=
            STATUS_OK) {
        worker->chunk_partitions = 0;
        return NULL;
    }
    int64_t *ends = memory_new((size_t)worker->chunk_partitions * sizeof *ends);
    for (int32_t i = 0; i < worker->chunk_partitions; i++) {
        int64_t first;
        if (bus_reader_range(worker->member.reader, BUS_CHUNKS, i, &first, &ends[i], why) !=
            STATUS_OK) {
            free(ends);
            return NULL;
        }
        if (first == ends[i])
            ends[i] = 0; /* nothing to wait for: a group need not have committed there */
    }
    return ends;
}

/* Whether the mappers have processed all chunks that existed when the hole was first seen. */
static bool are_mappers_past(const struct hole_watch *hole, const int64_t *committed, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (committed[i] < hole->chunks_ends[i])
            return false;
    return true;
}

/* --- holes --- */

static struct hole_watch *watch_of(struct part *part, const struct waiting_hole *hole)
{
    for (size_t i = 0; i < part->hole_count; i++)
        if (part->holes[i].next == hole->next &&
            text_equal(text_of(part->holes[i].session), hole->session))
            return &part->holes[i];
    part->holes =
        memory_grow(part->holes, &part->hole_room, part->hole_count + 1, sizeof *part->holes);
    struct hole_watch *watch = &part->holes[part->hole_count++];
    *watch = (struct hole_watch){.session = memory_string(hole->session),
                                 .next = hole->next,
                                 .first_chunk = hole->first_chunk};
    return watch;
}

static void forget_filled(struct part *part)
{
    size_t kept = 0;
    for (size_t i = 0; i < part->hole_count; i++) {
        if (part->holes[i].seen)
            part->holes[kept++] = part->holes[i];
        else
            hole_watch_clear(&part->holes[i]);
    }
    part->hole_count = kept;
}

static void write_gap(struct worker *worker, struct part *part, struct text session, uint64_t chunk,
                      uint64_t first_chunk, const struct gap *gap)
{
    struct record_meta meta = {.session = session, .chunk = chunk, .first_chunk = first_chunk};
    if (getrandom(&meta.attempt, sizeof meta.attempt, 0) != (ssize_t)sizeof meta.attempt)
        meta.attempt = service_now_ms();
    partial_encode_gap(&meta, gap, outbox_sink(&part->base.queues[QUEUE_GAPS]));
    char *name = memory_string(session);
    log_say(service_log(worker->member.service), LOG_WARNING, "writing a gap",
            log_text("session", name), log_integer("chunk", (int64_t)chunk));
    free(name);
}

static void watch_holes(struct worker *worker, struct part *part, uint64_t passed_ms,
                        const int64_t *committed, struct failure *why)
{
    for (size_t i = 0; i < part->hole_count; i++) {
        struct hole_watch *hole = &part->holes[i];
        if (!hole->chunks_ends)
            hole->chunks_ends = ask_ends(worker, why);
        bool idle = part->base.at_end && hole->chunks_ends && committed &&
                    are_mappers_past(hole, committed, worker->chunk_partitions);
        if (!idle || hole->written)
            continue;
        hole->idle_ms += passed_ms;
        if (hole->idle_ms < worker->gap_after_ms)
            continue;
        hole->written = true;
        write_gap(worker, part, text_of(hole->session), hole->next, hole->first_chunk,
                  &(struct gap){.cause = GAP_ABSENT,
                                .reason = text_of("the chunk did not arrive in time")});
    }
}

/* --- silences --- */

static void watch_silences(struct worker *worker, struct part *part)
{
    struct partition_silence *silences = NULL;
    size_t room = 0;
    size_t count = partition_silences(part->partition, &silences, &room);
    int64_t latest = member_now_ms() - (int64_t)worker->expire_after_ms;
    for (size_t i = 0; i < count && part->base.at_end && part->hole_count == 0; i++)
        if (silences[i].last_ms > 0 && silences[i].last_ms < latest &&
            part->base.queues[QUEUE_GAPS].count == 0)
            write_gap(worker, part, silences[i].session, silences[i].next, silences[i].first_chunk,
                      &(struct gap){.cause = GAP_SILENCE,
                                    .reason = text_of("no data arrived for a long time")});
    free(silences);
    partition_forget(part->partition, member_now_ms() - (int64_t)worker->forget_after_ms);
}

static size_t look_for_holes(struct part *part)
{
    struct waiting_hole *holes = NULL;
    size_t room = 0;
    size_t count = partition_holes(part->partition, &holes, &room);
    for (size_t i = 0; i < part->hole_count; i++)
        part->holes[i].seen = false;
    for (size_t i = 0; i < count; i++)
        watch_of(part, &holes[i])->seen = true;
    forget_filled(part);
    free(holes);
    return count;
}

/* Logged once at the begin and once at the end: meanwhile, chunks that wait behind a hole are not
 * joined. */
static void log_progress(struct worker *worker, const struct failure *why)
{
    bool progress_unknown = why->text[0] != '\0';
    if (progress_unknown && !worker->progress_unknown)
        log_say(service_log(worker->member.service), LOG_WARNING, "gaps postponed",
                log_text("why", why->text));
    else if (!progress_unknown && worker->progress_unknown)
        log_say(service_log(worker->member.service), LOG_INFO, "gaps no longer postponed");
    worker->progress_unknown = progress_unknown;
}

void worker_watch(struct worker *worker, uint64_t passed_ms)
{
    size_t holes = 0;
    for (size_t i = 0; i < worker->member.part_count; i++)
        holes += look_for_holes(part_at(&worker->member, i));
    int64_t *committed = NULL;
    struct failure why = {""};
    if (holes > 0 && worker->chunk_partitions > 0) {
        committed = memory_new((size_t)worker->chunk_partitions * sizeof *committed);
        if (bus_admin_group_offsets(worker->admin, "mapper", BUS_CHUNKS, committed,
                                    worker->chunk_partitions, &why) != STATUS_OK) {
            free(committed);
            committed = NULL;
        }
    }
    for (size_t i = 0; i < worker->member.part_count; i++) {
        watch_holes(worker, part_at(&worker->member, i), passed_ms, committed, &why);
        watch_silences(worker, part_at(&worker->member, i));
    }
    free(committed);
    log_progress(worker, &why);
}
