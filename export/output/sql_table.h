/* export/output/sql_table.h -- tables of a database, each told once as rows of columns: what creates
 * them, what puts rows into them, and how rows add up follows from that.
 *
 * There are two sorts. Cells are of one interval: their key begins with session, chunk and whether it
 * is a closing (of a session that fell silent: no interval comes with it), and they have the interval's
 * end. Entities are of a session; `chunk` is by which one they were told last, and what an older one
 * tells of them changes nothing. So what is sent again comes to the same rows. */
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
    SQL_NEWEST, /* the newest word holds */
    SQL_FIRST   /* the first that was told */
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
    bool told; /* else NULL */
    union {
        int64_t number;
        struct text text;
        struct durations durations; /* owned by the rows */
    };
};

/* Whose rows are put, and of which interval. */
struct sql_place {
    int64_t session, chunk;
    bool closing, any_time;
    int64_t end_ns; /* of the interval, since the Unix epoch, if there is any time */
};

/* Rows of one table, each key once. All zero but `table` and `arena` is an empty set. */
struct sql_rows {
    const struct sql_table *table;
    struct arena *arena; /* borrowed: of texts and rows */
    struct sql_row **at;
    size_t count, room;
    struct map index;
};

/* Text as the server takes it, in `arena`: UTF-8 without zeros. */
struct text sql_clean(struct arena *arena, struct text text);

void sql_rows_clear(struct sql_rows *rows);
/* The values of the row with these keys, in the order of the columns; a new one has all of its sums as 0,
 * and else nothing but the keys. Texts of keys are cut. */
struct sql_value *sql_rows_at(struct sql_rows *rows, const struct sql_value *keys);

static inline struct sql_value sql_number(int64_t number)
{
    return (struct sql_value){.told = true, .number = number};
}

static inline struct sql_value sql_text(struct text text)
{
    return (struct sql_value){.told = true, .text = text};
}

/* Adds to a sum, which stays at the greatest number that the server has. */
void sql_add(struct sql_value *sum, uint64_t more);
/* Likewise, of what may be taken back. */
void sql_add_signed(struct sql_value *sum, int64_t more);

/* --- SQL --- */

/* A file that becomes a string: the caller's, to be freed, when it is closed. */
RETURNS_NONNULL FILE *sql_open_text(char **text, size_t *count);

/* Statements that create the table, or what is missing of it. */
void sql_print_create(FILE *out, const struct sql_table *table);
/* A temporary table `new_NAME` of the same columns. */
void sql_print_staging(FILE *out, const struct sql_table *table);
/* COPY into that; its data are what sql_print_rows() writes. */
void sql_print_copy(FILE *out, const struct sql_table *table);
void sql_print_rows(FILE *out, const struct sql_rows *rows, const struct sql_place *place);
/* INSERT ... ON CONFLICT from there. */
void sql_print_upsert(FILE *out, const struct sql_table *table);

#endif
