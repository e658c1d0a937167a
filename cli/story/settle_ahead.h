/* cli/story/settle_ahead.h -- the current thread of a CPU, from the events that follow
 * (core/settle.h), while a session is joined event by event.
 *
 * These are usually decoded already. If not, a second reader goes ahead, and the switches that it
 * finds are kept until they are passed: at most 10 s of them. */
#ifndef CLI_STORY_SETTLE_AHEAD_H
#define CLI_STORY_SETTLE_AHEAD_H

#include "base/cpu_number.h"
#include "cli/story/chunk_feed.h"
#include "core/core.h"

struct settle_ahead;

/* The arguments are borrowed until settle_ahead_free(). */
struct settle_ahead *settle_ahead_new(struct chunk_opening *opening, struct chunk_feed *feed,
                                      const struct chunk_ref *const *chunks, size_t count);
void settle_ahead_free(struct settle_ahead *ahead);

/* The event that is being joined. */
struct settle_place {
    size_t chunk;                 /* its index in `chunks` */
    const struct feed_item *item; /* the current one of the feed, FEED_EVENTS */
    size_t at;                    /* index of the event in it */
    size_t number;                /* of events of the chunk before it */
};

/* A struct core_settle_source for a core that joins the event at `place`. Places only move on. */
int32_t settle_ahead(struct settle_ahead *ahead, const struct settle_place *place,
                     const struct core *core, int32_t cpu, uint64_t first_ns);

/* Whether an event of a chunk is in its interval; so is the loss at the junction to the chunk
 * before, whose time is earlier. */
static inline bool settle_is_in(const struct interval *interval, const struct event *event)
{
    bool is_junction = event->kind == EVENT_LOSS && event->value[2] != 0;
    return event->cpu <= CPU_NUMBER_MAX && event->time_ns < interval->end_ns &&
           (event->time_ns >= interval->begin_ns || is_junction);
}

#endif
