/* bus/bus_reader.h -- reads given partitions without a group. */
#ifndef BUS_BUS_READER_H
#define BUS_BUS_READER_H

#include "bus/consumer.h"

struct bus_reader;

/* `ahead`: prefetches much, to read a whole topic. OK, or REJECT: a setting. */
MUST_CHECK enum status bus_reader_new(const struct bus_settings *settings, bool ahead,
                                      struct bus_reader **out, struct failure *why);
void bus_reader_free(struct bus_reader *reader); /* NULL is fine */

/* How many partitions a topic has. RETRY: no answer. REJECT: there is no such topic. */
MUST_CHECK enum status bus_reader_partitions(struct bus_reader *reader, enum bus_topic topic,
                                             int32_t *count, struct failure *why);
/* The first offset of a partition, and its high watermark: the offset after the last record,
 * whether committed, aborted, or open. (A read_committed consumer would get the last stable offset,
 * and committed records may follow it: KAFKA-10167.) RETRY: no answer. REJECT: no such topic or
 * partition. */
MUST_CHECK enum status bus_reader_range(struct bus_reader *reader, enum bus_topic topic,
                                        int32_t partition, int64_t *first, int64_t *end,
                                        struct failure *why);

/* The first offset of a partition whose record was written at `time_ms` (Unix epoch, the broker's
 * clock) or later; its end if there is none. As bus_reader_range(). */
MUST_CHECK enum status bus_reader_at_time(struct bus_reader *reader, enum bus_topic topic,
                                          int32_t partition, int64_t time_ms, int64_t *offset,
                                          struct failure *why);

struct bus_start {
    enum bus_topic topic;
    int32_t partition;
    int64_t offset;
};

/* Replaces the assigned partitions. */
MUST_CHECK enum status bus_reader_assign(struct bus_reader *reader, const struct bus_start *starts,
                                         size_t count, struct failure *why);

/* Like bus_consumer_poll(). An end comes when the last stable offset is reached; it comes again
 * when more was read since. */
MUST_CHECK enum status bus_reader_poll(struct bus_reader *reader, int timeout_ms,
                                       struct bus_message *out, struct failure *why);
/* Callbacks for bus_reader_all(). */
struct bus_reading {
    void (*take)(void *context, const struct bus_message *message); /* borrowed for the call */
    bool (*leave)(void *context); /* asked after each poll: true to give up */
    void *context;
};

/* Reads a partition from its first record to its current end. OK; RETRY: no answer, or `leave`
 * returned true; REJECT: no such topic or partition. */
MUST_CHECK enum status bus_reader_all(struct bus_reader *reader, enum bus_topic topic,
                                      int32_t partition, const struct bus_reading *reading,
                                      struct failure *why);
struct bytes bus_reader_header(const struct bus_reader *reader, const char *name);

#endif
