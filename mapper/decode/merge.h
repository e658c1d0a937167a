/* mapper/decode/merge.h -- merges the streams of all traces in the order of event_compare(). */
#ifndef MAPPER_DECODE_MERGE_H
#define MAPPER_DECODE_MERGE_H

#include "mapper/decode/stream.h"

/* A stream with a head. */
struct merge_entry {
    uint64_t head_ns;
    uint32_t order; /* of the stream, for equal times */
};

/* The first stream is read, then moved back to its place, mostly the second or third. If many
 * streams are active, its place is found by binary search, and the others are moved at once. */
struct merge {
    struct stream *streams;   /* borrowed, in stream order */
    struct merge_entry *line; /* sorted by head */
    size_t count;
    uint64_t last_ns; /* of the last event */
};

/* `streams` (borrowed) are in their order, and started. */
void merge_init(struct merge *merge, struct stream *streams, size_t count);
void merge_clear(struct merge *merge);

/* Fills in up to `room` next events; returns their number, 0 when all streams have ended. */
size_t merge_next(struct merge *merge, struct event *events, size_t room);

#endif
