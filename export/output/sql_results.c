#include "export/output/sql_results.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "analysis/view.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "export/output/sql_columns.h"
#include "results/report.h"
#include "trace/syscalls.h"

#define COLUMN_ROWS(columns, name, entity, more, words)                                            \
    static const struct sql_column columns_of_##columns[] = {columns(COLUMN) more};
TABLES(COLUMN_ROWS)

static const struct sql_table fixed_tables[FIXED_TABLES] = {
#define TABLE_ROW(columns, name, entity, more, words)                                              \
    {name, words, entity, columns_of_##columns,                                                    \
     sizeof columns_of_##columns / sizeof *columns_of_##columns},
    TABLES(TABLE_ROW)};

/* --- tables of analyses --- */

static uint8_t sql_type_of(const struct atom_column *column)
{
    return column->type == ATOM_IS_text        ? SQL_TEXT
           : column->type == ATOM_IS_address   ? SQL_TEXT
           : column->type == ATOM_IS_durations ? SQL_DURATIONS
                                               : SQL_NUMBER;
}

/* Keys, their names, sums. */
static const struct sql_table *table_of_kind(struct arena *arena, const struct atom_kind *kind)
{
    struct sql_column *columns = arena_take(arena, (kind->column_count + 1) * sizeof *columns);
    size_t count = 0;
    for (ATOM_EACH(key, kind, ATOM_KEY))
        columns[count++] = (struct sql_column){key->name, sql_type_of(key), SQL_KEY, key->words};
    if (kind->view->name)
        columns[count++] = (struct sql_column){kind->view->label, SQL_TEXT, SQL_NEWEST, NULL};
    for (ATOM_EACH(sum, kind, ATOM_SUM))
        columns[count++] = (struct sql_column){sum->name, sql_type_of(sum), SQL_SUM, sum->words};
    struct sql_table *table = arena_take(arena, sizeof *table);
    *table = (struct sql_table){kind->name, kind->view->title, false, columns, count};
    return table;
}

void sql_results_init(struct sql_results *results)
{
    *results = (struct sql_results){.count = FIXED_TABLES};
    size_t kinds = 0;
    while (analyses_shown(kinds))
        kinds++;
    results->tables = memory_new((FIXED_TABLES + kinds) * sizeof(struct sql_table *));
    for (size_t i = 0; i < FIXED_TABLES; i++)
        results->tables[i] = &fixed_tables[i];
    for (size_t i = 0; i < kinds; i++)
        results->tables[results->count++] =
            table_of_kind(&results->tables_arena, analyses_shown(i));
    results->rows = memory_new(results->count * sizeof *results->rows);
    for (size_t i = 0; i < results->count; i++)
        results->rows[i] = (struct sql_rows){.table = results->tables[i], .arena = &results->arena};
}

static void drop_rows(struct sql_results *results)
{
    for (size_t i = 0; i < results->count; i++)
        sql_rows_clear(&results->rows[i]);
    arena_clear(&results->arena);
}

void sql_results_clear(struct sql_results *results)
{
    drop_rows(results);
    free(results->rows);
    free(results->tables);
    arena_clear(&results->tables_arena);
}

/* The number of a text in the database (FNV-1a); for a session, of its name. */
static int64_t number_of_text(struct text text)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < text.count; i++)
        hash = (hash ^ (unsigned char)text.at[i]) * 0x100000001b3;
    return (int64_t)hash;
}

/* --- values --- */

struct taking {
    struct sql_results *results;
    const struct export_interval *interval;
    int64_t offset_ns;
};

static struct sql_value *row_at(const struct taking *taking, enum table_index table,
                                const struct sql_value *keys)
{
    return sql_rows_at(&taking->results->rows[table], keys);
}

static struct sql_value time_at(const struct taking *taking, uint64_t raw_ns)
{
    return sql_number((int64_t)(raw_ns + (uint64_t)taking->offset_ns));
}

static struct sql_value id_at(uint64_t id)
{
    return (struct sql_value){.is_set = id != 0, .number = (int64_t)id};
}

static struct sql_value text_at(const struct taking *taking, struct text text)
{
    return sql_text(sql_clean(&taking->results->arena, text));
}

static struct sql_value text_if_any(const struct taking *taking, struct text text)
{
    return text.count > 0 ? text_at(taking, text) : (struct sql_value){.is_set = false};
}

static struct text call_name(const struct result *result, uint32_t call)
{
    return result_call_name(result, call);
}

/* --- times --- */

/* The columns of TIMES, BEFORES and INTERRUPTS follow each other in all tables. */
enum { TIME_COLUMNS = 9 };
static_assert(PHASE_SOFTIRQ - PHASE_USER + 1 == TIME_COLUMNS, "the columns of phases");
static_assert(SPENT_SOFTIRQ - SPENT_USER + 1 == TIME_COLUMNS, "the columns of instances");
static_assert(RUN_SOFTIRQ - RUN_USER + 1 == TIME_COLUMNS, "the columns of threads");

static void add_times(const struct taking *taking, const struct result *result,
                      struct sql_value *user, const struct time_vector *time)
{
    struct interrupted taken = time->interrupted;
    interrupted_by_others(&taken,
                          entities_process_name(taking->interval->entities, result->thread));
    uint64_t blocked_ns = time->blocked_ns + time->before_blocked_ns;
    for (uint32_t i = 0; i < time->blocked_count; i++)
        blocked_ns += time->blocked_in[i].ns;
    const uint64_t numbers[TIME_COLUMNS] = {time->user_ns + time->before_running_ns,
                                            time->sys_ns,
                                            time->runnable_ns,
                                            blocked_ns,
                                            time->unknown_ns,
                                            time->before_running_ns,
                                            time->before_blocked_ns,
                                            taken.irq_ns,
                                            taken.softirq_ns};
    for (size_t i = 0; i < TIME_COLUMNS; i++)
        sql_add_signed(&user[i], (int64_t)numbers[i]);
}

/* --- results, one by one --- */

static void take_process(const struct taking *taking, const struct result *result)
{
    const struct process_fact *fact = &result->process;
    struct sql_value *row =
        row_at(taking, TABLE_PROCESSES, (struct sql_value[]){sql_number((int64_t)fact->id)});
    row[PROCESS_PID] = sql_number(fact->pid);
    if (fact->ppid >= 0)
        row[PROCESS_PPID] = sql_number(fact->ppid);
    if (fact->fork_seen)
        row[PROCESS_FORK] = time_at(taking, fact->fork_ns);
}

static void take_thread(const struct taking *taking, const struct result *result)
{
    const struct thread_fact *fact = &result->thread_fact;
    struct sql_value *row =
        row_at(taking, TABLE_THREADS, (struct sql_value[]){sql_number((int64_t)fact->id)});
    if (!row[THREAD_PROCESS].is_set)
        row[THREAD_PROCESS] = id_at(fact->process);
    row[THREAD_TID] = sql_number(fact->tid);
    row[THREAD_BEGIN] = time_at(taking, fact->begin_ns);
    row[THREAD_END] = time_at(taking, fact->end_ns);
    row[THREAD_BEGIN_HARD] = sql_number(fact->begin_hard);
    row[THREAD_END_HARD] = sql_number(fact->end_hard);
    row[THREAD_NAME] = text_if_any(taking, fact->name);
    row[THREAD_KERNEL_NAMED] = sql_number(fact->kernel_named);
    row[THREAD_PROGRAM] = text_if_any(taking, fact->program);
}

static void take_descriptor(const struct taking *taking, const struct result *result)
{
    const struct descriptor_fact *fact = &result->descriptor_fact;
    const char *kind = descriptor_kind_name((enum descriptor_kind)fact->kind);
    struct sql_value *row =
        row_at(taking, TABLE_DESCRIPTORS, (struct sql_value[]){sql_number((int64_t)fact->id)});
    row[DESCRIPTOR_PROCESS] = id_at(fact->process);
    row[DESCRIPTOR_FD] = sql_number(fact->fd);
    row[DESCRIPTOR_BEGIN] = time_at(taking, fact->begin_ns);
    row[DESCRIPTOR_BEGIN_HARD] = sql_number(fact->begin_hard);
    row[DESCRIPTOR_END] =
        fact->ended ? time_at(taking, fact->end_ns) : (struct sql_value){.is_set = false};
    row[DESCRIPTOR_END_HARD] = sql_number(fact->end_hard);
    row[DESCRIPTOR_KIND] = kind ? sql_text(text_of(kind)) : (struct sql_value){.is_set = false};
    row[DESCRIPTOR_NAME] =
        fact->named ? text_at(taking, fact->name) : (struct sql_value){.is_set = false};
}

static void take_first_call(const struct taking *taking, const struct result *result)
{
    struct sql_value *row = row_at(taking, TABLE_FIRST_CALLS,
                                   (struct sql_value[]){sql_number((int64_t)result->thread),
                                                        sql_number((int64_t)result->stretch)});
    row[FIRST_CALL] = text_at(taking, result->call);
}

static void note_slowest(const struct taking *taking, struct sql_value *row,
                         const struct call_cell *cell)
{
    const struct durations *sum = &row[CALL_COMPLETE].durations;
    if (cell->slowest_entry_ns && (sum->count == 0 || cell->complete.max_ns > sum->max_ns))
        row[CALL_SLOWEST] = time_at(taking, cell->slowest_entry_ns);
}

static void take_calls(const struct taking *taking, const struct result *result)
{
    const struct call_cell *cell = result->calls;
    struct sql_value keys[] = {sql_number((int64_t)result->thread),
                               sql_text(result->phase),
                               sql_text(result->call),
                               {.is_set = false}};
    struct sql_value *row = row_at(taking, TABLE_CALLS, keys);
    note_slowest(taking, row, cell);
    durations_merge(&row[CALL_COMPLETE].durations, &cell->complete);
    sql_add(&row[CALL_BYTES], cell->bytes);
    sql_add(&row[CALL_BEGIN_UNKNOWN], cell->begin_unknown);
    sql_add(&row[CALL_END_UNKNOWN], cell->end_unknown);
    sql_add(&row[CALL_REFUSED], cell->refused);
    for (uint32_t i = 0; i < cell->error_count; i++) {
        char room[16];
        keys[ERROR_ERROR] = sql_text(text_of(errno_name(-(int64_t)cell->errors[i].number, room)));
        sql_add(&row[CALL_ERRORS], cell->errors[i].count);
        sql_add(&row_at(taking, TABLE_CALL_ERRORS, keys)[ERROR_COUNT], cell->errors[i].count);
    }
}

static void add_blocked(const struct taking *taking, const struct result *result, struct text call,
                        uint64_t ns)
{
    const struct sql_value keys[] = {sql_number((int64_t)result->thread), sql_text(result->phase),
                                     sql_text(call)};
    if (ns != 0)
        sql_add_signed(&row_at(taking, TABLE_PHASE_BLOCKED, keys)[BLOCKED_NS], (int64_t)ns);
}

static void take_phase(const struct taking *taking, const struct result *result)
{
    const struct phase_cell *cell = result->phase_cell;
    struct sql_value *row =
        row_at(taking, TABLE_PHASES,
               (struct sql_value[]){sql_number((int64_t)result->thread),
                                    sql_number((int64_t)result->stretch), sql_text(result->phase)});
    durations_merge(&row[PHASE_COMPLETE].durations, &cell->complete);
    sql_add(&row[PHASE_HOPPED], cell->hopped);
    sql_add(&row[PHASE_OVER], cell->over);
    sql_add(&row[PHASE_BEGIN_UNKNOWN], cell->begin_unknown);
    sql_add(&row[PHASE_END_UNKNOWN], cell->end_unknown);
    sql_add(&row[PHASE_SYSCALLS], cell->syscalls);
    sql_add(&row[PHASE_QUEUED], cell->queued_ns);
    sql_add(&row[PHASE_PARALLEL], cell->parallel_ns);
    add_times(taking, result, &row[PHASE_USER], &cell->time);
    add_blocked(taking, result, text_of(""), cell->time.blocked_ns);
    for (uint32_t i = 0; i < cell->time.blocked_count; i++)
        add_blocked(taking, result, call_name(result, cell->time.blocked_in[i].call),
                    cell->time.blocked_in[i].ns);
}

static void take_uses(const struct taking *taking, const struct result *result)
{
    struct sql_value *row =
        row_at(taking, TABLE_USES,
               (struct sql_value[]){sql_number((int64_t)result->descriptor),
                                    sql_number((int64_t)result->thread), sql_text(result->phase)});
    durations_merge(&row[USE_CALLS].durations, &result->uses->calls);
    sql_add(&row[USE_READ], result->uses->read_bytes);
    sql_add(&row[USE_WRITE], result->uses->write_bytes);
}

static void take_latency(const struct taking *taking, const struct result *result)
{
    struct sql_value *row =
        row_at(taking, TABLE_WAKEUPS, (struct sql_value[]){sql_number((int64_t)result->thread)});
    durations_merge(&row[WAKEUP_LATENCY].durations, result->latency);
}

static void put_max(struct sql_value *value, uint64_t max)
{
    const int64_t number = max > INT64_MAX ? INT64_MAX : (int64_t)max;
    if (!value->is_set || value->number < number)
        *value = sql_number(number);
}

/* State, kind, and other: they follow each other in both tables of waits. */
enum { WAIT_KEYS = 3 };
static_assert(WAIT_OTHER - WAIT_STATE + 1 == WAIT_KEYS, "the columns of waits");
static_assert(INSTANCE_WAIT_OTHER - INSTANCE_WAIT_STATE + 1 == WAIT_KEYS,
              "the columns of waits of instances");

static void set_wait_keys(struct sql_value keys[WAIT_KEYS], uint64_t who)
{
    enum wait_kind kind = wait_kind_of(who);
    keys[0] = sql_text(text_of(wait_is_of_blocked(kind) ? "blocked" : "runnable"));
    keys[1] = sql_text(text_of(wait_kind_name(kind)));
    keys[2] = sql_number(wait_by(who));
}

static void take_waits(const struct taking *taking, const struct result *result)
{
    struct sql_value keys[2 + WAIT_KEYS] = {sql_number((int64_t)result->thread),
                                            sql_text(result->phase)};
    set_wait_keys(&keys[WAIT_STATE], result->wait_who);
    struct sql_value *row = row_at(taking, TABLE_WAITS, keys);
    sql_add(&row[WAIT_COUNT], result->wait.count);
    sql_add(&row[WAIT_NS], result->wait.total_ns);
    put_max(&row[WAIT_MAX], result->wait.max_ns);
}

static void take_run(const struct taking *taking, const struct result *result)
{
    struct sql_value *row =
        row_at(taking, TABLE_RUNS, (struct sql_value[]){sql_number((int64_t)result->thread)});
    sql_add(&row[RUN_CPU], result->run.cpu_ns);
    sql_add(&row[RUN_SWITCHES], result->run.switches);
    if (result->run.time)
        add_times(taking, result, &row[RUN_USER], result->run.time);
}

static void take_cpu(const struct taking *taking, const struct result *result)
{
    struct sql_value *row =
        row_at(taking, TABLE_CPUS, (struct sql_value[]){sql_number(result->cpu)});
    sql_add(&row[CPU_BUSY], result->ran.busy_ns);
}

static void take_interval(const struct taking *taking, const struct interval_fact *mark)
{
    struct sql_value *row =
        row_at(taking, TABLE_INTERVALS, (struct sql_value[]){sql_number((int64_t)mark->chunk)});
    if (mark->any_event) {
        row[INTERVAL_BEGIN] = time_at(taking, mark->first_ns);
        row[INTERVAL_END] = time_at(taking, mark->last_ns);
    }
    row[INTERVAL_GAP] = sql_number(mark->gap);
    row[INTERVAL_KERNEL] = sql_number(mark->kernel);
    row[INTERVAL_USER] = sql_number(mark->user);
    sql_add(&row[INTERVAL_CHUNKS], mark->chunks);
    sql_add(&row[INTERVAL_EVENTS], mark->events);
    for (size_t i = 0; i < TALLY_COUNT; i++)
        sql_add(&row[INTERVAL_EVENTS + 1 + i], mark->tallies.at[i]);
}

/* --- instances --- */

static void print_json_text(FILE *out, struct text text)
{
    putc('"', out);
    while (text.count > 0) {
        uint32_t character = utf8_take(&text);
        char room[4];
        if (character == '"' || character == '\\')
            fprintf(out, "\\%c", (char)character);
        else if (character == 0) /* not allowed in jsonb */
            fputs("\\\\x00", out);
        else if (character < ' ')
            fprintf(out, "\\u%04x", (unsigned)character);
        else
            fwrite(room, 1, utf8_put(character, room), out);
    }
    putc('"', out);
}

static void print_json_value(FILE *out, const struct field_value *value)
{
    switch (value->type) {
    case FIELD_INT: fprintf(out, "%" PRId64, value->i); return;
    case FIELD_UINT: fprintf(out, "%" PRIu64, value->u); return;
    case FIELD_TEXT: print_json_text(out, value->text); return;
    case FIELD_ABSENT: fputs("null", out); return;
    }
}

/* Of several values with one name, the first counts. */
static bool is_named_before(const struct instance_result *content, size_t from, size_t at)
{
    for (size_t i = from; i < at; i++)
        if (text_equal(content->names[i], content->names[at]))
            return true;
    return false;
}

static struct sql_value values_of(const struct taking *taking,
                                  const struct instance_result *content, size_t from, size_t to)
{
    char *text = NULL;
    size_t count = 0;
    FILE *out = sql_open_text(&text, &count);
    const char *separator = "{";
    for (size_t i = from; i < to; i++) {
        if (is_named_before(content, from, i))
            continue;
        fputs(separator, out);
        print_json_text(out, content->names[i]);
        putc(':', out);
        print_json_value(out, &content->ended.values[i]);
        separator = ",";
    }
    fputs(*separator == '{' ? "{}" : "}", out);
    fclose(out);
    struct text kept = {arena_string(&taking->results->arena, (struct text){text, count}), count};
    free(text);
    return sql_text(kept);
}

static void take_instance_waits(const struct taking *taking, const struct ended_instance *ended,
                                struct sql_value id)
{
    for (size_t i = 0; i < ended->wait_count; i++) {
        const struct instance_wait *wait = &ended->waits[i];
        struct sql_value keys[WAIT_KEYS + 1] = {id};
        set_wait_keys(&keys[INSTANCE_WAIT_STATE], wait->who);
        struct sql_value *row = row_at(taking, TABLE_INSTANCE_WAITS, keys);
        sql_add(&row[INSTANCE_WAIT_COUNT], wait->count);
        sql_add(&row[INSTANCE_WAIT_NS], wait->total_ns);
    }
}

static void take_instance(const struct taking *taking, const struct result *result)
{
    const struct instance_result *content = result->instance;
    const struct ended_instance *ended = &content->ended;
    const struct sql_value id = sql_number((int64_t)ended->rank.order);
    struct sql_value *spent = row_at(taking, TABLE_INSTANCE_TIMES, &id);
    add_times(taking, result, &spent[SPENT_USER], &ended->time);
    if (content->is_correction)
        return;
    struct sql_value *row = row_at(taking, TABLE_INSTANCES, &id);
    row[INSTANCE_THREAD] = sql_number((int64_t)result->thread);
    row[INSTANCE_STRETCH] = sql_number((int64_t)result->stretch);
    row[INSTANCE_PHASE] = text_at(taking, result->phase);
    row[INSTANCE_PID] = (struct sql_value){.is_set = ended->pid > 0, .number = ended->pid};
    row[INSTANCE_END_TID] =
        (struct sql_value){.is_set = ended->end_tid > 0, .number = ended->end_tid};
    row[INSTANCE_BEGIN] = time_at(taking, ended->rank.begin_ns);
    row[INSTANCE_END] = time_at(taking, ended->rank.begin_ns + ended->rank.ns);
    row[INSTANCE_NS] = sql_number((int64_t)ended->rank.ns);
    row[INSTANCE_SYSCALLS] = sql_number((int64_t)ended->calls);
    row[INSTANCE_MATCH] = values_of(taking, content, 0, content->match_count);
    row[INSTANCE_CAPTURED] = values_of(taking, content, content->match_count, ended->value_count);
    row[INSTANCE_KEEP] = sql_number(content->rule.count);
    row[INSTANCE_KEEP_OVER] = sql_number((int64_t)content->rule.over_ns);
    row[INSTANCE_QUEUED] = sql_number((int64_t)ended->queued_ns);
    row[INSTANCE_PARALLEL] = sql_number((int64_t)ended->parallel_ns);
    take_instance_waits(taking, ended, id);
}

/* --- counts --- */

/* `{"code":500,"phase":"request"}`, without process and thread. */
static struct text by_text(const struct taking *taking, const struct count_result *content)
{
    char *text = NULL;
    size_t count = 0;
    FILE *out = sql_open_text(&text, &count);
    const char *separator = "{";
    for (size_t i = 0; i < content->part_count; i++) {
        const struct count_part *part = &content->parts[i];
        if (part->word == COUNT_BY_PROCESS || part->word == COUNT_BY_THREAD)
            continue;
        fputs(separator, out);
        print_json_text(out, part->field);
        putc(':', out);
        print_json_value(out, &part->value);
        separator = ",";
    }
    fputs(*separator == '{' ? "{}" : "}", out);
    fclose(out);
    struct text kept = {arena_string(&taking->results->arena, (struct text){text, count}), count};
    free(text);
    return kept;
}

static void take_counted_span(struct sql_value *row, const struct count_cell *cell)
{
    durations_merge(&row[SPAN_DURATIONS].durations, &cell->value);
    sql_add(&row[SPAN_BEGIN_UNKNOWN], cell->begin_unknown);
    sql_add(&row[SPAN_LOST], cell->lost);
    sql_add(&row[SPAN_TIMED_OUT], cell->timed_out);
    sql_add(&row[SPAN_OPEN], cell->open);
    sql_add(&row[SPAN_UNMATCHED], cell->unmatched);
}

static void take_counted(struct sql_value *row, const struct count_cell *cell)
{
    sql_add(&row[COUNT_COUNT], cell->count);
    sql_add(&row[COUNT_VALUES], cell->value.count);
    sql_add(&row[COUNT_NEGATIVE], cell->negative);
    sql_add(&row[COUNT_TOTAL], cell->value.total_ns);
    if (cell->value.count == 0)
        return;
    const int64_t min = cell->value.min_ns > INT64_MAX ? INT64_MAX : (int64_t)cell->value.min_ns;
    if (!row[COUNT_MIN].is_set || min < row[COUNT_MIN].number)
        row[COUNT_MIN] = sql_number(min);
    put_max(&row[COUNT_MAX], cell->value.max_ns);
}

static void take_count(const struct taking *taking, const struct result *result)
{
    static const char *const whose[COUNT_OF_LAST + 1] = {[COUNT_OF_LIFE] = "thread",
                                                         [COUNT_OF_UNKNOWN] = "unknown",
                                                         [COUNT_OF_IDLE] = "idle",
                                                         [COUNT_OF_OTHERS] = "unknown",
                                                         [COUNT_OF_HANDLER] = "interrupt"};
    const struct count_result *content = result->count;
    const struct text by = by_text(taking, content);
    const struct sql_value keys[] = {sql_text(content->name), sql_number((int64_t)result->thread),
                                     sql_text(text_of(whose[content->whose])),
                                     sql_number(number_of_text(by))};
    struct sql_value *row = row_at(taking, content->is_span ? TABLE_SPANS : TABLE_COUNTS, keys);
    row[COUNT_BY] = sql_text(by);
    if (content->is_span)
        take_counted_span(row, content->cell);
    else
        take_counted(row, content->cell);
}

/* --- analyses --- */

static void take_cell(const struct taking *taking, const struct atom *cell)
{
    const struct atom_kind *kind = cell->kind;
    size_t at = FIXED_TABLES;
    while (analyses_shown(at - FIXED_TABLES) != kind)
        at++;
    struct sql_value keys[8];
    char addresses[8][ATOM_ADDRESS_ROOM];
    size_t count = 0;
    for (ATOM_EACH(key, kind, ATOM_KEY)) { /* sql_rows_at() asserts that there are no more */
        if (key->type == ATOM_IS_text)
            keys[count] = sql_text(*atom_text_at(cell, key));
        else if (key->type == ATOM_IS_address)
            keys[count] = sql_text(atom_address_text(cell, key, addresses[count]));
        else
            keys[count] = sql_number((int64_t)*atom_number_at(cell, key));
        count++;
    }
    struct sql_value *row = sql_rows_at(&taking->results->rows[at], keys);
    char room[VIEW_NAME_ROOM];
    const char *name = view_name(cell, room);
    if (name && !row[count].is_set)
        row[count] = text_at(taking, text_of(name));
    count += kind->view->name != NULL;
    for (ATOM_EACH(sum, kind, ATOM_SUM)) {
        if (sum->type == ATOM_IS_durations)
            durations_merge(&row[count].durations, atom_durations_at(cell, sum));
        else
            sql_add(&row[count], *atom_number_at(cell, sum));
        count++;
    }
}

/* --- all of them --- */

static void take_result(const struct taking *taking, const struct result *result)
{
    switch (result->type) {
    case RESULT_PROCESS: take_process(taking, result); return;
    case RESULT_THREAD: take_thread(taking, result); return;
    case RESULT_DESCRIPTOR: take_descriptor(taking, result); return;
    case RESULT_CALLS: take_calls(taking, result); return;
    case RESULT_PHASE: take_phase(taking, result); return;
    case RESULT_INSTANCE: take_instance(taking, result); return;
    case RESULT_FIRST_CALL: take_first_call(taking, result); return;
    case RESULT_USES: take_uses(taking, result); return;
    case RESULT_LATENCY: take_latency(taking, result); return;
    case RESULT_RUN: take_run(taking, result); return;
    case RESULT_CPU: take_cpu(taking, result); return;
    case RESULT_CELL: take_cell(taking, result->cell); return;
    case RESULT_WAITS: take_waits(taking, result); return;
    case RESULT_COUNT: take_count(taking, result); return;
    case RESULT_INTERVAL: take_interval(taking, result->interval); return;
    }
}

static void take_session(const struct taking *taking, const struct export_interval *interval)
{
    struct text host, name, created;
    text_session(interval->samples.session, &host, &name, &created);
    struct sql_value *row = row_at(taking, TABLE_SESSIONS, NULL);
    row[SESSION_NAME] = text_at(taking, interval->samples.session);
    row[SESSION_HOST] = text_at(taking, host);
    row[SESSION_SESSION] = text_at(taking, name);
    row[SESSION_CREATED] = text_at(taking, created);
    if (interval->any_time)
        row[SESSION_OFFSET] = sql_number(interval->offset_ns);
}

void sql_results_take(struct sql_results *results, const struct export_interval *interval)
{
    drop_rows(results);
    struct taking taking = {results, interval, interval->offset_ns};
    results->place = (struct sql_place){.session = number_of_text(interval->samples.session),
                                        .chunk = (int64_t)interval->samples.chunk,
                                        .closing = true};
    take_session(&taking, interval);
    for (size_t i = 0; i < interval->record_count; i++)
        for (size_t j = 0; j < interval->records[i].count; j++) {
            const struct result *result = &interval->records[i].results[j];
            take_result(&taking, result);
            results->place.closing &= result->type != RESULT_INTERVAL;
        }
    results->place.any_time = interval->samples.end_ms > 0;
    results->place.end_ns = interval->samples.end_ms * 1000000;
}
