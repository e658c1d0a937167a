/* analysis/segments.h -- the segments of an instance: instances of another definition that do a
 * part of its work, on any thread, with equal values of all match fields. The instance with
 * segments is the request.
 *
 * A segment belongs to the request that is open when it begins: of several, the youngest. It counts
 * up to its end, or to that of the request. Only the end of a request iterates over its segments,
 * and a segment has one request. */
#ifndef ANALYSIS_SEGMENTS_H
#define ANALYSIS_SEGMENTS_H

#include "analysis/instances.h"
#include "base/cell_index.h"

struct segments {
    struct instance *first; /* open ones, in no order */
    uint64_t open;          /* the number of these, and of lost ones */
    uint64_t since_ns;      /* open > 0: since when any is open */
    uint64_t busy_ns;       /* before since_ns: time in which any was open */
    uint64_t span_ns;       /* total duration of ended ones */
    /* Lost segments have no end and count as open: how their threads spent the time is unknown. */
    uint64_t lost, lost_begin_ns; /* with the sum of their begins, modulo 2^64 */
    uint64_t calls;               /* of ended ones, */
    struct time_vector time;      /* and their time, */
    struct instance_wait *waits;  /* and their waits; owned */
    size_t wait_count, wait_room;
    struct cell_index wait_index; /* by who */
    uint64_t waited; /* sum of the counts; above INSTANCE_WAITS_COUNTED, any above it */
};

/* Makes an instance a segment of `request` from `begin_ns` on. Here and below, `changes` is
 * instances.changes, which gets the instances whose records change. */
void segment_begin(struct changes *changes, struct instance *request, struct instance *segment,
                   uint64_t begin_ns);
/* The same without counting its begin, which is counted already. */
void segment_link(struct changes *changes, struct instance *request, struct instance *segment);
/* It ends at `end_ns`, or counts no further; with the time and calls that it has spent. */
void segment_end(struct changes *changes, struct instance *segment, uint64_t end_ns,
                 const struct time_vector *time, uint64_t calls);
/* Adds waits of a segment that ends. If these are more than an instance reports, only their number
 * is kept. */
void segments_add_waits(struct segments *segments, const struct instance_wait *waits, size_t count);
/* The same with more of them than an instance reports. */
void segments_add_many_waits(struct segments *segments);
/* It has no end. */
void segment_lose(struct changes *changes, struct instance *segment);
/* Open segments no longer belong to a request; frees everything. */
void segments_free(struct changes *changes, struct instance *request);
/* `to` replaces `from`, of which it is a copy. */
void segments_move(struct instance *to, struct instance *from);

/* Sums of the segments of a request that ends at end_ns; none is open any more. */
struct segments_sum {
    uint64_t queued_ns;   /* in which none was open */
    uint64_t parallel_ns; /* by which their total exceeds the time in which any was open */
};
/* `time` (empty before; to be freed): all of their time. */
struct segments_sum segments_sum_up(const struct instance *request, uint64_t end_ns,
                                    struct time_vector *time);

#endif
