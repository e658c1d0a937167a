#include "export/exporter.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "export/session_export.h"

struct exporter {
    struct exporter_options options;
    struct cell_views *cells;
    struct session_export **sessions;
    size_t count, room;
    /* Records of an interval: an incomplete one, or the one returned last. */
    struct arena arena;
    struct result_record *records;
    size_t record_count, record_room;
    bool given;
    int64_t first_offset;
    struct arena samples; /* returned last */
    uint64_t over;        /* of dropped sessions */
};

struct exporter *exporter_new(const struct exporter_options *options)
{
    struct exporter *exporter = memory_new(sizeof *exporter);
    exporter->options = *options;
    exporter->cells = cell_views_new();
    return exporter;
}

void exporter_free(struct exporter *exporter)
{
    if (!exporter)
        return;
    for (size_t i = 0; i < exporter->count; i++)
        session_export_free(exporter->sessions[i]);
    free(exporter->sessions);
    cell_views_free(exporter->cells);
    free(exporter->records);
    arena_clear(&exporter->arena);
    arena_clear(&exporter->samples);
    free(exporter);
}

static struct session_export *find(const struct exporter *exporter, struct text name)
{
    for (size_t i = 0; i < exporter->count; i++)
        if (text_equal(text_of(exporter->sessions[i]->name), name))
            return exporter->sessions[i];
    return NULL;
}

static struct session_export *session_at(struct exporter *exporter, struct text name)
{
    struct session_export *session = find(exporter, name);
    if (session)
        return session;
    exporter->sessions = memory_grow(exporter->sessions, &exporter->room, exporter->count + 1,
                                     sizeof(struct session_export *));
    session = session_export_new(name, exporter->options.series_limit, exporter->cells);
    exporter->sessions[exporter->count++] = session;
    return session;
}

static void notify(const struct exporter *exporter, enum exporter_event event, struct text session,
                   uint64_t chunk)
{
    if (exporter->options.notify)
        exporter->options.notify(exporter->options.context, event, session, chunk);
}

/* --- records --- */

static void drop_records(struct exporter *exporter)
{
    exporter->record_count = 0;
    exporter->given = false;
    arena_clear(&exporter->arena);
}

/* Whether `record` follows the waiting ones; the parts of an interval are consecutive. */
static bool follows(const struct exporter *exporter, const struct result_record *record)
{
    const struct result_record *first = exporter->records;
    if (record->part != exporter->record_count)
        return false;
    return exporter->record_count == 0 || (record->meta.chunk == first->meta.chunk &&
                                           text_equal(record->meta.session, first->meta.session));
}

static void take_interval(struct exporter *exporter, int64_t time_ms, struct export_interval *out)
{
    const struct result_meta *meta = &exporter->records[0].meta;
    struct session_export *session = session_at(exporter, meta->session);
    session->last_record_ms = time_ms;
    if (!session_export_take(session, exporter->records, exporter->record_count, &exporter->samples,
                             out))
        notify(exporter, EXPORTER_REPEATED, meta->session, meta->chunk);
    if (session->series.over > 0 && !session->over_reported) {
        session->over_reported = true;
        notify(exporter, EXPORTER_OVER_LIMIT, meta->session, meta->chunk);
    }
}

enum status exporter_take(struct exporter *exporter, struct bytes bytes, int64_t offset,
                          int64_t time_ms, struct export_interval *out, struct failure *why)
{
    *out = (struct export_interval){.record_count = 0};
    arena_clear(&exporter->samples);
    if (exporter->given)
        drop_records(exporter);
    struct result_record record;
    enum status status = result_decode(bytes, &exporter->arena, &record, why);
    if (status != STATUS_OK) {
        drop_records(exporter);
        return status;
    }
    if (!follows(exporter, &record)) {
        const struct result_meta *torn =
            exporter->record_count > 0 ? &exporter->records[0].meta : &record.meta;
        notify(exporter, EXPORTER_TORN, torn->session, torn->chunk);
        drop_records(exporter);
        if (record.part != 0)
            return STATUS_OK;
        status = result_decode(bytes, &exporter->arena, &record, why);
        assert(status == STATUS_OK);
    }
    if (exporter->record_count == 0)
        exporter->first_offset = offset;
    exporter->records = memory_grow(exporter->records, &exporter->record_room,
                                    exporter->record_count + 1, sizeof *exporter->records);
    exporter->records[exporter->record_count++] = record;
    if (!record.last)
        return STATUS_OK;
    take_interval(exporter, time_ms, out);
    exporter->given = true;
    return STATUS_OK;
}

int64_t exporter_oldest(const struct exporter *exporter, int64_t next)
{
    return exporter->record_count > 0 && !exporter->given ? exporter->first_offset : next;
}

bool exporter_is_unsaved(const struct exporter *exporter, struct text name)
{
    const struct session_export *session = find(exporter, name);
    return session && session->unsaved;
}

size_t exporter_sessions(const struct exporter *exporter)
{
    return exporter->count;
}

size_t exporter_series(const struct exporter *exporter, uint64_t *over)
{
    size_t series = 0;
    *over = exporter->over;
    for (size_t i = 0; i < exporter->count; i++) {
        series += exporter->sessions[i]->series.keys.count;
        *over += exporter->sessions[i]->series.over;
    }
    return series;
}

/* --- saved records: GROUP/KIND/NUMBER/SESSION --- */

struct saving {
    const struct exporter *exporter;
    const struct session_export *session;
};

static void put_state(void *context, char kind, uint64_t number, struct bytes block)
{
    const struct saving *saving = context;
    const struct exporter_options *options = &saving->exporter->options;
    char *key =
        memory_format("%s/%c/%" PRIu64 "/%s", options->group, kind, number, saving->session->name);
    options->state.take(options->state.context, text_of(key), block);
    free(key);
}

void exporter_save(struct exporter *exporter)
{
    for (size_t i = 0; i < exporter->count; i++) {
        struct saving saving = {exporter, exporter->sessions[i]};
        session_export_save(exporter->sessions[i], (struct session_sink){put_state, &saving});
    }
}

size_t exporter_forget(struct exporter *exporter, int64_t before_ms)
{
    size_t kept = 0, count = exporter->count;
    for (size_t i = 0; i < count; i++) {
        struct session_export *session = exporter->sessions[i];
        if (session->unsaved || session->last_record_ms >= before_ms) {
            exporter->sessions[kept++] = session;
            continue;
        }
        struct saving saving = {exporter, session};
        session_export_drop(session, (struct session_sink){put_state, &saving});
        exporter->over += session->series.over;
        session_export_free(session);
    }
    exporter->count = kept;
    return count - kept;
}

/* --- restoring --- */

struct parsed {
    char kind;
    uint64_t number;
    struct text session;
    struct bytes value;
};

/* False: a key of another group, or invalid. */
static bool parse(struct text key, const char *group, struct parsed *out)
{
    size_t length = strlen(group), at = length + 3;
    if (key.count <= at || memcmp(key.at, group, length) != 0 || key.at[length] != '/' ||
        key.at[length + 2] != '/')
        return false;
    *out = (struct parsed){.kind = key.at[length + 1]};
    for (; at < key.count && key.at[at] >= '0' && key.at[at] <= '9'; at++)
        out->number = out->number * 10 + (uint64_t)(key.at[at] - '0');
    if (at == key.count || key.at[at] != '/')
        return false;
    out->session = (struct text){key.at + at + 1, key.count - at - 1};
    return true;
}

/* The order of kinds: the header is last, because it has the number of series. */
static int rank(char kind)
{
    return kind == 's' ? 0 : kind == 't' ? 1 : 2;
}

static int by_session_kind_number(const void *a, const void *b)
{
    const struct parsed *left = a, *right = b;
    size_t shorter =
        left->session.count < right->session.count ? left->session.count : right->session.count;
    int order = memcmp(left->session.at, right->session.at, shorter);
    if (order == 0)
        order = (left->session.count > right->session.count) -
                (left->session.count < right->session.count);
    if (order == 0)
        order = rank(left->kind) - rank(right->kind);
    return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

enum status exporter_restore(struct exporter *exporter, const struct key_value *entries,
                             size_t count, struct failure *why)
{
    assert(exporter->count == 0);
    struct parsed *parsed = memory_new((count + 1) * sizeof *parsed);
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        if (parse(entries[i].key, exporter->options.group, &parsed[used]))
            parsed[used++].value = entries[i].value;
    qsort(parsed, used, sizeof *parsed, by_session_kind_number);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < used && status == STATUS_OK; i++) {
        struct session_export *session = session_at(exporter, parsed[i].session);
        status =
            session_export_restore(session, parsed[i].kind, parsed[i].number, parsed[i].value, why);
        if (status != STATUS_OK)
            failure_prefix(why, "%s, block %c/%" PRIu64, session->name, parsed[i].kind,
                           parsed[i].number);
    }
    free(parsed);
    return status;
}
