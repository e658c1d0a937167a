#include "cli/result_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "cli/progress.h"
#include "cli/render/json_text.h"
#include "cli/render/quantity.h"
#include "results/fold.h"

/* The unwritten row of one session. */
struct open_row {
    struct fold *fold; /* NULL: there is none */
    int64_t number; /* of the row: its time divided by `every_ns`; INT64_MIN: its time is unknown */
    int64_t first_ns, last_ns; /* of its events; REPORT_NONE: none */
    double came_s;             /* time of the last data */
};

struct result_rows {
    FILE *out;
    bool json, headed;
    uint64_t every_ns;
    struct names sessions; /* their ids are indices of the next array */
    struct open_row *open;
    size_t count, room;
};

struct result_rows *result_rows_new(bool json, uint64_t every_ns)
{
    struct result_rows *rows = memory_new(sizeof *rows);
    rows->json = json;
    rows->every_ns = every_ns;
    return rows;
}

void result_rows_to(struct result_rows *rows, FILE *out)
{
    rows->out = out;
}

void result_rows_free(struct result_rows *rows)
{
    if (!rows)
        return;
    for (size_t i = 0; i < rows->count; i++)
        fold_free(rows->open[i].fold);
    free(rows->open);
    names_clear(&rows->sessions);
    free(rows);
}

/* --- content of a row --- */

/* A phase without a parent, summed over processes. */
struct phase_sum {
    const char *phase;
    struct durations complete;
    uint64_t user_cpu_ns, sys_cpu_ns, runnable_ns, blocked_ns, unknown_ns;
    struct interrupted interrupted; /* of user_cpu_ns and sys_cpu_ns */
};

struct row_sum {
    const struct open_row *row;
    const struct session_report *report;
    struct phase_sum *phases; /* by name; owned */
    size_t phase_count;
    uint64_t calls, busy_ns, idle_ns;
};

static struct phase_sum *phase_at(struct row_sum *sum, const char *phase)
{
    for (size_t i = 0; i < sum->phase_count; i++)
        if (strcmp(sum->phases[i].phase, phase) == 0)
            return &sum->phases[i];
    sum->phases[sum->phase_count].phase = phase;
    return &sum->phases[sum->phase_count++];
}

static int by_phase(const void *left, const void *right)
{
    const struct phase_sum *a = left, *b = right;
    return strcmp(a->phase, b->phase);
}

static void sum_up(struct row_sum *sum, const struct open_row *row,
                   const struct session_report *report)
{
    *sum = (struct row_sum){.row = row, .report = report};
    sum->phases = memory_new((report->phase_count + 1) * sizeof *sum->phases);
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct phase_row *from = &report->phases[i];
        if (strchr(from->phase, '/'))
            continue;
        struct phase_sum *phase = phase_at(sum, from->phase);
        durations_merge(&phase->complete, &from->complete);
        phase->user_cpu_ns += from->user_cpu_ns;
        phase->sys_cpu_ns += from->sys_cpu_ns;
        phase->runnable_ns += from->runnable_ns;
        phase->blocked_ns += from->blocked_ns;
        phase->unknown_ns += from->unknown_ns;
        interrupted_add(&phase->interrupted, &from->interrupted);
    }
    if (sum->phase_count > 0)
        qsort(sum->phases, sum->phase_count, sizeof *sum->phases, by_phase);
    for (size_t i = 0; i < report->syscall_count; i++)
        sum->calls += report->syscalls[i].complete.count;
    for (size_t i = 0; i < report->cpu_count; i++) {
        sum->busy_ns += report->cpus[i].busy_ns;
        sum->idle_ns += report->cpus[i].idle_ns;
    }
}

static void sum_clear(struct row_sum *sum)
{
    for (size_t i = 0; i < sum->phase_count; i++)
        durations_clear(&sum->phases[i].complete);
    free(sum->phases);
}

/* --- text --- */

static void put_heading(FILE *out)
{
    fprintf(out, "%-19s %-32s %12s %8s %6s %8s %10s  %-20s %10s %10s %10s %10s\n", "Last event",
            "Session", "Events", "Lost", "Gaps", "CPU busy", "Calls", "Phase", "Count", "Mean",
            "p95", "Max");
}

static struct quantity count_or_none(uint64_t count)
{
    return count > 0 ? quantity_count(count) : (struct quantity){"-"};
}

static struct quantity busy_share(const struct row_sum *sum)
{
    const struct open_row *row = sum->row;
    double all = row->first_ns == REPORT_NONE
                     ? 0
                     : (double)(row->last_ns - row->first_ns) * (double)sum->report->cpu_count;
    double ran = (double)(sum->busy_ns + sum->idle_ns); /* runs count at their end */
    all = ran > all ? ran : all;
    return all > 0 && sum->busy_ns > 0 ? quantity_percent((double)sum->busy_ns / all)
                                       : (struct quantity){"-"};
}

/* The end of a long name is most important. */
static const char *last_part(const char *name, size_t width)
{
    size_t length = strlen(name);
    return length > width ? name + (length - width) : name;
}

static void put_text(const struct row_sum *sum, FILE *out)
{
    const struct open_row *row = sum->row;
    const struct tallies *tallies = &sum->report->tallies;
    struct duration_unit unit = duration_unit_of_rows();
    fprintf(out, "%-19s %-32s %12s %8s %6s %8s %10s",
            row->last_ns == REPORT_NONE ? "-" : quantity_date(row->last_ns).text,
            last_part(sum->report->session, 32), quantity_count(sum->report->events).text,
            count_or_none(tallies->at[TALLY_DISCARDED]).text,
            count_or_none(tallies->at[TALLY_LOST_CHUNKS]).text, busy_share(sum).text,
            count_or_none(sum->calls).text);
    for (size_t i = 0; i < sum->phase_count; i++) {
        const struct phase_sum *phase = &sum->phases[i];
        const struct durations *complete = &phase->complete;
        if (i > 0)
            fprintf(out, "\n%*s", 19 + 1 + 32 + 1 + 12 + 1 + 8 + 1 + 6 + 1 + 8 + 1 + 10, "");
        fprintf(out, "  %-20s %10s", phase->phase, quantity_count(complete->count).text);
        if (complete->count > 0)
            fprintf(out, " %10s %10s %10s",
                    quantity_in_column(complete->total_ns / complete->count, unit).text,
                    quantity_about(durations_quantile_rounded(complete, 950), unit).text,
                    quantity_in_column(complete->max_ns, unit).text);
    }
    fputc('\n', out);
}

/* --- JSON --- */

static void put_number(struct json_text *json, const char *name, uint64_t number)
{
    json_name(json, name);
    json_number(json, number);
}

static void put_json(const struct row_sum *sum, FILE *out)
{
    const struct open_row *row = sum->row;
    struct json_text json = {.at = NULL};
    json_words(&json, "{\"type\":\"interval\"");
    json_name(&json, "session");
    json_string(&json, text_of(sum->report->session));
    json_name(&json, "begin_ns");
    json_signed(&json, row->first_ns);
    json_name(&json, "end_ns");
    json_signed(&json, row->last_ns);
    put_number(&json, "chunks", sum->report->chunks);
    put_number(&json, "events", sum->report->events);
    put_number(&json, "discarded", sum->report->tallies.at[TALLY_DISCARDED]);
    put_number(&json, "lost_intervals", sum->report->tallies.at[TALLY_LOST_CHUNKS]);
    put_number(&json, "cpus", sum->report->cpu_count);
    put_number(&json, "busy_ns", sum->busy_ns);
    put_number(&json, "syscalls", sum->calls);
    json_name(&json, "phases");
    json_words(&json, "[");
    for (size_t i = 0; i < sum->phase_count; i++) {
        const struct phase_sum *phase = &sum->phases[i];
        const struct durations *complete = &phase->complete;
        bool any = complete->count > 0;
        json_words(&json, i > 0 ? ",{\"phase\":" : "{\"phase\":");
        json_string(&json, text_of(phase->phase));
        put_number(&json, "count", complete->count);
        put_number(&json, "total_ns", complete->total_ns);
        json_name(&json, "p95_ns");
        json_signed(&json, any ? (int64_t)durations_quantile(complete, 950) : REPORT_NONE);
        json_name(&json, "max_ns");
        json_signed(&json, any ? (int64_t)complete->max_ns : REPORT_NONE);
        put_number(&json, "user_cpu_ns", phase->user_cpu_ns);
        put_number(&json, "sys_cpu_ns", phase->sys_cpu_ns);
        put_number(&json, "runnable_ns", phase->runnable_ns);
        put_number(&json, "blocked_ns", phase->blocked_ns);
        put_number(&json, "unknown_ns", phase->unknown_ns);
        put_number(&json, "irq_ns", phase->interrupted.irq_ns);
        put_number(&json, "softirq_ns", phase->interrupted.softirq_ns);
        put_number(&json, "interrupted_sys_ns", phase->interrupted.sys_ns);
        json_words(&json, "}");
    }
    json_words(&json, "]}\n");
    fwrite(json.at, 1, json.count, out);
    free(json.at);
}

/* --- rows --- */

static void write_row(struct result_rows *rows, struct open_row *row)
{
    struct arena arena = {.first = NULL};
    struct session_report report;
    struct row_sum sum;
    fold_report(row->fold, &arena, &report);
    sum_up(&sum, row, &report);
    if (!rows->headed && !rows->json)
        put_heading(rows->out);
    rows->headed = true;
    if (rows->json)
        put_json(&sum, rows->out);
    else
        put_text(&sum, rows->out);
    fflush(rows->out);
    sum_clear(&sum);
    arena_clear(&arena);
    fold_free(row->fold);
    row->fold = NULL;
}

static struct open_row *row_of(struct result_rows *rows, const char *session)
{
    uint32_t id = names_id(&rows->sessions, text_of(session));
    if (id == rows->count) {
        rows->open = memory_grow(rows->open, &rows->room, rows->count + 1, sizeof *rows->open);
        rows->open[rows->count++] = (struct open_row){.fold = NULL};
    }
    return &rows->open[id];
}

/* The end of a session has no interval. */
static bool has_interval(const struct result_flush *flush)
{
    for (size_t i = 0; i < flush->count; i++)
        for (size_t k = 0; k < flush->records[i].count; k++)
            if (flush->records[i].results[k].type == RESULT_INTERVAL)
                return true;
    return false;
}

void result_rows_take(struct result_rows *rows, const struct result_flush *flush)
{
    struct open_row *row = row_of(rows, flush->session);
    bool timed = flush->last_ns != REPORT_NONE;
    int64_t number = timed ? flush->last_ns / (int64_t)rows->every_ns : INT64_MIN;
    if (!row->fold && !timed && !has_interval(flush))
        return;
    /* A gap belongs to the row of the previous interval. */
    if (row->fold && timed && row->number != number)
        write_row(rows, row);
    if (!row->fold)
        *row = (struct open_row){.fold = fold_new(text_of(flush->session)),
                                 .number = number,
                                 .first_ns = flush->first_ns,
                                 .last_ns = flush->last_ns};
    if (timed && flush->first_ns < row->first_ns)
        row->first_ns = flush->first_ns;
    if (timed && flush->last_ns > row->last_ns)
        row->last_ns = flush->last_ns;
    for (size_t i = 0; i < flush->count; i++)
        for (size_t k = 0; k < flush->records[i].count; k++)
            fold_take(row->fold, &flush->records[i].results[k]);
    row->came_s = progress_now_s();
}

void result_rows_write(struct result_rows *rows, double quiet_s)
{
    double now_s = progress_now_s();
    for (size_t i = 0; i < rows->count; i++)
        if (rows->open[i].fold && now_s - rows->open[i].came_s >= quiet_s)
            write_row(rows, &rows->open[i]);
}
