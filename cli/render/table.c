#include "cli/render/table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "cli/render/quantity.h"

/* SHRUNK: minimum width of a truncated column; SHRUNK_MIN: if that is not enough. */
enum { SHRUNK = 16, SHRUNK_MIN = 10, INDENT = 2, GAP = 2 };

static const char bold[] = "\033[1m";
static const char plain[] = "\033[0m";

struct cell {
    char *text;      /* NULL: a number whose text depends on the column */
    uint64_t number; /* ns or bytes */
    bool none;       /* empty */
};

struct table {
    const struct column *columns;
    size_t column_count;
    size_t keys;        /* columns that each block repeats; 0: it is not split */
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

void table_split(struct table *table, size_t keys)
{
    table->keys = keys;
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
    case COLUMN_SINGLE:
    case COLUMN_ABOUT:
    case COLUMN_BYTES:
    case COLUMN_SPENT: add_cell(table, (struct cell){.number = number}); return;
    case COLUMN_COUNT: quantity = quantity_count(number); break;
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

/* The smallest number above 0 of a column, and the greatest. */
struct range {
    uint64_t least, most;
};

static void widen(struct range *range, const struct table *table, size_t column)
{
    for (size_t i = column; i < table->cell_count; i += table->column_count) {
        uint64_t number = table->cells[i].text ? 0 : table->cells[i].number;
        if (number > 0 && (range->least == 0 || number < range->least))
            range->least = number;
        if (number > range->most)
            range->most = number;
    }
}

static bool is_of_single(enum column_kind kind)
{
    return kind == COLUMN_SINGLE || kind == COLUMN_ABOUT;
}

/* The end of the columns from `first` on that are compared with one another. */
static size_t end_of_group(const struct table *table, size_t first)
{
    size_t end = first + 1;
    if (is_of_single(table->columns[first].kind))
        while (end < table->column_count && is_of_single(table->columns[end].kind))
            end++;
    return end;
}

/* The unit of a column of durations or of bytes. */
union column_unit {
    struct duration_unit duration;
    unsigned bytes;
};

/* By column; the caller frees the array. */
static union column_unit *units_of(const struct table *table)
{
    union column_unit *units = memory_new(table->column_count * sizeof *units);
    struct range spent = {0, 0};
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].kind == COLUMN_SPENT)
            widen(&spent, table, i);
    for (size_t first = 0, end; first < table->column_count; first = end) {
        struct range range = {0, 0};
        end = end_of_group(table, first);
        for (size_t i = first; i < end; i++)
            widen(&range, table, i);
        for (size_t i = first; i < end; i++)
            if (table->columns[i].kind == COLUMN_SPENT)
                units[i].duration = duration_unit_of_sums(spent.most);
            else if (table->columns[i].kind == COLUMN_BYTES)
                units[i].bytes = quantity_bytes_unit(range.least, range.most);
            else
                units[i].duration = duration_unit_of(range.least, range.most);
    }
    return units;
}

static struct quantity number_text(enum column_kind kind, uint64_t number, union column_unit unit)
{
    switch (kind) {
    case COLUMN_SPENT: return quantity_sum(number, unit.duration);
    case COLUMN_BYTES: return quantity_bytes_in(number, unit.bytes);
    case COLUMN_ABOUT: return quantity_about(number, unit.duration);
    case COLUMN_DURATION:
    case COLUMN_SINGLE:
    case COLUMN_TEXT:
    case COLUMN_COUNT:
    case COLUMN_NUMBER:
    case COLUMN_SHARE:
    default: return quantity_in_column(number, unit.duration);
    }
}

/* The text of each cell, in cell order; the caller frees the array. */
static char **finished_texts(const struct table *table)
{
    char **texts = memory_new(table->cell_count * sizeof *texts);
    union column_unit *units = units_of(table);
    for (size_t i = 0; i < table->cell_count; i++) {
        const struct cell *cell = &table->cells[i];
        size_t column = i % table->column_count;
        struct quantity quantity = {""};
        if (!cell->text)
            quantity = number_text(table->columns[column].kind, cell->number, units[column]);
        texts[i] = memory_string(text_of(cell->text ? cell->text : quantity.text));
    }
    free(units);
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

static void add_left_out(const struct table_style *style, const char *title, size_t needed)
{
    struct table_left_out *list = style->left_out;
    if (!list)
        return;
    list->needed = needed > list->needed ? needed : list->needed;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->titles[i], title) == 0)
            return;
    if (list->count < TABLE_LEFT_OUT_MAX)
        list->titles[list->count++] = title;
}

/* The number of bytes of ` (4251)` at the first such place of `text`, which is set; 0: none. */
static size_t id_in(const char *text, const char **place)
{
    static const char digits[] = "0123456789";
    for (*place = strstr(text, " ("); *place; *place = strstr(*place + 1, " (")) {
        size_t count = strspn(*place + 2, digits);
        if (count > 0 && (*place)[2 + count] == ')')
            return count + 3;
    }
    return 0;
}

/* Whether it is a number, an address, or `8:1`. */
static bool is_number(const char *text)
{
    return *text >= '0' && *text <= '9' && text[strspn(text, "0123456789abcdefx:.")] == '\0';
}

/* The width below which a number or an id in the column would be truncated. */
static size_t width_of_numbers(const struct table *table, char **texts, size_t column)
{
    size_t width = 0;
    for (size_t i = column; i < table->cell_count; i += table->column_count) {
        const char *place;
        size_t id = id_in(texts[i], &place);
        size_t here = is_number(texts[i]) ? width_of(texts[i]) : id ? id + 2 : 0;
        width = here > width ? here : width;
    }
    return width;
}

/* Reduces the columns that may be truncated to at least `least`, the widest first, until `whole` is
 * at most `limit`; returns it. */
static size_t truncate_columns(const struct table *table, char **texts, size_t *widths,
                               size_t whole, size_t limit, size_t least)
{
    size_t *floors = memory_new(table->column_count * sizeof *floors);
    for (size_t i = 0; i < table->column_count; i++) {
        enum column_cut cut = table->columns[i].cut;
        bool is_cut = cut != CUT_NOT && cut != CUT_SPARE && widths[i] > least;
        size_t numbers = is_cut ? width_of_numbers(table, texts, i) : 0;
        floors[i] = !is_cut ? widths[i] : numbers > least ? numbers : least;
    }
    while (whole > limit) {
        size_t widest = table->column_count;
        for (size_t i = 0; i < table->column_count; i++)
            if (widths[i] > floors[i] &&
                (widest == table->column_count || widths[i] > widths[widest]))
                widest = i;
        if (widest == table->column_count)
            break;
        widths[widest]--;
        whole--;
    }
    free(floors);
    return whole;
}

/* A table that is too wide. */
struct excess {
    enum column_cut cut; /* of the columns to leave out */
    size_t whole;        /* its width */
    size_t needed;       /* width that shows all of it */
};

/* Leaves out columns until the width is at most that of the style; returns it. */
static size_t leave_out(const struct table *table, size_t *widths, const struct table_style *style,
                        struct excess excess)
{
    for (size_t i = 1; i < table->column_count && excess.whole > style->width; i++)
        if (table->columns[i].cut == excess.cut && widths[i] > 0) {
            add_left_out(style, table->columns[i].title, excess.needed);
            excess.whole -= widths[i] + GAP;
            widths[i] = 0;
        }
    return excess.whole;
}

/* Leaves out columns that may be left out, then truncates, then leaves out lists, until the width
 * is at most that of the style. */
static void shrink(const struct table *table, char **texts, size_t *widths,
                   const struct table_style *style)
{
    size_t whole = INDENT, limit = style->width;
    for (size_t i = 0; i < table->column_count; i++)
        whole += widths[i] + (i && widths[i] ? GAP : 0);
    size_t needed = whole;
    whole = leave_out(table, widths, style, (struct excess){CUT_WHOLE, whole, needed});
    whole = truncate_columns(table, texts, widths, whole, limit, SHRUNK);
    whole = leave_out(table, widths, style, (struct excess){CUT_SPARE, whole, needed});
    whole = truncate_columns(table, texts, widths, whole, limit, SHRUNK_MIN);
    leave_out(table, widths, style, (struct excess){CUT_ITEMS, whole, needed});
}

/* The part of `text` before an item of its list, such that it fits; 0: not even the first does. */
static size_t items_that_fit(const char *text, size_t width)
{
    static const char between[] = ", ", more[] = ", \u2026";
    size_t fit = 0;
    for (const char *end = strstr(text, between); end; end = strstr(end + 1, between)) {
        size_t count = (size_t)(end - text);
        if (utf8_width((struct text){text, count}) + utf8_width(text_of(more)) > width)
            break;
        fit = count;
    }
    return fit;
}

/* The begin of `text`, at most `room` wide. */
static struct text head_of(const char *text, size_t room)
{
    struct text rest = text_of(text), kept = {text, 0};
    while (rest.count) {
        (void)utf8_take(&rest);
        struct text longer = {text, (size_t)(rest.at - text)};
        if (utf8_width(longer) > room)
            break;
        kept = longer;
    }
    return kept;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* `a long na… (4251)`: keeps the first id; no part of a number. */
static char *cut_right(const char *text, size_t blanks, size_t room)
{
    const char *place;
    size_t id = id_in(text, &place);
    struct text head = head_of(text, room);
    if (id && head.count < (size_t)(place - text) + id && id < room) {
        head = head_of(text, room - id);
        return memory_format("%*s%.*s…%.*s", (int)blanks, "", (int)head.count, head.at, (int)id,
                             place);
    }
    size_t count = head.count;
    if (is_digit(text[count]))
        while (count > 0 && is_digit(text[count - 1]))
            count--;
    count = count > 0 ? count : head.count;
    return memory_format("%*s%.*s…", (int)blanks, "", (int)count, text);
}

/* Drops characters at one end of `text`, or items of a list, until it fits with an ellipsis; keeps
 * the indentation. */
static void cut_text(char **text, size_t width, enum column_cut cut)
{
    size_t blanks = strspn(*text, " ");
    if (blanks >= width)
        return;
    struct text rest = text_of(*text + blanks);
    size_t room = width - blanks - 1;
    size_t items = cut == CUT_ITEMS ? items_that_fit(*text, width) : 0;
    char *shorter;
    if (items > 0) {
        shorter = memory_format("%.*s, \u2026", (int)items, *text);
    } else if (cut == CUT_LEFT) {
        while (utf8_width(rest) > room)
            (void)utf8_take(&rest);
        shorter = memory_format("%*s\u2026%.*s", (int)blanks, "", (int)rest.count, rest.at);
    } else {
        shorter = cut_right(rest.at, blanks, room);
    }
    free(*text);
    *text = shorter;
}

/* Keeps the items of `text` that fit, at least one; returns the rest, which the caller frees: NULL
 * if there is none. */
static char *take_items(char *text, size_t width)
{
    static const char between[] = ", ";
    size_t fit = 0, count = strlen(text);
    for (const char *end = strstr(text, between); end; end = strstr(end + 1, between)) {
        /* With its comma. */
        if (fit > 0 && utf8_width((struct text){text, (size_t)(end - text) + 1}) > width)
            break;
        fit = (size_t)(end - text) + 1;
    }
    if (fit == 0 || fit + 1 >= count)
        return NULL;
    char *rest = memory_string(text_of(text + fit + 1));
    text[fit] = '\0';
    return rest;
}

static bool is_right(enum column_kind kind)
{
    return kind != COLUMN_TEXT;
}

static void put_blanks(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

/* Columns of a table that are printed next to one another. */
struct block {
    size_t keys;        /* the first columns */
    size_t first, last; /* further ones: first <= i < last */
};

static bool is_in(const struct block *block, size_t column)
{
    return column < block->keys || (column >= block->first && column < block->last);
}

/* Prints one line, without trailing blanks. `texts` has one per column. */
static void print_line(const struct table *table, FILE *out, const struct block *block,
                       const size_t *widths, const char *const *texts)
{
    size_t pending = INDENT;
    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] == 0 || !is_in(block, i))
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

/* Prints one row. Lists that do not fit go on in further lines; other texts are cut. */
static void print_row(const struct table *table, FILE *out, const struct block *block,
                      const size_t *widths, char *const *texts)
{
    char **rests = memory_new(table->column_count * sizeof *rests);
    for (size_t i = 0; i < table->column_count; i++)
        rests[i] = is_in(block, i) ? memory_string(text_of(texts[i])) : NULL;
    char **line = memory_new(table->column_count * sizeof *line);
    for (bool goes_on = true; goes_on;) {
        goes_on = false;
        for (size_t i = 0; i < table->column_count; i++) {
            line[i] = rests[i] ? rests[i] : memory_string(text_of(""));
            rests[i] = NULL;
            if (!is_in(block, i) || widths[i] == 0 || width_of(line[i]) <= widths[i])
                continue;
            if (table->keys > 0 && table->columns[i].cut == CUT_ITEMS)
                rests[i] = take_items(line[i], widths[i]);
            if (width_of(line[i]) > widths[i])
                cut_text(&line[i], widths[i], table->columns[i].cut);
            goes_on |= rests[i] != NULL;
        }
        print_line(table, out, block, widths, (const char *const *)line);
        fputc('\n', out);
        for (size_t i = 0; i < table->column_count; i++)
            free(line[i]);
    }
    free(rests);
    free(line);
}

static void print_block(const struct table *table, FILE *out, const struct table_style *style,
                        const struct block *block, const size_t *widths, char **texts)
{
    const char **line = memory_new(table->column_count * sizeof *line);
    for (size_t i = 0; i < table->column_count; i++)
        line[i] = table->columns[i].title;
    if (style->color)
        fputs(bold, out);
    print_line(table, out, block, widths, line);
    if (style->color)
        fputs(plain, out);
    fputc('\n', out);

    for (size_t row = 0; row < table->cell_count; row += table->column_count)
        print_row(table, out, block, widths, texts + row);
    free(line);
}

/* The width of the widest item of the lists in a column, with its comma. */
static size_t width_of_items(const struct table *table, size_t column, char **texts)
{
    size_t widest = 0;
    for (size_t row = 0; row < table->cell_count; row += table->column_count) {
        char *items = memory_string(text_of(texts[row + column]));
        for (char *rest; items; items = rest) {
            rest = take_items(items, 0);
            size_t width = width_of(items);
            widest = width > widest ? width : widest;
            free(items);
        }
    }
    return widest;
}

/* The next columns that fit next to the keys, at least one. A list that alone is too wide is to be
 * continued in further lines; other texts are truncated at the width of the terminal, if any. */
static struct block next_block(const struct table *table, size_t *widths,
                               const struct table_style *style, size_t first, char **texts)
{
    size_t limit = style->width ? style->width : TABLE_SPLIT_WIDTH;
    size_t width = INDENT;
    for (size_t i = 0; i < table->keys; i++)
        width += widths[i] ? widths[i] + GAP : 0;
    size_t room = limit > width ? limit - width : 0;
    struct block block = {table->keys, first, first};
    for (size_t used = 0; block.last < table->column_count; block.last++) {
        size_t *here = &widths[block.last];
        if (*here == 0)
            continue;
        if (used > 0 && used + GAP + *here > room)
            break;
        enum column_cut cut = table->columns[block.last].cut;
        bool is_cut = style->width ? cut != CUT_NOT : cut == CUT_ITEMS;
        if (used == 0 && *here > room && room >= SHRUNK_MIN && is_cut) {
            size_t least = style->width ? 0 : width_of_items(table, block.last, texts);
            *here = room > least ? room : least;
        }
        used += (used ? GAP : 0) + *here;
    }
    return block;
}

/* Blocks of columns, below one another, if the table is too wide. */
static void print_blocks(const struct table *table, FILE *out, const struct table_style *style,
                         size_t *widths, char **texts)
{
    for (size_t i = table->keys; i < table->column_count;) {
        struct block block = next_block(table, widths, style, i, texts);
        if (i > table->keys)
            fputc('\n', out);
        print_block(table, out, style, &block, widths, texts);
        i = block.last;
    }
}

void table_print(const struct table *table, FILE *out, const struct table_style *style)
{
    assert(table->cell_count % table->column_count == 0);
    char **texts = finished_texts(table);
    size_t *widths = memory_new(table->column_count * sizeof *widths);
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = column_width(table, texts, i);
    if (table->keys > 0) {
        print_blocks(table, out, style, widths, texts);
    } else {
        if (style->width)
            shrink(table, texts, widths, style);
        print_block(table, out, style, &(struct block){0, 0, table->column_count}, widths, texts);
    }
    free(widths);
    for (size_t i = 0; i < table->cell_count; i++)
        free(texts[i]);
    free(texts);
}
