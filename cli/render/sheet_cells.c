#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/view.h"
#include "base/memory.h"
#include "cli/render/quantity.h"
#include "cli/render/sheet.h"

static enum column_kind kind_of(const struct atom_kind *kind, const struct view_column *shown)
{
    const struct atom_column *column = atom_kind_column(kind, shown->column);
    assert(column);
    if (shown->part == VIEW_NAME || column->type == ATOM_IS_text)
        return COLUMN_TEXT;
    if (shown->part == VIEW_COUNT)
        return COLUMN_COUNT;
    if (shown->part == VIEW_P50 || shown->part == VIEW_P99)
        return COLUMN_ABOUT;
    switch ((enum atom_type)column->type) {
    case ATOM_IS_cpu:
    case ATOM_IS_number: return COLUMN_NUMBER;
    case ATOM_IS_count: return COLUMN_COUNT;
    case ATOM_IS_bytes: return COLUMN_BYTES;
    case ATOM_IS_time:
    case ATOM_IS_ns:
    case ATOM_IS_durations: return shown->part == VIEW_MAX ? COLUMN_SINGLE : COLUMN_DURATION;
    case ATOM_IS_address:
    case ATOM_IS_text:
    case ATOM_TYPES: break;
    }
    return COLUMN_TEXT;
}

/* Empty durations and zero sums have no text. */
static bool is_none(const struct atom *cell, const struct view_column *shown)
{
    const struct atom_column *column = atom_kind_column(cell->kind, shown->column);
    bool is_zero = column->role == ATOM_SUM && column->type != ATOM_IS_durations &&
                   view_number(cell, shown) == 0;
    return is_zero || (column->type == ATOM_IS_durations && shown->part != VIEW_COUNT &&
                       atom_durations_at(cell, column)->count == 0);
}

static void put_cell(struct table *table, const struct atom *cell, const struct view_column *shown)
{
    const struct atom_column *column = atom_kind_column(cell->kind, shown->column);
    char room[VIEW_NAME_ROOM], address[ATOM_ADDRESS_ROOM];
    const char *name = shown->part == VIEW_NAME ? view_name(cell, room) : NULL;
    if (column->type == ATOM_IS_text)
        sheet_cell_text(table, memory_string(*atom_text_at(cell, column)));
    else if (column->type == ATOM_IS_address && atom_column_is_empty(cell, column))
        table_none(table);
    else if (column->type == ATOM_IS_address)
        table_text(table, atom_address_text(cell, column, address).at);
    else if (name)
        table_text(table, name);
    else if (shown->part == VIEW_NAME)
        table_text(table, quantity_count(view_number(cell, shown)).text);
    else if (is_none(cell, shown))
        table_none(table);
    else if (column->role == ATOM_KEY)
        table_signed(table, (int64_t)view_number(cell, shown));
    else
        table_number(table, view_number(cell, shown));
}

/* Columns that are 0 in all rows are not shown. */
static bool is_shown(const struct view_column *shown, const struct atom *const *rows, size_t count)
{
    const struct atom_column *column = atom_kind_column(rows[0]->kind, shown->column);
    if (column->role != ATOM_SUM || column->type == ATOM_IS_durations)
        return true;
    for (size_t i = 0; i < count; i++)
        if (*atom_number_at(rows[i], column) != 0)
            return true;
    return false;
}

/* Whether the row has nothing but its key: what is unknown of it is in the note. */
static bool is_empty(const struct atom *cell, const struct view_column *const *shown, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (atom_kind_column(cell->kind, shown[i]->column)->role == ATOM_SUM &&
            view_number(cell, shown[i]) > 0)
            return false;
    return true;
}

static void write_table(const struct sheet *sheet, const struct atom_view *view,
                        const struct atom *const *rows, size_t count)
{
    struct column columns[VIEW_COLUMNS_MAX];
    const struct view_column *shown[VIEW_COLUMNS_MAX];
    size_t shown_count = 0;
    for (size_t i = 0; view->columns[i].title; i++) {
        if (!is_shown(&view->columns[i], rows, count))
            continue;
        enum column_kind kind = kind_of(rows[0]->kind, &view->columns[i]);
        enum column_cut cut = kind == COLUMN_TEXT                 ? CUT_RIGHT
                              : view->columns[i].part == VIEW_P50 ? CUT_WHOLE
                                                                  : CUT_NOT;
        columns[shown_count] = (struct column){view->columns[i].title, kind, cut};
        shown[shown_count++] = &view->columns[i];
    }
    struct table *table = table_new(columns, shown_count);
    size_t whole = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_empty(rows[i], shown, shown_count) || whole++ >= sheet->top)
            continue;
        for (size_t k = 0; k < shown_count; k++)
            put_cell(table, rows[i], shown[k]);
    }
    if (whole > 0)
        table_print(table, sheet->out, &sheet->style);
    sheet_put_rest(sheet, table_rows(table), whole);
    table_free(table);
}

/* `  unknown: 3 runs without a raise, 1 run without an end` */
static void write_unknown(const struct sheet *sheet, const struct atom_view *view,
                          const struct atom *const *rows, size_t count)
{
    const char *between = "  unknown: ";
    for (size_t k = 0; view->unknown[k]; k++) {
        const struct atom_column *column = atom_kind_column(rows[0]->kind, view->unknown[k]);
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += *atom_number_at(rows[i], column);
        if (sum == 0)
            continue;
        /* The first word of the description is a plural in -s. */
        const char *rest = column->words + strcspn(column->words, " ");
        int first = (int)(rest - column->words) - (sum == 1);
        fprintf(sheet->out, "%s%s %.*s%s", between, quantity_count(sum).text, first, column->words,
                rest);
        between = ", ";
    }
    if (*between == ',')
        fputc('\n', sheet->out);
}

static uint64_t order_of(const struct atom *cell)
{
    const struct atom_view *view = cell->kind->view;
    return view_number(cell, &view->by) + (view->plus.column ? view_number(cell, &view->plus) : 0);
}

/* Sorted by the view's main columns, descending; equal cells by key. */
static int by_most(const void *a, const void *b)
{
    const struct atom *left = *(const struct atom *const *)a;
    const struct atom *right = *(const struct atom *const *)b;
    int order = sheet_compare(order_of(right), order_of(left));
    return order ? order : atom_compare(left, right);
}

static void write_kind(const struct sheet *sheet, const struct atom_kind *kind)
{
    struct cells_of_kind cells = session_report_cells(sheet->session, kind);
    if (cells.count == 0)
        return;
    const struct atom **rows = memory_new(cells.count * sizeof *rows);
    memcpy(rows, cells.at, cells.count * sizeof *rows);
    qsort(rows, cells.count, sizeof *rows, by_most);
    sheet_put_heading(sheet, kind->view->title);
    /* A filter does not restrict cells: they have no process. */
    fputs(sheet->session->some_processes ? "  whole system\n" : "\n", sheet->out);
    write_table(sheet, kind->view, rows, cells.count);
    struct wrapped wrapped;
    struct sheet inner = sheet_wrap(sheet, &wrapped);
    write_unknown(&inner, kind->view, rows, cells.count);
    if (kind->view->note)
        fprintf(inner.out, "  %s\n", kind->view->note);
    sheet_unwrap(&wrapped);
    free(rows);
}

void sheet_cells_write(const struct sheet *sheet)
{
    const struct atom_kind *kind;
    for (size_t i = 0; (kind = analyses_shown(i)) != NULL; i++)
        write_kind(sheet, kind);
}
