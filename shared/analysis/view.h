/* analysis/view.h -- how the cells of an analysis are displayed: as JSON, as a table, and by
 * exporters.
 *
 * A cell is an atom with its SUMs: its KEYs are the dimensions. Names, units, and descriptions come
 * from its columns (analysis/atom.h). Code that iterates over analyses_shown(), the columns of a
 * kind, and the cells of a session_report (results/report.h) displays every analysis without
 * knowing any. */
#ifndef ANALYSIS_VIEW_H
#define ANALYSIS_VIEW_H

#include "analysis/atom.h"

/* The part of a column to display: the last five are for durations. */
enum view_part {
    VIEW_VALUE,
    VIEW_NAME, /* of a key with names (`named` below); else the number */
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

/* Of the durations `run`. */
#define VIEW_OF_RUNS                                                                               \
    {"Runs", "run", VIEW_COUNT}, {"Total", "run", VIEW_TOTAL}, {"p50", "run", VIEW_P50},           \
        {"p99", "run", VIEW_P99},                                                                  \
    {                                                                                              \
        "Max", "run", VIEW_MAX                                                                     \
    }

enum { VIEW_NAME_ROOM = 32, VIEW_COLUMNS_MAX = 15, VIEW_UNKNOWN_MAX = 7 };

struct atom_view {
    const char *title; /* of the table */
    /* `name` returns the name of a number of the key column `named`; NULL: unknown. JSON has it as
     * `label`. */
    const char *named, *label;
    const char *(*name)(uint64_t number, char room[VIEW_NAME_ROOM]);
    /* Columns of the table, from left to right, until one without a title; rows are sorted by `by`,
     * largest first, or by the sum of both if `plus` has a column. */
    struct view_column columns[VIEW_COLUMNS_MAX + 1];
    struct view_column by, plus;
    /* Columns that count unknown data: those that are not 0 are listed in a line below the table,
     * with their descriptions, which begin with a plural in -s. Until NULL. */
    const char *unknown[VIEW_UNKNOWN_MAX + 1];
    const char *note; /* a sentence below the table; NULL: none */
};

/* All kinds with a view, in the order of their tags; NULL after the last. */
const struct atom_kind *analyses_shown(size_t index);

/* The number in a view's column of a cell. */
uint64_t view_number(const struct atom *cell, const struct view_column *column);
/* The name of the cell's entity, in `room` if needed; NULL: there is none. */
const char *view_name(const struct atom *cell, char room[VIEW_NAME_ROOM]);

#endif
