/* cli/render/table.h -- a text table: columns fit their content, numbers are right-aligned,
 * durations and sizes of a column have one unit where they are readable in it, and columns of
 * durations of single items that are next to one another share it; empty columns are left out,
 * numbers and ids are not truncated. */
#ifndef CLI_RENDER_TABLE_H
#define CLI_RENDER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum column_kind {
    COLUMN_TEXT,
    COLUMN_COUNT,
    COLUMN_DURATION,
    COLUMN_SINGLE, /* duration of one item: minimum, mean, maximum */
    COLUMN_ABOUT,  /* the same, estimated: its significant digits, with a tilde */
    COLUMN_SPENT,  /* duration; all such columns of a table have one unit */
    COLUMN_BYTES,
    COLUMN_NUMBER, /* an id (pid, tid): without separators */
    COLUMN_SHARE   /* right-aligned; already text */
};

/* How a column's texts are truncated if the table is too wide. */
enum column_cut {
    CUT_NOT,
    CUT_LEFT, /* for paths, whose end is most important */
    CUT_RIGHT,
    CUT_ITEMS, /* whole items of `a 2 s, b 1 s`, the last ones; or left out, or continued */
    CUT_WHOLE, /* the column is left out: a part of it is useless */
    CUT_SPARE  /* the same, but only if cutting others is not enough */
};

struct column {
    const char *title;
    enum column_kind kind;
    enum column_cut cut;
};

enum { TABLE_SPLIT_WIDTH = 80, TABLE_LEFT_OUT_MAX = 16 };

/* Columns that were left out of some table. */
struct table_left_out {
    const char *titles[TABLE_LEFT_OUT_MAX]; /* borrowed */
    size_t count;
    size_t needed; /* width that shows all of them */
};

/* Format of all tables. */
struct table_style {
    bool color;
    unsigned width;                  /* columns of the terminal; 0: as many as needed */
    struct table_left_out *left_out; /* borrowed; NULL: not noted */
};

struct table;

/* `columns` (a const table) is borrowed. */
struct table *table_new(const struct column *columns, size_t count);
void table_free(struct table *table);

/* If the table is too wide, its columns are printed in several blocks, which all begin with the
 * first `keys` columns; if style.width is 0, they fit TABLE_SPLIT_WIDTH. Lists (CUT_ITEMS) that are
 * too wide continue in the next line; if style.width is 0, no text is truncated. */
void table_split(struct table *table, size_t keys);

/* Add the cells of a row, from left to right. Texts are copied and made printable. */
void table_text(struct table *table, const char *text);
void table_number(struct table *table, uint64_t number); /* by the column's kind */
void table_signed(struct table *table, int64_t number);  /* COLUMN_NUMBER */
/* "-"; a column with only such cells is not printed, unless it is the first. */
void table_none(struct table *table);

size_t table_rows(const struct table *table);

/* Lines are indented by two. Titles are bold. */
void table_print(const struct table *table, FILE *out, const struct table_style *style);

#endif
