#include "cli/result_log.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "bus/reader.h"
#include "results/fold.h"
#include "wire/key.h"
#include "wire/result_codec.h"

enum { ANSWER_TRIES = 10 };

struct partition {
    int64_t end; /* when the log was opened */
    bool read;   /* up to there */
};

struct session {
    struct fold *fold; /* NULL: nobody asks for it */
    bool torn;
};

struct result_log {
    const struct result_log_options *options;
    struct bus_reader *reader;
    struct partition *partitions;
    int32_t partition_count;
    int32_t unread;     /* partitions */
    struct names names; /* of sessions: their ids are indices of the next */
    struct session *sessions;
    size_t session_count, session_room;
    size_t torn; /* sessions */
    size_t records, damaged;
};

/* --- where to begin --- */

static bool is_over(const struct result_log *log)
{
    return log->options->over && log->options->over(log->options->context);
}

static enum status count_partitions(struct result_log *log, struct failure *why)
{
    enum status status;
    int tries = 0;
    do
        status = bus_reader_partitions(log->reader, BUS_RESULTS, &log->partition_count, why);
    while (status == STATUS_RETRY && ++tries < ANSWER_TRIES && !is_over(log));
    return status;
}

static enum status find_range(struct result_log *log, int32_t partition, int64_t *first,
                              struct failure *why)
{
    struct partition *at = &log->partitions[partition];
    enum status status;
    int tries = 0;
    do
        status = bus_reader_range(log->reader, BUS_RESULTS, partition, first, &at->end, why);
    while (status == STATUS_RETRY && ++tries < ANSWER_TRIES && !is_over(log));
    return status;
}

static enum status start(struct result_log *log, struct failure *why)
{
    enum status status = count_partitions(log, why);
    if (status != STATUS_OK)
        return status;
    size_t count = (size_t)log->partition_count;
    log->partitions = memory_new(count * sizeof *log->partitions);
    struct bus_start *starts = memory_new(count * sizeof *starts);
    for (int32_t i = 0; i < log->partition_count && status == STATUS_OK; i++) {
        int64_t first = 0;
        status = find_range(log, i, &first, why);
        struct partition *partition = &log->partitions[i];
        if (log->options->from_end)
            first = partition->end;
        partition->read = first >= partition->end;
        log->unread += !partition->read;
        starts[i] = (struct bus_start){.topic = BUS_RESULTS, .partition = i, .offset = first};
    }
    if (status == STATUS_OK)
        status = bus_reader_assign(log->reader, starts, count, why);
    free(starts);
    return status;
}

enum status result_log_open(const struct result_log_options *options, struct result_log **out,
                            struct failure *why)
{
    struct result_log *log = memory_new(sizeof *log);
    log->options = options;
    enum status status = bus_reader_new(options->bus, true, &log->reader, why);
    if (status == STATUS_OK)
        status = start(log, why);
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
    free(log->partitions);
    bus_reader_free(log->reader);
    free(log);
}

/* --- records --- */

static bool is_wanted(const struct result_log *log, const char *session)
{
    for (size_t i = 0; i < log->options->session_count; i++)
        if (fnmatch(log->options->sessions[i], session, 0) == 0)
            return true;
    return log->options->session_count == 0;
}

static struct session *session_at(struct result_log *log, struct text name)
{
    uint32_t id = names_id(&log->names, name);
    if (id < log->session_count)
        return &log->sessions[id];
    log->sessions = memory_grow(log->sessions, &log->session_room, log->session_count + 1,
                                sizeof *log->sessions);
    struct session *session = &log->sessions[log->session_count++];
    bool wanted = is_wanted(log, names_text(&log->names, id).at);
    *session = (struct session){.fold = wanted ? fold_new(name) : NULL};
    return session;
}

static void take_record(struct result_log *log, const struct result_record *record)
{
    struct session *session = session_at(log, record->meta.session);
    if (!session->fold)
        return;
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
    if (message->key.count && !session_at(log, key_session(message->key))->fold)
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
    enum status status = bus_reader_poll(log->reader, timeout_ms, &message, why);
    if (status != STATUS_OK)
        return status;
    if (!message.end)
        status = take_message(log, &message, why);
    if (message.partition < 0 || message.partition >= log->partition_count)
        return status;
    struct partition *partition = &log->partitions[message.partition];
    if (!partition->read && (message.end || message.offset + 1 >= partition->end)) {
        partition->read = true;
        log->unread--;
    }
    return status;
}

bool result_log_is_read(const struct result_log *log)
{
    return log->unread == 0;
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
            fold_report(log->sessions[i].fold, &out->arena, true,
                        &out->sessions[out->session_count++]);
    qsort(out->sessions, out->session_count, sizeof *out->sessions, by_name);
}
