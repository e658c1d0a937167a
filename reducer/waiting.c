#include "reducer/waiting.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "reducer/waiting_room.h"

/* More records than any chunk has: a larger index is invalid. */
enum { RECORDS_MAX = 1 << 20 };

/* A returned chunk that may have to be read again. */
struct given {
    uint64_t chunk;
    int64_t offset;
};

struct session {
    char *name;
    uint64_t *expected; /* ascending; NULL: all from `next` on */
    size_t expected_count;
    size_t done;   /* number of expected chunks that are done */
    uint64_t next; /* next chunk number, if there is no list of expected ones */
    uint64_t first_chunk;
    bool gap; /* before the next chunk */
    struct attempt *attempts;
    size_t count, room;
    uint64_t *missing; /* will not arrive; not reached yet */
    size_t missing_count, missing_room;
    struct given *given;
    size_t given_count, given_room;
};

struct waiting {
    struct session *sessions;
    size_t count, room;
    size_t attempts; /* of all sessions */
    struct waiting_room held;
};

struct waiting *waiting_new(void)
{
    struct waiting *waiting = memory_new(sizeof *waiting);
    room_init(&waiting->held);
    return waiting;
}

void waiting_limit(struct waiting *waiting, size_t bytes, const char *folder)
{
    waiting->held.limit = bytes;
    waiting->held.folder = folder;
}

enum status waiting_check_folder(const char *folder, struct failure *why)
{
    int file = room_open_file(folder);
    if (file < 0)
        return fail(why, STATUS_RETRY, "%s: %s", folder, strerror(errno));
    close(file);
    return STATUS_OK;
}

size_t waiting_bytes(const struct waiting *waiting, size_t *in_file)
{
    *in_file = waiting->held.in_file;
    return waiting->held.memory + waiting->held.elsewhere;
}

void waiting_elsewhere(struct waiting *waiting, size_t bytes)
{
    waiting->held.elsewhere = bytes;
}

/* --- attempts --- */

static void free_record(struct bytes record)
{
    free((void *)(uintptr_t)record.at);
}

static void drop(struct waiting *waiting, struct attempt *attempt)
{
    assert(waiting->attempts > 0);
    attempt_clear(&waiting->held, attempt);
    waiting->attempts--;
}

/* Bytes of a session without its arrays. */
static size_t session_bytes(const struct session *session)
{
    return strlen(session->name) + 1 + HEAP_BYTES +
           session->expected_count * sizeof *session->expected;
}

static void session_clear(struct waiting *waiting, struct session *session)
{
    for (size_t i = 0; i < session->count; i++)
        drop(waiting, &session->attempts[i]);
    assert(waiting->held.memory >= session_bytes(session));
    waiting->held.memory -= session_bytes(session);
    room_give_back(&waiting->held, session->attempts, session->room, sizeof *session->attempts);
    room_give_back(&waiting->held, session->missing, session->missing_room,
                   sizeof *session->missing);
    room_give_back(&waiting->held, session->given, session->given_room, sizeof *session->given);
    free(session->expected);
    free(session->name);
}

void waiting_free(struct waiting *waiting)
{
    if (!waiting)
        return;
    for (size_t i = 0; i < waiting->count; i++)
        session_clear(waiting, &waiting->sessions[i]);
    room_give_back(&waiting->held, waiting->sessions, waiting->room, sizeof *waiting->sessions);
    assert(waiting->attempts == 0);
    room_close(&waiting->held);
    free(waiting);
}

static struct session *find(const struct waiting *waiting, struct text name)
{
    for (size_t i = 0; i < waiting->count; i++)
        if (text_equal(text_of(waiting->sessions[i].name), name))
            return &waiting->sessions[i];
    return NULL;
}

static struct session *session_at(struct waiting *waiting, struct text name, uint64_t first_chunk)
{
    struct session *session = find(waiting, name);
    if (session)
        return session;
    waiting->sessions = room_grow(&waiting->held, waiting->sessions, &waiting->room,
                                  waiting->count + 1, sizeof *waiting->sessions);
    session = &waiting->sessions[waiting->count++];
    *session = (struct session){
        .name = memory_string(name), .next = first_chunk, .first_chunk = first_chunk};
    waiting->held.memory += session_bytes(session);
    return session;
}

void waiting_resume(struct waiting *waiting, struct text name, uint64_t next, uint64_t first_chunk,
                    bool gap)
{
    struct session *session = session_at(waiting, name, first_chunk);
    session->next = next;
    session->gap = gap;
}

uint64_t waiting_next_chunk(const struct waiting *waiting, struct text name, uint64_t otherwise)
{
    const struct session *session = find(waiting, name);
    return session && !session->expected ? session->next : otherwise;
}

void waiting_forget(struct waiting *waiting, struct text name)
{
    struct session *session = find(waiting, name);
    if (!session)
        return;
    session_clear(waiting, session);
    *session = waiting->sessions[--waiting->count];
}

void waiting_expect(struct waiting *waiting, struct text session, const uint64_t *chunks,
                    size_t count)
{
    struct session *known = session_at(waiting, session, 0);
    waiting->held.memory -= session_bytes(known);
    free(known->expected);
    for (size_t i = 1; i < count; i++)
        assert(chunks[i - 1] < chunks[i]);
    known->expected = memory_new(count * sizeof *chunks);
    if (count > 0)
        memcpy(known->expected, chunks, count * sizeof *chunks);
    known->expected_count = count;
    known->done = 0;
    waiting->held.memory += session_bytes(known);
}

/* False if all expected chunks are done. */
static bool next_chunk(const struct session *session, uint64_t *chunk)
{
    if (!session->expected) {
        *chunk = session->next;
        return true;
    }
    if (session->done == session->expected_count)
        return false;
    *chunk = session->expected[session->done];
    return true;
}

static bool is_over(const struct session *session, uint64_t chunk)
{
    uint64_t next;
    return !next_chunk(session, &next) || chunk < next;
}

static void advance(struct session *session)
{
    assert(!session->expected || session->done < session->expected_count);
    session->done++;
    session->next++;
}

static bool is_whole(const struct attempt *attempt)
{
    invariant(!attempt->has_end || attempt->most_index <= attempt->end_index);
    return attempt->has_end && attempt->present == attempt->end_index + 1;
}

static struct attempt *whole_attempt(const struct session *session, uint64_t chunk)
{
    for (size_t i = 0; i < session->count; i++)
        if (session->attempts[i].chunk == chunk && is_whole(&session->attempts[i]))
            return &session->attempts[i];
    return NULL;
}

static struct attempt *attempt_at(struct waiting *waiting, struct session *session,
                                  const struct record_place *place, int64_t offset)
{
    const struct record_meta *meta = &place->meta;
    for (size_t i = 0; i < session->count; i++)
        if (session->attempts[i].chunk == meta->chunk &&
            session->attempts[i].number == meta->attempt &&
            session->attempts[i].is_gap == place->is_gap)
            return &session->attempts[i];
    session->attempts = room_grow(&waiting->held, session->attempts, &session->room,
                                  session->count + 1, sizeof *session->attempts);
    waiting->attempts++;
    struct attempt *attempt = &session->attempts[session->count++];
    *attempt = (struct attempt){.chunk = meta->chunk,
                                .number = meta->attempt,
                                .is_gap = place->is_gap,
                                .last_spilled = -1,
                                .offset = offset};
    return attempt;
}

/* One attempt at the chunk is complete: drops the others. The log alone determines which one is
 * complete first. */
static void drop_others(struct waiting *waiting, struct session *session, uint64_t chunk,
                        uint64_t number)
{
    size_t kept = 0;
    for (size_t i = 0; i < session->count; i++) {
        struct attempt *attempt = &session->attempts[i];
        if (attempt->chunk == chunk && attempt->number != number && !attempt->is_gap)
            drop(waiting, attempt);
        else
            session->attempts[kept++] = *attempt;
    }
    session->count = kept;
}

/* Whether the record cannot be of the attempt: it is after the end, or is an end before other
 * records. */
static bool contradicts(const struct attempt *attempt, const struct record_place *place)
{
    return (attempt->has_end && place->index > attempt->end_index) ||
           (place->is_end && attempt->present > 0 && attempt->most_index > place->index);
}

enum waiting_outcome waiting_add(struct waiting *waiting, const struct record_place *place,
                                 struct bytes record, int64_t offset)
{
    const struct record_meta *meta = &place->meta;
    struct session *session = session_at(waiting, meta->session, meta->first_chunk);
    if (is_over(session, meta->chunk)) {
        if (!mutant("no-duplicate-check"))
            return WAITING_REPEATED;
        session->next = meta->chunk;
    }
    if (place->index >= RECORDS_MAX || record.count == 0 || record.count > UINT32_MAX)
        return WAITING_REFUSED;
    if (whole_attempt(session, meta->chunk) != NULL)
        return WAITING_REPEATED;
    struct attempt *attempt = attempt_at(waiting, session, place, offset);
    if (attempt_has(attempt, place->index))
        return WAITING_REPEATED;
    if (contradicts(attempt, place))
        return WAITING_REFUSED;
    attempt_keep(&waiting->held, attempt, (uint32_t)place->index, record);
    if (offset < attempt->offset)
        attempt->offset = offset;
    if (place->is_end) {
        attempt->has_end = true;
        attempt->end_index = place->index;
    }
    if (is_whole(attempt))
        drop_others(waiting, session, meta->chunk, meta->attempt);
    return WAITING_TAKEN;
}

void waiting_missing(struct waiting *waiting, struct text name, uint64_t chunk)
{
    struct session *session = session_at(waiting, name, chunk);
    if (is_over(session, chunk))
        return;
    session->missing = room_grow(&waiting->held, session->missing, &session->missing_room,
                                 session->missing_count + 1, sizeof *session->missing);
    session->missing[session->missing_count++] = chunk;
}

static bool is_missing(const struct session *session, uint64_t chunk)
{
    for (size_t i = 0; i < session->missing_count; i++)
        if (session->missing[i] == chunk)
            return true;
    return false;
}

/* Skips missing chunks at the front that have not arrived after all. */
static void pass_missing(struct session *session)
{
    for (uint64_t next; next_chunk(session, &next) && is_missing(session, next) &&
                        whole_attempt(session, next) == NULL;) {
        session->gap = true;
        advance(session);
    }
    size_t kept = 0;
    for (size_t i = 0; i < session->missing_count; i++)
        if (!is_over(session, session->missing[i]))
            session->missing[kept++] = session->missing[i];
    session->missing_count = kept;
}

/* Drops the data of chunks before the next one. */
static void forget_done(struct waiting *waiting, struct session *session)
{
    size_t kept = 0;
    for (size_t i = 0; i < session->count; i++) {
        if (is_over(session, session->attempts[i].chunk))
            drop(waiting, &session->attempts[i]);
        else
            session->attempts[kept++] = session->attempts[i];
    }
    session->count = kept;
}

/* The attempt that counts for the chunk: a complete one, else a gap. */
static struct attempt *speaker_of(const struct session *session, uint64_t chunk)
{
    struct attempt *attempt = whole_attempt(session, chunk);
    for (size_t i = 0; i < session->count && !attempt; i++)
        if (session->attempts[i].chunk == chunk && session->attempts[i].is_gap)
            attempt = &session->attempts[i];
    return attempt;
}

static enum status next_of(struct waiting *waiting, struct session *session,
                           struct ready_chunk *out, struct failure *why)
{
    pass_missing(session);
    forget_done(waiting, session);
    uint64_t next;
    if (!next_chunk(session, &next))
        return STATUS_END;
    struct attempt *attempt = speaker_of(session, next);
    if (!attempt)
        return STATUS_END;
    *out = (struct ready_chunk){.session = memory_string(text_of(session->name)),
                                .chunk = next,
                                .gap_before = session->gap,
                                .is_gap = attempt->is_gap,
                                .records = memory_new(attempt->present * sizeof(struct bytes))};
    size_t present = attempt->present;
    if (attempt_take(&waiting->held, attempt, out->records) != STATUS_OK) {
        ready_chunk_clear(out);
        return fail(why, STATUS_STOP, "spilled records cannot be read: %s", strerror(errno));
    }
    out->count = present;
    session->given = room_grow(&waiting->held, session->given, &session->given_room,
                               session->given_count + 1, sizeof *session->given);
    session->given[session->given_count++] = (struct given){next, attempt->offset};
    assert(attempt >= session->attempts && attempt < session->attempts + session->count);
    session->gap = attempt->is_gap;
    drop(waiting, attempt);
    *attempt = session->attempts[--session->count];
    advance(session);
    forget_done(waiting, session);
    return STATUS_OK;
}

enum status waiting_next(struct waiting *waiting, struct ready_chunk *out, struct failure *why)
{
    for (size_t i = 0; i < waiting->count; i++) {
        enum status status = next_of(waiting, &waiting->sessions[i], out, why);
        if (status != STATUS_END)
            return status;
    }
    return STATUS_END;
}

void ready_chunk_clear(struct ready_chunk *ready)
{
    for (size_t i = 0; i < ready->count; i++)
        free_record(ready->records[i]);
    free(ready->records);
    free(ready->session);
    *ready = (struct ready_chunk){.session = NULL};
}

bool waiting_has_gap(const struct waiting *waiting, struct text name)
{
    const struct session *session = find(waiting, name);
    return session && session->gap;
}

bool waiting_oldest(const struct waiting *waiting, int64_t *offset)
{
    bool found = false;
    for (size_t i = 0; i < waiting->count; i++) {
        const struct session *session = &waiting->sessions[i];
        for (size_t j = 0; j < session->count + session->given_count; j++) {
            int64_t at = j < session->count ? session->attempts[j].offset
                                            : session->given[j - session->count].offset;
            if (!found || at < *offset)
                *offset = at;
            found = true;
        }
    }
    return found;
}

void waiting_release(struct waiting *waiting, struct text name, uint64_t chunk)
{
    struct session *session = find(waiting, name);
    size_t kept = 0;
    for (size_t i = 0; session && i < session->given_count; i++)
        if (session->given[i].chunk >= chunk)
            session->given[kept++] = session->given[i];
    if (session)
        session->given_count = kept;
}

size_t waiting_holes(const struct waiting *waiting, struct waiting_hole **holes, size_t *room)
{
    size_t count = 0;
    for (size_t i = 0; i < waiting->count; i++) {
        const struct session *session = &waiting->sessions[i];
        uint64_t next;
        bool later = false;
        if (!next_chunk(session, &next) || speaker_of(session, next))
            continue;
        for (size_t j = 0; j < session->count && !later; j++)
            later = session->attempts[j].chunk > next;
        if (!later)
            continue;
        *holes = memory_grow(*holes, room, count + 1, sizeof **holes);
        (*holes)[count++] =
            (struct waiting_hole){text_of(session->name), next, session->first_chunk};
    }
    return count;
}

size_t waiting_count(const struct waiting *waiting)
{
    return waiting->attempts;
}
