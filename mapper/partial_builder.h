/* mapper/partial_builder.h -- the events of one interval, summed as far as they can be without
 * the past: see trace/partial.h for what comes out, docs/DESIGN.md for why it is right. */
#ifndef MAPPER_PARTIAL_BUILDER_H
#define MAPPER_PARTIAL_BUILDER_H

#include <stdbool.h>
#include <stddef.h>

#include "chunk/chunk.h"
#include "trace/partial.h"
#include "trace/schema.h"

struct partial_builder;

/* Takes each item of the row as it is told; borrowed for the call, with all that it points to. */
struct item_sink {
    void (*take)(void *context, const struct item *item);
    void *context;
};

struct partial_builder_options {
    struct interval interval;
    bool has_kernel;      /* the chunk has a kernel trace */
    bool counts_switches; /* which declares sched_switch */
    bool names_no_calls;  /* whose architecture nobody tells */
    bool all_single;      /* sum nothing: what the sums are tested against */
    struct item_sink sink;
};

/* `schema` (borrowed until partial_builder_free()) made the classes of the events to come. */
struct partial_builder *partial_builder_new(struct schema *schema,
                                            const struct partial_builder_options *options);
void partial_builder_free(struct partial_builder *builder); /* NULL is fine */

/* The next events, in the order of event_compare(). What lies outside of the interval is ignored.
 * Everything is copied. */
void partial_builder_add(struct partial_builder *builder, const struct event *events, size_t count);

/* The row's end: tells what is not told yet. */
void partial_builder_finish(struct partial_builder *builder);

struct partial_counts {
    uint64_t events, single_events, descriptor_calls;
    struct tallies tallies;
    uint64_t first_ns, last_ns; /* TIME_NONE without any event */
    uint32_t first_trace;       /* of the first event; index in reader_info.traces */
};
struct partial_counts partial_builder_counts(const struct partial_builder *builder);

#endif
