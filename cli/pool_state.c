#include "cli/pool_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/names.h"
#include "bus/admin.h"
#include "cli/parked.h"
#include "cli/topic_reader.h"
#include "config/value.h"
#include "results/report.h"
#include "wire/key.h"
#include "wire/partial_peek.h"
#include "wire/result_codec.h"

enum { POLL_MS = 50, QUIET_MS = 1000 };

/* Waiting records are read to find out their chunks; announcements may contain archives. */
#define WAITING_BYTES_MAX (UINT64_C(256) << 20)

/* Location of an announced chunk that is not joined; the last one applies. */
enum place { PLACE_PARKED, PLACE_CHUNKS, PLACE_PARTIALS };

struct waiting {
    uint32_t session; /* name id */
    uint64_t chunk;
    enum place place;
};

struct pool_watch {
    const struct bus_settings *settings;
    bool (*over)(void *context);
    struct bus_admin *mappers, *reducers; /* one for each group */
    struct topic_reader results;
    struct names names;
    struct pool_session *sessions; /* by name id */
    uint64_t
        *first_chunks; /* by name id; for sessions with a waiting chunk: the first ever published */
    size_t count, room, first_room;
    struct waiting *waiting;
    size_t waiting_count, waiting_room;
    struct pool_state state;
};

/* --- sessions --- */

static uint32_t session_of(struct pool_watch *watch, struct text name)
{
    uint32_t id = names_id(&watch->names, name);
    if (id < watch->count)
        return id;
    watch->sessions =
        memory_grow(watch->sessions, &watch->room, watch->count + 1, sizeof *watch->sessions);
    watch->first_chunks = memory_grow(watch->first_chunks, &watch->first_room, watch->count + 1,
                                      sizeof *watch->first_chunks);
    watch->sessions[watch->count] = (struct pool_session){.last_ns = REPORT_NONE, .joined_ms = -1};
    watch->first_chunks[watch->count++] = UINT64_MAX;
    return id;
}

static void add_waiting(struct pool_watch *watch, uint32_t session, uint64_t chunk,
                        enum place place)
{
    watch->waiting = memory_grow(watch->waiting, &watch->waiting_room, watch->waiting_count + 1,
                                 sizeof *watch->waiting);
    watch->waiting[watch->waiting_count++] = (struct waiting){session, chunk, place};
}

/* --- results --- */

static void take_interval(struct pool_watch *watch, struct text name,
                          const struct interval_fact *mark, int64_t time_ms)
{
    uint32_t id = session_of(watch, name);
    struct pool_session *session = &watch->sessions[id];
    if (!session->is_joined || mark->chunk > session->chunk)
        session->chunk = mark->chunk;
    session->is_joined = true;
    session->joined_ms = time_ms;
    session->intervals++;
    session->gaps += mark->gap;
    session->events += mark->events;
    session->discarded += mark->tallies.at[TALLY_DISCARDED];
    if (mark->any_event && (int64_t)mark->last_ns + mark->offset_ns > session->last_ns)
        session->last_ns = (int64_t)mark->last_ns + mark->offset_ns;
    if (mark->host.count > 0 && !session->host)
        session->host = memory_string(mark->host);
}

/* Only records with the key of the host have intervals. */
static bool has_intervals(struct text key)
{
    static const char last[] = "/host";
    size_t length = sizeof last - 1;
    return key.count > length && memcmp(key.at + key.count - length, last, length) == 0;
}

static enum status take_result(struct pool_watch *watch, const struct bus_message *message,
                               struct failure *why)
{
    if (!has_intervals(message->key))
        return STATUS_OK;
    struct arena arena = {.first = NULL};
    struct result_record record;
    enum status status = result_decode(message->value, &arena, &record, why);
    for (size_t i = 0; status == STATUS_OK && i < record.count; i++)
        if (record.results[i].type == RESULT_INTERVAL)
            take_interval(watch, record.meta.session, record.results[i].interval, message->time_ms);
    arena_clear(&arena);
    watch->state.damaged += status == STATUS_REJECT;
    return status == STATUS_REJECT ? STATUS_OK : status;
}

/* Reads to the last known end of the topic. Does not wait forever for missing records. */
static enum status read_on(struct pool_watch *watch, struct topic_reader *reader,
                           enum status (*take)(struct pool_watch *watch,
                                               const struct bus_message *message,
                                               struct failure *why),
                           uint64_t bytes_max, struct failure *why)
{
    uint64_t bytes = 0, came_ms = clock_ms(CLOCK_MONOTONIC);
    while (!topic_reader_is_read(reader)) {
        struct bus_message message;
        if (watch->over(NULL))
            return fail(why, STATUS_RETRY, "interrupted");
        enum status status = topic_reader_poll(reader, POLL_MS, &message, why);
        if (status == STATUS_END) {
            if (clock_ms(CLOCK_MONOTONIC) - came_ms > (bytes > 0 ? QUIET_MS : 10 * QUIET_MS))
                return STATUS_OK;
            continue;
        }
        if (status == STATUS_OK && !message.end)
            status = take(watch, &message, why);
        if (status != STATUS_OK)
            return status;
        came_ms = clock_ms(CLOCK_MONOTONIC);
        bytes += message.end ? 0 : message.value.count + message.key.count;
        if (bytes > bytes_max) {
            watch->state.in_part = true;
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

/* --- waiting chunks --- */

static enum status take_announced(struct pool_watch *watch, const struct bus_message *message,
                                  struct failure *why)
{
    (void)why;
    struct text session;
    uint64_t chunk;
    if (parked_split_key(message->key, &session, &chunk))
        add_waiting(watch, session_of(watch, session), chunk, PLACE_CHUNKS);
    return STATUS_OK;
}

static enum status take_partial(struct pool_watch *watch, const struct bus_message *message,
                                struct failure *why)
{
    struct record_place place;
    enum status status = partial_peek(message->value, &place, why);
    if (status == STATUS_REJECT) /* the reducer reports and refuses it */
        return STATUS_OK;
    if (status != STATUS_OK)
        return status;
    uint32_t session = session_of(watch, place.meta.session);
    if (place.meta.first_chunk < watch->first_chunks[session])
        watch->first_chunks[session] = place.meta.first_chunk;
    if (place.is_end || place.is_gap)
        add_waiting(watch, session, place.meta.chunk, PLACE_PARTIALS);
    return STATUS_OK;
}

static bool ask_again(const struct pool_watch *watch, uint64_t since_ms, enum status status)
{
    return !watch->over(NULL) && topic_ask_again(since_ms, status);
}

/* Reads the records that a group has not finished; *left: their number. */
static enum status
read_left(struct pool_watch *watch, struct bus_admin *admin, const char *role, enum bus_topic topic,
          enum status (*take)(struct pool_watch *watch, const struct bus_message *message,
                              struct failure *why),
          uint64_t *left, struct failure *why)
{
    int32_t count;
    enum status status = bus_admin_partitions(admin, topic, &count, why);
    if (status != STATUS_OK)
        return status;
    int64_t *offsets = memory_new((size_t)count * sizeof *offsets);
    struct topic_reader reader = {.bus = NULL};
    uint64_t since_ms = clock_ms(CLOCK_MONOTONIC);
    do
        status = bus_admin_group_offsets(admin, role, topic, offsets, count, why);
    while (ask_again(watch, since_ms, status));
    struct topic_from from = {.begin = TOPIC_OFFSETS, .offsets = offsets};
    if (status == STATUS_OK)
        status = topic_reader_open(&reader, watch->settings, topic, &from, watch->over, NULL, why);
    *left = 0;
    for (int32_t i = 0; status == STATUS_OK && i < reader.count; i++)
        if (reader.partitions[i].end > reader.partitions[i].next)
            *left += (uint64_t)(reader.partitions[i].end - reader.partitions[i].next);
    if (status == STATUS_OK)
        status = read_on(watch, &reader, take, WAITING_BYTES_MAX, why);
    topic_reader_close(&reader);
    free(offsets);
    return status;
}

static enum status read_parked(struct pool_watch *watch, struct failure *why)
{
    struct parked_list list;
    enum status status = parked_list_read(&list, watch->settings, watch->over, why);
    for (size_t i = 0; status == STATUS_OK && i < list.count; i++) {
        const struct parked *parked = &list.at[i];
        if (parked->sent_again)
            continue;
        uint32_t session = session_of(watch, parked->session);
        watch->state.parked++;
        watch->sessions[session].parked++;
        if (parked->has_chunk)
            add_waiting(watch, session, parked->chunk, PLACE_PARKED);
    }
    parked_list_clear(&list);
    return status == STATUS_END ? fail(why, STATUS_RETRY, "interrupted") : status;
}

/* --- totals --- */

static int by_chunk(const void *left, const void *right)
{
    const struct waiting *a = left, *b = right;
    if (a->session != b->session)
        return a->session < b->session ? -1 : 1;
    if (a->chunk != b->chunk)
        return a->chunk < b->chunk ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

/* Counts the waiting chunks of one session, each once, ascending: [at, end). */
static void count_waiting(struct pool_watch *watch, const struct waiting *at,
                          const struct waiting *end)
{
    struct pool_session *session = &watch->sessions[at->session];
    uint64_t first = watch->first_chunks[at->session];
    uint64_t next = session->is_joined ? session->chunk + 1 : first < at->chunk ? first : at->chunk;
    for (; at < end; at++) {
        if (at + 1 < end && at[1].chunk == at->chunk)
            continue;
        if (session->is_joined && at->chunk <= session->chunk)
            continue;
        if (at->chunk > next && session->missing == 0)
            session->first_missing = next;
        session->missing += at->chunk - next;
        next = at->chunk + 1;
        session->unmapped += at->place == PLACE_CHUNKS;
        session->unjoined += at->place == PLACE_PARTIALS;
    }
    watch->state.unjoined += session->unjoined;
}

static int by_name(const void *left, const void *right)
{
    const struct pool_session *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static void sum_up(struct pool_watch *watch)
{
    struct pool_state *state = &watch->state;
    if (watch->waiting_count > 0)
        qsort(watch->waiting, watch->waiting_count, sizeof *watch->waiting, by_chunk);
    for (size_t i = 0, end; i < watch->waiting_count; i = end) {
        end = i + 1;
        while (end < watch->waiting_count &&
               watch->waiting[end].session == watch->waiting[i].session)
            end++;
        count_waiting(watch, &watch->waiting[i], &watch->waiting[end]);
    }
    state->sessions = memory_new((watch->count + 1) * sizeof *state->sessions);
    state->session_count = watch->count;
    for (size_t i = 0; i < watch->count; i++) {
        state->sessions[i] = watch->sessions[i];
        state->sessions[i].name = names_text(&watch->names, (uint32_t)i).at;
        state->gaps += watch->sessions[i].gaps;
    }
    qsort(state->sessions, state->session_count, sizeof *state->sessions, by_name);
}

/* Clears counts from offsets; keeps those from results. */
static void forget_waiting(struct pool_watch *watch)
{
    uint64_t damaged = watch->state.damaged;
    free(watch->state.sessions);
    watch->state = (struct pool_state){.damaged = damaged};
    watch->waiting_count = 0;
    for (size_t i = 0; i < watch->count; i++) {
        struct pool_session *session = &watch->sessions[i];
        session->unmapped = session->unjoined = session->parked = 0;
        session->missing = session->first_missing = 0;
        watch->first_chunks[i] = UINT64_MAX;
    }
}

static enum status count_members(struct pool_watch *watch, struct failure *why)
{
    uint64_t since_ms = clock_ms(CLOCK_MONOTONIC);
    enum status status;
    do {
        status = bus_admin_group_members(watch->mappers, "mapper", &watch->state.mappers, why);
        if (status == STATUS_OK)
            status =
                bus_admin_group_members(watch->reducers, "reducer", &watch->state.reducers, why);
    } while (ask_again(watch, since_ms, status));
    return status;
}

static enum status count_state(struct pool_watch *watch, struct failure *why)
{
    struct topic_reader reader;
    enum status status = topic_reader_open(&reader, watch->settings, BUS_STATE,
                                           &(struct topic_from){0}, watch->over, NULL, why);
    for (int32_t i = 0; status == STATUS_OK && i < reader.count; i++)
        watch->state.state_records +=
            (uint64_t)(reader.partitions[i].end - reader.partitions[i].next);
    topic_reader_close(&reader);
    return status;
}

/* A chunk moves from topic to topic: reading them in that order misses none. */
enum status pool_watch_look(struct pool_watch *watch, const struct pool_state **out,
                            struct failure *why)
{
    forget_waiting(watch);
    struct pool_state *state = &watch->state;
    uint64_t partials;
    enum status status = read_parked(watch, why);
    if (status == STATUS_OK)
        status = read_left(watch, watch->mappers, "mapper", BUS_CHUNKS, take_announced,
                           &state->unmapped, why);
    if (status == STATUS_OK)
        status = read_left(watch, watch->reducers, "reducer", BUS_PARTIALS, take_partial, &partials,
                           why);
    if (status == STATUS_OK)
        status = topic_reader_renew(&watch->results, why);
    if (status == STATUS_OK)
        status = read_on(watch, &watch->results, take_result, UINT64_MAX, why);
    if (status == STATUS_OK)
        status = count_state(watch, why);
    if (status == STATUS_OK)
        status = count_members(watch, why);
    if (status == STATUS_OK)
        sum_up(watch);
    *out = status == STATUS_OK ? state : NULL;
    return status;
}

enum status pool_watch_new(const struct bus_settings *settings, bool (*over)(void *context),
                           struct pool_watch **out, struct failure *why)
{
    struct pool_watch *watch = memory_new(sizeof *watch);
    watch->settings = settings;
    watch->over = over;
    enum status status = topic_reader_open(&watch->results, settings, BUS_RESULTS,
                                           &(struct topic_from){0}, over, NULL, why);
    if (status == STATUS_OK)
        status = bus_admin_new(settings, &watch->mappers, why);
    if (status == STATUS_OK)
        status = bus_admin_new(settings, &watch->reducers, why);
    if (status == STATUS_OK)
        status = read_on(watch, &watch->results, take_result, UINT64_MAX, why);
    *out = status == STATUS_OK ? watch : NULL;
    if (status != STATUS_OK)
        pool_watch_free(watch);
    return status;
}

void pool_watch_free(struct pool_watch *watch)
{
    if (!watch)
        return;
    bus_admin_free(watch->mappers);
    bus_admin_free(watch->reducers);
    topic_reader_close(&watch->results);
    for (size_t i = 0; i < watch->count; i++)
        free(watch->sessions[i].host);
    free(watch->sessions);
    free(watch->first_chunks);
    free(watch->waiting);
    free(watch->state.sessions);
    names_clear(&watch->names);
    free(watch);
}
