/* reducer/waiting_room.h -- storage of waiting.c: the records of attempts, in memory or in a file,
 * and the memory used. */
#ifndef REDUCER_WAITING_ROOM_H
#define REDUCER_WAITING_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attrs.h"
#include "base/bytes.h"
#include "base/failure.h"

/* Heap overhead per block. */
enum { HEAP_BYTES = 16 };

struct waiting_room {
    size_t memory;    /* bytes of everything here: records and bookkeeping */
    size_t elsewhere; /* waiting data in memory of other modules */
    size_t in_file;
    size_t limit; /* of `memory` + `elsewhere`; 0: none */
    const char *folder;
    int file; /* -1: not created yet */
    int64_t file_end;
};

/* An unnamed file; -1 and errno on failure. */
int room_open_file(const char *folder);
void room_init(struct waiting_room *room);
/* All records must have been taken or dropped. */
void room_close(struct waiting_room *room);

/* memory_grow(), with accounting. */
RETURNS_NONNULL void *room_grow(struct waiting_room *room, void *old, size_t *count, size_t needed,
                                size_t size);
void room_give_back(struct waiting_room *room, void *old, size_t count, size_t size);

/* A record in memory. */
struct held {
    uint32_t index, count;
    uint8_t *at;
};

/* The records of one attempt at a chunk. */
struct attempt {
    uint64_t chunk, number;
    struct held *held; /* in order of arrival */
    size_t held_count, held_room;
    uint64_t *seen; /* bits, by index */
    size_t seen_room;
    size_t present;
    int64_t last_spilled; /* position in the file; -1: none */
    size_t spilled_bytes;
    bool has_end, is_gap;
    uint64_t end_index, most_index;
    int64_t offset; /* the smallest of its records */
};

/* Copies a record of fewer than UINT32_MAX bytes, at an index not seen yet: to the file if the
 * memory is full and the file can be written. */
void attempt_keep(struct waiting_room *room, struct attempt *attempt, uint32_t index,
                  struct bytes record);
bool attempt_has(const struct attempt *attempt, uint64_t index);
/* Moves the attempt's records, by index, to the caller: `out` has room for `present`. RETRY: they
 * cannot be read back. */
MUST_CHECK enum status attempt_take(struct waiting_room *room, struct attempt *attempt,
                                    struct bytes *out);
void attempt_clear(struct waiting_room *room, struct attempt *attempt);

#endif
