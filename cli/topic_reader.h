/* cli/topic_reader.h -- reads all partitions of a topic without a group, to their current ends or
 * endlessly. */
#ifndef CLI_TOPIC_READER_H
#define CLI_TOPIC_READER_H

#include <stdbool.h>

#include "bus/bus_reader.h"

/* Where reading begins. All zero: with the first record. */
struct topic_from {
    enum topic_begin { TOPIC_FIRST, TOPIC_END, TOPIC_TIME, TOPIC_OFFSETS } begin;
    int64_t time_ms; /* TOPIC_TIME: records written at this time or later, by the broker's clock */
    const int64_t *offsets; /* TOPIC_OFFSETS: by partition; at least its first offset */
};

struct topic_reader {
    struct bus_reader *bus;
    enum bus_topic topic;
    struct topic_partition {
        int64_t next; /* the next offset to read */
        int64_t end;  /* when it was opened or renewed */
        bool read;    /* up to `end` */
    } * partitions;
    int32_t count;
    int32_t unread; /* partitions */
    unsigned idle_polls;
};

/* Whether to ask brokers again, after a pause: a question first asked at `since_ms` (monotonic) is
 * asked for 10 s. A partition may have no leader, a group's coordinator may be moving, or not exist
 * before the first question. */
bool topic_ask_again(uint64_t since_ms, enum status status);

/* Determines the begin and end of the partitions, and starts at `from`. `over` (NULL: never)
 * returns true to give up waiting for a broker.
 * OK; RETRY: no answer, for some seconds or until `over`; REJECT: no such topic, or an invalid
 * setting. Close it in any case. */
MUST_CHECK enum status topic_reader_open(struct topic_reader *reader,
                                         const struct bus_settings *settings, enum bus_topic topic,
                                         const struct topic_from *from, bool (*over)(void *context),
                                         void *context, struct failure *why);
void topic_reader_close(struct topic_reader *reader);

/* As bus_reader_poll(); ignore messages with `end`. */
MUST_CHECK enum status topic_reader_poll(struct topic_reader *reader, int timeout_ms,
                                         struct bus_message *out, struct failure *why);
/* Updates the ends of the partitions to the current ones. RETRY: no answer. */
MUST_CHECK enum status topic_reader_renew(struct topic_reader *reader, struct failure *why);
/* Whether all records were read that existed when it was opened or renewed. */
bool topic_reader_is_read(const struct topic_reader *reader);

#endif
