/* reducer/waiting.h -- encoded records of many sessions, kept until the next interval of one is
 * whole.
 *
 * Records may come in any order, and more than once. Those of two attempts at a chunk are never
 * mixed: whichever attempt is whole first is the one that counts. */
#ifndef REDUCER_WAITING_H
#define REDUCER_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"
#include "wire/partial_peek.h"

struct waiting;

/* A chunk whose turn it is. */
struct ready_chunk {
    char *session;
    uint64_t chunk;
    bool gap_before;       /* one before it was given up */
    bool is_gap;           /* given up itself, by its only record */
    struct bytes *records; /* by index, the end last; owned */
    size_t count;
};

/* Beyond `bytes` in memory, records wait in a file without a name in `folder` (borrowed): a chunk
 * that is missing for long must not fill the memory. All counts that is held for what waits, what
 * leads to the records, too. By default all are in memory. */
void waiting_limit(struct waiting *waiting, size_t bytes, const char *folder);
/* Whether there can be such a file. RETRY: the folder is not there, or not to be written to. */
MUST_CHECK enum status waiting_check_folder(const char *folder, struct failure *why);
/* So much of the limit is taken by what waits elsewhere, decoded. */
void waiting_elsewhere(struct waiting *waiting, size_t bytes);
/* Of what waits: in memory, here and elsewhere, and in the file. */
size_t waiting_bytes(const struct waiting *waiting, size_t *in_file);

struct waiting *waiting_new(void);
void waiting_free(struct waiting *waiting); /* NULL is fine */

/* The numbers of all chunks that the session will ever have, ascending. Of a session of which
 * nothing is told, all numbers from record_meta.first_chunk on are expected. */
void waiting_expect(struct waiting *waiting, struct text session, const uint64_t *chunks,
                    size_t count);

/* A session that was joined up to before `next` elsewhere; `gap`: that is behind one. */
void waiting_resume(struct waiting *waiting, struct text session, uint64_t next,
                    uint64_t first_chunk, bool gap);
/* The number of the chunk that the session waits for; `otherwise` if nothing is known of it. */
uint64_t waiting_next_chunk(const struct waiting *waiting, struct text session, uint64_t otherwise);

enum waiting_outcome {
    WAITING_TAKEN,
    WAITING_REPEATED, /* a chunk that is whole, or was given out, by another attempt or this */
    WAITING_REFUSED   /* an index beyond all sense, or that contradicts the others of its attempt */
};

/* Takes a copy of a record that lies at `place`. `offset`: where it stands in the log, to be
 * asked for again by waiting_oldest(); 0 where there is none. */
enum waiting_outcome waiting_add(struct waiting *waiting, const struct record_place *place,
                                 struct bytes record, int64_t offset);

/* The chunk will never come: the next one follows a gap. */
void waiting_missing(struct waiting *waiting, struct text session, uint64_t chunk);

/* The next chunk of any session whose records are all there and whose predecessors were given
 * out or up. OK, to be cleared by the caller; END: there is none. STOP: records cannot be read back
 * from their file. */
MUST_CHECK enum status waiting_next(struct waiting *waiting, struct ready_chunk *out,
                                    struct failure *why);
void ready_chunk_clear(struct ready_chunk *ready);

/* Where the log has to be read from again if all that waits here were forgotten: the least offset
 * of what waits, and of what was given out and not released. False if there is none. */
bool waiting_oldest(const struct waiting *waiting, int64_t *offset);
/* Of what was given out, chunks below `chunk` need not be read again. */
void waiting_release(struct waiting *waiting, struct text session, uint64_t chunk);

/* A session that waits for chunk `next`, while a later one is there. */
struct waiting_hole {
    struct text session;
    uint64_t next, first_chunk;
};
/* The holes of all sessions into `holes`, which is grown; returns how many. */
size_t waiting_holes(const struct waiting *waiting, struct waiting_hole **holes, size_t *room);
/* Forgets all of a session. */
void waiting_forget(struct waiting *waiting, struct text session);

/* Whether chunks of the session were given up since the last one that was given out. */
bool waiting_has_gap(const struct waiting *waiting, struct text session);
/* How many attempts wait for records, or for a chunk before theirs. */
size_t waiting_count(const struct waiting *waiting);

#endif
