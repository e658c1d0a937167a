#include "cli/timeline/block_tracks.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/block.h"
#include "base/hash.h"
#include "base/memory.h"
#include "cli/story/story_irq.h"
#include "trace/schema.h"

struct block_request {
    uint64_t dev;
    uint64_t sector; /* the first one that is not complete */
    uint64_t left;   /* remaining sectors */
    uint64_t rwbs;
    int32_t tid; /* that issued it; or FOLLOW_UNKNOWN */
    int64_t begin_ns;
    struct block_lane *lane;
    struct block_request *next; /* of the same hash */
};

/* A track of a device, with at most one open request. */
struct block_lane {
    uint64_t dev, track;     /* 0: not created yet */
    struct block_lane *next; /* of all */
    struct block_lane *next_free;
};

static const struct perfetto_note NOT_SEEN = {.name = "end", .text = {"not seen", 8}};
/* The report counts issue and completion as unpaired. */
static const struct perfetto_note LATE = {.name = "counted", .text = {"no", 2}};
static const struct perfetto_note BEFORE = {.name = "begin", .text = {"before", 6}};

/* --- tracks --- */

/* A free one, if there is one: so requests that do not overlap share a track. */
static struct block_lane *take_lane(struct block_tracks *blocks, uint64_t dev)
{
    struct block_lane **link = &blocks->free_lanes;
    while (*link && (*link)->dev != dev)
        link = &(*link)->next_free;
    struct block_lane *lane = *link;
    if (lane) {
        *link = lane->next_free;
        return lane;
    }
    lane = memory_new(sizeof *lane);
    lane->dev = dev;
    lane->next = blocks->lanes;
    blocks->lanes = lane;
    return lane;
}

static void give_lane_back(struct block_tracks *blocks, struct block_lane *lane)
{
    lane->next_free = blocks->free_lanes;
    blocks->free_lanes = lane;
}

static uint64_t track_of(struct block_tracks *blocks, struct block_lane *lane)
{
    if (lane->track != 0)
        return lane->track;
    if (blocks->track == 0)
        blocks->track = perfetto_track(blocks->file, 0, "block requests");
    char *name = block_device_name(lane->dev);
    lane->track = perfetto_track(blocks->file, blocks->track, name);
    free(name);
    return lane->track;
}

static void write_begin(struct block_tracks *blocks, const struct block_request *request,
                        int64_t at_ns)
{
    struct perfetto_note notes[4];
    size_t count = 0;
    notes[count++] = (struct perfetto_note){
        .name = "sector", .number = (int64_t)request->sector, .is_unsigned = true};
    notes[count++] = (struct perfetto_note){
        .name = "bytes", .number = (int64_t)(request->left * BLOCK_SECTOR_BYTES)};
    if (request->tid != FOLLOW_UNKNOWN)
        notes[count++] = (struct perfetto_note){.name = "tid", .number = request->tid};
    if (request->begin_ns < at_ns)
        notes[count++] = BEFORE;
    if (blocks->is_on)
        perfetto_begin(blocks->file, track_of(blocks, request->lane), at_ns, "block",
                       text_of(block_kind_name(request->rwbs)),
                       (struct perfetto_notes){notes, count});
}

/* --- requests --- */

static uint64_t key_of(uint64_t dev, uint64_t sector)
{
    return hash_number(hash_number(dev) ^ sector);
}

static void put(struct block_tracks *blocks, struct block_request *take_request)
{
    void **place = map_place(&blocks->open, key_of(take_request->dev, take_request->sector));
    take_request->next = *place;
    *place = take_request;
}

/* Takes the request out, or returns NULL. */
static struct block_request *find(struct block_tracks *blocks, uint64_t dev, uint64_t sector)
{
    uint64_t key = key_of(dev, sector);
    struct block_request *first = map_remove(&blocks->open, key), *found = NULL;
    for (struct block_request **link = &first; *link && !found;) {
        if ((*link)->dev == dev && (*link)->sector == sector) {
            found = *link;
            *link = found->next;
        } else {
            link = &(*link)->next;
        }
    }
    if (first)
        map_put(&blocks->open, key, first);
    return found;
}

/* Ends the slice. */
static void end(struct block_tracks *blocks, struct block_request *take_request, int64_t at_ns,
                struct perfetto_notes notes)
{
    if (blocks->is_on)
        perfetto_end(blocks->file, track_of(blocks, take_request->lane), at_ns, notes);
    give_lane_back(blocks, take_request->lane);
    free(take_request);
}

/* --- events --- */

static uint64_t number_of(const struct event *event, const char *name)
{
    const struct field_value *value = event_shown(event, name);
    return value && (value->type == FIELD_INT || value->type == FIELD_UINT) ? value->u : 0;
}

/* A flush has no sector: it is issued with 0, and completed with all bits set. */
static struct block_request request_of(const struct followed *followed)
{
    const struct event *event = followed->event;
    uint64_t sector = number_of(event, "sector");
    return (struct block_request){.dev = number_of(event, "dev"),
                                  .sector = sector == UINT64_MAX ? 0 : sector,
                                  .left = number_of(event, "nr_sector"),
                                  .rwbs = number_of(event, "rwbs"),
                                  .tid = followed->tid,
                                  .begin_ns = followed->wall_ns};
}

static void on_issue(struct block_tracks *blocks, const struct followed *followed)
{
    struct block_request *request = memory_new(sizeof *request);
    *request = request_of(followed);
    request->lane = take_lane(blocks, request->dev);
    put(blocks, request);
    write_begin(blocks, request, followed->wall_ns);
}

static void on_complete(struct block_tracks *blocks, const struct followed *followed)
{
    struct block_request by = request_of(followed);
    if (by.left == 0 && block_has_sectors(by.rwbs))
        return; /* never issued: the kernel turned it into a flush */
    struct block_request *request = find(blocks, by.dev, by.sector);
    if (!request)
        return;
    if (by.left > 0 && by.left < request->left) { /* a part */
        request->sector += by.left;
        request->left -= by.left;
        put(blocks, request);
        return;
    }
    struct perfetto_note notes[2];
    size_t count = 0;
    int64_t error = (int64_t)number_of(followed->event, "error");
    if (error != 0)
        notes[count++] = (struct perfetto_note){.name = "error", .number = error};
    if (followed->wall_ns - request->begin_ns > (int64_t)BLOCK_OPEN_NS)
        notes[count++] = LATE;
    end(blocks, request, followed->wall_ns, (struct perfetto_notes){notes, count});
}

static void on_requeue(struct block_tracks *blocks, const struct followed *followed)
{
    static const struct perfetto_note REQUEUED = {.name = "end", .text = {"requeued", 8}};
    struct block_request by = request_of(followed);
    struct block_request *request = find(blocks, by.dev, by.sector);
    if (request)
        end(blocks, request, followed->wall_ns, (struct perfetto_notes){&REQUEUED, 1});
}

static const struct {
    const char *event;
    void (*take)(struct block_tracks *blocks, const struct followed *followed);
} STEPS[] = {{"block_rq_issue", on_issue},
             {"block_rq_complete", on_complete},
             {"block_rq_requeue", on_requeue}};
enum { STEP_COUNT = sizeof STEPS / sizeof *STEPS };

bool block_tracks_needs(const char *event)
{
    for (size_t i = 0; i < STEP_COUNT; i++)
        if (strcmp(event, STEPS[i].event) == 0)
            return true;
    return false;
}

void block_tracks_take(struct block_tracks *blocks, const struct followed *followed)
{
    const struct event *event = followed->event;
    if (event->kind == EVENT_LOSS && event_is_border(event))
        block_tracks_lose(blocks, followed->wall_ns);
    if (event->kind != EVENT_OTHER || event->domain != DOMAIN_KERNEL ||
        strncmp(event->class->name, "block_rq_", 9) != 0)
        return;
    for (size_t i = 0; i < STEP_COUNT; i++)
        if (strcmp(event->class->name, STEPS[i].event) == 0)
            STEPS[i].take(blocks, followed);
}

/* --- all --- */

static int by_begin(const void *left, const void *right)
{
    const struct block_request *a = *(struct block_request *const *)left;
    const struct block_request *b = *(struct block_request *const *)right;
    if (a->begin_ns != b->begin_ns)
        return a->begin_ns < b->begin_ns ? -1 : 1;
    if (a->dev != b->dev)
        return a->dev < b->dev ? -1 : 1;
    return (a->sector > b->sector) - (a->sector < b->sector);
}

/* All open requests by begin; the caller frees the array. */
static struct block_request **sorted(const struct block_tracks *blocks, size_t *count)
{
    struct block_request **all = NULL, *each;
    size_t room = 0;
    *count = 0;
    for (size_t at = 0; (each = map_next(&blocks->open, &at)) != NULL;)
        for (; each; each = each->next) {
            all = memory_grow(all, &room, *count + 1, sizeof(struct block_request *));
            all[(*count)++] = each;
        }
    if (all)
        qsort(all, *count, sizeof(struct block_request *), by_begin);
    return all;
}

void block_tracks_lose(struct block_tracks *blocks, int64_t at_ns)
{
    size_t count;
    struct block_request **all = sorted(blocks, &count);
    for (size_t i = 0; i < count; i++)
        end(blocks, all[i], at_ns, (struct perfetto_notes){&NOT_SEEN, 1});
    free(all);
    map_clear(&blocks->open);
}

void block_tracks_turn_on(struct block_tracks *blocks, int64_t at_ns)
{
    size_t count;
    struct block_request **all = sorted(blocks, &count);
    blocks->is_on = true;
    for (size_t i = 0; i < count; i++)
        write_begin(blocks, all[i], at_ns);
    free(all);
}

void block_tracks_turn_off(struct block_tracks *blocks, int64_t at_ns)
{
    block_tracks_lose(blocks, at_ns);
    blocks->is_on = false;
}

void block_tracks_clear(struct block_tracks *blocks)
{
    blocks->is_on = false;
    block_tracks_lose(blocks, 0);
    blocks->free_lanes = NULL;
    for (struct block_lane *lane; (lane = blocks->lanes) != NULL;) {
        blocks->lanes = lane->next;
        free(lane);
    }
}
