#include "cli/pool_chunks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/names.h"
#include "cli/parked.h"
#include "cli/topic_reader.h"
#include "publish/fetch.h"
#include "wire/chunk_codec.h"

enum { POLL_MS = 50, ARCHIVE_MS = 30000 };

/* An interval, and the announcement of its chunk. */
struct noted {
    uint32_t session; /* index in pool->sessions */
    uint64_t chunk;
    bool gap;
    bool has_traces;
    bool has_offset;
    int64_t offset_ns;
    struct interval stated; /* from its first and last event; raw clock */
    /* The newest announcement, if any. */
    bool is_announced;
    int32_t partition; /* its position */
    int64_t place;
    struct chunk_ready ready; /* without an archive; in pool->arena */
};

struct pool_chunks {
    const struct pool_chunks_options *options;
    struct names sessions;
    struct noted *at; /* by session, then number, after all are noted */
    size_t count, room;
    struct arena arena;
    struct chunk_store store;
    struct bus_reader *reader; /* NULL until the first fetch */
    /* The last fetched archive; NULL: none. */
    const struct noted *held;
    struct bytes archive;
};

/* --- noted intervals --- */

void pool_chunks_note(struct pool_chunks *pool, const char *session,
                      const struct interval_fact *fact)
{
    pool->at = memory_grow(pool->at, &pool->room, pool->count + 1, sizeof *pool->at);
    struct noted *noted = &pool->at[pool->count++];
    *noted = (struct noted){.session = names_id(&pool->sessions, text_of(session)),
                            .chunk = fact->chunk,
                            .gap = fact->gap,
                            .has_traces = fact->chunks > 0,
                            .has_offset = fact->any_event,
                            .offset_ns = fact->offset_ns};
    if (fact->any_event)
        noted->stated = (struct interval){fact->first_ns, fact->last_ns + 1};
}

/* By session index: the list sorts by name. */
static int by_chunk(const void *left, const void *right)
{
    const struct noted *a = left, *b = right;
    if (a->session != b->session)
        return a->session < b->session ? -1 : 1;
    return (a->chunk > b->chunk) - (a->chunk < b->chunk);
}

static struct noted *find(const struct pool_chunks *pool, uint32_t session, uint64_t chunk)
{
    const struct noted key = {.session = session, .chunk = chunk};
    return pool->count > 0 ? bsearch(&key, pool->at, pool->count, sizeof key, by_chunk) : NULL;
}

/* --- announcements --- */

static struct noted *noted_of(const struct pool_chunks *pool, const struct bus_message *message)
{
    struct text session;
    uint64_t chunk;
    if (!parked_split_key(message->key, &session, &chunk))
        return NULL;
    uint32_t id = names_find(&pool->sessions, session);
    return id == NAMES_NONE ? NULL : find(pool, id, chunk);
}

static void keep(struct pool_chunks *pool, struct noted *noted, const struct bus_message *message,
                 const struct chunk_ready *ready)
{
    noted->is_announced = true;
    noted->partition = message->partition;
    noted->place = message->offset;
    noted->ready = *ready;
    noted->ready.archive = (struct bytes){NULL, 0};
    noted->ready.lost_reason = text_of("");
    noted->ready.session = names_text(&pool->sessions, noted->session);
    noted->ready.uri.at = arena_copy(&pool->arena, ready->uri.at, ready->uri.count);
    noted->ready.segments =
        arena_copy(&pool->arena, ready->segments, ready->segment_count * sizeof *ready->segments);
}

static enum status take_announcement(struct pool_chunks *pool, const struct bus_message *message,
                                     struct failure *why)
{
    struct noted *noted = noted_of(pool, message);
    if (!noted || noted->gap || !message->value.at)
        return STATUS_OK;
    struct arena arena = {.first = NULL};
    struct chunk_ready ready;
    enum status status = chunk_ready_decode(message->value, &arena, &ready, why);
    if (status == STATUS_OK && !ready.lost)
        keep(pool, noted, message, &ready);
    arena_clear(&arena);
    if (status != STATUS_REJECT)
        return status;
    failure_prefix(why, "announcements, partition %d at %lld", (int)message->partition,
                   (long long)message->offset);
    pool->options->say(pool->options->context, why->text);
    return STATUS_OK;
}

static bool is_over(const struct pool_chunks *pool)
{
    return pool->options->over && pool->options->over(pool->options->context);
}

static enum status read_announcements(struct pool_chunks *pool, struct failure *why)
{
    struct topic_reader reader;
    struct topic_from from = {.begin = TOPIC_FIRST};
    enum status status = topic_reader_open(&reader, pool->options->bus, BUS_CHUNKS, &from,
                                           pool->options->over, pool->options->context, why);
    while (status == STATUS_OK && !topic_reader_is_read(&reader)) {
        struct bus_message message;
        status = topic_reader_poll(&reader, POLL_MS, &message, why);
        if (status == STATUS_OK && !message.end)
            status = take_announcement(pool, &message, why);
        if (status == STATUS_END)
            status = STATUS_OK;
        if (status == STATUS_OK && is_over(pool))
            status = fail(why, STATUS_RETRY, "interrupted");
    }
    topic_reader_close(&reader);
    return status;
}

/* --- archives --- */

static const struct noted *noted_of_ref(const struct pool_chunks *pool, const struct chunk_ref *ref)
{
    const struct noted *noted =
        find(pool, names_find(&pool->sessions, text_of(ref->session)), (uint64_t)ref->number);
    assert(noted);
    return noted;
}

/* Reads the announcement with its inline archive again; it points into `message`. */
static enum status read_again(struct pool_chunks *pool, const struct noted *noted,
                              struct bus_message *message, struct failure *why)
{
    struct bus_start start = {BUS_CHUNKS, noted->partition, noted->place};
    uint64_t deadline_ms = clock_ms(CLOCK_MONOTONIC) + ARCHIVE_MS;
    enum status status = bus_reader_assign(pool->reader, &start, 1, why);
    while (status == STATUS_OK) {
        status = bus_reader_poll(pool->reader, POLL_MS, message, why);
        if (status == STATUS_OK && !message->end)
            return message->offset == noted->place
                       ? STATUS_OK
                       : fail(why, STATUS_END, "its announcement was deleted by retention");
        if (status == STATUS_END)
            status = STATUS_OK;
        if (status == STATUS_OK && (clock_ms(CLOCK_MONOTONIC) > deadline_ms || is_over(pool)))
            status = fail(why, STATUS_RETRY, "no answer for its announcement");
    }
    return status;
}

static enum status fetch(struct pool_chunks *pool, const struct noted *noted, struct bytes *out,
                         struct failure *why)
{
    struct arena arena = {.first = NULL};
    struct chunk_ready ready = noted->ready;
    enum status status = STATUS_OK;
    if (!pool->reader)
        status = bus_reader_new(pool->options->bus, false, &pool->reader, why);
    if (status == STATUS_OK && ready.segment_count == 0 && ready.uri.count == 0) {
        struct bus_message message;
        status = read_again(pool, noted, &message, why);
        if (status == STATUS_OK)
            status = chunk_ready_decode(message.value, &arena, &ready, why);
    }
    struct fetch_options options = {.reader = pool->reader,
                                    .store_root = pool->options->store_root,
                                    .stored_max = ARCHIVE_STORED_MAX,
                                    .patience = {pool->options->over, pool->options->context},
                                    .timeout_ms = ARCHIVE_MS};
    if (status == STATUS_OK)
        status = fetch_archive(&options, &ready, out, why);
    arena_clear(&arena);
    return status;
}

static void let_go(struct pool_chunks *pool)
{
    free((void *)(uintptr_t)pool->archive.at);
    pool->archive = (struct bytes){NULL, 0};
    pool->held = NULL;
}

static enum status get(void *context, const struct chunk_ref *ref, struct bytes *archive,
                       struct failure *why)
{
    struct pool_chunks *pool = context;
    const struct noted *noted = noted_of_ref(pool, ref);
    if (!noted->is_announced)
        return fail(why, STATUS_END, "its archive was deleted: it is no longer announced");
    if (pool->held != noted) {
        let_go(pool);
        enum status status = fetch(pool, noted, &pool->archive, why);
        if (status != STATUS_OK) {
            failure_prefix(why, "its archive cannot be fetched");
            return status;
        }
        pool->held = noted;
    }
    *archive = pool->archive;
    return STATUS_OK;
}

/* --- the list --- */

static void add_ref(struct pool_chunks *pool, struct chunk_list *list, const struct noted *noted,
                    bool gap_before)
{
    const char *session = names_text(&pool->sessions, noted->session).at;
    list->at = memory_grow(list->at, &list->room, list->count + 1, sizeof *list->at);
    list->at[list->count++] = (struct chunk_ref){
        .path = memory_format("%s/%llu", session, (unsigned long long)noted->chunk),
        .store = &pool->store,
        .has_offset = noted->has_offset,
        .offset_ns = noted->offset_ns,
        .session = memory_string(text_of(session)),
        .number = (int64_t)noted->chunk,
        .packed = true,
        .has_kernel_or_ust = noted->has_traces,
        .gap_before = gap_before,
        .interval = noted->is_announced
                        ? (struct interval){noted->ready.begin_ns, noted->ready.end_ns}
                        : noted->stated};
}

static int by_session(const void *left, const void *right)
{
    const struct chunk_ref *a = left, *b = right;
    int order = strcmp(a->session, b->session);
    return order ? order : (a->number > b->number) - (a->number < b->number);
}

enum status pool_chunks_find(struct pool_chunks *pool, struct chunk_list *list, struct failure *why)
{
    if (pool->count > 0)
        qsort(pool->at, pool->count, sizeof *pool->at, by_chunk);
    enum status status = read_announcements(pool, why);
    const struct noted *before = NULL; /* with a chunk */
    for (size_t i = 0; i < pool->count && status == STATUS_OK; i++) {
        const struct noted *noted = &pool->at[i];
        if (noted->gap)
            continue;
        bool follows = before && before->session == noted->session;
        add_ref(pool, list, noted, follows && before->chunk + 1 != noted->chunk);
        before = noted;
    }
    if (list->count > 0)
        qsort(list->at, list->count, sizeof *list->at, by_session);
    return status;
}

struct pool_chunks *pool_chunks_new(const struct pool_chunks_options *options)
{
    struct pool_chunks *pool = memory_new(sizeof *pool);
    pool->options = options;
    pool->store = (struct chunk_store){get, pool};
    return pool;
}

void pool_chunks_free(struct pool_chunks *pool)
{
    if (!pool)
        return;
    let_go(pool);
    bus_reader_free(pool->reader);
    names_clear(&pool->sessions);
    arena_clear(&pool->arena);
    free(pool->at);
    free(pool);
}
