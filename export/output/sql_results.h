/* export/output/sql_results.h -- converts results of an interval to rows of tables. There are fixed
 * tables, and one for each analysis with a view (analysis/view.h), made from its columns.
 *
 * Rows refer to entities by id, as results do: later data of a thread or process also applies to
 * its earlier rows. Views of the schema (export/output/sql_schema.h) join them. */
#ifndef EXPORT_OUTPUT_SQL_RESULTS_H
#define EXPORT_OUTPUT_SQL_RESULTS_H

#include "export/interval.h"
#include "export/output/sql_table.h"

struct sql_results {
    struct arena tables_arena;
    const struct sql_table **tables;
    size_t count;
    /* Of one interval; they point into `arena`. */
    struct sql_rows *rows; /* as `tables` */
    struct arena arena;
    struct sql_place place;
};

void sql_results_init(struct sql_results *results);
void sql_results_clear(struct sql_results *results);

/* Creates the rows of an interval, replacing the previous ones. */
void sql_results_take(struct sql_results *results, const struct export_interval *interval);

#endif
