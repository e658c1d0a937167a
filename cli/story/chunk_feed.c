#include "cli/story/chunk_feed.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>

#include "base/memory.h"
#include "mapper/decode/reader_kind.h"

/* Items ahead of the caller: enough that neither thread waits often, few enough that their events
 * stay in the cache. A waiting thread is woken when the other has this many for it. */
enum { ITEMS = 64, WAKE_READY = ITEMS / 4, WAKE_ROOM = ITEMS / 2 };

/* Chunks open at a time: each maps all of its files and those of its seam. */
enum { OPEN_MAX = 2 };

struct chunk_feed {
    struct chunk_opening *opening;
    const struct chunk_ref *const *chunks;
    size_t count;
    /* Of the decoding thread: */
    size_t next;            /* chunk */
    struct open_chunk open; /* the current one, if is_open */
    const struct chunk_ref *ref;
    bool is_open, is_read;
    struct feed_item *making; /* receives warnings */
    /* Items from `taken` to `made` are ready; under `lock`. The first of them is the caller's. */
    struct feed_item items[ITEMS];
    size_t made, taken;
    unsigned open_count; /* chunks that were opened and are not released; under `lock` */
    bool waits_for_item, waits_for_room, stops;
    pthread_mutex_t lock;
    pthread_cond_t has_item, has_room;
    /* Of the caller: */
    pthread_t thread;
    bool has_thread;
    bool holds; /* an item was returned: it is released by the next call */
};

enum status open_chunk(struct chunk_opening *opening, const struct chunk_ref *ref,
                       const struct reader_warnings *warnings, unsigned batches,
                       struct open_chunk *open, struct failure *why)
{
    *open = (struct open_chunk){.chunk = NULL};
    enum status status = chunk_open(ref, NULL, &open->chunk, why);
    if (status != STATUS_OK)
        return status;
    open->interval = chunk_interval(open->chunk);
    const struct trace_set *traces = chunk_traces(open->chunk);
    struct reader_choice choice = {.kind = &reader_spanmill,
                                   .cache = opening->cache,
                                   .begin_ns = open->interval.begin_ns,
                                   .shows = opening->shows,
                                   .batches = batches};
    pthread_mutex_lock(&opening->guard);
    if (traces->trace_count > 0)
        status = reader_open_as(&choice, traces, opening->schema, warnings, &open->reader, why);
    pthread_mutex_unlock(&opening->guard);
    if (status != STATUS_OK)
        close_chunk(opening, open);
    return status;
}

void close_chunk(struct chunk_opening *opening, const struct open_chunk *open)
{
    pthread_mutex_lock(&opening->guard);
    reader_close(open->reader);
    pthread_mutex_unlock(&opening->guard);
    chunk_close(open->chunk);
}

/* --- making items --- */

static void keep_warning(void *context, const char *sentence)
{
    const struct chunk_feed *feed = context;
    struct feed_item *item = feed->making;
    item->warnings = memory_grow(item->warnings, &item->warning_room, item->warning_count + 1,
                                 sizeof *item->warnings);
    item->warnings[item->warning_count++] = memory_string(text_of(sentence));
}

static void open_next(struct chunk_feed *feed, struct feed_item *item)
{
    if (feed->next == feed->count) {
        item->kind = FEED_OVER;
        return;
    }
    feed->ref = item->ref = feed->chunks[feed->next++];
    struct reader_warnings warnings = {.say = keep_warning, .context = feed};
    feed->is_open = open_chunk(feed->opening, item->ref, &warnings, ITEMS + 1, &feed->open,
                               &item->why) == STATUS_OK;
    feed->is_read = feed->is_open && !feed->open.reader;
    item->kind = feed->is_open ? FEED_OPENED : FEED_FAILED;
    item->open = feed->open;
}

/* The next item of the chunks. */
static void make(struct chunk_feed *feed, struct feed_item *item)
{
    feed->making = item;
    if (!feed->is_open) {
        open_next(feed, item);
        return;
    }
    item->ref = feed->ref;
    item->open = feed->open;
    item->kind = FEED_EVENTS;
    enum status status = STATUS_END;
    if (!feed->is_read)
        status = reader_next(feed->open.reader, &item->events, &item->count, &item->why);
    if (status == STATUS_OK) { /* the rest belongs to the next chunk */
        feed->is_read = item->events[item->count - 1].time_ns >= feed->open.interval.end_ns;
        return;
    }
    item->kind = FEED_CLOSED;
    item->is_failed = status != STATUS_END;
    feed->is_open = false;
}

static void release(struct chunk_feed *feed, struct feed_item *item)
{
    if (item->kind == FEED_CLOSED)
        close_chunk(feed->opening, &item->open);
    for (size_t i = 0; i < item->warning_count; i++)
        free(item->warnings[i]);
    free(item->warnings);
    *item = (struct feed_item){.warnings = NULL};
}

/* Whether the decoding thread has to wait for the caller. */
static bool is_full(const struct chunk_feed *feed)
{
    return feed->made - feed->taken == ITEMS || (!feed->is_open && feed->open_count == OPEN_MAX);
}

static void wake_caller(struct chunk_feed *feed)
{
    if (feed->waits_for_item)
        pthread_cond_signal(&feed->has_item);
    feed->waits_for_item = false;
}

static void *make_all(void *context)
{
    struct chunk_feed *feed = context;
    bool over = false;
    while (!over) {
        pthread_mutex_lock(&feed->lock);
        while (is_full(feed) && !feed->stops) {
            wake_caller(feed); /* there may be few items */
            feed->waits_for_room = true;
            pthread_cond_wait(&feed->has_room, &feed->lock);
        }
        over = feed->stops;
        struct feed_item *item = &feed->items[feed->made % ITEMS];
        pthread_mutex_unlock(&feed->lock);
        if (over)
            break;
        make(feed, item);
        over = item->kind == FEED_OVER;
        pthread_mutex_lock(&feed->lock);
        feed->made++;
        feed->open_count += item->kind == FEED_OPENED;
        if (over || feed->made - feed->taken >= WAKE_READY)
            wake_caller(feed);
        pthread_mutex_unlock(&feed->lock);
    }
    return NULL;
}

/* --- the caller --- */

struct chunk_feed *chunk_feed_new(struct chunk_opening *opening,
                                  const struct chunk_ref *const *chunks, size_t count)
{
    struct chunk_feed *feed = memory_new(sizeof *feed);
    feed->opening = opening;
    feed->chunks = chunks;
    feed->count = count;
    pthread_mutex_init(&feed->lock, NULL);
    pthread_cond_init(&feed->has_item, NULL);
    pthread_cond_init(&feed->has_room, NULL);
    cpu_set_t cpus;
    bool has_cpu = sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) > 1;
    feed->has_thread = has_cpu && pthread_create(&feed->thread, NULL, make_all, feed) == 0;
    return feed;
}

static void make_next(struct chunk_feed *feed)
{
    struct feed_item *item = &feed->items[feed->made % ITEMS];
    make(feed, item);
    feed->made++;
    feed->open_count += item->kind == FEED_OPENED;
}

static void wake_decoder(struct chunk_feed *feed)
{
    if (feed->waits_for_room)
        pthread_cond_signal(&feed->has_room);
    feed->waits_for_room = false;
}

/* Waits until `count` items from `taken` on are ready, under `lock`. There is room for them, but the
 * decoding thread may still wait for more of it. */
static void wait_for_items(struct chunk_feed *feed, size_t count)
{
    assert(count <= ITEMS);
    while (feed->has_thread && feed->made - feed->taken < count) {
        wake_decoder(feed);
        feed->waits_for_item = true;
        pthread_cond_wait(&feed->has_item, &feed->lock);
    }
    feed->waits_for_item = false;
}

static void give_back(struct chunk_feed *feed, bool closed)
{
    feed->taken++;
    feed->open_count -= closed;
    if (closed || feed->made - feed->taken <= WAKE_ROOM)
        wake_decoder(feed);
}

const struct feed_item *chunk_feed_next(struct chunk_feed *feed)
{
    struct feed_item *held = &feed->items[feed->taken % ITEMS];
    bool closed = feed->holds && held->kind == FEED_CLOSED;
    if (feed->holds)
        release(feed, held);
    pthread_mutex_lock(&feed->lock);
    if (feed->holds)
        give_back(feed, closed);
    wait_for_items(feed, 1);
    bool is_made = feed->made > feed->taken;
    pthread_mutex_unlock(&feed->lock);
    feed->holds = true;
    if (!is_made)
        make_next(feed);
    return &feed->items[feed->taken % ITEMS];
}

static bool ends_chunk(const struct feed_item *item)
{
    return item->kind != FEED_OPENED && item->kind != FEED_EVENTS;
}

const struct feed_item *chunk_feed_peek(struct chunk_feed *feed, size_t ahead)
{
    const struct feed_item *before = &feed->items[(feed->taken + ahead - 1) % ITEMS];
    if (ahead >= ITEMS || ends_chunk(before))
        return NULL;
    pthread_mutex_lock(&feed->lock);
    wait_for_items(feed, ahead + 1);
    bool is_made = feed->made - feed->taken > ahead;
    pthread_mutex_unlock(&feed->lock);
    if (!is_made)
        make_next(feed);
    return &feed->items[(feed->taken + ahead) % ITEMS];
}

void chunk_feed_free(struct chunk_feed *feed)
{
    if (feed->has_thread) {
        pthread_mutex_lock(&feed->lock);
        feed->stops = true;
        pthread_cond_signal(&feed->has_room);
        pthread_mutex_unlock(&feed->lock);
        pthread_join(feed->thread, NULL);
    }
    for (; feed->taken < feed->made; feed->taken++)
        release(feed, &feed->items[feed->taken % ITEMS]);
    if (feed->is_open)
        close_chunk(feed->opening, &feed->open);
    pthread_cond_destroy(&feed->has_room);
    pthread_cond_destroy(&feed->has_item);
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}
