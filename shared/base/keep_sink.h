/* base/keep_sink.h -- receives the records of saved state. */
#ifndef BASE_KEEP_SINK_H
#define BASE_KEEP_SINK_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/changes.h"

struct keep_sink {
    /* Both are borrowed for the call. */
    void (*take)(void *context, struct text key, struct bytes record);
    void *context;
    /* For a sink that remembers the records of earlier saves; else NULL, and every save passes all
     * records. `number`: returns a number, not 0, for the record last passed to take(), which is
     * kept until `gone`: `gone` is called before any record of a save is passed. */
    uint32_t (*number)(void *context);
    void (*gone)(void *context, uint32_t number);
    /* Whether the number has this key and record; for invariants. */
    bool (*is)(void *context, uint32_t number, struct text key, struct bytes record);
};

static inline bool keep_remembers(const struct keep_sink *sink)
{
    return sink->number != NULL;
}

/* Passes the record of an entity, and stores its number if the sink has them. */
void keep_give(const struct keep_sink *sink, struct text key, struct bytes record,
               struct changes *changes, struct change *change);
/* Reports entities that are gone; call it before passing any record. */
void keep_give_up(const struct keep_sink *sink, const struct changes *changes);

#endif
