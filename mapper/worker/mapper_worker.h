/* mapper/worker/mapper_worker.h -- what one mapping thread holds; shared by the files of this folder. */
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

/* Why a chunk is parked; the words are those of the header `kind` on spanmill.parked. Of damage,
 * and of an archive that is gone for good, nothing will come: the gap is written at once. The others
 * may be cured, and sent again. */
enum park_kind { PARK_DAMAGED, PARK_GONE, PARK_FETCH, PARK_LIMIT, PARK_TRIES };

/* The chunk in hand. */
struct chunk_work {
    struct arena arena;
    int32_t partition;
    int64_t offset;
    int64_t time_ms;    /* of its announcement */
    struct bytes value; /* the announcement, copied */
    struct text key;
    struct chunk_ready ready;
    unsigned tries;    /* this one included */
    uint64_t begin_ms; /* CLOCK_MONOTONIC, when it was taken up */
    struct map_stats stats;
    bool owned; /* its partition has been ours all the time, or is again */
};

struct worker {
    struct service *service;
    const struct bus_settings *bus;
    const struct phase_definitions *phases;
    struct map_guard guard;
    struct plan_cache *cache; /* of metadata, over all chunks of this thread */
    struct archive_room room; /* to unpack into */
    unsigned thread;
    _Atomic bool in_hand;          /* a chunk is */
    const struct chunk_work *work; /* it; or NULL */
    struct bus_consumer *consumer;
    struct bus_producer *producer;
    struct bus_reader *reader; /* of segments; made when it is needed */
    struct outbox partials;
    struct reader_warnings warnings;
    uint64_t polled_ms, poll_ms;
    /* By partition: up to which offset it is known, since the partition came, how often its chunks
     * were begun; BUS_OFFSET_NONE. */
    int64_t *known;
    size_t known_count, known_room;
};

/* --- chunk.c --- */

/* A partition came: others may have begun its chunks. */
void worker_forget_tries(struct worker *worker, int32_t partition);

/* Takes up the chunk whose announcement is `message`, up to its transaction. OK: it is done, or
 * somebody else's. STOP: leave; `why` says nothing if that is because we were asked to. */
MUST_CHECK enum status worker_take_chunk(struct worker *worker, const struct bus_message *message,
                                         struct failure *why);

/* --- transact.c --- */

/* Sends the partials, the gap or the parked announcement of the chunk, and its offset.
 * OK      done, or the chunk is somebody else's now.
 * STOP    leave. */
MUST_CHECK enum status worker_send_partials(struct worker *worker, struct chunk_work *work,
                                            struct failure *why);
MUST_CHECK enum status worker_park(struct worker *worker, struct chunk_work *work,
                                   enum park_kind kind, const char *reason, struct failure *why);
MUST_CHECK enum status worker_send_loss(struct worker *worker, struct chunk_work *work,
                                        struct failure *why);

/* A line of the log about what has become of the chunk. */
void worker_say_chunk(const struct worker *worker, const struct chunk_work *work,
                      const char *event);

/* The same about what goes wrong with it: `key` is `why`, `reason` or `what`; `kind` or NULL. */
void worker_warn_chunk(const struct worker *worker, const struct chunk_work *work,
                       const char *event, const char *kind, const char *key, const char *text);

/* --- worker.c --- */

/* Works until asked to stop. `guard` is that of all threads. OK, or STOP. */
MUST_CHECK enum status worker_run(struct service *service, const struct phase_definitions *phases,
                                  const struct map_guard *guard, unsigned thread,
                                  struct failure *why);
struct bus_patience worker_patience(struct worker *worker);
/* Lets the group see that we live, while there is work; true if the work is to be given up. */
bool worker_breathe(struct worker *worker);

#endif
