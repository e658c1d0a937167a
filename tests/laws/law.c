#include "law.h"
#include "law_parts.h"
#include "map_piece.h"
#include "saved_state.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/render/json.h"
#include "core/settle.h"
#include "reducer/joiner.h"
#include "reducer/decoded_chunk.h"
#include "results/fold_queue.h"
#include "wire/partial_codec.h"
#include "wire/result_codec.h"

void law_trace_clear(struct law_trace *trace)
{
    arena_clear(&trace->arena);
    free(trace->events);
    trace->events = NULL;
    trace->count = trace->room = 0;
}

void law_trace_add(struct law_trace *trace, const struct event *event)
{
    trace->events =
        memory_grow(trace->events, &trace->room, trace->count + 1, sizeof *trace->events);
    trace->events[trace->count++] = event_copy(&trace->arena, event);
}

uint64_t law_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static int compare_times(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

void law_random_cuts(const struct law_trace *trace, uint64_t *state, uint64_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        at[i] = i < trace->change_count ? trace->changes[i].at_ns
                                        : trace->events[law_random(state) % trace->count].time_ns +
                                              law_random(state) % 2;
    qsort(at, count, sizeof *at, compare_times);
}

/* A part of the trace on its way: mapped and encoded, perhaps by another thread, then decoded. */
struct part {
    const struct law_trace *trace;
    uint64_t begin_ns, end_ns; /* of its interval */
    size_t first, end;         /* its events */
    uint64_t chunk, attempt;
    bool final;
    struct arena arena; /* holds the records */
    struct bytes *records;
    size_t record_count, record_room, bytes, items;
};

static void take_record(void *context, struct text key, struct bytes record)
{
    struct part *part = context;
    (void)key;
    uint8_t *copy = arena_take(&part->arena, record.count);
    memcpy(copy, record.at, record.count);
    part->records = memory_grow(part->records, &part->record_room, part->record_count + 1,
                                sizeof *part->records);
    part->records[part->record_count++] = (struct bytes){copy, record.count};
    part->bytes += record.count;
}

/* The trace with the definitions for the piece that begins at `begin_ns`. */
static struct schema *schema_at(const struct law_trace *trace, uint64_t begin_ns)
{
    struct schema *schema = trace->schema;
    for (size_t i = 0; i < trace->change_count; i++)
        if (trace->changes[i].at_ns <= begin_ns)
            schema = trace->changes[i].schema;
    return schema;
}

static struct field_value field_named(const struct event *event, const char *name)
{
    for (size_t i = 0; i < event->field_count; i++)
        if (strcmp(event->class->fields[i], name) == 0)
            return event->fields[i];
    return (struct field_value){.type = FIELD_ABSENT};
}

/* The event as a reader with that schema and those definitions returns it. */
static struct event read_under(struct schema *schema, const struct phase_set *set,
                               const struct event *from, struct arena *arena)
{
    struct event event = *from;
    enum domain domain = (enum domain)from->domain;
    event.class = from->kind == EVENT_LOSS
                      ? schema_loss_class(schema, domain)
                      : schema_class_under(schema, set, domain, text_of(from->class->name));
    event.call = from->call ? schema_call(schema, text_of(from->call->name)) : NULL;
    struct field_value *fields = arena_take(arena, (event.class->field_count + 1) * sizeof *fields);
    for (size_t i = 0; i < event.class->field_count; i++)
        fields[i] = field_named(from, event.class->fields[i]);
    event.fields = fields;
    event.field_count = (uint16_t)event.class->field_count;
    return event;
}

static void map_part(struct part *part)
{
    const struct law_trace *trace = part->trace;
    struct schema *schema = schema_at(trace, part->begin_ns);
    struct interval_end end = trace->facts;
    end.begin_ns = part->begin_ns;
    end.end_ns = part->end_ns;
    end.has_traces = part->begin_ns == 0;
    end.chunk = part->chunk;
    end.final = part->final;
    struct map_piece piece;
    map_piece_begin(&piece, schema, &end);
    struct arena arena = {.first = NULL};
    size_t count = part->end - part->first;
    struct event *events = arena_take(&arena, (count + 1) * sizeof *events);
    for (size_t i = 0; i < count; i++)
        events[i] = read_under(schema, piece.end.phases, &trace->events[part->first + i], &arena);
    map_piece_add(&piece, events, count);
    struct record_meta meta = {
        .session = text_of(trace->session), .chunk = part->chunk, .attempt = part->attempt};
    map_piece_end(&piece, &meta, (struct record_sink){take_record, part});
    part->items = piece.end.items;
    arena_clear(&arena);
}

/* The parts still to be mapped, for any number of threads. */
struct work {
    struct part *parts;
    const size_t *order;
    size_t count;
    atomic_size_t next;
};

static void *map_parts(void *context)
{
    struct work *work = context;
    for (;;) {
        size_t at = atomic_fetch_add(&work->next, 1);
        if (at >= work->count)
            return NULL;
        map_part(&work->parts[work->order[at]]);
    }
}

/* Maps all parts in an order drawn from `shuffle`, by up to four threads. */
static void map_all(struct part *parts, size_t count, unsigned shuffle)
{
    uint64_t random = shuffle + 1;
    size_t *order = memory_new(count * sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; shuffle && i > 1; i--) {
        size_t other = law_random(&random) % i, kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
    struct work work = {.parts = parts, .order = order, .count = count};
    pthread_t threads[3];
    size_t thread_count = shuffle ? law_random(&random) % 4 : 0;
    for (size_t i = 0; i < thread_count; i++)
        assert(pthread_create(&threads[i], NULL, map_parts, &work) == 0);
    map_parts(&work);
    for (size_t i = 0; i < thread_count; i++)
        pthread_join(threads[i], NULL);
    free(order);
}

/* A part that is mapped again gives identical records. */
static void check_repeat(const struct part *part)
{
    struct part again = *part;
    again.arena = (struct arena){0};
    again.records = NULL;
    again.record_count = again.record_room = again.bytes = 0;
    map_part(&again);
    assert(again.record_count == part->record_count);
    for (size_t i = 0; i < again.record_count; i++)
        assert(again.records[i].count == part->records[i].count &&
               memcmp(again.records[i].at, part->records[i].at, part->records[i].count) == 0);
    arena_clear(&again.arena);
    free(again.records);
}

/* As a reducer gets it. */
static void add_part(struct joiner *joiner, const struct part *part)
{
    struct decoded_chunk whole;
    struct failure why;
    if (decoded_chunk_read(part->records, part->record_count, part->trace->schema, NULL, &whole,
                           &why) != STATUS_OK) {
        fprintf(stderr, "law: chunk %llu: %s\n", (unsigned long long)part->chunk, why.text);
        abort();
    }
    joiner_add(joiner, &whole.row, &whole.end);
}

char *law_fold_report(const struct fold *fold)
{
    struct report report = {0};
    struct session_report session;
    fold_report(fold, &report.arena, &session);
    report.sessions = &session;
    report.session_count = 1;
    char *json = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&json, &size);
    report_write_json(out, &report, 1);
    fclose(out);
    arena_clear(&report.arena);
    return json;
}

static void take(void *fold, const struct result *result)
{
    fold_take(fold, result);
}

static void queue_result(void *queue, const struct result *result)
{
    fold_queue_take(queue, result);
}

static void queue_waits(void *queue, const struct waits_result *waits)
{
    fold_queue_take_waits(queue, waits);
}

static void queue_passed(void *queue, const struct passed_result *passed)
{
    fold_queue_take_passed(queue, passed);
}

/* Ends the joiner after part `last` and restores another from its state, read in any order;
 * republishes some live entities, which must change nothing. */
static struct joiner *restart(struct joiner *joiner, struct schema *schema, struct result_sink sink,
                              const struct part *parts, size_t last, uint64_t *random)
{
    struct saved_state saved = {.count = 0};
    joiner_republish(joiner, law_random(random) % 4, 4);
    uint64_t oldest = last + 1;
    if (!joiner_oldest_chunk(joiner, &oldest))
        oldest = last + 1;
    joiner_save(joiner, saved_state_sink(&saved));
    fold_queue_flush(sink.context); /* names belong to the joiner */
    joiner_free(joiner);
    for (size_t i = saved.count; i > 1; i--) {
        size_t other = law_random(random) % i;
        struct kept_record kept = saved.records[i - 1];
        saved.records[i - 1] = saved.records[other];
        saved.records[other] = kept;
    }
    struct failure why;
    if (joiner_restore(schema, sink, saved.records, saved.count, &joiner, &why) != STATUS_OK) {
        fprintf(stderr, "law: restart behind %zu: %s\n", last, why.text);
        abort();
    }
    for (size_t i = (size_t)oldest; i <= last; i++)
        add_part(joiner, &parts[i]);
    saved_state_clear(&saved);
    return joiner;
}

static struct part *part_trace(const struct law_trace *trace, struct law_cuts cuts)
{
    struct part *parts = memory_new((cuts.count + 1) * sizeof *parts);
    size_t at = 0;
    for (size_t i = 0; i <= cuts.count; i++) {
        struct part *part = &parts[i];
        part->trace = trace;
        part->chunk = i;
        part->attempt = 1;
        part->begin_ns = i > 0 ? cuts.at[i - 1] : 0;
        part->end_ns = i < cuts.count ? cuts.at[i] : UINT64_MAX;
        part->first = at;
        while (at < trace->count && trace->events[at].time_ns < part->end_ns)
            at++;
        part->end = at;
    }
    return parts;
}

void law_map_piece(const struct law_trace *trace, struct law_cuts cuts, size_t index,
                   uint64_t attempt, struct record_sink sink)
{
    struct part *parts = part_trace(trace, cuts);
    struct part *part = &parts[index];
    part->attempt = attempt;
    part->final = index == cuts.count;
    map_part(part);
    for (size_t i = 0; i < part->record_count; i++)
        sink.take(sink.context, text_of(""), part->records[i]);
    arena_clear(&part->arena);
    free(part->records);
    free(parts);
}

static struct part *map_trace(const struct law_trace *trace, struct law_cuts cuts, unsigned shuffle)
{
    struct part *parts = part_trace(trace, cuts);
    map_all(parts, cuts.count + 1, shuffle);
    if (shuffle)
        check_repeat(&parts[shuffle % (cuts.count + 1)]);
    return parts;
}

static void free_parts(struct part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        arena_clear(&parts[i].arena);
        free(parts[i].records);
    }
    free(parts);
}

char *law_report(const struct law_trace *trace, struct law_cuts cuts, unsigned shuffle,
                 struct law_figures *figures)
{
    size_t count = cuts.count + 1;
    struct part *parts = map_trace(trace, cuts, shuffle);
    for (size_t i = 0; figures && i < count; i++) {
        figures->items += parts[i].items;
        figures->bytes += parts[i].bytes;
    }
    struct fold *fold = fold_new(text_of(trace->session));
    struct fold_queue *queue = fold_queue_new(fold);
    struct result_sink sink = {.take = queue_result,
                               .context = queue,
                               .take_passed = queue_passed,
                               .take_waits = queue_waits};
    struct joiner *joiner = joiner_new(trace->schema, sink);
    uint64_t random = shuffle + 7;
    for (size_t i = 0; i < count; i++) {
        add_part(joiner, &parts[i]);
        if (shuffle % 2 == 1 && law_random(&random) % 3 > 0)
            joiner = restart(joiner, trace->schema, sink, parts, i, &random);
    }
    joiner_finish(joiner);
    fold_queue_flush(queue);
    fold_queue_free(queue);
    fold_settle(fold);
    char *json = law_fold_report(fold);
    joiner_free(joiner);
    fold_free(fold);
    free_parts(parts, count);
    return json;
}

/* --- events as they are --- */

/* The current thread of a CPU, from later events. */
struct place {
    const struct law_trace *trace;
    size_t at; /* of events */
};

static int32_t settle(void *context, const struct core *core, int32_t cpu, uint64_t first_ns)
{
    const struct place *place = context;
    const struct law_trace *trace = place->trace;
    struct settle_search search = {.cpu = cpu, .first_ns = first_ns};
    size_t end = place->at;
    for (; end < trace->count && !search.over; end++)
        settle_look_at(&search, &trace->events[end]);
    int32_t tid = settle_found(&search, core);
    for (size_t i = place->at; i + 1 < end && tid > 0; i++)
        if (settle_names_elsewhere(&search, &trace->events[i]))
            return TID_SETTLED_UNKNOWN;
    return tid;
}

/* The definitions from there on, as the joiner knows them. */
static const struct phase_set *set_at(const struct law_trace *trace, uint64_t begin_ns)
{
    const struct schema *schema = schema_at(trace, begin_ns);
    return schema_set(trace->schema, schema_phases(schema), schema_built_in_count(schema));
}

/* How events are joined: all of them, or only what names need. */
enum joining { JOIN_ALL, JOIN_NAMES };

/* Joins the events before `end_ns`, as one interval. */
static void join_events(struct core *core, struct place *place, uint64_t begin_ns, uint64_t end_ns,
                        enum joining joining)
{
    const struct law_trace *trace = place->trace;
    const struct phase_set *set = set_at(trace, begin_ns);
    struct arena arena = {.first = NULL};
    uint64_t events = 0;
    core_begin(core,
               (struct core_facts){trace->facts.has_kernel, trace->facts.counts_switches,
                                   trace->facts.no_calls},
               set);
    for (; place->at < trace->count && trace->events[place->at].time_ns < end_ns; place->at++) {
        const struct event *event = &trace->events[place->at];
        events += event->kind != EVENT_LOSS;
        struct event read = read_under(trace->schema, set, event, &arena);
        if (joining == JOIN_NAMES)
            core_event_for_names(core, &read);
        else
            core_event(core, &read);
    }
    core_end(core, events);
    arena_clear(&arena);
}

static struct fold *fold_unmapped(const struct law_trace *trace, enum joining joining)
{
    struct fold *fold = fold_new(text_of(trace->session));
    struct place place = {.trace = trace};
    struct core *core = core_new(trace->schema, (struct result_sink){.take = take, .context = fold},
                                 (struct core_settle_source){settle, &place});
    uint64_t begin_ns = 0;
    for (size_t i = 0; i < trace->change_count; begin_ns = trace->changes[i++].at_ns)
        if (trace->changes[i].at_ns > begin_ns)
            join_events(core, &place, begin_ns, trace->changes[i].at_ns, joining);
    join_events(core, &place, begin_ns, UINT64_MAX, joining);
    core_finish(core);
    struct interval_end end = trace->facts;
    end.has_traces = true;
    end.first_ns = trace->events[0].time_ns;
    end.last_ns = trace->events[trace->count - 1].time_ns;
    core_mark(core, &end);
    core_free(core);
    return fold;
}

char *law_unmapped_report(const struct law_trace *trace)
{
    struct fold *fold = fold_unmapped(trace, JOIN_ALL);
    char *json = law_fold_report(fold);
    fold_free(fold);
    return json;
}

char *law_names(const struct law_trace *trace, bool all)
{
    struct fold *fold = fold_unmapped(trace, all ? JOIN_ALL : JOIN_NAMES);
    struct arena arena = {.first = NULL};
    struct session_report report;
    fold_report(fold, &arena, &report);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; i < report.thread_count; i++) {
        const struct thread_row *row = &report.threads[i];
        fprintf(out, "thread %lld of %lld from %lld to %lld: %s\n", (long long)row->tid,
                (long long)row->pid, (long long)row->begin_ns, (long long)row->end_ns,
                row->name ? row->name : "?");
    }
    for (size_t i = 0; i < report.process_count; i++) {
        const struct process_row *row = &report.processes[i];
        fprintf(out, "process %lld from %lld to %lld: %s\n", (long long)row->pid,
                (long long)row->begin_ns, (long long)row->end_ns,
                row->process ? row->process : "?");
    }
    for (size_t i = 0; i < report.fd_count; i++) {
        const struct fd_row *row = &report.fds[i];
        fprintf(out, "descriptor %lld of %lld from %lld to %lld: %s\n", (long long)row->fd,
                (long long)row->pid, (long long)row->begin_ns, (long long)row->end_ns,
                row->name ? row->name : "?");
    }
    fclose(out);
    arena_clear(&arena);
    fold_free(fold);
    return text;
}

char *law_core_part(const char *report)
{
    static const char *const types[] = {"cpu",   "thread",  "sched",      "syscall",
                                        "phase", "process", "fd",         "instance",
                                        "count", "waker",   "ran_instead"};
    char *part = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&part, &size);
    for (size_t count; *report; report += count) {
        count = strcspn(report, "\n");
        count += report[count] == '\n';
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            char head[64];
            int length = snprintf(head, sizeof head, "{\"type\":\"%s\"", types[i]);
            if (strncmp(report, head, (size_t)length) == 0)
                fwrite(report, 1, count, out);
        }
    }
    fclose(out);
    return part;
}

/* --- the log of results --- */

static void log_record(void *context, struct text key, struct bytes value)
{
    struct law_log *log = context;
    uint8_t *copy = arena_take(&log->arena, value.count);
    memcpy(copy, value.at, value.count);
    log->records = memory_grow(log->records, &log->room, log->count + 1, sizeof *log->records);
    log->records[log->count++] =
        (struct law_log_record){.key = {arena_string(&log->arena, key), key.count},
                                .value = {copy, value.count},
                                .interval = log->intervals};
}

void law_log_make(struct law_log *log, const struct law_trace *trace, struct law_cuts cuts,
                  unsigned turns)
{
    *log = (struct law_log){.count = 0};
    size_t count = cuts.count + 1;
    struct part *parts = map_trace(trace, cuts, 0);
    struct result_batch *batch = result_batch_new();
    struct joiner *joiner = joiner_new(trace->schema, result_batch_sink(batch));
    for (; log->intervals <= count; log->intervals++) {
        size_t i = log->intervals;
        if (i < count)
            add_part(joiner, &parts[i]);
        else
            joiner_finish(joiner);
        if (i < count && turns)
            joiner_republish(joiner, i % turns, turns);
        struct result_meta meta = {.session = text_of(trace->session), .chunk = i};
        result_flush(&meta, batch, (struct record_sink){log_record, log});
    }
    joiner_free(joiner);
    result_batch_free(batch);
    free_parts(parts, count);
}

void law_log_clear(struct law_log *log)
{
    arena_clear(&log->arena);
    free(log->records);
}

bool law_difference(const char *expected, const char *found, char *room, size_t size)
{
    while (*expected && *found) {
        size_t left = strcspn(expected, "\n"), right = strcspn(found, "\n");
        if (left != right || memcmp(expected, found, left) != 0) {
            snprintf(room, size, "expected %.*s\n  found %.*s", (int)left, expected, (int)right,
                     found);
            return true;
        }
        expected += left + (expected[left] == '\n');
        found += right + (found[right] == '\n');
    }
    if (*expected == *found)
        return false;
    snprintf(room, size, "one ends early: expected \"%.300s\", found \"%.300s\"", expected, found);
    return true;
}
