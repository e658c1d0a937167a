#include <stdlib.h>

#include "base/memory.h"
#include "reducer/worker/reducer_worker.h"
#include "wire/key.h"

static bool is_over(void *context)
{
    struct worker *worker = context;
    health_turn(service_health(worker->service));
    return service_drain_left_ms(worker->service) == 0;
}

struct bus_patience worker_patience(struct worker *worker)
{
    return (struct bus_patience){is_over, worker};
}

static size_t waiting_records(const struct part *part)
{
    return part->results.count + part->state.count + part->gaps.count;
}

bool worker_is_dirty(const struct worker *worker)
{
    for (size_t i = 0; i < worker->part_count; i++) {
        const struct part *part = worker->parts[i];
        if (waiting_records(part) > 0 ||
            partition_oldest(part->partition, part->next) != part->sent)
            return true;
    }
    return false;
}

/* The records of an outbox; to their own partition, or (-1) that of their session. */
static size_t add(struct bus_record *records, const struct outbox *outbox, enum bus_topic topic,
                  int32_t partition)
{
    for (size_t i = 0; i < outbox->count; i++) {
        const struct outbox_record *from = &outbox->records[i];
        static const uint8_t empty;
        records[i] = (struct bus_record){.topic = topic,
                                         .partition = partition,
                                         .route = key_session(from->key),
                                         .key = from->key,
                                         .value = from->value};
        if (!from->tombstone && !from->value.at)
            records[i].value.at = &empty;
    }
    return outbox->count;
}

static void sent(struct worker *worker, const struct bus_offset *offsets)
{
    struct metrics *metrics = service_metrics(worker->service);
    for (size_t i = 0; i < worker->part_count; i++) {
        struct part *part = worker->parts[i];
        metrics_add(metrics, METRIC_RESULTS, 0, part->results.count);
        metrics_add(metrics, METRIC_STATES, 0, part->state.count);
        outbox_reset(&part->results);
        outbox_reset(&part->state);
        outbox_reset(&part->gaps);
        part->sent = offsets[i].offset;
    }
    worker->dirty_since_ms = 0;
}

static bool has_results(const struct worker *worker)
{
    for (size_t i = 0; i < worker->part_count; i++)
        if (worker->parts[i]->results.count > 0)
            return true;
    return false;
}

/* --- mutants, for tests --- */

static void commit_first(struct worker *worker, const struct bus_offset *offsets)
{
    struct failure ignored;
    for (size_t i = 0; i < worker->part_count; i++) {
        enum status status = bus_consumer_commit(worker->consumer, &offsets[i], &ignored);
        (void)status;
    }
}

/* Mutant: sends the state in a transaction of its own. */
static enum status send_state_alone(struct worker *worker, const struct bus_record *records,
                                    size_t count, struct failure *why)
{
    struct bus_record *state = memory_new((count + 1) * sizeof *state);
    struct bus_offset *offsets = memory_new((worker->part_count + 1) * sizeof *offsets);
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        if (records[i].topic == BUS_STATE)
            state[used++] = records[i];
    for (size_t i = 0; i < worker->part_count; i++)
        offsets[i] = (struct bus_offset){worker->parts[i]->number, worker->parts[i]->sent, NULL};
    struct bus_patience patience = worker_patience(worker);
    enum status status = bus_transact(worker->producer, state, used, worker->consumer, offsets,
                                      worker->part_count, &patience, why);
    free(state);
    free(offsets);
    return status;
}

enum status worker_transact(struct worker *worker, struct failure *why)
{
    size_t count = 0;
    for (size_t i = 0; i < worker->part_count; i++) {
        partition_save(worker->parts[i]->partition);
        count += waiting_records(worker->parts[i]);
    }
    crash_point("reducer-saved");
    struct bus_record *records = memory_new((count + 1) * sizeof *records);
    struct bus_offset *offsets = memory_new((worker->part_count + 1) * sizeof *offsets);
    size_t used = 0;
    for (size_t i = 0; i < worker->part_count; i++) {
        const struct part *part = worker->parts[i];
        used += add(&records[used], &part->results, BUS_RESULTS, -1);
        used += add(&records[used], &part->gaps, BUS_PARTIALS, part->number);
        used += add(&records[used], &part->state, BUS_STATE, part->number);
        offsets[i] =
            (struct bus_offset){part->number, partition_oldest(part->partition, part->next), NULL};
    }
    struct bus_patience patience = worker_patience(worker);
    uint64_t begin_ms = service_now_ms();
    if (mutant("commit-first"))
        commit_first(worker, offsets);
    enum status status = STATUS_OK;
    if (mutant("state-outside"))
        status = send_state_alone(worker, records, used, why);
    if (has_results(worker))
        crash_point("reducer-between");
    if (status == STATUS_OK)
        status = bus_transact(worker->producer, records, used, worker->consumer, offsets,
                              worker->part_count, &patience, why);
    if (status == STATUS_OK) {
        metrics_observe(service_metrics(worker->service), METRIC_TRANSACTION_TIME, 0,
                        service_now_ms() - begin_ms);
        sent(worker, offsets);
        crash_point("reducer-sent");
    } else if (status == STATUS_RETRY) {
        /* Its records are still here, for the next transaction; unless the partitions are
         * revoked. */
        metrics_add(service_metrics(worker->service), METRIC_TRANSACTIONS_ABORTED, 0, 1);
        log_say(service_log(worker->service), LOG_WARNING, "transaction aborted",
                log_text("why", why->text));
        worker->dirty_since_ms = service_now_ms();
        status = STATUS_OK;
    } else {
        status = STATUS_STOP;
    }
    free(records);
    free(offsets);
    return status;
}
