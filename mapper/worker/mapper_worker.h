/* mapper/worker/mapper_worker.h -- the state of one mapper thread; shared by the files of this
 * folder. */
#ifndef MAPPER_WORKER_MAPPER_WORKER_H
#define MAPPER_WORKER_MAPPER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/names.h"
#include "base/arena.h"
#include "bus/consumer.h"
#include "bus/producer.h"
#include "bus/bus_reader.h"
#include "mapper/map_chunk.h"
#include "service/service.h"
#include "trace/phases.h"
#include "wire/chunk_codec.h"
#include "wire/outbox.h"

enum mapper_metric {
    METRIC_CHUNKS, /* by enum chunk_outcome */
    METRIC_EVENTS,
    METRIC_TALLIES, /* by enum tally */
    METRIC_PHASE_FAULTS,
    METRIC_RAW_BYTES,
    METRIC_ARCHIVE_BYTES,
    METRIC_PARTIAL_BYTES,
    METRIC_RECORDS,
    METRIC_FETCH_TIME,
    METRIC_MAP_TIME,
    METRIC_TRANSACTION_TIME,
    METRIC_TRANSACTIONS_ABORTED,
    METRIC_REBALANCES,
    METRIC_PARTITIONS,
    METRIC_LAG,
    METRIC_BEHIND,
    MAPPER_METRICS
};

enum chunk_outcome {
    OUTCOME_MAPPED,
    OUTCOME_LOST,
    OUTCOME_PARKED,
    OUTCOME_REPEATED,
    OUTCOME_GIVEN_BACK
};
#define OUTCOME_WORDS "mapped lost parked repeated given_back"

/* Why a chunk is parked; the names are those of the header `kind` on spanmill.parked. A damaged
 * chunk or a lost archive cannot be repaired: the gap is written at once. The others may be fixed
 * and resent. */
enum park_kind { PARK_DAMAGED, PARK_GONE, PARK_FETCH, PARK_LIMIT, PARK_TRIES };

/* The current chunk. */
struct chunk_work {
    struct arena arena;
    int32_t partition;
    int64_t offset;
    int64_t time_ms;    /* of its announcement */
    struct bytes value; /* the announcement, copied */
    struct text key;
    struct chunk_ready ready;
    unsigned tries;    /* including this one */
    uint64_t begin_ms; /* CLOCK_MONOTONIC, when it was taken */
    struct map_stats stats;
    bool owned; /* its partition has been assigned to us all the time, or is again */
};

struct worker {
    struct service *service;
    const struct bus_settings *bus;
    const struct phase_definitions *phases;
    struct map_guard guard;
    struct plan_cache *cache; /* of metadata, for all chunks of this thread */
    struct archive_room room; /* memory to unpack into */
    unsigned thread;
    _Atomic bool is_working;       /* there is a current chunk */
    const struct chunk_work *work; /* the current chunk; or NULL */
    struct bus_consumer *consumer;
    struct bus_producer *producer;
    struct bus_reader *reader; /* for segments; created on demand */
    struct outbox partials;
    struct reader_warnings warnings;
    uint64_t polled_ms, poll_ms;
    /* By partition: the offset up to which the tries of its chunks are known, since the partition
     * was assigned; BUS_OFFSET_NONE. */
    int64_t *known;
    size_t known_count, known_room;
};

/* --- take_chunk.c --- */

/* A partition was assigned: others may have begun its chunks. */
void worker_forget_tries(struct worker *worker, int32_t partition);

/* Processes the chunk announced by `message`, including its transaction. OK: done, or owned by
 * another mapper. STOP: exit; `why` is empty if we were asked to stop. */
MUST_CHECK enum status worker_take_chunk(struct worker *worker, const struct bus_message *message,
                                         struct failure *why);

/* --- send_partials.c --- */

/* Sends the partials, the gap, or the parked announcement of the chunk, and its offset.
 * OK      done, or the chunk is owned by another mapper now.
 * STOP    exit. */
MUST_CHECK enum status worker_send_partials(struct worker *worker, struct chunk_work *work,
                                            struct failure *why);
MUST_CHECK enum status worker_park(struct worker *worker, struct chunk_work *work,
                                   enum park_kind kind, const char *reason, struct failure *why);
MUST_CHECK enum status worker_send_loss(struct worker *worker, struct chunk_work *work,
                                        struct failure *why);

/* Logs the outcome of the chunk. */
void worker_say_chunk(const struct worker *worker, const struct chunk_work *work,
                      const char *event);

/* Logs a problem with the chunk: `key` is `why`, `reason`, or `what`; `kind` or NULL. */
void worker_warn_chunk(const struct worker *worker, const struct chunk_work *work,
                       const char *event, const char *kind, const char *key, const char *text);

/* --- mapper_worker.c --- */

/* Runs until asked to stop. `guard` is shared by all threads. OK, or STOP. */
MUST_CHECK enum status worker_run(struct service *service, const struct phase_definitions *phases,
                                  const struct map_guard *guard, unsigned thread,
                                  struct failure *why);
struct bus_patience worker_patience(struct worker *worker);
/* Keeps the group membership alive during long work; true if the work is to be abandoned. */
bool worker_poll_once(struct worker *worker);

#endif
