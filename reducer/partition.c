#include "reducer/partition.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analyses.h"
#include "base/memory.h"
#include "reducer/session_phases.h"
#include "reducer/state_diff.h"
#include "reducer/joiner.h"
#include "reducer/decoded_chunk.h"
#include "results/batch.h"
#include "trace/schema.h"
#include "wire/result_codec.h"
#include "wire/session_header.h"

#define HEADER "header"

/* Live entities are published again, one part per interval. */
enum { REPUBLISH_INTERVALS = 32 };

/* What precedes an interval that may have to be read again. */
struct border {
    uint64_t chunk, end_ns;
    bool gap;
};

/* A state record with the key SESSION/`suffix`. */
struct asleep_record {
    char *suffix;
    struct bytes record; /* owned */
};

struct session {
    char *name;
    struct schema *schema;
    struct joiner *joiner;      /* NULL after the session has ended */
    struct asleep_record *kept; /* the joiner's saved records, while it has none */
    size_t kept_count, kept_room;
    struct result_batch *batch;
    struct state_diff *diff;
    struct session_phases phases;
    struct session_header header;
    uint64_t end_ns; /* of the last interval joined */
    struct border *borders;
    size_t border_count, border_room;
    bool gap;     /* a chunk that arrived could not be joined */
    bool changed; /* since the last save */
};

struct partition {
    struct partition_options options;
    struct waiting *waiting;
    struct session **sessions;
    size_t count, room;
    struct partition_counts counts;
};

struct partition *partition_new(const struct partition_options *options)
{
    struct partition *partition = memory_new(sizeof *partition);
    partition->options = *options;
    partition->waiting = waiting_new();
    waiting_limit(partition->waiting, options->waiting_max, options->spill_folder);
    return partition;
}

static void free_bytes(struct bytes bytes)
{
    free((void *)(uintptr_t)bytes.at);
}

static void forget_kept(struct session *session)
{
    for (size_t i = 0; i < session->kept_count; i++) {
        free(session->kept[i].suffix);
        free_bytes(session->kept[i].record);
    }
    session->kept_count = 0;
}

static void session_sleep(struct session *session)
{
    joiner_free(session->joiner);
    session->joiner = NULL;
    result_batch_free(session->batch);
    session->batch = NULL;
    schema_free(session->schema);
    session->schema = NULL;
}

static void session_free(struct session *session)
{
    session_sleep(session);
    forget_kept(session);
    free(session->kept);
    state_diff_free(session->diff);
    session_phases_clear(&session->phases);
    free(session->borders);
    free(session->name);
    free(session);
}

void partition_free(struct partition *partition)
{
    if (!partition)
        return;
    for (size_t i = 0; i < partition->count; i++)
        session_free(partition->sessions[i]);
    free(partition->sessions);
    waiting_free(partition->waiting);
    free(partition);
}

static struct session *find(const struct partition *partition, struct text name)
{
    for (size_t i = 0; i < partition->count; i++)
        if (text_equal(text_of(partition->sessions[i]->name), name))
            return partition->sessions[i];
    return NULL;
}

static struct session *session_at(struct partition *partition, struct text name)
{
    struct session *session = find(partition, name);
    if (session)
        return session;
    partition->sessions = memory_grow(partition->sessions, &partition->room, partition->count + 1,
                                      sizeof *partition->sessions);
    session = memory_new(sizeof *session);
    session->name = memory_string(name);
    session->diff = state_diff_new();
    partition->sessions[partition->count++] = session;
    return session;
}

/* Makes the joiner: a new one, or from saved records. */
static enum status session_wake(struct session *session, struct failure *why)
{
    if (session->joiner)
        return STATUS_OK;
    assert(!session->schema && !session->batch);
    session->schema = schema_new_with(NULL, NULL, analyses_count);
    session->batch = result_batch_new();
    struct result_sink sink = result_batch_sink(session->batch);
    if (session->kept_count == 0) {
        session->joiner = joiner_new(session->schema, sink);
        return STATUS_OK;
    }
    struct kept_record *records = memory_new(session->kept_count * sizeof *records);
    for (size_t i = 0; i < session->kept_count; i++)
        records[i] =
            (struct kept_record){text_of(session->kept[i].suffix), session->kept[i].record};
    enum status status =
        joiner_restore(session->schema, sink, records, session->kept_count, &session->joiner, why);
    free(records);
    if (status == STATUS_OK) {
        session->phases.set = joiner_phases(session->joiner);
        forget_kept(session);
    } else {
        failure_prefix(why, "state of %s", session->name);
    }
    return status;
}

/* --- reporting --- */

static void notify(const struct partition *partition, const struct session *session,
                   struct partition_news news)
{
    news.session = session->name;
    if (partition->options.notify)
        partition->options.notify(partition->options.context, &news);
}

/* --- results and state --- */

static void send_results(struct partition *partition, struct session *session, uint64_t chunk)
{
    struct result_meta meta = {.session = text_of(session->name), .chunk = chunk};
    memcpy(meta.clock_uuid, session->header.clock_uuid, sizeof meta.clock_uuid);
    struct tallies marked = result_batch_tallies(session->batch);
    tallies_add(&partition->counts.tallies, &marked);
    result_flush(&meta, session->batch, partition->options.results);
}

/* Passes a record of a session's state to the partition's sink, with its full key. */
struct keying {
    const struct partition *partition;
    const struct session *session;
};

static void put_state(void *context, struct text suffix, struct bytes record)
{
    const struct keying *keying = context;
    char *key = memory_format("%s/%.*s", keying->session->name, (int)suffix.count, suffix.at);
    const struct record_sink *sink = &keying->partition->options.state;
    sink->take(sink->context, text_of(key), record);
    free(key);
}

static void keep_record(void *context, struct text suffix, struct bytes record)
{
    struct session *session = context;
    session->kept = memory_grow(session->kept, &session->kept_room, session->kept_count + 1,
                                sizeof *session->kept);
    uint8_t *copy = memory_new(record.count + 1);
    memcpy(copy, record.at, record.count);
    session->kept[session->kept_count++] =
        (struct asleep_record){memory_string(suffix), {copy, record.count}};
}

/* Fills the header: where a restart has to continue. */
static void describe(const struct partition *partition, struct session *session)
{
    struct session_header *header = &session->header;
    const struct border *oldest = session->border_count > 0 ? &session->borders[0] : NULL;
    header->gap = oldest
                      ? oldest->gap
                      : session->gap || waiting_has_gap(partition->waiting, text_of(session->name));
    header->end_ns = oldest ? oldest->end_ns : session->end_ns;
    if (oldest)
        header->next = oldest->chunk;
}

static void save_session(struct partition *partition, struct session *session)
{
    describe(partition, session);
    struct keying keying = {partition, session};
    struct keep_sink out = {.take = put_state, .context = &keying};
    struct keep_sink in = state_diff_begin(session->diff, out);
    struct bytes header = session_header_encode(&session->header);
    in.take(in.context, text_of(HEADER), header);
    free_bytes(header);
    session_phases_save(&session->phases, in);
    if (session->joiner)
        joiner_save(session->joiner, in);
    else
        for (size_t i = 0; i < session->kept_count; i++)
            in.take(in.context, text_of(session->kept[i].suffix), session->kept[i].record);
    state_diff_end(session->diff);
    session->changed = false;
}

void partition_save(struct partition *partition)
{
    for (size_t i = 0; i < partition->count; i++)
        if (partition->sessions[i]->changed)
            save_session(partition, partition->sessions[i]);
}

/* --- joining --- */

static void remember_border(struct session *session, uint64_t chunk, bool gap)
{
    assert(session->border_count == 0 || session->borders[session->border_count - 1].chunk < chunk);
    session->borders = memory_grow(session->borders, &session->border_room,
                                   session->border_count + 1, sizeof *session->borders);
    session->borders[session->border_count++] = (struct border){chunk, session->end_ns, gap};
}

/* Releases offsets that need not be read again. */
static void release(struct partition *partition, struct session *session, uint64_t next)
{
    uint64_t oldest = next;
    if (!session->joiner || !joiner_oldest_chunk(session->joiner, &oldest))
        oldest = next;
    waiting_release(partition->waiting, text_of(session->name), oldest);
    size_t kept = 0;
    for (size_t i = 0; i < session->border_count; i++)
        if (session->borders[i].chunk >= oldest)
            session->borders[kept++] = session->borders[i];
    session->border_count = kept;
    session->header.next = oldest;
}

/* Ends the session: reports everything open, and keeps only its counters. */
static void end_session(struct partition *partition, struct session *session, uint64_t chunk)
{
    if (session->gap || waiting_has_gap(partition->waiting, text_of(session->name)))
        joiner_open_gap(session->joiner, session->end_ns);
    joiner_finish(session->joiner);
    send_results(partition, session, chunk);
    joiner_save(session->joiner, (struct keep_sink){.take = keep_record, .context = session});
    session_sleep(session);
    state_diff_let_go(session->diff);
    session_phases_clear(&session->phases);
    /* The queue has been joined: nothing has to be read again. */
    release(partition, session,
            waiting_next_chunk(partition->waiting, text_of(session->name), chunk + 1));
    session->gap = false;
    session->header.ended = true;
    partition->counts.sessions_ended++;
    notify(partition, session, (struct partition_news){PARTITION_SESSION_ENDED, .chunk = chunk});
}

static enum status join_gap(struct partition *partition, struct session *session,
                            const struct ready_chunk *ready, struct failure *why)
{
    struct arena arena = {.first = NULL};
    struct decoded_record record;
    enum status status = partial_decode(ready->records[0], session->schema, &arena, &record, why);
    if (status == STATUS_OK) {
        partition->counts.gaps++;
        char *what = memory_string(record.gap.reason);
        notify(partition, session,
               (struct partition_news){PARTITION_GAP, .chunk = ready->chunk, .what = what});
        free(what);
        joiner_missing(session->joiner, ready->chunk,
                       record.gap.cause == GAP_DAMAGED ? DAMAGE_BY_UNREADABLE : DAMAGE_BY_MISSING,
                       record.gap.reason);
        joiner_republish(session->joiner, ready->chunk % REPUBLISH_INTERVALS, REPUBLISH_INTERVALS);
        release(partition, session, ready->chunk + 1);
        if (record.gap.final)
            end_session(partition, session, ready->chunk);
        else
            send_results(partition, session, ready->chunk);
    }
    arena_clear(&arena);
    return status;
}

static bool has_clock(const uint8_t uuid[16])
{
    static const uint8_t none[16];
    return memcmp(uuid, none, sizeof none) != 0;
}

static bool same_clock(const struct session *session, const struct interval_end *end)
{
    const uint8_t *known = session->header.clock_uuid;
    return !has_clock(known) || !has_clock(end->clock_uuid) ||
           memcmp(known, end->clock_uuid, sizeof end->clock_uuid) == 0;
}

/* Whether the interval may follow the joined ones; one that begins later follows a gap. */
static enum status check_border(struct partition *partition, struct session *session,
                                uint64_t chunk, struct interval_end *end, struct failure *why)
{
    if (!same_clock(session, end))
        return fail(why, STATUS_REJECT,
                    "its clock differs from that of the session's earlier chunks");
    bool first = chunk == session->header.first_chunk;
    if (first || end->gap_before || end->begin_ns == session->end_ns)
        return STATUS_OK;
    if (end->begin_ns < session->end_ns)
        return fail(why, STATUS_REJECT, "begins %llu ns before the end of the previous chunk",
                    (unsigned long long)(session->end_ns - end->begin_ns));
    partition->counts.mismatches++;
    notify(
        partition, session,
        (struct partition_news){
            PARTITION_MISMATCH, .chunk = chunk,
            .what = "begins after the end of the previous chunk: the events in between are lost"});
    end->gap_before = true;
    return STATUS_OK;
}

static void notify_phases(struct partition *partition, struct session *session,
                          const struct interval_end *end)
{
    struct arena arena = {.first = NULL};
    struct phases_news news = session_phases_join(&session->phases, end, &arena);
    if (news.change)
        notify(partition, session,
               (struct partition_news){PARTITION_PHASES_CHANGED, .chunk = end->chunk,
                                       .what = news.change});
    for (size_t i = 0; i < news.fault_count; i++)
        notify(partition, session,
               (struct partition_news){PARTITION_PHASE_FAULT, .chunk = end->chunk,
                                       .what = news.faults[i]});
    arena_clear(&arena);
}

static void join_whole(struct partition *partition, struct session *session, uint64_t chunk,
                       struct decoded_chunk *whole)
{
    struct interval_end end = whole->end;
    assert(end.chunk == chunk && end.begin_ns <= end.end_ns);
    notify_phases(partition, session, &end);
    remember_border(session, chunk, end.gap_before);
    session->end_ns = end.end_ns;
    session->gap = false;
    if (has_clock(end.clock_uuid))
        memcpy(session->header.clock_uuid, end.clock_uuid, sizeof end.clock_uuid);
    partition->counts.chunks++;
    partition->counts.events += end.events;
    bool final = end.final;
    notify(partition, session,
           (struct partition_news){PARTITION_JOINED, .chunk = chunk, .events = end.events,
                                   .tallies = &end.tallies});
    joiner_add(session->joiner, &whole->row, &whole->end);
    joiner_republish(session->joiner, chunk % REPUBLISH_INTERVALS, REPUBLISH_INTERVALS);
    release(partition, session, chunk + 1);
    if (final)
        end_session(partition, session, chunk);
    else
        send_results(partition, session, chunk);
}

static enum status join(struct partition *partition, const struct ready_chunk *ready,
                        struct failure *why)
{
    struct session *session = session_at(partition, text_of(ready->session));
    session->changed = true;
    enum status status = session_wake(session, why);
    if (status != STATUS_OK)
        return status == STATUS_REJECT ? STATUS_STOP : status; /* unreadable state */
    if (ready->is_gap)
        return join_gap(partition, session, ready, why);
    if (session->header.ended)
        notify(partition, session,
               (struct partition_news){PARTITION_SESSION_BEGUN, .chunk = ready->chunk,
                                       .what = "the session continues after its end"});
    session->header.ended = false;

    struct decoded_chunk whole;
    status = decoded_chunk_read(ready->records, ready->count, session->schema, NULL, &whole, why);
    if (status == STATUS_OK) {
        whole.end.gap_before |= ready->gap_before || session->gap;
        status = check_border(partition, session, ready->chunk, &whole.end, why);
    }
    if (status == STATUS_OK) {
        join_whole(partition, session, ready->chunk, &whole);
    } else if (status == STATUS_REJECT) {
        partition->counts.refused++;
        notify(
            partition, session,
            (struct partition_news){PARTITION_REFUSED, .chunk = ready->chunk, .what = why->text});
        session->gap = true;
        joiner_missing(session->joiner, ready->chunk, DAMAGE_BY_REFUSED, text_of(why->text));
        release(partition, session, ready->chunk + 1);
        joiner_republish(session->joiner, ready->chunk % REPUBLISH_INTERVALS, REPUBLISH_INTERVALS);
        if (whole.end.final)
            end_session(partition, session, ready->chunk);
        else
            send_results(partition, session, ready->chunk);
    }
    decoded_chunk_clear(&whole);
    return status;
}

static bool is_silence(struct bytes record)
{
    struct arena arena = {.first = NULL};
    struct decoded_record decoded;
    struct failure ignored;
    bool silence = partial_decode(record, NULL, &arena, &decoded, &ignored) == STATUS_OK &&
                   decoded.is_gap && decoded.gap.cause == GAP_SILENCE;
    arena_clear(&arena);
    return silence;
}

/* The session is considered ended, although no chunk says so. This uses no chunk number: if the
 * session returns, its next chunk follows a gap. */
static void join_silence(struct partition *partition, const struct record_meta *meta)
{
    struct session *session = find(partition, meta->session);
    if (!session || !session->joiner ||
        waiting_next_chunk(partition->waiting, meta->session, 0) != meta->chunk)
        return; /* written before it ended or continued */
    notify(partition, session,
           (struct partition_news){PARTITION_SILENT, .chunk = meta->chunk,
                                   .what =
                                       "no data for a long time: the session is considered ended"});
    end_session(partition, session, meta->chunk);
    session->gap = session->changed = true;
}

/* Joined rows may still wait in the queue, decoded, until the current threads are known. */
static void count_queued(struct partition *partition)
{
    size_t bytes = 0;
    for (size_t i = 0; i < partition->count; i++)
        if (partition->sessions[i]->joiner)
            bytes += joiner_queued_bytes(partition->sessions[i]->joiner);
    waiting_elsewhere(partition->waiting, bytes);
}

/* The clocks distinguish two hosts of one name whose sessions began in the same second. Chunks of
 * the second one are refused on arrival: they are neither joined nor stored instead of those of the
 * first, nor counted as duplicates. */
static enum status check_clock(const struct partition *partition, const struct record_place *place,
                               struct bytes bytes, struct failure *why)
{
    const struct session *session = find(partition, place->meta.session);
    if (!place->is_end || !session)
        return STATUS_OK;
    struct arena arena = {.first = NULL};
    struct decoded_record record;
    enum status status = partial_decode(bytes, NULL, &arena, &record, why);
    bool same = status != STATUS_OK || same_clock(session, &record.end);
    arena_clear(&arena);
    if (same)
        return STATUS_OK; /* decoding errors are reported at the join */
    return fail(why, STATUS_REJECT,
                "%.*s: chunk %llu: its clock differs from that of the session's earlier chunks: "
                "two hosts have the same name, or one was cloned",
                (int)place->meta.session.count, place->meta.session.at,
                (unsigned long long)place->meta.chunk);
}

enum status partition_take(struct partition *partition, struct bytes record, int64_t offset,
                           int64_t time_ms, struct failure *why)
{
    struct record_place place;
    partition->counts.records++;
    enum status status = partial_peek(record, &place, why);
    if (status != STATUS_OK) {
        partition->counts.refused += status == STATUS_REJECT;
        return status;
    }
    if (place.is_gap && is_silence(record)) {
        join_silence(partition, &place.meta);
        return STATUS_OK;
    }
    status = check_clock(partition, &place, record, why);
    if (status != STATUS_OK) {
        partition->counts.refused++;
        return status;
    }
    enum waiting_outcome outcome = waiting_add(partition->waiting, &place, record, offset);
    if (outcome == WAITING_REPEATED) {
        partition->counts.repeated++;
        return STATUS_OK;
    }
    if (outcome == WAITING_REFUSED) {
        partition->counts.refused++;
        return fail(why, STATUS_REJECT,
                    "%.*s: chunk %llu: record %llu is inconsistent with its attempt",
                    (int)place.meta.session.count, place.meta.session.at,
                    (unsigned long long)place.meta.chunk, (unsigned long long)place.index);
    }
    struct session *session = session_at(partition, place.meta.session);
    if (session->header.changed_ms == 0) {
        session->header.first_chunk = session->header.next = place.meta.first_chunk;
        notify(partition, session,
               (struct partition_news){PARTITION_SESSION_BEGUN, .chunk = place.meta.first_chunk});
    }
    if (session->header.changed_ms < time_ms)
        session->header.changed_ms = time_ms;
    struct ready_chunk ready;
    while (status == STATUS_OK &&
           (status = waiting_next(partition->waiting, &ready, why)) == STATUS_OK) {
        status = join(partition, &ready, why);
        if (status == STATUS_REJECT)
            status = STATUS_OK; /* reported, and joined as a gap */
        ready_chunk_clear(&ready);
        count_queued(partition);
    }
    return status == STATUS_END ? STATUS_OK : status;
}

/* --- restoring --- */

/* The session in a header's key; none if the key is of another record. */
static struct text session_of_header(struct text key)
{
    size_t suffix = sizeof "/" HEADER - 1;
    if (key.count <= suffix || memcmp(key.at + key.count - suffix, "/" HEADER, suffix) != 0)
        return (struct text){NULL, 0};
    return (struct text){key.at, key.count - suffix};
}

static enum status restore_header(struct partition *partition, const struct key_value *entry,
                                  struct text name, struct failure *why)
{
    struct session *session = session_at(partition, name);
    enum status status = session_header_decode(entry->value, &session->header, why);
    if (status != STATUS_OK) {
        failure_prefix(why, "state of %s", session->name);
        return status;
    }
    session->end_ns = session->header.end_ns;
    waiting_resume(partition->waiting, name, session->header.next, session->header.first_chunk,
                   session->header.gap);
    state_diff_know(session->diff, text_of(HEADER), entry->value);
    return STATUS_OK;
}

/* The session of the key: the one with the longest name before a slash. */
static struct session *session_of_key(const struct partition *partition, struct text key)
{
    for (size_t i = key.count; i-- > 0;)
        if (key.at[i] == '/') {
            struct session *session = find(partition, (struct text){key.at, i});
            if (session)
                return session;
        }
    return NULL;
}

enum status partition_restore(struct partition *partition, const struct key_value *entries,
                              size_t count, struct failure *why)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct text name = session_of_header(entries[i].key);
        if (name.count > 0)
            status = restore_header(partition, &entries[i], name, why);
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (session_of_header(entries[i].key).count > 0)
            continue;
        struct session *session = session_of_key(partition, entries[i].key);
        if (!session)
            return fail(why, STATUS_REJECT, "state of %.*s, which has no header",
                        (int)entries[i].key.count, entries[i].key.at);
        size_t prefix = strlen(session->name) + 1;
        struct text suffix = {entries[i].key.at + prefix, entries[i].key.count - prefix};
        if (session_phases_is(suffix))
            status = session_phases_restore(&session->phases, entries[i].value, why);
        else
            keep_record(session, suffix, entries[i].value);
        state_diff_know(session->diff, suffix, entries[i].value);
    }
    for (size_t i = 0; i < partition->count && status == STATUS_OK; i++)
        if (!partition->sessions[i]->header.ended)
            status = session_wake(partition->sessions[i], why);
    return status;
}

/* --- for the owner of the clock --- */

int64_t partition_oldest(const struct partition *partition, int64_t next)
{
    int64_t oldest;
    return waiting_oldest(partition->waiting, &oldest) && oldest < next ? oldest : next;
}

size_t partition_holes(const struct partition *partition, struct waiting_hole **holes, size_t *room)
{
    return waiting_holes(partition->waiting, holes, room);
}

size_t partition_silences(const struct partition *partition, struct partition_silence **silences,
                          size_t *room)
{
    size_t count = 0;
    for (size_t i = 0; i < partition->count; i++) {
        const struct session *session = partition->sessions[i];
        if (session->header.ended)
            continue;
        *silences = memory_grow(*silences, room, count + 1, sizeof **silences);
        (*silences)[count++] = (struct partition_silence){
            .session = text_of(session->name),
            .next = waiting_next_chunk(partition->waiting, text_of(session->name),
                                       session->header.next),
            .first_chunk = session->header.first_chunk,
            .last_ms = session->header.changed_ms};
    }
    return count;
}

void partition_forget(struct partition *partition, int64_t time_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < partition->count; i++) {
        struct session *session = partition->sessions[i];
        if (!session->header.ended || session->header.changed_ms >= time_ms) {
            partition->sessions[kept++] = session;
            continue;
        }
        assert(!session->joiner);
        struct keying keying = {partition, session};
        state_diff_begin(session->diff, (struct keep_sink){.take = put_state, .context = &keying});
        state_diff_end(session->diff); /* nothing is left of it */
        waiting_forget(partition->waiting, text_of(session->name));
        session_free(session);
    }
    partition->count = kept;
}

struct partition_counts partition_counts(const struct partition *partition)
{
    return partition->counts;
}

size_t partition_waiting_bytes(const struct partition *partition, size_t *in_file)
{
    return waiting_bytes(partition->waiting, in_file);
}

size_t partition_waiting(const struct partition *partition)
{
    return waiting_count(partition->waiting);
}
