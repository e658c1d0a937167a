/* base/keep_sink.h -- where records of saved state go. */
#ifndef BASE_KEEP_SINK_H
#define BASE_KEEP_SINK_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/changes.h"

struct keep_sink {
    /* Both are borrowed for the call. */
    void (*take)(void *context, struct text key, struct bytes record);
    void *context;
    /* Of a sink that remembers what it took in the saves before; else NULL, and all is given to it. `number`: what
     * take() was last called with is known by it from here on, not 0, and stands without being given again; `gone`: until
     * then, which is said before anything is given. */
    uint32_t (*number)(void *context);
    void (*gone)(void *context, uint32_t number);
    /* Whether that has this key and record; for invariants. */
    bool (*is)(void *context, uint32_t number, struct text key, struct bytes record);
};

static inline bool keep_remembers(const struct keep_sink *sink)
{
    return sink->number != NULL;
}

/* Gives the record of a noun, which is known by that from here on if the sink remembers. */
void keep_give(const struct keep_sink *sink, struct text key, struct bytes record,
               struct changes *changes, struct change *change);
/* Says what is gone; to be called before anything is given. */
void keep_give_up(const struct keep_sink *sink, const struct changes *changes);

#endif
