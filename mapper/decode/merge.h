/* mapper/decode/merge.h -- the streams of all traces as one row, in the order of event_compare(). */
#ifndef MAPPER_DECODE_MERGE_H
#define MAPPER_DECODE_MERGE_H

#include "mapper/decode/stream.h"

/* A stream that has a head. */
struct merge_entry {
    uint64_t head_ns;
    uint32_t order; /* of the stream: it decides at equal times */
};

/* What is first goes on, and then is put back in line: mostly behind the second or third. Where many
 * are busy its place is searched for, and the others are moved at once. */
struct merge {
    struct stream *streams;   /* borrowed, in their order */
    struct merge_entry *line; /* least first */
    size_t count;
    uint64_t last_ns; /* of what came last */
};

/* `streams` (borrowed) are in their order, and started. */
void merge_init(struct merge *merge, struct stream *streams, size_t count);
void merge_clear(struct merge *merge);

/* Fills in the next events, up to `room`; returns how many, 0 when all streams are over. */
size_t merge_next(struct merge *merge, struct event *events, size_t room);

#endif
