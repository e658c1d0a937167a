#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/render/quantity.h"
#include "cli/render/sheet.h"

/* Calls named with each error. */
enum { CALLS_SHOWN = 4 };

/* An error of one call, summed over rows; the calls of one error are consecutive. */
struct failure_count {
    const char *error, *syscall;
    uint64_t count;
    uint64_t whole; /* of the error, in all calls */
};

static int by_error(const void *left, const void *right)
{
    const struct failure_count *a = left, *b = right;
    int order = strcmp(a->error, b->error);
    return order ? order : strcmp(a->syscall, b->syscall);
}

static int by_count(const void *left, const void *right)
{
    const struct failure_count *a = left, *b = right;
    int order = sheet_compare(b->whole, a->whole);
    if (order == 0)
        order = strcmp(a->error, b->error);
    if (order == 0)
        order = sheet_compare(b->count, a->count);
    return order ? order : strcmp(a->syscall, b->syscall);
}

static struct failure_count *collect(const struct session_report *session, size_t *count)
{
    struct failure_count *failures = NULL;
    size_t room = 0;
    for (size_t i = 0; i < session->syscall_count; i++) {
        const struct syscall_row *row = &session->syscalls[i];
        for (size_t k = 0; k < row->errors.count; k++) {
            failures = memory_grow(failures, &room, *count + 1, sizeof *failures);
            failures[(*count)++] = (struct failure_count){.error = row->errors.at[k].name,
                                                          .syscall = row->syscall,
                                                          .count = row->errors.at[k].number};
        }
    }
    return failures;
}

static bool is_same_error(const struct failure_count *a, const struct failure_count *b)
{
    return strcmp(a->error, b->error) == 0;
}

/* Sums up equal errors and calls, and sorts by the total of an error. */
static size_t sum_up(struct failure_count *failures, size_t count)
{
    size_t kept = 0;
    qsort(failures, count, sizeof *failures, by_error);
    for (size_t i = 0; i < count; i++)
        if (kept > 0 && by_error(&failures[kept - 1], &failures[i]) == 0)
            failures[kept - 1].count += failures[i].count;
        else
            failures[kept++] = failures[i];
    for (size_t begin = 0, end; begin < kept; begin = end) {
        uint64_t whole = 0;
        for (end = begin; end < kept && is_same_error(&failures[begin], &failures[end]); end++)
            whole += failures[end].count;
        for (size_t i = begin; i < end; i++)
            failures[i].whole = whole;
    }
    qsort(failures, kept, sizeof *failures, by_count);
    return kept;
}

/* `openat 334, newfstatat 66, 12 other`; the caller frees it. */
static char *text_of_calls(const struct failure_count *failures, size_t count)
{
    char *text = memory_string(text_of(""));
    uint64_t rest = failures->whole;
    for (size_t i = 0; i < count && i < CALLS_SHOWN; i++) {
        char *more = memory_format("%s%s%s %s", text, i > 0 ? ", " : "", failures[i].syscall,
                                   quantity_count(failures[i].count).text);
        free(text);
        text = more;
        rest -= failures[i].count;
    }
    if (rest > 0) {
        char *more = memory_format("%s, %s other", text, quantity_count(rest).text);
        free(text);
        text = more;
    }
    return text;
}

void sheet_errors_write(const struct sheet *sheet)
{
    static const struct column columns[] = {{"Error", COLUMN_TEXT, CUT_NOT},
                                            {"Calls", COLUMN_COUNT, CUT_NOT},
                                            {"Of which", COLUMN_TEXT, CUT_ITEMS}};
    size_t count = 0, errors = 0;
    struct failure_count *failures = collect(sheet->session, &count);
    if (count == 0)
        return;
    count = sum_up(failures, count);
    struct table *table = table_new(columns, sizeof columns / sizeof *columns);
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin; end < count && is_same_error(&failures[begin], &failures[end]);)
            end++;
        if (errors++ >= sheet->top)
            continue;
        table_text(table, failures[begin].error);
        table_number(table, failures[begin].whole);
        sheet_cell_text(table, text_of_calls(&failures[begin], end - begin));
    }
    sheet_put_selection(sheet, "Errors of system calls", (struct selection){.phase = NULL}, false);
    table_print(table, sheet->out, &sheet->style);
    sheet_put_rest(sheet, table_rows(table), errors);
    table_free(table);
    free(failures);
}
