/* analysis/view.h -- how the cells of an analysis are shown: as JSON, as a table, and to whoever
 * exports them.
 *
 * A cell is an atom of which the SUMs count: its KEYs are its dimensions. Names, units and words come
 * from its columns (analysis/atom.h): whoever walks analyses_shown(), the columns of a kind and the cells
 * of a session_report (results/report.h) shows every analysis without knowing one. */
#ifndef ANALYSIS_VIEW_H
#define ANALYSIS_VIEW_H

#include "analysis/atom.h"

/* Which part of a column: the last five are of durations. */
enum view_part {
    VIEW_VALUE,
    VIEW_NAME, /* of the key that has names (`named` below); the number if it has none */
    VIEW_COUNT,
    VIEW_TOTAL,
    VIEW_P50,
    VIEW_P99,
    VIEW_MAX
};

struct view_column {
    const char *title;
    const char *column; /* by name */
    uint8_t part;       /* enum view_part */
};

enum { VIEW_NAME_ROOM = 32 };

struct atom_view {
    const char *title; /* of the table */
    /* What a number of the key column `named` is called; NULL: nothing known. JSON has it as `label`. */
    const char *named, *label;
    const char *(*name)(uint64_t number, char room[VIEW_NAME_ROOM]);
    /* Columns of the table, from left to right; the rows with most of `by` come first. */
    const struct view_column *columns;
    size_t column_count;
    struct view_column by;
    /* Columns of what is not known: those that are not 0 are told in a line below the table, by their
     * words. */
    const char *const *unknown;
    size_t unknown_count;
    const char *note; /* a sentence below the table; NULL: none */
};

/* All kinds that have a view, in the order of their tags; NULL behind the last. */
const struct atom_kind *analyses_shown(size_t index);

/* What a cell has in a view's column, if that is a number. */
uint64_t view_number(const struct atom *cell, const struct view_column *column);
/* The name of what the cell is of, made in `room` if need be; NULL: there is none. */
const char *view_name(const struct atom *cell, char room[VIEW_NAME_ROOM]);

#endif
