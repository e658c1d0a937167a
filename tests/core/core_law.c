#include "core_law.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "core/keep.h"
#include "core/row_bytes.h"
#include "core/settle.h"
#include "reducer/joiner.h"
#include "results/fold.h"

/* --- who ran on a CPU, by what comes --- */

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
            return TID_NOBODY;
    return tid;
}

/* --- reports --- */

static void take(void *fold, const struct result *result)
{
    fold_take(fold, result);
}

static struct core_facts facts_of(const struct law_trace *trace)
{
    return (struct core_facts){trace->facts.has_kernel, trace->facts.counts_switches};
}

/* --- definitions that change --- */

/* With whose definitions what begins at `begin_ns` is mapped. */
static struct schema *schema_at(const struct law_trace *trace, uint64_t begin_ns)
{
    struct schema *schema = trace->schema;
    for (size_t i = 0; i < trace->change_count; i++)
        if (trace->changes[i].at_ns <= begin_ns)
            schema = trace->changes[i].schema;
    return schema;
}

/* The same definitions, as whoever joins knows them. */
static const struct phase_set *set_at(const struct law_trace *trace, uint64_t begin_ns)
{
    return schema_set(trace->schema, schema_phases(schema_at(trace, begin_ns)));
}

static struct field_value field_named(const struct event *event, const char *name)
{
    for (size_t i = 0; i < event->field_count; i++)
        if (strcmp(event->class->fields[i], name) == 0)
            return event->fields[i];
    return (struct field_value){.type = FIELD_ABSENT};
}

/* The event as a reader with that schema and those definitions has it. */
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
    event.field_count = (uint16_t)(from->field_count ? event.class->field_count : 0);
    return event;
}

char *core_uncut_report(const struct law_trace *trace)
{
    struct fold *fold = fold_new(text_of(trace->session));
    struct place place = {.trace = trace};
    struct core *core = core_new(trace->schema, (struct result_sink){take, fold},
                                 (struct core_settler){settle, &place});
    const struct phase_set *set = set_at(trace, 0);
    core_begin(core, facts_of(trace), set);
    struct arena arena = {.first = NULL};
    uint64_t events = 0;
    size_t change = 0;
    for (;; place.at++) {
        bool over = place.at == trace->count;
        const struct event *event = &trace->events[place.at];
        for (; change < trace->change_count &&
               (over || trace->changes[change].at_ns <= event->time_ns);
             change++) {
            core_end(core, events);
            events = 0;
            set = set_at(trace, trace->changes[change].at_ns);
            core_begin(core, facts_of(trace), set);
        }
        if (over)
            break;
        events += event->kind != EVENT_LOSS;
        struct event read = read_under(trace->schema, set, event, &arena);
        core_event(core, &read);
    }
    core_end(core, events);
    core_finish(core);
    arena_clear(&arena);
    struct interval_end end = trace->facts;
    end.has_traces = true;
    end.first_ns = trace->events[0].time_ns;
    end.last_ns = trace->events[trace->count - 1].time_ns;
    core_mark(core, &end);
    char *json = law_fold_report(fold);
    core_free(core);
    fold_free(fold);
    return json;
}

/* --- pieces --- */

static void count(struct core_figures *figures, const struct row *row)
{
    for (size_t i = 0; figures && i < row->count; i++) {
        enum record_kind kind = row->at[i]->kind;
        figures->records++;
        figures->steps += kind == RECORD_EVENT;
        figures->lets += kind <= RECORD_AGAIN;
        figures->lines += kind == RECORD_LIFE || kind == RECORD_CPU;
    }
}

struct piece {
    struct columns_out bytes;
    struct interval_end end;
};

static void map_piece(const struct law_trace *trace, struct law_cuts cuts, size_t i, size_t *at,
                      struct piece *piece, struct core_figures *figures)
{
    size_t begin = *at;
    while (*at < trace->count && (i == cuts.count || trace->events[*at].time_ns < cuts.at[i]))
        ++*at;
    struct core_mapping mapping = {.facts = facts_of(trace),
                                   .begin_ns = i > 0 ? cuts.at[i - 1] : 0,
                                   .end_ns = i < cuts.count ? cuts.at[i] : UINT64_MAX};
    struct row row = {.count = 0};
    struct schema *schema = schema_at(trace, mapping.begin_ns);
    struct arena arena = {.first = NULL};
    struct event *events = arena_take(&arena, (*at - begin + 1) * sizeof *events);
    for (size_t k = begin; k < *at; k++)
        events[k - begin] = read_under(schema, schema_own_set(schema), &trace->events[k], &arena);
    struct core *core = core_new_mapping(schema, &mapping, &row);
    core_map(core, events, *at - begin);
    core_map_end(core);
    struct core_counts counts = core_counts(core);
    core_free(core);
    count(figures, &row);
    row_write(&row, schema, &piece->bytes);
    row_clear(&row);
    arena_clear(&arena);
    piece->end = trace->facts;
    piece->end.begin_ns = mapping.begin_ns;
    piece->end.end_ns = mapping.end_ns;
    piece->end.has_traces = i == 0;
    piece->end.chunk = i;
    piece->end.phases = set_at(trace, mapping.begin_ns);
    piece->end.events = counts.events;
    piece->end.tallies = counts.tallies;
    piece->end.first_ns = counts.first_ns;
    piece->end.last_ns = counts.last_ns;
}

/* As a reducer gets it. */
static void add_piece(struct joiner *joiner, const struct law_trace *trace,
                      const struct piece *piece)
{
    struct row row = {.count = 0};
    struct failure why;
    if (row_read((struct bytes){piece->bytes.at, piece->bytes.count}, trace->schema,
                 piece->end.phases, &row, &why) != STATUS_OK) {
        fprintf(stderr, "core law: %s\n", why.text);
        abort();
    }
    joiner_add(joiner, &row, &piece->end);
}

/* What a core saves. */
struct saved {
    struct arena arena;
    struct kept_record *records;
    size_t count, room;
};

static void keep(void *context, struct text key, struct bytes record)
{
    struct saved *saved = context;
    uint8_t *copy = arena_take(&saved->arena, record.count);
    memcpy(copy, record.at, record.count);
    saved->records =
        memory_grow(saved->records, &saved->room, saved->count + 1, sizeof *saved->records);
    saved->records[saved->count++] =
        (struct kept_record){{arena_string(&saved->arena, key), key.count}, {copy, record.count}};
}

/* Ends the joiner behind piece `last`, and makes another of what it saved, read in any order; tells some of
 * the living again, which must change nothing. */
static struct joiner *restart(struct joiner *joiner, const struct law_trace *trace,
                              struct fold *fold, const struct piece *pieces, size_t last,
                              uint64_t *random)
{
    struct saved saved = {.count = 0};
    joiner_retell(joiner, law_random(random) % 4, 4);
    uint64_t oldest = last + 1;
    if (!joiner_oldest_chunk(joiner, &oldest))
        oldest = last + 1;
    joiner_save(joiner, (struct keep_sink){keep, &saved});
    joiner_free(joiner);
    for (size_t i = saved.count; i > 1; i--) {
        size_t other = law_random(random) % i;
        struct kept_record kept = saved.records[i - 1];
        saved.records[i - 1] = saved.records[other];
        saved.records[other] = kept;
    }
    struct failure why;
    if (joiner_restore(trace->schema, (struct result_sink){take, fold}, saved.records, saved.count,
                       &joiner, &why) != STATUS_OK) {
        fprintf(stderr, "core law: restart behind %zu: %s\n", last, why.text);
        abort();
    }
    for (size_t i = (size_t)oldest; i <= last; i++)
        add_piece(joiner, trace, &pieces[i]);
    arena_clear(&saved.arena);
    free(saved.records);
    return joiner;
}

char *core_cut_report(const struct law_trace *trace, struct law_cuts cuts,
                      struct core_figures *figures)
{
    struct piece *pieces = memory_new((cuts.count + 1) * sizeof *pieces);
    struct fold *fold = fold_new(text_of(trace->session));
    struct joiner *joiner = joiner_new(trace->schema, (struct result_sink){take, fold});
    uint64_t random = cuts.count + 7;
    size_t at = 0;
    for (size_t i = 0; i <= cuts.count; i++) {
        map_piece(trace, cuts, i, &at, &pieces[i], figures);
        add_piece(joiner, trace, &pieces[i]);
        if (cuts.count % 2 == 1 && law_random(&random) % 3 > 0)
            joiner = restart(joiner, trace, fold, pieces, i, &random);
    }
    joiner_finish(joiner);
    char *json = law_fold_report(fold);
    joiner_free(joiner);
    fold_free(fold);
    for (size_t i = 0; i <= cuts.count; i++)
        columns_clear(&pieces[i].bytes);
    free(pieces);
    return json;
}

static char *lines_of(const char *json, bool (*wanted)(const char *line))
{
    char *part = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&part, &size);
    while (*json) {
        size_t count = strcspn(json, "\n");
        count += json[count] == '\n';
        if (wanted(json))
            fwrite(json, 1, count, out);
        json += count;
    }
    fclose(out);
    return part;
}

static bool is_of_type(const char *line, const char *type)
{
    char head[64];
    int count = snprintf(head, sizeof head, "{\"type\":\"%s\"", type);
    return strncmp(line, head, (size_t)count) == 0;
}

static bool is_beside(const char *line)
{
    return is_of_type(line, "summary") || is_of_type(line, "softirq") || is_of_type(line, "irq");
}

char *core_beside_of(const char *json)
{
    return lines_of(json, is_beside);
}

static bool is_told(const char *line)
{
    static const char *const types[] = {"cpu",   "thread",  "sched", "syscall",
                                        "phase", "process", "fd",    "instance"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is_of_type(line, types[i]))
            return true;
    return false;
}

char *core_part_of(const char *json)
{
    return lines_of(json, is_told);
}

/* Without the fields from `begin` up to before `end`. */
static size_t put_without(FILE *out, const char *json, size_t count, const char *begin,
                          const char *end)
{
    const char *from = memmem(json, count, begin, strlen(begin));
    const char *to = from ? memmem(from, count - (size_t)(from - json), end, strlen(end)) : NULL;
    if (!to) {
        fwrite(json, 1, count, out);
        return count;
    }
    fwrite(json, 1, (size_t)(from - json), out);
    fwrite(to, 1, count - (size_t)(to - json), out);
    return count;
}

static bool starts_with(const char *line, const char *head)
{
    return strncmp(line, head, strlen(head)) == 0;
}

static bool is_fd(const char *line)
{
    return is_of_type(line, "fd");
}

char *core_fds_of(const char *json)
{
    return lines_of(json, is_fd);
}

char *core_likewise(const char *json, bool taken_back)
{
    char *part = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&part, &size);
    while (*json) {
        size_t count = strcspn(json, "\n");
        count += json[count] == '\n';
        bool timed =
            starts_with(json, "{\"type\":\"phase\"") || starts_with(json, "{\"type\":\"instance\"");
        if (timed)
            put_without(out, json, count, "\"user_cpu_ns\"", "\"syscalls\"");
        else if (taken_back && starts_with(json, "{\"type\":\"thread\""))
            put_without(out, json, count, "\"user_cpu_ns\"", "}");
        else if (is_told(json) && !is_fd(json))
            fwrite(json, 1, count, out);
        json += count;
    }
    fclose(out);
    return part;
}
