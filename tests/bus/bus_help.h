/* What tests of the bus share: a broker, topics of a test's own, records, and a member of a group
 * that notes what happens to it.
 *
 * The broker is the one of BROKER_FOLDER (tests/kafka/broker.sh), or of BROKER (HOST:PORT). */
#ifndef TESTS_BUS_BUS_HELP_H
#define TESTS_BUS_BUS_HELP_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/admin.h"
#include "bus/consumer.h"
#include "bus/producer.h"
#include "bus/bus_reader.h"

enum { PAIRS_MAX = 8, NOTES_MAX = 64 };

/* What ends a wait for something that has to come. Slow and busy machines take their time: it is no
 * test's matter. */
enum { LIMIT_MS = 90000 };

/* All strings are the test's own, and live as long as it does. */
struct bench {
    struct bus_settings settings;
    struct bus_pair pairs[PAIRS_MAX];
    char brokers[64], prefix[64];
};

/* Topics chunks, partials and state under a random prefix; chunks have `partitions`, the others
 * one. The settings of librdkafka are made for tests: short time-outs. */
void bench_init(struct bench *bench, int32_t partitions);
/* With a broker of the test's own, in the new folder `folder`; bench_kill_broker() in the end. */
void bench_init_own_broker(struct bench *bench, int32_t partitions, char folder[64]);
void bench_broker(const char *folder, const char *action); /* as broker.sh knows it */
void bench_signal_broker(const char *folder, int number);
void bench_set(struct bench *bench, const char *key, const char *value);

uint64_t bench_now_ms(void);
void bench_sleep_ms(uint64_t ms);

/* A record with text for key and value (NULL: a tombstone), by its key's partition or `partition`. */
struct bus_record bench_record(enum bus_topic topic, int32_t partition, const char *key,
                               const char *value);

/* `transactional_id` (NULL: none) gets the prefix in front. */
struct bus_producer *bench_producer(const struct bench *bench, const char *transactional_id);
/* Delivers `count` records "0", "1" ... to a partition of chunks. */
void bench_fill(const struct bench *bench, int32_t partition, unsigned count);

/* A member of the group PREFIX-test of the topic chunks. */
struct member {
    struct bus_consumer *bus;
    int64_t begin_at; /* what it answers when it is given a partition */
    unsigned assigned, revoked, lost, said;
    char last_said[512];
    struct bus_message message; /* the last */
};

/* `member` must not move. */
void member_join(struct member *member, const struct bench *bench, const char *instance);
/* Polls until `count` partitions are its own, and no rebalance is under way. */
void member_wait_owned(struct member *member, size_t count, uint64_t limit_ms);
/* Polls for a record; false if none comes within the limit. */
bool member_next(struct member *member, uint64_t limit_ms);
/* Polls for the end of a partition, passing by records; how many there were. */
unsigned member_drain(struct member *member, uint64_t limit_ms);
void member_poll_for(struct member *member, uint64_t ms); /* no record may come */
void member_leave(struct member *member);

bool value_is(const struct bus_message *message, const char *value);
bool never_over(void *context);

/* The offset that the member's group has committed, and its text; there is no answer while a
 * transaction is open, or a broker slow: it is waited for. */
int64_t member_committed(struct member *member, char metadata[BUS_METADATA_MAX]);

/* Where a partition ends; waits until that is `least` at the least: a coordinator says that a
 * transaction has ended before it has written that to its partitions. */
int64_t bench_wait_end(struct bus_reader *reader, enum bus_topic topic, int32_t partition,
                       int64_t least);
/* Reads the committed records of a partition, from its begin to its end, when no transaction is open
 * there any more: their values, each with a blank behind; "-" for tombstones. */
const char *bench_read(const struct bench *bench, enum bus_topic topic, int32_t partition,
                       char room[1024]);

#endif
