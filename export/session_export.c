#include "export/session_export.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/row.h"
#include "export/exemplars.h"
#include "export/views.h"

enum { FORMAT = 2 /* 1: without since_ms */, HEADER_NUMBERS = 8 };

struct session_export *session_export_new(struct text name, size_t series_limit,
                                          const struct cell_views *cells)
{
    struct session_export *session = memory_new(sizeof *session);
    session->name = memory_string(name);
    session->series.limit = series_limit;
    session->cells = cells;
    return session;
}

void session_export_free(struct session_export *session)
{
    if (!session)
        return;
    series_clear(&session->series);
    entities_clear(&session->entities);
    free(session->name);
    free(session);
}

/* --- taking --- */

/* The data of the marks of an interval. */
struct marks {
    bool any, any_event;
    uint64_t chunk; /* the last */
    uint64_t first_ns, last_ns;
    int64_t offset_ns;
};

static struct marks marks_of(const struct result_record *records, size_t count)
{
    struct marks marks = {.any = false};
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < records[i].count; j++) {
            const struct result *result = &records[i].results[j];
            if (result->type != RESULT_INTERVAL)
                continue;
            const struct interval_fact *mark = result->interval;
            if (!marks.any || mark->chunk > marks.chunk)
                marks.chunk = mark->chunk;
            marks.any = true;
            if (!mark->any_event)
                continue;
            if (!marks.any_event || mark->first_ns < marks.first_ns)
                marks.first_ns = mark->first_ns;
            if (!marks.any_event || mark->last_ns > marks.last_ns)
                marks.last_ns = mark->last_ns;
            marks.offset_ns = mark->offset_ns;
            marks.any_event = true;
        }
    return marks;
}

static int64_t wall_ms(const struct session_export *session, uint64_t raw_ns)
{
    return ((int64_t)raw_ns + session->offset_ns) / 1000000;
}

/* The times of its samples: each at least 1 ms later than that of the previous interval. */
static void set_times(struct session_export *session, const struct marks *marks,
                      struct samples *out)
{
    if (!session->any_time) {
        session->offset_ns = marks->offset_ns;
        session->since_ms = wall_ms(session, marks->first_ns);
    }
    out->end_ms = wall_ms(session, marks->last_ns);
    int64_t sample_ms = session->series.sample_ms;
    if (out->end_ms <= sample_ms)
        out->end_ms = sample_ms + 1;
    out->begin_ms = session->any_time ? sample_ms : wall_ms(session, marks->first_ns);
    if (out->begin_ms >= out->end_ms)
        out->begin_ms = out->end_ms - 1;
    session->any_time = true;
}

static void each_result(const struct view_target *target, const struct result_record *records,
                        size_t count,
                        void (*take)(const struct view_target *target, const struct result *result))
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < records[i].count; j++)
            take(target, &records[i].results[j]);
}

/* The samples of the changed series; none while no time is known. */
static void take_samples(struct session_export *session, const struct view_target *target,
                         const struct marks *marks, struct arena *arena, struct samples *out,
                         struct sample **at)
{
    *at = NULL;
    if (!marks->any_event && !session->any_time)
        return;
    if (marks->any_event) {
        set_times(session, marks, out);
        views_put_newest(target, out->end_ms);
    } else { /* the end of the session, or a gap: no time is later than the last one */
        out->begin_ms = session->series.sample_ms;
        out->end_ms = out->begin_ms + 1;
    }
    out->since_ms = session->since_ms < out->begin_ms ? session->since_ms : out->begin_ms;
    out->count = series_take_samples(&session->series, out->end_ms, arena, at);
    out->at = *at;
}

bool session_export_take(struct session_export *session, const struct result_record *records,
                         size_t count, struct arena *arena, struct export_interval *out)
{
    assert(count > 0 && records[count - 1].last);
    *out = (struct export_interval){.record_count = 0};
    struct marks marks = marks_of(records, count);
    if (marks.any && marks.chunk < session->next)
        return false;
    const struct view_target target = {&session->series, &session->entities, session->cells,
                                       records[0].meta.chunk};
    each_result(&target, records, count, views_take_fact);
    entities_name(&session->entities);
    each_result(&target, records, count, views_take_number);
    entities_forget(&session->entities, target.chunk);
    if (marks.any)
        session->next = marks.chunk + 1;
    session->unsaved = true;
    out->samples = (struct samples){.session = text_of(session->name), .chunk = target.chunk};
    struct text name, created;
    text_session(out->samples.session, &out->samples.host, &name, &created);
    struct sample *samples;
    take_samples(session, &target, &marks, arena, &out->samples, &samples);
    out->records = records;
    out->record_count = count;
    out->entities = &session->entities;
    out->any_time = session->any_time;
    out->offset_ns = session->offset_ns;
    exemplars_put(out, views_phase_durations(), samples, out->samples.count, arena);
    return true;
}

/* --- as bytes --- */

static struct bytes save_header(const struct session_export *session,
                                uint8_t room[HEADER_NUMBERS * ROW_NUMBER + ROW_SLACK])
{
    uint8_t *at = row_put(room, FORMAT);
    at = row_put(at, session->next);
    at = row_put(at, session->any_time);
    at = row_put_signed(at, session->series.sample_ms);
    at = row_put_signed(at, session->offset_ns);
    at = row_put_signed(at, session->last_record_ms);
    at = row_put(at, session->series.keys.count);
    at = row_put_signed(at, session->since_ms);
    return (struct bytes){room, (size_t)(at - room)};
}

struct thread_sink {
    const struct session_sink *sink;
};

static void take_threads(void *context, uint64_t number, struct bytes block)
{
    const struct session_sink *sink = ((const struct thread_sink *)context)->sink;
    sink->take(sink->context, 't', number, block);
}

void session_export_save(struct session_export *session, struct session_sink sink)
{
    if (!session->unsaved)
        return;
    uint8_t room[HEADER_NUMBERS * ROW_NUMBER + ROW_SLACK];
    sink.take(sink.context, 'h', 0, save_header(session, room));
    struct arena arena = {.first = NULL};
    struct bytes block;
    for (size_t at = 0; series_save(&session->series, &at, &arena, &block); at++)
        sink.take(sink.context, 's', at, block);
    arena_clear(&arena);
    struct thread_sink threads = {&sink};
    entities_save(&session->entities, take_threads, &threads);
    session->unsaved = false;
}

void session_export_drop(struct session_export *session, struct session_sink sink)
{
    const struct bytes none = {NULL, 0};
    for (size_t i = 0; i * SERIES_BLOCK < session->series.keys.count; i++)
        sink.take(sink.context, 's', i, none);
    /* Drops all threads: their blocks become empty. */
    entities_forget(&session->entities, UINT64_MAX);
    struct thread_sink threads = {&sink};
    entities_save(&session->entities, take_threads, &threads);
    sink.take(sink.context, 'h', 0, none);
}

static const struct family *find_family(const void *context, struct text name)
{
    return views_find_family(context, name);
}

static enum status restore_header(struct session_export *session, struct bytes block,
                                  struct failure *why)
{
    struct row_reader row = {.at = block.at, .end = block.at + block.count};
    uint64_t format = row_take(&row);
    if (format > FORMAT)
        return fail(why, STATUS_STOP,
                    "format %llu of a session is newer than this program supports (%d)",
                    (unsigned long long)format, FORMAT);
    session->next = row_take(&row);
    session->any_time = row_take(&row) != 0;
    session->series.sample_ms = row_take_signed(&row);
    session->offset_ns = row_take_signed(&row);
    session->last_record_ms = row_take_signed(&row);
    uint64_t count = row_take(&row);
    session->since_ms = format > 1 ? row_take_signed(&row) : 0;
    if (row.bad || row_left(&row) > 0)
        return fail(why, STATUS_REJECT, "not a session header: %zu bytes", block.count);
    if (count != session->series.keys.count)
        return fail(why, STATUS_REJECT, "the header lists %llu series, but there are %zu",
                    (unsigned long long)count, session->series.keys.count);
    return STATUS_OK;
}

enum status session_export_restore(struct session_export *session, char kind, uint64_t number,
                                   struct bytes block, struct failure *why)
{
    switch (kind) {
    case 's':
        if (number != (session->series.keys.count + SERIES_BLOCK - 1) / SERIES_BLOCK)
            return fail(why, STATUS_REJECT, "no block of series before number %llu",
                        (unsigned long long)number);
        return series_restore(&session->series, block, find_family, session->cells, why);
    case 't': return entities_restore(&session->entities, block, why);
    case 'h': return restore_header(session, block, why);
    default: return fail(why, STATUS_REJECT, "a block of unknown type");
    }
}
