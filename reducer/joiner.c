#include "reducer/joiner.h"

#include <stdlib.h>

#include "analysis/engine.h"
#include "base/crash.h"
#include "base/memory.h"
#include "core/settle.h"
#include "reducer/kept_phases.h"

/* How long before the first switch of a CPU its `prev_tid` is assumed to have run. */
#define SETTLE_NS_MAX UINT64_C(10000000000)

static const char MISSING_TEXT[] = "is missing";

/* An interval in the queue. */
struct queued {
    struct row row; /* `end` points into its arena */
    struct interval_end end;
    enum { QUEUED_INTERVAL, QUEUED_MISSING, QUEUED_OPEN_GAP } kind;
    struct queued *next;
};

struct joiner {
    struct core *core;
    size_t at;             /* joined records of the first row */
    struct engine *engine; /* of analyses; gets the rows as the core does */
    struct result_sink sink;
    struct queued *first, **last;
    bool finished;   /* no more intervals will come */
    uint64_t end_ns; /* of the last interval joined */
    /* For checks of the next interval. */
    struct seam_state {
        bool any;        /* an interval was joined */
        bool knows_left; /* the number of its chunk's events left to the next is known */
        bool gap_noted;  /* missing chunks after it are already noted */
        uint64_t next;   /* number of the expected chunk; UINT64_MAX: unknown */
        uint64_t left_events;
    } seam;
};

static int32_t settle(void *context, const struct core *core, int32_t cpu, uint64_t first_ns);

static struct core_settle_source settle_source_of(struct joiner *joiner)
{
    return (struct core_settle_source){settle, joiner};
}

/* Without its core. */
static struct joiner *new_joiner(struct result_sink sink)
{
    struct joiner *joiner = memory_new(sizeof *joiner);
    joiner->engine = engine_new(analyses_all());
    joiner->sink = sink;
    joiner->last = &joiner->first;
    return joiner;
}

struct joiner *joiner_new(struct schema *schema, struct result_sink sink)
{
    struct joiner *joiner = new_joiner(sink);
    joiner->core = core_new(schema, sink, settle_source_of(joiner));
    return joiner;
}

/* --- lookahead: the current thread of a CPU --- */

/* Passes the queue from record `at` of the first row on to the search. Returns whether the search
 * has ended, or needs later rows. */
static bool search_queue(const struct joiner *joiner, size_t at, struct settle_search *search)
{
    for (const struct queued *queued = joiner->first; queued && !search->over;
         queued = queued->next, at = 0) {
        for (size_t i = at; i < queued->row.count && !search->over; i++)
            settle_look(search, queued->row.at[i]);
        uint64_t end_ns = queued->end.end_ns;
        search->over |= end_ns != UINT64_MAX && end_ns > search->first_ns &&
                        end_ns - search->first_ns > SETTLE_NS_MAX;
    }
    return search->over || joiner->finished;
}

/* Whether anything before the found switch shows its thread elsewhere. */
static bool is_shown_elsewhere(const struct joiner *joiner, const struct settle_search *search)
{
    size_t at = joiner->at;
    for (const struct queued *queued = joiner->first; queued; queued = queued->next, at = 0)
        for (size_t i = at; i < queued->row.count; i++) {
            struct settle_search again = {.cpu = search->cpu, .first_ns = search->first_ns};
            settle_look(&again, queued->row.at[i]);
            if (again.over)
                return false;
            if (settle_elsewhere(search, queued->row.at[i]))
                return true;
        }
    return false;
}

static int32_t settle(void *context, const struct core *core, int32_t cpu, uint64_t first_ns)
{
    const struct joiner *joiner = context;
    struct settle_search search = {.cpu = cpu, .first_ns = first_ns};
    bool is_over = search_queue(joiner, joiner->at, &search);
    assert(is_over); /* otherwise the row waits */
    int32_t tid = settle_found(&search, core);
    return is_over && tid > 0 && is_shown_elsewhere(joiner, &search) ? TID_SETTLED_UNKNOWN : tid;
}

/* A set of CPUs. */
struct cpu_set {
    uint64_t bits[CPU_NUMBER_MAX / 64 + 1];
};

static bool is_in(const struct cpu_set *set, int32_t cpu)
{
    assert(cpu >= 0 && cpu <= CPU_NUMBER_MAX);
    return set->bits[cpu / 64] >> cpu % 64 & 1;
}

static void put_in(struct cpu_set *set, int32_t cpu)
{
    if (cpu >= 0 && cpu <= CPU_NUMBER_MAX)
        set->bits[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

/* Whether later rows are needed to know which thread runs on a CPU in the row at the head of the
 * queue. */
static bool must_wait(const struct joiner *joiner, const struct queued *queued)
{
    if (joiner->finished || !queued->end.counts_switches)
        return false;
    struct cpu_set lost = {{0}}; /* CPUs with a border so far in the row */
    for (size_t i = 0; i < queued->row.cpu_lets; i++) {
        const struct record *record = queued->row.at[i];
        if (record->kind == RECORD_EVENT && record->step.event.kind == EVENT_LOSS)
            put_in(&lost, record->step.event.cpu);
        if (record->kind != RECORD_LET_CPU)
            continue;
        int32_t cpu = record->let.cpu;
        struct settle_search search = {.cpu = cpu, .first_ns = record->let.time_ns};
        bool is_unsettled =
            queued->end.gap_before || core_is_unsettled(joiner->core, cpu) || is_in(&lost, cpu);
        if (is_unsettled && !search_queue(joiner, i, &search))
            return true;
    }
    return false;
}

/* --- the queue --- */

static void pop(struct joiner *joiner)
{
    struct queued *done = joiner->first;
    joiner->first = done->next;
    if (!joiner->first)
        joiner->last = &joiner->first;
    row_clear(&done->row);
    free(done);
}

/* --- checks between intervals --- */

static void note(struct interval_notes *notes, enum damage_scope scope, enum damage_cause cause,
                 uint64_t chunk, uint64_t count, const char *text)
{
    struct damage damage = {.scope = (uint8_t)scope,
                            .cause = (uint8_t)cause,
                            .chunk = chunk,
                            .count = count,
                            .name = text_of(""),
                            .text = text_of(text)};
    interval_notes_add(notes, &damage);
}

/* Notes every missing number below `chunk`, also those before the first; above the limit of notes,
 * they are only counted. Returns how many. */
static uint64_t note_skipped(const struct joiner *joiner, uint64_t chunk,
                             struct interval_notes *notes)
{
    const struct seam_state *seam = &joiner->seam;
    uint64_t count = chunk > seam->next ? chunk - seam->next : 0;
    for (uint64_t i = 0; i < count && i < DAMAGE_ITEMS_MAX; i++)
        note(notes, DAMAGE_CHUNK, DAMAGE_BY_MISSING, seam->next + i, 1, MISSING_TEXT);
    if (count > DAMAGE_ITEMS_MAX) {
        notes->tallies.at[TALLY_LOST_CHUNKS] += count - DAMAGE_ITEMS_MAX;
        notes->more += count - DAMAGE_ITEMS_MAX;
    }
    return count;
}

static void note_missing(const struct joiner *joiner, const struct interval_end *end,
                         struct interval_notes *notes)
{
    uint64_t count = note_skipped(joiner, end->chunk, notes);
    if (count == 0 && !joiner->seam.gap_noted)
        note(notes, DAMAGE_CHUNK, DAMAGE_BY_ORDER, end->chunk, 1,
             "begins after the end of the previous chunk: the events in between are lost");
}

/* Checks that a chunk has taken the events that the previous one left. */
static void check_seam(const struct joiner *joiner, const struct interval_end *end,
                       struct interval_notes *notes)
{
    const struct seam_state *seam = &joiner->seam;
    if (!seam->any || !seam->knows_left)
        return;
    if (end->gap_before && seam->left_events > 0)
        note(notes, DAMAGE_EVENT, DAMAGE_BY_SEAM, end->chunk, seam->left_events,
             "events after the end of the previous chunk that a missing chunk should have read");
    if (end->gap_before || !end->knows_seam || seam->left_events == end->seam_events)
        return;
    bool lost = seam->left_events > end->seam_events;
    note(notes, DAMAGE_EVENT, DAMAGE_BY_SEAM, end->chunk,
         lost ? seam->left_events - end->seam_events : end->seam_events - seam->left_events,
         lost ? "events that the previous chunk left to it, but that it did not read"
              : "events of its seam that the previous chunk did not leave to it");
}

/* Adds the notes of the join to those of the mapper; the lists are in the interval's arena. */
static void add_notes(struct queued *queued, const struct interval_notes *notes)
{
    struct interval_end *end = &queued->end;
    tallies_add(&end->tallies, &notes->tallies);
    struct damages more = interval_notes_damages(notes);
    size_t count = more.count + end->damage.count;
    struct damage *all = arena_take(&queued->row.arena, (count + 1) * sizeof *all);
    struct damages copy = damages_copy(&queued->row.arena, more);
    for (size_t i = 0; i < count; i++)
        all[i] = i < copy.count ? copy.at[i] : end->damage.at[i - copy.count];
    end->damage = (struct damages){all, count, end->damage.more + more.more};
}

static void check(struct joiner *joiner, struct queued *queued)
{
    struct interval_notes notes = {.count = 0};
    struct interval_end *end = &queued->end;
    /* Events that were left to an empty interval wait for the next one. */
    bool passes = !end->gap_before && end->begin_ns == end->end_ns &&
                  end->left_events + end->seam_events == 0;
    if (end->gap_before)
        note_missing(joiner, end, &notes);
    else if (!joiner->seam.any)
        note_skipped(joiner, end->chunk, &notes);
    if (!passes)
        check_seam(joiner, end, &notes);
    if (notes.count > 0 || notes.more > 0)
        add_notes(queued, &notes);
    interval_notes_clear(&notes);
    struct seam_state *seam = &joiner->seam;
    seam->gap_noted = false;
    seam->next = end->chunk + 1;
    if (!passes || !seam->any) {
        seam->knows_left = end->knows_seam;
        seam->left_events = end->left_events;
    }
    seam->any = true;
}

/* Also for an unusable chunk: chunks before it may be missing. */
static void note_queued(struct joiner *joiner, struct queued *queued)
{
    const struct interval_end *end = &queued->end;
    struct interval_notes notes = {.count = 0};
    if (note_skipped(joiner, end->chunk, &notes) > 0)
        add_notes(queued, &notes);
    interval_notes_clear(&notes);
    core_note(joiner->core, end->chunk, &end->tallies, end->damage);
    joiner->seam.gap_noted = true;
    joiner->seam.next = end->chunk + 1;
}

/* --- analyses --- */

static void emit_cell(void *context, const struct atom *cell)
{
    const struct joiner *joiner = context;
    struct result result = {.type = RESULT_CELL, .cell = cell};
    joiner->sink.take(joiner->sink.context, &result);
}

/* At the end of an interval, all sums are emitted. */
static void emit_cells(struct joiner *joiner)
{
    engine_emit(joiner->engine, emit_cell, joiner);
}

/* --- the queue's head --- */

static void begin(struct joiner *joiner, struct queued *queued)
{
    struct interval_end *end = &queued->end;
    /* An empty interval does not show how the session is recorded. */
    bool has_data = end->begin_ns < end->end_ns || queued->row.count > 0;
    if (end->gap_before || (has_data && !end->has_kernel))
        engine_lose_all(joiner->engine);
    if (end->gap_before)
        core_gap(joiner->core, GAP_OF_ALL, joiner->end_ns);
    else if (has_data && !end->has_kernel && core_has_kernel(joiner->core))
        core_gap(joiner->core, GAP_OF_KERNEL, end->begin_ns); /* the trace is missing from here */
    if (has_data)
        core_begin(joiner->core,
                   (struct core_facts){end->has_kernel, end->counts_switches, end->no_calls},
                   end->phases);
}

static bool join_record(struct joiner *joiner, const struct record *record)
{
    if (record->kind == RECORD_ANALYSIS) {
        engine_join(joiner->engine, record->analysis);
        return true;
    }
    if (record->kind == RECORD_EVENT && record->step.event.kind == EVENT_LOSS)
        engine_lose_cpu(joiner->engine, record->step.event.cpu);
    return core_join(joiner->core, record);
}

/* A record contradicts the joined state. The rest of the row is lost: everything is unknown after
 * it. */
static void refuse_rest(struct joiner *joiner, struct queued *queued)
{
    const struct interval_end *end = &queued->end;
    struct interval_notes notes = {.count = 0};
    note(
        &notes, DAMAGE_CHUNK, DAMAGE_BY_REFUSED, end->chunk, 1,
        "a record of its partial contradicts the joined state: the rest of the partial is skipped");
    add_notes(queued, &notes);
    interval_notes_clear(&notes);
    engine_lose_all(joiner->engine);
    core_gap(joiner->core, GAP_OF_ALL, end->begin_ns);
}

/* Joins the interval; false if it has to wait for later rows. */
static bool join_head(struct joiner *joiner, struct queued *queued)
{
    struct interval_end *end = &queued->end;
    end->gap_before |= joiner->seam.any && end->begin_ns > joiner->end_ns && !mutant("no-tiling");
    if (must_wait(joiner, queued))
        return false;
    begin(joiner, queued);
    bool fits = core_has_room(joiner->core, end->events);
    if (!fits)
        end->events = 0;
    for (joiner->at = 0; fits && joiner->at < queued->row.count; joiner->at++)
        if (!join_record(joiner, queued->row.at[joiner->at]))
            fits = false;
    if (!fits)
        refuse_rest(joiner, queued);
    if (end->end_ns != UINT64_MAX)
        engine_forget(joiner->engine, end->end_ns);
    emit_cells(joiner);
    if (queued->kind == QUEUED_INTERVAL)
        check(joiner, queued);
    core_end(joiner->core, end->events);
    core_mark(joiner->core, end);
    joiner->end_ns = end->end_ns;
    return true;
}

static void drain(struct joiner *joiner)
{
    while (joiner->first) {
        if (joiner->first->kind == QUEUED_MISSING)
            note_queued(joiner, joiner->first);
        else if (!join_head(joiner, joiner->first))
            return;
        pop(joiner);
    }
}

static void append(struct joiner *joiner, struct queued *queued)
{
    *joiner->last = queued;
    joiner->last = &queued->next;
    drain(joiner);
}

void joiner_add(struct joiner *joiner, struct row *row, const struct interval_end *end)
{
    struct queued *queued = memory_new(sizeof *queued);
    *queued = (struct queued){.row = *row, .end = *end};
    *row = (struct row){.count = 0};
    append(joiner, queued);
}

void joiner_missing(struct joiner *joiner, uint64_t chunk, uint8_t cause, struct text reason)
{
    struct queued *queued = memory_new(sizeof *queued);
    queued->kind = QUEUED_MISSING;
    queued->end.chunk = chunk;
    struct interval_notes notes = {.count = 0};
    struct damage damage = {.scope = DAMAGE_CHUNK,
                            .cause = cause,
                            .chunk = chunk,
                            .count = 1,
                            .name = text_of(""),
                            .text = cause == DAMAGE_BY_MISSING ? text_of(MISSING_TEXT) : reason};
    interval_notes_add(&notes, &damage);
    add_notes(queued, &notes);
    interval_notes_clear(&notes);
    append(joiner, queued);
}

void joiner_expect(struct joiner *joiner, uint64_t chunk)
{
    joiner->seam.next = chunk;
}

void joiner_open_gap(struct joiner *joiner, uint64_t begin_ns)
{
    struct queued *queued = memory_new(sizeof *queued);
    queued->kind = QUEUED_OPEN_GAP;
    queued->end = (struct interval_end){.begin_ns = begin_ns,
                                        .end_ns = UINT64_MAX,
                                        .gap_before = true,
                                        .phases = core_phases(joiner->core),
                                        .first_ns = TIME_NONE,
                                        .last_ns = TIME_NONE,
                                        .host = text_of(""),
                                        .session = text_of(""),
                                        .created = text_of("")};
    append(joiner, queued);
}

void joiner_finish(struct joiner *joiner)
{
    joiner->finished = true;
    drain(joiner);
    engine_lose_all(joiner->engine);
    emit_cells(joiner);
    core_finish(joiner->core);
}

/* --- saving --- */

bool joiner_oldest_chunk(const struct joiner *joiner, uint64_t *chunk)
{
    if (!joiner->first)
        return false;
    *chunk = joiner->first->end.chunk;
    return true;
}

const struct phase_set *joiner_phases(const struct joiner *joiner)
{
    return joiner->seam.any ? core_phases(joiner->core) : NULL;
}

size_t joiner_queued_bytes(const struct joiner *joiner)
{
    size_t bytes = 0;
    for (const struct queued *queued = joiner->first; queued; queued = queued->next)
        bytes += sizeof *queued + queued->row.arena.whole + queued->row.room * sizeof(void *);
    return bytes;
}

/* The record for the head of the queue, of fixed size. */
enum { HEAD_FORMAT = 3, HEAD_BYTES = 1 + 8 + 1 + 8 + 8 };
static const char head_key[] = "joiner";

static void put_u64(uint8_t *at, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++)
        number |= (uint64_t)at[i] << 8 * i;
    return number;
}

void joiner_save(struct joiner *joiner, struct keep_sink sink)
{
    const struct seam_state *seam = &joiner->seam;
    uint8_t head[HEAD_BYTES] = {HEAD_FORMAT};
    put_u64(head + 1, joiner->end_ns);
    head[9] = (uint8_t)(seam->any | seam->knows_left << 1 | seam->gap_noted << 2);
    put_u64(head + 10, seam->next);
    put_u64(head + 18, seam->left_events);
    sink.take(sink.context, text_of(head_key), (struct bytes){head, sizeof head});
    kept_phases_save(core_phases(joiner->core), sink);
    engine_save(joiner->engine, &sink);
    core_save(joiner->core, sink);
}

static enum status restore_head(struct joiner *joiner, const struct kept_record *records,
                                size_t count, struct failure *why)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes head = records[i].record;
        if (!text_equal(records[i].key, text_of(head_key)))
            continue;
        if (head.count > 0 && head.at[0] > HEAD_FORMAT)
            return fail(why, STATUS_STOP,
                        "format %u of the state is newer than this program supports", head.at[0]);
        if (head.count != HEAD_BYTES)
            break;
        joiner->end_ns = get_u64(head.at + 1);
        joiner->seam = (struct seam_state){.any = head.at[9] & 1,
                                           .knows_left = head.at[9] >> 1 & 1,
                                           .gap_noted = head.at[9] >> 2 & 1,
                                           .next = get_u64(head.at + 10),
                                           .left_events = get_u64(head.at + 18)};
        return STATUS_OK;
    }
    return fail(
        why, STATUS_REJECT,
        "the record %s is missing or damaged: an older version wrote this state and this one "
        "cannot read it (docs/OPERATING.md, \"Upgrades and changes\"), or the state is incomplete",
        head_key);
}

static bool is_of_engine(const struct kept_record *record)
{
    size_t count = sizeof ENGINE_KEY - 1;
    return record->key.count > count && memcmp(record->key.at, ENGINE_KEY, count) == 0;
}

enum status joiner_restore(struct schema *schema, struct result_sink sink,
                           const struct kept_record *records, size_t count, struct joiner **out,
                           struct failure *why)
{
    *out = NULL;
    struct joiner *joiner = new_joiner(sink);
    const struct phase_set *phases;
    enum status status = restore_head(joiner, records, count, why);
    if (status == STATUS_OK)
        status = kept_phases_restore(schema, records, count, &phases, why);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        if (is_of_engine(&records[i]))
            status = engine_restore(joiner->engine, records[i].record, why);
    if (status == STATUS_OK)
        status = core_restore(schema, phases, sink, settle_source_of(joiner), records, count,
                              &joiner->core, why);
    if (status == STATUS_OK) {
        *out = joiner;
        return status;
    }
    engine_free(joiner->engine);
    free(joiner);
    return status;
}

void joiner_republish(struct joiner *joiner, uint64_t turn, uint64_t turns)
{
    core_republish(joiner->core, turn, turns);
}

void joiner_free(struct joiner *joiner)
{
    if (!joiner)
        return;
    while (joiner->first)
        pop(joiner);
    core_free(joiner->core);
    engine_free(joiner->engine);
    free(joiner);
}
