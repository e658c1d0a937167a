#include <criterion/criterion.h>
#include <stdlib.h>

#include "export/output/sql_results.h"
#include "export/output/sql_schema.h"
#include "export/output/sql_table.h"

enum { KEY, NAME, SUM, SPREAD };
static const struct sql_column columns[] = {{"key", SQL_TEXT, SQL_KEY, NULL},
                                            {"name", SQL_TEXT, SQL_NEWEST, "it's a name"},
                                            {"sum", SQL_NUMBER, SQL_SUM, NULL},
                                            {"", SQL_DURATIONS, SQL_SUM, NULL}};
static const struct sql_table table = {"things", "words", false, columns, 4};

static char *printed(const struct sql_rows *rows)
{
    const struct sql_place place = {
        .session = -5, .chunk = 7, .any_time = true, .end_ns = 1795388976258944395};
    char *text;
    size_t count;
    FILE *out = sql_open_text(&text, &count);
    sql_print_rows(out, rows, &place);
    fclose(out);
    return text;
}

static struct sql_value *row_of(struct sql_rows *rows, const char *key)
{
    const struct sql_value keys[] = {sql_text(text_of(key))};
    return sql_rows_at(rows, keys);
}

Test(sql_table, rows_of_one_key_add_up_and_sums_stay_in_range)
{
    struct arena arena = {.first = NULL};
    struct sql_rows rows = {.table = &table, .arena = &arena};
    sql_add(&row_of(&rows, "a")[SUM], 2);
    sql_add(&row_of(&rows, "a")[SUM], 3);
    sql_add(&row_of(&rows, "b")[SUM], UINT64_MAX);
    sql_add(&row_of(&rows, "b")[SUM], 1);
    for (uint64_t ns = 1; ns <= 4; ns++)
        durations_add(&row_of(&rows, "a")[SPREAD].durations, ns * 1000);
    char *text = printed(&rows);
    cr_assert_str_eq(
        text,
        "-5\t7\tf\t2026-11-22 23:09:36.258944+00\ta\t\\N\t5\t4\t10000\t1000\t4000\t1961\t4000\t4000"
        "\t{79,87,92,95}\t{1,1,1,1}\n"
        "-5\t7\tf\t2026-11-22 23:09:36.258944+00\tb\t\\N\t9223372036854775807"
        "\t0\t0\t\\N\t\\N\t\\N\t\\N\t\\N\t{}\t{}\n");
    free(text);
    sql_rows_clear(&rows);
    arena_clear(&arena);
}

Test(sql_table, text_is_what_the_server_takes)
{
    struct arena arena = {.first = NULL};
    struct sql_rows rows = {.table = &table, .arena = &arena};
    struct sql_value *row = row_of(&rows, "tab\there");
    row[NAME] = sql_text(sql_clean(&arena, (struct text){"a\0b\\\n\r\xff", 7}));
    char *text = printed(&rows);
    cr_assert(strstr(text, "\ttab\\there\tab\\\\\\n\\r\xef\xbf\xbd\t0\t"), "%s", text);
    free(text);
    sql_rows_clear(&rows);
    arena_clear(&arena);
}

Test(sql_table, keys_are_cut_between_characters_and_are_one_then)
{
    struct arena arena = {.first = NULL};
    struct sql_rows rows = {.table = &table, .arena = &arena};
    char key[400];
    for (size_t i = 0; i + 2 < sizeof key; i += 2)
        memcpy(&key[i], "\xc3\xa9", 2);
    key[sizeof key - 2] = '\0';
    sql_add(&row_of(&rows, key)[SUM], 1);
    key[sizeof key - 4] = '\0';
    struct sql_value *row = row_of(&rows, key);
    cr_assert_eq(rows.count, 1);
    cr_assert_eq(row[KEY].text.count, 254);
    sql_rows_clear(&rows);
    arena_clear(&arena);
}

Test(sql_table, each_analysis_has_a_table_and_no_two_have_a_name)
{
    struct sql_results results;
    sql_results_init(&results);
    size_t analyses = 0;
    for (size_t i = 0; i < results.count; i++) {
        analyses += strcmp(results.tables[i]->name, "softirq") == 0 ||
                    strcmp(results.tables[i]->name, "irq") == 0;
        for (size_t j = 0; j < i; j++)
            cr_assert_str_neq(results.tables[i]->name, results.tables[j]->name);
    }
    cr_assert_eq(analyses, 2);
    uint64_t all = sql_schema_tables(results.tables, results.count);
    cr_assert_neq(all, sql_schema_tables(results.tables, results.count - 1));
    sql_results_clear(&results);
}
