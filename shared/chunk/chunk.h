/* shared/chunk/chunk.h -- one chunk to map: its location, its interval, its files.
 *
 * Found in the paths that the user gives (sessions, chunk folders, plain traces, snapshots, packed
 * archives), or received as an archive. */
#ifndef CHUNK_CHUNK_H
#define CHUNK_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk/archive.h"
#include "chunk/threads.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "chunk/trace_set.h"

#define INTERVAL_OPEN UINT64_MAX

/* The part of a session's time that a chunk covers: begin_ns <= t < end_ns, raw clock. The first of
 * a session begins at 0, the last ends at INTERVAL_OPEN. */
struct interval {
    uint64_t begin_ns;
    uint64_t end_ns;
};

struct trace_part {
    char *path;
    char *name; /* in the chunk: "kernel", "ust/uid/0/64-bit" */
};

struct chunk_ref;

/* Fetches archives that are not in files. The returned bytes belong to the store, and are valid
 * until the next call. RETRY, END, REJECT as chunk_open(). */
struct chunk_store {
    enum status (*get)(void *context, const struct chunk_ref *ref, struct bytes *archive,
                       struct failure *why);
    void *context;
};

struct chunk_ref {
    char *path; /* as the user wrote it, or below that; NULL: only a seam */
    /* Borrowed; has its archive, and `path` is a name for messages. NULL: it is at `path`. */
    const struct chunk_store *store;
    bool has_offset;
    int64_t offset_ns; /* of its clock from the Unix epoch, if known without opening it */
    /* Common to the chunks of a session: the identity in its traces ("host/name/created" and the
     * clock), wherever its chunks are; the folder's real path if the traces do not have enough. */
    char *session;
    /* Snapshots of one session overlap in time, so each is a separate session: the name of the
     * snapshot's folder, to append to the session's name ("name/created" -> "name:snapshot-1-...").
     * NULL for anything else. */
    char *snapshot;
    int64_t number;         /* of the rotation; 0 for a plain trace */
    bool packed;            /* an archive .tar.zst */
    bool has_kernel_or_ust; /* contains traces: counts in summary.chunks */
    bool growing;           /* it is where a session records, not an archived chunk */
    bool recorded;          /* a session daemon is recording there (cli/recording.h) */
    bool unusable;          /* it has packets but no readable metadata; or access is denied */
    /* The previous chunk number is missing, but an earlier chunk exists. The interval then begins
     * with the chunk's own first packet, and the previous one ends with its last. */
    bool gap_before;
    struct interval interval; /* from packets and neighbors; for an archive, from its facts */
    /* Traces of the same chunk at other paths: plain traces that were given one by one. */
    struct trace_part *parts;
    size_t part_count;
    char *name;           /* if there are parts: name of the trace at `path` */
    uint8_t (*uuids)[16]; /* of its traces, those that have one */
    size_t uuid_count;
    /* The identity of a chunk without traces, from other chunks of its session:
     * "host/name/created". */
    char *session_names;
    char *seam_path; /* of the previous chunk, whose last packets are the seam; NULL if none */
    bool seam_packed;
    const struct chunk_ref *seam_ref; /* that chunk, if it is in the list */
    struct chunk_survey *survey;      /* of its packets; internal */
    struct metadata_cache *metadata;  /* of its list; NULL: none */
};

/* Bytes of its streams, without opening it; 0 for an archive. */
size_t chunk_ref_bytes(const struct chunk_ref *ref);

/* The part of a failure's text after the path of the chunk, if it begins with that. Results are the
 * same wherever the chunk is read, and messages name it once. */
const char *chunk_reason(const struct chunk_ref *ref, const char *why);

/* All zero is an empty list without warnings. */
struct chunk_list {
    struct chunk_ref *at; /* by session, then number */
    size_t count, room;
    size_t left_out;    /* unreadable or duplicate chunks; each is reported */
    unsigned jobs;      /* threads that examine chunks; 0: only the calling one */
    bool archived_only; /* data next to `archives/`, not rotated yet, is left out and reported */
    struct metadata_cache *metadata; /* of its chunks; from chunk_list_finish() on */
    void (*say)(void *context, const char *sentence); /* what is left out, and why; or NULL */
    void *context;
};

/* The number at the end of a rotation's folder name, <begin>-<end>-<number>; -1 if it is not
 * one. */
int64_t chunk_number_of_name(const char *name);

/* Finds all chunks below `path`: a session folder (with `archives/`), a folder of chunks, one
 * chunk, a plain trace, a snapshot's folder, or an archive. Adds them to `list`. The number of a
 * chunk is at the end of its folder's name; also for data recorded since the last rotation,
 * <begin>-<number> next to `archives/`; anything else next to it is last.
 * REJECT: no trace found; `why` states what was searched. */
MUST_CHECK enum status chunk_list_add(struct chunk_list *list, const char *path,
                                      struct failure *why);
/* Sorts, pairs each chunk with the previous one, and determines the boundaries between them: the
 * smallest begin of the later chunk's first packets; or, if it is earlier, the end of a stream's
 * last packet after which the later chunk reports lost events, because they are lost from then on,
 * and only the later chunk has this information. Of two chunks with the same session and number,
 * the second is dropped, with a warning unless it has the same path. So are unreadable chunks, and
 * copies of a chunk under other numbers.
 * REJECT: nothing is left; `why` names the first. */
MUST_CHECK enum status chunk_list_finish(struct chunk_list *list, struct failure *why);
void chunk_list_clear(struct chunk_list *list);

/* A chunk in memory: files mapped or decompressed, seam extracted. */
struct chunk;

/* Unpacks an archive into `room`, borrowed until chunk_close(); NULL: memory of its own. REJECT:
 * unreadable. From a store: RETRY: not available now; END: it does not exist any more. */
MUST_CHECK enum status chunk_open(const struct chunk_ref *ref, struct archive_room *room,
                                  struct chunk **out, struct failure *why);
/* Opens a received archive; `frame` is borrowed for this call only. END: its unpacked size exceeds
 * `raw_max` bytes. */
MUST_CHECK enum status chunk_open_frame(struct bytes frame, size_t raw_max,
                                        struct archive_room *room, struct chunk **out,
                                        struct failure *why);
/* The facts of an archive; NULL for a folder. */
const struct archive_facts *chunk_facts(const struct chunk *chunk);
const struct trace_set *chunk_traces(const struct chunk *chunk);
struct interval chunk_interval(const struct chunk *chunk);
/* The thread directory of an archive, by tid; empty for a folder. */
const struct thread_entry *chunk_threads(const struct chunk *chunk, size_t *count);
bool chunk_threads_from_proc(const struct chunk *chunk);
size_t chunk_raw_bytes(const struct chunk *chunk); /* of its streams, without the seam */
/* Call it after reading. REJECT: a file of it, or of its seam, was truncated meanwhile. */
MUST_CHECK enum status chunk_check(const struct chunk *chunk, struct failure *why);
void chunk_close(struct chunk *chunk); /* NULL is fine */

#endif
