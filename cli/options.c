#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "spanmill_version.h"

/* What getopt_long() returns for row i: ROW_FIRST + i; letters are below that. */
enum { ROW_FIRST = 256, HELP_COLUMN = 24 };

static enum status take_nothing(void *target, const char *argument, struct failure *why)
{
    (void)target;
    (void)argument;
    (void)why;
    return STATUS_OK;
}

/* Rows that every table has, behind its own. */
static const struct option_row common_rows[] = {
    {"help", 'h', NULL, "show this", take_nothing},
    {"version", '\0', NULL, "show the version", take_nothing},
};

enum { COMMON_HELP, COMMON_VERSION, COMMON_COUNT };

static size_t row_count(const struct option_table *table)
{
    return table->count + COMMON_COUNT;
}

static const struct option_row *row_at(const struct option_table *table, size_t index)
{
    return index < table->count ? &table->rows[index] : &common_rows[index - table->count];
}

void options_version(FILE *out)
{
    fprintf(out, "spanmill %s\n", SPANMILL_VERSION);
}

/* `text` with each line but the first indented by `indent`. */
static void put_indented(FILE *out, const char *text, int indent)
{
    for (; *text; text++) {
        fputc(*text, out);
        if (*text == '\n')
            fprintf(out, "%*s", indent, "");
    }
    fputc('\n', out);
}

static void put_help_row(FILE *out, const struct option_row *row)
{
    char letter[8] = "    ";
    if (row->letter)
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    char left[64];
    int width = snprintf(left, sizeof left, "  %s--%s%s%s", letter, row->name,
                         row->argument ? " " : "", row->argument ? row->argument : "");
    fputs(left, out);
    if (width >= HELP_COLUMN)
        fprintf(out, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(out, "%*s", HELP_COLUMN - width, "");
    put_indented(out, row->help, HELP_COLUMN);
}

void options_help(const struct option_table *table, FILE *out)
{
    fprintf(out, "Usage: %s [OPTION]... %s\n%s\n\n", table->command, table->operands, table->about);
    for (size_t i = 0; i < row_count(table); i++)
        put_help_row(out, row_at(table, i));
    if (table->examples) {
        fputs("\nExamples:\n  ", out);
        put_indented(out, table->examples, 2);
    }
}

enum options_outcome options_wrong(const struct option_table *table, FILE *err, const char *format,
                                   ...)
{
    fprintf(err, "%s: ", table->command);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(err, format, arguments);
    va_end(arguments);
    fprintf(err, "\nTry `%s --help`.\n", table->command);
    return OPTIONS_WRONG;
}

/* A table as getopt_long() wants it; both are the caller's. */
static void make_getopt(const struct option_table *table, struct option **longs, char **letters)
{
    *longs = memory_new((row_count(table) + 1) * sizeof **longs);
    *letters = memory_new(2 * row_count(table) + 2);
    char *end = *letters;
    *end++ = ':'; /* missing arguments are told apart from unknown options */
    for (size_t i = 0; i < row_count(table); i++) {
        const struct option_row *row = row_at(table, i);
        (*longs)[i] = (struct option){row->name, row->argument ? required_argument : no_argument,
                                      NULL, ROW_FIRST + (int)i};
        if (row->letter)
            *end++ = row->letter;
        if (row->letter && row->argument)
            *end++ = ':';
    }
}

/* The row that getopt_long() means by `value`, or NULL. */
static const struct option_row *row_of(const struct option_table *table, int value)
{
    for (size_t i = 0; i < row_count(table); i++) {
        const struct option_row *row = row_at(table, i);
        if (value == ROW_FIRST + (int)i || (row->letter && value == row->letter))
            return row;
    }
    return NULL;
}

/* The long options that begin with `begin`, as a list for people. */
static size_t list_beginning(const struct option_table *table, struct text begin, char *list,
                             size_t room)
{
    size_t count = 0;
    list[0] = '\0';
    for (size_t i = 0; i < row_count(table); i++) {
        const char *name = row_at(table, i)->name;
        if (strncmp(name, begin.at, begin.count) != 0)
            continue;
        size_t used = strlen(list);
        snprintf(list + used, room - used, "%s--%s", count ? ", " : "", name);
        count++;
    }
    return count;
}

static enum options_outcome unknown_long(const struct option_table *table, const char *written,
                                         FILE *err)
{
    struct text name = {written + 2, strcspn(written + 2, "=")};
    char list[256];
    if (name.count && list_beginning(table, name, list, sizeof list) > 1)
        return options_wrong(table, err, "option `--%.*s` may mean %s", (int)name.count, name.at,
                             list);
    const char **names = memory_new(row_count(table) * sizeof *names);
    for (size_t i = 0; i < row_count(table); i++)
        names[i] = row_at(table, i)->name;
    const char *nearest = nearest_word(name, names, row_count(table));
    free(names);
    if (nearest)
        return options_wrong(table, err, "unknown option `--%.*s`; `--%s` is the nearest",
                             (int)name.count, name.at, nearest);
    return options_wrong(table, err, "unknown option `--%.*s`", (int)name.count, name.at);
}

/* After '?' or ':': `row` is the one of optopt, NULL if there is none. */
static enum options_outcome not_understood(const struct option_table *table,
                                           const struct option_row *row, int value, char **argv,
                                           FILE *err)
{
    if (row && value == ':')
        return options_wrong(table, err, "--%s: wants its argument, %s", row->name, row->argument);
    if (row)
        return options_wrong(table, err, "--%s: takes no argument", row->name);
    if (optopt)
        return options_wrong(table, err, "unknown option `-%c`", optopt);
    return unknown_long(table, argv[optind - 1], err);
}

/* One that getopt_long() understood. */
static enum options_outcome take_row(const struct option_table *table, const struct option_row *row,
                                     void *target, FILE *out, FILE *err)
{
    if (row == &common_rows[COMMON_HELP]) {
        options_help(table, out);
        return OPTIONS_DONE;
    }
    if (row == &common_rows[COMMON_VERSION]) {
        options_version(out);
        return OPTIONS_DONE;
    }
    struct failure why = {""};
    if (row->take(target, optarg, &why) != STATUS_OK)
        return options_wrong(table, err, "--%s: %s", row->name, why.text);
    return OPTIONS_RUN;
}

enum options_outcome options_parse(const struct option_table *table, int argc, char **argv,
                                   void *target, int *first_operand, FILE *out, FILE *err)
{
    struct option *longs = NULL;
    char *letters = NULL;
    make_getopt(table, &longs, &letters);
    enum options_outcome outcome = OPTIONS_RUN;
    optind = 0; /* glibc: begin anew, also where an earlier parse stopped */
    opterr = 0;
    int value;
    while (outcome == OPTIONS_RUN &&
           (value = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        bool understood = value != ':' && value != '?';
        const struct option_row *row = row_of(table, understood ? value : optopt);
        outcome = understood && row ? take_row(table, row, target, out, err)
                                    : not_understood(table, row, value, argv, err);
    }
    *first_operand = optind;
    free(longs);
    free(letters);
    return outcome;
}

enum status option_integer(const char *argument, long long least, long long most, long long *out,
                           struct failure *why)
{
    char *end = NULL;
    errno = 0;
    *out = strtoll(argument, &end, 10);
    if (argument[strspn(argument, "-0123456789")] != '\0' || end == argument || *end != '\0')
        return fail(why, STATUS_REJECT, "`%s` is not an integer", argument);
    if (errno == ERANGE || *out < least || *out > most)
        return fail(why, STATUS_REJECT, "%s is not between %lld and %lld", argument, least, most);
    return STATUS_OK;
}

enum status option_word(const char *argument, const char *const *words, size_t count, size_t *out,
                        struct failure *why)
{
    char list[256] = "";
    for (size_t i = 0; i < count; i++) {
        if (strcmp(argument, words[i]) == 0) {
            *out = i;
            return STATUS_OK;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
    }
    const char *nearest = nearest_word(text_of(argument), words, count);
    if (nearest)
        return fail(why, STATUS_REJECT, "unknown `%s`; `%s` is the nearest", argument, nearest);
    return fail(why, STATUS_REJECT, "unknown `%s`; known: %s", argument, list);
}
