/* base/shared_text.h -- an immutable string with several owners of one thread: copies share its
 * memory, so equal names often have one address. */
#ifndef BASE_SHARED_TEXT_H
#define BASE_SHARED_TEXT_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct shared_text {
    size_t owners;
    size_t count;
    char at[];
};

/* With one owner. */
static inline struct shared_text *shared_text_new(struct text text)
{
    struct shared_text *shared = memory_new(sizeof *shared + text.count);
    shared->owners = 1;
    shared->count = text.count;
    if (text.count > 0)
        memcpy(shared->at, text.at, text.count);
    return shared;
}

/* With one more owner; NULL for NULL. */
static inline struct shared_text *shared_text_hold(struct shared_text *shared)
{
    if (shared)
        shared->owners++;
    return shared;
}

/* NULL is fine. */
static inline void shared_text_drop(struct shared_text *shared)
{
    assert(!shared || shared->owners > 0);
    if (shared && --shared->owners == 0)
        free(shared);
}

/* Without characters, and without an address, for NULL. */
static inline struct text shared_text_text(const struct shared_text *shared)
{
    return shared ? (struct text){shared->at, shared->count} : (struct text){NULL, 0};
}

#endif
