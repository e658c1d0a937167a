/* The tables of counts and spans: one for each definition. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analyses.h"
#include "base/memory.h"
#include "cli/render/quantity.h"
#include "cli/render/sheet.h"
#include "results/phase_faults.h"

enum { NUMBERS_MAX = 8, COLUMNS_MAX = COUNT_BY_MAX + NUMBERS_MAX };

/* As in fields like `function`. The last 16 MiB are not code or data: such numbers may be negative
 * ones. Source: Documentation/arch/x86/x86_64/mm.rst; arm64 is alike. */
static bool is_kernel_address(uint64_t number)
{
    return number >= 0xFFFF000000000000 && number < 0xFFFFFFFFFF000000;
}

/* The caller frees it. Addresses are in hexadecimal, as in the log. Fields `dev` are shown as
 * MAJOR:MINOR, as in Block requests. Source: include/linux/kdev_t.h. */
static char *number_text(const char *by, uint64_t number)
{
    if (strstr(by, "addr") || is_kernel_address(number))
        return memory_format("0x%" PRIx64, number);
    uint64_t major = number >> 20, minor = number & 0xFFFFF;
    if (strcmp(by, "dev") != 0 || major == 0 || major > 0xFFF)
        return memory_format("%" PRIu64, number);
    return memory_format("%" PRIu64 ":%" PRIu64, major, minor);
}

/* The text of one value; the caller frees it. */
static char *value_text(const struct count_row *row, const struct count_value *value)
{
    const struct field_value *field = &value->value;
    if (row->others)
        return memory_string(text_of("(others)"));
    if (value->is_process && value->number == REPORT_NONE && value->name)
        return memory_format("(%s)", value->name);
    if (value->is_process && value->number != REPORT_NONE)
        return memory_format("%s (%" PRId64 ")", value->name ? value->name : "?", value->number);
    switch (field->type) {
    case FIELD_ABSENT: break;
    case FIELD_INT: return memory_format("%" PRId64, field->i);
    case FIELD_UINT: return number_text(value->by, field->u);
    case FIELD_TEXT: return memory_string(field->text.count > 0 ? field->text : text_of("(none)"));
    }
    return memory_string(text_of(!value->is_field      ? "(unknown)"
                                 : value->by[0] == '$' ? "(not recorded)"
                                                       : "(no such field)"));
}

/* The columns of its keys, then those of its numbers. */
static size_t put_columns(const struct count_row *row, const struct column *numbers,
                          size_t number_count, struct column *columns)
{
    size_t count = 0;
    for (size_t i = 0; i < row->value_count; i++)
        columns[count++] = (struct column){row->values[i].by, COLUMN_TEXT, CUT_RIGHT};
    for (size_t i = 0; i < number_count; i++)
        columns[count++] = numbers[i];
    return count;
}

/* `left_out`: by key; or NULL. */
static void put_by(struct table *table, const struct count_row *row, const bool *left_out)
{
    for (size_t k = 0; k < row->value_count; k++) {
        if (left_out && left_out[k]) {
            table_none(table);
            continue;
        }
        char *text = value_text(row, &row->values[k]);
        table_text(table, text);
        free(text);
    }
}

static void cell_of_quantile(struct table *table, const struct durations *value, unsigned per_mille)
{
    uint64_t number = durations_quantile_rounded(value, per_mille);
    sheet_cell_text(table, memory_format("~%s", quantity_count(number).text));
}

enum { VALUE_COLUMNS = 5 }; /* sum, minimum, quantiles, maximum */

static void put_value(struct table *table, const struct count_cell *cell)
{
    const struct durations *value = &cell->value;
    if (value->count == 0) {
        for (size_t i = 0; i < VALUE_COLUMNS; i++)
            table_none(table);
        return;
    }
    table_number(table, value->total_ns);
    table_number(table, value->min_ns);
    cell_of_quantile(table, value, 500);
    cell_of_quantile(table, value, 990);
    table_number(table, value->max_ns);
}

/* Descending; equal ones by value. */
static int by_most(const void *a, const void *b)
{
    const struct count_row *left = *(const struct count_row *const *)a;
    const struct count_row *right = *(const struct count_row *const *)b;
    int order = sheet_compare(right->cell.count, left->cell.count);
    return order ? order : (left > right) - (left < right);
}

static void write_table(const struct sheet *sheet, const struct count_row **rows, size_t count,
                        uint64_t whole)
{
    static const struct column numbers[] = {
        {"Count", COLUMN_COUNT, CUT_NOT}, {"Share", COLUMN_SHARE, CUT_NOT},
        {"Sum", COLUMN_COUNT, CUT_NOT},   {"Min", COLUMN_COUNT, CUT_NOT},
        {"p50", COLUMN_SHARE, CUT_NOT},   {"p99", COLUMN_SHARE, CUT_NOT},
        {"Max", COLUMN_COUNT, CUT_NOT}};
    enum { NUMBERS = sizeof numbers / sizeof *numbers };
    static_assert((int)NUMBERS <= (int)NUMBERS_MAX, "there is room");
    bool has_value = false; /* an earlier version of the definition may have had none */
    for (size_t i = 0; i < count; i++)
        has_value |= rows[i]->has_value;
    struct column columns[COLUMNS_MAX];
    struct table *table =
        table_new(columns, put_columns(rows[0], numbers, has_value ? NUMBERS : 2, columns));
    qsort(rows, count, sizeof *rows, by_most);
    for (size_t i = 0; i < count && i < sheet->top; i++) {
        const struct count_row *row = rows[i];
        put_by(table, row, NULL);
        table_number(table, row->cell.count);
        table_text(table, quantity_percent((double)row->cell.count / (double)whole).text);
        if (has_value)
            put_value(table, &row->cell);
    }
    table_print(table, sheet->out, &sheet->style);
    sheet_put_rest(sheet, table_rows(table), count);
    table_free(table);
}

/* The sum of rows that are not shown. */
static void write_others(const struct sheet *sheet, const struct count_row *const *rows,
                         size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i]->others)
            fputs(
                "  (others): the definition exceeds the row limit; break it down by fewer fields\n",
                sheet->out);
}

/* Values that are in no sum. */
static void write_notes(const struct sheet *sheet, const struct count_row *const *rows,
                        size_t count)
{
    uint64_t negative = 0, without = 0;
    for (size_t i = 0; i < count; i++) {
        const struct count_cell *cell = &rows[i]->cell;
        negative += cell->negative;
        without += rows[i]->has_value ? cell->count - cell->negative - cell->value.count : 0;
    }
    if (negative > 0)
        fprintf(sheet->out, "  negative values, not in the sum: %s\n",
                quantity_count(negative).text);
    if (without > 0)
        fprintf(sheet->out, "  events without a value: %s\n", quantity_count(without).text);
    write_others(sheet, rows, count);
}

/* --- spans --- */

static int by_total(const void *a, const void *b)
{
    const struct count_row *left = *(const struct count_row *const *)a;
    const struct count_row *right = *(const struct count_row *const *)b;
    int order = sheet_compare(right->cell.value.total_ns, left->cell.value.total_ns);
    return order ? order : by_most(a, b);
}

static void put_durations(struct table *table, const struct durations *durations)
{
    sheet_cell_spent(table, durations->total_ns);
    sheet_cell_quantile(table, 500, durations);
    sheet_cell_quantile(table, 950, durations);
    sheet_cell_quantile(table, 990, durations);
    if (durations->count > 0)
        table_number(table, durations->max_ns);
    else
        table_none(table);
}

/* Whether it only has ends without a begin, of which no value is known: a note has their number. */
static bool is_bare_ends(const struct count_row *row)
{
    const struct count_cell *cell = &row->cell;
    for (size_t i = 0; i < row->value_count; i++)
        if (row->values[i].is_process ? row->values[i].number != REPORT_NONE
                                      : row->values[i].value.type != FIELD_ABSENT)
            return false;
    return cell->count + cell->lost + cell->timed_out + cell->open == 0 && row->value_count > 0;
}

/* Moves them behind the others; returns the number of these. */
static size_t drop_bare_ends(const struct count_row **rows, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_bare_ends(rows[i])) {
            const struct count_row *row = rows[i];
            rows[i] = rows[kept];
            rows[kept++] = row;
        }
    return kept > 0 ? kept : count;
}

static void write_spans_table(const struct sheet *sheet, const struct count_row **rows,
                              size_t count)
{
    static const struct column numbers[] = {
        {"Count", COLUMN_COUNT, CUT_NOT},    {"Total", COLUMN_SPENT, CUT_NOT},
        {"p50", COLUMN_ABOUT, CUT_NOT},      {"p95", COLUMN_ABOUT, CUT_NOT},
        {"p99", COLUMN_ABOUT, CUT_NOT},      {"Max", COLUMN_SINGLE, CUT_NOT},
        {"No begin", COLUMN_COUNT, CUT_NOT}, {"No end", COLUMN_COUNT, CUT_NOT}};
    enum { NUMBERS = sizeof numbers / sizeof *numbers };
    static_assert((int)NUMBERS <= (int)NUMBERS_MAX, "there is room");
    struct column columns[COLUMNS_MAX];
    struct table *table = table_new(columns, put_columns(rows[0], numbers, NUMBERS, columns));
    count = drop_bare_ends(rows, count);
    qsort(rows, count, sizeof *rows, by_total);
    for (size_t i = 0; i < count && i < sheet->top; i++) {
        const struct count_cell *cell = &rows[i]->cell;
        put_by(table, rows[i], NULL);
        table_number(table, cell->count);
        put_durations(table, &cell->value);
        sheet_cell_counted(table, cell->begin_unknown);
        sheet_cell_counted(table, cell->lost + cell->timed_out + cell->open);
    }
    table_print(table, sheet->out, &sheet->style);
    sheet_put_rest(sheet, table_rows(table), count);
    table_free(table);
}

/* Why begins have no end, and what could not be paired. */
static void write_span_notes(const struct sheet *sheet, const struct count_row *const *rows,
                             size_t count)
{
    struct count_cell sum = {.count = 0};
    for (size_t i = 0; i < count; i++)
        count_cell_merge(&sum, &rows[i]->cell);
    const struct {
        const char *what;
        uint64_t count;
    } notes[] = {{"begins whose end may be lost", sum.lost},
                 {"begins without an end within the limit", sum.timed_out},
                 {"begins still open at the end of the trace", sum.open},
                 {"ends without a begin", sum.begin_unknown},
                 {"not paired: unknown thread, process, CPU, or match field", sum.unmatched}};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        if (notes[i].count > 0)
            fprintf(sheet->out, "  %s: %s\n", notes[i].what, quantity_count(notes[i].count).text);
    count_cell_clear(&sum);
    write_others(sheet, rows, count);
}

/* --- common --- */

/* The rows of one definition. Rows of a definition with the same name and other keys, as before a
 * change, are another table. */
static size_t rows_alike(const struct count_row *rows, size_t count)
{
    size_t end = 1;
    while (end < count && count_row_compare_definitions(&rows[0], &rows[end]) == 0)
        end++;
    return end;
}

/* Whether the rows are of all processes in spite of a filter. */
static bool is_of_all(const struct sheet *sheet, const struct count_row *row)
{
    for (size_t i = 0; i < row->value_count; i++)
        if (row->values[i].is_process)
            return false;
    return sheet->session->some_processes;
}

static bool has_rows(const struct session_report *session, struct text name)
{
    for (size_t i = 0; i < session->count_count; i++)
        if (session->counts[i].cell.count > 0 && text_equal(text_of(session->counts[i].name), name))
            return true;
    return false;
}

/* A count without rows has a table, too: 0 is an answer. */
static void write_none(const struct sheet *sheet, const struct phase_use *use)
{
    char *heading = memory_format("Count of %.*s", (int)use->phase.count, use->phase.at);
    sheet_put_heading(sheet, heading);
    free(heading);
    char *line = memory_format("0: no event%s matches %.*s%s",
                               sheet->session->some_processes ? " of these processes" : "",
                               (int)use->begin.count, use->begin.at,
                               use->state == PHASE_USE_FIT ? " and its conditions" : "");
    fputc('\n', sheet->out);
    sheet_put_lines(sheet, (const char *const[]){line}, 1);
    free(line);
}

/* A span without rows has a table with a row of 0. */
static void write_nones(const struct sheet *sheet)
{
    const struct session_report *session = sheet->session;
    for (size_t i = 0; i < session->uses.count; i++) {
        const struct phase_use *use = &session->uses.at[i];
        bool of_whole =
            use->part == PHASE_COUNT && !phase_use_is_of_span(use) && use->match.count == 0;
        if (of_whole && !has_rows(session, use->phase))
            write_none(sheet, use);
    }
}

static void write_faults(const struct sheet *sheet)
{
    struct arena arena = {.first = NULL};
    size_t count;
    const char *const *faults = phase_faults(sheet->session, 1, FAULTS_OF_COUNTS, &arena, &count);
    if (count > 0) {
        sheet_put_heading(sheet, "Counts and spans that cannot match");
        fputc('\n', sheet->out);
        sheet_put_lines(sheet, faults, count);
    }
    arena_clear(&arena);
}

/* --- built-in counts --- */

/* Column titles of its keys. */
struct titles {
    char of[COUNT_BY_MAX][24];
};

static void put_titles(struct titles *titles, struct column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(titles->of[i], sizeof titles->of[i], "%s", columns[i].title);
        if (titles->of[i][0] >= 'a' && titles->of[i][0] <= 'z')
            titles->of[i][0] -= 'a' - 'A';
        columns[i].title = titles->of[i];
    }
}

/* Whether no row has a value of the key: without definitions, there are no phases. */
static bool is_of_none(const struct count_row *const *rows, size_t count, size_t key)
{
    for (size_t i = 0; i < count; i++) {
        const struct count_value *value = &rows[i]->values[key];
        if (rows[i]->others || value->is_process || value->value.type != FIELD_TEXT ||
            value->value.text.count > 0)
            return false;
    }
    return true;
}

/* Sorted by the sum of values, if there are any, else by count. */
static void write_built_in_table(const struct sheet *sheet, const struct built_in_count *built_in,
                                 const struct count_row **rows, size_t count)
{
    const struct column of_count[] = {{"Count", COLUMN_COUNT, CUT_NOT},
                                      {"Share", COLUMN_SHARE, CUT_NOT}};
    const struct column of_value[] = {
        {"Count", COLUMN_COUNT, CUT_NOT},
        {built_in->value_title, built_in->of_bytes ? COLUMN_BYTES : COLUMN_COUNT, CUT_NOT},
        {"Share", COLUMN_SHARE, CUT_NOT}};
    bool has_value = built_in->value_title != NULL;
    struct column columns[COLUMNS_MAX];
    struct titles titles;
    size_t column_count =
        put_columns(rows[0], has_value ? of_value : of_count, has_value ? 3 : 2, columns);
    put_titles(&titles, columns, rows[0]->value_count);
    bool left_out[COLUMNS_MAX];
    for (size_t k = 0; k < rows[0]->value_count; k++)
        left_out[k] = is_of_none((const struct count_row *const *)rows, count, k);
    struct table *table = table_new(columns, column_count);
    uint64_t whole = 0;
    for (size_t i = 0; i < count; i++)
        whole += has_value ? rows[i]->cell.value.total_ns : rows[i]->cell.count;
    qsort(rows, count, sizeof *rows, by_total);
    for (size_t i = 0; i < count && i < sheet->top; i++) {
        const struct count_cell *cell = &rows[i]->cell;
        uint64_t part = has_value ? cell->value.total_ns : cell->count;
        put_by(table, rows[i], left_out);
        table_number(table, cell->count);
        if (has_value)
            table_number(table, part);
        if (whole > 0)
            table_text(table, quantity_percent((double)part / (double)whole).text);
        else
            table_none(table);
    }
    table_print(table, sheet->out, &sheet->style);
    sheet_put_rest(sheet, table_rows(table), count);
    table_free(table);
}

static void write_definition(const struct sheet *sheet, const struct count_row *first, size_t count)
{
    const struct count_row **rows = memory_new(count * sizeof *rows);
    uint64_t whole = 0;
    for (size_t i = 0; i < count; i++) {
        rows[i] = &first[i];
        whole += first[i].cell.count;
    }
    struct wrapped wrapped;
    const struct sheet notes = sheet_wrap(sheet, &wrapped);
    const struct count_definition *built_in = analyses_count_named(text_of(first->name));
    if (built_in && whole > 0) {
        sheet_put_heading(sheet, built_in->built_in->title);
        fputc('\n', sheet->out);
        write_built_in_table(sheet, built_in->built_in, rows, count);
        write_others(&notes, (const struct count_row *const *)rows, count);
    } else if (whole > 0 || first->is_span) {
        char *heading = memory_format("%s %s", first->is_span ? "Spans" : "Count of", first->name);
        sheet_put_heading(sheet, heading);
        fputs(is_of_all(sheet, first) ? "  all processes (it is not broken down by process)\n"
                                      : "\n",
              sheet->out);
        free(heading);
        if (first->is_span) {
            write_spans_table(sheet, rows, count);
            write_span_notes(&notes, rows, count);
        } else {
            write_table(sheet, rows, count, whole);
            write_notes(&notes, rows, count);
        }
    }
    sheet_unwrap(&wrapped);
    free(rows);
}

static void write_definitions(const struct sheet *sheet, const struct count_row *rows, size_t count,
                              bool built_in)
{
    for (size_t first = 0, alike; first < count; first += alike) {
        alike = rows_alike(rows + first, count - first);
        if ((analyses_count_named(text_of(rows[first].name)) != NULL) == built_in)
            write_definition(sheet, rows + first, alike);
    }
}

void sheet_counts_write(const struct sheet *sheet)
{
    write_definitions(sheet, sheet->session->counts, sheet->session->count_count, false);
    write_nones(sheet);
    write_definitions(sheet, sheet->session->spans, sheet->session->span_count, false);
    write_faults(sheet);
}

void sheet_built_in_counts_write(const struct sheet *sheet)
{
    write_definitions(sheet, sheet->session->counts, sheet->session->count_count, true);
}
