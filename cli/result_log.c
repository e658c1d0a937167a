#include "cli/result_log.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "cli/render/report_filter.h"
#include "cli/topic_reader.h"
#include "results/fold.h"
#include "wire/key.h"
#include "wire/result_codec.h"

/* Records of a transaction that is not completely read. */
struct torn_flush {
    struct arena arena;
    struct result_record *records;
    size_t count, room;
    int64_t first_ns, last_ns; /* as in struct result_flush */
};

struct session {
    bool wanted, torn;
    bool counted;      /* some of it is in the window */
    bool is_any;       /* records were taken; the last one: */
    bool inside;       /* is in the window */
    struct fold *fold; /* NULL until it has results */
    struct torn_flush flush;
};

struct result_log {
    const struct result_log_options *options;
    struct topic_reader reader;
    struct names names; /* of sessions: their ids are indices of the next array */
    struct session *sessions;
    size_t session_count, session_room;
    size_t torn; /* sessions */
    size_t records, damaged;
    int64_t newest_ns; /* as result_log_newest_ns() */
};

static void flush_clear(struct torn_flush *flush)
{
    arena_clear(&flush->arena);
    free(flush->records);
    *flush = (struct torn_flush){.first_ns = REPORT_NONE, .last_ns = REPORT_NONE};
}

enum status result_log_open(const struct result_log_options *options, struct result_log **out,
                            struct failure *why)
{
    struct result_log *log = memory_new(sizeof *log);
    log->options = options;
    log->newest_ns = REPORT_NONE;
    struct topic_from from = {.begin = options->from_end  ? TOPIC_END
                                       : options->from_ms ? TOPIC_TIME
                                                          : TOPIC_FIRST,
                              .time_ms = options->from_ms};
    enum status status = topic_reader_open(&log->reader, options->bus, BUS_RESULTS, &from,
                                           options->over, options->context, why);
    *out = status == STATUS_OK ? log : NULL;
    if (status != STATUS_OK)
        result_log_free(log);
    return status;
}

void result_log_free(struct result_log *log)
{
    if (!log)
        return;
    for (size_t i = 0; i < log->session_count; i++) {
        flush_clear(&log->sessions[i].flush);
        fold_free(log->sessions[i].fold);
    }
    free(log->sessions);
    names_clear(&log->names);
    topic_reader_close(&log->reader);
    free(log);
}

/* --- records --- */

bool result_log_wants(const struct result_log_options *options, const char *session)
{
    for (size_t i = 0; i < options->session_count; i++)
        if (fnmatch(options->sessions[i], session, 0) == 0)
            return true;
    return options->session_count == 0;
}

static struct session *session_at(struct result_log *log, struct text name)
{
    uint32_t id = names_id(&log->names, name);
    if (id < log->session_count)
        return &log->sessions[id];
    log->sessions = memory_grow(log->sessions, &log->session_room, log->session_count + 1,
                                sizeof *log->sessions);
    struct session *session = &log->sessions[log->session_count++];
    *session =
        (struct session){.wanted = result_log_wants(log->options, names_text(&log->names, id).at),
                         .flush = {.first_ns = REPORT_NONE, .last_ns = REPORT_NONE}};
    return session;
}

/* --- flushes --- */

static bool is_whole(const struct result_log_options *options)
{
    return options->since_ns == 0 && options->until_ns == 0 && !options->take;
}

static void note_times(struct torn_flush *flush, const struct result_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct interval_fact *mark = record->results[i].interval;
        if (record->results[i].type != RESULT_INTERVAL || !mark->any_event)
            continue;
        int64_t first_ns = (int64_t)mark->first_ns + mark->offset_ns;
        int64_t last_ns = (int64_t)mark->last_ns + mark->offset_ns;
        if (flush->first_ns == REPORT_NONE || first_ns < flush->first_ns)
            flush->first_ns = first_ns;
        if (last_ns > flush->last_ns)
            flush->last_ns = last_ns;
    }
}

/* The time of records without events (a gap, the end of a session) is unknown: they belong to the
 * window of the previous ones. */
static bool is_inside(const struct result_log_options *options, const struct session *session)
{
    const struct torn_flush *flush = &session->flush;
    if (flush->last_ns == REPORT_NONE)
        return session->is_any ? session->inside : options->since_ns == 0;
    return (options->since_ns == 0 || flush->last_ns >= options->since_ns) &&
           (options->until_ns == 0 || flush->first_ns < options->until_ns);
}

/* Whether the result describes an entity and counts nothing. */
static bool is_fact(const struct result *result)
{
    return result->type == RESULT_PROCESS || result->type == RESULT_THREAD ||
           result->type == RESULT_DESCRIPTOR || result->type == RESULT_FIRST_CALL;
}

static void fold_record(const struct result_log *log, struct session *session,
                        const struct result_record *record, bool facts_only)
{
    if (!session->fold)
        session->fold = fold_new(record->meta.session);
    fold_set_chunk(session->fold, record->meta.chunk);
    for (size_t i = 0; i < record->count; i++)
        if (!facts_only || is_fact(&record->results[i]))
            fold_take(session->fold, &record->results[i]);
    if (record->last && log->options->forget)
        fold_forget(session->fold);
}

/* The transaction is completely read. */
static void take_flush(struct result_log *log, struct session *session, const char *name)
{
    const struct torn_flush *flush = &session->flush;
    bool inside = is_inside(log->options, session);
    session->counted |= inside;
    session->inside = inside;
    session->is_any = true;
    if (flush->last_ns > log->newest_ns)
        log->newest_ns = flush->last_ns;
    struct result_flush told = {name, flush->first_ns, flush->last_ns, flush->records,
                                flush->count};
    if (log->options->take && inside)
        log->options->take(log->options->context, &told);
    for (size_t i = 0; i < flush->count && !log->options->take; i++)
        fold_record(log, session, &flush->records[i], !inside);
}

static void list_intervals(const struct result_log *log, const struct session *session,
                           const struct result_record *record)
{
    for (size_t i = 0; i < record->count && log->options->interval; i++)
        if (record->results[i].type == RESULT_INTERVAL)
            log->options->interval(log->options->interval_context,
                                   names_text(&log->names, (uint32_t)(session - log->sessions)).at,
                                   record->results[i].interval);
}

/* The record is in `arena`, which the flush owns if it keeps the record. */
static void take_record(struct result_log *log, const struct result_record *record,
                        struct arena *arena)
{
    struct session *session = session_at(log, record->meta.session);
    if (!session->wanted)
        return;
    list_intervals(log, session, record);
    struct torn_flush *flush = &session->flush;
    if (is_whole(log->options)) {
        session->counted = true;
        fold_record(log, session, record, false);
    } else {
        if (record->part == 0)
            flush_clear(flush); /* the rest of the earlier records was never committed */
        flush->records =
            memory_grow(flush->records, &flush->room, flush->count + 1, sizeof *flush->records);
        flush->records[flush->count++] = *record;
        note_times(flush, record);
        arena_adopt(&flush->arena, arena);
        *arena = (struct arena){.first = NULL};
    }
    if (record->last && flush->count > 0) {
        take_flush(log, session, names_text(&log->names, (uint32_t)(session - log->sessions)).at);
        flush_clear(flush);
    }
    if (session->torn == record->last) {
        session->torn = !record->last;
        log->torn = session->torn ? log->torn + 1 : log->torn - 1;
    }
    log->records++;
}

static void pass_over(struct result_log *log, const struct bus_message *message,
                      struct failure *why)
{
    log->damaged++;
    failure_prefix(why, "partition %d at %lld", (int)message->partition,
                   (long long)message->offset);
    log->options->say(log->options->context, why->text);
}

static enum status take_message(struct result_log *log, const struct bus_message *message,
                                struct failure *why)
{
    /* Sessions that are not selected need not be decoded. */
    if (message->key.count && !session_at(log, key_session(message->key))->wanted)
        return STATUS_OK;
    struct arena arena = {.first = NULL};
    struct result_record record;
    enum status status = result_decode(message->value, &arena, &record, why);
    if (status == STATUS_OK)
        take_record(log, &record, &arena);
    arena_clear(&arena);
    if (status == STATUS_REJECT) {
        pass_over(log, message, why);
        status = STATUS_OK;
    }
    return status;
}

enum status result_log_poll(struct result_log *log, int timeout_ms, struct failure *why)
{
    struct bus_message message;
    enum status status = topic_reader_poll(&log->reader, timeout_ms, &message, why);
    return status == STATUS_OK && !message.end ? take_message(log, &message, why) : status;
}

bool result_log_is_read(const struct result_log *log)
{
    return topic_reader_is_read(&log->reader);
}

bool result_log_is_torn(const struct result_log *log)
{
    return log->torn > 0;
}

size_t result_log_records(const struct result_log *log)
{
    return log->records;
}

bool result_log_counted(const struct result_log *log)
{
    for (size_t i = 0; i < log->session_count; i++)
        if (log->sessions[i].counted)
            return true;
    return false;
}

int64_t result_log_newest_ns(const struct result_log *log)
{
    return log->newest_ns;
}

size_t result_log_damaged(const struct result_log *log)
{
    return log->damaged;
}

size_t result_log_sessions(const struct result_log *log)
{
    return log->session_count;
}

const char *result_log_session(const struct result_log *log, size_t index)
{
    return names_text(&log->names, (uint32_t)index).at;
}

static int by_name(const void *a, const void *b)
{
    const struct session_report *left = a, *right = b;
    return strcmp(left->session, right->session);
}

void result_log_report(const struct result_log *log, struct report *out)
{
    *out = (struct report){.session_count = 0};
    out->sessions = arena_take(&out->arena, (log->session_count + 1) * sizeof *out->sessions);
    for (size_t i = 0; i < log->session_count; i++)
        if (log->sessions[i].fold && log->sessions[i].counted)
            fold_report(log->sessions[i].fold, &out->arena, &out->sessions[out->session_count++]);
    for (size_t i = 0; i < out->session_count; i++)
        session_report_name_irqs(&out->sessions[i], &out->arena);
    if (out->session_count > 0)
        qsort(out->sessions, out->session_count, sizeof *out->sessions, by_name);
    if (log->options->since_ns != 0)
        report_filter_since(out, log->options->since_ns);
}
