/* reducer/partition.h -- the sessions of one partition of spanmill.partials. Input: its records, in
 * the order of the log. Output: results and state.
 *
 * It uses neither Kafka nor clocks. Output is only valid if it is stored together with the offset
 * of partition_oldest(): a partition that is restored from the state and reads from that offset
 * continues with the same output. */
#ifndef REDUCER_PARTITION_H
#define REDUCER_PARTITION_H

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
    PARTITION_PHASES_CHANGED, /* mapped with other phase definitions than the previous interval */
    PARTITION_PHASE_FAULT,    /* a phase definition that nothing so far can match; reported once */
    PARTITION_GAP,            /* the chunk became a gap */
    PARTITION_MISMATCH,       /* it begins after the previous end: data between is lost */
    PARTITION_REFUSED,        /* the chunk cannot be joined: also a gap */
    PARTITION_SILENT,         /* no data for a long time: the session is considered ended */
    PARTITION_SESSION_ENDED
};

struct partition_news {
    enum partition_event event;
    const char *session;
    uint64_t chunk;
    uint64_t events;               /* of a joined chunk */
    const struct tallies *tallies; /* likewise; NULL: no joined chunk */
    const char *what;              /* a reason; NULL: none */
};

struct partition_options {
    size_t waiting_max;       /* see waiting_limit(); 0: all in memory */
    const char *spill_folder; /* borrowed */
    struct record_sink results;
    struct record_sink state; /* a record without bytes (at NULL) deletes its key */
    /* Reports events of sessions. Or NULL. */
    void (*notify)(void *context, const struct partition_news *news);
    void *context; /* of notify */
};

/* Since partition_new(). */
struct partition_counts {
    uint64_t records, chunks, events;
    struct tallies tallies;
    uint64_t gaps, mismatches; /* intervals that do not begin where the previous one ended */
    uint64_t repeated;         /* duplicate records */
    uint64_t refused;          /* records or chunks that could not be joined */
    uint64_t sessions_ended;
};

struct partition *partition_new(const struct partition_options *options);
void partition_free(struct partition *partition); /* NULL is fine */

/* Restores the saved state, the newest record of each key: once, before any record.
 * REJECT: it is inconsistent. STOP: a newer format than this program knows. */
MUST_CHECK enum status partition_restore(struct partition *partition,
                                         const struct key_value *entries, size_t count,
                                         struct failure *why);

/* Takes the record at `offset`, written at `time_ms` (Unix epoch), and joins the chunks that it
 * completes.
 * REJECT: the record, or the chunk it completes, is unusable; a chunk becomes a gap, and the next
 * record may follow. STOP: a newer format than this program knows. */
MUST_CHECK enum status partition_take(struct partition *partition, struct bytes record,
                                      int64_t offset, int64_t time_ms, struct failure *why);

/* Writes all changes since the last save to the state. */
void partition_save(struct partition *partition);
/* The offset from which a restored partition has to read: the smallest that is still needed, or
 * `next`, the offset after the last record taken. */
int64_t partition_oldest(const struct partition *partition, int64_t next);

/* Sessions that wait for a chunk while a later one is there. */
size_t partition_holes(const struct partition *partition, struct waiting_hole **holes,
                       size_t *room);

/* Live sessions, and when the last record of each was written. */
struct partition_silence {
    struct text session;
    uint64_t next, first_chunk;
    int64_t last_ms;
};
size_t partition_silences(const struct partition *partition, struct partition_silence **silences,
                          size_t *room);
/* Deletes the headers of sessions that ended before `time_ms`. */
void partition_forget(struct partition *partition, int64_t time_ms);

struct partition_counts partition_counts(const struct partition *partition);
/* Attempts that wait for records, or for an earlier chunk. */
size_t partition_waiting(const struct partition *partition);
/* Memory of waiting data: records, their bookkeeping, and decoded rows; and how much of it is in a
 * file. */
size_t partition_waiting_bytes(const struct partition *partition, size_t *in_file);

#endif
