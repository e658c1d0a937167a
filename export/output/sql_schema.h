/* export/output/sql_schema.h -- what of the database is no table: its version, views and functions, and
 * how a database of an older version becomes one of this.
 *
 * Tables follow from their columns (sql_table.h): what is missing of them is added whenever the program
 * has other tables than the one that was here last. All else has a version; a step leads to each. */
#ifndef EXPORT_OUTPUT_SQL_SCHEMA_H
#define EXPORT_OUTPUT_SQL_SCHEMA_H

#include "export/output/sql_table.h"

/* How many steps there are: the version that this program knows. */
enum { SQL_SCHEMA_VERSION = 4 };

/* Of the database: its version and its tables, as "VERSION TABLES"; no row if there are none. The table
 * must be there: sql_schema_exists. */
extern const char sql_schema_exists[];
extern const char sql_schema_read[];
/* Begins a transaction, which waits for others that do the same. */
extern const char sql_schema_begin[];

/* What tells these tables from others. */
uint64_t sql_schema_tables(const struct sql_table *const *tables, size_t count);
/* All that makes a database of version `from` (0: nothing) one of this, with the commit; the caller's. */
char *sql_schema_upgrade(const struct sql_table *const *tables, size_t count, int from);

#endif
