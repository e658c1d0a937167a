/* The exported data is a function of the results: an exporter that is restored after any interval
 * gives the same samples as one that has read all intervals. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/view.h"
#include "base/memory.h"
#include "base/row.h"
#include "export/exporter.h"
#include "export/series.h"
#include "export/views.h"
#include "wire/outbox.h"
#include "wire/result_codec.h"

enum { INTERVALS = 80, THREADS = 20, STEP_MS = 1000 };
#define OFFSET_NS INT64_C(1000000000000000000)

/* --- a log of results --- */

struct chance {
    uint64_t state;
};

static uint64_t draw(struct chance *chance, uint64_t below)
{
    chance->state = chance->state * 6364136223846793005u + 1442695040888963407u;
    return (chance->state >> 33) % below;
}

static void take_thread(struct result_sink sink, uint64_t id, const char *name)
{
    uint64_t process = id % 5 + 100;
    struct result fact = {.type = RESULT_THREAD,
                          .pid = (int32_t)process,
                          .thread_fact = {.id = id,
                                          .process = id % 7 == 0 ? 0 : process,
                                          .tid = id < 5 ? (int32_t)process : (int32_t)id + 1000,
                                          .name = text_of(name)}};
    sink.take(sink.context, &fact);
}

static void take_phase(struct result_sink sink, struct chance *chance, uint64_t thread)
{
    struct phase_cell cell = {.end_unknown = draw(chance, 2)};
    for (uint64_t count = draw(chance, 6); count > 0; count--)
        durations_add(&cell.complete, draw(chance, 1 << draw(chance, 30)));
    cell.time = (struct time_vector){.user_ns = draw(chance, 1000),
                                     .unknown_ns = draw(chance, 100),
                                     .before_running_ns = draw(chance, 3) == 0 ? 77 : 0};
    if (draw(chance, 4) == 0)
        cell.time.user_ns = (uint64_t)-300; /* taken back */
    struct result result = {.type = RESULT_PHASE,
                            .thread = thread,
                            .stretch = (uint32_t)draw(chance, 2),
                            .phase = text_of(draw(chance, 2) ? "request" : "request/send"),
                            .phase_cell = &cell};
    sink.take(sink.context, &result);
    durations_clear(&cell.complete);
    if (draw(chance, 5) > 0)
        return;
    struct result first = {.type = RESULT_FIRST_CALL,
                           .thread = thread,
                           .stretch = (uint32_t)draw(chance, 2),
                           .call = text_of("read"),
                           .in_call = true};
    sink.take(sink.context, &first);
}

static void take_calls(struct result_sink sink, struct chance *chance, uint64_t thread)
{
    static const char *const calls[] = {"read", "futex", "write"};
    struct call_cell cell = {.refused = 0};
    for (uint64_t count = 1 + draw(chance, 6); count > 0; count--)
        durations_add(&cell.complete, draw(chance, 100000));
    call_cell_add_error(&cell, 11, 1);
    struct result result = {.type = RESULT_CALLS,
                            .thread = thread,
                            .phase = text_of("request"),
                            .call = text_of(calls[draw(chance, 3)]),
                            .calls = &cell};
    sink.take(sink.context, &result);
    call_cell_clear(&cell);
}

/* Also by threads without a result, and by handlers with and without a name. */
static void take_waits(struct result_sink sink, struct chance *chance, uint64_t thread)
{
    for (unsigned kind = 0; kind < WAIT_KINDS; kind++) {
        if (!wait_is_known(kind) || draw(chance, 2))
            continue;
        uint32_t by = (uint32_t)(wait_is_by_thread(kind)    ? draw(chance, THREADS + 5)
                                 : wait_is_by_handler(kind) ? draw(chance, 5)
                                                            : 0);
        struct result result = {.type = RESULT_WAITS,
                                .thread = thread,
                                .phase = text_of(draw(chance, 2) ? "request" : ""),
                                .wait_who = wait_who(kind, by),
                                .wait = {1 + draw(chance, 3), 100 + draw(chance, 1000), 100}};
        sink.take(sink.context, &result);
    }
}

/* For each analysis with a view, whatever its columns are. */
static void take_cells(struct result_sink sink, struct chance *chance)
{
    const struct atom_kind *kind;
    for (size_t i = 0; (kind = analyses_shown(i)); i++) {
        struct atom *cell = memory_new(kind->size);
        cell->kind = kind;
        for (ATOM_EACH(key, kind, ATOM_KEY))
            if (key->type != ATOM_IS_text)
                *atom_number_at(cell, key) = draw(chance, 4);
        for (ATOM_EACH(sum, kind, ATOM_SUM))
            if (sum->type != ATOM_IS_durations)
                *atom_number_at(cell, sum) = draw(chance, 100);
            else
                for (uint64_t count = draw(chance, 5); count > 0; count--)
                    durations_add(atom_durations_at(cell, sum), draw(chance, 100000));
        struct result result = {.type = RESULT_CELL, .cell = cell};
        sink.take(sink.context, &result);
        atom_clear(cell, ATOM_SUM);
        free(cell);
    }
}

/* All records of an interval. */
static void put_interval(struct outbox *out, const char *session, uint64_t chunk, uint64_t seed)
{
    struct chance chance = {seed * 1000 + chunk};
    struct result_batch *batch = result_batch_new();
    struct result_sink sink = result_batch_sink(batch);
    for (uint64_t id = 1; id <= THREADS; id++) {
        bool lives = id != 3 || chunk < 10; /* a leader that exits */
        if (lives && id % 32 == chunk % 32)
            take_thread(sink, id, draw(&chance, 2) ? "shopd" : "worker");
        else if (chunk == 0)
            take_thread(sink, id, "init");
        if (!lives || draw(&chance, 3) > 0)
            continue;
        take_phase(sink, &chance, id);
        take_calls(sink, &chance, id);
        take_waits(sink, &chance, id);
    }
    take_cells(sink, &chance);
    bool gap = chunk % 11 == 10;
    struct interval_fact mark = {.chunk = chunk,
                                 .gap = gap,
                                 .any_event = !gap,
                                 .events = 10,
                                 .first_ns = chunk * STEP_MS * 1000000 + 1000000,
                                 .last_ns = (chunk + 1) * STEP_MS * 1000000,
                                 .offset_ns = OFFSET_NS,
                                 .host = text_of("web1")};
    sink.take(sink.context, &(struct result){.type = RESULT_INTERVAL, .interval = &mark});
    struct result_meta meta = {.session = text_of(session), .chunk = chunk};
    result_flush(&meta, batch, outbox_sink(out));
    result_batch_free(batch);
}

/* --- consecutive points of a series have no gaps --- */

enum { LEDGER_MAX = 4096 };

struct ledger {
    struct names keys; /* of series */
    struct {
        int64_t ms, number;
        uint64_t count;
    } at[LEDGER_MAX]; /* the newest point */
    size_t opened;    /* series that existed before, without samples */
};

static uint32_t ledger_id(struct ledger *ledger, const struct sample *sample)
{
    char *key = memory_format("%s", sample->family->name);
    for (uint8_t i = 0; i < sample->family->label_count; i++) {
        char *longer = memory_format("%s,%s", key, sample->labels[i].at);
        free(key);
        key = longer;
    }
    uint32_t id = names_id(&ledger->keys, text_of(key));
    free(key);
    cr_assert(lt(u32, id, LEDGER_MAX));
    return id;
}

static void check_points(struct ledger *ledger, const struct samples *samples)
{
    for (size_t i = 0; i < samples->count; i++) {
        const struct sample *sample = &samples->at[i];
        const char *name = sample->family->name;
        uint32_t id = ledger_id(ledger, sample);
        int64_t before_ms = ledger->at[id].ms;
        if (sample->opens) {
            cr_assert(lt(i64, before_ms, samples->begin_ms), "%s", name);
            cr_assert(eq(i64, sample->number_before, ledger->at[id].number), "%s", name);
            if (sample->durations_before)
                cr_assert(eq(u64, sample->durations_before->count, ledger->at[id].count), "%s",
                          name);
            ledger->opened += before_ms > 0;
        } else {
            cr_assert(sample->durations_before == NULL, "%s", name);
            if (sample->family->kind != FAMILY_GAUGE)
                cr_assert(eq(i64, before_ms, samples->begin_ms), "%s", name);
        }
        ledger->at[id].ms = samples->end_ms;
        ledger->at[id].number = sample->number;
        ledger->at[id].count = sample->durations ? sample->durations->count : 0;
    }
}

/* --- an exporter and its state --- */

struct bench {
    struct exporter *exporter;
    struct outbox state; /* all saved records, the newest of each key last */
    size_t events[EXPORTER_OVER_LIMIT + 1];
    struct ledger *ledger; /* NULL: points are not checked */
};

static void note(void *context, enum exporter_event event, struct text session, uint64_t chunk)
{
    struct bench *bench = context;
    (void)session;
    (void)chunk;
    bench->events[event]++;
}

static void bench_open(struct bench *bench, size_t limit)
{
    bench->exporter = exporter_new(&(struct exporter_options){.group = "g",
                                                              .series_limit = limit,
                                                              .state = outbox_sink(&bench->state),
                                                              .notify = note,
                                                              .context = bench});
}

static void bench_close(struct bench *bench)
{
    exporter_free(bench->exporter);
    outbox_clear(&bench->state);
}

/* Replaces the exporter by one that has only the saved state. */
static void restart(struct bench *bench, size_t limit)
{
    exporter_free(bench->exporter);
    struct key_value *entries = memory_new((bench->state.count + 1) * sizeof *entries);
    size_t count = 0;
    for (size_t i = 0; i < bench->state.count; i++) {
        const struct outbox_record *record = &bench->state.records[i];
        bool newest = true;
        for (size_t j = i + 1; j < bench->state.count && newest; j++)
            newest = !text_equal(record->key, bench->state.records[j].key);
        if (newest && !record->tombstone)
            entries[count++] = (struct key_value){record->key, record->value};
    }
    struct outbox before = bench->state;
    bench->state = (struct outbox){.count = 0};
    bench_open(bench, limit);
    struct failure why;
    enum status status = exporter_restore(bench->exporter, entries, count, &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
    for (size_t i = 0; i < count; i++)
        outbox_sink(&bench->state).take(&bench->state, entries[i].key, entries[i].value);
    outbox_clear(&before);
    free(entries);
}

/* Samples as text, because views are temporary. */
static char *samples_text(const struct samples *samples)
{
    char *text = memory_format("%.*s %llu %lld %lld %lld\n", (int)samples->session.count,
                               samples->session.at, (unsigned long long)samples->chunk,
                               (long long)samples->since_ms, (long long)samples->begin_ms,
                               (long long)samples->end_ms);
    for (size_t i = 0; i < samples->count; i++) {
        const struct sample *sample = &samples->at[i];
        const struct durations *durations = sample->durations;
        char *longer = memory_format(
            "%s%s %s,%s,%s,%s %d %lld %lld %llu %llu %llu %llu\n", text, sample->family->name,
            sample->labels[0].at ? sample->labels[0].at : "",
            sample->labels[1].at ? sample->labels[1].at : "",
            sample->labels[2].at ? sample->labels[2].at : "",
            sample->labels[3].at ? sample->labels[3].at : "", sample->opens,
            sample->opens ? (long long)sample->number_before : 0, (long long)sample->number,
            (unsigned long long)(durations && sample->opens ? sample->durations_before->count : 0),
            (unsigned long long)(durations ? durations->count : 0),
            (unsigned long long)(durations ? durations->total_ns : 0),
            (unsigned long long)(durations ? durations_quantile(durations, 990) : 0));
        free(text);
        text = longer;
    }
    return text;
}

/* The input of outputs for an interval, as text: results, names of processes, the clock, samples.
 * Owned by the caller. */
static char *told_interval(const struct export_interval *interval)
{
    size_t results = 0;
    for (size_t i = 0; i < interval->record_count; i++)
        results += interval->records[i].count;
    struct text name = {"", 0};
    if (interval->entities)
        name = entities_process_name(interval->entities, 2);
    char *samples =
        interval->record_count > 0 ? samples_text(&interval->samples) : memory_format("none");
    char *text = memory_format("%zu results, %.*s, %d %lld\n%s", results, (int)name.count, name.at,
                               interval->any_time, (long long)interval->offset_ns, samples);
    free(samples);
    return text;
}

static char *take(struct bench *bench, const struct outbox *records)
{
    struct export_interval interval = {.record_count = 0};
    struct failure why;
    for (size_t i = 0; i < records->count; i++) {
        cr_assert(eq(sz, interval.record_count, 0));
        enum status status = exporter_take(bench->exporter, records->records[i].value, (int64_t)i,
                                           1, &interval, &why);
        cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
    }
    cr_expect(eq(i64, exporter_oldest(bench->exporter, 100), 100));
    if (bench->ledger)
        check_points(bench->ledger, &interval.samples);
    return told_interval(&interval);
}

static void compare(uint64_t seed, uint64_t every, size_t limit)
{
    struct ledger *ledger = memory_new(sizeof *ledger);
    struct bench whole = {.ledger = ledger}, again = {.events = {0}};
    bench_open(&whole, limit);
    bench_open(&again, limit);
    for (uint64_t chunk = 0; chunk < INTERVALS; chunk++) {
        struct outbox records = {.count = 0};
        put_interval(&records, "web1/shop/20261129", chunk, seed);
        char *wanted = take(&whole, &records);
        if (chunk % every == 0) { /* one that dies before it saves this interval */
            free(take(&again, &records));
            restart(&again, limit);
        }
        char *found = take(&again, &records);
        cr_assert(eq(str, found, wanted), "seed %llu, chunk %llu", (unsigned long long)seed,
                  (unsigned long long)chunk);
        exporter_save(again.exporter);
        cr_assert(not(exporter_is_unsaved(again.exporter, text_of("web1/shop/20261129"))));
        free(wanted);
        free(found);
        outbox_clear(&records);
    }
    cr_expect(eq(sz, again.events[EXPORTER_REPEATED] + again.events[EXPORTER_TORN], 0));
    cr_expect(gt(sz, ledger->opened, 100));
    names_clear(&ledger->keys);
    free(ledger);
    bench_close(&whole);
    bench_close(&again);
}

Test(exporter, gives_the_same_samples_when_it_is_restored_anywhere)
{
    for (uint64_t seed = 1; seed <= 4; seed++)
        compare(seed, seed, 100000);
}

Test(exporter, gives_the_same_samples_beyond_the_limit)
{
    compare(9, 2, 20);
}

Test(exporter, drops_an_interval_that_it_had_before)
{
    struct bench bench = {.events = {0}};
    bench_open(&bench, 1000);
    struct outbox records = {.count = 0};
    put_interval(&records, "web1/shop/20261129", 5, 1);
    char *first = take(&bench, &records), *second = take(&bench, &records);
    cr_expect(strstr(first, "spanmill_intervals_total") != NULL);
    cr_expect(strstr(first, "spanmill_softirq_run_seconds") != NULL, "%s", first);
    cr_expect(strstr(first, "spanmill_softirq_raises_total") != NULL);
    cr_expect(strstr(first, "0 results,") != first);
    cr_expect(eq(str, second, "0 results, , 0 0\nnone"), "nothing for any output");
    cr_expect(eq(sz, bench.events[EXPORTER_REPEATED], 1));
    free(first);
    free(second);
    outbox_clear(&records);
    bench_close(&bench);
}

Test(exporter, refuses_to_count_half_an_interval)
{
    struct bench bench = {.events = {0}};
    bench_open(&bench, 1000);
    struct outbox torn = {.count = 0}, whole = {.count = 0};
    put_interval(&torn, "web1/shop/20261129", 0, 1);
    put_interval(&whole, "web1/shop/20261129", 1, 1);
    cr_assert(gt(sz, torn.count, 2));
    struct export_interval interval = {.record_count = 0};
    struct failure why;
    for (size_t i = 0; i < torn.count; i++) {
        if (i == 1)
            continue;
        cr_assert(
            eq(int,
               exporter_take(bench.exporter, torn.records[i].value, (int64_t)i, 1, &interval, &why),
               STATUS_OK));
        cr_expect(eq(sz, interval.record_count, 0));
        cr_expect(eq(i64, exporter_oldest(bench.exporter, 100), i == 0 ? 0 : 100));
    }
    cr_expect(gt(sz, bench.events[EXPORTER_TORN], 0));
    char *found = take(&bench, &whole);
    cr_expect(strstr(found, "spanmill_intervals_total ,,, 1 0 1 ") != NULL, "%s", found);
    free(found);
    outbox_clear(&torn);
    outbox_clear(&whole);
    bench_close(&bench);
}

Test(exporter, forgets_sessions_that_are_silent)
{
    struct bench bench = {.events = {0}};
    bench_open(&bench, 1000);
    struct outbox records = {.count = 0};
    put_interval(&records, "web1/shop/20261129", 0, 1);
    free(take(&bench, &records));
    cr_expect(eq(sz, exporter_forget(bench.exporter, 100), 0), "not before it is saved");
    exporter_save(bench.exporter);
    size_t saved = bench.state.count;
    cr_expect(eq(sz, exporter_forget(bench.exporter, 1), 0), "it was heard then");
    cr_expect(eq(sz, exporter_forget(bench.exporter, 100), 1));
    cr_expect(eq(sz, exporter_sessions(bench.exporter), 0));
    cr_expect(eq(sz, bench.state.count, 2 * saved), "a tombstone for each record");
    for (size_t i = saved; i < bench.state.count; i++)
        cr_expect(bench.state.records[i].tombstone);
    outbox_clear(&records);
    bench_close(&bench);
}

Test(exporter, refuses_state_that_contradicts_itself)
{
    struct bench bench = {.events = {0}};
    bench_open(&bench, 1000);
    struct outbox records = {.count = 0};
    put_interval(&records, "web1/shop/20261129", 0, 1);
    free(take(&bench, &records));
    exporter_save(bench.exporter);
    for (size_t i = 0; i < bench.state.count; i++) {
        struct key_value *entries = memory_new(bench.state.count * sizeof *entries);
        for (size_t j = 0; j < bench.state.count; j++)
            entries[j] =
                (struct key_value){bench.state.records[j].key, bench.state.records[j].value};
        entries[i].value.count--;
        struct bench other = {.events = {0}};
        bench_open(&other, 1000);
        struct failure why;
        cr_expect(eq(int, exporter_restore(other.exporter, entries, bench.state.count, &why),
                     STATUS_REJECT),
                  "%s", bench.state.records[i].key.at);
        bench_close(&other);
        free(entries);
    }
    outbox_clear(&records);
    bench_close(&bench);
}

static const struct family *any_family(const void *context, struct text name)
{
    const struct family *family = context;
    return text_equal(name, text_of(family->name)) ? family : NULL;
}

/* A counter in format 1: bit 1 means that no sample of it was sent. */
static uint8_t *put_old(uint8_t *at, const char *label, uint64_t bits, int64_t sum)
{
    char key[32];
    size_t count = (size_t)snprintf(key, sizeof key, "a_total%c%s", 0, label) + 1;
    at = row_put(at, count);
    memcpy(at, key, count);
    at = row_put(row_put(at + count, FAMILY_COUNTER), bits);
    return row_put(row_put_signed(row_put_signed(at, sum), sum), 0);
}

Test(exporter, takes_over_sums_that_do_not_say_when_their_last_sample_was)
{
    static const struct family family = {"a_total", "A.", FAMILY_COUNTER, FAMILY_ONE, {"label"},
                                         1,         0};
    uint8_t room[256], *at = row_put(row_put(room, 1), 2);
    at = put_old(put_old(at, "told", 0, 7), "new", 1, 0);
    struct series_set set = {.limit = 10, .sample_ms = 500};
    struct failure why;
    enum status status =
        series_restore(&set, (struct bytes){room, (size_t)(at - room)}, any_family, &family, &why);
    cr_assert(eq(int, status, STATUS_OK), "%s", why.text);
    struct text labels[] = {text_of("told"), text_of("new")};
    struct arena arena = {.first = NULL};
    struct sample *samples;
    for (size_t i = 0; i < 2; i++)
        series_add(&set, &family, &labels[i], 2);
    cr_assert(eq(sz, series_take_samples(&set, 600, &arena, &samples), 2));
    cr_expect(eq(i64, samples[0].number, 9));
    cr_expect(not(samples[0].opens), "it may have a sample at the begin");
    cr_expect(eq(i64, samples[1].number, 2));
    cr_expect(samples[1].opens);
    series_add(&set, &family, &labels[1], 1);
    cr_assert(eq(sz, series_take_samples(&set, 700, &arena, &samples), 1));
    cr_expect(not(samples[0].opens));
    series_add(&set, &family, &labels[0], 1);
    cr_assert(eq(sz, series_take_samples(&set, 800, &arena, &samples), 1));
    cr_expect(samples[0].opens, "it was silent at 700");
    cr_expect(eq(i64, samples[0].number_before, 9));
    arena_clear(&arena);
    series_clear(&set);
}
