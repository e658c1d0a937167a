/* cli/topic_reader.h -- all partitions of a topic, read without a group: to where they end now, or
 * for as long as one likes. */
#ifndef CLI_TOPIC_READER_H
#define CLI_TOPIC_READER_H

#include <stdbool.h>

#include "bus/bus_reader.h"

/* Where reading begins. All zero: with the first record. */
struct topic_from {
    enum topic_begin { TOPIC_FIRST, TOPIC_END, TOPIC_TIME, TOPIC_OFFSETS } begin;
    int64_t time_ms; /* TOPIC_TIME: with what was written then, by the broker's clock, or later */
    const int64_t *offsets; /* TOPIC_OFFSETS: of each partition; at least its first */
};

struct topic_reader {
    struct bus_reader *bus;
    enum bus_topic topic;
    struct topic_partition {
        int64_t next; /* the offset of what is read next */
        int64_t end;  /* when it was opened, or renewed */
        bool read;    /* up to there */
    } * partitions;
    int32_t count;
    int32_t unread; /* partitions */
    unsigned idle_polls;
};

/* Finds out where the partitions begin and end, and starts as `from` says. `over` (NULL: never) is asked
 * whether to give up waiting for a broker.
 * OK; RETRY: no answer, for some seconds or until it was over; REJECT: there is no such topic, or a setting
 * will not do. To be closed in any case. */
MUST_CHECK enum status topic_reader_open(struct topic_reader *reader,
                                         const struct bus_settings *settings, enum bus_topic topic,
                                         const struct topic_from *from, bool (*over)(void *context),
                                         void *context, struct failure *why);
void topic_reader_close(struct topic_reader *reader);

/* As bus_reader_poll(), but for the ends: OK with message->end is nothing to look at. */
MUST_CHECK enum status topic_reader_poll(struct topic_reader *reader, int timeout_ms,
                                         struct bus_message *out, struct failure *why);
/* Looks where the partitions end now: what is there by now is to be read, too. RETRY: no answer. */
MUST_CHECK enum status topic_reader_renew(struct topic_reader *reader, struct failure *why);
/* Whether all was read that was there when it was opened, or renewed. */
bool topic_reader_is_read(const struct topic_reader *reader);

#endif
