/* bus/producer.h -- sends records: with acknowledgment, or with offsets in a transaction. */
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
    const char
        *foreign;      /* instead of `topic`, one of another program, partitioned by key; or NULL */
    int32_t partition; /* -1: by `route` */
    struct text route; /* hashed for the partition: the key, or its session */
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

/* An idempotent producer, acks=all. With `transactional_id` (NULL: none), records are only sent in
 * transactions; the open transaction of an earlier producer with that id is aborted, which waits
 * for the broker.
 * OK; REJECT: a setting; RETRY: `patience` ended before the broker responded; STOP: fatal. */
MUST_CHECK enum status bus_producer_new(const struct bus_settings *settings,
                                        const char *transactional_id,
                                        const struct bus_patience *patience,
                                        struct bus_producer **out, struct failure *why);
void bus_producer_free(struct bus_producer *producer); /* NULL is fine; drops queued records */

/* Where a record was written. */
struct bus_place {
    int32_t partition;
    int64_t offset;
};

/* Sends `count` records and waits until the brokers have all; `places` (or NULL) has room for as
 * many. OK      the brokers have all.
 * REJECT  one cannot be stored: too large, no such topic.
 * RETRY   not now: patience has ended, or `timeout_ms` has passed; some may be stored.
 * STOP    the producer is unusable; a new one may work. */
MUST_CHECK enum status bus_deliver(struct bus_producer *producer, const struct bus_record *records,
                                   size_t count, uint64_t timeout_ms,
                                   const struct bus_patience *patience, struct bus_place *places,
                                   struct failure *why);

/* Sends the records and the offsets of `consumer`'s group as one transaction.
 * OK      committed.
 * RETRY   aborted: readers see none of it; the caller sends the records again if it still owns the
 *         partitions.
 * REJECT  aborted, permanently: a record is too large, a topic does not exist.
 * STOP    fenced by another process with the same id, or otherwise unusable: exit. */
MUST_CHECK enum status bus_transact(struct bus_producer *producer, const struct bus_record *records,
                                    size_t count, struct bus_consumer *consumer,
                                    const struct bus_offset *offsets, size_t offset_count,
                                    const struct bus_patience *patience, struct failure *why);

#endif
