#include "cli/render/json.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "analysis/view.h"
#include "base/memory.h"
#include "base/workers.h"
#include "cli/render/json_text.h"
#include "results/phase_faults.h"

static void string_field(struct json_text *json, const char *name, const char *string)
{
    json_name(json, name);
    json_string_or_null(json, string);
}

static void number_field(struct json_text *json, const char *name, uint64_t number)
{
    json_name(json, name);
    json_number(json, number);
}

static void signed_field(struct json_text *json, const char *name, int64_t number)
{
    json_name(json, name);
    json_signed(json, number);
}

static void hard_field(struct json_text *json, const char *name, bool hard)
{
    string_field(json, name, hard ? "hard" : "soft");
}

static void named_field(struct json_text *json, const char *name, struct named_numbers numbers)
{
    json_name(json, name);
    json_words(json, "{");
    for (size_t i = 0; i < numbers.count; i++) {
        if (i)
            json_words(json, ",");
        json_string_or_null(json, numbers.at[i].name);
        json_words(json, ":");
        json_number(json, numbers.at[i].number);
    }
    json_words(json, "}");
}

static void duration_fields(struct json_text *json, const struct durations *durations)
{
    number_field(json, "total_ns", durations->total_ns);
    if (durations->count) {
        number_field(json, "min_ns", durations->min_ns);
        number_field(json, "max_ns", durations->max_ns);
    } else {
        json_words(json, ",\"min_ns\":null,\"max_ns\":null");
    }
}

/* The distribution: {floor(log2): count}. */
static void log2_field(struct json_text *json, const char *name, const struct durations *durations)
{
    uint64_t powers[DURATIONS_POWERS];
    durations_log2(durations, powers);
    json_name(json, name);
    const char *comma = "{\"";
    for (unsigned i = 0; i < DURATIONS_POWERS; i++) {
        if (powers[i] == 0)
            continue;
        json_words(json, comma);
        json_number(json, i);
        json_words(json, "\":");
        json_number(json, powers[i]);
        comma = ",\"";
    }
    json_words(json, "}");
}

/* Undocumented: quantiles, and the distribution as {floor(log2(ns)): count}. */
static void distribution_fields(struct json_text *json, const struct durations *durations)
{
    if (durations->count == 0)
        return;
    number_field(json, "p50_ns", durations_quantile(durations, 500));
    number_field(json, "p99_ns", durations_quantile(durations, 990));
    log2_field(json, "log2_ns", durations);
}

static void text_field(struct json_text *json, const char *name, struct text text)
{
    char *string = memory_string(text);
    string_field(json, name, string);
    free(string);
}

static void write_damage(struct json_text *json, const struct damages *damage)
{
    json_words(json, ",\"damage\":[");
    for (size_t i = 0; i < damage->count; i++) {
        const struct damage *item = &damage->at[i];
        json_words(json, i ? ",{\"chunk\":" : "{\"chunk\":");
        json_number(json, item->chunk);
        string_field(json, "scope", damage_scope_name(item->scope));
        string_field(json, "cause", damage_cause_name(item->cause));
        text_field(json, "name", item->name);
        number_field(json, "count", item->count);
        number_field(json, "bytes", item->bytes);
        text_field(json, "text", item->text);
        json_words(json, "}");
    }
    json_words(json, "]");
    number_field(json, "damage_more", damage->more);
}

/* Only with phase definitions. */
static void write_phase_faults(struct json_text *json, const struct session_report *session)
{
    if (session->uses.count == 0)
        return;
    struct arena arena = {.first = NULL};
    size_t count;
    const char *const *faults = phase_faults(session, 1, FAULTS_OF_ALL, &arena, &count);
    json_words(json, ",\"phase_faults\":[");
    for (size_t i = 0; i < count; i++) {
        if (i)
            json_words(json, ",");
        json_string_or_null(json, faults[i]);
    }
    json_words(json, "]");
    arena_clear(&arena);
}

static void write_summary(struct json_text *json, const struct session_report *session, size_t i)
{
    (void)i;
    number_field(json, "chunks", session->chunks);
    number_field(json, "events", session->events);
    number_field(json, tally_rows[TALLY_DISCARDED].json, session->tallies.at[TALLY_DISCARDED]);
    signed_field(json, "begin_ns", session->begin_ns);
    signed_field(json, "end_ns", session->end_ns);
    json_words(json, ",\"hosts\":[");
    for (size_t j = 0; j < session->host_count; j++) {
        if (j)
            json_words(json, ",");
        json_string_or_null(json, session->hosts[j]);
    }
    json_words(json, "]");
    number_field(json, "domains", (uint64_t)session->kernel + session->user);
    for (size_t j = 0; j < TALLY_COUNT; j++)
        if (j != TALLY_DISCARDED)
            number_field(json, tally_rows[j].json, session->tallies.at[j]);
    write_damage(json, &session->damage);
    write_phase_faults(json, session);
}

static void interrupted_fields(struct json_text *json, const struct interrupted *interrupted)
{
    number_field(json, "irq_ns", interrupted->irq_ns);
    number_field(json, "softirq_ns", interrupted->softirq_ns);
    number_field(json, "interrupted_sys_ns", interrupted->sys_ns);
}

static void write_process(struct json_text *json, const struct session_report *session, size_t i)
{
    const struct process_row *row = &session->processes[i];
    signed_field(json, "pid", row->pid);
    string_field(json, "process", row->process);
    signed_field(json, "ppid", row->ppid);
    signed_field(json, "begin_ns", row->begin_ns);
    hard_field(json, "begin", row->begin_hard);
    signed_field(json, "end_ns", row->end_ns);
    hard_field(json, "end", row->end_hard);
    number_field(json, "threads", row->threads);
    number_field(json, "cpu_ns", row->cpu_ns);
    number_field(json, "irq_ns", row->irq_ns);
    number_field(json, "softirq_ns", row->softirq_ns);
}

static void write_thread(struct json_text *json, const struct session_report *session, size_t i)
{
    const struct thread_row *row = &session->threads[i];
    signed_field(json, "tid", row->tid);
    signed_field(json, "begin_ns", row->begin_ns);
    signed_field(json, "pid", row->pid);
    string_field(json, "name", row->name);
    hard_field(json, "begin", row->begin_hard);
    signed_field(json, "end_ns", row->end_ns);
    hard_field(json, "end", row->end_hard);
    number_field(json, "cpu_ns", row->cpu_ns);
    number_field(json, "switches", row->switches);
    number_field(json, "user_cpu_ns", row->user_cpu_ns);
    number_field(json, "sys_cpu_ns", row->sys_cpu_ns);
    number_field(json, "runnable_ns", row->runnable_ns);
    number_field(json, "blocked_ns", row->blocked_ns);
    number_field(json, "unknown_ns", row->unknown_ns);
    interrupted_fields(json, &row->interrupted);
}

static void write_syscall(struct json_text *json, const struct session_report *session, size_t i)
{
    const struct syscall_row *row = &session->syscalls[i];
    signed_field(json, "pid", row->pid);
    string_field(json, "phase", row->phase);
    string_field(json, "syscall", row->syscall);
    string_field(json, "process", row->process);
    number_field(json, "count", row->complete.count);
    named_field(json, "errors", row->errors);
    duration_fields(json, &row->complete);
    number_field(json, "bytes", row->bytes);
    number_field(json, "begin_unknown", row->begin_unknown);
    number_field(json, "end_unknown", row->end_unknown);
    number_field(json, "refused", row->refused);
    distribution_fields(json, &row->complete);
    if (row->complete.count) {
        signed_field(json, "slowest_tid", row->slowest_tid);
        signed_field(json, "slowest_begin_ns", row->slowest_begin_ns);
    }
}

static void write_phase(struct json_text *json, const struct session_report *session, size_t i)
{
    const struct phase_row *row = &session->phases[i];
    signed_field(json, "pid", row->pid);
    string_field(json, "phase", row->phase);
    string_field(json, "process", row->process);
    number_field(json, "count", row->complete.count);
    duration_fields(json, &row->complete);
    number_field(json, "hopped", row->hopped);
    number_field(json, "begin_unknown", row->begin_unknown);
    number_field(json, "end_unknown", row->end_unknown);
    number_field(json, "user_cpu_ns", row->user_cpu_ns);
    number_field(json, "sys_cpu_ns", row->sys_cpu_ns);
    number_field(json, "runnable_ns", row->runnable_ns);
    number_field(json, "blocked_ns", row->blocked_ns);
    number_field(json, "unknown_ns", row->unknown_ns);
    interrupted_fields(json, &row->interrupted);
    named_field(json, "blocked_by", row->blocked_by);
    number_field(json, "syscalls", row->syscalls);
    number_field(json, "over", row->over);
    number_field(json, "queued_ns", row->queued_ns);
    number_field(json, "parallel_ns", row->parallel_ns);
    distribution_fields(json, &row->complete);
}

static void write_value(struct json_text *json, const struct field_value *value)
{
    switch (value->type) {
    case FIELD_ABSENT: json_words(json, "null"); return;
    case FIELD_INT:
        if (value->i == INT64_MIN) /* this number means null elsewhere */
            json_words(json, "-9223372036854775808");
        else
            json_signed(json, value->i);
        return;
    case FIELD_UINT: json_number(json, value->u); return;
    case FIELD_TEXT: json_string(json, value->text); return;
    }
}

static void values_field(struct json_text *json, const char *name, struct named_values values)
{
    json_name(json, name);
    json_words(json, "{");
    for (size_t i = 0; i < values.count; i++) {
        if (i)
            json_words(json, ",");
        json_string(json, text_of(values.at[i].name));
        json_words(json, ":");
        write_value(json, &values.at[i].value);
    }
    json_words(json, "}");
}

/* The waker or the thread that ran, after `by`. */
static void who_fields(struct json_text *json, const struct wait_row *row)
{
    signed_field(json, "by_pid", row->by_pid);
    signed_field(json, "by_tid", row->by_tid);
    string_field(json, "by_name", row->by_name);
    signed_field(json, "number", row->number);
}

static void waits_field(struct json_text *json, const char *name, const struct wait_row *rows,
                        size_t count)
{
    json_name(json, name);
    json_words(json, "[");
    for (size_t i = 0; i < count; i++) {
        json_words(json, i ? ",{\"by\":" : "{\"by\":");
        json_string(json, text_of(wait_kind_name(rows[i].kind)));
        who_fields(json, &rows[i]);
        string_field(json, "by_process", rows[i].by_process);
        number_field(json, "count", rows[i].cell.count);
        number_field(json, "total_ns", rows[i].cell.total_ns);
        json_words(json, "}");
    }
    json_words(json, "]");
}

static void write_instance(struct json_text *json, const struct session_report *session, size_t i)
{
    const struct instance_row *row = &session->instances[i];
    char id[INSTANCE_ID_ROOM];
    report_instance_id(row->order, id);
    signed_field(json, "pid", row->pid);
    string_field(json, "phase", row->phase);
    string_field(json, "id", id);
    string_field(json, "process", row->process);
    signed_field(json, "tid", row->tid);
    string_field(json, "name", row->name);
    signed_field(json, "end_tid", row->end_tid);
    signed_field(json, "begin_ns", row->begin_ns);
    signed_field(json, "end_ns", row->end_ns);
    number_field(json, "total_ns", row->total_ns);
    values_field(json, "match", row->match);
    values_field(json, "captured", row->captured);
    number_field(json, "user_cpu_ns", row->user_cpu_ns);
    number_field(json, "sys_cpu_ns", row->sys_cpu_ns);
    number_field(json, "runnable_ns", row->runnable_ns);
    number_field(json, "blocked_ns", row->blocked_ns);
    number_field(json, "unknown_ns", row->unknown_ns);
    interrupted_fields(json, &row->interrupted);
    named_field(json, "blocked_by", row->blocked_by);
    number_field(json, "syscalls", row->syscalls);
    number_field(json, "queued_ns", row->queued_ns);
    number_field(json, "parallel_ns", row->parallel_ns);
    waits_field(json, "woken_by", row->wakers, row->waker_count);
    waits_field(json, "ran_instead", row->ran_instead, row->ran_instead_count);
}

static void write_fd(struct json_text *json, const struct session_report *session, size_t i)
{
    const struct fd_row *row = &session->fds[i];
    signed_field(json, "pid", row->pid);
    signed_field(json, "fd", row->fd);
    signed_field(json, "begin_ns", row->begin_ns);
    string_field(json, "name", row->name);
    string_field(json, "kind", row->kind);
    hard_field(json, "begin", row->begin_hard);
    signed_field(json, "end_ns", row->end_ns);
    hard_field(json, "end", row->end_hard);
    number_field(json, "calls", row->calls);
    number_field(json, "read_bytes", row->read_bytes);
    number_field(json, "write_bytes", row->write_bytes);
    number_field(json, "total_ns", row->total_ns);
}

static void write_cpu(struct json_text *json, const struct session_report *session, size_t i)
{
    signed_field(json, "cpu", session->cpus[i].cpu);
    number_field(json, "busy_ns", session->cpus[i].busy_ns);
    number_field(json, "idle_ns", session->cpus[i].idle_ns);
}

static void write_sched(struct json_text *json, const struct session_report *session, size_t i)
{
    const struct sched_row *row = &session->scheds[i];
    signed_field(json, "tid", row->tid);
    signed_field(json, "begin_ns", row->begin_ns);
    signed_field(json, "pid", row->pid);
    number_field(json, "count", row->latency.count);
    duration_fields(json, &row->latency);
    string_field(json, "name", row->name);
    distribution_fields(json, &row->latency);
}

/* --- cells of analyses --- */

/* The value of a cell in a column, under the column's name; durations as an object; an empty text
 * is unknown. */
static void write_column(struct json_text *json, const struct atom *cell,
                         const struct atom_column *column)
{
    if (column->type == ATOM_IS_text && atom_column_is_empty(cell, column)) {
        string_field(json, column->name, NULL);
    } else if (column->type == ATOM_IS_text) {
        text_field(json, column->name, *atom_text_at(cell, column));
    } else if (column->type == ATOM_IS_address) {
        char room[ATOM_ADDRESS_ROOM];
        bool known = !atom_column_is_empty(cell, column);
        string_field(json, column->name, known ? atom_address_text(cell, column, room).at : NULL);
    } else if (column->type == ATOM_IS_durations) {
        const struct durations *durations = atom_durations_at(cell, column);
        json_name(json, column->name);
        json_words(json, "{\"count\":");
        json_number(json, durations->count);
        duration_fields(json, durations);
        distribution_fields(json, durations);
        json_words(json, "}");
    } else {
        number_field(json, column->name, *atom_number_at(cell, column));
    }
}

static void write_cell(struct json_text *json, const struct atom *cell)
{
    const struct atom_view *view = cell->kind->view;
    for (ATOM_EACH(key, cell->kind, ATOM_KEY))
        write_column(json, cell, key);
    char room[VIEW_NAME_ROOM];
    if (view->named)
        string_field(json, view->label, view_name(cell, room));
    for (ATOM_EACH(sum, cell->kind, ATOM_SUM))
        write_column(json, cell, sum);
}

/* A key of a count: processes and threads as objects, null if unknown. */
static void write_count_value(struct json_text *json, const struct count_value *value)
{
    json_string(json, text_of(value->by));
    json_words(json, ":");
    if (!value->is_process) {
        write_value(json, &value->value);
    } else if (value->number == REPORT_NONE && !value->name) {
        json_words(json, "null");
    } else {
        json_words(json, "{\"number\":");
        if (value->number == REPORT_NONE)
            json_words(json, "null");
        else
            json_signed(json, value->number);
        string_field(json, "name", value->name);
        json_words(json, "}");
    }
}

static void write_count_begin(struct json_text *json, const struct count_row *row)
{
    string_field(json, "name", row->name);
    json_name(json, "others");
    json_words(json, row->others ? "true" : "false");
    json_name(json, "by");
    json_words(json, "{");
    for (size_t k = 0; k < row->value_count; k++) {
        if (k)
            json_words(json, ",");
        write_count_value(json, &row->values[k]);
    }
    json_words(json, "}");
    number_field(json, "count", row->cell.count);
}

static void write_count(struct json_text *json, const struct session_report *session, size_t i)
{
    const struct count_row *row = &session->counts[i];
    write_count_begin(json, row);
    if (!row->has_value)
        return;
    const struct durations *value = &row->cell.value;
    number_field(json, "valued", value->count);
    number_field(json, "negative", row->cell.negative);
    number_field(json, "sum", value->total_ns);
    signed_field(json, "min", value->count ? (int64_t)value->min_ns : REPORT_NONE);
    signed_field(json, "max", value->count ? (int64_t)value->max_ns : REPORT_NONE);
    if (value->count == 0)
        return;
    number_field(json, "p50", durations_quantile(value, 500));
    number_field(json, "p99", durations_quantile(value, 990));
    log2_field(json, "log2", value);
}

static void write_span(struct json_text *json, const struct session_report *session, size_t i)
{
    const struct count_row *row = &session->spans[i];
    write_count_begin(json, row);
    duration_fields(json, &row->cell.value);
    number_field(json, "lost", row->cell.lost);
    number_field(json, "timed_out", row->cell.timed_out);
    number_field(json, "open", row->cell.open);
    number_field(json, "begin_unknown", row->cell.begin_unknown);
    number_field(json, "unmatched", row->cell.unmatched);
    distribution_fields(json, &row->cell.value);
}

static void write_file(struct json_text *json, const struct session_report *session, size_t i)
{
    const struct file_row *row = &session->files[i];
    signed_field(json, "pid", row->pid);
    string_field(json, "phase", row->phase);
    string_field(json, "name", row->name);
    string_field(json, "kind", row->kind);
    string_field(json, "process", row->process);
    signed_field(json, "fd", row->fd);
    number_field(json, "count", row->calls.count);
    duration_fields(json, &row->calls);
    number_field(json, "read_bytes", row->read_bytes);
    number_field(json, "write_bytes", row->write_bytes);
    distribution_fields(json, &row->calls);
}

static void write_wait(struct json_text *json, const struct wait_row *row)
{
    signed_field(json, "pid", row->pid);
    string_field(json, "phase", row->phase);
    string_field(json, "by", wait_kind_name(row->kind));
    who_fields(json, row);
    string_field(json, "process", row->process);
    string_field(json, "by_process", row->by_process);
    number_field(json, "count", row->cell.count);
    number_field(json, "total_ns", row->cell.total_ns);
    number_field(json, "max_ns", row->cell.max_ns);
}

static void write_waker(struct json_text *json, const struct session_report *session, size_t i)
{
    write_wait(json, &session->wakers[i]);
}

static void write_ran_instead(struct json_text *json, const struct session_report *session,
                              size_t i)
{
    write_wait(json, &session->ran_instead[i]);
}

/* --- sections: one per type, in the documented order --- */

static const struct section {
    const char *type;
    size_t count_at; /* of the number of rows in struct session_report; 0: one row */
    void (*write)(struct json_text *json, const struct session_report *session, size_t row);
} SECTIONS[] = {
    {"summary", 0, write_summary},
    {"process", offsetof(struct session_report, process_count), write_process},
    {"thread", offsetof(struct session_report, thread_count), write_thread},
    {"syscall", offsetof(struct session_report, syscall_count), write_syscall},
    {"phase", offsetof(struct session_report, phase_count), write_phase},
    {"fd", offsetof(struct session_report, fd_count), write_fd},
    {"cpu", offsetof(struct session_report, cpu_count), write_cpu},
    {"sched", offsetof(struct session_report, sched_count), write_sched},
    {"instance", offsetof(struct session_report, instance_count), write_instance},
    {"count", offsetof(struct session_report, count_count), write_count},
    {"span", offsetof(struct session_report, span_count), write_span},
    {"file", offsetof(struct session_report, file_count), write_file},
    {"waker", offsetof(struct session_report, waker_count), write_waker},
    {"ran_instead", offsetof(struct session_report, ran_instead_count), write_ran_instead},
};
enum { SECTION_COUNT = sizeof SECTIONS / sizeof *SECTIONS };

/* The type of rows: a section, then the cells of a kind. */
struct row_type {
    const struct section *section; /* or NULL */
    const struct atom_kind *kind;
};

/* False: no such number. */
static bool row_type_at(size_t number, struct row_type *out)
{
    if (number < SECTION_COUNT)
        *out = (struct row_type){.section = &SECTIONS[number]};
    else
        *out = (struct row_type){.kind = analyses_shown(number - SECTION_COUNT)};
    return out->section || out->kind;
}

static size_t row_count(const struct row_type *type, const struct session_report *session)
{
    if (type->kind)
        return session_report_cells(session, type->kind).count;
    assert(type->section);
    size_t count = 1;
    if (type->section->count_at > 0)
        memcpy(&count, (const char *)session + type->section->count_at, sizeof count);
    return count;
}

/* --- blocks: rows that are formatted together --- */

/* Some hundred kilobytes. */
enum { BLOCK_ROWS = 1024 };

/* The begin of the next block. By type, then session, then row; rows are sorted already. */
struct place {
    size_t type, session, row;
};

struct block {
    struct row_type type;
    const struct session_report *session;
    size_t begin, end; /* rows */
};

/* The block at `place`, which advances; false at the end. */
static bool next_block(const struct report *report, struct place *place, struct block *out)
{
    struct row_type type;
    while (row_type_at(place->type, &type)) {
        if (place->session == report->session_count) {
            *place = (struct place){.type = place->type + 1};
            continue;
        }
        const struct session_report *session = &report->sessions[place->session];
        size_t count = row_count(&type, session), begin = place->row;
        if (begin == count) {
            *place = (struct place){place->type, place->session + 1, 0};
            continue;
        }
        place->row = count - begin > BLOCK_ROWS ? begin + BLOCK_ROWS : count;
        *out = (struct block){type, session, begin, place->row};
        return true;
    }
    return false;
}

/* Replaces the content of `json`. */
static void put_block(struct json_text *json, const struct block *block)
{
    struct json_text begin = {.at = NULL}; /* of every object */
    json_words(&begin, "{\"type\":");
    json_string(&begin,
                text_of(block->type.kind ? block->type.kind->name : block->type.section->type));
    json_words(&begin, ",\"session\":");
    json_string_or_null(&begin, block->session->session);
    json->count = 0;
    for (size_t row = block->begin; row < block->end; row++) {
        json_raw(json, begin.at, begin.count);
        if (block->type.kind)
            write_cell(json, session_report_cells(block->session, block->type.kind).at[row]);
        else
            block->type.section->write(json, block->session, row);
        json_words(json, "}\n");
    }
    free(begin.at);
}

static void write_alone(FILE *out, const struct report *report)
{
    struct json_text json = {.at = NULL};
    struct place place = {0};
    for (struct block block; next_block(report, &place, &block);) {
        put_block(&json, &block);
        fwrite(json.at, 1, json.count, out);
    }
    free(json.at);
}

/* --- several threads --- */

/* Blocks are taken and written in order; no thread is further ahead of the writer than the number
 * of slots. */
struct crew {
    const struct report *report;
    FILE *out;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct place place; /* of the next block */
    size_t taken, written;
    bool all_taken;
    struct slot {
        struct json_text json;
        bool ready;
    } * slots;
    size_t slot_count;
};

/* False if there is none. */
static bool take_block(struct crew *crew, struct block *block, struct slot **slot)
{
    pthread_mutex_lock(&crew->lock);
    while (crew->taken - crew->written == crew->slot_count)
        pthread_cond_wait(&crew->changed, &crew->lock);
    bool taken = next_block(crew->report, &crew->place, block);
    if (taken)
        *slot = &crew->slots[crew->taken++ % crew->slot_count];
    crew->all_taken = !taken;
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
    return taken;
}

static void put_blocks(void *context, unsigned helper)
{
    (void)helper;
    struct crew *crew = context;
    struct slot *slot;
    for (struct block block; take_block(crew, &block, &slot);) {
        struct json_text json = slot->json; /* slots of several threads share a cache line */
        put_block(&json, &block);
        pthread_mutex_lock(&crew->lock);
        slot->json = json;
        slot->ready = true;
        pthread_cond_broadcast(&crew->changed);
        pthread_mutex_unlock(&crew->lock);
    }
}

static void write_blocks(void *context, unsigned started)
{
    struct crew *crew = context;
    if (started == 0) {
        write_alone(crew->out, crew->report);
        return;
    }
    pthread_mutex_lock(&crew->lock);
    for (;;) {
        struct slot *slot = &crew->slots[crew->written % crew->slot_count];
        while (!slot->ready && !(crew->all_taken && crew->written == crew->taken))
            pthread_cond_wait(&crew->changed, &crew->lock);
        if (!slot->ready)
            break;
        pthread_mutex_unlock(&crew->lock);
        fwrite(slot->json.at, 1, slot->json.count, crew->out);
        pthread_mutex_lock(&crew->lock);
        slot->ready = false;
        crew->written++;
        pthread_cond_broadcast(&crew->changed);
    }
    pthread_mutex_unlock(&crew->lock);
}

static void write_together(FILE *out, const struct report *report, unsigned jobs)
{
    struct crew crew = {.report = report, .out = out, .slot_count = (size_t)jobs + 1};
    crew.slots = memory_new(crew.slot_count * sizeof *crew.slots);
    pthread_mutex_init(&crew.lock, NULL);
    pthread_cond_init(&crew.changed, NULL);
    workers_run(jobs, put_blocks, write_blocks, &crew);
    for (size_t i = 0; i < crew.slot_count; i++)
        free(crew.slots[i].json.at);
    pthread_cond_destroy(&crew.changed);
    pthread_mutex_destroy(&crew.lock);
    free(crew.slots);
}

void report_write_json(FILE *out, const struct report *report, unsigned jobs)
{
    size_t rows = 0;
    struct row_type type;
    for (size_t i = 0; i < report->session_count; i++)
        for (size_t j = 0; row_type_at(j, &type); j++)
            rows += row_count(&type, &report->sessions[i]);
    if (jobs > 1 && rows > 4 * (size_t)BLOCK_ROWS)
        write_together(out, report, jobs);
    else
        write_alone(out, report);
}

void json_write_text(FILE *out, struct text text)
{
    struct json_text json = {.at = NULL};
    json_string(&json, text);
    fwrite(json.at, 1, json.count, out);
    free(json.at);
}
