/* chunk/chunk_edges.h -- where a session begins and ends, as far as the given chunks show. */
#ifndef CHUNK_CHUNK_EDGES_H
#define CHUNK_CHUNK_EDGES_H

#include "chunk/chunk.h"

struct chunk_edges {
    /* Chunk numbers from here up to the first chunk's are missing. Usually 0: a session's rotations
     * are numbered from 0. If other chunks of its session are next to the first given one, they
     * were left out on purpose, and it is the number after the last of these. */
    uint64_t begin;
    /* The last one is an archive that states that another chunk follows, which is not next to it.
     * Unknown for folders. */
    bool cut_short;
};

/* Of the session whose chunks are [begin, end) of a finished list. */
void chunk_edges_find(const struct chunk_list *list, size_t begin, size_t end,
                      struct chunk_edges *out);

#endif
