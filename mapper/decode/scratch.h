/* mapper/decode/scratch.h -- memory for data that a batch of events points to; reused for the next
 * batch, so that reading does not use the heap. */
#ifndef MAPPER_DECODE_SCRATCH_H
#define MAPPER_DECODE_SCRATCH_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "trace/event.h"

/* The part of an event after this offset is not written for a plain event, which has only
 * values. */
#define EVENT_PLAIN_BYTES offsetof(struct event, text)

/* All zero is empty. */
struct scratch {
    uint8_t *block;
    size_t used, room;
    uint8_t **full; /* blocks that became too small in this batch */
    size_t full_count, full_room;
    struct event **rich; /* events of this batch that have more than values */
    size_t rich_count, rich_room;
};

/* Not zeroed; aligned for 64-bit numbers; valid until scratch_reset(). */
static inline void *scratch_take(struct scratch *scratch, size_t size)
{
    size_t step = (size + 7) & ~(size_t)7;
    if (scratch->block == NULL || scratch->room - scratch->used < step) {
        if (scratch->block != NULL) {
            scratch->full = memory_grow(scratch->full, &scratch->full_room, scratch->full_count + 1,
                                        sizeof *scratch->full);
            scratch->full[scratch->full_count++] = scratch->block;
        }
        scratch->room = scratch->room * 2 > step ? scratch->room * 2 : step + (16 << 10);
        scratch->block = memory_resize(NULL, scratch->room, 1);
        scratch->used = 0;
    }
    void *taken = scratch->block + scratch->used;
    scratch->used += step;
    return taken;
}

static inline struct text scratch_text(struct scratch *scratch, struct text text)
{
    char *copy = scratch_take(scratch, text.count + 1);
    memcpy(copy, text.at, text.count);
    copy[text.count] = '\0';
    return (struct text){copy, text.count};
}

/* Remembers an event in a slot where plain events only write the values. */
static inline void scratch_note_rich(struct scratch *scratch, struct event *event)
{
    if (scratch->rich_count == scratch->rich_room)
        scratch->rich = memory_grow(scratch->rich, &scratch->rich_room, scratch->rich_count + 1,
                                    sizeof *scratch->rich);
    scratch->rich[scratch->rich_count++] = event;
}

static inline void event_make_plain(struct event *event)
{
    memset((char *)event + EVENT_PLAIN_BYTES, 0, sizeof *event - EVENT_PLAIN_BYTES);
}

/* Zeroes everything after the values in all these slots. */
static inline void scratch_clean_rich(struct scratch *scratch)
{
    for (size_t i = 0; i < scratch->rich_count; i++)
        event_make_plain(scratch->rich[i]);
}

static inline void scratch_reset(struct scratch *scratch)
{
    while (scratch->full_count > 0)
        free(scratch->full[--scratch->full_count]);
    scratch->used = 0;
    scratch->rich_count = 0;
}

static inline void scratch_clear(struct scratch *scratch)
{
    scratch_reset(scratch);
    free(scratch->full);
    free(scratch->rich);
    free(scratch->block);
    *scratch = (struct scratch){.block = NULL};
}

#endif
