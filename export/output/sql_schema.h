/* export/output/sql_schema.h -- the parts of the database other than tables: its version, views and
 * functions, and upgrades from older versions.
 *
 * Tables are created from their columns (sql_table.h): missing parts are added when the tables of
 * the program differ from those of the last program. The rest has a version, with an upgrade step
 * to each. */
#ifndef EXPORT_OUTPUT_SQL_SCHEMA_H
#define EXPORT_OUTPUT_SQL_SCHEMA_H

#include "export/output/sql_table.h"

/* The number of steps: the version of this program. */
enum { SQL_SCHEMA_VERSION = 5 };

/* Version and tables of the database, as "VERSION TABLES"; no row if there are none. The table must
 * exist: sql_schema_exists. */
extern const char sql_schema_exists[];
extern const char sql_schema_read[];
/* Begins a transaction, after waiting for others of this kind. */
extern const char sql_schema_begin[];

/* A hash that identifies these tables. */
uint64_t sql_schema_tables(const struct sql_table *const *tables, size_t count);
/* Statements that upgrade a database of version `from` (0: empty) to this one, with the commit; the
 * caller frees them. */
char *sql_schema_upgrade(const struct sql_table *const *tables, size_t count, int from);

#endif
