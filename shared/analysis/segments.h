/* analysis/segments.h -- what instances have of their segments: instances of another definition that do
 * their work, on whatever thread, and agree in all of their match fields. Whose work is done so is called a
 * request here.
 *
 * A segment is of the request that is open when it begins: of several, the one begun last. It counts up to
 * its end, or up to that of the request. Nothing walks over segments but the end of their request, and each has
 * one. */
#ifndef ANALYSIS_SEGMENTS_H
#define ANALYSIS_SEGMENTS_H

#include "analysis/instances.h"

struct segments {
    struct instance *first; /* those that are open, in no order */
    uint64_t open;          /* these, and those that were lost */
    uint64_t since_ns;      /* open > 0: since when that is so */
    uint64_t busy_ns;       /* before: time in which any was open */
    uint64_t span_ns;       /* what those that are over took, together */
    /* Lost ones have no end, and are taken to be open: how their threads spent it is unknown. */
    uint64_t lost, lost_begin_ns; /* and the sum of their begins, modulo 2^64 */
    uint64_t calls;               /* of those that are over, */
    struct time_vector time;      /* and their time */
};

/* `changes`: instances.changes, where those are noted whose records are others then.
 * An instance is a segment of `request` from `begin_ns` on. */
void segment_begin(struct changes *changes, struct instance *request, struct instance *segment,
                   uint64_t begin_ns);
/* The same; its begin has been counted. */
void segment_link(struct changes *changes, struct instance *request, struct instance *segment);
/* It is over at `end_ns`, or counts no further; with what it has spent. */
void segment_end(struct changes *changes, struct instance *segment, uint64_t end_ns,
                 const struct time_vector *time, uint64_t calls);
/* It has no end. */
void segment_lose(struct changes *changes, struct instance *segment);
/* Those that are open are nobody's from here on; all is freed. */
void segments_free(struct changes *changes, struct instance *request);
/* `to` takes the place of `from`, whose copy it is. */
void segments_move(struct instance *to, struct instance *from);

/* What the segments of a request come to that ends at end_ns, of which none is open any more. */
struct segments_sum {
    uint64_t queued_ns;   /* in which none was open */
    uint64_t parallel_ns; /* by which they exceed the time in which any was open */
};
/* `time` (empty before; to be freed) is all of their time. */
struct segments_sum segments_sum_up(const struct instance *request, uint64_t end_ns,
                                    struct time_vector *time);

#endif
