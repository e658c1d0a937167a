#include "core/columns.h"

/* The loops of this file are for any table and are not unrolled. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "core/columns_each.h"

/* --- writing --- */

NEVER_INLINE uint8_t *columns_grow(struct columns_out *out, size_t count)
{
    out->at = memory_grow(out->at, &out->room, out->count + count + ROW_SLACK, 1);
    return out->at + out->count;
}

static inline void put_number(struct columns_out *out, uint64_t number)
{
    out->count = (size_t)(row_put(columns_need(out, ROW_NUMBER), number) - out->at);
}

void columns_put_number(struct columns_out *out, uint64_t number)
{
    put_number(out, number);
}

static void put_text(struct columns_out *out, struct text text)
{
    put_number(out, text.count);
    if (text.count > 0)
        memcpy(columns_need(out, text.count), text.at, text.count);
    out->count += text.count;
}

void columns_clear(struct columns_out *out)
{
    free(out->at);
    map_clear(&out->names);
    names_clear(&out->texts);
    *out = (struct columns_out){.count = 0};
}

static void put_named(struct columns_out *out, struct text text)
{
    size_t known_count = out->texts.count;
    uint32_t id = names_id(&out->texts, text);
    put_number(out, id < known_count ? (uint64_t)id + 1 : 0);
    if (id == known_count)
        put_text(out, text);
}

/* A name that was written before is its number, from 1; a new one is 0 and the name. */
static bool put_known(struct columns_out *out, const void *what, uint32_t *count)
{
    uint64_t key = (uintptr_t)what;
    uintptr_t number = (uintptr_t)map_get(&out->names, key);
    if (number > 0) {
        put_number(out, number);
        return true;
    }
    map_put(&out->names, key, (void *)(uintptr_t)++ * count);
    put_number(out, 0);
    return false;
}

static void put_call(struct columns_out *out, const struct syscall *call)
{
    if (!put_known(out, call, &out->call_count))
        put_text(out, text_of(call->name));
}

static void put_class(struct columns_out *out, const struct event_class *class)
{
    if (put_known(out, class, &out->class_count))
        return;
    put_number(out, class->domain);
    put_number(out, class->kind == EVENT_LOSS);
    put_text(out, text_of(class->name));
}

static void put_values(struct columns_out *out, const struct field_value *values, size_t count)
{
    put_number(out, count);
    for (size_t i = 0; i < count; i++) {
        put_number(out, values[i].type);
        if (values[i].type == FIELD_TEXT)
            put_text(out, values[i].text);
        else if (values[i].type == FIELD_INT)
            put_number(out, zigzag(values[i].i));
        else if (values[i].type == FIELD_UINT)
            put_number(out, values[i].u);
    }
}

static void put_vector(struct columns_out *out, const struct time_vector *vector,
                       const struct schema *schema)
{
    const uint64_t parts[] = {vector->user_ns,           vector->sys_ns,
                              vector->runnable_ns,       vector->unknown_ns,
                              vector->blocked_ns,        vector->before_running_ns,
                              vector->before_blocked_ns, vector->as_before_ns};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        put_number(out, parts[i]);
    put_number(out, vector->blocked_count);
    for (uint32_t i = 0; i < vector->blocked_count; i++) {
        put_call(out, schema_call_by_id(schema, vector->blocked_in[i].call));
        put_number(out, vector->blocked_in[i].ns);
    }
}

static void put_rows(struct columns_out *out, const char *rows, uint64_t count,
                     const struct column_table *table)
{
    put_number(out, count);
    put_number(out, table->count);
    uint64_t number = 0;
    for (; count > 0; count--, rows += table->size) {
        uint8_t *to = columns_need(out, table->count * ROW_NUMBER);
        for (const struct column *column = table->at; column < table->at + table->count; column++) {
            bool says = column_number(out, column, column_at(column, rows), &number);
            assert(column->type < COLUMN_TIME || (column->type == COLUMN_TIME && says));
            (void)says;
            to = row_put(to, number);
        }
        out->count = (size_t)(to - out->at);
    }
}

/* Returns whether any column is non-empty. */
static bool put_columns(struct columns_out *out, const struct schema *schema,
                        const struct column_table *table, const void *from)
{
    return table->put ? table->put(out, schema, from)
                      : columns_put_each(out, schema, table->at, table->count, from);
}

static void put_value(struct columns_out *out, const struct schema *schema,
                      const struct column *column, const void *from)
{
    const void *value = column_at(column, from);
    switch (column->type) {
    case COLUMN_NAME: put_text(out, text_of(value)); return;
    case COLUMN_TEXT: put_text(out, *(const struct text *)value); return;
    case COLUMN_NAMED: put_named(out, *(const struct text *)value); return;
    case COLUMN_DURATIONS: {
        const struct durations *durations = value;
        uint8_t *to = columns_need(out, durations_numbers(durations) * ROW_NUMBER);
        out->count = (size_t)(durations_put(to, durations) - out->at);
        return;
    }
    case COLUMN_VECTOR: put_vector(out, value, schema); return;
    case COLUMN_CALL: put_call(out, *(const struct syscall *const *)value); return;
    case COLUMN_CLASS: put_class(out, *(const struct event_class *const *)value); return;
    case COLUMN_VALUES:
        put_values(out, *(const struct field_value *const *)value, column_count(column, from));
        return;
    case COLUMN_NUMBERS:
        for (size_t i = 0; i < column->count; i++)
            put_number(out, ((const uint64_t *)value)[i]);
        return;
    case COLUMN_SIGNEDS:
        for (size_t i = 0; i < column->count; i++)
            put_number(out, zigzag(((const int64_t *)value)[i]));
        return;
    case COLUMN_INTS: {
        const int64_t *ints = *(const int64_t *const *)value;
        uint64_t count = column_count(column, from);
        put_number(out, count);
        for (uint64_t i = 0; i < count; i++)
            put_number(out, zigzag(ints[i]));
        return;
    }
    case COLUMN_ROWS:
        put_rows(out, *(const char *const *)value, column_count(column, from), column->of);
        return;
    default: {
        const char *each = *(const char *const *)value;
        uint64_t count = column_count(column, from);
        put_number(out, count);
        for (uint64_t i = 0; i < count; i++)
            (void)put_columns(out, schema, column->of, each + i * column->of->size);
        return;
    }
    }
}

void column_put(struct columns_out *out, const struct schema *schema, const struct column *column,
                const void *from)
{
    size_t before = out->count;
    put_number(out, column->tag);
    if (column->type != COLUMN_STRUCT)
        put_value(out, schema, column, from);
    else if (!put_columns(out, schema, column->of, column_at(column, from)))
        out->count = before;
}

void columns_put(struct columns_out *out, const struct schema *schema,
                 const struct column_table *table, const void *from)
{
    (void)put_columns(out, schema, table, from);
}

/* --- reading --- */

/* Names of calls and of classes contain no zero byte. */
static bool is_string(struct text text)
{
    return text.count == 0 || !memchr(text.at, '\0', text.count);
}

void columns_in_clear(struct columns_in *in)
{
    free(in->calls);
    free(in->classes);
    free(in->texts);
    in->texts = NULL;
    in->calls = NULL;
    in->classes = NULL;
}

void columns_refuse(struct columns_in *in, enum status status, const char *name)
{
    if (in->status != STATUS_OK)
        return;
    in->status = status;
    if (status == STATUS_STOP)
        (void)fail(in->why, status, "a column of %s is newer than this program supports", name);
    else
        (void)fail(in->why, status, "%s is inconsistent", name);
    row_refuse_if(&in->row, true);
}

static struct text take_text(struct columns_in *in)
{
    size_t count = row_take_count(&in->row, 1);
    struct text text = {count ? (const char *)in->row.at : "", count};
    in->row.at += count;
    return text;
}

static struct text take_named(struct columns_in *in)
{
    uint64_t number = row_take(&in->row);
    if (number > 0 && number <= in->text_count)
        return in->texts[number - 1];
    if (number > 0)
        columns_refuse(in, STATUS_REJECT, "a name");
    struct text text = take_text(in);
    in->texts = memory_grow(in->texts, &in->text_room, in->text_count + 1, sizeof *in->texts);
    return in->texts[in->text_count++] = text;
}

static const struct syscall *take_call(struct columns_in *in)
{
    uint64_t number = row_take(&in->row);
    if (number > 0)
        return number <= in->call_count ? in->calls[number - 1] : NULL;
    struct text name = take_text(in);
    if (in->row.bad || !is_string(name))
        return NULL;
    in->calls =
        memory_grow(in->calls, &in->call_room, in->call_count + 1, sizeof(const struct syscall *));
    return in->calls[in->call_count++] = schema_call(in->schema, name);
}

static const struct event_class *take_class(struct columns_in *in)
{
    uint64_t number = row_take(&in->row);
    if (number > 0)
        return number <= in->class_count ? in->classes[number - 1] : NULL;
    uint64_t domain = row_take(&in->row), loss = row_take(&in->row);
    struct text name = take_text(in);
    if (in->row.bad || domain > DOMAIN_UST || loss > 1 || !is_string(name))
        return NULL;
    in->classes = memory_grow(in->classes, &in->class_room, in->class_count + 1,
                              sizeof(const struct event_class *));
    const struct event_class *class =
        loss ? schema_loss_class(in->schema, (enum domain)domain)
             : schema_class_under(in->schema, in->phases, (enum domain)domain, name);
    return in->classes[in->class_count++] = class;
}

static struct field_value *take_values(struct columns_in *in, size_t *count)
{
    *count = row_take_count(&in->row, 1);
    struct field_value *values = arena_take(in->arena, (*count + 1) * sizeof *values);
    for (size_t i = 0; i < *count; i++) {
        uint64_t type = row_take(&in->row);
        values[i].type = (enum field_type)type;
        if (type == FIELD_TEXT)
            values[i].text = take_text(in);
        else if (type == FIELD_INT)
            values[i].i = row_take_signed(&in->row);
        else if (type == FIELD_UINT)
            values[i].u = row_take(&in->row);
        else if (type != FIELD_ABSENT)
            columns_refuse(in, STATUS_REJECT, "a field of an event");
    }
    return values;
}

static void take_vector(struct columns_in *in, struct time_vector *vector)
{
    uint64_t *const parts[] = {&vector->user_ns,           &vector->sys_ns,
                               &vector->runnable_ns,       &vector->unknown_ns,
                               &vector->blocked_ns,        &vector->before_running_ns,
                               &vector->before_blocked_ns, &vector->as_before_ns};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        *parts[i] = row_take(&in->row);
    size_t count = row_take_count(&in->row, 2);
    vector->blocked_in = arena_take(in->arena, (count + 1) * sizeof *vector->blocked_in);
    vector->blocked_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct syscall *call = take_call(in);
        if (!call)
            columns_refuse(in, STATUS_REJECT, "a time");
        else
            vector->blocked_in[i].call = call->id;
        vector->blocked_in[i].ns = row_take(&in->row);
    }
}

static void set_count(void *to, const struct column *column, uint64_t number)
{
    char *count = (char *)to + column->count;
    if (column->counts == 2)
        *(uint16_t *)count = (uint16_t)number;
    else if (column->counts == 4)
        *(uint32_t *)count = (uint32_t)number;
    else
        *(size_t *)count = (size_t)number;
}

void columns_set_nothing(const struct column_table *table, void *to)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct column *column = &table->at[i];
        void *value = (char *)to + column->at;
        if (column->type == COLUMN_CPU)
            *(int32_t *)value = -1;
        else if (column->type == COLUMN_TIME)
            *(uint64_t *)value = TIME_NONE;
        else if (column->type == COLUMN_STRUCT)
            columns_set_nothing(column->of, value);
    }
}

static void *take_rows(struct columns_in *in, const struct column_table *table, size_t *count)
{
    *count = row_take_count(&in->row, 1);
    uint64_t width = row_take(&in->row);
    if (width > table->count)
        columns_refuse(in, STATUS_STOP, table->name);
    if (*count > 0 && (width == 0 || width > row_left(&in->row) / *count))
        columns_refuse(in, STATUS_REJECT, table->name);
    if (in->row.bad)
        *count = 0;
    char *rows = arena_take(in->arena, (*count + 1) * table->size);
    bool fits = width == table->count && table->take_rows
                    ? table->take_rows(in, *count, rows)
                    : columns_take_rows(in, table->at, width, *count, table->size, rows);
    if (!fits)
        columns_refuse(in, STATUS_REJECT, "a number");
    return rows;
}

void column_take(struct columns_in *in, const struct column *column, void *to)
{
    struct row_reader *row = &in->row;
    void *value = (char *)to + column->at;
    size_t count = 0;
    switch (column->type) {
    case COLUMN_NAME: {
        struct text text = take_text(in);
        memcpy(value, text.at, text.count < 15 ? text.count : 15);
        return;
    }
    case COLUMN_TEXT: *(struct text *)value = take_text(in); return;
    case COLUMN_NAMED: *(struct text *)value = take_named(in); return;
    case COLUMN_VECTOR: take_vector(in, value); return;
    case COLUMN_CALL:
        if (!(*(const struct syscall **)value = take_call(in)))
            columns_refuse(in, STATUS_REJECT, "a call");
        return;
    case COLUMN_CLASS:
        if (!(*(const struct event_class **)value = take_class(in)))
            columns_refuse(in, STATUS_REJECT, "an event");
        return;
    case COLUMN_VALUES:
        *(struct field_value **)value = take_values(in, &count);
        set_count(to, column, count);
        return;
    case COLUMN_NUMBERS:
        for (size_t i = 0; i < column->count; i++)
            ((uint64_t *)value)[i] = row_take(row);
        return;
    case COLUMN_SIGNEDS:
        for (size_t i = 0; i < column->count; i++)
            ((int64_t *)value)[i] = row_take_signed(row);
        return;
    case COLUMN_ROWS:
        *(void **)value = take_rows(in, column->of, &count);
        set_count(to, column, count);
        return;
    case COLUMN_INTS: {
        count = row_take_count(row, 1);
        int64_t *ints = arena_take(in->arena, (count + 1) * sizeof *ints);
        for (size_t i = 0; i < count; i++)
            ints[i] = row_take_signed(row);
        *(const int64_t **)value = ints;
        set_count(to, column, count);
        return;
    }
    default: {
        count = row_take_count(row, 1);
        size_t size = column->of->size;
        char *list = arena_buffer(in->arena, (count > 0 ? count : 1) * size);
        memset(list, 0, size);
        columns_set_nothing(column->of, list);
        for (size_t i = 1; i < count; i++)
            memcpy(list + i * size, list, size);
        for (size_t i = 0; i < count; i++)
            columns_take(in, column->of, list + i * size);
        *(void **)value = list;
        set_count(to, column, count);
        return;
    }
    }
}

void columns_take(struct columns_in *in, const struct column_table *table, void *to)
{
    if (table->take)
        table->take(in, to);
    else
        columns_take_each(in, table->name, table->at, table->count, to);
}
