#include "base/changes.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

void changes_clear(struct changes *changes)
{
    free(changes->at);
    free(changes->gone);
    *changes = (struct changes){.count = 0};
}

void changes_add(struct changes *changes, struct change *change)
{
    assert(change->place == 0 && changes->count < UINT32_MAX);
    changes->at =
        memory_grow(changes->at, &changes->room, changes->count + 1, sizeof(struct change *));
    changes->at[changes->count++] = change;
    change->place = (uint32_t)changes->count;
}

static void take_out(struct changes *changes, struct change *change)
{
    assert(changes->at[change->place - 1] == change);
    struct change *last = changes->at[--changes->count];
    changes->at[change->place - 1] = last;
    last->place = change->place;
    change->place = 0;
}

void changes_forget(struct changes *changes, struct change *change)
{
    if (!changes)
        return;
    if (change->place != 0)
        take_out(changes, change);
    if (change->kept == 0)
        return;
    changes->gone = memory_grow(changes->gone, &changes->gone_room, changes->gone_count + 1,
                                sizeof *changes->gone);
    changes->gone[changes->gone_count++] = change->kept;
    changes->known--;
    change->kept = 0;
}

void changes_move(struct changes *changes, struct change *to, struct change *from)
{
    *to = *from;
    if (changes && to->place != 0)
        changes->at[to->place - 1] = to;
    *from = (struct change){0, 0};
}

void changes_know(struct changes *changes, struct change *change, uint32_t kept)
{
    assert(kept != 0);
    changes->known += change->kept == 0;
    change->kept = kept;
}

void changes_seen(struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        changes->at[i]->place = 0;
    changes->count = changes->gone_count = 0;
}
