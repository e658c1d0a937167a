/* reducer/waiting.h -- stores encoded records of many sessions until the next interval of a session
 * is complete.
 *
 * Records may come in any order, and more than once. Records of two attempts at a chunk are never
 * mixed: the first complete attempt counts. */
#ifndef REDUCER_WAITING_H
#define REDUCER_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "wire/partial_peek.h"

struct waiting;

/* The next chunk of a session. */
struct ready_chunk {
    char *session;
    uint64_t chunk;
    bool gap_before;       /* a chunk before it became a gap */
    bool is_gap;           /* it is a gap itself, by its only record */
    struct bytes *records; /* by index, the interval end last; owned */
    size_t count;
};

/* If more than `bytes` are in memory, records are spilled to an unnamed file in `folder`
 * (borrowed), so that a long-missing chunk cannot fill the memory. The limit covers all memory for
 * waiting records, including their bookkeeping. Default: all in memory. */
void waiting_limit(struct waiting *waiting, size_t bytes, const char *folder);
/* Whether the file can be created. RETRY: the folder does not exist, or is not writable. */
MUST_CHECK enum status waiting_check_folder(const char *folder, struct failure *why);
/* Bytes of decoded waiting data elsewhere, which count toward the limit. */
void waiting_elsewhere(struct waiting *waiting, size_t bytes);
/* Bytes of waiting data: in memory, here and elsewhere; and in the file. */
size_t waiting_bytes(const struct waiting *waiting, size_t *in_file);

struct waiting *waiting_new(void);
void waiting_free(struct waiting *waiting); /* NULL is fine */

/* The numbers of all chunks that the session will ever have, ascending. Without this call, all
 * numbers from record_meta.first_chunk on are expected. */
void waiting_expect(struct waiting *waiting, struct text session, const uint64_t *chunks,
                    size_t count);

/* A session whose chunks below `next` are already joined; `gap`: `next` follows a gap. */
void waiting_resume(struct waiting *waiting, struct text session, uint64_t next,
                    uint64_t first_chunk, bool gap);
/* The number of the chunk that the session waits for; `otherwise` if the session is unknown. */
uint64_t waiting_next_chunk(const struct waiting *waiting, struct text session, uint64_t otherwise);

enum waiting_outcome {
    WAITING_TAKEN,
    WAITING_REPEATED, /* of a chunk that is complete or was already returned, by any attempt */
    WAITING_REFUSED   /* an invalid index, or one that contradicts other records of the attempt */
};

/* Copies a record from `place`. `offset`: its offset in the log, for waiting_oldest(); 0 if there
 * is none. */
enum waiting_outcome waiting_add(struct waiting *waiting, const struct record_place *place,
                                 struct bytes record, int64_t offset);

/* The chunk will not arrive: the next one follows a gap. */
void waiting_missing(struct waiting *waiting, struct text session, uint64_t chunk);

/* The next chunk of any session that is complete and whose predecessors were returned or became
 * gaps. OK: the caller clears it. END: there is none. STOP: records cannot be read back from the
 * file. */
MUST_CHECK enum status waiting_next(struct waiting *waiting, struct ready_chunk *out,
                                    struct failure *why);
void ready_chunk_clear(struct ready_chunk *ready);

/* Where the log has to be read from again if all waiting data were lost: the smallest offset of
 * waiting chunks, and of those returned and not released. False if there are none. */
bool waiting_oldest(const struct waiting *waiting, int64_t *offset);
/* Returned chunks below `chunk` need not be read again. */
void waiting_release(struct waiting *waiting, struct text session, uint64_t chunk);

/* A session that waits for chunk `next`, while a later one is there. */
struct waiting_hole {
    struct text session;
    uint64_t next, first_chunk;
};
/* Writes the holes of all sessions to `holes`, which is grown; returns their number. */
size_t waiting_holes(const struct waiting *waiting, struct waiting_hole **holes, size_t *room);
/* Removes all data of a session. */
void waiting_forget(struct waiting *waiting, struct text session);

/* Whether chunks of the session became gaps since the last one that was returned. */
bool waiting_has_gap(const struct waiting *waiting, struct text session);
/* Number of attempts that wait for records, or for an earlier chunk. */
size_t waiting_count(const struct waiting *waiting);

#endif
