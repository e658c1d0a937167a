#include "criterion/criterion.h"
#include "criterion/new/assert.h"

#include <string.h>

#include "base/memory.h"
#include "cli/story/chunk_feed.h"
#include "trace/schema.h"

/* More than a feed decodes ahead. */
enum { AHEAD_MAX = 1000 };

struct seen {
    const struct event *events;
    size_t count;
    enum feed_kind kind;
};

static struct seen seen_of(const struct feed_item *item)
{
    return (struct seen){item->events, item->count, item->kind};
}

/* The items that are looked at ahead are those that come, up to the end of the chunk; at every item,
 * as far as possible, so the decoding thread waits for room at different numbers of items. */
Test(chunk_feed, items_ahead_are_those_that_come, .timeout = 120)
{
    struct chunk_list list = {.jobs = 1};
    struct failure why;
    cr_assert(eq(int, chunk_list_add(&list, TEST_DATA "/thumbnails", &why), STATUS_OK));
    cr_assert(eq(int, chunk_list_finish(&list, &why), STATUS_OK));
    const struct chunk_ref **chunks = memory_new(list.count * sizeof *chunks);
    for (size_t i = 0; i < list.count; i++)
        chunks[i] = &list.at[i];
    struct chunk_opening opening = {.schema = schema_new(NULL), .cache = plan_cache_new()};
    pthread_mutex_init(&opening.guard, NULL);
    struct chunk_feed *feed = chunk_feed_new(&opening, chunks, list.count);

    struct seen *ahead = memory_new(AHEAD_MAX * sizeof *ahead);
    size_t ahead_count = 0, chunk_count = 0, most = 0;
    const struct feed_item *item;
    while ((item = chunk_feed_next(feed))->kind != FEED_OVER) {
        struct seen now = seen_of(item);
        chunk_count += item->kind == FEED_OPENED;
        if (ahead_count > 0)
            cr_assert(now.events == ahead[0].events && now.count == ahead[0].count &&
                      now.kind == ahead[0].kind);
        ahead_count = 0;
        for (const struct feed_item *next;
             ahead_count < AHEAD_MAX && (next = chunk_feed_peek(feed, ahead_count + 1)) != NULL;)
            ahead[ahead_count++] = seen_of(next);
        cr_assert(ahead_count == 0 || now.kind == FEED_OPENED || now.kind == FEED_EVENTS);
        most = ahead_count > most ? ahead_count : most;
    }
    cr_expect(eq(sz, chunk_count, list.count));
    cr_expect(most > 8 && most < AHEAD_MAX);

    chunk_feed_free(feed);
    plan_cache_free(opening.cache);
    schema_free(opening.schema);
    pthread_mutex_destroy(&opening.guard);
    free(ahead);
    free(chunks);
    chunk_list_clear(&list);
}
