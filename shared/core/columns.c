#include "core/columns.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "trace/cells.h"
#include "trace/partial.h"

/* --- writing --- */

static inline uint8_t *need(struct columns_out *out, size_t count)
{
    if (out->room - out->count >= count + ROW_SLACK)
        return out->at + out->count;
    out->at = memory_grow(out->at, &out->room, out->count + count + ROW_SLACK, 1);
    return out->at + out->count;
}

static inline void put_number(struct columns_out *out, uint64_t number)
{
    out->count = (size_t)(row_put(need(out, ROW_NUMBER), number) - out->at);
}

void columns_put_number(struct columns_out *out, uint64_t number)
{
    put_number(out, number);
}

static void put_text(struct columns_out *out, struct text text)
{
    put_number(out, text.count);
    if (text.count > 0)
        memcpy(need(out, text.count), text.at, text.count);
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
    size_t told = out->texts.count;
    uint32_t id = names_id(&out->texts, text);
    put_number(out, id < told ? (uint64_t)id + 1 : 0);
    if (id == told)
        put_text(out, text);
}

/* A name that was told is its number, from 1; a new one is 0 and the name. */
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

static const void *at(const void *from, const struct column *column)
{
    return (const char *)from + column->at;
}

static uint64_t count_of(const void *from, const struct column *column)
{
    const char *count = (const char *)from + column->count;
    if (column->counts == 2)
        return *(const uint16_t *)count;
    return column->counts == 4 ? *(const uint32_t *)count : *(const size_t *)count;
}

static bool is_zero(const void *from, size_t bytes)
{
    static const char zero[sizeof(struct time_vector)];
    return memcmp(from, zero, bytes) == 0;
}

static unsigned bits_of(const bool *bools, size_t count)
{
    unsigned bits = 0;
    for (size_t i = 0; i < count; i++)
        bits |= (unsigned)bools[i] << i;
    return bits;
}

static bool says_nothing(const void *from, const struct column *column)
{
    const void *value = at(from, column);
    if (column->is_old)
        return true;
    switch (column->type) {
    case COLUMN_NAME: return *(const char *)value == 0;
    case COLUMN_TEXT:
    case COLUMN_NAMED: return ((const struct text *)value)->at == NULL;
    case COLUMN_DURATIONS: return ((const struct durations *)value)->count == 0;
    case COLUMN_VECTOR:
        return is_zero(value, offsetof(struct time_vector, blocked_in)) &&
               ((const struct time_vector *)value)->blocked_count == 0;
    case COLUMN_CALL:
    case COLUMN_CLASS: return *(const void *const *)value == NULL;
    case COLUMN_NUMBERS:
    case COLUMN_SIGNEDS:
        for (size_t i = 0; i < column->count; i++)
            if (((const uint64_t *)value)[i] != 0)
                return false;
        return true;
    case COLUMN_STRUCT: return false; /* put_columns() tells */
    default: return count_of(from, column) == 0;
    }
}

/* Whether anything is said. */
static bool put_columns(struct columns_out *out, const struct column_table *table, const void *from,
                        const struct schema *schema);

static inline bool number_of(struct columns_out *out, const void *value,
                             const struct column *column, uint64_t *number);

static void put_rows(struct columns_out *out, const char *rows, uint64_t count,
                     const struct column_table *table)
{
    put_number(out, count);
    put_number(out, table->count);
    uint64_t number = 0;
    for (; count > 0; count--, rows += table->size) {
        uint8_t *to = need(out, table->count * ROW_NUMBER);
        for (const struct column *column = table->at; column < table->at + table->count; column++) {
            bool says = number_of(out, at(rows, column), column, &number);
            assert(column->type < COLUMN_TIME || (column->type == COLUMN_TIME && says));
            (void)says;
            to = row_put(to, number);
        }
        out->count = (size_t)(to - out->at);
    }
}

static void put_column(struct columns_out *out, const void *from, const struct column *column,
                       const struct schema *schema)
{
    const void *value = at(from, column);
    switch (column->type) {
    case COLUMN_NAME: put_text(out, text_of(value)); return;
    case COLUMN_TEXT: put_text(out, *(const struct text *)value); return;
    case COLUMN_NAMED: put_named(out, *(const struct text *)value); return;
    case COLUMN_DURATIONS: {
        const struct durations *durations = value;
        uint8_t *to = need(out, durations_numbers(durations) * ROW_NUMBER);
        out->count = (size_t)(durations_put(to, durations) - out->at);
        return;
    }
    case COLUMN_VECTOR: put_vector(out, value, schema); return;
    case COLUMN_CALL: put_call(out, *(const struct syscall *const *)value); return;
    case COLUMN_CLASS: put_class(out, *(const struct event_class *const *)value); return;
    case COLUMN_VALUES:
        put_values(out, *(const struct field_value *const *)value, count_of(from, column));
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
        uint64_t count = count_of(from, column);
        put_number(out, count);
        for (uint64_t i = 0; i < count; i++)
            put_number(out, zigzag(ints[i]));
        return;
    }
    case COLUMN_ROWS:
        put_rows(out, *(const char *const *)value, count_of(from, column), column->of);
        return;
    default: {
        const char *each = *(const char *const *)value;
        uint64_t count = count_of(from, column);
        put_number(out, count);
        for (uint64_t i = 0; i < count; i++)
            put_columns(out, column->of, each + i * column->of->size, schema);
        return;
    }
    }
}

/* What a column of one number says; false if it says nothing. */
static inline bool number_of(struct columns_out *out, const void *value,
                             const struct column *column, uint64_t *number)
{
    switch (column->type) {
    case COLUMN_NUMBER: *number = *(const uint64_t *)value; return *number != 0;
    case COLUMN_U32: *number = *(const uint32_t *)value; return *number != 0;
    case COLUMN_U16: *number = *(const uint16_t *)value; return *number != 0;
    case COLUMN_BYTE: *number = *(const uint8_t *)value; return *number != 0;
    case COLUMN_BOOLS: *number = bits_of(value, column->count); return *number != 0;
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

static bool put_columns(struct columns_out *out, const struct column_table *table, const void *from,
                        const struct schema *schema)
{
    bool says = false;
    uint64_t number;
    for (const struct column *column = table->at; column < table->at + table->count; column++) {
        if (column->type <= COLUMN_OF_NUMBERS) {
            if (!number_of(out, at(from, column), column, &number))
                continue;
            uint8_t *to = need(out, 2 * ROW_NUMBER);
            *to = column->tag;
            out->count = (size_t)(row_put(to + 1, number) - out->at);
            says = true;
            continue;
        }
        if (says_nothing(from, column))
            continue;
        size_t before = out->count;
        put_number(out, column->tag);
        if (column->type != COLUMN_STRUCT)
            put_column(out, from, column, schema);
        else if (!put_columns(out, column->of, at(from, column), schema)) {
            out->count = before;
            continue;
        }
        says = true;
    }
    put_number(out, 0);
    return says;
}

void columns_put(struct columns_out *out, const struct schema *schema,
                 const struct column_table *table, const void *from)
{
    (void)put_columns(out, table, from, schema);
}

/* --- reading --- */

/* Names of calls and of classes are strings. */
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

static void refuse(struct columns_in *in, enum status status, const char *name)
{
    if (in->status != STATUS_OK)
        return;
    in->status = status;
    if (status == STATUS_STOP)
        (void)fail(in->why, status, "a column of %s, newer than this program knows", name);
    else
        (void)fail(in->why, status, "%s contradicts itself", name);
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
        refuse(in, STATUS_REJECT, "a name");
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
            refuse(in, STATUS_REJECT, "a field of an event");
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
            refuse(in, STATUS_REJECT, "a time");
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

/* Puts what a column of one number says where it belongs; false if it cannot hold that. */
static inline bool set_number(struct columns_in *in, void *value, const struct column *column,
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

static void *take_rows(struct columns_in *in, const struct column_table *table, size_t *count)
{
    *count = row_take_count(&in->row, 1);
    uint64_t width = row_take(&in->row), number;
    if (width > table->count)
        refuse(in, STATUS_STOP, table->name);
    if (*count > 0 && (width == 0 || width > row_left(&in->row) / *count))
        refuse(in, STATUS_REJECT, table->name);
    if (in->row.bad)
        *count = 0;
    char *rows = arena_take(in->arena, (*count + 1) * table->size), *row = rows;
    const uint8_t *at = in->row.at;
    for (size_t i = 0; i < *count; i++, row += table->size)
        for (size_t k = 0; k < width; k++) {
            at = row_take_from(&in->row, at, &number);
            if (!set_number(in, row + table->at[k].at, &table->at[k], number)) {
                refuse(in, STATUS_REJECT, "a number");
                at = in->row.at;
            }
        }
    in->row.at = at;
    return rows;
}

static void take_column(struct columns_in *in, void *to, const struct column *column)
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
    case COLUMN_DURATIONS: durations_take(row, in->arena, value); return;
    case COLUMN_VECTOR: take_vector(in, value); return;
    case COLUMN_CALL:
        if (!(*(const struct syscall **)value = take_call(in)))
            refuse(in, STATUS_REJECT, "a call");
        return;
    case COLUMN_CLASS:
        if (!(*(const struct event_class **)value = take_class(in)))
            refuse(in, STATUS_REJECT, "an event");
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
    case COLUMN_STRUCT: columns_take(in, column->of, value); return;
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

static inline const struct column *column_at(const struct column_table *table, uint64_t tag)
{
    size_t i = (size_t)tag - 1; /* there, unless a tag before it is no more */
    if (tag <= table->count && table->at[i].tag == tag)
        return &table->at[i];
    for (i = 0; i < table->count && table->at[i].tag != tag;)
        i++;
    return i < table->count ? &table->at[i] : NULL;
}

/* Most tags, and most numbers behind them, are of few bytes: where reading is, is at hand until a column
 * needs more than that. */
void columns_take(struct columns_in *in, const struct column_table *table, void *to)
{
    const uint8_t *at = in->row.at, *const end = in->row.end;
    uint64_t before = 0, tag, number;
    for (;; before = tag) {
        if (at < end && *at < 0x80) {
            tag = *at++;
        } else {
            in->row.at = at;
            tag = row_take(&in->row);
            at = in->row.at;
        }
        if (tag <= before)
            break;
        const struct column *column = column_at(table, tag);
        if (!column) {
            refuse(in, STATUS_STOP, table->name);
            return;
        }
        if (column->type > COLUMN_OF_NUMBERS) {
            in->row.at = at;
            take_column(in, to, column);
            at = in->row.at;
            continue;
        }
        at = row_take_from(&in->row, at, &number);
        if (!set_number(in, (char *)to + column->at, column, number)) {
            refuse(in, STATUS_REJECT, "a number");
            at = in->row.at;
        }
    }
    in->row.at = at;
    if (tag != 0 || in->row.bad)
        refuse(in, STATUS_REJECT, table->name);
}
