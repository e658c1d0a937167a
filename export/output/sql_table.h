/* export/output/sql_table.h -- tables of a database, each defined once as a list of columns: the
 * statements that create them and insert and sum up rows are generated from it.
 *
 * There are two kinds. Cells belong to one interval: their key begins with session, chunk and
 * whether it is a closing (of a silent session, without an interval), and they have the interval's
 * end. Entities belong to a session; `chunk` is that of their newest data, and older data changes
 * nothing. So sending an interval again gives the same rows. */
#ifndef EXPORT_OUTPUT_SQL_TABLE_H
#define EXPORT_OUTPUT_SQL_TABLE_H

#include <stdio.h>

#include "base/arena.h"
#include "base/attrs.h"
#include "base/bytes.h"
#include "base/durations.h"
#include "base/map.h"

enum sql_type {
    SQL_NUMBER, /* bigint */
    SQL_FLAG,
    SQL_TEXT,
    SQL_JSON,
    SQL_TIME,      /* ns since the Unix epoch: NAME_at, a timestamptz, and NAME_ns */
    SQL_DURATIONS, /* NAME_count, NAME_total_ns ...; without NAME_ if the name is "" */
    SQL_TYPES
};

enum sql_role {
    SQL_KEY,
    SQL_SUM,
    SQL_NEWEST, /* the newest value applies */
    SQL_FIRST   /* the first value applies */
};

struct sql_column {
    const char *name;
    uint8_t type, role;
    const char *words; /* a comment in the database */
};

struct sql_table {
    const char *name;
    const char *words;
    bool entity;
    const struct sql_column *columns; /* keys first */
    size_t count;
};

struct sql_value {
    bool is_set; /* else NULL */
    union {
        int64_t number;
        struct text text;
        struct durations durations; /* owned by the rows */
    };
};

/* Session and interval of the rows. */
struct sql_place {
    int64_t session, chunk;
    bool closing, any_time;
    int64_t end_ns; /* of the interval, since the Unix epoch, if any_time */
};

/* Rows of one table, each key once. Empty if all zero except `table` and `arena`. */
struct sql_rows {
    const struct sql_table *table;
    struct arena *arena; /* borrowed: of texts and rows */
    struct sql_row **at;
    size_t count, room;
    struct map index;
};

/* Text that the server accepts, in `arena`: UTF-8 without NUL. */
struct text sql_clean(struct arena *arena, struct text text);

void sql_rows_clear(struct sql_rows *rows);
/* The values of the row with these keys, in column order; in a new row, sums are 0 and all else
 * except the keys is NULL. Texts of keys are truncated. */
struct sql_value *sql_rows_at(struct sql_rows *rows, const struct sql_value *keys);

static inline struct sql_value sql_number(int64_t number)
{
    return (struct sql_value){.is_set = true, .number = number};
}

static inline struct sql_value sql_text(struct text text)
{
    return (struct sql_value){.is_set = true, .text = text};
}

/* Adds to a sum, which saturates at the server's greatest number. */
void sql_add(struct sql_value *sum, uint64_t more);
/* The same for numbers that may be negative. */
void sql_add_signed(struct sql_value *sum, int64_t more);

/* --- SQL --- */

/* A file that becomes a string when it is closed; the caller frees it. */
RETURNS_NONNULL FILE *sql_open_text(char **text, size_t *count);

/* Statements that create the table, or its missing parts. */
void sql_print_create(FILE *out, const struct sql_table *table);
/* A temporary table `new_NAME` with the same columns. */
void sql_print_staging(FILE *out, const struct sql_table *table);
/* COPY into it; sql_print_rows() writes the data. */
void sql_print_copy(FILE *out, const struct sql_table *table);
void sql_print_rows(FILE *out, const struct sql_rows *rows, const struct sql_place *place);
/* INSERT ... ON CONFLICT from it. */
void sql_print_upsert(FILE *out, const struct sql_table *table);

#endif
