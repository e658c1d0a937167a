/* mapper/map_chunk.h -- one chunk to partials: a function of the chunk and the phase definitions
 * alone, without clock, network or environment. */
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

/* Around what two threads must not do at once (libbabeltrace2 keeps a list of all component
 * classes of the process): opening and closing of readers. */
struct map_guard {
    void (*enter)(void *context); /* NULL: there is but one thread */
    void (*leave)(void *context);
    void *context;
};

/* Asked every now and then whether to give up, on the mapping's own thread. */
struct map_stop {
    bool (*asked)(void *context); /* NULL: never */
    void *context;
};

/* What the traces of a chunk declare of the phase definitions; borrowed for the call. */
struct map_uses {
    void (*take)(void *context, struct phase_uses uses); /* NULL: nobody asks */
    void *context;
};

struct map_options {
    const struct phase_definitions *phases; /* NULL: none */
    /* As in struct reader_choice: NULL, or the one to use; and the one for what ours does not read. */
    const struct reader_kind *reader, *other_reader;
    struct plan_cache *cache; /* of metadata, for all chunks; used under `guard`. NULL: none */
    struct interval window;   /* raw clock: only what lies in it; {0, INTERVAL_OPEN}: all */
    uint64_t first_chunk;     /* number of the session's first */
    const char *mark;         /* goes behind the session's name, to tell it from another; or NULL */
    struct map_guard guard;
    struct arena_store *store; /* of the memory of rows; NULL: none is kept */
    struct archive_room *room; /* to unpack into, for this call alone; NULL: memory of its own */
    size_t raw_max;            /* of an archive, unpacked; 0: ARCHIVE_RAW_MAX */
    struct map_stop stop;
    struct map_uses uses;
};

struct map_stats {
    uint64_t events;
    uint64_t single_events; /* that travelled one by one; a descriptor call counts for two */
    uint64_t items;
    uint64_t record_bytes, raw_bytes;
    struct tallies tallies;
};

/* Maps the chunk into `sink`; `*stats` is added to. The session's name in the records is
 * host/name/created, as the kernel trace tells it, else the first trace.
 * REJECT: it cannot be read. RETRY: options->stop said so; `sink` got nothing then. */
MUST_CHECK enum status map_chunk(const struct chunk_ref *ref, const struct map_options *options,
                                 const struct reader_warnings *warnings, struct record_sink sink,
                                 struct map_stats *stats, struct failure *why);

/* What an announcement says of an archive. */
struct map_place {
    struct text session; /* "host/name/created" */
    uint64_t chunk, first_chunk;
    uint64_t attempt;
    bool final;
};

/* Maps a published archive in the same way, as what `place` says that it is; options->first_chunk
 * and ->mark say nothing here. `frame`, whose digest is known to be right, is
 * borrowed for the call.
 * REJECT: it cannot be read, or is of another chunk. END: it is larger than options->raw_max.
 * RETRY: as map_chunk(). */
MUST_CHECK enum status map_archive(struct bytes frame, const struct map_place *place,
                                   const struct map_options *options,
                                   const struct reader_warnings *warnings, struct record_sink sink,
                                   struct map_stats *stats, struct failure *why);

/* When a chunk's first event was, of those in its interval: END if there is none. */
MUST_CHECK enum status map_first_event(const struct chunk_ref *ref, uint64_t *raw_ns,
                                       int64_t *offset_ns, struct failure *why);

#endif
