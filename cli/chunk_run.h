/* cli/chunk_run.h -- maps and reduces all chunks of a list in this process.
 *
 * `jobs` threads take chunks in order and map them; of the last chunks, each takes parts, so that
 * all threads end at about the same time. The partials are joined in the same order, by whichever
 * thread is free when the next one is ready. At most `jobs` chunks are mapped ahead of the joined
 * ones. */
#ifndef CLI_CHUNK_RUN_H
#define CLI_CHUNK_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/progress.h"
#include "chunk/chunk.h"
#include "mapper/map_chunk.h"
#include "reducer/reducer.h"

struct chunk_run {
    const struct chunk_list *list;
    struct map_options options;     /* for all; window, first_chunk and mark are set for each */
    const struct interval *windows; /* by chunk */
    /* The time before the windows, by chunk: joined for the state that later chunks need, but not
     * counted. NULL: nothing. */
    const struct interval *before;
    bool passes;              /* private: processing the time before the windows */
    const char *const *marks; /* by chunk; NULL: none */
    unsigned jobs;
    size_t part_bytes; /* minimum of a part of a chunk; 0: the usual */
    struct reducer *reducer;
    struct progress *progress;
    /* Out: */
    struct map_stats stats;
    size_t joined, failed; /* chunks; those outside of the window are neither */
    size_t divided, parts; /* joined chunks that were mapped in parts, and their parts */
    size_t warnings;       /* of damage */
    double map_s, join_s;  /* CPU seconds; join_s also has: */
    double fold_s;         /* of reducer_fold_s(), set by the caller */
    /* Idle seconds, summed over all threads: waiting for another thread to join a chunk, and to map
     * the last ones. */
    double wait_for_join_s, wait_for_map_s;
    bool stopped;
};

void chunk_run(struct chunk_run *run);

/* CPU seconds of the calling thread. */
double chunk_run_cpu_s(void);

#endif
