/* cli/pool_chunks.h -- the chunks of a pool's sessions, to be read again: which there are, as the intervals in
 * its results tell, and their archives, from where they were announced. */
#ifndef CLI_POOL_CHUNKS_H
#define CLI_POOL_CHUNKS_H

#include <stdbool.h>

#include "base/failure.h"
#include "bus/bus_settings.h"
#include "chunk/chunk.h"
#include "results/result.h"

struct pool_chunks_options {
    const struct bus_settings *bus;
    const char *store_root; /* archives by reference are read below it; NULL: none are */
    /* Announcements that cannot be read. */
    void (*say)(void *context, const char *sentence);
    bool (*over)(void *context); /* whether to give up waiting for a broker */
    void *context;
};

struct pool_chunks;

/* `options` is borrowed until pool_chunks_free(). */
struct pool_chunks *pool_chunks_new(const struct pool_chunks_options *options);
void pool_chunks_free(struct pool_chunks *pool); /* NULL is fine */

/* An interval of a session, in any order. */
void pool_chunks_note(struct pool_chunks *pool, const char *session,
                      const struct interval_fact *fact);
/* Reads the announcements, once all is noted, and fills `list` (chunk_list_clear()) with the chunks that were
 * noted and are no gaps, by session and number. Their archives are fetched when they are opened, as long as
 * `pool` lives. OK; RETRY: no broker answers, or it is over; REJECT, STOP: there is no such topic, no right, or
 * an announcement of a newer format. */
MUST_CHECK enum status pool_chunks_find(struct pool_chunks *pool, struct chunk_list *list,
                                        struct failure *why);

#endif
