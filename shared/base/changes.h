/* base/changes.h -- which of many nouns have changed since their owner last looked, and which are gone since then:
 * so that saving them costs what has changed, and not what there is. */
#ifndef BASE_CHANGES_H
#define BASE_CHANGES_H

#include <stddef.h>
#include <stdint.h>

/* In the noun. All zero: nobody knows it yet. */
struct change {
    uint32_t place; /* 1 + its place among those that have changed; 0: it has not */
    uint32_t kept;  /* what its owner knows it by; 0: nothing yet */
};

/* The `type` whose field that is. */
#define NOUN_OF(type, change, field) ((type *)((uintptr_t)(change)-offsetof(type, field)))

/* All zero is none. */
struct changes {
    struct change **at; /* in no order */
    size_t count, room;
    uint32_t *gone; /* what those were known by that are gone */
    size_t gone_count, gone_room;
    size_t known; /* nouns that are known by something */
};

/* Frees what it holds; the nouns are not touched. */
void changes_clear(struct changes *changes);

#define EACH_CHANGED(noun, type, field, changes)                                                   \
    size_t i = 0;                                                                                  \
    i < (changes)->count && ((noun) = NOUN_OF(type, (changes)->at[i], field));                     \
    i++

void changes_add(struct changes *changes, struct change *change);
/* The noun is new, or has changed, or is about to. `changes` NULL: nobody asks. */
static inline void changes_note(struct changes *changes, struct change *change)
{
    if (changes && change->place == 0)
        changes_add(changes, change);
}
/* The noun is about to be freed. */
void changes_forget(struct changes *changes, struct change *change);
/* The noun is elsewhere from now on: *from, which is copied to *to, is about to be freed. */
void changes_move(struct changes *changes, struct change *to, struct change *from);
/* It is known by that from here on, which is not 0. */
void changes_know(struct changes *changes, struct change *change, uint32_t kept);
/* The owner has looked: nothing has changed since then. */
void changes_seen(struct changes *changes);

#endif
