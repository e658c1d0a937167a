/* reducer/partition.h -- the sessions of one partition of spanmill.partials: its records go in, in
 * the order of the log, results and state come out.
 *
 * It knows neither Kafka nor clocks. What came out counts only if it is kept together with the
 * offset of partition_oldest(): a partition that is restored from the state and reads on from
 * there goes on as if nothing had happened. */
#ifndef REDUCER_PARTITION_H
#define REDUCER_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "reducer/waiting.h"
#include "trace/phase_use.h"
#include "trace/tally.h"
#include "wire/partial_codec.h"

struct partition;

enum partition_event {
    PARTITION_SESSION_BEGUN,
    PARTITION_JOINED,
    PARTITION_PHASES_CHANGED, /* it was mapped with other phase definitions than the one before */
    PARTITION_PHASE_FAULT,    /* a phase definition that nothing so far can match; once */
    PARTITION_GAP,            /* the chunk was given up */
    PARTITION_MISMATCH, /* it begins later than the one before ended: what lies between is lost */
    PARTITION_REFUSED,  /* it cannot be joined: a gap, too */
    PARTITION_SILENT,   /* no data for a long time: the session is considered ended */
    PARTITION_SESSION_ENDED
};

struct partition_news {
    enum partition_event event;
    const char *session;
    uint64_t chunk;
    uint64_t events;               /* of a chunk that was joined */
    const struct tallies *tallies; /* the same; NULL: of no such chunk */
    const char *what;              /* a reason; NULL: there is none */
};

struct partition_options {
    size_t waiting_max;       /* see waiting_limit(); 0: all in memory */
    const char *spill_folder; /* borrowed */
    struct record_sink results;
    struct record_sink state; /* a record without bytes (at NULL) takes its key away */
    /* Told what has happened to sessions. Or NULL. */
    void (*tell)(void *context, const struct partition_news *news);
    void *context; /* of tell */
};

/* Since it was made. */
struct partition_counts {
    uint64_t records, chunks, events;
    struct tallies tallies;
    uint64_t gaps, mismatches; /* borders that do not meet */
    uint64_t repeated;         /* records that were there before */
    uint64_t refused;          /* records or chunks that could not be joined */
    uint64_t sessions_ended;
};

struct partition *partition_new(const struct partition_options *options);
void partition_free(struct partition *partition); /* NULL is fine */

/* Takes up the state that was kept, the newest record of each key: once, before any record.
 * REJECT: it contradicts itself. STOP: of a newer format than this program knows. */
MUST_CHECK enum status partition_restore(struct partition *partition,
                                         const struct key_value *entries, size_t count,
                                         struct failure *why);

/* Takes the record at `offset`, written at `time_ms` (Unix epoch), and joins what it makes whole.
 * REJECT: the record, or the chunk it completes, cannot be used; it counts as a gap if it is a
 * chunk, and the next record may come. STOP: of a newer format than this program knows. */
MUST_CHECK enum status partition_take(struct partition *partition, struct bytes record,
                                      int64_t offset, int64_t time_ms, struct failure *why);

/* Brings what has changed since the last time to the state. */
void partition_save(struct partition *partition);
/* The offset from which a restored partition has to read: the least of what is still needed,
 * else `next`, which is that behind the last record taken. */
int64_t partition_oldest(const struct partition *partition, int64_t next);

/* Sessions that wait for a chunk while a later one is there. */
size_t partition_holes(const struct partition *partition, struct waiting_hole **holes,
                       size_t *room);

/* Living sessions, and when the last record of each was written. */
struct partition_silence {
    struct text session;
    uint64_t next, first_chunk;
    int64_t last_ms;
};
size_t partition_silences(const struct partition *partition, struct partition_silence **silences,
                          size_t *room);
/* Takes away the headers of sessions that ended before `time_ms`. */
void partition_forget(struct partition *partition, int64_t time_ms);

struct partition_counts partition_counts(const struct partition *partition);
/* Attempts that wait for records, or for a chunk before theirs. */
size_t partition_waiting(const struct partition *partition);
/* Memory of what waits: records, what leads to them, and what is decoded already; and what of them is
 * in a file. */
size_t partition_waiting_bytes(const struct partition *partition, size_t *in_file);

#endif
