/* core/columns_each.h -- the loops over the columns of a struct, for core/columns.c, which has all
 * tables, and for tables with thousands of structs per row.
 *
 * If the compiler knows the columns, it unrolls the loops: per column, only the check of its tag
 * and the move of its number remain. So a hot table has specialized functions (HOT_COLUMN_TABLE),
 * made of these. */
#ifndef CORE_COLUMNS_EACH_H
#define CORE_COLUMNS_EACH_H

#include "base/attrs.h"
#include "core/columns.h"
#include "trace/cells.h"
#include "trace/partial.h"

/* --- in columns.c: slow paths --- */
uint8_t *columns_grow(struct columns_out *out, size_t count);
/* For a type above COLUMN_OF_NUMBERS; reading, none that column_take_value() handles. */
void column_put(struct columns_out *out, const struct schema *schema, const struct column *column,
                const void *from);
void column_take(struct columns_in *in, const struct column *column, void *to);
void columns_refuse(struct columns_in *in, enum status status, const char *name);

/* --- writing --- */

static inline uint8_t *columns_need(struct columns_out *out, size_t count)
{
    if (out->room - out->count >= count + ROW_SLACK)
        return out->at + out->count;
    return columns_grow(out, count);
}

static inline const void *column_at(const struct column *column, const void *from)
{
    return (const char *)from + column->at;
}

static inline uint64_t column_count(const struct column *column, const void *from)
{
    const char *count = (const char *)from + column->count;
    if (column->counts == 2)
        return *(const uint16_t *)count;
    return column->counts == 4 ? *(const uint32_t *)count : *(const size_t *)count;
}

static inline bool column_is_zero(const uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i] != 0)
            return false;
    return true;
}

/* Whether the column is non-empty, for a type above COLUMN_OF_NUMBERS; a struct may still be
 * empty. */
ALWAYS_INLINE bool column_says(const struct column *column, const void *from)
{
    const void *value = column_at(column, from);
    if (column->is_old)
        return false;
    switch (column->type) {
    case COLUMN_NAME: return *(const char *)value != 0;
    case COLUMN_TEXT:
    case COLUMN_NAMED: return ((const struct text *)value)->at != NULL;
    case COLUMN_DURATIONS: return ((const struct durations *)value)->count != 0;
    case COLUMN_VECTOR:
        return ((const struct time_vector *)value)->blocked_count != 0 ||
               !column_is_zero(value, offsetof(struct time_vector, blocked_in) / sizeof(uint64_t));
    case COLUMN_CALL:
    case COLUMN_CLASS: return *(const void *const *)value != NULL;
    case COLUMN_NUMBERS:
    case COLUMN_SIGNEDS: return !column_is_zero(value, column->count);
    case COLUMN_STRUCT: return true;
    default: return column_count(column, from) != 0;
    }
}

static inline unsigned column_bits(const bool *bools, size_t count)
{
    unsigned bits = 0;
    for (size_t i = 0; i < count; i++)
        bits |= (unsigned)bools[i] << i;
    return bits;
}

/* The value of a column of one number; false if it is empty. */
ALWAYS_INLINE bool column_number(struct columns_out *out, const struct column *column,
                                 const void *value, uint64_t *number)
{
    switch (column->type) {
    case COLUMN_NUMBER: *number = *(const uint64_t *)value; return *number != 0;
    case COLUMN_U32: *number = *(const uint32_t *)value; return *number != 0;
    case COLUMN_U16: *number = *(const uint16_t *)value; return *number != 0;
    case COLUMN_BYTE: *number = *(const uint8_t *)value; return *number != 0;
    case COLUMN_BOOLS: *number = column_bits(value, column->count); return *number != 0;
    case COLUMN_INT: *number = zigzag(*(const int32_t *)value); return *number != 0;
    case COLUMN_CPU: *number = zigzag(*(const int32_t *)value); return *number != zigzag(-1);
    case COLUMN_SIGNED: *number = zigzag(*(const int64_t *)value); return *number != 0;
    default: break; /* COLUMN_TIME */
    }
    uint64_t time_ns = *(const uint64_t *)value;
    if (time_ns == TIME_NONE)
        return false;
    *number = zigzag((int64_t)(time_ns - out->base_ns));
    out->base_ns = time_ns;
    return true;
}

/* Returns whether any column is non-empty. */
ALWAYS_INLINE bool columns_put_each(struct columns_out *out, const struct schema *schema,
                                    const struct column *columns, size_t count, const void *from)
{
    const size_t before = out->count;
    uint8_t *to = columns_need(out, count * (1 + ROW_NUMBER) + 1);
    UNROLLED
    for (size_t i = 0; i < count; i++) {
        const struct column *column = &columns[i];
        uint64_t number;
        if (column->type > COLUMN_OF_NUMBERS) {
            if (!column_says(column, from))
                continue;
            out->count = (size_t)(to - out->at);
            column_put(out, schema, column, from);
            to = columns_need(out, (count - i) * (1 + ROW_NUMBER) + 1);
        } else if (column_number(out, column, column_at(column, from), &number)) {
            *to = column->tag;
            to = row_put(to + 1, number);
        }
    }
    bool says = (size_t)(to - out->at) > before;
    *to++ = 0;
    out->count = (size_t)(to - out->at);
    return says;
}

/* --- reading --- */

/* Stores the value of a column of one number; false if it does not fit. */
ALWAYS_INLINE bool column_set(struct columns_in *in, const struct column *column, void *value,
                              uint64_t number)
{
    switch (column->type) {
    case COLUMN_NUMBER: *(uint64_t *)value = number; return true;
    case COLUMN_SIGNED: *(int64_t *)value = unzigzag(number); return true;
    case COLUMN_TIME: *(uint64_t *)value = in->base_ns += (uint64_t)unzigzag(number); return true;
    case COLUMN_U32: *(uint32_t *)value = (uint32_t)number; return number <= UINT32_MAX;
    case COLUMN_U16: *(uint16_t *)value = (uint16_t)number; return number <= UINT16_MAX;
    case COLUMN_INT:
    case COLUMN_CPU: *(int32_t *)value = (int32_t)unzigzag(number); return number <= UINT32_MAX;
    case COLUMN_BYTE:
        *(uint8_t *)value = column->count ? number & 1 : (uint8_t)number;
        return number <= (column->count ? 1 : UINT8_MAX);
    default: break; /* COLUMN_BOOLS */
    }
    for (size_t i = 0; i < column->count; i++)
        ((bool *)value)[i] = number >> i & 1;
    return number >> column->count == 0;
}

static inline const uint8_t *column_take_tag(struct columns_in *in, const uint8_t *at,
                                             uint64_t *tag)
{
    if (LIKELY(at < in->row.end && *at < 0x80)) {
        *tag = *at;
        return at + 1;
    }
    in->row.at = at;
    *tag = row_take_slowly(&in->row);
    return in->row.at;
}

/* Reads the value of a column above COLUMN_OF_NUMBERS; frequent types without column_take(). */
ALWAYS_INLINE void column_take_value(struct columns_in *in, const struct column *column, void *to)
{
    void *value = (char *)to + column->at;
    if (column->type == COLUMN_DURATIONS)
        durations_take(&in->row, in->arena, value);
    else if (column->type == COLUMN_STRUCT)
        columns_take(in, column->of, value);
    else
        column_take(in, column, to);
}

/* Tags ascend, and so do the columns of a table: each column is checked once. */
ALWAYS_INLINE void columns_take_each(struct columns_in *in, const char *name,
                                     const struct column *columns, size_t count, void *to)
{
    const uint8_t *at = in->row.at;
    uint64_t tag, before = 0, number;
    at = column_take_tag(in, at, &tag);
    UNROLLED
    for (size_t i = 0; i < count; i++) {
        const struct column *column = &columns[i];
        if (tag != column->tag)
            continue;
        if (column->type > COLUMN_OF_NUMBERS) {
            in->row.at = at;
            column_take_value(in, column, to);
            at = in->row.at;
        } else {
            at = row_take_from(&in->row, at, &number);
            if (!column_set(in, column, (char *)to + column->at, number)) {
                columns_refuse(in, STATUS_REJECT, "a number");
                at = in->row.at;
            }
        }
        before = tag;
        at = column_take_tag(in, at, &tag);
    }
    in->row.at = at;
    if (tag > before)
        columns_refuse(in, STATUS_STOP, name);
    else if (tag != 0 || in->row.bad)
        columns_refuse(in, STATUS_REJECT, name);
}

/* Rows of numbers, without tags. False if a value does not fit its column. */
ALWAYS_INLINE bool columns_take_rows(struct columns_in *in, const struct column *columns,
                                     size_t count, size_t rows, size_t size, void *to)
{
    const uint8_t *at = in->row.at;
    bool fits = true;
    char *row = to;
    for (; rows > 0; rows--, row += size) {
        UNROLLED
        for (size_t i = 0; i < count; i++) {
            uint64_t number;
            at = row_take_from(&in->row, at, &number);
            fits &= column_set(in, &columns[i], row + columns[i].at, number);
        }
    }
    in->row.at = at;
    return fits;
}

/* A table for rows of numbers. */
#define ROW_COLUMN_TABLE(prefix, T)                                                                \
    static bool take_rows_of_##prefix(struct columns_in *in, size_t rows, void *to)                \
    {                                                                                              \
        return columns_take_rows(in, prefix##_columns,                                             \
                                 sizeof prefix##_columns / sizeof *prefix##_columns, rows,         \
                                 sizeof(struct T), to);                                            \
    }                                                                                              \
    static const struct column_table prefix##_table = {.name = #T,                                 \
                                                       .size = sizeof(struct T),                   \
                                                       .at = prefix##_columns,                     \
                                                       .count = sizeof prefix##_columns /          \
                                                                sizeof *prefix##_columns,          \
                                                       .take_rows = take_rows_of_##prefix}

/* `storage` is static, or empty. */
#define HOT_COLUMN_TABLE_AS(storage, prefix, T)                                                    \
    static bool put_##prefix(struct columns_out *out, const struct schema *schema,                 \
                             const void *from)                                                     \
    {                                                                                              \
        return columns_put_each(out, schema, prefix##_columns,                                     \
                                sizeof prefix##_columns / sizeof *prefix##_columns, from);         \
    }                                                                                              \
    static void take_##prefix(struct columns_in *in, void *to)                                     \
    {                                                                                              \
        columns_take_each(in, #T, prefix##_columns,                                                \
                          sizeof prefix##_columns / sizeof *prefix##_columns, to);                 \
    }                                                                                              \
    storage const struct column_table prefix##_table = {.name = #T,                                \
                                                        .size = sizeof(struct T),                  \
                                                        .at = prefix##_columns,                    \
                                                        .count = sizeof prefix##_columns /         \
                                                                 sizeof *prefix##_columns,         \
                                                        .put = put_##prefix,                       \
                                                        .take = take_##prefix}
#define HOT_COLUMN_TABLE(prefix, T) HOT_COLUMN_TABLE_AS(static, prefix, T)

#endif
