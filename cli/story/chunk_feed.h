/* cli/story/chunk_feed.h -- the events of chunks in order, decoded ahead by a thread of their own.
 *
 * The thread opens and decodes the next batches and chunks while the caller works on the current
 * ones, up to a fixed number of batches. On a single CPU, or without another thread, the caller
 * decodes them itself. */
#ifndef CLI_STORY_CHUNK_FEED_H
#define CLI_STORY_CHUNK_FEED_H

#include <pthread.h>
#include <stddef.h>

#include "chunk/chunk.h"
#include "mapper/decode/plan_cache.h"
#include "mapper/decode/reader.h"

/* How the chunks of a session are opened; shared by threads. */
struct chunk_opening {
    struct schema *schema;
    struct plan_cache *cache;
    shown_events *shows;
    pthread_mutex_t guard; /* of the cache, which opening and closing use */
};

struct open_chunk {
    struct chunk *chunk;
    struct reader *reader; /* NULL: no traces */
    struct interval interval;
};

/* `warnings`: NULL, or gets messages about the chunk now and while it is read; `batches` as in
 * struct reader_choice. */
MUST_CHECK enum status open_chunk(struct chunk_opening *opening, const struct chunk_ref *ref,
                                  const struct reader_warnings *warnings, unsigned batches,
                                  struct open_chunk *open, struct failure *why);
void close_chunk(struct chunk_opening *opening, const struct open_chunk *open);

enum feed_kind {
    FEED_OPENED, /* a chunk: `open` */
    FEED_EVENTS, /* of it */
    FEED_CLOSED, /* it was read; `is_failed`: not to its end */
    FEED_FAILED, /* a chunk could not be opened: `why` */
    FEED_OVER
};

struct feed_item {
    enum feed_kind kind;
    const struct chunk_ref *ref;
    struct open_chunk open;
    const struct event *events;
    size_t count;
    bool is_failed; /* `why` */
    struct failure why;
    /* Messages about the chunk since the previous item. */
    char **warnings;
    size_t warning_count, warning_room;
};

struct chunk_feed;

/* The arguments are borrowed until chunk_feed_free(). */
struct chunk_feed *chunk_feed_new(struct chunk_opening *opening,
                                  const struct chunk_ref *const *chunks, size_t count);
/* The next item, valid until the next call, with its events; a chunk is valid until the call after
 * its FEED_CLOSED. After FEED_OVER there is nothing. */
const struct feed_item *chunk_feed_next(struct chunk_feed *feed);
/* The item that is `ahead` (at least 1) items after the current one, valid as long as it; NULL: it
 * belongs to another chunk, or is further ahead than items are decoded. Which items these are does
 * not depend on the speed of the threads. */
const struct feed_item *chunk_feed_peek(struct chunk_feed *feed, size_t ahead);
void chunk_feed_free(struct chunk_feed *feed); /* also before FEED_OVER */

#endif
