#include "reducer/stitch.h"

#include <stdlib.h>

#include "analysis/engine.h"
#include "base/arena.h"
#include "base/crash.h"
#include "base/memory.h"
#include "model/model.h"
#include "reducer/kept_phases.h"

/* How far back before the first switch of a CPU its `prev_tid` is believed to have run. */
#define SETTLE_NS_MAX UINT64_C(10000000000)

static const char MISSING_TEXT[] = "is missing";

/* An interval in the queue. */
struct queued {
    struct arena arena;
    const struct item *const *row;
    size_t count, done;
    bool begun;
    struct interval_end end;
    enum { QUEUED_INTERVAL, QUEUED_MISSING, QUEUED_OPEN_GAP } kind;
    struct queued *next;
};

struct stitch {
    struct model *model;
    struct engine *engine; /* of analyses; takes the row beside the model */
    struct result_sink sink;
    struct queued *first, **last;
    bool finished; /* nothing more will come */
    /* Of the next interval to be added, so much was done before it was saved. */
    bool resumed_begun;
    uint64_t resumed_done;
    uint64_t end_ns; /* of the last interval joined */
    /* What the next interval is checked against. */
    struct seam_state {
        bool any;        /* an interval was joined */
        bool knows_left; /* and how many of its chunk's events it left to the next */
        bool gap_noted;  /* chunks behind it are noted as missing */
        uint64_t next;   /* number of the chunk expected; UINT64_MAX: nobody knows */
        uint64_t left_events;
    } seam;
};

/* Without its model. */
static struct stitch *new_stitch(struct result_sink sink)
{
    struct stitch *stitch = memory_new(sizeof *stitch);
    stitch->engine = engine_new(analyses_all());
    stitch->sink = sink;
    stitch->last = &stitch->first;
    return stitch;
}

struct stitch *stitch_new(struct schema *schema, struct result_sink sink)
{
    struct stitch *stitch = new_stitch(sink);
    stitch->model = model_new(schema, sink);
    return stitch;
}

/* --- looking ahead: who ran on a CPU --- */

struct search {
    int32_t cpu;
    uint64_t first_ns; /* of the CPU's events to settle */
    bool found;
    int32_t tid;    /* the first switch's prev_tid */
    bool elsewhere; /* as the mapper of that switch knows */
};

/* Whether the event shows `tid` on another CPU, or born. */
static bool names_elsewhere(const struct event *event, int32_t cpu, int32_t tid)
{
    if (event->kind == EVENT_SWITCH)
        return event->cpu != cpu && (event->value[0] == tid || event->value[2] == tid);
    if (event->kind == EVENT_FORK)
        return event->value[2] == tid;
    return event->kind == EVENT_EXEC && event->value[0] == tid && event_has_value(event, 1) &&
           event->value[1] > 0 && event->value[1] != tid;
}

/* Looks for the first switch (or exec) of the CPU in one item; true if the search is over. */
static bool look_at(struct search *search, const struct item *item)
{
    if (item->kind != ITEM_EVENT)
        return false;
    const struct event *event = &item->event.event;
    if (event->time_ns > search->first_ns && event->time_ns - search->first_ns > SETTLE_NS_MAX)
        return true;
    if (event->domain != DOMAIN_KERNEL || event->cpu != search->cpu)
        return false;
    if (event->kind == EVENT_LOSS && event->value[1])
        return true; /* a border comes first: nothing will tell */
    if (event->kind != EVENT_SWITCH && event->kind != EVENT_EXEC)
        return false;
    bool old_tid = event->kind == EVENT_EXEC && event_has_value(event, 1);
    search->found = true;
    search->tid = (int32_t)event->value[old_tid ? 1 : 0];
    search->elsewhere = item->event.elsewhere;
    return true;
}

/* Whether anything up to the switch that was found shows its thread elsewhere. */
static bool shown_elsewhere(const struct search *search, const struct item *item)
{
    if (item->kind == ITEM_EVENT)
        return names_elsewhere(&item->event.event, search->cpu, search->tid);
    return item->kind == ITEM_THREAD && item->thread.tid == search->tid &&
           item->thread.named_ns != TIME_NONE && item->thread.named_ns > search->first_ns;
}

/* Settles who runs on the CPU of the event at the head of the queue; false if what comes yet
 * must tell. */
static bool settle(struct stitch *stitch, const struct event *event)
{
    struct search search = {.cpu = event->cpu, .first_ns = event->time_ns};
    bool over = !stitch->first->end.counts_switches;
    for (const struct queued *queued = stitch->first; queued && !over; queued = queued->next) {
        for (size_t i = queued->done; i < queued->count && !over; i++)
            over = look_at(&search, queued->row[i]);
        uint64_t end_ns = queued->end.end_ns;
        over |= end_ns != UINT64_MAX && end_ns > search.first_ns &&
                end_ns - search.first_ns > SETTLE_NS_MAX;
    }
    if (!over && !stitch->finished)
        return false;

    int32_t tid = search.found ? search.tid : TID_NOBODY;
    int32_t cpu = model_cpu_of(stitch->model, tid);
    if (tid > 0 && (search.elsewhere || (cpu >= 0 && cpu != event->cpu)))
        tid = TID_NOBODY;
    bool stop = false;
    for (const struct queued *queued = stitch->first; queued && tid > 0 && !stop;
         queued = queued->next)
        for (size_t i = queued->done; i < queued->count && !stop; i++) {
            const struct item *item = queued->row[i];
            struct search again = search;
            stop = look_at(&again, item);
            if (!stop && shown_elsewhere(&search, item)) {
                tid = TID_NOBODY;
                stop = true;
            }
        }
    model_settle(stitch->model, event->cpu, tid, event->time_ns);
    return true;
}

/* --- the queue --- */

static void pop(struct stitch *stitch)
{
    struct queued *done = stitch->first;
    stitch->first = done->next;
    if (!stitch->first)
        stitch->last = &stitch->first;
    arena_clear(&done->arena);
    free(done);
}

/* --- what must hold between intervals --- */

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

/* Every number below `chunk` that is missing is noted, also in front of the first; those beyond the room
 * of the notes are only counted. Returns how many. */
static uint64_t note_skipped(const struct stitch *stitch, uint64_t chunk,
                             struct interval_notes *notes)
{
    const struct seam_state *seam = &stitch->seam;
    uint64_t count = chunk > seam->next ? chunk - seam->next : 0;
    for (uint64_t i = 0; i < count && i < DAMAGE_ITEMS_MAX; i++)
        note(notes, DAMAGE_CHUNK, DAMAGE_BY_MISSING, seam->next + i, 1, MISSING_TEXT);
    if (count > DAMAGE_ITEMS_MAX) {
        notes->tallies.at[TALLY_LOST_CHUNKS] += count - DAMAGE_ITEMS_MAX;
        notes->more += count - DAMAGE_ITEMS_MAX;
    }
    return count;
}

static void note_missing(const struct stitch *stitch, const struct interval_end *end,
                         struct interval_notes *notes)
{
    uint64_t count = note_skipped(stitch, end->chunk, notes);
    if (count == 0 && !stitch->seam.gap_noted)
        note(notes, DAMAGE_CHUNK, DAMAGE_BY_ORDER, end->chunk, 1,
             "begins after the chunk before it ends: what lies between is lost");
}

/* What one chunk leaves, the next takes. */
static void check_seam(const struct stitch *stitch, const struct interval_end *end,
                       struct interval_notes *notes)
{
    const struct seam_state *seam = &stitch->seam;
    if (!seam->any || !seam->knows_left)
        return;
    if (end->gap_before && seam->left_events > 0)
        note(notes, DAMAGE_EVENT, DAMAGE_BY_SEAM, end->chunk, seam->left_events,
             "events behind the end of the chunk before, left to a chunk that is missing");
    if (end->gap_before || !end->knows_seam || seam->left_events == end->seam_events)
        return;
    bool lost = seam->left_events > end->seam_events;
    note(notes, DAMAGE_EVENT, DAMAGE_BY_SEAM, end->chunk,
         lost ? seam->left_events - end->seam_events : end->seam_events - seam->left_events,
         lost ? "events that the chunk before left to it, and that it has not taken"
              : "events of its seam that the chunk before has not left to it");
}

/* Adds what the join notes to what the mapper noted; the lists live in the interval's arena. */
static void add_notes(struct queued *queued, const struct interval_notes *notes)
{
    struct interval_end *end = &queued->end;
    tallies_add(&end->tallies, &notes->tallies);
    struct damages more = interval_notes_damages(notes);
    size_t count = more.count + end->damage.count;
    struct damage *all = arena_take(&queued->arena, (count + 1) * sizeof *all);
    struct damages copy = damages_copy(&queued->arena, more);
    for (size_t i = 0; i < count; i++)
        all[i] = i < copy.count ? copy.at[i] : end->damage.at[i - copy.count];
    end->damage = (struct damages){all, count, end->damage.more + more.more};
}

static void check(struct stitch *stitch, struct queued *queued)
{
    struct interval_notes notes = {.count = 0};
    struct interval_end *end = &queued->end;
    end->tallies.at[TALLY_PHASES_UNTOLD] += end->phases == NULL;
    /* What is left to an interval without time waits for the next. */
    bool passes = !end->gap_before && end->begin_ns == end->end_ns &&
                  end->left_events + end->seam_events == 0;
    if (end->gap_before)
        note_missing(stitch, end, &notes);
    else if (!stitch->seam.any)
        note_skipped(stitch, end->chunk, &notes);
    if (!passes)
        check_seam(stitch, end, &notes);
    if (notes.count > 0 || notes.more > 0)
        add_notes(queued, &notes);
    interval_notes_clear(&notes);
    struct seam_state *seam = &stitch->seam;
    seam->gap_noted = false;
    seam->next = end->chunk + 1;
    if (!passes || !seam->any) {
        seam->knows_left = end->knows_seam;
        seam->left_events = end->left_events;
    }
    seam->any = true;
}

/* Of a chunk that cannot be used, too, those before it may be missing. */
static void note_queued(struct stitch *stitch, struct queued *queued)
{
    const struct interval_end *end = &queued->end;
    struct interval_notes notes = {.count = 0};
    if (note_skipped(stitch, end->chunk, &notes) > 0)
        add_notes(queued, &notes);
    interval_notes_clear(&notes);
    model_note(stitch->model, end->chunk, &end->tallies, end->damage);
    stitch->seam.gap_noted = true;
    stitch->seam.next = end->chunk + 1;
}

/* --- analyses --- */

static void tell_cell(void *context, const struct atom *cell)
{
    const struct stitch *stitch = context;
    struct result result = {.type = RESULT_CELL, .cell = cell};
    stitch->sink.take(stitch->sink.context, &result);
}

/* Between intervals, no sum waits. */
static void tell_cells(struct stitch *stitch)
{
    engine_tell(stitch->engine, tell_cell, stitch);
}

/* --- the queue's head --- */

static void begin(struct stitch *stitch, struct queued *queued)
{
    struct interval_end *end = &queued->end;
    bool hole = stitch->seam.any && end->begin_ns > stitch->end_ns && !mutant("no-tiling");
    end->gap_before |= hole;
    if (queued->begun)
        return;
    queued->begun = true;
    /* An interval without time knows nothing of how the session is recorded. */
    bool tells = end->begin_ns < end->end_ns || queued->count > 0;
    if (end->gap_before || (tells && !end->has_kernel))
        engine_lose_all(stitch->engine);
    if (end->gap_before)
        model_gap(stitch->model, stitch->end_ns, end->begin_ns);
    if (tells)
        model_begin(stitch->model, end);
}

static void join_item(struct stitch *stitch, const struct item *item)
{
    if (item->kind == ITEM_ANALYSIS) {
        engine_join(stitch->engine, item->analysis);
        return;
    }
    const struct event *event = &item->event.event;
    if (item->kind == ITEM_EVENT && event->kind == EVENT_LOSS && event_is_border(event))
        engine_lose_cpu(stitch->engine, event->cpu);
    model_item(stitch->model, item);
}

/* Joins the interval, or what is left of it; false if what comes yet must tell. */
static bool join_head(struct stitch *stitch, struct queued *queued)
{
    begin(stitch, queued);
    for (; queued->done < queued->count; queued->done++) {
        const struct item *item = queued->row[queued->done];
        if (item->kind == ITEM_EVENT)
            model_tick(stitch->model, item->event.event.time_ns);
        if (item->kind == ITEM_EVENT && model_is_unsettled(stitch->model, &item->event.event) &&
            !settle(stitch, &item->event.event)) {
            tell_cells(stitch);
            return false;
        }
        join_item(stitch, item);
    }
    tell_cells(stitch);
    if (queued->kind == QUEUED_INTERVAL)
        check(stitch, queued);
    model_end(stitch->model, &queued->end);
    stitch->end_ns = queued->end.end_ns;
    return true;
}

static void drain(struct stitch *stitch)
{
    while (stitch->first) {
        if (stitch->first->kind == QUEUED_MISSING)
            note_queued(stitch, stitch->first);
        else if (!join_head(stitch, stitch->first))
            return;
        pop(stitch);
    }
}

static void append(struct stitch *stitch, struct queued *queued)
{
    if (queued->kind == QUEUED_MISSING) {
        /* Nothing of it is walked, so nothing of it can have been resumed. */
        *stitch->last = queued;
        stitch->last = &queued->next;
        drain(stitch);
        return;
    }
    queued->begun = stitch->resumed_begun;
    queued->done =
        stitch->resumed_done < queued->count ? (size_t)stitch->resumed_done : queued->count;
    stitch->resumed_begun = false;
    stitch->resumed_done = 0;
    *stitch->last = queued;
    stitch->last = &queued->next;
    drain(stitch);
}

void stitch_add(struct stitch *stitch, const struct item *items, size_t count,
                const struct interval_end *end)
{
    struct queued *queued = memory_new(sizeof *queued);
    struct item *copies = arena_take(&queued->arena, count * sizeof *copies);
    const struct item **row = arena_take(&queued->arena, count * sizeof *row);
    for (size_t i = 0; i < count; i++) {
        copies[i] = item_copy(&queued->arena, &items[i]);
        row[i] = &copies[i];
    }
    queued->row = row;
    queued->count = count;
    queued->end = *end;
    int32_t *cpus = arena_take(&queued->arena, end->cpu_count * sizeof *cpus);
    for (size_t i = 0; i < end->cpu_count; i++)
        cpus[i] = end->cpus[i];
    queued->end.cpus = cpus;
    queued->end.host.at = arena_string(&queued->arena, end->host);
    queued->end.session.at = arena_string(&queued->arena, end->session);
    queued->end.created.at = arena_string(&queued->arena, end->created);
    queued->end.damage = damages_copy(&queued->arena, end->damage);
    append(stitch, queued);
}

void stitch_add_owned(struct stitch *stitch, struct arena *arena, const struct item *const *row,
                      size_t count, const struct interval_end *end)
{
    struct queued *queued = memory_new(sizeof *queued);
    *queued = (struct queued){.arena = *arena, .row = row, .count = count, .end = *end};
    *arena = (struct arena){.first = NULL};
    append(stitch, queued);
}

void stitch_missing(struct stitch *stitch, uint64_t chunk, uint8_t cause, struct text reason)
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
    append(stitch, queued);
}

void stitch_expect(struct stitch *stitch, uint64_t chunk)
{
    stitch->seam.next = chunk;
}

void stitch_open_gap(struct stitch *stitch, uint64_t begin_ns)
{
    struct queued *queued = memory_new(sizeof *queued);
    queued->kind = QUEUED_OPEN_GAP;
    queued->end = (struct interval_end){.begin_ns = begin_ns,
                                        .end_ns = UINT64_MAX,
                                        .gap_before = true,
                                        .phases = model_phases(stitch->model),
                                        .first_ns = TIME_NONE,
                                        .last_ns = TIME_NONE,
                                        .host = text_of(""),
                                        .session = text_of(""),
                                        .created = text_of("")};
    append(stitch, queued);
}

void stitch_finish(struct stitch *stitch)
{
    stitch->finished = true;
    drain(stitch);
    engine_lose_all(stitch->engine);
    tell_cells(stitch);
    model_finish(stitch->model);
}

/* --- saving --- */

bool stitch_oldest_chunk(const struct stitch *stitch, uint64_t *chunk)
{
    if (!stitch->first)
        return false;
    *chunk = stitch->first->end.chunk;
    return true;
}

const struct phase_set *stitch_phases(const struct stitch *stitch)
{
    return stitch->seam.any ? model_phases(stitch->model) : NULL;
}

size_t stitch_queued_bytes(const struct stitch *stitch)
{
    size_t bytes = 0;
    for (const struct queued *queued = stitch->first; queued; queued = queued->next)
        bytes += sizeof *queued + queued->arena.whole;
    return bytes;
}

/* The record of the queue's head, of fixed size. */
enum {
    HEAD_FORMAT = 2, /* 1: without what the next interval is checked against */
    HEAD_BYTES_1 = 2 + 8 + 8,
    HEAD_BYTES = HEAD_BYTES_1 + 1 + 8 + 8
};
static const char head_key[] = "stitch";

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

void stitch_save(struct stitch *stitch, struct state_sink sink)
{
    uint8_t head[HEAD_BYTES] = {HEAD_FORMAT,
                                stitch->first ? stitch->first->begun : stitch->resumed_begun};
    put_u64(head + 2, stitch->first ? stitch->first->done : stitch->resumed_done);
    put_u64(head + 10, stitch->end_ns);
    const struct seam_state *seam = &stitch->seam;
    head[HEAD_BYTES_1] = (uint8_t)(seam->any | seam->knows_left << 1 | seam->gap_noted << 2);
    put_u64(head + HEAD_BYTES_1 + 1, seam->next);
    put_u64(head + HEAD_BYTES_1 + 9, seam->left_events);
    sink.take(sink.context, text_of(head_key), (struct bytes){head, sizeof head});
    kept_phases_save(model_phases(stitch->model), sink);
    engine_save(stitch->engine, sink.take, sink.context);
    model_save(stitch->model, sink);
}

static enum status restore_head(struct stitch *stitch, const struct state_record *records,
                                size_t count, struct failure *why)
{
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(records[i].key, text_of(head_key)))
            continue;
        struct bytes head = records[i].record;
        if (head.count > 0 && head.at[0] > HEAD_FORMAT)
            return fail(why, STATUS_STOP, "format %u of state, newer than this program knows",
                        head.at[0]);
        if (head.count != HEAD_BYTES && (head.count != HEAD_BYTES_1 || head.at[0] != 1))
            break;
        stitch->resumed_begun = head.at[1] != 0;
        stitch->resumed_done = get_u64(head.at + 2);
        stitch->end_ns = get_u64(head.at + 10);
        stitch->seam.next = UINT64_MAX;
        if (head.count == HEAD_BYTES)
            stitch->seam = (struct seam_state){.any = head.at[HEAD_BYTES_1] & 1,
                                               .knows_left = head.at[HEAD_BYTES_1] >> 1 & 1,
                                               .gap_noted = head.at[HEAD_BYTES_1] >> 2 & 1,
                                               .next = get_u64(head.at + HEAD_BYTES_1 + 1),
                                               .left_events = get_u64(head.at + HEAD_BYTES_1 + 9)};
        return STATUS_OK;
    }
    return fail(why, STATUS_REJECT, "the record %s is missing or damaged", head_key);
}

static bool is_of_engine(const struct state_record *record)
{
    size_t count = sizeof ENGINE_KEY - 1;
    return record->key.count > count && memcmp(record->key.at, ENGINE_KEY, count) == 0;
}

enum status stitch_restore(struct schema *schema, struct result_sink sink,
                           const struct state_record *records, size_t count, struct stitch **out,
                           struct failure *why)
{
    *out = NULL;
    struct stitch *stitch = new_stitch(sink);
    const struct phase_set *phases;
    enum status status = restore_head(stitch, records, count, why);
    if (status == STATUS_OK)
        status = kept_phases_restore(schema, records, count, &phases, why);
    struct state_record *rest = memory_new((count + 1) * sizeof *rest);
    size_t kept = 0;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (is_of_engine(&records[i]))
            status = engine_restore(stitch->engine, records[i].record, why);
        else if (!text_equal(records[i].key, text_of(head_key)) && !kept_phases_is(&records[i]))
            rest[kept++] = records[i];
    }
    if (status == STATUS_OK)
        status = model_restore(schema, phases, sink, rest, kept, &stitch->model, why);
    free(rest);
    if (status == STATUS_OK) {
        *out = stitch;
    } else {
        engine_free(stitch->engine);
        free(stitch);
    }
    return status;
}

void stitch_retell(struct stitch *stitch, uint64_t turn, uint64_t turns)
{
    model_retell(stitch->model, turn, turns);
}

void stitch_free(struct stitch *stitch)
{
    if (!stitch)
        return;
    while (stitch->first)
        pop(stitch);
    model_free(stitch->model);
    engine_free(stitch->engine);
    free(stitch);
}
