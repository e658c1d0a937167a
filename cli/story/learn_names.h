/* cli/story/learn_names.h -- the names of threads, processes, and descriptors of a session, from a
 * pass over its chunks.
 *
 * Joins the events one by one, without mapping them first: for names alone, that takes less time
 * and memory than rows do, and by the law it gives the same names. */
#ifndef CLI_STORY_LEARN_NAMES_H
#define CLI_STORY_LEARN_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "chunk/chunk.h"
#include "mapper/decode/plan_cache.h"
#include "mapper/decode/reader.h"
#include "results/fold.h"
#include "trace/phases.h"

struct learn_names {
    const struct chunk_list *list; /* finished; the session's chunks are [begin, end) */
    size_t begin, end;
    const struct phase_definitions *phases;
    struct plan_cache *cache;        /* of the metadata of these chunks */
    struct reader_warnings warnings; /* of damage, and of unusable chunks */
    bool with_uses;                  /* also which calls and phases exist */
    bool (*stops)(void *context);    /* whether to stop; called regularly */
    /* Chunks that are done, of all, with their events. */
    void (*progress)(void *context, size_t done, size_t count, uint64_t events);
    void *context; /* of both */
    /* Out: */
    size_t failed; /* unusable chunks */
};

/* The results that have names; the caller frees them with fold_free(). NULL: it was stopped. */
struct fold *learn_names(struct learn_names *learn);

#endif
