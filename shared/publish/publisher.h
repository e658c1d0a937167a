/* publish/publisher.h -- publishes archives of chunks: stores them, then announces them.
 *
 * The process may be killed at any point: an archive that is stored but not announced is deleted by
 * the topic's retention, and one that is announced twice is joined once. */
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
    /* A folder that mappers can access, for archives too large for segments; NULL: they are
     * rejected. */
    const char *store_root;
    bool by_reference; /* store all archives there, whatever their size */
    /* Larger archives are not inline; 0: CHUNK_INLINE_MAX. For tests. */
    size_t inline_max;
    /* Size of segments; 0: PUBLISH_SEGMENT_BYTES. For tests. */
    size_t segment_bytes;
    struct bus_patience patience;
    uint64_t timeout_ms; /* of one delivery; 0: 60 s */
};

struct publisher;

struct publisher *publisher_new(const struct publisher_options *options);
void publisher_free(struct publisher *publisher); /* NULL is fine */

/* Stores `archive` and announces it. The caller sets session, chunk, first chunk, clock, interval
 * and `final` of `ready`; this call sets the rest. Returns when the broker has both.
 * OK. REJECT: permanent: too large, no such topic. RETRY: no broker, or patience has ended; call it
 * again with the whole archive. STOP: a setting is refused. */
MUST_CHECK enum status publisher_publish(struct publisher *publisher, struct chunk_ready *ready,
                                         struct bytes archive, struct failure *why);

/* Announces that a chunk is lost, with the reason in ready->lost_reason. Status as
 * publisher_publish(). */
MUST_CHECK enum status publisher_announce_loss(struct publisher *publisher,
                                               struct chunk_ready *ready, struct failure *why);

/* Sent bytes and records. */
struct publisher_counts {
    uint64_t chunks, losses, segments, bytes;
};
struct publisher_counts publisher_counts(const struct publisher *publisher);

/* The digest in announcements. */
uint64_t archive_digest(struct bytes archive);

#endif
