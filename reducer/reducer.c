#include "reducer/reducer.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/analyses.h"
#include "base/memory.h"
#include "reducer/joiner.h"
#include "reducer/waiting.h"
#include "reducer/decoded_chunk.h"
#include "results/fold_queue.h"
#include "trace/schema.h"

/* A chunk that is missing, or (`reason`) unusable. */
struct missing_chunk {
    uint64_t chunk;
    char *reason;
};

/* The result sink of a session. */
struct counting {
    struct joiner *joiner;
    struct fold_queue *queue; /* owned; to the fold of the session */
    struct fold *fold;
    /* Drop all results; pass live entities only; pass all. */
    enum { COUNT_NOTHING, COUNT_FACTS, COUNT_ALL } mode;
    bool begins;   /* after the interval `last` */
    uint64_t last; /* the last joined chunk, before counting */
};

struct joined_session {
    char *name;
    struct joiner *joiner;
    struct fold *fold;
    struct counting *counting;
    uint64_t end_ns;               /* of the last interval joined */
    bool any;                      /* one is joined */
    bool gap;                      /* a chunk that arrived could not be joined */
    struct missing_chunk *missing; /* not noted yet, ascending */
    size_t missing_count, missing_room;
};

struct prepared {
    struct prepared *next;  /* in the reducer */
    struct prepared *parts; /* of the chunk after this one: a list by `next`; or NULL */
    char *session;
    uint64_t chunk;
    struct decoded_chunk whole;
};

struct reducer {
    struct schema *schema;     /* of all sessions */
    struct arena_store *store; /* owned; for decoded rows and folds */
    struct prepared *prepared; /* a list, owned: not joined yet */
    struct waiting *waiting;
    struct joined_session *sessions;
    size_t count, room;
    bool passes; /* reducer_pass() */
    bool finished;
};

struct reducer *reducer_new(void)
{
    struct reducer *reducer = memory_new(sizeof *reducer);
    reducer->schema = schema_new_with(NULL, NULL, analyses_count);
    reducer->store = arena_store_new();
    reducer->waiting = waiting_new();
    return reducer;
}

static void forget_prepared(struct reducer *reducer)
{
    while (reducer->prepared) {
        struct prepared *next = reducer->prepared->next;
        prepared_free(reducer->prepared);
        reducer->prepared = next;
    }
}

void reducer_free(struct reducer *reducer)
{
    if (!reducer)
        return;
    for (size_t i = 0; i < reducer->count; i++) {
        struct joined_session *session = &reducer->sessions[i];
        if (!reducer->finished)
            joiner_finish(session->joiner); /* only an ended session frees everything */
        joiner_free(session->joiner);
        fold_free(session->fold);
        fold_queue_free(session->counting->queue);
        free(session->counting);
        for (size_t j = 0; j < session->missing_count; j++)
            free(session->missing[j].reason);
        free(session->missing);
        free(session->name);
    }
    free(reducer->sessions);
    forget_prepared(reducer);
    schema_free(reducer->schema);
    arena_store_free(reducer->store);
    waiting_free(reducer->waiting);
    free(reducer);
}

/* Drops the sums of live entities, but keeps the entities. */
static void begin_counting(struct counting *counting)
{
    counting->begins = false;
    counting->mode = COUNT_FACTS;
    joiner_republish(counting->joiner, 0, 1);
    counting->mode = COUNT_ALL;
}

static bool counts(const struct counting *counting, enum result_type type)
{
    bool is_fact = type == RESULT_PROCESS || type == RESULT_THREAD || type == RESULT_DESCRIPTOR;
    /* A first call assigns time that may be reported later. */
    return counting->mode == COUNT_ALL || type == RESULT_FIRST_CALL ||
           (counting->mode == COUNT_FACTS && is_fact);
}

static void take_result(void *context, const struct result *result)
{
    struct counting *counting = context;
    if (counts(counting, result->type))
        fold_queue_take(counting->queue, result);
    else if (counting->mode == COUNT_NOTHING) {
        fold_queue_flush(counting->queue);
        fold_take_earlier(counting->fold, result);
    }
    if (counting->begins && result->type == RESULT_INTERVAL &&
        result->interval->chunk == counting->last)
        begin_counting(counting);
}

static void take_waits(void *context, const struct waits_result *waits)
{
    const struct counting *counting = context;
    if (counting->mode == COUNT_ALL)
        fold_queue_take_waits(counting->queue, waits);
}

static void take_passed(void *context, const struct passed_result *passed)
{
    const struct counting *counting = context;
    if (counting->mode == COUNT_ALL)
        fold_queue_take_passed(counting->queue, passed);
}

static struct joined_session *session_at(struct reducer *reducer, const char *name)
{
    for (size_t i = 0; i < reducer->count; i++)
        if (strcmp(reducer->sessions[i].name, name) == 0)
            return &reducer->sessions[i];
    reducer->sessions = memory_grow(reducer->sessions, &reducer->room, reducer->count + 1,
                                    sizeof *reducer->sessions);
    struct joined_session *session = &reducer->sessions[reducer->count++];
    *session = (struct joined_session){.name = memory_string(text_of(name)),
                                       .fold = fold_new(text_of(name))};
    fold_recycle(session->fold, reducer->store);
    struct counting *counting = session->counting = memory_new(sizeof *counting);
    session->joiner = joiner_new(
        reducer->schema, (struct result_sink){.take = take_result,
                                              .context = counting,
                                              .take_waits = take_waits,
                                              .take_passed = reducer->passes ? NULL : take_passed});
    *counting = (struct counting){.joiner = session->joiner,
                                  .queue = fold_queue_new(session->fold),
                                  .fold = session->fold,
                                  .mode = reducer->passes ? COUNT_NOTHING : COUNT_ALL};
    return session;
}

static struct joined_session *session_of(struct reducer *reducer, struct text text)
{
    char *name = memory_string(text);
    struct joined_session *session = session_at(reducer, name);
    free(name);
    return session;
}

void reducer_expect(struct reducer *reducer, struct text session, uint64_t begin,
                    const uint64_t *chunks, size_t count)
{
    waiting_expect(reducer->waiting, session, chunks, count);
    joiner_expect(session_of(reducer, session)->joiner, begin);
}

struct prepared *reducer_prepare(const struct reducer *reducer, const struct bytes *records,
                                 size_t count)
{
    struct record_place place;
    struct failure ignored;
    if (count == 0 || partial_peek(records[0], &place, &ignored) != STATUS_OK || place.is_gap)
        return NULL;
    struct prepared *prepared = memory_new(sizeof *prepared);
    prepared->session = memory_string(place.meta.session);
    prepared->chunk = place.meta.chunk;
    if (decoded_chunk_read(records, count, reducer->schema, reducer->store, &prepared->whole,
                           &ignored) == STATUS_OK)
        return prepared;
    prepared_free(prepared);
    return NULL;
}

void prepared_append(struct prepared *prepared, struct prepared *take_part)
{
    struct prepared **link = &prepared->parts;
    while (*link)
        link = &(*link)->next;
    *link = take_part;
}

void prepared_free(struct prepared *prepared)
{
    if (!prepared)
        return;
    while (prepared->parts) {
        struct prepared *next = prepared->parts->next;
        prepared_free(prepared->parts);
        prepared->parts = next;
    }
    decoded_chunk_clear(&prepared->whole);
    free(prepared->session);
    free(prepared);
}

void reducer_use(struct reducer *reducer, struct prepared *take_prepared)
{
    if (!take_prepared)
        return;
    take_prepared->next = reducer->prepared;
    reducer->prepared = take_prepared;
}

/* The link to the chunk as prepared; it is NULL if there is none. */
static struct prepared **find_prepared(struct reducer *reducer, struct text session, uint64_t chunk)
{
    struct prepared **link = &reducer->prepared;
    while (*link && ((*link)->chunk != chunk || !text_equal(text_of((*link)->session), session)))
        link = &(*link)->next;
    return link;
}

/* The chunk as prepared, or decoded now. OK: the caller frees `out`. */
static enum status take_chunk(struct reducer *reducer, const struct ready_chunk *ready,
                              struct prepared **out, struct failure *why)
{
    struct prepared **link = find_prepared(reducer, text_of(ready->session), ready->chunk);
    *out = *link;
    if (*out) {
        *link = (*out)->next;
        return STATUS_OK;
    }
    *out = memory_new(sizeof **out);
    enum status status = decoded_chunk_read(ready->records, ready->count, reducer->schema,
                                            reducer->store, &(*out)->whole, why);
    if (status == STATUS_OK)
        return status;
    prepared_free(*out);
    *out = NULL;
    return status;
}

/* Notes the unusable chunks below `next`, each in its place. */
static void note_missing(struct joined_session *session, uint64_t next)
{
    size_t done = 0;
    for (; done < session->missing_count && session->missing[done].chunk < next; done++) {
        struct missing_chunk *missing = &session->missing[done];
        joiner_missing(session->joiner, missing->chunk,
                       missing->reason ? DAMAGE_BY_UNREADABLE : DAMAGE_BY_MISSING,
                       text_of(missing->reason ? missing->reason : ""));
        free(missing->reason);
    }
    if (done == 0)
        return;
    session->missing_count -= done;
    memmove(session->missing, session->missing + done,
            session->missing_count * sizeof *session->missing);
}

/* Otherwise, events would count twice. */
static enum status check_order(const struct joined_session *session, const struct interval_end *end,
                               struct failure *why)
{
    if (!session->any || end->begin_ns >= session->end_ns)
        return STATUS_OK;
    if (session->end_ns == UINT64_MAX)
        return fail(why, STATUS_REJECT,
                    "the previous chunk was packed as the last one of the session");
    return fail(why, STATUS_REJECT, "begins %llu ns before the end of the previous chunk",
                (unsigned long long)(session->end_ns - end->begin_ns));
}

static void add_whole(struct joined_session *session, struct decoded_chunk *whole)
{
    session->end_ns = whole->end.end_ns;
    joiner_add(session->joiner, &whole->row, &whole->end);
}

static enum status join(struct reducer *reducer, const struct ready_chunk *ready,
                        struct failure *why)
{
    struct joined_session *session = session_at(reducer, ready->session);
    struct prepared *chunk;
    enum status status = take_chunk(reducer, ready, &chunk, why);
    if (status == STATUS_OK)
        status = check_order(session, &chunk->whole.end, why);
    note_missing(session, ready->chunk);
    if (status == STATUS_OK) {
        session->any = true;
        if (reducer->passes)
            session->counting->last = ready->chunk;
        chunk->whole.end.gap_before |= ready->gap_before || session->gap;
        session->gap = false;
        add_whole(session, &chunk->whole);
        for (struct prepared *part = chunk->parts; part; part = part->next)
            add_whole(session, &part->whole);
    } else {
        joiner_missing(session->joiner, ready->chunk, DAMAGE_BY_REFUSED, text_of(why->text));
        failure_prefix(why, "%s: chunk %llu", ready->session, (unsigned long long)ready->chunk);
        session->gap = true;
    }
    prepared_free(chunk);
    return status;
}

/* Joins all chunks that are next; returns the first failure. */
static enum status join_ready(struct reducer *reducer, struct failure *why)
{
    enum status first = STATUS_OK;
    struct ready_chunk ready;
    struct failure unread; /* no file is used here */
    while (waiting_next(reducer->waiting, &ready, &unread) == STATUS_OK) {
        /* There is no log to read again. */
        waiting_release(reducer->waiting, text_of(ready.session), ready.chunk + 1);
        if (ready.is_gap) {
            ready_chunk_clear(&ready);
            continue;
        }
        struct failure other;
        enum status status = join(reducer, &ready, first == STATUS_OK ? why : &other);
        if (first == STATUS_OK)
            first = status;
        ready_chunk_clear(&ready);
    }
    return first;
}

enum status reducer_add(struct reducer *reducer, struct bytes record, struct failure *why)
{
    struct record_place place;
    enum status status = partial_peek(record, &place, why);
    if (status != STATUS_OK)
        return status;
    /* Of a prepared chunk, only the arrival of each record counts: the rest is not kept. */
    if (*find_prepared(reducer, place.meta.session, place.meta.chunk))
        record.count = 1;
    if (waiting_add(reducer->waiting, &place, record, 0) == WAITING_REFUSED)
        return fail(why, STATUS_REJECT, "index %llu of a record", (unsigned long long)place.index);
    return join_ready(reducer, why);
}

void reducer_missing(struct reducer *reducer, struct text session, uint64_t chunk,
                     const char *reason)
{
    waiting_missing(reducer->waiting, session, chunk);
    struct joined_session *joined = session_of(reducer, session);
    joined->missing = memory_grow(joined->missing, &joined->missing_room, joined->missing_count + 1,
                                  sizeof *joined->missing);
    size_t at = joined->missing_count++;
    for (; at > 0 && joined->missing[at - 1].chunk > chunk; at--)
        joined->missing[at] = joined->missing[at - 1];
    joined->missing[at] =
        (struct missing_chunk){chunk, reason ? memory_string(text_of(reason)) : NULL};
}

void reducer_pass(struct reducer *reducer)
{
    reducer->passes = true;
}

/* Unusable chunks before counting are not counted; but the state after them is unknown. */
static void forget_missing(struct joined_session *session)
{
    session->gap |= session->missing_count > 0;
    for (size_t i = 0; i < session->missing_count; i++)
        free(session->missing[i].reason);
    session->missing_count = 0;
}

void reducer_count(struct reducer *reducer)
{
    reducer->passes = false;
    forget_prepared(reducer);
    waiting_free(reducer->waiting);
    reducer->waiting = waiting_new();
    for (size_t i = 0; i < reducer->count; i++) {
        struct joined_session *session = &reducer->sessions[i];
        uint64_t queued;
        forget_missing(session);
        if (joiner_oldest_chunk(session->joiner, &queued))
            session->counting->begins = true;
        else
            begin_counting(session->counting);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct joined_session *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static void finish(struct reducer *reducer, struct joined_session *session)
{
    bool gap = session->gap || session->missing_count > 0 ||
               waiting_has_gap(reducer->waiting, text_of(session->name));
    note_missing(session, UINT64_MAX);
    if (gap)
        joiner_open_gap(session->joiner, session->end_ns);
    joiner_finish(session->joiner);
    fold_queue_flush(session->counting->queue);
}

void reducer_finish(struct reducer *reducer)
{
    struct failure ignored;
    /* Other chunks may have waited for the missing one. */
    enum status status = join_ready(reducer, &ignored);
    (void)status;
    if (reducer->count > 0)
        qsort(reducer->sessions, reducer->count, sizeof *reducer->sessions, by_name);
    for (size_t i = 0; i < reducer->count; i++)
        finish(reducer, &reducer->sessions[i]);
    reducer->finished = true;
}

double reducer_fold_s(const struct reducer *reducer)
{
    double sum_s = 0;
    for (size_t i = 0; i < reducer->count; i++)
        sum_s += fold_queue_cpu_s(reducer->sessions[i].counting->queue);
    return sum_s;
}

struct arena_store *reducer_store(const struct reducer *reducer)
{
    return reducer->store;
}

void reducer_report(const struct reducer *reducer, unsigned jobs, struct report *out)
{
    *out = (struct report){.session_count = reducer->count};
    out->sessions = arena_take(&out->arena, reducer->count * sizeof *out->sessions);
    for (size_t i = 0; i < reducer->count; i++)
        fold_settle(reducer->sessions[i].fold);
    arena_store_empty(reducer->store);
    for (size_t i = 0; i < reducer->count; i++) {
        fold_report_by(reducer->sessions[i].fold, &out->arena, jobs, &out->sessions[i]);
        session_report_name_irqs(&out->sessions[i], &out->arena);
    }
}
