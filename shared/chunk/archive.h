/* chunk/archive.h -- a published chunk: one tar in one zstd frame, self-contained.
 *
 *     chunk                    description, KEY=VALUE lines (struct archive_facts)
 *     threads                  thread directory at the interval's begin (chunk/threads.h)
 *     kernel/... ust/...       the chunk's folder as LTTng left it, with index/, which has the
 *                              offsets of packets after a damaged one; a plain trace as trace/...
 *     seam/kernel/...          the packets of the previous chunk that the interval needs, an empty
 *                              file for a stream without such packets, and the metadata of traces
 *                              that only the seam has
 *
 * Equal content gives equal bytes if packed with equal effort: entries are in the order above,
 * sorted by name within. */
#ifndef CHUNK_ARCHIVE_H
#define CHUNK_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/tar.h"
#include "chunk/threads.h"
#include "base/bytes.h"
#include "base/failure.h"

/* Agents rotate far below these limits; a larger archive is invalid. */
#define ARCHIVE_STORED_MAX ((size_t)512 << 20)
#define ARCHIVE_RAW_MAX ((size_t)512 << 20)
/* The default level is chosen for traced hosts: level 3 is 7 % smaller and takes 1.7 times as long.
 * Streams are only decoded with windows up to 2^27 bytes, zstd's own limit. */
enum {
    ARCHIVE_WINDOW_LOG_MAX = 27,
    ARCHIVE_LEVEL = 1,
    ARCHIVE_LEVEL_MAX = 22,
    ARCHIVE_THREADS_MAX = 64
};

/* The folder of a plain trace in an archive. */
#define ARCHIVE_PLAIN_TRACE "trace"

enum { ARCHIVE_TEXT_MAX = 1024 };

struct archive_facts {
    /* Of the session, from its traces; empty if unknown. */
    char host[ARCHIVE_TEXT_MAX];
    char session[ARCHIVE_TEXT_MAX];
    char created[ARCHIVE_TEXT_MAX];
    uint8_t clock_uuid[16];
    /* Common to the archives of a session (shared/chunk/chunk.h). */
    char group[ARCHIVE_TEXT_MAX];
    char snapshot[ARCHIVE_TEXT_MAX]; /* empty if it is not a snapshot */
    int64_t number;
    int64_t first_number;      /* of the session's first chunk, if the packer knew it */
    uint64_t begin_ns, end_ns; /* the interval; UINT64_MAX: open */
    bool final;                /* the last chunk of the session */
    bool has_traces;           /* has more than a seam */
    bool growing;              /* packed from where a session is recording */
};

struct archive_entry {
    const char *name;
    struct bytes data;
};

/* Receives the packed bytes in order. */
struct archive_sink {
    enum status (*write)(void *context, struct bytes bytes, struct failure *why);
    void *context;
};

/* CPU effort of packing. */
struct archive_effort {
    int level;        /* of zstd, 1 to ARCHIVE_LEVEL_MAX */
    unsigned threads; /* that compress, besides the reading one; 0: it does both */
    /* Of the packed content, checked by archive_open(), which takes an eighth longer with it. Not
     * for published archives: the announcement has a digest. */
    bool checksum;
};

/* Packs `entries` (by name, neither `chunk` nor `threads`) after `facts` and `threads`.
 * REJECT: a name or fact that cannot be encoded, or more than ARCHIVE_RAW_MAX; else the result of
 * the sink. */
MUST_CHECK enum status archive_pack(const struct archive_facts *facts,
                                    const struct thread_directory *threads,
                                    const struct archive_entry *entries, size_t count,
                                    struct archive_effort effort, const struct archive_sink *sink,
                                    struct failure *why);
/* The same to a file: written to a temporary file, synced, and renamed. RETRY: disk error. */
MUST_CHECK enum status archive_pack_file(const struct archive_facts *facts,
                                         const struct thread_directory *threads,
                                         const struct archive_entry *entries, size_t count,
                                         struct archive_effort effort, const char *path,
                                         struct failure *why);

struct archive;

/* Memory to unpack into, for one archive at a time. Reuse saves the kernel from clearing it again,
 * which is a tenth of the time of mapping. All zero is empty. */
struct archive_room {
    uint8_t *at; /* owned */
    size_t size;
};
void archive_room_clear(struct archive_room *room);

/* Unpacks `frame`, borrowed for this call only, into at most `raw_max` bytes: of `room`, which is
 * borrowed until archive_close(), or, if NULL, of its own memory.
 * REJECT: not one complete zstd frame, not a tar (chunk/tar.h), a duplicate name, no valid `chunk`
 * or `threads`. END: it exceeds raw_max. *out is NULL then. */
MUST_CHECK enum status archive_open(struct bytes frame, size_t raw_max, struct archive_room *room,
                                    struct archive **out, struct failure *why);
const struct archive_facts *archive_facts(const struct archive *archive);
const struct thread_directory *archive_threads(const struct archive *archive);
/* All but `chunk` and `threads`, by name; borrowed from `archive`. */
const struct tar_entry *archive_entries(const struct archive *archive, size_t *count);
void archive_close(struct archive *archive); /* NULL is fine */

/* Only the facts, from the begin of a frame. */
MUST_CHECK enum status archive_peek(struct bytes frame, struct archive_facts *out,
                                    struct failure *why);

#endif
