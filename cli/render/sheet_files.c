#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/render/sheet.h"

/* A file used by one process, summed over phases. */
struct file_sum {
    const struct file_row *first; /* names it */
    int64_t fd;                   /* REPORT_NONE if not always the same */
    struct durations calls;       /* owned */
    uint64_t read_bytes, write_bytes;
};

/* Rows of one file and process are consecutive. */
static int compare_files(const struct file_row *a, const struct file_row *b)
{
    int order = sheet_compare_signed(a->pid, b->pid);
    if (order == 0)
        order = sheet_compare_strings(a->name, b->name);
    return order ? order : sheet_compare_strings(a->kind, b->kind);
}

static int compare_file_rows(const void *left, const void *right)
{
    const struct file_row *a = *(const struct file_row *const *)left;
    const struct file_row *b = *(const struct file_row *const *)right;
    int order = compare_files(a, b);
    return order ? order : (a > b) - (a < b);
}

static int compare_file_sums(const void *left, const void *right)
{
    const struct file_sum *a = left;
    const struct file_sum *b = right;
    int order = sheet_compare(b->calls.total_ns, a->calls.total_ns);
    return order ? order : compare_files(a->first, b->first);
}

static void add_file(struct file_sum *sum, const struct file_row *row)
{
    if (!sum->first) {
        sum->first = row;
        sum->fd = row->fd;
    }
    if (sum->fd != row->fd)
        sum->fd = REPORT_NONE;
    durations_merge(&sum->calls, &row->calls);
    sum->read_bytes += row->read_bytes;
    sum->write_bytes += row->write_bytes;
}

/* Sums `rows` by file, the longest in total first; the caller frees the array, and the durations in
 * it. */
static struct file_sum *sum_files(const struct file_row **rows, size_t count, size_t *sum_count)
{
    qsort(rows, count, sizeof *rows, compare_file_rows);
    struct file_sum *sums = memory_new(count * sizeof *sums);
    *sum_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || compare_files(rows[i - 1], rows[i]) != 0)
            (*sum_count)++;
        add_file(&sums[*sum_count - 1], rows[i]);
    }
    qsort(sums, *sum_count, sizeof *sums, compare_file_sums);
    return sums;
}

static char *text_of_file(const struct file_row *row)
{
    if (row->name)
        return memory_string(text_of(row->name));
    return memory_format("(%s)", row->kind ? row->kind : "unknown"); /* as in the log */
}

/* `of_one`: the heading names the process. */
static void write_file_table(const struct sheet *sheet, const struct file_row **rows, size_t count,
                             bool of_one)
{
    static const struct column columns[] = {
        {"File", COLUMN_TEXT, CUT_LEFT},     {"FD", COLUMN_NUMBER, CUT_WHOLE},
        {"Process", COLUMN_TEXT, CUT_RIGHT}, {"PID", COLUMN_NUMBER, CUT_NOT},
        {"Calls", COLUMN_COUNT, CUT_NOT},    {"Read", COLUMN_BYTES, CUT_NOT},
        {"Written", COLUMN_BYTES, CUT_NOT},  {"Time", COLUMN_DURATION, CUT_NOT},
        {"p99", COLUMN_ABOUT, CUT_WHOLE},    {"Max", COLUMN_SINGLE, CUT_NOT},
    };
    size_t sum_count = 0;
    struct file_sum *sums = sum_files(rows, count, &sum_count);
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < sum_count && i < sheet->top; i++) {
        const struct file_sum *sum = &sums[i];
        sheet_cell_text(table, text_of_file(sum->first));
        sheet_cell_identity(table, sum->fd);
        if (of_one) {
            table_none(table);
            table_none(table);
        } else {
            table_text(table, sum->first->process ? sum->first->process : "?");
            sheet_cell_identity(table, sum->first->pid);
        }
        table_number(table, sum->calls.count);
        sheet_cell_counted(table, sum->read_bytes);
        sheet_cell_counted(table, sum->write_bytes);
        table_number(table, sum->calls.total_ns);
        sheet_cell_quantile(table, 990, &sum->calls);
        table_number(table, sum->calls.max_ns);
    }
    table_print(table, sheet->out, &sheet->style);
    sheet_put_rest(sheet, table_rows(table), sum_count);
    table_free(table);
    for (size_t i = 0; i < sum_count; i++)
        durations_clear(&sums[i].calls);
    free(sums);
}

static bool is_any(const struct file_row *row)
{
    (void)row;
    return true;
}

static bool is_file(const struct file_row *row)
{
    return !row->kind || strcmp(row->kind, "file") == 0;
}

static bool is_other(const struct file_row *row)
{
    return !is_file(row);
}

/* Returns whether there were rows. */
static bool write_files(const struct sheet *sheet, const char *title, struct selection selection,
                        bool (*is_wanted)(const struct file_row *row))
{
    const struct session_report *session = sheet->session;
    const struct file_row **rows = memory_new(session->file_count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < session->file_count; i++) {
        const struct file_row *row = &session->files[i];
        if (row->calls.count && is_wanted(row) && sheet_selects(selection, row->pid, row->phase))
            rows[count++] = row;
    }
    if (count) {
        sheet_put_selection(sheet, title, selection, true);
        write_file_table(sheet, rows, count, selection.phase != NULL);
    }
    free(rows);
    return count > 0;
}

void sheet_files_write(const struct sheet *sheet, struct selection selection)
{
    if (selection.phase) {
        write_files(sheet, "Files", selection, is_any);
        return;
    }
    /* Idle threads wait for sockets, pipes and the like. */
    bool any = write_files(sheet, "Files", selection, is_file);
    any |= write_files(sheet, "Sockets, pipes and other descriptors", selection, is_other);
    if (any)
        sheet_note_files(sheet);
}
