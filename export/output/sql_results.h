/* export/output/sql_results.h -- results of an interval as rows of tables. The fixed tables are here;
 * each analysis that has a view (analysis/view.h) has a table of its own, made from its columns.
 *
 * Rows refer to entities by id, as results do: what is told later of a thread or a process holds for
 * its earlier rows as well. Views of the schema (export/output/sql_schema.h) put them together. */
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

/* Makes the rows of an interval, in place of those before. */
void sql_results_take(struct sql_results *results, const struct export_interval *interval);

#endif
