/* shared/chunk/chunk.h -- one chunk to map: where it lies, which interval it answers for, its files.
 *
 * Found among what the user names (sessions, chunk folders, plain traces, snapshots, packed
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

/* The part of a session's time that a chunk answers for: begin_ns <= t < end_ns, raw clock. The
 * first of a session begins at 0, the last ends at INTERVAL_OPEN. */
struct interval {
    uint64_t begin_ns;
    uint64_t end_ns;
};

struct trace_part {
    char *path;
    char *name; /* in the chunk: "kernel", "ust/uid/0/64-bit" */
};

struct chunk_ref;

/* Gets archives that lie in no file. What it gives is its own, and good until the next. RETRY, END, REJECT as
 * chunk_open(). */
struct chunk_store {
    enum status (*get)(void *context, const struct chunk_ref *ref, struct bytes *archive,
                       struct failure *why);
    void *context;
};

struct chunk_ref {
    char *path; /* as the user wrote it, or below that; NULL: a seam alone */
    /* An archive of it, borrowed; `path` is a name to tell then. NULL: it lies at `path`. */
    const struct chunk_store *store;
    bool has_offset;
    int64_t
        offset_ns; /* what its clock is behind the Unix epoch, if that is known without opening it */
    /* Groups the chunks of one session: what its traces tell of it ("host/name/created" and the
     * clock), wherever its chunks lie; the folder's real path where they do not tell enough. */
    char *session;
    /* Snapshots of one session overlap in time, so each is a session of its own: the name of the
     * snapshot's folder, to append to the session's name ("name/created" -> "name:snapshot-1-...").
     * NULL for anything else. */
    char *snapshot;
    int64_t number;         /* of the rotation; 0 for a plain trace */
    bool packed;            /* an archive .tar.zst */
    bool has_kernel_or_ust; /* holds traces: counts in summary.chunks */
    bool growing;           /* it lies where a session records, not in an archived chunk */
    bool recorded;          /* a session daemon records there now (cli/recording.h) */
    bool unusable; /* it has packets, but no metadata that can be read; or nobody may read it */
    /* The chunk with the number before is not there, but an earlier one is. The interval begins
     * with the chunk's own first packet then, and the one before ends with its last. */
    bool gap_before;
    struct interval interval; /* from packets and neighbours; of an archive, as it says */
    /* Traces that lie elsewhere and are of the same chunk: plain ones that were named one by one. */
    struct trace_part *parts;
    size_t part_count;
    char *name;           /* of the trace at `path` then */
    uint8_t (*uuids)[16]; /* of its traces, those that tell one */
    size_t uuid_count;
    /* Who a chunk without traces is of, as the others of its session tell: "host/name/created". */
    char *told;
    char *seam_path; /* of the chunk before, whose last packets are the seam; NULL if none */
    bool seam_packed;
    const struct chunk_ref *seam_ref; /* that chunk, if it is in the list */
    struct chunk_survey *survey;      /* of its packets; of no use to others */
};

/* All zero is an empty list that keeps its warnings to itself. */
struct chunk_list {
    struct chunk_ref *at; /* by session, then number */
    size_t count, room;
    size_t left_out;    /* chunks that cannot be read or are there twice; each is said */
    unsigned jobs;      /* threads that look at them; 0: the calling one alone */
    bool archived_only; /* what is not rotated yet, beside `archives/`, is left out, and said */
    void (*say)(void *context, const char *sentence); /* what is left out, and why; or NULL */
    void *context;
};

/* The number at the end of a rotation's folder name, <begin>-<end>-<number>; -1 if it is none. */
int64_t chunk_number_of_name(const char *name);

/* Finds every chunk below `path`: a session folder (with `archives/`), a folder of chunks, one
 * chunk, a plain trace, a snapshot's folder, or an archive. Adds them to `list`. A chunk is
 * numbered by the end of its folder's name; so is what a session has recorded since its last rotation,
 * <begin>-<number> beside its `archives/`; anything else beside them comes last.
 * REJECT: nothing there that is a trace; `why` says what was looked for. */
MUST_CHECK enum status chunk_list_add(struct chunk_list *list, const char *path,
                                      struct failure *why);
/* Sorts, pairs each chunk with the one before it, and decides the boundaries between them: the
 * smallest begin of the later chunk's first packets; or, if it is earlier, the end of a stream's
 * last packet behind which the later chunk tells of lost events, because they are lost from then
 * on, and only the later chunk knows. Two chunks of the same session and number: the second is
 * dropped, with a warning unless it is the same by its path. So is what cannot be read at all.
 * REJECT: nothing is left; `why` names the first. */
MUST_CHECK enum status chunk_list_finish(struct chunk_list *list, struct failure *why);
void chunk_list_clear(struct chunk_list *list);

/* A chunk in memory: files mapped or decompressed, seam cut out. */
struct chunk;

/* An archive is unpacked into `room`, borrowed until chunk_close(); NULL: memory of its own. REJECT: it cannot
 * be read. Of a store: RETRY: not now; END: it is gone. */
MUST_CHECK enum status chunk_open(const struct chunk_ref *ref, struct archive_room *room,
                                  struct chunk **out, struct failure *why);
/* An archive as it was received; `frame` is borrowed for this call only. END: unpacked, it
 * would be more than `raw_max` bytes. */
MUST_CHECK enum status chunk_open_frame(struct bytes frame, size_t raw_max,
                                        struct archive_room *room, struct chunk **out,
                                        struct failure *why);
/* What an archive says of itself; NULL for a folder. */
const struct archive_facts *chunk_facts(const struct chunk *chunk);
const struct trace_set *chunk_traces(const struct chunk *chunk);
struct interval chunk_interval(const struct chunk *chunk);
/* The thread directory of an archive, by tid; none for a folder. */
const struct thread_entry *chunk_threads(const struct chunk *chunk, size_t *count);
bool chunk_threads_from_proc(const struct chunk *chunk);
size_t chunk_raw_bytes(const struct chunk *chunk); /* of its streams, without the seam */
/* After it was read. REJECT: a file of it, or of its seam, became shorter meanwhile. */
MUST_CHECK enum status chunk_check(const struct chunk *chunk, struct failure *why);
void chunk_close(struct chunk *chunk); /* NULL is fine */

#endif
