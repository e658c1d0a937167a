/* chunk/trace_set.h -- the files of one chunk, in memory or on disk, with the seam from the
 * previous chunk.
 *
 * A trace is a folder of LTTng: `kernel`, `ust/uid/0/64-bit`, `ust/pid/NAME-PID-TIME`, or the
 * folder of a plain trace itself. Each of its streams has up to two consecutive parts: the seam's
 * packets, then the chunk's own file.
 *
 * LTTng opens every stream of a session in every chunk, even if its file has no packets; streams of
 * one process end with it. So a file that only the previous chunk has is lost. */
#ifndef CHUNK_TRACE_SET_H
#define CHUNK_TRACE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct stream_file {
    char *name;         /* "kchan_0" */
    struct bytes seam;  /* packets of the previous chunk; empty if none */
    struct bytes data;  /* complete packets, as LTTng left them; may be damaged */
    struct bytes index; /* its `index/NAME.idx`, empty if there is none */
    bool has_index;     /* there is a file, even if empty */
    /* Path of `data` on disk, for a reader that needs files; NULL if only in memory. */
    char *path;
    bool is_there; /* the chunk has a file of it, or at least its index */
    bool was_idle; /* the file of the previous chunk is empty, so there is no seam */
};

/* Whether its data was deleted: an idle stream has an index with a header, or none. */
static inline bool stream_is_emptied(const struct stream_file *stream)
{
    return stream->data.count == 0 && stream->has_index && stream->index.count == 0;
}

struct trace_files {
    char *name;            /* path inside the chunk: "kernel", "ust/uid/0/64-bit"; "" if plain */
    struct bytes metadata; /* the file `metadata`; empty if missing */
    struct stream_file *streams; /* by name */
    size_t stream_count;
    bool may_grow;    /* it is where a session records, not in an archived chunk */
    bool is_recorded; /* and a session daemon is recording there */
    bool follows;     /* the previous chunk is available, with packets of this or another trace */
    bool is_gone;     /* the previous chunk has files of it, this one only of others */
};

struct trace_set {
    struct trace_files *traces; /* kernel first, then by name */
    size_t trace_count;
};

/* Of its own streams. */
static inline uint64_t trace_files_bytes(const struct trace_files *trace)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < trace->stream_count; i++)
        bytes += trace->streams[i].data.count;
    return bytes;
}

#endif
