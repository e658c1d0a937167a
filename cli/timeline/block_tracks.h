/* cli/timeline/block_tracks.h -- requests of block devices as slices, from the issue to the
 * completion, by the rules of the analysis of block requests. Requests of one device that overlap
 * are on several tracks of its name. */
#ifndef CLI_TIMELINE_BLOCK_TRACKS_H
#define CLI_TIMELINE_BLOCK_TRACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "cli/story/follow.h"
#include "cli/timeline/perfetto.h"

struct block_request;
struct block_lane;

/* Empty if all zero except `file`. */
struct block_tracks {
    struct perfetto *file;
    struct map open; /* struct block_request, by hash of device and sector */
    struct block_lane *lanes, *free_lanes;
    uint64_t track; /* parent of all; 0: not created yet */
    bool is_on;     /* slices are written; else only tracked */
};

/* Whether the events of that name belong here: their fields are needed. */
bool block_tracks_needs(const char *event);
void block_tracks_take(struct block_tracks *blocks, const struct followed *followed);
/* Open requests are lost. */
void block_tracks_lose(struct block_tracks *blocks, int64_t at_ns);
/* Starts writing: open requests begin at `at_ns`. */
void block_tracks_turn_on(struct block_tracks *blocks, int64_t at_ns);
/* Ends open requests and drops them; keeps the tracks. */
void block_tracks_turn_off(struct block_tracks *blocks, int64_t at_ns);
void block_tracks_clear(struct block_tracks *blocks);

#endif
