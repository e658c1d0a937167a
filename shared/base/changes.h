/* base/changes.h -- which of many entities have changed since their owner's last save, and which
 * are gone: saving costs as much as the changes, not as all entities. */
#ifndef BASE_CHANGES_H
#define BASE_CHANGES_H

#include <stddef.h>
#include <stdint.h>

/* A member of the entity. All zero: it has no number yet. */
struct change {
    uint32_t place; /* 1 + its index among the changed ones; 0: unchanged */
    uint32_t kept;  /* number from its owner; 0: none yet */
};

/* The `type` that contains the member. */
#define CONTAINER_OF(type, change, field) ((type *)((uintptr_t)(change)-offsetof(type, field)))

/* All zero is empty. */
struct changes {
    struct change **at; /* unordered */
    size_t count, room;
    uint32_t *gone; /* numbers of those that are gone */
    size_t gone_count, gone_room;
    size_t known; /* entities that have a number */
};

/* Frees its memory; the entities are not touched. */
void changes_clear(struct changes *changes);

#define EACH_CHANGED(entity, type, field, changes)                                                 \
    size_t i = 0;                                                                                  \
    i < (changes)->count && ((entity) = CONTAINER_OF(type, (changes)->at[i], field));              \
    i++

void changes_add(struct changes *changes, struct change *change);
/* The entity is new, has changed, or will change. `changes` NULL: does nothing. */
static inline void changes_note(struct changes *changes, struct change *change)
{
    if (changes && change->place == 0)
        changes_add(changes, change);
}
/* The entity will be freed. */
void changes_forget(struct changes *changes, struct change *change);
/* The entity moves: *from, which is copied to *to, will be freed. */
void changes_move(struct changes *changes, struct change *to, struct change *from);
/* Sets the number of the entity, not 0. */
void changes_know(struct changes *changes, struct change *change, uint32_t kept);
/* The owner has saved: marks everything as unchanged. */
void changes_seen(struct changes *changes);

#endif
