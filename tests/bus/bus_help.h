/* Common code of tests of the bus: a broker, separate topics for each test, records, and a group
 * member that records its callbacks.
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

/* Timeout of waits for something that must happen; generous, because machines may be slow or busy.
 */
enum { LIMIT_MS = 90000 };

/* All strings are owned by the test. */
struct bench {
    struct bus_settings settings;
    struct bus_pair pairs[PAIRS_MAX];
    char brokers[64], prefix[64];
};

/* Topics chunks, partials and state under a random prefix; chunks have `partitions`, the others
 * one. librdkafka settings for tests: short timeouts. */
void bench_init(struct bench *bench, int32_t partitions);
/* With a separate broker, in the new folder `folder`; call bench_kill_broker() at the end. */
void bench_init_own_broker(struct bench *bench, int32_t partitions, char folder[64]);
void bench_broker(const char *folder, const char *action); /* an action of broker.sh */
void bench_signal_broker(const char *folder, int number);
void bench_set(struct bench *bench, const char *key, const char *value);

uint64_t bench_now_ms(void);
void bench_sleep_ms(uint64_t ms);

/* A record with texts as key and value (NULL: a tombstone), in its key's partition or `partition`.
 */
struct bus_record bench_record(enum bus_topic topic, int32_t partition, const char *key,
                               const char *value);

/* `transactional_id` (NULL: none) gets the prefix. */
struct bus_producer *bench_producer(const struct bench *bench, const char *transactional_id);
/* Delivers `count` records "0", "1" ... to a partition of chunks. */
void bench_fill(const struct bench *bench, int32_t partition, unsigned count);

/* A member of the group PREFIX-test of the topic chunks. */
struct member {
    struct bus_consumer *bus;
    int64_t begin_at; /* the offset returned when a partition is assigned */
    unsigned assigned, revoked, lost, said;
    char last_said[512];
    struct bus_message message; /* the last */
};

/* `member` must not move. */
void member_join(struct member *member, const struct bench *bench, const char *instance);
/* Polls until it owns `count` partitions, and no rebalance is in progress. */
void member_wait_owned(struct member *member, size_t count, uint64_t limit_ms);
/* Polls for a record; false if none comes within the limit. */
bool member_next(struct member *member, uint64_t limit_ms);
/* Polls for the end of a partition, skipping records; returns their number. */
unsigned member_drain(struct member *member, uint64_t limit_ms);
void member_poll_for(struct member *member, uint64_t ms); /* no record may arrive */
void member_leave(struct member *member);

bool value_is(const struct bus_message *message, const char *value);
bool never_over(void *context);

/* The committed offset of the member's group, and its text; waits while a transaction is open, or a
 * broker is slow. */
int64_t member_committed(struct member *member, char metadata[BUS_METADATA_MAX]);

/* The end of a partition; waits until it is at least `least`: a coordinator reports the end of a
 * transaction before writing it to its partitions. */
int64_t bench_wait_end(struct bus_reader *reader, enum bus_topic topic, int32_t partition,
                       int64_t least);
/* Reads the committed records of a partition, from its begin to its end, when no transaction is
 * open there: their values, each followed by a blank; "-" for tombstones. */
const char *bench_read(const struct bench *bench, enum bus_topic topic, int32_t partition,
                       char room[1024]);

#endif
