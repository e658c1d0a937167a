/* cli/pool_chunks.h -- reads chunks of a pool's sessions again: the intervals in its results define
 * which, the announcements have the locations of their archives. */
#ifndef CLI_POOL_CHUNKS_H
#define CLI_POOL_CHUNKS_H

#include <stdbool.h>

#include "base/failure.h"
#include "bus/bus_settings.h"
#include "chunk/chunk.h"
#include "results/result.h"

struct pool_chunks_options {
    const struct bus_settings *bus;
    const char *store_root; /* archives by reference are read below it; NULL: not read */
    /* Receives messages about unreadable announcements. */
    void (*say)(void *context, const char *sentence);
    bool (*over)(void *context); /* true: give up waiting for a broker */
    void *context;
};

struct pool_chunks;

/* `options` is borrowed until pool_chunks_free(). */
struct pool_chunks *pool_chunks_new(const struct pool_chunks_options *options);
void pool_chunks_free(struct pool_chunks *pool); /* NULL is fine */

/* Adds an interval of a session, in any order. */
void pool_chunks_note(struct pool_chunks *pool, const char *session,
                      const struct interval_fact *fact);
/* After all pool_chunks_note(): reads the announcements and fills `list` (chunk_list_clear()) with
 * the noted chunks that are not gaps, by session and number. Archives are fetched when they are
 * opened; `pool` must outlive that. OK; RETRY: no broker answers, or `over`; REJECT, STOP: no such
 * topic, no right, or an announcement of a newer format. */
MUST_CHECK enum status pool_chunks_find(struct pool_chunks *pool, struct chunk_list *list,
                                        struct failure *why);

#endif
