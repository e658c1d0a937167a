#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/render/quantity.h"
#include "cli/render/sheet.h"

enum { CPUS_SHOWN = 16 };

/* Usually, the unknown time before first and after last switches is less than this. */
static const double UNKNOWN_SHOWN = 0.01;

static int compare_processes(const void *left, const void *right)
{
    const struct process_row *a = *(const struct process_row *const *)left;
    const struct process_row *b = *(const struct process_row *const *)right;
    int order = sheet_compare(b->cpu_ns, a->cpu_ns);
    if (order == 0)
        order = sheet_compare_signed(a->pid, b->pid);
    return order ? order : sheet_compare_signed(a->begin_ns, b->begin_ns);
}

/* The available CPU time. In a window, it may exceed the window, as runs count at their end. */
static uint64_t session_ns(const struct session_report *session)
{
    if (session->begin_ns == REPORT_NONE)
        return 0;
    uint64_t ns = (uint64_t)(session->end_ns - session->begin_ns);
    for (size_t i = 0; i < session->cpu_count; i++) {
        uint64_t ran_ns = session->cpus[i].busy_ns + session->cpus[i].idle_ns;
        ns = ran_ns > ns ? ran_ns : ns;
    }
    return ns;
}

/* A start or exit time, if it is in the trace. */
static void cell_time(struct table *table, bool is_known, int64_t ns)
{
    if (is_known)
        table_text(table, quantity_time(ns).text);
    else
        table_none(table);
}

static void write_process_table(const struct sheet *sheet, const struct process_row **rows,
                                size_t count)
{
    static const struct column columns[] = {
        {"Process", COLUMN_TEXT, CUT_RIGHT},    {"PID", COLUMN_NUMBER, CUT_NOT},
        {"CPU time", COLUMN_DURATION, CUT_NOT}, {"CPU use", COLUMN_SHARE, CUT_NOT},
        {"Threads", COLUMN_COUNT, CUT_NOT},     {"Lived", COLUMN_DURATION, CUT_NOT},
        {"Started", COLUMN_TEXT, CUT_WHOLE},    {"Exited", COLUMN_TEXT, CUT_WHOLE},
    };
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    uint64_t whole = session_ns(sheet->session);
    for (size_t i = 0; i < count && i < sheet->top; i++) {
        const struct process_row *row = rows[i];
        table_text(table, row->process ? row->process : "?");
        table_signed(table, row->pid);
        table_number(table, row->cpu_ns);
        table_text(table, whole ? quantity_percent((double)row->cpu_ns / (double)whole).text : "-");
        table_number(table, row->threads);
        table_number(table, (uint64_t)(row->end_ns - row->begin_ns));
        cell_time(table, row->begin_hard, row->begin_ns);
        cell_time(table, row->end_hard, row->end_ns);
    }
    table_print(table, sheet->out, &sheet->style);
    sheet_put_rest(sheet, table_rows(table), count);
    table_free(table);
}

void sheet_cpu_write_processes(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    const struct process_row **rows = memory_new(session->process_count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < session->process_count; i++)
        if (session->processes[i].cpu_ns)
            rows[count++] = &session->processes[i];
    if (count) {
        qsort(rows, count, sizeof *rows, compare_processes);
        sheet_put_heading(sheet, "Processes by CPU time");
        fputc('\n', sheet->out);
        write_process_table(sheet, rows, count);
        sheet_note_processes(sheet, rows, count);
    }
    free(rows);
}

static void cell_thread(struct table *table, const char *name, int64_t tid, int64_t pid)
{
    table_text(table, name ? name : "?");
    table_signed(table, tid);
    sheet_cell_identity(table, pid);
}

static uint64_t running_ns(const struct thread_row *row)
{
    return row->user_cpu_ns + row->sys_cpu_ns;
}

static int compare_threads(const void *left, const void *right)
{
    const struct thread_row *a = *(const struct thread_row *const *)left;
    const struct thread_row *b = *(const struct thread_row *const *)right;
    int order = sheet_compare(running_ns(b), running_ns(a));
    if (order == 0)
        order = sheet_compare_signed(a->tid, b->tid);
    return order ? order : sheet_compare_signed(a->begin_ns, b->begin_ns);
}

/* User and system time is not shown: the kernel's threads make no calls. */
static void write_thread_table(const struct sheet *sheet, const struct thread_row **rows,
                               size_t count)
{
    static const struct column columns[] = {
        {"Thread", COLUMN_TEXT, CUT_RIGHT},  {"TID", COLUMN_NUMBER, CUT_NOT},
        {"PID", COLUMN_NUMBER, CUT_NOT},     {"CPU", COLUMN_SPENT, CUT_NOT},
        {"IRQ", COLUMN_SPENT, CUT_SPARE},    {"Softirq", COLUMN_SPENT, CUT_SPARE},
        {"Runnable", COLUMN_SPENT, CUT_NOT}, {"Blocked", COLUMN_SPENT, CUT_NOT},
        {"Unknown", COLUMN_SPENT, CUT_NOT},  {"Switches", COLUMN_COUNT, CUT_WHOLE},
    };
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count && i < sheet->top; i++) {
        const struct thread_row *row = rows[i];
        const struct interrupted *interrupted = &row->interrupted;
        cell_thread(table, row->name, row->tid, row->pid);
        sheet_cell_spent(table, report_user_alone(row->user_cpu_ns, interrupted) +
                                    report_sys_alone(row->sys_cpu_ns, interrupted));
        sheet_cell_spent(table, interrupted->irq_ns);
        sheet_cell_spent(table, interrupted->softirq_ns);
        sheet_cell_spent(table, row->runnable_ns);
        sheet_cell_spent(table, row->blocked_ns);
        sheet_cell_spent(table, row->unknown_ns);
        sheet_cell_counted(table, row->switches);
    }
    table_print(table, sheet->out, &sheet->style);
    sheet_put_rest(sheet, table_rows(table), count);
    table_free(table);
}

void sheet_cpu_write_threads(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    const struct thread_row **rows = memory_new(session->thread_count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < session->thread_count; i++)
        if (running_ns(&session->threads[i]))
            rows[count++] = &session->threads[i];
    if (count) {
        qsort(rows, count, sizeof *rows, compare_threads);
        sheet_put_heading(sheet, "Threads by CPU time");
        fputc('\n', sheet->out);
        write_thread_table(sheet, rows, count);
    }
    free(rows);
}

/* Neither busy nor idle: not in a whole run. */
static void put_unknown(const struct sheet *sheet, const struct cpu_row *row, double whole_ns)
{
    double unknown = 1 - ((double)row->busy_ns + (double)row->idle_ns) / whole_ns;
    if (unknown >= UNKNOWN_SHOWN)
        fprintf(sheet->out, " (%s unknown)", quantity_percent(unknown).text);
}

void sheet_cpu_write_load(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    uint64_t whole = session_ns(session);
    struct cpu_row all = {.cpu = -1};
    for (size_t i = 0; i < session->cpu_count; i++) {
        all.busy_ns += session->cpus[i].busy_ns;
        all.idle_ns += session->cpus[i].idle_ns;
    }
    if (whole == 0 || all.busy_ns == 0)
        return;
    double all_ns = (double)whole * (double)session->cpu_count;
    sheet_put_heading(sheet, "CPUs busy");
    fprintf(sheet->out, "  %s of all", quantity_percent((double)all.busy_ns / all_ns).text);
    put_unknown(sheet, &all, all_ns);
    for (size_t i = 0; i < session->cpu_count && i < CPUS_SHOWN; i++) {
        const struct cpu_row *row = &session->cpus[i];
        fprintf(sheet->out, "%s %" PRId64 ": %s", i ? "," : ";", row->cpu,
                quantity_percent((double)row->busy_ns / (double)whole).text);
        put_unknown(sheet, row, (double)whole);
    }
    if (session->cpu_count > CPUS_SHOWN)
        fputs(", ...", sheet->out);
    fputc('\n', sheet->out);
    sheet_note_load(sheet);
}

static int compare_scheds(const void *left, const void *right)
{
    const struct sched_row *a = *(const struct sched_row *const *)left;
    const struct sched_row *b = *(const struct sched_row *const *)right;
    int order = sheet_compare(b->latency.total_ns, a->latency.total_ns);
    if (order == 0)
        order = sheet_compare_signed(a->tid, b->tid);
    return order ? order : sheet_compare_signed(a->begin_ns, b->begin_ns);
}

static void write_sched_table(const struct sheet *sheet, const struct sched_row **rows,
                              size_t count)
{
    static const struct column columns[] = {
        {"Thread", COLUMN_TEXT, CUT_RIGHT},  {"TID", COLUMN_NUMBER, CUT_NOT},
        {"PID", COLUMN_NUMBER, CUT_NOT},     {"Wakeups", COLUMN_COUNT, CUT_NOT},
        {"Total", COLUMN_DURATION, CUT_NOT}, {"Min", COLUMN_SINGLE, CUT_SPARE},
        {"p50", COLUMN_ABOUT, CUT_NOT},      {"p99", COLUMN_ABOUT, CUT_NOT},
        {"Max", COLUMN_SINGLE, CUT_NOT},
    };
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count && i < sheet->top; i++) {
        const struct sched_row *row = rows[i];
        cell_thread(table, row->name, row->tid, row->pid);
        table_number(table, row->latency.count);
        table_number(table, row->latency.total_ns);
        table_number(table, row->latency.min_ns);
        sheet_cell_quantile(table, 500, &row->latency);
        sheet_cell_quantile(table, 990, &row->latency);
        table_number(table, row->latency.max_ns);
    }
    table_print(table, sheet->out, &sheet->style);
    sheet_put_rest(sheet, table_rows(table), count);
    table_free(table);
}

void sheet_cpu_write_waits(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    const struct sched_row **rows = memory_new(session->sched_count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < session->sched_count; i++)
        if (session->scheds[i].latency.count)
            rows[count++] = &session->scheds[i];
    if (count) {
        qsort(rows, count, sizeof *rows, compare_scheds);
        sheet_put_heading(sheet, "Scheduling latency (wakeup to running)");
        fputc('\n', sheet->out);
        write_sched_table(sheet, rows, count);
    }
    free(rows);
}
