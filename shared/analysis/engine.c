#include "analysis/engine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/atom_bytes.h"
#include "analysis/atom_table.h"
#include "analysis/rule.h"
#include "base/attrs.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "base/row.h"

struct engine {
    struct engine_head head;
    const struct analyses *analyses;
    struct atom_table atoms;
    bool has_first;
    uint64_t first_ns; /* of the first event here: open begins of the past are earlier */
    /* Atoms with unsent data, in the order in which they got it; may include sent atoms, which are
     * not `dirty`. */
    struct atom **dirty;
    size_t dirty_count, dirty_room;
    struct changes changes; /* joining: atoms and begins that may differ from the last save */
    bool saved;             /* to a sink that keeps records */
    bool mapping;
    struct engine_sink sink;
    struct atom_out out; /* the current record */
    uint64_t singles;
    struct arena arena; /* joining: for the current record */
};

struct engine *engine_new(const struct analyses *analyses)
{
    struct engine *engine = memory_new(sizeof *engine);
    engine->analyses = analyses;
    engine->atoms.changes = engine->head.opens.changes = &engine->changes;
    return engine;
}

struct engine *engine_new_mapping(const struct analyses *analyses, struct engine_sink sink,
                                  bool all_single)
{
    struct engine *engine = engine_new(analyses);
    engine->mapping = true;
    engine->atoms.changes = engine->head.opens.changes = NULL;
    engine->sink = sink;
    engine->head.sums_nothing = all_single;
    return engine;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    opens_clear(&engine->head.opens);
    atom_table_clear(&engine->atoms);
    changes_clear(&engine->changes);
    arena_clear(&engine->arena);
    free(engine->dirty);
    free(engine->out.at);
    free(engine);
}

uint64_t engine_single_events(const struct engine *engine)
{
    return engine->singles;
}

/* --- atoms --- */

NEVER_INLINE struct atom *engine_atom_slowly(struct engine *engine, const struct atom_kind *kind,
                                             const struct atom *key)
{
    size_t before = engine->atoms.count;
    struct atom *atom = atom_table_at(&engine->atoms, kind, key);
    if (engine->atoms.count > before)
        atom->known = !engine->mapping || !atom_kind_has(kind, ATOM_REG);
    return *engine_recent(engine, kind, key) = atom;
}

NEVER_INLINE void engine_mark(struct engine *engine, struct atom *atom)
{
    if (atom->dirty)
        return;
    atom->dirty = true;
    engine->dirty = memory_grow(engine->dirty, &engine->dirty_room, engine->dirty_count + 1,
                                sizeof(struct atom *));
    engine->dirty[engine->dirty_count++] = atom;
}

struct atom *lost_atom(struct engine *engine, const struct atom_kind *kind, const struct atom *key)
{
    assert(!engine->head.sums_nothing && !atom_kind_has(kind, ATOM_REG));
    struct atom *atom = engine_atom(engine, kind, key);
    engine_mark(engine, atom);
    return atom;
}

/* --- begins --- */

void engine_lose_open(struct engine *engine, struct atom *open)
{
    if (open->kind->lose)
        open->kind->lose(engine, open);
    opens_take_out(&engine->head.opens, open);
}

void engine_unopened(struct engine *engine, const struct atom_kind *kind, struct found *found)
{
    if (engine->mapping)
        found->known &= !open_is_within(kind, engine->first_ns, found->now_ns);
}

void engine_forget(struct engine *engine, uint64_t now_ns)
{
    assert(!engine->mapping);
    struct opens *opens = &engine->head.opens;
    for (size_t i = opens->count; i-- > 0;)
        if (!open_is_within(opens->at[i]->kind, open_since(opens->at[i]), now_ns))
            engine_lose_open(engine, opens->at[i]);
}

/* Resets the REGs of an atom to "nothing is going on", which is then known. */
static void lose(struct engine *engine, struct atom *atom)
{
    if (!atom_is_empty(atom, ATOM_REG)) {
        if (atom->kind->lose)
            atom->kind->lose(engine, atom);
        engine_mark(engine, atom);
    }
    atom_clear(atom, ATOM_REG);
}

/* --- mapping --- */

static void send_atom(struct engine *engine, const struct atom *atom)
{
    engine->out.count = 0;
    atom_write(&engine->out, atom);
    engine->sink.take(engine->sink.context, (struct bytes){engine->out.at, engine->out.count});
}

static void send_piece(struct engine *engine, struct atom *atom)
{
    if (!atom->dirty)
        return;
    send_atom(engine, atom);
    atom_clear(atom, ATOM_SUM);
    atom->dirty = false;
}

/* Precedes an event: no kind has this tag. An event is: tag of the rule, time, CPU + 1, mask of
 * present values, signed values, and texts. */
enum { TAG_EVENT = 0 };

static void write_event(struct atom_out *out, const struct rule *rule, const struct event *event)
{
    out->count = 0;
    atom_out_number(out, TAG_EVENT);
    atom_out_number(out, rule->tag);
    atom_out_number(out, event->time_ns);
    atom_out_number(out, (uint64_t)(event->cpu + 1));
    atom_out_number(out, event->present);
    for (unsigned i = 0; i < EVENT_VALUES; i++)
        if (event_has_value(event, i))
            atom_out_number(out, zigzag(event->value[i]));
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        if (event_has_text(event, i))
            atom_out_text(out, event->text[i]);
}

void engine_send_single(struct engine *engine, const struct rule *rule, const struct event *event,
                        const struct found *found)
{
    assert(found->opening == 0 || engine->head.sums_nothing);
    for (unsigned i = 0; i < found->count; i++)
        if (!((found->opening | found->ending) >> i & 1))
            send_piece(engine, found->at[i]);
        else if ((found->ending >> i & 1) && found->at[i])
            send_atom(engine, found->at[i]);
    write_event(&engine->out, rule, event);
    engine->sink.take(engine->sink.context, (struct bytes){engine->out.at, engine->out.count});
    engine->singles++;
}

/* The join adds up the effects of the event. */
void engine_settle_single(struct engine *engine, const struct found *found, unsigned defines)
{
    for (unsigned i = 0; i < found->count; i++) {
        struct atom *atom = found->at[i];
        if ((found->opening | found->ending) >> i & 1) {
            if (atom)
                opens_take_out(&engine->head.opens, atom);
            continue;
        }
        atom_clear(atom, ATOM_SUM);
        if (!atom_kind_has(atom->kind, ATOM_REG))
            continue;
        atom->known = (defines >> i & 1) && !engine->head.sums_nothing;
        if (!atom->known)
            atom_clear(atom, ATOM_REG);
    }
}

/* Texts that an atom may keep are copied to the table. */
static struct event kept_texts(struct engine *engine, const struct event *event)
{
    struct event kept = *event;
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        if (event_has_text(event, i))
            kept.text[i] = atom_table_text(&engine->atoms, event->text[i]);
    return kept;
}

void engine_map(struct engine *engine, const struct event *event)
{
    assert(engine->mapping);
    const struct event_class *class = event->class;
    if (!engine->has_first)
        engine->first_ns = event->time_ns;
    engine->has_first = true;
    struct event kept;
    if (event->present >> EVENT_VALUES != 0) {
        kept = kept_texts(engine, event);
        event = &kept;
    }
    for (size_t i = 0; i < class->row_count; i++) {
        const struct rule *rule = (const struct rule *)class->rows[i];
        if ((event->present & rule->row.needs) == rule->row.needs)
            rule->map(engine, rule, event);
    }
}

void engine_finish(struct engine *engine)
{
    for (size_t i = 0; i < engine->dirty_count; i++)
        send_piece(engine, engine->dirty[i]);
    engine->dirty_count = 0;
    opens_sort(&engine->head.opens);
    for (size_t i = 0; i < engine->head.opens.count; i++)
        send_atom(engine, engine->head.opens.at[i]);
}

/* --- losses --- */

static bool is_of_cpu(const struct atom *atom, int32_t cpu)
{
    uint64_t number;
    return cpu >= 0 && atom_cpu_of(atom, &number) && number == (uint64_t)cpu;
}

/* When mapping, the row has a record of the loss, and the join does the same at that record. */
static void lose_cpu(struct engine *engine, struct atom *atom)
{
    if (!atom_kind_has(atom->kind, ATOM_REG))
        return;
    if (!engine->mapping) {
        lose(engine, atom);
        return;
    }
    send_piece(engine, atom);
    atom_clear(atom, ATOM_REG);
    atom->known = !engine->head.sums_nothing;
}

/* Begins without a CPU may end on any. */
static bool may_end_on(const struct atom *open, int32_t cpu)
{
    uint64_t number;
    return !atom_cpu_of(open, &number) || is_of_cpu(open, cpu);
}

static void lose_opens(struct engine *engine, int32_t cpu)
{
    struct opens *opens = &engine->head.opens;
    if (engine->mapping)
        opens_sort(opens);
    for (size_t i = 0; engine->mapping && i < opens->count; i++)
        if (may_end_on(opens->at[i], cpu))
            send_atom(engine, opens->at[i]);
    for (size_t i = opens->count; i-- > 0;) {
        if (!may_end_on(opens->at[i], cpu))
            continue;
        if (engine->mapping)
            opens_take_out(opens, opens->at[i]);
        else
            engine_lose_open(engine, opens->at[i]);
    }
}

void engine_lose_cpu(struct engine *engine, int32_t cpu)
{
    lose_opens(engine, cpu);
    for (size_t i = 0; i < engine->atoms.count; i++)
        if (is_of_cpu(engine->atoms.at[i], cpu))
            lose_cpu(engine, engine->atoms.at[i]);
}

void engine_lose_all(struct engine *engine)
{
    assert(!engine->mapping);
    while (engine->head.opens.count > 0)
        engine_lose_open(engine, engine->head.opens.at[engine->head.opens.count - 1]);
    for (size_t i = 0; i < engine->atoms.count; i++)
        lose(engine, engine->atoms.at[i]);
}

/* --- joining --- */

static const struct atom_kind *find_kind(const void *analyses, uint64_t tag)
{
    return analyses_kind(analyses, tag);
}

/* A record of the row: an event by a rule, or an atom. */
struct record {
    const struct rule *rule; /* NULL: `atom` is valid */
    struct event event;
    struct atom *atom;
};

static enum status read_event(const struct analyses *analyses, struct row_reader *in,
                              struct record *out, struct failure *why)
{
    uint64_t tag = row_take(in);
    struct event *event = &out->event;
    *event = (struct event){.time_ns = row_take(in)};
    uint64_t cpu = row_take(in), present = row_take(in);
    bool good = cpu <= INT32_MAX && present <= UINT8_MAX;
    event->cpu = (int32_t)(cpu & INT32_MAX) - 1;
    event->present = (uint8_t)present;
    for (unsigned i = 0; i < EVENT_VALUES; i++)
        if (event_has_value(event, i))
            event->value[i] = row_take_signed(in);
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        if (event_has_text(event, i))
            event->text[i] = atom_in_text(in);
    if (in->bad || !good)
        return fail(why, STATUS_REJECT, "an event of an analysis is inconsistent");
    out->rule = analyses_rule(analyses, tag);
    if (!out->rule)
        return fail(why, STATUS_STOP,
                    "event type %llu of an analysis is newer than this program supports",
                    (unsigned long long)tag);
    if ((event->present & out->rule->row.needs) != out->rule->row.needs)
        return fail(why, STATUS_REJECT, "an event of an analysis lacks a required field");
    return STATUS_OK;
}

static enum status read_record(const struct analyses *analyses, struct bytes bytes,
                               struct arena *arena, struct record *out, struct failure *why)
{
    *out = (struct record){.rule = NULL};
    if (bytes.count == 0)
        return fail(why, STATUS_REJECT, "an empty record of an analysis");
    struct row_reader in = {bytes.at, bytes.at + bytes.count, false};
    enum status status;
    if (*bytes.at == TAG_EVENT) {
        in.at++;
        status = read_event(analyses, &in, out, why);
    } else {
        const struct atom_kinds kinds = {find_kind, analyses};
        status = atom_read(&in, &kinds, arena, &out->atom, why);
        if (status == STATUS_OK && out->atom->kind->open_ns > 0 && !out->atom->known)
            return fail(why, STATUS_REJECT, "a begin record of an analysis has no data");
    }
    if (status == STATUS_OK && row_left(&in) > 0)
        return fail(why, STATUS_REJECT, "%zu bytes after a record of an analysis", row_left(&in));
    return status;
}

enum status engine_check(const struct analyses *analyses, struct bytes bytes, struct failure *why)
{
    struct arena arena = {.first = NULL};
    struct record record;
    enum status status = read_record(analyses, bytes, &arena, &record, why);
    arena_clear(&arena);
    return status;
}

static void join_piece(struct engine *engine, struct atom *piece)
{
    for (ATOM_EACH(column, piece->kind, ATOM_REG))
        if (column->type == ATOM_IS_text)
            *atom_text_at(piece, column) =
                atom_table_text(&engine->atoms, *atom_text_at(piece, column));
    if (piece->kind->open_ns > 0) {
        engine_open(engine, piece->kind, piece);
        return;
    }
    struct atom *atom = engine_atom(engine, piece->kind, piece);
    if (piece->known)
        atom_copy(atom, piece, ATOM_REG);
    atom_add_sums(atom, piece);
    engine_mark(engine, atom);
}

void engine_join(struct engine *engine, struct bytes bytes)
{
    assert(!engine->mapping);
    struct record record;
    enum status status = read_record(engine->analyses, bytes, &engine->arena, &record, NULL);
    assert(status == STATUS_OK);
    if (status == STATUS_OK && record.rule) {
        struct event event = kept_texts(engine, &record.event);
        record.rule->join(engine, record.rule, &event);
    } else if (status == STATUS_OK) {
        join_piece(engine, record.atom);
    }
    arena_clear(&engine->arena);
}

static int by_key(const void *a, const void *b)
{
    return atom_compare(*(struct atom *const *)a, *(struct atom *const *)b);
}

void engine_emit(struct engine *engine, void (*take)(void *context, const struct atom *atom),
                 void *context)
{
    if (engine->dirty_count > 1)
        qsort(engine->dirty, engine->dirty_count, sizeof(struct atom *), by_key);
    for (size_t i = 0; i < engine->dirty_count; i++) {
        struct atom *atom = engine->dirty[i];
        if (atom->kind->view && !atom_is_empty(atom, ATOM_SUM))
            take(context, atom);
        atom_clear(atom, ATOM_SUM);
        atom->dirty = false;
        changes_note(&engine->changes, &atom->change);
    }
    if (engine->dirty_count > 0) {
        memset(engine->head.recent, 0, sizeof engine->head.recent);
        atom_table_prune(&engine->atoms);
        if (engine->atoms.count + engine->head.opens.count == 0)
            names_clear(&engine->atoms.names);
    }
    engine->dirty_count = 0;
}

/* --- state --- */

/* "analysis/KIND", then "/NUMBER" or "/COUNT:TEXT" for each key column, and for a begin "@TIME". */
static char *key_of(const struct atom *atom, size_t *count)
{
    char *key = NULL;
    FILE *out = open_memstream(&key, count);
    if (!out)
        abort();
    fprintf(out, ENGINE_KEY "%u", atom->kind->tag);
    for (ATOM_EACH(column, atom->kind, ATOM_KEY)) {
        if (column->type == ATOM_IS_text) {
            const struct text *text = atom_text_at(atom, column);
            fprintf(out, "/%zu:", text->count);
            fwrite(text->at, 1, text->count, out);
        } else {
            fprintf(out, "/%" PRIu64, *atom_number_at(atom, column));
        }
    }
    if (atom->kind->open_ns > 0)
        fprintf(out, "@%" PRIu64, open_since(atom));
    fclose(out);
    return key;
}

struct save {
    const struct keep_sink *sink;
    struct changes *changes;
    struct atom_out out;
    bool checks;  /* each record must equal that of the sink */
    size_t count; /* of records */
};

static void save_atom(struct save *save, struct atom *atom)
{
    assert(atom_is_empty(atom, ATOM_SUM));
    if (atom_is_empty(atom, ATOM_REG))
        return;
    size_t count;
    char *at = key_of(atom, &count);
    const struct text key = {at, count};
    save->out.count = 0;
    atom_write(&save->out, atom);
    const struct bytes record = {save->out.at, save->out.count};
    if (save->checks)
        invariant(atom->change.kept &&
                  save->sink->is(save->sink->context, atom->change.kept, key, record));
    else
        keep_give(save->sink, key, record, save->changes, &atom->change);
    save->count++;
    free(at);
}

static void save_all(struct engine *engine, struct save *save)
{
    for (size_t i = 0; i < engine->atoms.count; i++)
        save_atom(save, engine->atoms.at[i]);
    for (size_t i = 0; i < engine->head.opens.count; i++)
        save_atom(save, engine->head.opens.at[i]);
}

void engine_save(struct engine *engine, const struct keep_sink *sink)
{
    struct changes *changes = &engine->changes;
    struct save save = {.sink = sink, .changes = changes};
    struct atom *atom;
    assert(!engine->mapping);
    for (size_t i = 0; i < engine->dirty_count; i++) /* restored and not emitted since */
        changes_note(changes, &engine->dirty[i]->change);
    keep_give_up(sink, changes);
    if (!engine->saved || !keep_remembers(sink))
        save_all(engine, &save);
    else
        for (EACH_CHANGED(atom, struct atom, change, changes))
            save_atom(&save, atom);
    if (keep_remembers(sink)) {
        engine->saved = true;
        changes_seen(changes);
#ifdef SPANMILL_INVARIANTS
        save.count = 0;
        save.checks = true;
        save_all(engine, &save);
        invariant(save.count == changes->known);
#endif
    }
    free(save.out.at);
}

enum status engine_restore(struct engine *engine, struct bytes bytes, struct failure *why)
{
    struct record record;
    enum status status = read_record(engine->analyses, bytes, &engine->arena, &record, why);
    if (status == STATUS_OK && record.rule)
        status = fail(why, STATUS_REJECT, "the state of an analysis contains an event");
    else if (status == STATUS_OK && !atom_is_empty(record.atom, ATOM_SUM))
        status = fail(why, STATUS_REJECT, "the state of an analysis contains a sum");
    if (status == STATUS_OK)
        join_piece(engine, record.atom);
    arena_clear(&engine->arena);
    return status;
}
