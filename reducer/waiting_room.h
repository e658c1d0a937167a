/* reducer/waiting_room.h -- what waiting.c holds: records of attempts, in memory or in a file, and how
 * much memory all of it takes. */
#ifndef REDUCER_WAITING_ROOM_H
#define REDUCER_WAITING_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attrs.h"
#include "base/bytes.h"
#include "base/failure.h"

/* What the heap takes for a block, beside what was asked for. */
enum { HEAP_BYTES = 16 };

struct waiting_room {
    size_t memory;    /* bytes of all that is held here: records and what leads to them */
    size_t elsewhere; /* of what waits in memory that others hold */
    size_t in_file;
    size_t limit; /* of `memory` and `elsewhere`; 0: none */
    const char *folder;
    int file; /* -1: not made yet */
    int64_t file_end;
};

/* A file without a name; -1 and errno. */
int room_open_file(const char *folder);
void room_init(struct waiting_room *room);
/* All that was in it must have been given back. */
void room_close(struct waiting_room *room);

/* memory_grow(), counted. */
RETURNS_NONNULL void *room_grow(struct waiting_room *room, void *old, size_t *count, size_t needed,
                                size_t size);
void room_give_back(struct waiting_room *room, void *old, size_t count, size_t size);

/* A record in memory. */
struct held {
    uint32_t index, count;
    uint8_t *at;
};

/* Records of one attempt at a chunk. */
struct attempt {
    uint64_t chunk, number;
    struct held *held; /* in the order in which they came */
    size_t held_count, held_room;
    uint64_t *seen; /* by index, bits */
    size_t seen_room;
    size_t present;
    int64_t last_spilled; /* place in the file; -1: none */
    size_t spilled_bytes;
    bool has_end, is_gap;
    uint64_t end_index, most_index;
    int64_t offset; /* least of its records */
};

/* Takes a copy of a record of fewer than UINT32_MAX bytes, at an index that was not seen: into the
 * file, if the memory is full and it can be written. */
void attempt_keep(struct waiting_room *room, struct attempt *attempt, uint32_t index,
                  struct bytes record);
bool attempt_has(const struct attempt *attempt, uint64_t index);
/* The attempt's records by index, the caller's from now on: `out` has room for `present`. RETRY:
 * they cannot be read back. */
MUST_CHECK enum status attempt_take(struct waiting_room *room, struct attempt *attempt,
                                    struct bytes *out);
void attempt_clear(struct waiting_room *room, struct attempt *attempt);

#endif
