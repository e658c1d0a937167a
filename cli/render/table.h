/* cli/render/table.h -- a table of text: columns as wide as what they hold, numbers to the right,
 * durations of a column in one unit; columns that say nothing are left out. */
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
    COLUMN_ABOUT, /* duration that is an estimate: as many digits as it has, and a tilde */
    COLUMN_SPENT, /* duration; all such columns of a table in one unit, to be compared */
    COLUMN_BYTES,
    COLUMN_NUMBER, /* an identity (pid, tid): without separators */
    COLUMN_SHARE   /* to the right; already text */
};

/* What becomes of a column's texts if the table is too wide. */
enum column_cut {
    CUT_NOT,
    CUT_LEFT, /* of a path the end tells most */
    CUT_RIGHT
};

struct column {
    const char *title;
    enum column_kind kind;
    enum column_cut cut;
};

/* How any table is printed. */
struct table_style {
    bool color;
    unsigned width; /* columns of the terminal; 0: as many as needed */
};

struct table;

/* `columns` (a const table) is borrowed. */
struct table *table_new(const struct column *columns, size_t count);
void table_free(struct table *table);

/* The cells of a row, from left to right; a row is complete when all its cells are there. Texts
 * are copied and made printable. */
void table_text(struct table *table, const char *text);
void table_number(struct table *table, uint64_t number); /* by the column's kind */
void table_signed(struct table *table, int64_t number);  /* COLUMN_NUMBER */
/* "-"; a column of which all cells are that is not printed, but the first. */
void table_none(struct table *table);

size_t table_rows(const struct table *table);

/* Every line is indented by two. The titles are printed bold. */
void table_print(const struct table *table, FILE *out, const struct table_style *style);

#endif
