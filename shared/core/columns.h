/* core/columns.h -- encodes structs as bytes, by a table of their columns: rows between mapper and
 * reducer, and the reducer's state.
 *
 * The encoding consists of numbers (base/row.h): tag and value of each non-empty column, then 0. A
 * missing column is empty: 0, no elements, or (for times) TIME_NONE. Rows of numbers have no tags:
 * number of rows, number of columns, then the numbers of each row. Tags start at 1, ascend, and are
 * never reused. So bytes of older versions, which lack columns, can be read. A tag that this
 * program does not know is from a newer version and is refused with STATUS_STOP: the program is
 * old, the bytes are good. */
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
    COLUMN_BOOLS,  /* adjacent bools, `count` up to 16: bits, the first is the lowest */
    COLUMN_INT,    /* int32_t */
    COLUMN_CPU,    /* int32_t; -1 is empty */
    COLUMN_SIGNED, /* int64_t */
    COLUMN_TIME,   /* uint64_t, raw ns; TIME_NONE is empty */
    COLUMN_OF_NUMBERS = COLUMN_TIME, /* up to here, one number each */
    COLUMN_NAME,                     /* char[16] */
    COLUMN_TEXT,                     /* struct text */
    COLUMN_NAMED,     /* struct text, written once, then referred to by number; in rows only */
    COLUMN_DURATIONS, /* struct durations */
    COLUMN_VECTOR,    /* struct time_vector */
    COLUMN_CALL,      /* const struct syscall * */
    COLUMN_CLASS,     /* const struct event_class * */
    COLUMN_VALUES,    /* struct field_value *, and their number */
    COLUMN_NUMBERS,   /* uint64_t[], of `count` */
    COLUMN_SIGNEDS,   /* int64_t[], of `count` */
    COLUMN_STRUCT,    /* described by `of` */
    COLUMN_LIST,      /* pointer to structs described by `of`, and their number */
    COLUMN_ROWS,      /* the same for structs of numbers, never TIME_NONE: without tags */
    COLUMN_INTS       /* const int64_t *, and their number (uint16_t) */
};

struct column_table;
struct columns_in;
struct columns_out;

struct column {
    uint8_t tag;
    uint8_t type; /* enum column_type */
    uint16_t at;  /* offset in the struct */
    /* Of an array: its length; of a list: the offset of its count; of a byte: 1 for a bool. */
    uint16_t count;
    uint8_t counts; /* size of that count in bytes: 2, 4, or 8 */
    bool is_old;    /* not for numbers: read but no longer written, because other tags replace it */
    const struct column_table *of;
};

struct column_table {
    const char *name;
    size_t size;
    const struct column *at;
    size_t count;
    /* For a table with thousands of structs per row: columns_put() and columns_take() specialized
     * for it (core/columns_each.h). Else NULL. */
    bool (*put)(struct columns_out *out, const struct schema *schema, const void *from);
    void (*take)(struct columns_in *in, void *to);
    /* Likewise, for a table used by COLUMN_ROWS: reads all numbers of `rows` rows; false if one
     * does not fit. */
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
/* From field `first` to field `last`. */
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

/* Output buffer. All zero is empty; columns_clear(). */
struct columns_out {
    uint8_t *at;
    size_t count, room;
    uint64_t base_ns; /* times are written as the difference to the previous one */
    struct map names; /* calls and classes already written: address -> number + 1 */
    uint32_t call_count, class_count;
    struct names texts; /* COLUMN_NAMED texts already written */
};

void columns_put_number(struct columns_out *out, uint64_t number);
void columns_put(struct columns_out *out, const struct schema *schema,
                 const struct column_table *table, const void *from);
void columns_clear(struct columns_out *out);

/* Input. What is read points into the bytes and into `arena`. */
struct columns_in {
    struct row_reader row;
    struct schema *schema;
    const struct phase_set *phases; /* for the classes */
    struct arena *arena;
    uint64_t base_ns;
    const struct syscall **calls;
    const struct event_class **classes;
    struct text *texts;
    size_t call_count, call_room, class_count, class_room, text_count, text_room;
    struct failure *why;
    enum status status;
};

/* Sets zeroed memory to the values of missing columns. */
void columns_set_nothing(const struct column_table *table, void *to);
/* Reads into memory prepared by columns_set_nothing(). Once the status is not OK, the result is
 * empty. */
void columns_take(struct columns_in *in, const struct column_table *table, void *to);
void columns_in_clear(struct columns_in *in);

#endif
