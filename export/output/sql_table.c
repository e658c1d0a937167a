#include "export/output/sql_table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/utf8.h"

/* An index row of PostgreSQL has room for 2,700 bytes. */
enum { KEY_TEXT_MAX = 255 };

struct sql_row {
    struct sql_row *next; /* with the same hash */
    struct sql_value values[];
};

/* --- rows --- */

struct text sql_clean(struct arena *arena, struct text text)
{
    char *room = arena_take(arena, text.count * 3 + 1), *end = room;
    while (text.count > 0) {
        uint32_t character = utf8_take(&text);
        if (character != 0)
            end += utf8_put(character, end);
    }
    return (struct text){room, (size_t)(end - room)};
}

static struct text clean_key(struct arena *arena, struct text text)
{
    struct text cleaned = sql_clean(arena, text);
    if (cleaned.count <= KEY_TEXT_MAX)
        return cleaned;
    cleaned.count = KEY_TEXT_MAX;
    while (cleaned.count > 0 && ((unsigned char)cleaned.at[cleaned.count] & 0xc0) == 0x80)
        cleaned.count--;
    return cleaned;
}

static size_t key_count(const struct sql_table *table)
{
    size_t count = 0;
    while (count < table->count && table->columns[count].role == SQL_KEY)
        count++;
    return count;
}

static uint64_t key_hash(const struct sql_table *table, const struct sql_value *keys)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < key_count(table); i++)
        hash = hash_number(hash ^ (table->columns[i].type == SQL_TEXT ? hash_text(keys[i].text)
                                                                      : (uint64_t)keys[i].number));
    return hash;
}

static bool same_key(const struct sql_table *table, const struct sql_value *a,
                     const struct sql_value *b)
{
    for (size_t i = 0; i < key_count(table); i++)
        if (table->columns[i].type == SQL_TEXT ? !text_equal(a[i].text, b[i].text)
                                               : a[i].number != b[i].number)
            return false;
    return true;
}

static struct sql_row *add_row(struct sql_rows *rows, const struct sql_value *keys)
{
    const struct sql_table *table = rows->table;
    struct sql_row *row = arena_take(rows->arena, sizeof *row + table->count * sizeof *row->values);
    for (size_t i = 0; i < table->count; i++)
        if (table->columns[i].role == SQL_KEY)
            row->values[i] = keys[i];
        else if (table->columns[i].role == SQL_SUM)
            row->values[i].is_set = true;
    rows->at = memory_grow(rows->at, &rows->room, rows->count + 1, sizeof(struct sql_row *));
    rows->at[rows->count++] = row;
    return row;
}

struct sql_value *sql_rows_at(struct sql_rows *rows, const struct sql_value *given)
{
    enum { KEYS_MAX = 8 };
    const struct sql_table *table = rows->table;
    size_t count = key_count(table);
    assert(count <= KEYS_MAX);
    struct sql_value keys[KEYS_MAX];
    for (size_t i = 0; i < count; i++) {
        keys[i] = given[i];
        if (table->columns[i].type == SQL_TEXT)
            keys[i].text = clean_key(rows->arena, given[i].text);
    }
    uint64_t hash = key_hash(table, keys);
    struct sql_row *first = map_get(&rows->index, hash);
    for (struct sql_row *row = first; row; row = row->next)
        if (same_key(table, row->values, keys))
            return row->values;
    struct sql_row *row = add_row(rows, keys);
    row->next = first;
    map_put(&rows->index, hash, row);
    return row->values;
}

void sql_rows_clear(struct sql_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        for (size_t j = 0; j < rows->table->count; j++)
            if (rows->table->columns[j].type == SQL_DURATIONS)
                durations_clear(&rows->at[i]->values[j].durations);
    free(rows->at);
    map_clear(&rows->index);
    *rows = (struct sql_rows){.table = rows->table, .arena = rows->arena};
}

static int64_t clamp(uint64_t number)
{
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

void sql_add(struct sql_value *sum, uint64_t more)
{
    sql_add_signed(sum, clamp(more));
}

void sql_add_signed(struct sql_value *sum, int64_t more)
{
    if (__builtin_add_overflow(sum->number, more, &sum->number))
        sum->number = more > 0 ? INT64_MAX : INT64_MIN;
}

FILE *sql_open_text(char **text, size_t *count)
{
    FILE *file = open_memstream(text, count);
    if (!file)
        abort(); /* as memory_new() */
    return file;
}

/* --- columns in the server --- */

struct part {
    const char *suffix, *type;
};

enum { PARTS_MAX = 9 };

/* Server columns of each type; an entry without a type ends the list. */
static const struct part parts[SQL_TYPES][PARTS_MAX + 1] = {
    [SQL_NUMBER] = {{"", "bigint"}},
    [SQL_FLAG] = {{"", "boolean"}},
    [SQL_TEXT] = {{"", "text"}},
    [SQL_JSON] = {{"", "jsonb"}},
    [SQL_TIME] = {{"_at", "timestamptz"}, {"_ns", "bigint"}},
    [SQL_DURATIONS] = {{"_count", "bigint"},
                       {"_total_ns", "bigint"},
                       {"_min_ns", "bigint"},
                       {"_max_ns", "bigint"},
                       {"_p50_ns", "bigint"},
                       {"_p95_ns", "bigint"},
                       {"_p99_ns", "bigint"},
                       {"_buckets", "bigint[]"},
                       {"_bucket_counts", "bigint[]"}},
};

/* Calls `print` for each server column of the table, in order. */
static void each_column(FILE *out, const struct sql_table *table,
                        void (*print)(FILE *out, const char *name, const char *type,
                                      const struct sql_column *column))
{
    for (size_t i = 0; i < table->count; i++)
        for (const struct part *part = parts[table->columns[i].type]; part->type; part++) {
            const char *name = table->columns[i].name;
            char *full = memory_format("%s%s", name, part->suffix + (*name == '\0'));
            print(out, full, part->type, &table->columns[i]);
            free(full);
        }
}

/* Columns before those of the table. */
static const char *head_columns(const struct sql_table *table)
{
    return table->entity ? "session_id, chunk" : "session_id, chunk, closing, \"at\"";
}

static const char *head_types(const struct sql_table *table)
{
    return table->entity ? "session_id bigint NOT NULL, chunk bigint NOT NULL"
                         : "session_id bigint NOT NULL, chunk bigint NOT NULL, "
                           "closing boolean NOT NULL, \"at\" timestamptz";
}

static void print_typed(FILE *out, const char *name, const char *type,
                        const struct sql_column *column)
{
    fprintf(out, ", \"%s\" %s%s", name, type, column->role == SQL_KEY ? " NOT NULL" : "");
}

static void print_name(FILE *out, const char *name, const char *type,
                       const struct sql_column *column)
{
    (void)type, (void)column;
    fprintf(out, ", \"%s\"", name);
}

static void print_key(FILE *out, const char *name, const char *type,
                      const struct sql_column *column)
{
    if (column->role == SQL_KEY)
        print_name(out, name, type, column);
}

static void print_keys(FILE *out, const struct sql_table *table)
{
    fputs(table->entity ? "session_id" : "session_id, chunk, closing", out);
    each_column(out, table, print_key);
}

static void print_add_column(FILE *out, const char *name, const char *type,
                             const struct sql_column *column)
{
    if (column->role != SQL_KEY)
        fprintf(out, ", ADD COLUMN IF NOT EXISTS \"%s\" %s", name, type);
}

static void print_quoted(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            putc('\'', out);
        putc(*text, out);
    }
}

static void print_comments(FILE *out, const struct sql_table *table)
{
    fprintf(out, "COMMENT ON TABLE spanmill.\"%s\" IS '", table->name);
    print_quoted(out, table->words);
    fputs("';\n", out);
    for (size_t i = 0; i < table->count; i++) {
        const struct sql_column *column = &table->columns[i];
        if (!column->words)
            continue;
        const char *suffix = parts[column->type][0].suffix;
        fprintf(out, "COMMENT ON COLUMN spanmill.\"%s\".\"%s%s\" IS '", table->name, column->name,
                suffix + (*column->name == '\0'));
        print_quoted(out, column->words);
        fputs("';\n", out);
    }
}

void sql_print_create(FILE *out, const struct sql_table *table)
{
    fprintf(out, "CREATE TABLE IF NOT EXISTS spanmill.\"%s\" (%s", table->name, head_types(table));
    each_column(out, table, print_typed);
    fputs(", PRIMARY KEY (", out);
    print_keys(out, table);
    fprintf(out, "));\nALTER TABLE spanmill.\"%s\" ALTER COLUMN chunk SET NOT NULL", table->name);
    each_column(out, table, print_add_column);
    fputs(";\n", out);
    if (!table->entity)
        fprintf(out,
                "CREATE INDEX IF NOT EXISTS \"%s_at\" ON spanmill.\"%s\" USING brin (\"at\");\n",
                table->name, table->name);
    print_comments(out, table);
}

void sql_print_staging(FILE *out, const struct sql_table *table)
{
    fprintf(out, "CREATE TEMPORARY TABLE \"new_%s\" (%s", table->name, head_types(table));
    each_column(out, table, print_typed);
    fputs(") ON COMMIT DELETE ROWS;\n", out);
}

void sql_print_copy(FILE *out, const struct sql_table *table)
{
    fprintf(out, "COPY pg_temp.\"new_%s\" (%s", table->name, head_columns(table));
    each_column(out, table, print_name);
    fputs(") FROM STDIN", out);
}

static void print_set(FILE *out, const char *name, const char *type,
                      const struct sql_column *column)
{
    (void)type;
    if (column->role == SQL_FIRST)
        fprintf(out, ", \"%s\" = coalesce(t.\"%s\", excluded.\"%s\")", name, name, name);
    else if (column->role != SQL_KEY)
        fprintf(out, ", \"%s\" = excluded.\"%s\"", name, name);
}

void sql_print_upsert(FILE *out, const struct sql_table *table)
{
    fprintf(out, "INSERT INTO spanmill.\"%s\" AS t (%s", table->name, head_columns(table));
    each_column(out, table, print_name);
    fprintf(out, ") SELECT %s", head_columns(table));
    each_column(out, table, print_name);
    fprintf(out, " FROM pg_temp.\"new_%s\" ON CONFLICT (", table->name);
    print_keys(out, table);
    fputs(") DO UPDATE SET chunk = excluded.chunk", out);
    each_column(out, table, print_set);
    if (table->entity)
        fputs(" WHERE t.chunk <= excluded.chunk", out);
}

/* --- rows in COPY format --- */

static void print_text(FILE *out, struct text text)
{
    static const char escaped[256] = {['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    for (size_t i = 0; i < text.count; i++) {
        char letter = escaped[(unsigned char)text.at[i]];
        if (letter)
            putc('\\', out);
        putc(letter ? letter : text.at[i], out);
    }
}

/* The server has microseconds. Times before 1970 do not occur. */
static void print_time(FILE *out, int64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm parts_of;
    char room[32];
    gmtime_r(&seconds, &parts_of);
    strftime(room, sizeof room, "%Y-%m-%d %H:%M:%S", &parts_of);
    fprintf(out, "%s.%06d+00", room, (int)(ns % 1000000000 / 1000));
}

static void print_durations(FILE *out, const struct durations *durations)
{
    if (durations->count == 0) {
        fputs("0\t0\t\\N\t\\N\t\\N\t\\N\t\\N\t{}\t{}", out);
        return;
    }
    const int64_t numbers[] = {clamp(durations->count),
                               clamp(durations->total_ns),
                               clamp(durations->min_ns),
                               clamp(durations->max_ns),
                               clamp(durations_quantile(durations, 500)),
                               clamp(durations_quantile(durations, 950)),
                               clamp(durations_quantile(durations, 990))};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        fprintf(out, "%" PRId64 "\t", numbers[i]);
    struct durations_bucket bucket;
    const char *separator = "{";
    for (size_t at = 0; durations_next(durations, &at, &bucket); separator = ",")
        fprintf(out, "%s%d", separator, bucket.bucket);
    fputs("}\t", out);
    separator = "{";
    for (size_t at = 0; durations_next(durations, &at, &bucket); separator = ",")
        fprintf(out, "%s%" PRId64, separator, clamp(bucket.count));
    fputs("}", out);
}

static void print_value(FILE *out, enum sql_type type, const struct sql_value *value)
{
    if (!value->is_set) {
        for (const struct part *part = parts[type]; part->type; part++)
            fputs(part == parts[type] ? "\\N" : "\t\\N", out);
        return;
    }
    switch (type) {
    case SQL_NUMBER: fprintf(out, "%" PRId64, value->number); return;
    case SQL_FLAG: fputs(value->number ? "t" : "f", out); return;
    case SQL_TEXT:
    case SQL_JSON: print_text(out, value->text); return;
    case SQL_TIME:
        print_time(out, value->number);
        fprintf(out, "\t%" PRId64, value->number);
        return;
    case SQL_DURATIONS: print_durations(out, &value->durations); return;
    case SQL_TYPES: break;
    }
    assert(false); /* a type of a column */
}

static void print_row(FILE *out, const struct sql_table *table, const struct sql_row *row,
                      const struct sql_place *place)
{
    fprintf(out, "%" PRId64 "\t%" PRId64, place->session, place->chunk);
    if (!table->entity) {
        fprintf(out, "\t%s\t", place->closing ? "t" : "f");
        if (place->any_time)
            print_time(out, place->end_ns);
        else
            fputs("\\N", out);
    }
    for (size_t i = 0; i < table->count; i++) {
        putc('\t', out);
        print_value(out, table->columns[i].type, &row->values[i]);
    }
    putc('\n', out);
}

void sql_print_rows(FILE *out, const struct sql_rows *rows, const struct sql_place *place)
{
    for (size_t i = 0; i < rows->count; i++)
        print_row(out, rows->table, rows->at[i], place);
}
