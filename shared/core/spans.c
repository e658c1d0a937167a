#include "core/spans.h"

#include "analysis/opens.h"
#include "base/memory.h"
#include "core/kept.h"

/* A begin as analysis/opens.h stores it; the rest of it is a struct span_begin. */
#define SPAN_OPEN(T, KEY, REG, SUM)                                                                \
    KEY(T, 1, text, key, "definition, subject and match values")                                   \
    REG(T, 2, time, begin_ns, "when it began")                                                     \
    REG(T, 3, address, begin, "of its struct span_begin")
ATOM_DEFINE(span_open, SPAN_OPEN)

static const struct atom_kind open_kind = {ATOM_COLUMNS_OF(span_open)};

/* The scope in which an end looks for its begin. */
struct subject {
    uint8_t whose;     /* enum count_whose */
    int32_t cpu;       /* of a CPU, or of its idle thread; else -1 */
    struct life *life; /* of a thread or a process: the thread of the event */
    uint64_t id;       /* of the thread or process; mapping: the life's name */
};

/* The lists that a begin is in. */
enum { OF_DEFINITION, OF_LIFE /* mapping: to which it refers */, LISTS };

/* In one memory block. */
struct span_begin {
    struct atom *open;
    struct span_list *list[LISTS]; /* NULL: in none */
    struct span_begin *next[LISTS], *before[LISTS];
    struct subject subject;
    struct field_value *match;
    size_t match_count;
    struct count_key key; /* the key that it is counted under */
    /* Joining: names of the key's paths, whose ids may change before its end. */
    struct text phase, call;
    uint64_t serial; /* joining: ascends */
};

struct waiting {
    bool ends;
    uint64_t time_ns;
    struct span_begin *begin; /* owned; for an end, without a key */
};

struct spans {
    struct opens opens;
    struct span_list *begins; /* by definition */
    size_t definition_count;
    uint64_t last_ns; /* joining: of the latest event */
    /* Begins and ends of the current event on processes: the event itself may state the process. */
    struct waiting *waiting;
    size_t waiting_count, waiting_room;
    /* The current key. */
    char *key;
    size_t key_room;
};

static struct spans *spans_of(struct core *core)
{
    if (!core->spans)
        core->spans = memory_new(sizeof *core->spans);
    struct spans *spans = core->spans;
    spans->opens.changes = core->changed ? &core->changed->spans : NULL;
    if (!spans->begins) {
        spans->definition_count = core->phases.set->count_count;
        spans->begins = memory_new((spans->definition_count + 1) * sizeof *spans->begins);
    }
    return spans;
}

static const struct count_definition *definition_at(const struct core *core, uint32_t at)
{
    const struct count_definition *definition = core->phases.set->counts[at];
    assert(definition->span);
    return definition;
}

static uint64_t began_ns(const struct span_begin *begin)
{
    return open_since(begin->open);
}

/* --- subjects --- */

enum subject_found {
    SUBJECT_KNOWN,
    SUBJECT_NONE,   /* unknown */
    SUBJECT_OF_PAST /* mapping: only the past knows it */
};

static enum subject_found find_process(const struct core *core, struct life *life,
                                       struct subject *subject)
{
    if (core->mode == CORE_MAP)
        return SUBJECT_OF_PAST;
    if (!life)
        return SUBJECT_KNOWN; /* of the idle thread */
    subject->id = life->process ? life->process->id : 0;
    return subject->id ? SUBJECT_KNOWN : SUBJECT_NONE; /* but see spans_settle() */
}

static enum subject_found find_subject(struct core *core, enum span_subject on, int32_t cpu,
                                       struct life *life, bool idle, struct subject *subject)
{
    *subject = (struct subject){.whose = COUNT_OF_LIFE, .cpu = -1};
    if (on == SPAN_ON_SYSTEM)
        return SUBJECT_KNOWN;
    bool of_cpu = on == SPAN_ON_CPU || (on == SPAN_ON_THREAD && idle);
    if (idle && on != SPAN_ON_CPU)
        subject->whose = COUNT_OF_IDLE;
    if (of_cpu) {
        subject->cpu = cpu;
        if (cpu < 0)
            return SUBJECT_NONE;
        /* The current thread there may have been unknown in between. */
        return on == SPAN_ON_THREAD && core->mode == CORE_MAP ? SUBJECT_OF_PAST : SUBJECT_KNOWN;
    }
    if (!life && !idle)
        return SUBJECT_NONE;
    subject->life = life;
    if (on == SPAN_ON_PROCESS)
        return find_process(core, life, subject);
    if (tid_is_of_process(life->tid))
        return SUBJECT_NONE;
    subject->id = core->mode == CORE_MAP ? map_name(core, life) : life->name;
    if (life->tid != 0)
        return SUBJECT_KNOWN;
    subject->cpu = cpu; /* there may be no current thread, or the idle thread */
    return SUBJECT_OF_PAST;
}

/* --- match values --- */

/* False: the event lacks one of them. */
static bool match_values(const struct span_pair *span, bool is_end, const struct event *event,
                         struct field_value *values)
{
    for (size_t i = 0; i < span->match_count; i++) {
        const struct phase_match *match = &span->match[i];
        values[i] = event_value_of(event, is_end ? match->end_field : match->begin_field);
        if (values[i].type == FIELD_ABSENT)
            return false;
        if (values[i].type == FIELD_INT && values[i].i >= 0) /* one type for all numbers */
            values[i] = (struct field_value){.type = FIELD_UINT, .u = (uint64_t)values[i].i};
    }
    return true;
}

static void put(struct spans *spans, size_t *count, const void *from, size_t bytes)
{
    spans->key = memory_grow(spans->key, &spans->key_room, *count + bytes + 1, 1);
    if (bytes > 0)
        memcpy(spans->key + *count, from, bytes);
    *count += bytes;
}

static void put_number(struct spans *spans, size_t *count, uint64_t number)
{
    put(spans, count, &number, sizeof number);
}

/* Bytes that are equal if and only if all parts are; valid until the next call. */
static struct text key_of(struct spans *spans, uint32_t at, const struct subject *subject,
                          const struct field_value *match, size_t match_count)
{
    size_t count = 0;
    put_number(spans, &count, at);
    put_number(spans, &count, (uint64_t)subject->whose << 32 | (uint32_t)subject->cpu);
    put_number(spans, &count, subject->id);
    for (size_t i = 0; i < match_count; i++) {
        put_number(spans, &count, match[i].type);
        put_number(spans, &count, match[i].type == FIELD_TEXT ? match[i].text.count : match[i].u);
        if (match[i].type == FIELD_TEXT)
            put(spans, &count, match[i].text.at, match[i].text.count);
    }
    return (struct text){spans->key, count};
}

/* --- begins --- */

static size_t values_bytes(const struct field_value *values, size_t count)
{
    size_t bytes = count * sizeof *values;
    for (size_t i = 0; i < count; i++)
        bytes += values[i].type == FIELD_TEXT ? values[i].text.count : 0;
    return bytes;
}

static struct text move_text(char **room, struct text text)
{
    if (text.count > 0)
        memcpy(*room, text.at, text.count);
    *room += text.count;
    return (struct text){*room - text.count, text.count};
}

static void move_texts(char **room, struct field_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (values[i].type == FIELD_TEXT)
            values[i].text = move_text(room, values[i].text);
}

/* A copy that owns everything that it points to. */
static struct span_begin *begin_copy(const struct span_begin *from, struct text key)
{
    size_t match = from->match_count, values = from->key.value_count;
    size_t bytes = values_bytes(from->match, match) + values_bytes(from->key.values, values) +
                   from->phase.count + from->call.count + key.count;
    struct span_begin *begin = memory_new(sizeof *begin + bytes);
    *begin = *from;
    begin->match = (struct field_value *)(begin + 1);
    begin->key.values = begin->match + match;
    if (match > 0)
        memcpy(begin->match, from->match, match * sizeof *begin->match);
    if (values > 0)
        memcpy(begin->key.values, from->key.values, values * sizeof *begin->match);
    char *room = (char *)(begin->key.values + values);
    move_texts(&room, begin->match, match);
    move_texts(&room, begin->key.values, values);
    begin->phase = move_text(&room, from->phase);
    begin->call = move_text(&room, from->call);
    (void)move_text(&room, key);
    return begin;
}

static void list_add(struct span_list *list, struct span_begin *begin, unsigned which)
{
    begin->list[which] = list;
    begin->next[which] = NULL;
    begin->before[which] = list->last;
    *(list->last ? &list->last->next[which] : &list->first) = begin;
    list->last = begin;
}

static void list_remove(struct span_begin *begin, unsigned which)
{
    struct span_list *list = begin->list[which];
    struct span_begin *next = begin->next[which], *before = begin->before[which];
    if (!list)
        return;
    *(before ? &before->next[which] : &list->first) = next;
    *(next ? &next->before[which] : &list->last) = before;
}

/* Removes it from the open ones. */
static void begin_free(struct spans *spans, struct span_begin *begin)
{
    opens_take_out(&spans->opens, begin->open);
    list_remove(begin, OF_DEFINITION);
    list_remove(begin, OF_LIFE);
    free(begin);
}

/* The sum of the begin's key. */
static struct count_cell *cell_of(struct core *core, struct span_begin *begin)
{
    struct count_key *key = &begin->key;
    if (core->mode == CORE_JOIN) {
        key->phase = names_id(&core->paths, begin->phase);
        key->call_label = names_id(&core->paths, begin->call);
    } else if (key->life) {
        key->epoch = key->life->count_epoch;
    }
    return counts_cell(core, key);
}

/* Stores the thread's identity in results, because its life may be over at the end of the span. */
static void keep_thread(struct count_key *key)
{
    if (!key->life)
        return;
    key->thread = key->life->name;
    key->tid = key->life->tid;
    key->pid = key->life->process ? key->life->process->pid : 0;
    key->life = NULL;
}

static struct span_begin *begin_of(const struct atom *open)
{
    return (struct span_begin *)(uintptr_t)((const struct span_open *)open)->begin;
}

/* Adds a copy of `from`, open since begin_ns. With equal times, the last one added is the
 * newest. */
static void begin_add(struct core *core, const struct span_begin *from, uint64_t begin_ns)
{
    struct spans *spans = spans_of(core);
    struct text key =
        key_of(spans, from->key.definition, &from->subject, from->match, from->match_count);
    struct span_open open = {.atom = {.kind = &open_kind}, .key = key, .begin_ns = begin_ns};
    struct span_begin *begin = begin_copy(from, key);
    if (core->mode == CORE_JOIN)
        keep_thread(&begin->key);
    if (core->mode == CORE_JOIN && begin->serial == 0)
        begin->serial = ++core->last_serial;
    const char *end = begin->call.at + begin->call.count; /* where the key was copied to */
    open.key = (struct text){end, key.count};
    open.begin = (uintptr_t)begin;
    begin->open = opens_add(&spans->opens, &open_kind, &open.atom);
    struct life *life = begin->subject.life ? begin->subject.life : begin->key.life;
    begin->list[OF_LIFE] = NULL;
    list_add(&spans->begins[begin->key.definition], begin, OF_DEFINITION);
    if (core->mode == CORE_MAP && life)
        list_add(&life->span_begins, begin, OF_LIFE);
}

/* NULL: no open begin matches the end. */
static struct span_begin *newest(struct core *core, uint32_t at, const struct subject *subject,
                                 const struct field_value *match, uint64_t time_ns)
{
    const struct span_pair *span = definition_at(core, at)->span;
    struct spans *spans = spans_of(core);
    struct span_open key = {.atom = {.kind = &open_kind},
                            .key = key_of(spans, at, subject, match, span->match_count)};
    struct atom *open = opens_newest(&spans->opens, &open_kind, &key.atom);
    return open && time_ns - open_since(open) <= span->timeout_ns ? begin_of(open) : NULL;
}

static void complete(struct core *core, struct span_begin *begin, uint64_t end_ns)
{
    struct count_cell *cell = cell_of(core, begin);
    cell->count++;
    durations_add(&cell->value, end_ns - began_ns(begin));
    begin_free(core->spans, begin);
}

/* --- ends without a begin --- */

static bool asks(const struct count_definition *definition, enum count_word word)
{
    for (size_t i = 0; i < definition->by_count; i++)
        if (definition->by[i].word == word)
            return true;
    return false;
}

/* The keys that an end shares with its begin: subject and match values. `subject` NULL: none.
 * `values`: room for COUNT_BY_MAX. */
static struct count_key key_of_end(const struct core *core, uint32_t at,
                                   const struct subject *subject, const struct field_value *match,
                                   struct field_value *values)
{
    const struct count_definition *definition = definition_at(core, at);
    const struct span_pair *span = definition->span;
    struct count_key key = {.definition = at, .cpu = -1, .no_place = true, .values = values};
    if (subject && span->on == SPAN_ON_CPU && asks(definition, COUNT_BY_CPU))
        key.cpu = subject->cpu;
    if (counts_asks_whose(definition))
        key.whose = COUNT_OF_UNKNOWN;
    bool by_thread = asks(definition, COUNT_BY_THREAD);
    bool knows_whose =
        subject && (span->on == SPAN_ON_THREAD || (span->on == SPAN_ON_PROCESS && !by_thread));
    if (knows_whose && (by_thread || asks(definition, COUNT_BY_PROCESS))) {
        key.whose = subject->whose;
        key.life = subject->life;
        keep_thread(&key);
    }
    for (size_t i = 0; i < definition->by_count; i++) {
        const struct count_by *by = &definition->by[i];
        if (!count_word_has_value(by->word))
            continue;
        struct field_value *value = &values[key.value_count++];
        *value = (struct field_value){.type = FIELD_ABSENT};
        for (size_t k = 0; subject && by->word == COUNT_BY_FIELD && k < span->match_count; k++)
            if (strcmp(span->match[k].begin_field, by->field) == 0)
                *value = match[k];
        if (value->type == FIELD_TEXT)
            value->text.count = phase_text_fit(value->text);
    }
    return key;
}

static struct count_cell *cell_of_end(struct core *core, uint32_t at, const struct subject *subject,
                                      const struct field_value *match)
{
    struct field_value values[COUNT_BY_MAX];
    struct count_key key = key_of_end(core, at, subject, match, values);
    return counts_cell(core, &key);
}

/* --- rows --- */

static struct span_line *add_line(struct core *core, uint8_t kind, uint64_t time_ns,
                                  const struct subject *subject, const struct field_value *match,
                                  size_t match_count)
{
    struct arena *arena = &core->row->arena;
    struct field_value *values = arena_take(arena, match_count * sizeof *values);
    for (size_t i = 0; i < match_count; i++) {
        values[i] = match[i];
        if (values[i].type == FIELD_TEXT)
            values[i].text.at = arena_string(arena, values[i].text);
    }
    life_name life = subject->life ? map_name(core, subject->life) : 0;
    struct span_line *line = &row_add(core->row, RECORD_SPAN)->span;
    *line = (struct span_line){.kind = kind,
                               .time_ns = time_ns,
                               .whose = subject->whose,
                               .life = life,
                               .cpu = subject->cpu,
                               .match = values,
                               .match_count = match_count,
                               .by = {.cpu = -1}};
    return line;
}

static void write_begin(struct core *core, const struct span_begin *begin, uint64_t begin_ns)
{
    struct count_line by = counts_line(core, &begin->key);
    add_line(core, SPAN_BEGINS, begin_ns, &begin->subject, begin->match, begin->match_count)->by =
        by;
}

static void write_and_forget(struct core *core, struct span_begin *begin)
{
    write_begin(core, begin, began_ns(begin));
    begin_free(core->spans, begin);
}

static void write_of_definition(struct core *core, uint32_t at)
{
    struct spans *spans = core->spans;
    while (spans && at < spans->definition_count && spans->begins[at].first)
        write_and_forget(core, spans->begins[at].first);
}

void spans_before_step(struct core *core, const struct event_class *class)
{
    for (size_t i = 0; i < class->count_count; i++)
        write_of_definition(core, class->counts[i]);
    for (size_t i = 0; i < class->span_end_count; i++)
        write_of_definition(core, class->span_ends[i]);
}

/* If the subject is no life, writes all begins of the definition: an older one may have the same
 * key and would be taken for the newest. */
void spans_write_of(struct core *core, struct life *life)
{
    const struct span_begin *begin;
    while ((begin = life->span_begins.first))
        if (begin->subject.life)
            write_and_forget(core, life->span_begins.first);
        else
            write_of_definition(core, begin->key.definition);
}

void spans_write(struct core *core)
{
    for (uint32_t i = 0; core->spans && i < core->spans->definition_count; i++)
        write_of_definition(core, i);
}

/* Whether its end events may be kernel events, or user-space events, whose names have a colon. */
static bool may_end_in(const struct span_pair *span, enum domain domain)
{
    bool colon = strchr(span->end, ':') != NULL;
    return domain == DOMAIN_KERNEL ? !colon : colon || strpbrk(span->end, "*?[") != NULL;
}

/* Whether its end may be among the lost events of spans_lose(). */
static bool may_be_lost(const struct core *core, const struct span_begin *begin, int32_t cpu)
{
    const struct span_pair *span = definition_at(core, begin->key.definition)->span;
    if (cpu == SPANS_LOST_ALL)
        return true;
    if (cpu == SPANS_LOST_USER)
        return may_end_in(span, DOMAIN_UST);
    if (cpu == SPANS_LOST_KERNEL)
        return may_end_in(span, DOMAIN_KERNEL);
    bool elsewhere = begin->subject.cpu >= 0 && begin->subject.cpu != cpu;
    return may_end_in(span, DOMAIN_KERNEL) && !elsewhere;
}

void spans_before_loss(struct core *core, int32_t cpu)
{
    struct spans *spans = core->spans;
    for (size_t i = 0; spans && i < spans->definition_count; i++)
        for (struct span_begin *begin = spans->begins[i].first, *next; begin; begin = next) {
            next = begin->next[OF_DEFINITION];
            if (may_be_lost(core, begin, cpu))
                write_and_forget(core, begin);
        }
}

void map_user_loss(struct core *core, const struct event *event)
{
    bool ends = false;
    const struct phase_set *set = core->phases.set;
    for (size_t i = 0; i < set->count_count && !ends; i++)
        ends = set->counts[i]->span && may_end_in(set->counts[i]->span, DOMAIN_UST);
    if (!ends)
        return;
    spans_before_loss(core, SPANS_LOST_USER);
    const struct subject unknown_thread = {.cpu = -1};
    (void)add_line(core, SPAN_USER_LOSS, event->time_ns, &unknown_thread, NULL, 0);
}

/* --- events, in both modes --- */

/* `begin` owns nothing. */
static void take_begin(struct core *core, const struct span_begin *begin, uint64_t time_ns,
                       enum subject_found found)
{
    if (found == SUBJECT_NONE)
        counts_cell(core, &begin->key)->unmatched++;
    else if (found == SUBJECT_OF_PAST)
        write_begin(core, begin, time_ns);
    else
        begin_add(core, begin, time_ns);
}

static void take_end(struct core *core, const struct span_begin *end, uint64_t time_ns,
                     enum subject_found found)
{
    uint32_t at = end->key.definition;
    struct span_begin *begin =
        found == SUBJECT_KNOWN ? newest(core, at, &end->subject, end->match, time_ns) : NULL;
    if (begin)
        complete(core, begin, time_ns);
    else if (found == SUBJECT_NONE)
        cell_of_end(core, at, NULL, end->match)->unmatched++;
    else if (core->mode == CORE_JOIN)
        cell_of_end(core, at, &end->subject, end->match)->begin_unknown++;
    else
        add_line(core, SPAN_ENDS, time_ns, &end->subject, end->match, end->match_count)
            ->by.definition = at;
}

static void wait(struct core *core, const struct span_begin *begin, bool ends, uint64_t time_ns)
{
    struct spans *spans = spans_of(core);
    spans->waiting = memory_grow(spans->waiting, &spans->waiting_room, spans->waiting_count + 1,
                                 sizeof *spans->waiting);
    spans->waiting[spans->waiting_count++] =
        (struct waiting){ends, time_ns, begin_copy(begin, (struct text){NULL, 0})};
    core->spans_wait = true;
}

void spans_settle_slowly(struct core *core)
{
    struct spans *spans = core->spans;
    for (size_t i = 0; i < spans->waiting_count; i++) {
        const struct waiting *each = &spans->waiting[i];
        struct span_begin *begin = each->begin;
        struct life *life = begin->subject.life;
        enum subject_found found =
            find_subject(core, SPAN_ON_PROCESS, -1, life, false, &begin->subject);
        if (each->ends)
            take_end(core, begin, each->time_ns, found);
        else
            take_begin(core, begin, each->time_ns, found);
        free(begin);
    }
    spans->waiting_count = 0;
    core->spans_wait = false;
}

/* Whether its subject is only known after the event's contexts are applied. */
static bool has_to_wait(const struct span_pair *span, const struct subject *subject)
{
    return span->on == SPAN_ON_PROCESS && subject->life;
}

void spans_begin(struct core *core, const struct event *event, struct life *life, bool idle,
                 const struct count_key *key)
{
    const struct span_pair *span = definition_at(core, key->definition)->span;
    struct field_value match[PHASE_MATCH_MAX];
    struct span_begin begin = {.match = match, .match_count = span->match_count, .key = *key};
    enum subject_found found = find_subject(core, span->on, event->cpu, life, idle, &begin.subject);
    if (core->mode == CORE_JOIN) {
        begin.phase = names_text(&core->paths, key->phase);
        begin.call = names_text(&core->paths, key->call_label);
    }
    if (!match_values(span, false, event, match))
        take_begin(core, &begin, event->time_ns, SUBJECT_NONE);
    else if (has_to_wait(span, &begin.subject))
        wait(core, &begin, false, event->time_ns);
    else
        take_begin(core, &begin, event->time_ns, found);
}

void spans_end(struct core *core, const struct event *event, struct life *life, bool idle,
               uint32_t at)
{
    const struct span_pair *span = definition_at(core, at)->span;
    if (!phase_filters_pass(span->where, span->where_count, event, event_payload_field))
        return;
    struct field_value match[PHASE_MATCH_MAX];
    struct span_begin end = {
        .match = match, .match_count = span->match_count, .key = {.definition = at}};
    enum subject_found found = find_subject(core, span->on, event->cpu, life, idle, &end.subject);
    if (!match_values(span, true, event, match))
        take_end(core, &end, event->time_ns, SUBJECT_NONE);
    else if (has_to_wait(span, &end.subject))
        wait(core, &end, true, event->time_ns);
    else
        take_end(core, &end, event->time_ns, found);
}

/* --- joining --- */

bool join_span(struct core *core, const struct span_line *line)
{
    if (line->kind == SPAN_USER_LOSS) {
        spans_lose(core, SPANS_LOST_USER, line->time_ns);
        return true;
    }
    struct span_begin begin = {.match = line->match, .match_count = line->match_count};
    struct life *life = line->life ? join_named(core, line->life) : NULL;
    if ((line->life && !life) || !counts_read_line(core, &line->by, &begin.key))
        return false;
    bool idle = line->whose == COUNT_OF_IDLE || life == &core->idle;
    if (life == &core->unknown_thread || life == &core->idle)
        life = NULL;
    const struct span_pair *span = definition_at(core, line->by.definition)->span;
    enum subject_found found = find_subject(core, span->on, line->cpu, life, idle, &begin.subject);
    if (line->kind == SPAN_ENDS) {
        take_end(core, &begin, line->time_ns, found);
        return true;
    }
    begin.phase = names_text(&core->paths, begin.key.phase);
    begin.call = names_text(&core->paths, begin.key.call_label);
    take_begin(core, &begin, line->time_ns, found);
    return true;
}

static bool is_over(const struct core *core, const struct span_begin *begin, uint64_t now_ns)
{
    uint64_t timeout_ns = definition_at(core, begin->key.definition)->span->timeout_ns;
    return now_ns > began_ns(begin) && now_ns - began_ns(begin) > timeout_ns;
}

void spans_lose(struct core *core, int32_t cpu, uint64_t time_ns)
{
    struct spans *spans = core->spans;
    for (size_t i = 0; spans && i < spans->definition_count; i++)
        for (struct span_begin *begin = spans->begins[i].first, *next; begin; begin = next) {
            next = begin->next[OF_DEFINITION];
            if (!may_be_lost(core, begin, cpu))
                continue;
            struct count_cell *cell = cell_of(core, begin);
            if (is_over(core, begin, time_ns))
                cell->timed_out++;
            else
                cell->lost++;
            begin_free(spans, begin);
        }
}

void spans_now(struct core *core, uint64_t now_ns)
{
    if (core->spans && now_ns > core->spans->last_ns)
        core->spans->last_ns = now_ns;
}

void spans_tick(struct core *core, uint64_t now_ns)
{
    struct spans *spans = core->spans;
    spans_now(core, now_ns);
    for (size_t i = 0; spans && i < spans->definition_count; i++)
        for (struct span_begin *begin = spans->begins[i].first, *next; begin; begin = next) {
            next = begin->next[OF_DEFINITION];
            if (!is_over(core, begin, now_ns))
                continue;
            cell_of(core, begin)->timed_out++;
            begin_free(spans, begin);
        }
}

/* Its end is lost. */
static void give_up(struct core *core, struct span_begin *begin)
{
    struct count_cell *cell = cell_of(core, begin);
    if (is_over(core, begin, core->spans->last_ns))
        cell->timed_out++;
    else
        cell->open++;
    begin_free(core->spans, begin);
}

/* The index of an equal definition; the number of definitions if there is none. */
static uint32_t place_in(const struct phase_set *set, uint64_t digest)
{
    uint32_t at = 0;
    while (at < set->count_count &&
           !(set->counts[at]->span && count_digest(set->counts[at]) == digest))
        at++;
    return at;
}

void spans_use(struct core *core, const struct phase_set *set)
{
    struct spans *before = core->spans;
    if (!before || core->phases.set == set)
        return;
    core->spans = NULL;
    struct spans *spans = memory_new(sizeof *spans);
    spans->last_ns = before->last_ns;
    spans->opens.changes = before->opens.changes;
    spans->definition_count = set->count_count;
    spans->begins = memory_new((set->count_count + 1) * sizeof *spans->begins);
    for (uint32_t i = 0; i < before->definition_count; i++) {
        if (!before->begins[i].first)
            continue;
        uint32_t place = place_in(set, count_digest(core->phases.set->counts[i]));
        while (before->begins[i].first) {
            struct span_begin *begin = before->begins[i].first;
            core->spans = before;
            if (place == set->count_count) {
                give_up(core, begin);
                continue;
            }
            begin->key.definition = place;
            core->spans = spans;
            begin_add(core, begin, began_ns(begin));
            begin_free(before, begin);
        }
    }
    core->spans = before;
    counts_emit(core); /* under the previous definitions */
    spans_free(core);
    core->spans = spans;
}

void spans_finish(struct core *core)
{
    struct spans *spans = core->spans;
    for (size_t i = 0; spans && i < spans->definition_count; i++)
        while (spans->begins[i].first)
            give_up(core, spans->begins[i].first);
}

void spans_free(struct core *core)
{
    struct spans *spans = core->spans;
    if (!spans)
        return;
    for (size_t i = 0; i < spans->definition_count; i++)
        while (spans->begins[i].first)
            begin_free(spans, spans->begins[i].first);
    opens_clear(&spans->opens);
    free(spans->waiting);
    free(spans->begins);
    free(spans->key);
    free(spans);
    core->spans = NULL;
}

/* --- state --- */

size_t spans_count(const struct core *core)
{
    return core->spans ? core->spans->opens.count : 0;
}

uint64_t spans_last_ns(const struct core *core)
{
    return spans_count(core) > 0 ? core->spans->last_ns : 0;
}

struct change *spans_change(const struct core *core, size_t index)
{
    return &core->spans->opens.at[index]->change;
}

void spans_keep(const struct core *core, const struct change *change, struct kept_span *kept)
{
    const struct span_begin *begin = begin_of(CONTAINER_OF(struct atom, change, change));
    *kept =
        (struct kept_span){.serial = begin->serial,
                           .definition = count_digest(definition_at(core, begin->key.definition)),
                           .whose = begin->subject.whose,
                           .subject = begin->subject.id,
                           .cpu = begin->subject.cpu,
                           .begin_ns = began_ns(begin),
                           .match = begin->match,
                           .match_count = begin->match_count,
                           .by_whose = begin->key.whose,
                           .by_cpu = begin->key.cpu,
                           .thread = begin->key.thread,
                           .tid = begin->key.tid,
                           .pid = begin->key.pid,
                           .phase = begin->phase,
                           .call = begin->call,
                           .values = begin->key.values,
                           .value_count = begin->key.value_count};
}

bool spans_restore(struct core *core, const struct kept_span *kept)
{
    const struct phase_set *set = core->phases.set;
    uint32_t at = place_in(set, kept->definition);
    if (at == set->count_count || kept->match_count != set->counts[at]->span->match_count ||
        kept->value_count != count_field_count(set->counts[at]) || kept->begin_ns == TIME_NONE ||
        kept->whose > COUNT_OF_IDLE || kept->by_whose > COUNT_OF_IDLE)
        return false;
    struct span_begin begin = {
        .subject = {.whose = kept->whose, .cpu = kept->cpu, .id = kept->subject},
        .match = kept->match,
        .match_count = kept->match_count,
        .key = {.definition = at,
                .whose = kept->by_whose,
                .cpu = kept->by_cpu,
                .thread = kept->thread,
                .tid = kept->tid,
                .pid = kept->pid,
                .values = kept->values,
                .value_count = kept->value_count},
        .phase = kept->phase,
        .call = kept->call,
        .serial = kept->serial};
    begin_add(core, &begin, kept->begin_ns);
    return true;
}
