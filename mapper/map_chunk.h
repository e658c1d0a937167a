/* mapper/map_chunk.h -- maps one chunk to partials: a function of only the chunk and the phase
 * definitions, without clock, network, or environment. */
#ifndef MAPPER_MAP_CHUNK_H
#define MAPPER_MAP_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"
#include "chunk/chunk.h"
#include "mapper/decode/plan_cache.h"
#include "mapper/decode/reader.h"
#include "trace/phases.h"
#include "wire/partial_codec.h"

/* Encloses what only one thread may do at a time: opening and closing of readers (libbabeltrace2
 * has a list of all component classes of the process). */
struct map_guard {
    void (*enter)(void *context); /* NULL: there is only one thread */
    void (*leave)(void *context);
    void *context;
};

/* Called regularly on the mapping thread: whether to stop. */
struct map_stop {
    bool (*asked)(void *context); /* NULL: never */
    void *context;
};

/* Receives how the traces of a chunk declare the phase definitions; borrowed for the call. */
struct map_uses {
    void (*take)(void *context, struct phase_uses uses); /* NULL: not needed */
    void *context;
};

/* A part of a chunk, mapped on its own: its interval lies in that of the chunk. */
struct map_part {
    struct interval interval;
    bool is_first, is_last;
};

struct map_options {
    const struct phase_definitions *phases; /* NULL: none */
    /* As in struct reader_choice: NULL, or the decoder to use; and the one for what our own cannot
     * read. */
    const struct reader_kind *reader, *other_reader;
    struct plan_cache *cache;    /* for metadata of all chunks; used under `guard`. NULL: none */
    struct interval window;      /* raw clock: only events in it; {0, INTERVAL_OPEN}: all */
    const struct map_part *part; /* NULL: the whole chunk */
    uint64_t first_chunk;        /* number of the first chunk of the session */
    const char *mark;            /* appended to the session's name to distinguish it; or NULL */
    struct map_guard guard;
    struct arena_store *store; /* recycles the memory of rows; NULL: no recycling */
    struct archive_room *room; /* memory to unpack into, only for this call; NULL: allocate */
    size_t raw_max;            /* limit of an unpacked archive; 0: ARCHIVE_RAW_MAX */
    struct map_stop stop;
    struct map_uses uses;
    bool stays; /* partials are joined in this process: they are not compressed */
};

struct map_stats {
    uint64_t events;
    uint64_t single_events; /* sent as STEPs; a descriptor call counts for two */
    uint64_t items;
    uint64_t record_bytes;
    uint64_t raw_bytes; /* of the chunk, also of a part: parts with other bytes saw it grow */
    struct tallies tallies;
};

/* Maps the chunk into `sink`; adds to `*stats`. The session's name in the records is
 * host/name/created from the kernel trace, else from the first trace.
 * Of a part, the records are those of an interval with the number of the chunk: the parts joined in
 * order are the chunk. That is only certain of parts without damage or loss.
 * REJECT: unreadable. RETRY: options->stop stopped it; `sink` got nothing then. END: a part with
 * damage or loss, which `why` does not describe; `sink` got nothing: map the whole chunk. */
MUST_CHECK enum status map_chunk(const struct chunk_ref *ref, const struct map_options *options,
                                 const struct reader_warnings *warnings, struct record_sink sink,
                                 struct map_stats *stats, struct failure *why);

/* Divides the chunk into at most `parts_max` parts of at least `bytes_min` bytes, for several
 * threads: writes the begins of the second and later ones to `cuts`, and returns their number. 0:
 * it must be mapped as a whole, since it is small, packed, still recorded, damaged, or has
 * losses. */
size_t map_cuts(const struct chunk_ref *ref, const struct map_options *options, size_t parts_max,
                size_t bytes_min, uint64_t *cuts);

/* What an announcement states about an archive. */
struct map_place {
    struct text session; /* "host/name/created" */
    uint64_t chunk, first_chunk;
    uint64_t attempt;
    bool final;
};

/* Maps a published archive in the same way, under the identity in `place`; options->first_chunk and
 * ->mark are not used. `frame`, whose digest was checked, is borrowed for the call.
 * REJECT: unreadable, or another chunk. END: larger than options->raw_max.
 * RETRY: as map_chunk(). */
MUST_CHECK enum status map_archive(struct bytes frame, const struct map_place *place,
                                   const struct map_options *options,
                                   const struct reader_warnings *warnings, struct record_sink sink,
                                   struct map_stats *stats, struct failure *why);

/* What the traces of a chunk state, for its interval: `end` points into `info`. */
struct core_counts;
void map_describe_traces(const struct reader_info *info, const struct core_counts *counts,
                         struct interval_end *end);
/* The threads that /proc showed at the begin of a chunk with a kernel trace, as state dump events
 * at `time_ns`, before its first event. */
void map_dumped_threads(struct schema *schema, const struct chunk *chunk,
                        const struct reader_info *info, uint64_t time_ns,
                        void (*take)(void *context, const struct event *event), void *context);

/* The time of the first event in a chunk's interval: END if there is none. */
MUST_CHECK enum status map_first_event(const struct chunk_ref *ref, uint64_t *raw_ns,
                                       int64_t *offset_ns, struct failure *why);

#endif
