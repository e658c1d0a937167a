/* bus/consumer.h -- reading a topic as a member of a group.
 *
 * Rebalances are eager: a member gives back all partitions, then gets some. Offsets are committed
 * in transactions (bus/producer.h), or by bus_consumer_commit(); never by themselves. Only
 * committed records are read. */
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
    /* The partition is ours from now on: returns the offset to read from; BUS_OFFSET_NONE for the
     * committed one, BUS_OFFSET_LEAVE to leave it alone for now. It may take its time: heartbeats go on, up to max.poll.interval.ms. */
    int64_t (*assigned)(void *context, int32_t partition);
    /* All partitions are gone. `lost`: somebody else may have them already. */
    void (*revoked)(void *context, bool lost);
    /* Something that operators should know: offsets out of range, a broker that is away. */
    void (*say)(void *context, const char *sentence);
    void *context;
};

struct bus_consumer_options {
    enum bus_topic topic;
    const char *role;     /* the group is PREFIX-ROLE */
    const char *instance; /* group.instance.id: keeps its partitions over a restart; NULL: none */
    bool long_work;       /* on each record, and may pause: fetch little ahead */
    struct bus_rebalance rebalance;
};

/* OK, or REJECT: a setting. The broker is not waited for. */
MUST_CHECK enum status bus_consumer_new(const struct bus_settings *settings,
                                        const struct bus_consumer_options *options,
                                        struct bus_consumer **out, struct failure *why);
/* Leaves the group, unless it is static. NULL is fine. */
void bus_consumer_free(struct bus_consumer *consumer);

struct bus_message {
    int32_t partition;
    int64_t offset;
    int64_t time_ms; /* Unix epoch; -1 if not told */
    struct text key;
    struct bytes value; /* at NULL: a tombstone */
    bool end;           /* no record: the end of the partition is at `offset`, for now */
    void *handle;       /* the consumer's own */
};

/* Waits up to `timeout_ms` for the next record or end of a partition; what it points to is valid
 * until the next call. OK, END: nothing came; STOP: of no use any more: fatal,
 * not allowed, or the topic was deleted. */
MUST_CHECK enum status bus_consumer_poll(struct bus_consumer *consumer, int timeout_ms,
                                         struct bus_message *out, struct failure *why);

/* Stops and goes on with all partitions that are ours; while it is paused, so are those that
 * come. */
void bus_consumer_pause(struct bus_consumer *consumer);
void bus_consumer_resume(struct bus_consumer *consumer);
/* The next record of a partition to be read. RETRY: not now. */
MUST_CHECK enum status bus_consumer_seek(struct bus_consumer *consumer, int32_t partition,
                                         int64_t offset, struct failure *why);
bool bus_consumer_owns(const struct bus_consumer *consumer, int32_t partition);

struct bus_offset {
    int32_t partition;
    int64_t offset;       /* of the next record to read */
    const char *metadata; /* text that is kept with it; NULL: none */
};

enum { BUS_METADATA_MAX = 128 };

/* The group's committed offset of a partition, BUS_OFFSET_NONE if there is none, and its text; no
 * answer while a transaction that would change it is open. RETRY: no answer. STOP: not allowed. */
MUST_CHECK enum status bus_consumer_committed(struct bus_consumer *consumer, int32_t partition,
                                              int64_t *offset, char metadata[BUS_METADATA_MAX],
                                              struct failure *why);
/* Commits outside of any transaction. RETRY: not now, or the partition is not ours any more. */
MUST_CHECK enum status bus_consumer_commit(struct bus_consumer *consumer,
                                           const struct bus_offset *offset, struct failure *why);
/* Records of our partitions behind the last that was given out. From any thread. `ask`: asks the
 * brokers (for half a second at the most) where the partitions end; else, and without an answer, as
 * far as the consumer knows. *partitions: how many are ours. */
int64_t bus_consumer_unread(struct bus_consumer *consumer, bool ask, size_t *partitions);
/* Asks `assigned` again for the partitions that were left alone, and reads those that it takes now. */
void bus_consumer_ask_left(struct bus_consumer *consumer);
/* Numbers of the topic's partitions that are ours. */
const int32_t *bus_consumer_owned(const struct bus_consumer *consumer, size_t *count);

#endif
