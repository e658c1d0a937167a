/* chunk/chunk_edges.h -- where a session begins and ends, as far as what is named can tell. */
#ifndef CHUNK_CHUNK_EDGES_H
#define CHUNK_CHUNK_EDGES_H

#include "chunk/chunk.h"

struct chunk_edges {
    /* Numbers from here up to the first chunk's are missing. 0 in general: a session's rotations are
     * numbered from there. Where the first one named has others of its session beside it, they were
     * left out on purpose, and it is the number behind the last of these. */
    uint64_t begin;
    /* The last one is an archive that tells that another chunk followed, which is not beside it. Of
     * a folder nobody can tell. */
    bool cut_short;
};

/* Of the session whose chunks are [begin, end) of a finished list. */
void chunk_edges_find(const struct chunk_list *list, size_t begin, size_t end,
                      struct chunk_edges *out);

#endif
