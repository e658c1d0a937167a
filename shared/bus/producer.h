/* bus/producer.h -- sending records: each for sure, or all of them and offsets in a transaction. */
#ifndef BUS_PRODUCER_H
#define BUS_PRODUCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "bus/consumer.h"
#include "bus/bus_settings.h"

struct bus_header {
    const char *name;
    struct bytes value;
};

struct bus_record {
    enum bus_topic topic;
    const char *foreign; /* in place of `topic`, one that is not ours: partitions by key; or NULL */
    int32_t partition;   /* -1: by `route` */
    struct text route;   /* what is hashed for the partition: the key, or its session */
    struct text key;
    struct bytes value; /* at NULL: a tombstone */
    const struct bus_header *headers;
    size_t header_count;
};

/* Called while a call waits, at least once a second: true to give up. */
struct bus_patience {
    bool (*over)(void *context); /* NULL: never */
    void *context;
};

struct bus_producer;

/* An idempotent producer, acks=all. With `transactional_id` (NULL: none) records are sent in
 * transactions alone; what an earlier producer of that id left open is aborted, which waits for
 * the broker.
 * OK; REJECT: a setting; RETRY: `patience` was over before the broker answered; STOP: fatal. */
MUST_CHECK enum status bus_producer_new(const struct bus_settings *settings,
                                        const char *transactional_id,
                                        const struct bus_patience *patience,
                                        struct bus_producer **out, struct failure *why);
void bus_producer_free(struct bus_producer *producer); /* NULL is fine; what waits is dropped */

/* Where a record was written. */
struct bus_place {
    int32_t partition;
    int64_t offset;
};

/* Sends `count` records and waits until all are on the brokers; `places` (NULL: not asked for) has
 * room for as many.
 * OK      all are.
 * REJECT  one never will be: too large, no such topic.
 * RETRY   not now: patience is over, or it took `timeout_ms`; some may be there.
 * STOP    the producer is of no use any more; a new one may be. */
MUST_CHECK enum status bus_deliver(struct bus_producer *producer, const struct bus_record *records,
                                   size_t count, uint64_t timeout_ms,
                                   const struct bus_patience *patience, struct bus_place *places,
                                   struct failure *why);

/* Sends the records and the offsets of `consumer`'s group as one transaction.
 * OK      committed.
 * RETRY   aborted: nothing of it will be seen; the records are still the caller's, to be sent
 *         again if the partitions are still its own.
 * REJECT  aborted, and would be again: a record is too large, a topic is not there.
 * STOP    fenced by another process of the same id, or otherwise of no use: leave. */
MUST_CHECK enum status bus_transact(struct bus_producer *producer, const struct bus_record *records,
                                    size_t count, struct bus_consumer *consumer,
                                    const struct bus_offset *offsets, size_t offset_count,
                                    const struct bus_patience *patience, struct failure *why);

#endif
