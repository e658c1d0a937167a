/* core/columns.h -- structs as bytes, by a table of their columns: rows between mapper and reducer, and the
 * reducer's state.
 *
 * Bytes are numbers of base/row.h: of each column that says something, its tag and its value; and 0. A
 * column whose tag is not there says nothing: 0, empty, or (of times) TIME_NONE. Rows of numbers are told without
 * tags: how many, of how many columns, and the numbers of each. Tags start at 1,
 * ascend, and are never given again. So bytes of a version before, which lack columns, can be read; a tag that
 * this program does not know is of a newer one, and refused with STATUS_STOP: the program is old, the
 * bytes are good. */
#ifndef CORE_COLUMNS_H
#define CORE_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/map.h"
#include "base/names.h"
#include "base/row.h"
#include "trace/schema.h"

enum column_type {
    COLUMN_NUMBER, /* uint64_t */
    COLUMN_U32,
    COLUMN_U16,
    COLUMN_BYTE,   /* uint8_t, bool */
    COLUMN_BOOLS,  /* bool, side by side, of `count` up to 16: bits, the first the lowest */
    COLUMN_INT,    /* int32_t */
    COLUMN_CPU,    /* int32_t; -1 says nothing */
    COLUMN_SIGNED, /* int64_t */
    COLUMN_TIME,   /* uint64_t, raw ns; TIME_NONE says nothing */
    COLUMN_OF_NUMBERS = COLUMN_TIME, /* up to here, one number each */
    COLUMN_NAME,                     /* char[16] */
    COLUMN_TEXT,                     /* struct text */
    COLUMN_NAMED,     /* struct text, that is told once and then by its number; of rows alone */
    COLUMN_DURATIONS, /* struct durations */
    COLUMN_VECTOR,    /* struct time_vector */
    COLUMN_CALL,      /* const struct syscall * */
    COLUMN_CLASS,     /* const struct event_class * */
    COLUMN_VALUES,    /* struct field_value *, and how many */
    COLUMN_NUMBERS,   /* uint64_t[], of `count` */
    COLUMN_SIGNEDS,   /* int64_t[], of `count` */
    COLUMN_STRUCT,    /* of `of` */
    COLUMN_LIST,      /* pointer to those, and how many */
    COLUMN_ROWS,      /* the same of one number each, never TIME_NONE: told without tags */
    COLUMN_INTS       /* const int64_t *, and how many (uint16_t) */
};

struct column_table;
struct columns_in;
struct columns_out;

struct column {
    uint8_t tag;
    uint8_t type; /* enum column_type */
    uint16_t at;  /* in the struct */
    uint16_t
        count; /* of an array; of a list, where in the struct its count is; of a byte: 1 for a bool */
    uint8_t counts; /* bytes of that count: 2, 4 or 8 */
    bool is_old; /* not of numbers: it is read, but written no more, as other tags tell the same */
    const struct column_table *of;
};

struct column_table {
    const char *name;
    size_t size;
    const struct column *at;
    size_t count;
    /* Of a table that rows have by the thousand: columns_put() and columns_take() of it alone
     * (core/hot_columns.h). Else NULL. */
    bool (*put)(struct columns_out *out, const struct schema *schema, const void *from);
    void (*take)(struct columns_in *in, void *to);
    /* Likewise, of one that COLUMN_ROWS are of: all numbers of `rows` rows; false if one does not fit. */
    bool (*take_rows)(struct columns_in *in, size_t rows, void *to);
};

#define COLUMN(T, tag, type, field)                                                                \
    {                                                                                              \
        tag, COLUMN_##type, offsetof(struct T, field),                                             \
            _Generic(((struct T *)0)->field, bool : 1, default : 0), 0, false, NULL                \
    }
#define COLUMN_ARRAY(T, tag, type, field)                                                          \
    {                                                                                              \
        tag, COLUMN_##type, offsetof(struct T, field),                                             \
            sizeof((struct T *)0)->field / sizeof *((struct T *)0)->field, 0, false, NULL          \
    }
/* From the field `first` to the field `last`. */
#define COLUMN_FLAGS(T, tag, first, last)                                                          \
    {                                                                                              \
        tag, COLUMN_BOOLS, offsetof(struct T, first),                                              \
            offsetof(struct T, last) - offsetof(struct T, first) + 1, 0, false, NULL               \
    }
/* `table` is the name of a COLUMN_TABLE(). */
#define COLUMN_INSIDE(T, tag, field, table)                                                        \
    {                                                                                              \
        tag, COLUMN_STRUCT, offsetof(struct T, field), 0, 0, false, &table##_table                 \
    }
#define COLUMN_INSIDE_OLD(T, tag, field, table)                                                    \
    {                                                                                              \
        tag, COLUMN_STRUCT, offsetof(struct T, field), 0, 0, true, &table##_table                  \
    }
#define COLUMN_MANY(T, tag, type, field, number)                                                   \
    {                                                                                              \
        tag, COLUMN_##type, offsetof(struct T, field), offsetof(struct T, number),                 \
            sizeof((struct T *)0)->number, false, NULL                                             \
    }
#define COLUMN_LIST_OF(T, tag, field, number, table)                                               \
    {                                                                                              \
        tag, COLUMN_LIST, offsetof(struct T, field), offsetof(struct T, number),                   \
            sizeof((struct T *)0)->number, false, &table##_table                                   \
    }
#define COLUMN_LIST_OLD(T, tag, field, number, table)                                              \
    {                                                                                              \
        tag, COLUMN_LIST, offsetof(struct T, field), offsetof(struct T, number),                   \
            sizeof((struct T *)0)->number, true, &table##_table                                    \
    }
#define COLUMN_ROWS_OF(T, tag, field, number, table)                                               \
    {                                                                                              \
        tag, COLUMN_ROWS, offsetof(struct T, field), offsetof(struct T, number),                   \
            sizeof((struct T *)0)->number, false, &table##_table                                   \
    }
#define COLUMN_TABLE(prefix, T)                                                                    \
    static const struct column_table prefix##_table = {.name = #T,                                 \
                                                       .size = sizeof(struct T),                   \
                                                       .at = prefix##_columns,                     \
                                                       .count = sizeof prefix##_columns /          \
                                                                sizeof *prefix##_columns}

/* Bytes in the making. All zero is none; columns_clear(). */
struct columns_out {
    uint8_t *at;
    size_t count, room;
    uint64_t base_ns; /* times are told as the difference to the last one */
    struct map names; /* calls and classes that were told: by where they are, to their number + 1 */
    uint32_t call_count, class_count;
    struct names texts; /* COLUMN_NAMED that were told */
};

void columns_put_number(struct columns_out *out, uint64_t number);
void columns_put(struct columns_out *out, const struct schema *schema,
                 const struct column_table *table, const void *from);
void columns_clear(struct columns_out *out);

/* Bytes being read. What is read points into them, and into `arena`. */
struct columns_in {
    struct row_reader row;
    struct schema *schema;
    const struct phase_set *phases; /* whose the classes are */
    struct arena *arena;
    uint64_t base_ns;
    const struct syscall **calls;
    const struct event_class **classes;
    struct text *texts;
    size_t call_count, call_room, class_count, class_room, text_count, text_room;
    struct failure *why;
    enum status status;
};

/* Makes zeroed memory what no bytes say. */
void columns_set_nothing(const struct column_table *table, void *to);
/* Into memory that says nothing. Once the status is not OK, what is read says nothing. */
void columns_take(struct columns_in *in, const struct column_table *table, void *to);
void columns_in_clear(struct columns_in *in);

#endif
