/* cli/render/tables.h -- a report as text: a headline, then tables, then what is unknown. */
#ifndef CLI_RENDER_TABLES_H
#define CLI_RENDER_TABLES_H

#include <stdio.h>

#include "cli/render/table.h"
#include "results/report.h"

enum { TABLES_TOP = 10 };

struct tables_options {
    size_t top; /* rows of a table, and phases with separate tables; 0: TABLES_TOP */
    struct table_style style;
};

/* The caller checks ferror(out). */
void report_write_tables(FILE *out, const struct report *report,
                         const struct tables_options *options);

#endif
