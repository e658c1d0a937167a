#include "reducer/worker/reducer_worker.h"

#include <stdlib.h>

#include "base/memory.h"
#include "bus/fit.h"

/* Timeouts: checks for holes, silences, and missing state partitions. */
enum { WATCH_MS = 500, FIT_LEAST_MS = 2000, FIT_MOST_MS = 60000 };

static struct worker *worker_of(struct member *member)
{
    return (struct worker *)member;
}

static struct partition *partition_of(const struct member_part *part)
{
    return ((const struct part *)part)->partition;
}

/* --- partitions --- */

/* Whether there is a state partition for it. Without an answer it is restored, which waits for
 * one. */
static bool is_fit(struct member *member, int32_t number)
{
    struct worker *worker = worker_of(member);
    int32_t state, partials;
    struct failure why;
    if (bus_reader_partitions(member->reader, BUS_STATE, &state, &why) != STATUS_OK ||
        number < state)
        return true;
    if (bus_reader_partitions(member->reader, BUS_PARTIALS, &partials, &why) != STATUS_OK ||
        partials <= number)
        partials = number + 1;
    if (bus_fit_check(member->bus, partials, state, &why) != STATUS_OK)
        log_say(service_log(member->service), LOG_ERROR, "topics do not match",
                log_integer("partition", number), log_text("why", why.text));
    if (worker->unfit++ == 0)
        worker->fit_ms = service_now_ms() + backoff_next_ms(&worker->fitting);
    return false;
}

/* Checks again whether state partitions now exist. */
static void look_at_unfit(struct worker *worker)
{
    if (worker->unfit == 0 || service_now_ms() < worker->fit_ms)
        return;
    worker->unfit = 0;
    bus_consumer_ask_left(worker->member.consumer);
    if (worker->unfit == 0)
        backoff_reset(&worker->fitting);
}

static enum status restore(struct member *member, struct member_part *part,
                           const struct key_value *entries, size_t count, struct failure *why)
{
    (void)member;
    enum status status = partition_restore(partition_of(part), entries, count, why);
    crash_point("reducer-restored");
    return status;
}

static void dropped(struct member *member)
{
    worker_of(member)->unfit = 0;
}

static enum status take(struct member *member, struct member_part *part,
                        const struct bus_message *message, struct failure *why)
{
    (void)member;
    return partition_take(partition_of(part), message->value, message->offset, message->time_ms,
                          why);
}

static int64_t oldest(const struct member_part *part)
{
    return partition_oldest(partition_of(part), part->next);
}

/* --- metrics --- */

static void count_in_metrics(struct metrics *metrics, struct part *part)
{
    struct partition_counts now = partition_counts(part->partition), *reported = &part->reported;
    metrics_add(metrics, METRIC_RECORDS, 0, now.records - reported->records);
    metrics_add(metrics, METRIC_CHUNKS, 0, now.chunks - reported->chunks);
    metrics_add(metrics, METRIC_EVENTS, 0, now.events - reported->events);
    for (size_t i = 0; i < TALLY_COUNT; i++)
        metrics_add(metrics, METRIC_TALLIES, i, now.tallies.at[i] - reported->tallies.at[i]);
    metrics_add(metrics, METRIC_GAPS, 0, now.gaps - reported->gaps);
    metrics_add(metrics, METRIC_MISMATCHES, 0, now.mismatches - reported->mismatches);
    metrics_add(metrics, METRIC_REPEATED, 0, now.repeated - reported->repeated);
    metrics_add(metrics, METRIC_REFUSED, 0, now.refused - reported->refused);
    metrics_add(metrics, METRIC_SESSIONS_ENDED, 0, now.sessions_ended - reported->sessions_ended);
    *reported = now;
}

static void update_metrics(struct member *member)
{
    struct metrics *metrics = service_metrics(member->service);
    int64_t waiting = 0;
    size_t bytes = 0, spilled = 0;
    for (size_t i = 0; i < member->part_count; i++) {
        struct part *part = part_at(member, i);
        count_in_metrics(metrics, part);
        size_t in_file;
        waiting += (int64_t)partition_waiting(part->partition);
        bytes += partition_waiting_bytes(part->partition, &in_file);
        spilled += in_file;
    }
    metrics_set(metrics, METRIC_WAITING, 0, waiting);
    metrics_set(metrics, METRIC_WAITING_BYTES, 0, (int64_t)bytes);
    metrics_set(metrics, METRIC_SPILLED_BYTES, 0, (int64_t)spilled);
}

/* --- transactions --- */

static void save(struct member_part *part)
{
    partition_save(partition_of(part));
    crash_point("reducer-saved");
}

static void commit_first(struct member *member, const struct bus_offset *offsets)
{
    struct failure ignored;
    for (size_t i = 0; i < member->part_count; i++) {
        enum status status = bus_consumer_commit(member->consumer, &offsets[i], &ignored);
        (void)status;
    }
}

static enum status send_state_alone(struct member *member, const struct bus_record *records,
                                    size_t count, struct failure *why)
{
    struct bus_record *state = memory_new((count + 1) * sizeof *state);
    struct bus_offset *offsets = memory_new((member->part_count + 1) * sizeof *offsets);
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        if (records[i].topic == BUS_STATE)
            state[used++] = records[i];
    for (size_t i = 0; i < member->part_count; i++)
        offsets[i] = (struct bus_offset){member->parts[i]->number, member->parts[i]->sent, NULL};
    struct bus_patience patience = {member_is_over, member};
    enum status status = bus_transact(member->producer, state, used, member->consumer, offsets,
                                      member->part_count, &patience, why);
    free(state);
    free(offsets);
    return status;
}

/* Mutants, for tests. */
static enum status committing(struct member *member, const struct bus_record *records, size_t count,
                              const struct bus_offset *offsets, struct failure *why)
{
    if (mutant("commit-first"))
        commit_first(member, offsets);
    enum status status = STATUS_OK;
    if (mutant("state-outside"))
        status = send_state_alone(member, records, count, why);
    for (size_t i = 0; i < member->part_count; i++)
        if (member->parts[i]->queues[QUEUE_RESULTS].count > 0) {
            crash_point("reducer-between");
            break;
        }
    return status;
}

static void committed(struct member *member)
{
    struct metrics *metrics = service_metrics(member->service);
    for (size_t i = 0; i < member->part_count; i++) {
        const struct outbox *queues = member->parts[i]->queues;
        metrics_add(metrics, METRIC_RESULTS, 0, queues[QUEUE_RESULTS].count);
        metrics_add(metrics, METRIC_STATES, 0, queues[MEMBER_STATE].count);
    }
    crash_point("reducer-sent");
}

/* --- the loop --- */

static void watch(struct worker *worker)
{
    uint64_t now = service_now_ms();
    if (now - worker->watched_ms < WATCH_MS)
        return;
    uint64_t passed = now - worker->watched_ms;
    worker->watched_ms = now;
    worker_watch(worker, passed < 2 * WATCH_MS ? passed : WATCH_MS);
}

static const char *turn(struct member *member)
{
    struct worker *worker = worker_of(member);
    watch(worker);
    look_at_unfit(worker);
    return worker->unfit > 0 ? "topics do not match: partials have more partitions than state"
                             : NULL;
}

static const struct member_kind reducer = {.topic = BUS_PARTIALS,
                                           .is_fit = is_fit,
                                           .new_part = reducer_part_new,
                                           .restore = restore,
                                           .free_part = reducer_part_free,
                                           .dropped = dropped,
                                           .take = take,
                                           .turn = turn,
                                           .update_metrics = update_metrics,
                                           .save = save,
                                           .oldest = oldest,
                                           .committing = committing,
                                           .committed = committed};

/* If nothing can be spilled, all waiting data stays in memory: report that before the memory is
 * full. */
static enum status check_spill_folder(const struct service *service, struct failure *why)
{
    const struct config *config = service_config(service);
    enum status status = waiting_check_folder(config_text(config, "spill-dir"), why);
    if (status == STATUS_OK)
        return status;
    failure_prefix(why, "spill-dir (%s)", config_source(config, "spill-dir"));
    if (config_is_given(config, "spill-dir"))
        return STATUS_REJECT;
    log_say(service_log(service), LOG_WARNING, "cannot spill waiting chunks",
            log_text("why", why->text),
            log_text("what", "waiting chunks stay in memory, even above --waiting-limit"));
    return STATUS_OK;
}

enum status worker_run(struct service *service, struct failure *why)
{
    const struct config *config = service_config(service);
    char *name = memory_format("%s-0", service_instance(service));
    struct worker worker = {
        .member = {.kind = &reducer,
                   .service = service,
                   .queues = {[MEMBER_STATE] = {.topic = BUS_STATE},
                              [QUEUE_RESULTS] = {.topic = BUS_RESULTS, .by_session = true},
                              [QUEUE_GAPS] = {.topic = BUS_PARTIALS}},
                   .role = "reducer",
                   .name = name,
                   .flush_ms = config_duration_ms(config, "flush")},
        .gap_after_ms = config_duration_ms(config, "gap-after"),
        .expire_after_ms = config_duration_ms(config, "expire-after"),
        .forget_after_ms = config_duration_ms(config, "forget-after"),
        .watched_ms = service_now_ms(),
        .fitting = backoff_make(FIT_LEAST_MS, FIT_MOST_MS, service_now_ms())};
    enum status status = check_spill_folder(service, why);
    if (status == STATUS_OK)
        status = bus_admin_new(service_bus(service), &worker.admin, why);
    if (status == STATUS_OK)
        status = member_run(&worker.member, why);
    else
        log_say(service_log(service), LOG_ERROR, "leaving", log_text("reason", why->text));
    bus_admin_free(worker.admin);
    free(name);
    return status;
}
