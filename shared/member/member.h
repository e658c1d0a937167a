/* member/member.h -- a service that reads a topic as a member of a consumer group, and keeps the
 * state of each partition in a compacted topic. It restores assigned partitions, and commits what
 * they put out, their state, and the offsets read in one transaction. */
#ifndef MEMBER_MEMBER_H
#define MEMBER_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/bus_reader.h"
#include "bus/consumer.h"
#include "bus/producer.h"
#include "service/service.h"
#include "wire/outbox.h"

/* The first metrics of a program with a member. */
enum member_metric {
    METRIC_TRANSACTION_TIME,
    METRIC_TRANSACTIONS_ABORTED,
    METRIC_REBALANCES,
    METRIC_PARTITIONS,
    METRIC_LAG,
    METRIC_BEHIND,
    METRIC_RESTORE_TIME,
    MEMBER_METRICS
};

/* Records of a partition to be sent; those of the state are in the first queue. */
enum { MEMBER_STATE, MEMBER_QUEUES = 3 };

/* Where a queue is sent: to the same partition of `topic`, or that of the session; or to a topic of
 * another program, partitioned by key. */
struct member_queue {
    enum bus_topic topic;
    bool by_session;
    const char *foreign; /* or NULL */
};

/* An assigned partition; the begin of a program's own struct. */
struct member_part {
    int32_t number;
    struct outbox queues[MEMBER_QUEUES];
    int64_t next;    /* after the last record taken */
    int64_t sent;    /* the last committed offset */
    int64_t time_ms; /* of the last record taken */
    bool at_end;
};

struct member;

/* What a program does with its partitions. */
struct member_kind {
    enum bus_topic topic;
    /* Whether the partition can be restored; else it is left out. NULL: all can. */
    bool (*is_fit)(struct member *member, int32_t number);
    struct member_part *(*new_part)(struct member *member);
    enum status (*restore)(struct member *member, struct member_part *part,
                           const struct key_value *entries, size_t count, struct failure *why);
    void (*free_part)(struct member_part *part);
    /* All partitions were dropped. */
    void (*dropped)(struct member *member);
    /* Takes a record. END: not now, it is read again. REJECT: logged and skipped. */
    enum status (*take)(struct member *member, struct member_part *part,
                        const struct bus_message *message, struct failure *why);
    /* Other work, at least every 50 ms; returns why the member is not ready, or NULL. */
    const char *(*turn)(struct member *member);
    void (*update_metrics)(struct member *member);     /* after records and rebalances */
    void (*save)(struct member_part *part);            /* queues the changes of the state */
    int64_t (*oldest)(const struct member_part *part); /* the offset to read from after a restart */
    /* Before a transaction with these records; or NULL. */
    enum status (*committing)(struct member *member, const struct bus_record *records, size_t count,
                              const struct bus_offset *offsets, struct failure *why);
    void (*committed)(struct member *member); /* the queues are still full */
};

/* The begin of a program's own struct. */
struct member {
    const struct member_kind *kind;
    struct service *service;
    struct member_queue queues[MEMBER_QUEUES];
    const char *role;  /* the group is PREFIX-ROLE */
    const char *name;  /* in the group */
    uint64_t flush_ms; /* time to collect records for one transaction */
    bool is_busy;      /* must not commit now */
    /* Set by member_run(): */
    const struct bus_settings *bus;
    struct bus_consumer *consumer;
    struct bus_producer *producer;
    struct bus_reader *reader;
    struct member_part **parts;
    size_t part_count, part_room, parts_before;
    uint64_t dirty_since_ms; /* 0: nothing waits for a transaction */
    bool broken;             /* a partition could not be restored: exit */
};

/* Runs until the service stops. OK; REJECT: a setting is invalid; STOP. */
MUST_CHECK enum status member_run(struct member *member, struct failure *why);
/* Sends the records of all partitions and commits. RETRY: not now; they wait for the next call.
 * STOP: exit. */
MUST_CHECK enum status member_commit(struct member *member, struct failure *why);
bool member_is_over(void *context); /* a member; true: exit now */
int64_t member_now_ms(void);        /* since the Unix epoch */

#endif
