#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "analysis/atom_bytes.h"
#include "analysis/atom_table.h"
#include "analysis/engine.h"
#include "analysis/rule.h"
#include "analysis/view.h"
#include "base/memory.h"

/* --- small analyses: links go up and down under a name; who is up adds to sums by name; so do
 * tasks, which begin anywhere, are handed on under another number and end anywhere --- */

#define LINK(T, KEY, REG, SUM)                                                                     \
    KEY(T, 1, cpu, cpu, "the CPU")                                                                 \
    KEY(T, 2, number, port, "the port")                                                            \
    REG(T, 3, time, up_ns, "since when it is up; 0: it is down")                                   \
    REG(T, 4, text, name, "what it is called while it is up")                                      \
    SUM(T, 5, count, kicks, "how often it was kicked")                                             \
    SUM(T, 6, count, unknown, "names that were taken over")
#define UPTIME(T, KEY, REG, SUM)                                                                   \
    KEY(T, 1, text, name, "the link's name")                                                       \
    SUM(T, 2, durations, up, "from up to down")                                                    \
    SUM(T, 3, count, lost, "times up without an end")                                              \
    SUM(T, 4, count, strays, "ends of tasks without a begin")
#define TASK(T, KEY, REG, SUM)                                                                     \
    KEY(T, 1, number, number, "the task")                                                          \
    REG(T, 2, time, begun_ns, "when it began")                                                     \
    REG(T, 3, text, name, "of what")
ATOM_DEFINE(link, LINK)
ATOM_DEFINE(task, TASK)
ATOM_DEFINE(uptime, UPTIME)

static const struct atom_view some_view;
static const struct atom_kind uptime_kind = {.tag = 2, ATOM_COLUMNS_OF(uptime), .view = &some_view};

static void lose_link(struct engine *engine, struct atom *atom)
{
    const struct uptime key = {.name = ((struct link *)atom)->name};
    ((struct uptime *)lost_atom(engine, &uptime_kind, &key.atom))->lost++;
}

static const struct atom_kind link_kind = {
    .tag = 1, ATOM_COLUMNS_OF(link), .lose = lose_link, .view = &some_view};

static void lose_task(struct engine *engine, struct atom *atom)
{
    const struct uptime key = {.name = ((struct task *)atom)->name};
    ((struct uptime *)lost_atom(engine, &uptime_kind, &key.atom))->lost++;
}

static const struct atom_kind task_kind = {
    .tag = 3, ATOM_COLUMNS_OF(task), .lose = lose_task, .open_ns = 40000};

static const struct link *find_link(struct found *found, const struct event *event)
{
    const struct link key = {.cpu = (uint64_t)event->cpu, .port = (uint64_t)event->value[0]};
    return (const struct link *)found_atom(found, &link_kind, &key.atom);
}

static void find(struct found *found, const struct event *event)
{
    find_link(found, event);
}

static void find_with_uptime(struct found *found, const struct event *event)
{
    const struct link *link = find_link(found, event);
    if (link && link->up_ns != 0)
        found_atom(found, &uptime_kind, &(struct uptime){.name = link->name}.atom);
}

static void find_both(struct found *found, const struct event *event)
{
    find_link(found, event);
    const struct link other = {.cpu = (uint64_t)event->cpu, .port = (uint64_t)event->value[1]};
    if (event->value[0] != event->value[1])
        found_atom(found, &link_kind, &other.atom);
}

static void apply_up(struct atom *const *atoms, const struct event *event)
{
    struct link *link = (struct link *)atoms[0];
    link->unknown += link->up_ns != 0;
    link->up_ns = event->time_ns;
    link->name = event->text[0];
}

static void apply_kick(struct atom *const *atoms, const struct event *event)
{
    (void)event;
    struct link *link = (struct link *)atoms[0];
    link->kicks += link->up_ns != 0;
}

static void apply_down(struct atom *const *atoms, const struct event *event)
{
    struct link *link = (struct link *)atoms[0];
    if (link->up_ns != 0)
        durations_add(&((struct uptime *)atoms[1])->up, event->time_ns - link->up_ns);
    link->up_ns = 0;
    link->name = text_of("");
}

/* The other one takes over the name, and both are kicked. */
static void apply_swap(struct atom *const *atoms, const struct event *event)
{
    struct link *link = (struct link *)atoms[0], *other = (struct link *)atoms[1];
    apply_kick(atoms, event);
    if (event->value[0] == event->value[1] || link->up_ns == 0)
        return;
    other->unknown += other->up_ns != 0;
    other->up_ns = link->up_ns;
    other->name = link->name;
    link->up_ns = 0;
    link->name = text_of("");
}

static void find_begin(struct found *found, const struct event *event)
{
    struct task task = {
        .number = (uint64_t)event->value[0], .begun_ns = event->time_ns, .name = event->text[0]};
    found_opening(found, &task_kind, &task.atom);
}

static const struct task *find_end_of_task(struct found *found, const struct event *event)
{
    const struct task key = {.number = (uint64_t)event->value[0]};
    return (const struct task *)found_ending(found, &task_kind, &key.atom);
}

static void find_end(struct found *found, const struct event *event)
{
    const struct task *task = find_end_of_task(found, event);
    const struct uptime key = {.name = task ? task->name : text_of("")};
    found_atom(found, &uptime_kind, &key.atom);
}

static void find_hand(struct found *found, const struct event *event)
{
    const struct task *task = find_end_of_task(found, event);
    if (!task)
        return;
    struct task other = *task;
    other.number = (uint64_t)event->value[1];
    found_opening(found, &task_kind, &other.atom);
}

static void apply_nothing(struct atom *const *atoms, const struct event *event)
{
    (void)atoms;
    (void)event;
}

static void apply_end(struct atom *const *atoms, const struct event *event)
{
    const struct task *task = (const struct task *)atoms[0];
    struct uptime *uptime = (struct uptime *)atoms[1];
    if (task)
        durations_add(&uptime->up, event->time_ns - task->begun_ns);
    else
        uptime->strays++;
}

ANALYSIS_RULE(begin, find_begin, apply_nothing, DEFINES_NOTHING)
ANALYSIS_RULE(end, find_end, apply_end, DEFINES_NOTHING)
ANALYSIS_RULE(hand, find_hand, apply_nothing, DEFINES_NOTHING)
ANALYSIS_RULE(up, find, apply_up, DEFINES(0))
ANALYSIS_RULE(kick, find, apply_kick, DEFINES_NOTHING)
ANALYSIS_RULE(down, find_with_uptime, apply_down, DEFINES(0))
ANALYSIS_RULE(swap, find_both, apply_swap, DEFINES_NOTHING)

enum { UP, KICK, DOWN, SWAP, BEGIN, END, HAND, RULES };
static const struct rule rules[RULES] = {
    [UP] = {.row = {"up", {{"port", SLOT_VALUE, 0}, {"name", SLOT_TEXT, 0}}, 1 | 64},
            .tag = 1,
            ANALYSIS_RULE_OF(up)},
    [SWAP] = {.row = {"swap", {{"port", SLOT_VALUE, 0}, {"other", SLOT_VALUE, 1}}, 3},
              .tag = 4,
              ANALYSIS_RULE_OF(swap)},
    [KICK] = {.row = {"kick", {{"port", SLOT_VALUE, 0}}, 1}, .tag = 2, ANALYSIS_RULE_OF(kick)},
    [DOWN] = {.row = {"down", {{"port", SLOT_VALUE, 0}}, 1}, .tag = 3, ANALYSIS_RULE_OF(down)},
    [BEGIN] = {.row = {"begin", {{"task", SLOT_VALUE, 0}, {"name", SLOT_TEXT, 0}}, 1 | 64},
               .tag = 5,
               ANALYSIS_RULE_OF(begin)},
    [END] = {.row = {"end", {{"task", SLOT_VALUE, 0}}, 1}, .tag = 6, ANALYSIS_RULE_OF(end)},
    [HAND] = {.row = {"hand", {{"task", SLOT_VALUE, 0}, {"other", SLOT_VALUE, 1}}, 3},
              .tag = 7,
              ANALYSIS_RULE_OF(hand)},
};
static const struct atom_kind *const kinds[] = {&link_kind, &uptime_kind, &task_kind};
static const struct analysis links = {"links", kinds, 3, rules, RULES, NULL};
static const struct analysis *const list[] = {&links};
static const struct analyses analyses = {list, 1};

/* --- traces --- */

enum { LOSS = RULES, EVENTS = 400, ROOM = EVENTS * 4 };

struct script {
    struct event at[EVENTS];
    unsigned what[EVENTS];
    uint64_t random;
};

static uint64_t below(struct script *script, uint64_t bound)
{
    script->random ^= script->random << 13;
    script->random ^= script->random >> 7;
    script->random ^= script->random << 17;
    return script->random % bound;
}

static const struct event_row *const class_rows[RULES] = {
    &rules[UP].row,    &rules[KICK].row, &rules[DOWN].row, &rules[SWAP].row,
    &rules[BEGIN].row, &rules[END].row,  &rules[HAND].row};
static const struct event_class classes[RULES] = {
    {.name = "up", .rows = &class_rows[UP], .row_count = 1},
    {.name = "kick", .rows = &class_rows[KICK], .row_count = 1},
    {.name = "down", .rows = &class_rows[DOWN], .row_count = 1},
    {.name = "swap", .rows = &class_rows[SWAP], .row_count = 1},
    {.name = "begin", .rows = &class_rows[BEGIN], .row_count = 1},
    {.name = "end", .rows = &class_rows[END], .row_count = 1},
    {.name = "hand", .rows = &class_rows[HAND], .row_count = 1},
};

static void write_script(struct script *script, uint64_t seed)
{
    static const char *const names[] = {"red", "green", "a name with / and \x01"};
    script->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    uint64_t now = 1000;
    for (size_t i = 0; i < EVENTS; i++) {
        unsigned what = below(script, 60) == 0 ? LOSS : (unsigned)below(script, RULES);
        now += below(script, 3) ? below(script, 5000) : 0;
        struct event *event = &script->at[i];
        *event = (struct event){.time_ns = now, .cpu = (int32_t)below(script, 2), .present = 1};
        event->value[0] = (int64_t)below(script, 3);
        event->class = what < RULES ? &classes[what] : NULL;
        if (what == SWAP || what == HAND) {
            event->present |= 2;
            event->value[1] = (int64_t)below(script, 3);
        }
        if (what == UP || what == BEGIN) {
            event->present |= 64;
            event->text[0] = text_of(names[below(script, 3)]);
        }
        script->what[i] = what;
    }
}

/* The elements of a row: records, and losses of a CPU (with `count` 0 and the CPU in `cpu`). */
struct row {
    struct {
        struct bytes bytes;
        int32_t cpu;
    } at[ROOM];
    size_t count;
};

static void take_record(void *context, struct bytes record)
{
    struct row *row = context;
    cr_assert(lt(sz, row->count, ROOM));
    uint8_t *copy = memory_new(record.count);
    memcpy(copy, record.at, record.count);
    row->at[row->count++].bytes = (struct bytes){copy, record.count};
}

static uint64_t map(const struct script *script, size_t first, size_t end, bool all_single,
                    struct row *row)
{
    *row = (struct row){.count = 0};
    struct engine *engine =
        engine_new_mapping(&analyses, (struct engine_sink){take_record, row}, all_single);
    for (size_t i = first; i < end; i++) {
        if (script->what[i] != LOSS) {
            engine_map(engine, &script->at[i]);
            continue;
        }
        engine_lose_cpu(engine, script->at[i].cpu);
        row->at[row->count].bytes = (struct bytes){NULL, 0};
        row->at[row->count++].cpu = script->at[i].cpu;
    }
    engine_finish(engine);
    uint64_t singles = engine_single_events(engine);
    engine_free(engine);
    return singles;
}

static void join(struct engine *engine, const struct row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        struct bytes record = row->at[i].bytes;
        if (!record.at) {
            engine_lose_cpu(engine, row->at[i].cpu);
            continue;
        }
        struct failure why;
        cr_assert(eq(int, engine_check(&analyses, record, &why), STATUS_OK), "%s", why.text);
        engine_join(engine, record);
        free((void *)(uintptr_t)record.at);
    }
}

static void add_cell(void *table, const struct atom *cell)
{
    atom_add_sums(atom_table_at(table, cell->kind, cell), cell);
}

/* --- state --- */

struct state {
    struct bytes at[64];
    size_t count;
};

static void keep(void *context, struct text key, struct bytes record)
{
    struct state *state = context;
    cr_assert(key.count > sizeof ENGINE_KEY - 1);
    uint8_t *copy = memory_new(record.count);
    memcpy(copy, record.at, record.count);
    state->at[state->count++] = (struct bytes){copy, record.count};
}

static struct engine *restart(struct engine *engine)
{
    struct state state = {.count = 0};
    engine_save(engine, &(struct keep_sink){.take = keep, .context = &state});
    engine_free(engine);
    engine = engine_new(&analyses);
    while (state.count > 0) {
        struct bytes record = state.at[--state.count];
        struct failure why;
        cr_assert(eq(int, engine_restore(engine, record, &why), STATUS_OK), "%s", why.text);
        free((void *)(uintptr_t)record.at);
    }
    return engine;
}

/* The result of the script, cut at random into `parts`, as bytes. */
static struct atom_out outcome(struct script *script, size_t parts, bool all_single,
                               uint64_t *singles)
{
    static struct row row;
    struct engine *engine = engine_new(&analyses);
    struct atom_table cells = {.count = 0};
    for (size_t part = 0, at = 0; part < parts; part++) {
        size_t end = part + 1 == parts ? EVENTS : at + below(script, EVENTS - at + 1);
        while (end > at && end < EVENTS && script->at[end].time_ns == script->at[end - 1].time_ns)
            end++; /* events of one time stay together */
        *singles += map(script, at, end, all_single, &row);
        join(engine, &row);
        if (end < EVENTS && below(script, 2))
            engine_forget(engine, script->at[end].time_ns);
        engine_emit(engine, add_cell, &cells);
        if (parts > 1 && below(script, 2))
            engine = restart(engine);
        at = end;
    }
    engine_lose_all(engine);
    engine_emit(engine, add_cell, &cells);
    engine_free(engine);
    struct atom_out out = {.at = NULL};
    for (size_t i = 1; i < cells.count; i++) /* sorted: few */
        for (size_t k = i; k > 0 && atom_compare(cells.at[k - 1], cells.at[k]) > 0; k--) {
            struct atom *kept = cells.at[k];
            cells.at[k] = cells.at[k - 1];
            cells.at[k - 1] = kept;
        }
    for (size_t i = 0; i < cells.count; i++)
        atom_write(&out, cells.at[i]);
    atom_table_clear(&cells);
    return out;
}

Test(engine, comes_to_the_same_however_the_row_is_cut)
{
    static struct script script;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        write_script(&script, seed);
        uint64_t singles = 0;
        struct atom_out whole = outcome(&script, 1, true, &singles);
        for (size_t parts = 1; parts < 8; parts++) {
            struct atom_out cut = outcome(&script, parts, parts == 5, &singles);
            cr_assert(eq(sz, cut.count, whole.count), "seed %llu", (unsigned long long)seed);
            cr_assert(memcmp(cut.at, whole.at, cut.count) == 0, "seed %llu, %zu parts",
                      (unsigned long long)seed, parts);
            free(cut.at);
        }
        free(whole.at);
    }
}

Test(engine, sums_what_the_interval_tells_alone)
{
    static struct script script;
    static struct row row;
    write_script(&script, 7);
    uint64_t singles = map(&script, 0, EVENTS, false, &row);
    cr_expect(lt(u64, singles, EVENTS / 8), "%llu of %d went out as they were",
              (unsigned long long)singles, EVENTS);
    struct engine *engine = engine_new(&analyses);
    join(engine, &row);
    engine_free(engine);
}

/* --- bytes --- */

static enum status check(const uint8_t *bytes, size_t count)
{
    return engine_check(&analyses, (struct bytes){bytes, count}, NULL);
}

Test(engine, refuses_what_newer_versions_tell)
{
    const uint8_t other_kind[] = {9, 1, 0}, other_column[] = {1, 1, 1, 1, 9, 1, 0};
    const uint8_t other_rule[] = {0, 9, 5, 1, 0};
    cr_expect(eq(int, check(other_kind, sizeof other_kind), STATUS_STOP));
    cr_expect(eq(int, check(other_column, sizeof other_column), STATUS_STOP));
    cr_expect(eq(int, check(other_rule, sizeof other_rule), STATUS_STOP));
}

Test(engine, reads_what_older_versions_tell)
{
    const uint8_t without_kicks[] = {1, 1, 1, 1, 3, 77, 0};
    cr_expect(eq(int, check(without_kicks, sizeof without_kicks), STATUS_OK));
}

Test(engine, refuses_bytes_that_contradict_themselves)
{
    const uint8_t descends[] = {1, 1, 2, 1, 1, 1, 0}, unknown_but_told[] = {1, 0, 3, 77, 0};
    const uint8_t behind[] = {1, 1, 0, 0}, without_port[] = {0, 2, 5, 1, 0}, nothing[] = {0};
    cr_expect(eq(int, check(descends, sizeof descends), STATUS_REJECT));
    cr_expect(eq(int, check(unknown_but_told, sizeof unknown_but_told), STATUS_REJECT));
    cr_expect(eq(int, check(behind, sizeof behind), STATUS_REJECT));
    cr_expect(eq(int, check(without_port, sizeof without_port), STATUS_REJECT));
    cr_expect(eq(int, check(nothing, sizeof nothing), STATUS_REJECT));
    cr_expect(eq(int, check(nothing, 0), STATUS_REJECT));
}

Test(engine, refuses_a_record_cut_anywhere)
{
    static struct script script;
    static struct row row;
    write_script(&script, 3);
    map(&script, 0, EVENTS, false, &row);
    for (size_t i = 0; i < row.count; i++) {
        struct bytes record = row.at[i].bytes;
        for (size_t count = 0; count < record.count; count++)
            cr_expect(ne(int, check(record.at, count), STATUS_OK), "record %zu cut at %zu", i,
                      count);
        free((void *)(uintptr_t)record.at);
    }
}
