/* bus/bus_reader.h -- reading partitions of one's choice, without a group. */
#ifndef BUS_BUS_READER_H
#define BUS_BUS_READER_H

#include "bus/consumer.h"

struct bus_reader;

/* `ahead`: fetches much ahead, to read all of a topic. OK, or REJECT: a setting. */
MUST_CHECK enum status bus_reader_new(const struct bus_settings *settings, bool ahead,
                                      struct bus_reader **out, struct failure *why);
void bus_reader_free(struct bus_reader *reader); /* NULL is fine */

/* How many partitions a topic has. RETRY: no answer. REJECT: there is no such topic. */
MUST_CHECK enum status bus_reader_partitions(struct bus_reader *reader, enum bus_topic topic,
                                             int32_t *count, struct failure *why);
/* The first offset of a partition, and its high watermark: what is behind the last record, be it
 * committed, aborted or still open. (A read_committed consumer would be told of the last stable
 * offset, and committed records may lie behind that: KAFKA-10167.) RETRY: no answer. REJECT: there is no such
 * topic or partition. */
MUST_CHECK enum status bus_reader_range(struct bus_reader *reader, enum bus_topic topic,
                                        int32_t partition, int64_t *first, int64_t *end,
                                        struct failure *why);

/* The first offset of a partition whose record was written at `time_ms` (Unix epoch, the broker's clock)
 * or later; its end if there is none. As bus_reader_range(). */
MUST_CHECK enum status bus_reader_at_time(struct bus_reader *reader, enum bus_topic topic,
                                          int32_t partition, int64_t time_ms, int64_t *offset,
                                          struct failure *why);

struct bus_start {
    enum bus_topic topic;
    int32_t partition;
    int64_t offset;
};

/* What is read from now on, in place of what was. */
MUST_CHECK enum status bus_reader_assign(struct bus_reader *reader, const struct bus_start *starts,
                                         size_t count, struct failure *why);

/* Like bus_consumer_poll(). An end comes when the last stable offset is reached; it comes again
 * when more was read since. */
MUST_CHECK enum status bus_reader_poll(struct bus_reader *reader, int timeout_ms,
                                       struct bus_message *out, struct failure *why);
/* Who reads all of a partition. */
struct bus_reading {
    void (*take)(void *context, const struct bus_message *message); /* borrowed for the call */
    bool (*leave)(void *context); /* asked after each poll: true to give up */
    void *context;
};

/* Reads a partition from its first record up to where it ends when this is called, and nothing from
 * then on. OK; RETRY: no answer, or it was left; REJECT: there is no such topic or partition. */
MUST_CHECK enum status bus_reader_all(struct bus_reader *reader, enum bus_topic topic,
                                      int32_t partition, const struct bus_reading *reading,
                                      struct failure *why);
struct bytes bus_reader_header(const struct bus_reader *reader, const char *name);

#endif
