#include "cli/render/table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "cli/render/quantity.h"

/* SHRUNK_MIN: minimum width of a truncated column. */
enum { SHRUNK_MIN = 16, INDENT = 2, GAP = 2 };

static const char bold[] = "\033[1m";
static const char plain[] = "\033[0m";

struct cell {
    char *text;      /* NULL: a duration, whose text depends on the column */
    uint64_t number; /* ns */
    bool none;       /* empty */
};

struct table {
    const struct column *columns;
    size_t column_count;
    struct cell *cells; /* row by row */
    size_t cell_count, cell_room;
};

struct table *table_new(const struct column *columns, size_t count)
{
    struct table *table = memory_new(sizeof *table);
    table->columns = columns;
    table->column_count = count;
    return table;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}

static void add_cell(struct table *table, struct cell cell)
{
    table->cells =
        memory_grow(table->cells, &table->cell_room, table->cell_count + 1, sizeof *table->cells);
    table->cells[table->cell_count++] = cell;
}

void table_text(struct table *table, const char *text)
{
    add_cell(table, (struct cell){.text = utf8_printable(text_of(text))});
}

void table_number(struct table *table, uint64_t number)
{
    struct quantity quantity;
    switch (table->columns[table->cell_count % table->column_count].kind) {
    case COLUMN_DURATION:
    case COLUMN_ABOUT:
    case COLUMN_SPENT: add_cell(table, (struct cell){.number = number}); return;
    case COLUMN_COUNT: quantity = quantity_count(number); break;
    case COLUMN_BYTES: quantity = quantity_bytes(number); break;
    case COLUMN_TEXT:
    case COLUMN_NUMBER:
    case COLUMN_SHARE:
    default: snprintf(quantity.text, sizeof quantity.text, "%" PRIu64, number); break;
    }
    table_text(table, quantity.text);
}

void table_signed(struct table *table, int64_t number)
{
    struct quantity quantity;
    snprintf(quantity.text, sizeof quantity.text, "%" PRId64, number);
    table_text(table, quantity.text);
}

void table_none(struct table *table)
{
    add_cell(table, (struct cell){.text = memory_string(text_of("-")), .none = true});
}

size_t table_rows(const struct table *table)
{
    return table->cell_count / table->column_count;
}

/* The scale of the cells of a COLUMN_DURATION or COLUMN_ABOUT. */
static struct duration_scale own_scale(const struct table *table, size_t column)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t i = column; i < table->cell_count; i += table->column_count) {
        if (table->cells[i].text || table->cells[i].number == 0)
            continue;
        if (table->cells[i].number < least)
            least = table->cells[i].number;
        if (table->cells[i].number > most)
            most = table->cells[i].number;
    }
    return duration_scale_of(most ? least : 0, most);
}

/* The scale of all COLUMN_SPENT. */
static struct duration_scale shared_scale(const struct table *table)
{
    uint64_t most = 0;
    for (size_t i = 0; i < table->cell_count; i++)
        if (table->columns[i % table->column_count].kind == COLUMN_SPENT && !table->cells[i].text &&
            table->cells[i].number > most)
            most = table->cells[i].number;
    return duration_scale_below(most);
}

static struct duration_scale scale_of(const struct table *table, size_t column)
{
    switch (table->columns[column].kind) {
    case COLUMN_DURATION:
    case COLUMN_ABOUT: return own_scale(table, column);
    case COLUMN_SPENT: return shared_scale(table);
    case COLUMN_TEXT:
    case COLUMN_COUNT:
    case COLUMN_BYTES:
    case COLUMN_NUMBER:
    case COLUMN_SHARE:
    default: return (struct duration_scale){0};
    }
}

/* If the estimates in a column span more than this factor, each estimate in the table has its own
 * unit. */
static const uint64_t SPREAD_MAX = 1000;

static bool is_spread(const struct table *table, size_t column)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t i = column; i < table->cell_count; i += table->column_count) {
        uint64_t number = table->cells[i].text ? 0 : table->cells[i].number;
        if (number > 0 && number < least)
            least = number;
        if (number > most)
            most = number;
    }
    return most / SPREAD_MAX >= least;
}

static bool has_spread(const struct table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].kind == COLUMN_ABOUT && is_spread(table, i))
            return true;
    return false;
}

/* The text of each cell, in cell order; the caller frees the array. */
static char **finished_texts(const struct table *table)
{
    char **texts = memory_new(table->cell_count * sizeof *texts);
    bool spread = has_spread(table);
    for (size_t column = 0; column < table->column_count; column++) {
        struct duration_scale scale = scale_of(table, column);
        bool about = table->columns[column].kind == COLUMN_ABOUT;
        for (size_t i = column; i < table->cell_count; i += table->column_count) {
            const struct cell *cell = &table->cells[i];
            struct quantity quantity;
            if (!cell->text)
                quantity = !about   ? quantity_duration(cell->number, scale)
                           : spread ? quantity_about_alone(cell->number)
                                    : quantity_about(cell->number, scale.unit);
            texts[i] = memory_string(text_of(cell->text ? cell->text : quantity.text));
        }
    }
    return texts;
}

/* Whether a cell of the column has data. The first column names the rows. */
static bool says_anything(const struct table *table, size_t column)
{
    for (size_t i = column; i < table->cell_count; i += table->column_count)
        if (!table->cells[i].none)
            return true;
    return column == 0 || table->cell_count == 0;
}

static size_t width_of(const char *text)
{
    return utf8_width(text_of(text));
}

/* 0 if the column is left out. */
static size_t column_width(const struct table *table, char **texts, size_t column)
{
    if (!says_anything(table, column))
        return 0;
    size_t width = width_of(table->columns[column].title);
    for (size_t i = column; i < table->cell_count; i += table->column_count) {
        size_t here = width_of(texts[i]);
        if (here > width)
            width = here;
    }
    return width;
}

/* Reduces the columns that may be truncated, the widest first, until the width is at most `limit`;
 * before that, leaves out those that may be left out. */
static void shrink(const struct table *table, size_t *widths, size_t limit)
{
    size_t whole = INDENT;
    for (size_t i = 0; i < table->column_count; i++)
        whole += widths[i] + (i && widths[i] ? GAP : 0);
    for (size_t i = 0; i < table->column_count && whole > limit; i++)
        if (table->columns[i].cut == CUT_WHOLE && widths[i] > 0) {
            whole -= widths[i] + GAP;
            widths[i] = 0;
        }
    while (whole > limit) {
        size_t widest = table->column_count;
        for (size_t i = 0; i < table->column_count; i++)
            if (table->columns[i].cut != CUT_NOT && widths[i] > SHRUNK_MIN &&
                (widest == table->column_count || widths[i] > widths[widest]))
                widest = i;
        if (widest == table->column_count)
            return;
        widths[widest]--;
        whole--;
    }
}

/* Drops characters at one end of `text` until it fits with an ellipsis; keeps the indentation. */
static void cut_text(char **text, size_t width, enum column_cut cut)
{
    size_t blanks = strspn(*text, " ");
    if (blanks >= width)
        return;
    struct text rest = text_of(*text + blanks);
    size_t room = width - blanks - 1;
    char *shorter;
    if (cut == CUT_LEFT) {
        while (utf8_width(rest) > room)
            (void)utf8_take(&rest);
        shorter = memory_format("%*s\u2026%.*s", (int)blanks, "", (int)rest.count, rest.at);
    } else {
        struct text kept = {rest.at, 0};
        while (rest.count) {
            (void)utf8_take(&rest);
            struct text longer = {kept.at, (size_t)(rest.at - kept.at)};
            if (utf8_width(longer) > room)
                break;
            kept = longer;
        }
        shorter = memory_format("%*s%.*s\u2026", (int)blanks, "", (int)kept.count, kept.at);
    }
    free(*text);
    *text = shorter;
}

static bool is_right(enum column_kind kind)
{
    return kind != COLUMN_TEXT;
}

static void put_blanks(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

/* Prints one line, without trailing blanks. `texts` has one per column. */
static void print_line(const struct table *table, FILE *out, const size_t *widths,
                       const char *const *texts)
{
    size_t pending = INDENT;
    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] == 0)
            continue;
        size_t width = width_of(texts[i]);
        size_t blanks = width < widths[i] ? widths[i] - width : 0;
        bool right = is_right(table->columns[i].kind);
        if (right)
            pending += blanks;
        if (width) {
            put_blanks(out, pending);
            pending = 0;
            fputs(texts[i], out);
        }
        pending += (right ? 0 : blanks) + GAP;
    }
}

void table_print(const struct table *table, FILE *out, const struct table_style *style)
{
    assert(table->cell_count % table->column_count == 0);
    char **texts = finished_texts(table);
    size_t *widths = memory_new(table->column_count * sizeof *widths);
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = column_width(table, texts, i);
    if (style->width)
        shrink(table, widths, style->width);

    const char **line = memory_new(table->column_count * sizeof *line);
    for (size_t i = 0; i < table->column_count; i++)
        line[i] = table->columns[i].title;
    if (style->color)
        fputs(bold, out);
    print_line(table, out, widths, line);
    if (style->color)
        fputs(plain, out);
    fputc('\n', out);

    for (size_t row = 0; row < table->cell_count; row += table->column_count) {
        for (size_t i = 0; i < table->column_count; i++) {
            if (widths[i] && width_of(texts[row + i]) > widths[i])
                cut_text(&texts[row + i], widths[i], table->columns[i].cut);
            line[i] = texts[row + i];
        }
        print_line(table, out, widths, line);
        fputc('\n', out);
    }

    free(line);
    free(widths);
    for (size_t i = 0; i < table->cell_count; i++)
        free(texts[i]);
    free(texts);
}
