#include "cli/story/settle_ahead.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "core/settle.h"

/* What settling needs of an event. */
struct sign {
    size_t chunk, number; /* its position */
    uint64_t time_ns;
    int64_t value[3];
    int32_t cpu;
    uint8_t kind, domain, present;
};

struct settle_ahead {
    struct chunk_opening *opening;
    struct chunk_feed *feed;
    const struct chunk_ref *const *chunks;
    size_t count;
    /* The reader that goes ahead: */
    struct open_chunk open; /* of chunk next - 1, if is_open */
    bool is_open;
    size_t next;   /* chunk to open */
    size_t number; /* of events that it has read of the open chunk */
    /* The signs that it has found from an event on; those before `first` are passed. */
    size_t from_chunk, from_number;
    struct sign *signs;
    size_t first, sign_count, room;
};

struct settle_ahead *settle_ahead_new(struct chunk_opening *opening, struct chunk_feed *feed,
                                      const struct chunk_ref *const *chunks, size_t count)
{
    struct settle_ahead *ahead = memory_new(sizeof *ahead);
    ahead->opening = opening;
    ahead->feed = feed;
    ahead->chunks = chunks;
    ahead->count = count;
    return ahead;
}

static void close_own(struct settle_ahead *ahead)
{
    if (ahead->is_open)
        close_chunk(ahead->opening, &ahead->open);
    ahead->is_open = false;
}

void settle_ahead_free(struct settle_ahead *ahead)
{
    close_own(ahead);
    free(ahead->signs);
    free(ahead);
}

/* --- reading ahead --- */

static bool is_sign(const struct event *event)
{
    return event->kind == EVENT_SWITCH || event->kind == EVENT_EXEC || event->kind == EVENT_FORK ||
           (event->kind == EVENT_LOSS && event_is_border(event));
}

static bool is_passed(const struct settle_ahead *ahead, size_t chunk, size_t number)
{
    return chunk < ahead->from_chunk || (chunk == ahead->from_chunk && number < ahead->from_number);
}

static void keep_sign(struct settle_ahead *ahead, const struct event *event, size_t number)
{
    if (ahead->sign_count == ahead->room && ahead->first > ahead->sign_count / 2) {
        ahead->sign_count -= ahead->first;
        memmove(ahead->signs, ahead->signs + ahead->first,
                ahead->sign_count * sizeof *ahead->signs);
        ahead->first = 0;
    }
    ahead->signs =
        memory_grow(ahead->signs, &ahead->room, ahead->sign_count + 1, sizeof *ahead->signs);
    ahead->signs[ahead->sign_count++] =
        (struct sign){.chunk = ahead->next - 1,
                      .number = number,
                      .time_ns = event->time_ns,
                      .value = {event->value[0], event->value[1], event->value[2]},
                      .cpu = event->cpu,
                      .kind = (uint8_t)event->kind,
                      .domain = (uint8_t)event->domain,
                      .present = (uint8_t)event->present};
}

/* Reads more of the chunks; false: there is no more. A chunk that cannot be read is reported when it
 * is joined. */
static bool read_more(struct settle_ahead *ahead)
{
    struct failure ignored;
    if (!ahead->is_open) {
        if (ahead->next == ahead->count)
            return false;
        ahead->is_open = open_chunk(ahead->opening, ahead->chunks[ahead->next++], NULL, 0,
                                    &ahead->open, &ignored) == STATUS_OK;
        ahead->number = 0;
        return true;
    }
    const struct event *events;
    size_t count;
    const struct interval *interval = &ahead->open.interval;
    if (!ahead->open.reader ||
        reader_next(ahead->open.reader, &events, &count, &ignored) != STATUS_OK) {
        close_own(ahead);
        return true;
    }
    for (size_t i = 0; i < count; i++)
        if (is_sign(&events[i]) && settle_is_in(interval, &events[i]) &&
            !is_passed(ahead, ahead->next - 1, ahead->number + i))
            keep_sign(ahead, &events[i], ahead->number + i);
    ahead->number += count;
    if (events[count - 1].time_ns >= interval->end_ns)
        close_own(ahead);
    return true;
}

/* Drops the signs before that event, and does not read earlier chunks. */
static void pass_until(struct settle_ahead *ahead, size_t chunk, size_t number)
{
    ahead->from_chunk = chunk;
    ahead->from_number = number;
    if (ahead->next - ahead->is_open < chunk) {
        close_own(ahead);
        ahead->next = chunk;
    }
    while (ahead->first < ahead->sign_count &&
           is_passed(ahead, ahead->signs[ahead->first].chunk, ahead->signs[ahead->first].number))
        ahead->first++;
}

/* --- settling --- */

/* The events from a place on: the decoded ones, then signs. */
struct walk {
    struct settle_ahead *ahead;
    const struct settle_place *place;
    const struct feed_item *item; /* NULL: signs */
    size_t items;                 /* after that of the place */
    size_t at;                    /* in the item, or of the signs that are not passed */
    size_t number;                /* of events of the chunk before the item */
    struct event event;           /* of a sign */
};

static struct walk walk_from(struct settle_ahead *ahead, const struct settle_place *place)
{
    return (struct walk){.ahead = ahead,
                         .place = place,
                         .item = place->item,
                         .at = place->at,
                         .number = place->number - place->at};
}

/* The next item of the chunk, or else the first sign behind the last one. */
static void leave_item(struct walk *walk)
{
    struct settle_ahead *ahead = walk->ahead;
    size_t chunk = walk->place->chunk;
    walk->number += walk->item->count;
    walk->at = 0;
    walk->item = chunk_feed_peek(ahead->feed, ++walk->items);
    if (walk->item && walk->item->kind == FEED_EVENTS)
        return;
    if (walk->item)
        pass_until(ahead, chunk + 1, 0); /* the chunk ends */
    else
        pass_until(ahead, chunk, walk->number);
    walk->item = NULL;
}

static const struct event *next_sign(struct walk *walk)
{
    struct settle_ahead *ahead = walk->ahead;
    while (ahead->first + walk->at >= ahead->sign_count)
        if (!read_more(ahead))
            return NULL;
    const struct sign *sign = &ahead->signs[ahead->first + walk->at++];
    walk->event = (struct event){.time_ns = sign->time_ns,
                                 .cpu = sign->cpu,
                                 .kind = sign->kind,
                                 .domain = sign->domain,
                                 .present = sign->present};
    memcpy(walk->event.value, sign->value, sizeof sign->value);
    return &walk->event;
}

/* NULL: there is none. */
static const struct event *next_event(struct walk *walk)
{
    while (walk->item) {
        if (walk->at == walk->item->count) {
            leave_item(walk);
            continue;
        }
        const struct event *event = &walk->item->events[walk->at++];
        if (settle_is_in(&walk->item->open.interval, event))
            return event;
    }
    return next_sign(walk);
}

/* Whether an event before the switch that was found shows its thread elsewhere. */
static bool is_elsewhere(struct settle_ahead *ahead, const struct settle_place *place,
                         const struct settle_search *search)
{
    struct walk walk = walk_from(ahead, place);
    struct settle_search again = {.cpu = search->cpu, .first_ns = search->first_ns};
    for (const struct event *event; (event = next_event(&walk));) {
        settle_look_at(&again, event);
        if (again.over)
            return false;
        if (settle_names_elsewhere(search, event))
            return true;
    }
    return false;
}

int32_t settle_ahead(struct settle_ahead *ahead, const struct settle_place *place,
                     const struct core *core, int32_t cpu, uint64_t first_ns)
{
    struct settle_search search = {.cpu = cpu, .first_ns = first_ns};
    struct walk walk = walk_from(ahead, place);
    for (const struct event *event; !search.over && (event = next_event(&walk));)
        settle_look_at(&search, event);
    int32_t tid = settle_found(&search, core);
    return tid > 0 && is_elsewhere(ahead, place, &search) ? TID_SETTLED_UNKNOWN : tid;
}
