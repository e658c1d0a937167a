/* publish/publisher.h -- archives of chunks to the broker: stored first, then announced.
 *
 * Whoever publishes may be killed at any point: what is stored without being announced is an
 * orphan, which the topic's retention takes away, and what is announced twice is joined once. */
#ifndef PUBLISH_PUBLISHER_H
#define PUBLISH_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "bus/producer.h"
#include "wire/chunk_codec.h"

enum {
    PUBLISH_SEGMENT_BYTES = 800 << 10,
    PUBLISH_SEGMENTS_MAX_BYTES = 64 << 20 /* larger archives go to a store */
};

struct publisher_options {
    const struct bus_settings *bus; /* borrowed */
    /* A folder that mappers see, too, for archives too large for segments; NULL: they are
     * rejected. */
    const char *store_root;
    bool by_reference; /* all go there, whatever their size */
    /* Archives above are not put into announcements; 0: CHUNK_INLINE_MAX. For tests. */
    size_t inline_max;
    /* Segments are this large; 0: PUBLISH_SEGMENT_BYTES. For tests. */
    size_t segment_bytes;
    struct bus_patience patience;
    uint64_t timeout_ms; /* of one delivery; 0: 60 s */
};

struct publisher;

struct publisher *publisher_new(const struct publisher_options *options);
void publisher_free(struct publisher *publisher); /* NULL is fine */

/* Stores `archive` and announces it; `ready` tells session, chunk, first chunk, clock, interval and
 * whether it is final, the rest is filled in here. Returns when the broker has both.
 * OK. REJECT: never, as it is: too large, no such topic. RETRY: not now (no broker, patience over);
 * to be called again, for the whole of it. STOP: a setting is refused. */
MUST_CHECK enum status publisher_publish(struct publisher *publisher, struct chunk_ready *ready,
                                         struct bytes archive, struct failure *why);

/* Announces that a chunk is lost: ready->lost_reason says why. As publisher_publish(). */
MUST_CHECK enum status publisher_announce_loss(struct publisher *publisher,
                                               struct chunk_ready *ready, struct failure *why);

/* Bytes and records that went out. */
struct publisher_counts {
    uint64_t chunks, losses, segments, bytes;
};
struct publisher_counts publisher_counts(const struct publisher *publisher);

/* What digests of archives are. */
uint64_t archive_digest(struct bytes archive);

#endif
