/* chunk/archive.h -- a published chunk: one tar in one zstd frame, self-contained.
 *
 *     chunk                    what it is, KEY=VALUE lines (struct archive_facts)
 *     threads                  thread directory at the interval's begin (chunk/threads.h)
 *     kernel/... ust/...       the chunk's folder as LTTng left it, with index/, which tells where
 *                              packets behind a damaged one begin; a plain trace as trace/...
 *     seam/kernel/...          the packets of the chunk before that the interval needs, an empty file
 *                              for a stream that has none there, and the metadata of traces that
 *                              only it has
 *
 * Equal content makes equal bytes, packed with equal effort: entries come in the order above, by name within. */
#ifndef CHUNK_ARCHIVE_H
#define CHUNK_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/tar.h"
#include "chunk/threads.h"
#include "base/bytes.h"
#include "base/failure.h"

/* Agents rotate well below these; what claims more is not ours. */
#define ARCHIVE_STORED_MAX ((size_t)512 << 20)
#define ARCHIVE_RAW_MAX ((size_t)512 << 20)
/* The standard level is chosen for hosts: 3 packs 7 % smaller and takes 1.7 times as long.
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
    /* Of the session, as its traces tell; empty if they do not. */
    char host[ARCHIVE_TEXT_MAX];
    char session[ARCHIVE_TEXT_MAX];
    char created[ARCHIVE_TEXT_MAX];
    uint8_t clock_uuid[16];
    /* What groups the archives of a session (shared/chunk/chunk.h). */
    char group[ARCHIVE_TEXT_MAX];
    char snapshot[ARCHIVE_TEXT_MAX]; /* empty if it is none */
    int64_t number;
    int64_t first_number;      /* of the session's first chunk, as far as the packer knew */
    uint64_t begin_ns, end_ns; /* the interval; UINT64_MAX: open */
    bool final;                /* the session ends with it */
    bool has_traces;           /* more than a seam */
    bool growing;              /* it lay where a session records */
};

struct archive_entry {
    const char *name;
    struct bytes data;
};

/* Takes the packed bytes as they come. */
struct archive_sink {
    enum status (*write)(void *context, struct bytes bytes, struct failure *why);
    void *context;
};

/* How hard packing tries. */
struct archive_effort {
    int level;        /* of zstd, 1 to ARCHIVE_LEVEL_MAX */
    unsigned threads; /* that compress, beside the one that reads; 0: it does both */
    /* Of what is packed, checked by archive_open(), which takes an eighth longer for it. Not for
     * what is published: the announcement has a digest of the archive. */
    bool checksum;
};

/* Packs `entries` (by name, neither `chunk` nor `threads`) behind `facts` and `threads`.
 * REJECT: a name or a fact that cannot be written, or more than ARCHIVE_RAW_MAX; else what the
 * sink says. */
MUST_CHECK enum status archive_pack(const struct archive_facts *facts,
                                    const struct thread_directory *threads,
                                    const struct archive_entry *entries, size_t count,
                                    struct archive_effort effort, const struct archive_sink *sink,
                                    struct failure *why);
/* The same into a file: written beside it, synced, then renamed. RETRY: the disk. */
MUST_CHECK enum status archive_pack_file(const struct archive_facts *facts,
                                         const struct thread_directory *threads,
                                         const struct archive_entry *entries, size_t count,
                                         struct archive_effort effort, const char *path,
                                         struct failure *why);

struct archive;

/* Memory to unpack into, for one archive at a time: used again for the next, it need not be cleared
 * by the kernel again, which is a tenth of mapping. All zero is an empty one. */
struct archive_room {
    uint8_t *at; /* owned */
    size_t size;
};
void archive_room_clear(struct archive_room *room);

/* Unpacks `frame`, borrowed for this call only, into at most `raw_max` bytes: of `room`, which is
 * borrowed until archive_close(), or if that is NULL of its own.
 * REJECT: not one whole zstd frame, not a tar (chunk/tar.h), a name twice, no `chunk` or `threads`
 * that can be read. END: it would be more bytes than that. *out is NULL then. */
MUST_CHECK enum status archive_open(struct bytes frame, size_t raw_max, struct archive_room *room,
                                    struct archive **out, struct failure *why);
const struct archive_facts *archive_facts(const struct archive *archive);
const struct thread_directory *archive_threads(const struct archive *archive);
/* But `chunk` and `threads`, by name; borrowed from `archive`. */
const struct tar_entry *archive_entries(const struct archive *archive, size_t *count);
void archive_close(struct archive *archive); /* NULL is fine */

/* Only the facts, from the begin of a frame. */
MUST_CHECK enum status archive_peek(struct bytes frame, struct archive_facts *out,
                                    struct failure *why);

#endif
