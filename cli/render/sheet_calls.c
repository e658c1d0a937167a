#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/render/quantity.h"
#include "cli/render/sheet.h"

/* Calls of one name, summed over rows. */
struct call_sum {
    const char *syscall;
    struct durations complete; /* owned */
    const struct syscall_row *slowest;
    struct named_number *errors;
    size_t error_count, error_room;
};

static void add_error(struct call_sum *sum, const struct named_number *error)
{
    for (size_t i = 0; i < sum->error_count; i++) {
        if (strcmp(sum->errors[i].name, error->name) == 0) {
            sum->errors[i].number += error->number;
            return;
        }
    }
    sum->errors =
        memory_grow(sum->errors, &sum->error_room, sum->error_count + 1, sizeof *sum->errors);
    sum->errors[sum->error_count++] = *error;
}

static void add_call(struct call_sum *sum, const struct syscall_row *row)
{
    if (row->complete.count &&
        (!sum->slowest || row->complete.max_ns > sum->slowest->complete.max_ns))
        sum->slowest = row;
    durations_merge(&sum->complete, &row->complete);
    for (size_t i = 0; i < row->errors.count; i++)
        add_error(sum, &row->errors.at[i]);
}

/* Whether the row has data for the table. */
static bool is_shown(const struct syscall_row *row)
{
    return row->complete.count > 0 || row->refused > 0;
}

static int compare_by_syscall(const void *left, const void *right)
{
    const struct syscall_row *a = *(const struct syscall_row *const *)left;
    const struct syscall_row *b = *(const struct syscall_row *const *)right;
    int order = strcmp(a->syscall, b->syscall);
    return order ? order : (a > b) - (a < b);
}

static int compare_call_sums(const void *left, const void *right)
{
    const struct call_sum *a = left;
    const struct call_sum *b = right;
    int order = sheet_compare(b->complete.total_ns, a->complete.total_ns);
    return order ? order : strcmp(a->syscall, b->syscall);
}

/* Sums `rows` by name, the longest in total first. The caller frees the array, and the errors and
 * durations in it. */
static struct call_sum *sum_calls(const struct syscall_row **rows, size_t count, size_t *sum_count)
{
    qsort(rows, count, sizeof *rows, compare_by_syscall);
    struct call_sum *sums = memory_new(count * sizeof *sums);
    *sum_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (*sum_count == 0 || strcmp(sums[*sum_count - 1].syscall, rows[i]->syscall) != 0)
            sums[(*sum_count)++].syscall = rows[i]->syscall;
        add_call(&sums[*sum_count - 1], rows[i]);
    }
    qsort(sums, *sum_count, sizeof *sums, compare_call_sums);
    return sums;
}

/* `EAGAIN 312`, `EAGAIN 312, 5 other` */
static char *text_of_errors(const struct call_sum *sum)
{
    if (sum->error_count == 0)
        return memory_string(text_of(""));
    struct named_number most = sum->errors[0];
    uint64_t whole = most.number;
    for (size_t i = 1; i < sum->error_count; i++) {
        whole += sum->errors[i].number;
        if (sum->errors[i].number > most.number)
            most = sum->errors[i];
    }
    if (whole == most.number)
        return memory_format("%s %s", most.name, quantity_count(whole).text);
    return memory_format("%s %s, %s other", most.name, quantity_count(most.number).text,
                         quantity_count(whole - most.number).text);
}

/* Identifies the call, unless it was fast; the caller frees it. */
static char *text_of_slowest(const struct syscall_row *row)
{
    if (!row || row->slowest_tid == REPORT_NONE)
        return memory_string(text_of(""));
    return memory_format("tid %" PRId64 " at %s", row->slowest_tid,
                         quantity_time(row->slowest_begin_ns).text);
}

/* Cells that only complete calls have. */
static void cell_of_complete(struct table *table, const struct call_sum *sum, uint64_t ns)
{
    if (sum->complete.count)
        table_number(table, ns);
    else
        table_none(table);
}

static void write_call_table(const struct sheet *sheet, const struct syscall_row **rows,
                             size_t count)
{
    static const struct column columns[] = {
        {"System call", COLUMN_TEXT, CUT_NOT}, {"Calls", COLUMN_COUNT, CUT_NOT},
        {"Total", COLUMN_DURATION, CUT_NOT},   {"Min", COLUMN_SINGLE, CUT_SPARE},
        {"p50", COLUMN_ABOUT, CUT_NOT},        {"p99", COLUMN_ABOUT, CUT_NOT},
        {"Max", COLUMN_SINGLE, CUT_NOT},       {"Errors", COLUMN_TEXT, CUT_ITEMS},
        {"Slowest", COLUMN_TEXT, CUT_WHOLE},
    };
    size_t sum_count = 0;
    struct call_sum *sums = sum_calls(rows, count, &sum_count);
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < sum_count && i < sheet->top; i++) {
        const struct call_sum *sum = &sums[i];
        table_text(table, sum->syscall);
        table_number(table, sum->complete.count);
        table_number(table, sum->complete.total_ns);
        cell_of_complete(table, sum, sum->complete.min_ns);
        sheet_cell_quantile(table, 500, &sum->complete);
        sheet_cell_quantile(table, 990, &sum->complete);
        cell_of_complete(table, sum, sum->complete.max_ns);
        sheet_cell_text(table, text_of_errors(sum));
        sheet_cell_text(table, text_of_slowest(sum->slowest));
    }
    table_print(table, sheet->out, &sheet->style);
    sheet_put_rest(sheet, table_rows(table), sum_count);
    table_free(table);
    for (size_t i = 0; i < sum_count; i++) {
        durations_clear(&sums[i].complete);
        free(sums[i].errors);
    }
    free(sums);
}

/* Calls whose purpose is to wait: an idle thread is in one. */
static const char *const waiting_calls[] = {
    "accept",        "accept4",        "clock_nanosleep", "epoll_pwait",   "epoll_pwait2",
    "epoll_wait",    "futex",          "futex_wait",      "futex_waitv",   "io_getevents",
    "io_pgetevents", "io_uring_enter", "mq_timedreceive", "msgrcv",        "nanosleep",
    "pause",         "poll",           "ppoll",           "pselect6",      "recvfrom",
    "recvmmsg",      "recvmsg",        "restart_syscall", "rt_sigsuspend", "rt_sigtimedwait",
    "select",        "semop",          "semtimedop",      "wait4",         "waitid",
};

static bool is_waiting(const struct syscall_row *row)
{
    for (size_t i = 0; i < sizeof waiting_calls / sizeof *waiting_calls; i++)
        if (strcmp(waiting_calls[i], row->syscall) == 0)
            return true;
    return false;
}

static bool is_any(const struct syscall_row *row)
{
    (void)row;
    return true;
}

static bool is_not_waiting(const struct syscall_row *row)
{
    return !is_waiting(row);
}

static void write_calls(const struct sheet *sheet, const char *title, struct selection selection,
                        bool (*is_wanted)(const struct syscall_row *row))
{
    const struct session_report *session = sheet->session;
    const struct syscall_row **rows = memory_new(session->syscall_count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < session->syscall_count; i++) {
        const struct syscall_row *row = &session->syscalls[i];
        if (is_shown(row) && is_wanted(row) && sheet_selects(selection, row->pid, row->phase))
            rows[count++] = row;
    }
    if (count) {
        sheet_put_selection(sheet, title, selection, true);
        write_call_table(sheet, rows, count);
        if (selection.phase)
            sheet_note_calls(sheet, selection);
    }
    free(rows);
}

void sheet_calls_write(const struct sheet *sheet, struct selection selection)
{
    if (selection.phase) {
        write_calls(sheet, "System calls", selection, is_any);
        return;
    }
    /* Most processes are idle most of the time, and would lead the table. */
    write_calls(sheet, "System calls", selection, is_not_waiting);
    write_calls(sheet, "System calls that wait", selection, is_waiting);
}
