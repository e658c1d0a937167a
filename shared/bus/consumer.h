/* bus/consumer.h -- reads a topic as a member of a consumer group.
 *
 * Rebalances are eager: all partitions of a member are revoked, then new ones assigned. Offsets are
 * committed in transactions (bus/producer.h), or by bus_consumer_commit(); never automatically.
 * Only committed records are read. */
#ifndef BUS_CONSUMER_H
#define BUS_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "bus/bus_settings.h"

#define BUS_OFFSET_NONE INT64_C(-1)
#define BUS_OFFSET_LEAVE INT64_C(-2) /* do not read it; see bus_consumer_ask_left() */

struct bus_consumer;

/* Called from bus_consumer_poll(). */
struct bus_rebalance {
    /* The partition was assigned: returns the offset to read from; BUS_OFFSET_NONE for the
     * committed one, BUS_OFFSET_LEAVE to skip it for now. It may block: heartbeats continue, up to
     * max.poll.interval.ms. */
    int64_t (*assigned)(void *context, int32_t partition);
    /* All partitions were revoked. `lost`: other members may own them already. */
    void (*revoked)(void *context, bool lost);
    /* A message for operators: offsets out of range, an unavailable broker. */
    void (*say)(void *context, const char *sentence);
    void *context;
};

struct bus_consumer_options {
    enum bus_topic topic;
    const char *role;     /* the group is PREFIX-ROLE */
    const char *instance; /* group.instance.id: keeps its partitions across a restart; NULL: none */
    bool long_work;       /* records take long, and it may pause: prefetch little */
    struct bus_rebalance rebalance;
};

/* OK, or REJECT: a setting. Does not wait for the broker. */
MUST_CHECK enum status bus_consumer_new(const struct bus_settings *settings,
                                        const struct bus_consumer_options *options,
                                        struct bus_consumer **out, struct failure *why);
/* Leaves the group, unless it is static. NULL is fine. */
void bus_consumer_free(struct bus_consumer *consumer);

struct bus_message {
    int32_t partition;
    int64_t offset;
    int64_t time_ms; /* Unix epoch; -1 if unknown */
    struct text key;
    struct bytes value; /* at NULL: a tombstone */
    bool end;           /* no record: the current end of the partition is at `offset` */
    void *handle;       /* the consumer's own */
};

/* Waits up to `timeout_ms` for the next record or end of a partition; `out` is valid until the next
 * call. OK; END: timeout; STOP: the consumer is unusable: a fatal error, no permission, or the
 * topic was deleted. */
MUST_CHECK enum status bus_consumer_poll(struct bus_consumer *consumer, int timeout_ms,
                                         struct bus_message *out, struct failure *why);

/* Pauses and resumes all own partitions; while paused, new ones are paused, too. */
void bus_consumer_pause(struct bus_consumer *consumer);
void bus_consumer_resume(struct bus_consumer *consumer);
/* Sets the next offset to read of a partition. RETRY: not now. */
MUST_CHECK enum status bus_consumer_seek(struct bus_consumer *consumer, int32_t partition,
                                         int64_t offset, struct failure *why);
bool bus_consumer_owns(const struct bus_consumer *consumer, int32_t partition);

struct bus_offset {
    int32_t partition;
    int64_t offset;       /* of the next record to read */
    const char *metadata; /* text stored with it; NULL: none */
};

enum { BUS_METADATA_MAX = 128 };

/* The group's committed offset of a partition, BUS_OFFSET_NONE if there is none, and its text; no
 * answer while a transaction that would change it is open. RETRY: no answer. STOP: not allowed. */
MUST_CHECK enum status bus_consumer_committed(struct bus_consumer *consumer, int32_t partition,
                                              int64_t *offset, char metadata[BUS_METADATA_MAX],
                                              struct failure *why);
/* Commits outside of any transaction. RETRY: not now, or the partition is no longer owned. */
MUST_CHECK enum status bus_consumer_commit(struct bus_consumer *consumer,
                                           const struct bus_offset *offset, struct failure *why);
/* The number of unread records of the own partitions. Thread-safe. `ask`: queries the brokers (for
 * at most half a second) for the ends of the partitions; else, and without an answer, uses the ends
 * known to the consumer. *partitions: the number of own partitions. */
int64_t bus_consumer_unread(struct bus_consumer *consumer, bool ask, size_t *partitions);
/* Calls `assigned` again for skipped partitions, and reads those that it now accepts. */
void bus_consumer_ask_left(struct bus_consumer *consumer);
/* The numbers of the own partitions. */
const int32_t *bus_consumer_owned(const struct bus_consumer *consumer, size_t *count);

#endif
