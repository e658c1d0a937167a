#include "cli/story/learn_names.h"

#include <stdlib.h>

#include "base/memory.h"
#include "chunk/chunk_edges.h"
#include "cli/story/chunk_feed.h"
#include "cli/story/settle_ahead.h"
#include "core/core.h"
#include "mapper/map_chunk.h"

/* State while the chunks are read. */
struct learning {
    struct learn_names *learn;
    struct chunk_opening opening;
    struct chunk_feed *feed;
    struct settle_ahead *ahead;
    struct core *core;
    struct fold *fold;
    uint64_t events; /* of all chunks */
    uint64_t end_ns; /* of the last interval */
    bool any;        /* there was an interval */
    bool is_lost;    /* the time after it is missing */
    bool stopped;
    /* Of the current chunk: */
    struct settle_place place; /* of the event that is joined */
    struct core_counts counts;
    bool is_skipped; /* it is unusable */
};

static void take_result(void *context, const struct result *result)
{
    const struct learning *learning = context;
    bool is_use = result->type == RESULT_CALLS || result->type == RESULT_PHASE;
    if (result->type == RESULT_PROCESS || result->type == RESULT_THREAD ||
        result->type == RESULT_DESCRIPTOR || result->type == RESULT_INTERVAL ||
        (is_use && learning->learn->with_uses))
        fold_take(learning->fold, result);
}

static int32_t settle(void *context, const struct core *core, int32_t cpu, uint64_t first_ns)
{
    const struct learning *learning = context;
    return settle_ahead(learning->ahead, &learning->place, core, cpu, first_ns);
}

static void lose_chunk(struct learning *learning, const struct chunk_ref *ref, const char *why)
{
    learning->learn->failed++;
    learning->is_lost = true;
    reader_say(&learning->learn->warnings, "%s: %s", ref->path ? ref->path : "chunk",
               chunk_reason(ref, why));
}

/* --- chunks --- */

/* What the traces of the chunk state. */
static struct interval_end describe(const struct learning *learning, const struct open_chunk *open)
{
    static const struct reader_info none;
    const struct reader_info *info = open->reader ? reader_info(open->reader) : &none;
    struct interval_end end = {.begin_ns = open->interval.begin_ns,
                               .end_ns = open->interval.end_ns,
                               .events = learning->counts.events,
                               .first_ns = learning->counts.first_ns,
                               .last_ns = learning->counts.last_ns,
                               .phases = schema_own_set(learning->opening.schema)};
    map_describe_traces(info, &learning->counts, &end);
    return end;
}

/* As the join of a row begins. */
static void enter_interval(struct learning *learning, const struct interval_end *end)
{
    bool has_data = end->begin_ns < end->end_ns;
    if (learning->any && learning->is_lost)
        core_gap(learning->core, GAP_OF_ALL, learning->end_ns);
    else if (has_data && !end->has_kernel && core_has_kernel(learning->core))
        core_gap(learning->core, GAP_OF_KERNEL, end->begin_ns);
    if (has_data)
        core_begin(learning->core,
                   (struct core_facts){end->has_kernel, end->counts_switches, end->no_calls},
                   end->phases);
    learning->any = true;
    learning->is_lost = false;
    learning->end_ns = end->end_ns;
}

/* Its index in the session. */
static size_t chunk_at(const struct learn_names *learn, const struct feed_item *item)
{
    return (size_t)(item->ref - &learn->list->at[learn->begin]);
}

static void enter_chunk(struct learning *learning, const struct feed_item *item)
{
    const struct interval *interval = &item->open.interval;
    learning->counts = (struct core_counts){.first_ns = TIME_NONE, .last_ns = TIME_NONE};
    learning->place = (struct settle_place){.chunk = chunk_at(learning->learn, item)};
    learning->is_skipped = learning->any && interval->begin_ns < learning->end_ns;
    if (learning->is_skipped) { /* otherwise, events would be joined twice */
        lose_chunk(learning, item->ref, "begins before the end of the previous chunk");
        return;
    }
    learning->is_lost |= item->ref->gap_before || interval->begin_ns > learning->end_ns;
    struct interval_end end = describe(learning, &item->open);
    enter_interval(learning, &end);
}

static void leave_chunk(struct learning *learning, const struct feed_item *item)
{
    if (learning->is_skipped)
        return;
    struct interval_end end = describe(learning, &item->open);
    core_end(learning->core, end.events);
    core_mark(learning->core, &end);
    learning->events += end.events;
    struct failure why = item->why;
    if (item->is_failed || chunk_check(item->open.chunk, &why) != STATUS_OK)
        lose_chunk(learning, item->ref, why.text);
}

/* --- events --- */

static void join_thread(void *context, const struct event *event)
{
    const struct learning *learning = context;
    core_event(learning->core, event);
}

/* The first event of the interval comes next. */
static void enter_time(struct learning *learning, const struct event *first)
{
    const struct open_chunk *open = &learning->place.item->open;
    learning->counts.first_ns = first->time_ns;
    learning->counts.first_trace = first->trace;
    map_dumped_threads(learning->opening.schema, open->chunk, reader_info(open->reader),
                       first->time_ns, join_thread, learning);
}

static void join_loss(struct learning *learning, const struct event *event)
{
    if (event_is_border(event) && event->cpu >= 0)
        core_event(learning->core, event);
}

static void join_event(struct learning *learning, const struct event *event)
{
    struct core_counts *counts = &learning->counts;
    if (counts->first_ns == TIME_NONE)
        enter_time(learning, event);
    counts->last_ns = event->time_ns;
    counts->events++;
    core_event_for_names(learning->core, event);
}

static void join_events(struct learning *learning, const struct feed_item *item)
{
    const struct interval *interval = &item->open.interval;
    struct settle_place *place = &learning->place;
    place->item = item;
    for (place->at = 0; place->at < item->count; place->at++, place->number++) {
        const struct event *event = &item->events[place->at];
        if (!settle_is_in(interval, event) || learning->is_skipped)
            continue;
        if (event->kind == EVENT_LOSS)
            join_loss(learning, event);
        else
            join_event(learning, event);
    }
}

/* False after the last item. */
static bool take_item(struct learning *learning, const struct feed_item *item)
{
    const struct learn_names *learn = learning->learn;
    for (size_t i = 0; i < item->warning_count; i++)
        reader_say(&learn->warnings, "%s: %s", item->ref->path ? item->ref->path : "chunk",
                   item->warnings[i]);
    switch (item->kind) {
    case FEED_OPENED: enter_chunk(learning, item); break;
    case FEED_EVENTS: join_events(learning, item); break;
    case FEED_CLOSED: leave_chunk(learning, item); break;
    case FEED_FAILED: lose_chunk(learning, item->ref, item->why.text); break;
    case FEED_OVER: return false;
    }
    if (item->kind == FEED_CLOSED || item->kind == FEED_FAILED)
        learn->progress(learn->context, chunk_at(learn, item) + 1, learn->end - learn->begin,
                        learning->events);
    learning->stopped = learn->stops(learn->context);
    return !learning->stopped;
}

/* --- the session --- */

/* As the joiner ends a session. */
static void finish(struct learning *learning)
{
    const struct learn_names *learn = learning->learn;
    struct chunk_edges edges;
    chunk_edges_find(learn->list, learn->begin, learn->end, &edges);
    learning->is_lost |= edges.cut_short;
    struct interval_end open = {.begin_ns = learning->end_ns, .end_ns = UINT64_MAX};
    open.phases = schema_own_set(learning->opening.schema);
    if (learning->any && learning->is_lost) {
        enter_interval(learning, &open);
        core_end(learning->core, 0);
    }
    core_finish(learning->core);
}

static void read_chunks(struct learning *learning)
{
    const struct learn_names *learn = learning->learn;
    size_t count = learn->end - learn->begin;
    const struct chunk_ref **chunks = memory_new((count + 1) * sizeof *chunks);
    for (size_t i = 0; i < count; i++)
        chunks[i] = &learn->list->at[learn->begin + i];
    learning->feed = chunk_feed_new(&learning->opening, chunks, count);
    learning->ahead = settle_ahead_new(&learning->opening, learning->feed, chunks, count);
    learn->progress(learn->context, 0, count, 0);
    while (take_item(learning, chunk_feed_next(learning->feed)))
        ;
    if (!learning->stopped)
        finish(learning);
    settle_ahead_free(learning->ahead);
    chunk_feed_free(learning->feed);
    free(chunks);
}

struct fold *learn_names(struct learn_names *learn)
{
    struct learning learning = {
        .learn = learn,
        .opening = {.schema = schema_new_of_names(learn->phases), .cache = learn->cache},
        .fold = fold_new(text_of(learn->list->at[learn->begin].session))};
    pthread_mutex_init(&learning.opening.guard, NULL);
    learning.core = core_new(learning.opening.schema,
                             (struct result_sink){.take = take_result, .context = &learning},
                             (struct core_settle_source){settle, &learning});
    learn->failed = 0;
    read_chunks(&learning);
    core_free(learning.core);
    schema_free(learning.opening.schema);
    pthread_mutex_destroy(&learning.opening.guard);
    if (!learning.stopped)
        return learning.fold;
    fold_free(learning.fold);
    return NULL;
}
