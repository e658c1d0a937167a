/* cli/chunk_run.h -- all chunks of a list through mappers and the reducer, in this process.
 *
 * `jobs` threads take chunks in order and map them. What comes of it is joined in the same order, by whichever of
 * them is there when a chunk's turn has come. No chunk is mapped that is further ahead of those joined than their
 * number. */
#ifndef CLI_CHUNK_RUN_H
#define CLI_CHUNK_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/progress.h"
#include "chunk/chunk.h"
#include "mapper/map_chunk.h"
#include "reducer/reducer.h"

struct chunk_run {
    const struct chunk_list *list;
    struct map_options options;     /* for all; window, first_chunk and mark are set for each */
    const struct interval *windows; /* by chunk */
    /* What lies before them, by chunk: joined for what later chunks need to know of it, and counted
     * nowhere. NULL: nothing. */
    const struct interval *before;
    bool passes;              /* its own: it is at what lies before */
    const char *const *marks; /* by chunk; NULL without */
    unsigned jobs;
    struct reducer *reducer;
    struct progress *progress;
    /* Out: */
    struct map_stats stats;
    size_t joined, failed; /* chunks; those outside of the window are neither */
    size_t warnings;       /* of damage */
    double map_s, join_s;  /* CPU seconds */
    /* Seconds in which threads had nothing to do, all of them together: until another had joined a chunk, and until
     * another had mapped the last ones. */
    double wait_for_join_s, wait_for_map_s;
    bool stopped;
};

void chunk_run(struct chunk_run *run);

/* CPU seconds of the calling thread. */
double chunk_run_cpu_s(void);

#endif
