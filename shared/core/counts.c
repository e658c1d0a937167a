#include "core/counts.h"

#include "base/hash.h"
#include "base/memory.h"
#include "core/descriptors.h"
#include "core/spans.h"

/* Joining: stands for an unknown call; no call has this name. */
static const char UNKNOWN_CALL[] = "?";

struct count_sum {
    struct count_sum *next;         /* with the same hash */
    struct count_sum *next_of_life; /* mapping */
    bool is_sent;                   /* likewise; then the row owns its cell */
    struct count_key key;
    struct count_cell cell;
};

struct counts {
    struct arena arena; /* for keys and sums */
    struct map by_hash;
    struct count_sum **at;
    size_t count, room;
};

static uint64_t hash_value(const struct field_value *value)
{
    return value->type == FIELD_TEXT ? hash_text(value->text) : hash_number(value->u + value->type);
}

static uint64_t hash_key(const struct count_key *key)
{
    uint64_t hash = hash_number((uint64_t)key->definition << 32 ^ key->phase);
    hash = hash_number(hash ^ (uintptr_t)key->life ^ (uint64_t)key->whose << 56);
    hash = hash_number(hash ^ (uintptr_t)key->call ^ (uint64_t)key->call_label << 20);
    hash = hash_number(hash ^ (uint32_t)key->cpu ^ key->epoch << 32);
    hash = hash_number(hash ^ key->thread << 1 ^ key->no_place);
    for (size_t i = 0; i < key->value_count; i++)
        hash = hash_number(hash ^ hash_value(&key->values[i]));
    return hash;
}

static bool same_value(const struct field_value *a, const struct field_value *b)
{
    if (a->type != b->type)
        return false;
    return a->type == FIELD_TEXT ? text_equal(a->text, b->text) : a->u == b->u;
}

static bool same_key(const struct count_key *a, const struct count_key *b)
{
    bool same = a->definition == b->definition && a->whose == b->whose && a->life == b->life &&
                a->epoch == b->epoch && a->cpu == b->cpu && a->phase == b->phase &&
                a->call_label == b->call_label && a->call == b->call && a->thread == b->thread &&
                a->no_place == b->no_place && a->value_count == b->value_count;
    for (size_t i = 0; same && i < a->value_count; i++)
        same = same_value(&a->values[i], &b->values[i]);
    return same;
}

struct count_cell *counts_cell(struct core *core, const struct count_key *key)
{
    if (!core->counted)
        core->counted = memory_new(sizeof *core->counted);
    struct counts *counts = core->counted;
    uint64_t hash = hash_key(key);
    struct count_sum *first = map_get(&counts->by_hash, hash);
    for (struct count_sum *each = first; each; each = each->next)
        if (same_key(&each->key, key))
            return &each->cell;
    struct count_sum *sum = arena_take(&counts->arena, sizeof *sum);
    *sum = (struct count_sum){.next = first, .key = *key};
    sum->key.values = arena_take(&counts->arena, key->value_count * sizeof *key->values);
    for (size_t i = 0; i < key->value_count; i++) {
        sum->key.values[i] = key->values[i];
        if (key->values[i].type == FIELD_TEXT)
            sum->key.values[i].text.at = arena_string(&counts->arena, key->values[i].text);
    }
    if (core->mode == CORE_MAP && key->life) {
        sum->next_of_life = key->life->counted;
        key->life->counted = sum;
    }
    map_put(&counts->by_hash, hash, sum);
    counts->at = memory_grow(counts->at, &counts->room, counts->count + 1, sizeof *counts->at);
    counts->at[counts->count++] = sum;
    return &sum->cell;
}

static void empty(struct counts *counts)
{
    arena_clear(&counts->arena);
    map_clear(&counts->by_hash);
    counts->count = 0;
}

void counts_free(struct counts *counts)
{
    if (!counts)
        return;
    for (size_t i = 0; i < counts->count; i++)
        if (!counts->at[i]->is_sent)
            count_cell_clear(&counts->at[i]->cell);
    empty(counts);
    free(counts->at);
    free(counts);
}

/* --- an event --- */

bool counts_is_idle(const struct cpu *cpu, const struct event *event)
{
    if (event->kind == EVENT_EXEC) /* it never executes a program */
        return false;
    if (event->has & EVENT_HAS_TID)
        return event->tid == 0;
    if (event->kind == EVENT_SWITCH)
        return event->value[0] == 0;
    return event->domain == DOMAIN_KERNEL && cpu && cpu->knows == CPU_IDLE;
}

/* The value of a field, with one type for all numbers; texts are cut to the length that is
 * stored. */
static struct field_value counts_value(const struct event *event, const char *field)
{
    struct field_value value = event_value_of(event, field);
    if (value.type == FIELD_INT && value.i >= 0)
        value = (struct field_value){.type = FIELD_UINT, .u = (uint64_t)value.i};
    if (value.type == FIELD_TEXT)
        value.text.count = phase_text_fit(value.text);
    return value;
}

static struct field_value name_value(const struct event *event)
{
    struct text name = text_of(event->class->name);
    name.count = phase_text_fit(name);
    return (struct field_value){.type = FIELD_TEXT, .text = name};
}

static struct field_value value_by(const struct event *event, const struct count_by *by)
{
    if (by->word == COUNT_BY_EVENT)
        return name_value(event);
    return by->read ? by->read(event) : counts_value(event, by->field);
}

/* Sets the current call of the life. */
static void set_call(struct core *core, struct life *life, struct count_key *key)
{
    if (core->mode == CORE_JOIN)
        key->call_label = join_call_name(core, life);
    else if (life->in == IN_UNKNOWN)
        key->call_label = map_call_label(core, life);
    else if (life->in != IN_NONE)
        key->call = life->open_call;
}

static void set_word(struct core *core, const struct event *event, struct life *life,
                     enum count_word word, struct count_key *key)
{
    switch (word) {
    case COUNT_BY_FIELD:
    case COUNT_BY_EVENT:
    case COUNT_BY_HOST: return;
    case COUNT_BY_CPU: key->cpu = event->cpu; return;
    case COUNT_BY_PROCESS:
    case COUNT_BY_THREAD: key->life = life; return;
    case COUNT_BY_PHASE: key->phase = life ? life_label(core, life) : 0; return;
    case COUNT_BY_CALL:
        if (life)
            set_call(core, life, key);
        return;
    }
}

static bool asks_from(const struct count_definition *definition, enum count_word first,
                      enum count_word last)
{
    for (size_t i = 0; i < definition->by_count; i++)
        if (definition->by[i].word >= first && definition->by[i].word <= last)
            return true;
    return false;
}

bool counts_asks_whose(const struct count_definition *definition)
{
    return asks_from(definition, COUNT_BY_PROCESS, COUNT_BY_CALL);
}

/* Whether it counts by process or thread. */
static bool asks_life(const struct count_definition *definition)
{
    return asks_from(definition, COUNT_BY_PROCESS, COUNT_BY_THREAD);
}

/* Whether it has no thread. Without switches, the running handler is unknown, too. */
static bool is_in_handler(const struct core *core, const struct count_definition *definition,
                          const struct event *event)
{
    if (definition->built_in->in_handler)
        return true;
    bool has_cpu = event->cpu >= 0 && (size_t)event->cpu < core->cpu_count;
    return has_cpu && core->facts.counts_switches &&
           handler_of(&core->cpus[event->cpu]) < HANDLER_LEVELS;
}

struct count_key counts_key(struct core *core, const struct event *event, struct life *life,
                            bool idle, uint32_t at, struct field_value *values)
{
    const struct count_definition *definition = event->class->phases->counts[at];
    struct count_key key = {.definition = at, .cpu = -1, .values = values};
    bool in_handler = definition->built_in && is_in_handler(core, definition, event);
    if (in_handler)
        life = NULL;
    if (in_handler)
        key.whose = COUNT_OF_HANDLER;
    else if (counts_asks_whose(definition))
        key.whose = life ? COUNT_OF_LIFE : idle ? COUNT_OF_IDLE : COUNT_OF_UNKNOWN;
    /* According to the past, the CPU may have no current thread, or the idle thread. */
    if (core->mode == CORE_MAP && counts_asks_whose(definition) && life && life->tid == 0)
        key.life = life;
    for (size_t i = 0; i < definition->by_count; i++) {
        const struct count_by *by = &definition->by[i];
        set_word(core, event, life, by->word, &key);
        if (count_word_has_value(by->word))
            values[key.value_count++] = value_by(event, by);
    }
    if (key.life)
        key.epoch = key.life->count_epoch;
    return key;
}

static bool is_taken(const struct count_definition *definition, const struct event *event)
{
    const struct built_in_count *built_in = definition->built_in;
    if (!built_in)
        return phase_filters_pass(definition->where, definition->where_count, event,
                                  event_payload_field);
    return (event->present & built_in->needs) == built_in->needs &&
           (!built_in->takes || built_in->takes(event));
}

static struct field_value summed_value(const struct count_definition *definition,
                                       const struct event *event)
{
    if (!definition->value)
        return (struct field_value){.type = FIELD_ABSENT};
    return definition->built_in ? definition->built_in->read(event)
                                : event_value_of(event, definition->value);
}

static void add(struct core *core, const struct event *event, struct life *life, bool idle,
                uint32_t at)
{
    const struct count_definition *definition = event->class->phases->counts[at];
    if (!is_taken(definition, event))
        return;
    struct field_value values[COUNT_BY_MAX];
    struct count_key key = counts_key(core, event, life, idle, at, values);
    if (definition->span) {
        spans_begin(core, event, life, idle, &key);
        return;
    }
    struct field_value value = summed_value(definition, event);
    count_cell_add(counts_cell(core, &key), &value);
}

void counts_add(struct core *core, const struct event *event, struct life *life, bool idle)
{
    for (size_t i = 0; i < event->class->span_end_count; i++)
        spans_end(core, event, life, idle, event->class->span_ends[i]);
    for (size_t i = 0; i < event->class->count_count; i++)
        add(core, event, life, idle, event->class->counts[i]);
}

/* --- mapping --- */

struct count_line counts_line(struct core *core, const struct count_key *key)
{
    struct arena *arena = &core->row->arena;
    struct field_value *values = arena_take(arena, key->value_count * sizeof *values);
    for (size_t i = 0; i < key->value_count; i++) {
        values[i] = key->values[i];
        if (values[i].type == FIELD_TEXT)
            values[i].text.at = arena_string(arena, values[i].text);
    }
    size_t defined = phase_set_defined_counts(core->phases.set);
    bool built_in = key->definition >= defined;
    return (struct count_line){.definition = key->definition - (built_in ? (uint32_t)defined : 0),
                               .built_in = built_in,
                               .whose = key->whose,
                               .life = key->life ? map_name(core, key->life) : 0,
                               .cpu = key->cpu,
                               .label = key->phase,
                               .call_label = key->call_label,
                               .call = key->call,
                               .values = values,
                               .value_count = key->value_count};
}

static void write_sum(struct core *core, struct count_sum *sum)
{
    struct count_line line = counts_line(core, &sum->key);
    line.cell = sum->cell;
    row_add(core->row, RECORD_COUNT)->count = line;
    sum->is_sent = true;
}

void counts_write_of(struct core *core, struct life *life)
{
    struct count_sum *next;
    for (struct count_sum *sum = life->counted; sum; sum = next) {
        next = sum->next_of_life;
        write_sum(core, sum);
    }
    life->count_epoch += life->counted != NULL;
    life->counted = NULL;
}

void counts_write(struct core *core)
{
    struct counts *counts = core->counted;
    for (size_t i = 0; counts && i < counts->count; i++) {
        if (!counts->at[i]->is_sent)
            write_sum(core, counts->at[i]);
        if (counts->at[i]->key.life)
            counts->at[i]->key.life->counted = NULL;
    }
    if (counts)
        empty(counts);
}

/* --- joining --- */

bool counts_read_line(struct core *core, const struct count_line *line, struct count_key *key)
{
    uint32_t definition = count_line_definition(line, core->phases.set);
    if (definition >= core->phases.set->count_count)
        return false;
    *key = (struct count_key){.definition = definition,
                              .whose = line->whose,
                              .cpu = line->cpu,
                              .phase = join_labeled(core, line->label),
                              .call_label = line->call
                                                ? names_id(&core->paths, text_of(line->call->name))
                                                : join_labeled(core, line->call_label),
                              .values = line->values,
                              .value_count = line->value_count};
    if (line->life) {
        struct life *life = join_named(core, line->life);
        if (!life)
            return false;
        if (life == &core->unknown_thread || life == &core->idle)
            key->whose = life == &core->idle ? COUNT_OF_IDLE : COUNT_OF_UNKNOWN;
        else if (asks_life(core->phases.set->counts[definition]))
            key->life = life;
    }
    /* Without a thread, there is no call, regardless of what was recorded for the CPU's current
     * thread. */
    if (key->whose != COUNT_OF_LIFE)
        key->phase = key->call_label = 0;
    return true;
}

bool join_count(struct core *core, const struct count_line *line)
{
    struct count_key key;
    if (!counts_read_line(core, line, &key))
        return false;
    count_cell_merge(counts_cell(core, &key), &line->cell);
    return true;
}

uint32_t join_call_name(struct core *core, const struct life *life)
{
    if (!life || life->in == IN_NONE)
        return 0;
    return names_id(&core->paths,
                    text_of(life->in == IN_UNKNOWN ? UNKNOWN_CALL : life->open_call->name));
}

static struct field_value named(const struct count_by *by, const struct field_value *value,
                                char room[COUNT_NAME_ROOM])
{
    if (!by->name || value->type != FIELD_UINT)
        return *value;
    return (struct field_value){.type = FIELD_TEXT, .text = text_of(by->name(value->u, room))};
}

/* The part of a key for one `by` of its definition; consumes a value of *value if it needs one. */
static struct count_part part_of(const struct core *core, const struct count_key *key,
                                 const struct count_by *by, const struct field_value **value,
                                 char room[COUNT_NAME_ROOM])
{
    struct count_part part = {.word = by->word, .field = text_of(by->field)};
    struct text text = {NULL, 0};
    if (count_word_has_value(by->word))
        part.value = named(by, (*value)++, room);
    else if (by->word == COUNT_BY_CPU && key->cpu >= 0)
        part.value = (struct field_value){.type = FIELD_UINT, .u = (uint64_t)key->cpu};
    else if (key->no_place)
        return part;
    else if (by->word == COUNT_BY_PHASE && key->whose != COUNT_OF_UNKNOWN)
        text = names_text(&core->paths, key->phase);
    else if (by->word == COUNT_BY_CALL && key->whose != COUNT_OF_UNKNOWN)
        text = names_text(&core->paths, key->call_label);
    if (text.at && !(by->word == COUNT_BY_CALL && text_equal(text, text_of(UNKNOWN_CALL))))
        part.value = (struct field_value){.type = FIELD_TEXT, .text = text};
    return part;
}

static void emit_sum(const struct core *core, const struct count_sum *sum)
{
    const struct count_key *key = &sum->key;
    const struct count_definition *definition = core->phases.set->counts[key->definition];
    struct count_part parts[COUNT_BY_MAX];
    char rooms[COUNT_BY_MAX][COUNT_NAME_ROOM];
    const struct field_value *value = key->values;
    for (size_t i = 0; i < definition->by_count; i++)
        parts[i] = part_of(core, key, &definition->by[i], &value, rooms[i]);
    struct count_result content = {.name = text_of(definition->name),
                                   .whose = key->whose,
                                   .has_value = definition->value != NULL,
                                   .is_span = definition->span != NULL,
                                   .parts = parts,
                                   .part_count = definition->by_count,
                                   .cell = &sum->cell};
    struct result result = {.type = RESULT_COUNT, .count = &content};
    if (key->life) {
        core_emit_of(core, key->life, &result);
        return;
    }
    result.thread = key->thread;
    result.tid = key->tid;
    result.pid = key->pid;
    core_emit(core, &result);
}

void counts_emit(struct core *core)
{
    struct counts *counts = core->counted;
    for (size_t i = 0; counts && i < counts->count; i++) {
        emit_sum(core, counts->at[i]);
        count_cell_clear(&counts->at[i]->cell);
    }
    if (counts)
        empty(counts);
}
