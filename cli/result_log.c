#include "cli/result_log.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "cli/topic_reader.h"
#include "results/fold.h"
#include "wire/key.h"
#include "wire/result_codec.h"

struct session {
    bool wanted, torn;
    struct fold *fold; /* NULL until it has results */
};

struct result_log {
    const struct result_log_options *options;
    struct topic_reader reader;
    struct names names; /* of sessions: their ids are indices of the next */
    struct session *sessions;
    size_t session_count, session_room;
    size_t torn; /* sessions */
    size_t records, damaged;
};

enum status result_log_open(const struct result_log_options *options, struct result_log **out,
                            struct failure *why)
{
    struct result_log *log = memory_new(sizeof *log);
    log->options = options;
    struct topic_from from = {.begin = options->from_end ? TOPIC_END : TOPIC_FIRST};
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
    for (size_t i = 0; i < log->session_count; i++)
        fold_free(log->sessions[i].fold);
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
        (struct session){.wanted = result_log_wants(log->options, names_text(&log->names, id).at)};
    return session;
}

static void take_record(struct result_log *log, const struct result_record *record)
{
    struct session *session = session_at(log, record->meta.session);
    if (!session->wanted)
        return;
    if (!session->fold)
        session->fold = fold_new(record->meta.session);
    fold_set_chunk(session->fold, record->meta.chunk);
    for (size_t i = 0; i < record->count; i++)
        fold_take(session->fold, &record->results[i]);
    if (record->last && log->options->forget)
        fold_forget(session->fold);
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
    /* What nobody asks for need not be decoded. */
    if (message->key.count && !session_at(log, key_session(message->key))->wanted)
        return STATUS_OK;
    struct arena arena = {.first = NULL};
    struct result_record record;
    enum status status = result_decode(message->value, &arena, &record, why);
    if (status == STATUS_OK)
        take_record(log, &record);
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
        if (log->sessions[i].fold)
            fold_report(log->sessions[i].fold, &out->arena, &out->sessions[out->session_count++]);
    qsort(out->sessions, out->session_count, sizeof *out->sessions, by_name);
}
