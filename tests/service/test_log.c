#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "service/log.h"

/* The part of the line after its time; the caller frees *whole. */
#define SAID(whole, level_, ...)                                                                   \
    do {                                                                                           \
        size_t size_;                                                                              \
        struct log log = {open_memstream(&(whole), &size_), "mill", LOG_INFO};                     \
        log_say(&log, level_, __VA_ARGS__);                                                        \
        fclose(log.file);                                                                          \
    } while (0)

Test(log, a_line_has_time_level_program_event_and_fields)
{
    char *line = NULL;
    SAID(line, LOG_WARNING, "chunk parked", log_text("chunk", "web1/17"), log_integer("try", 5),
         log_real("seconds", 1.23456));
    cr_assert(gt(sz, strlen(line), 29));
    cr_expect(line[4] == '=' && line[15] == 'T' && line[28] == 'Z', "%s", line);
    cr_expect(eq(str, line + 29,
                 (char *)" level=warning program=mill event=\"chunk parked\" chunk=web1/17 try=5 "
                         "seconds=1.235\n"));
    free(line);
}

Test(log, what_is_finer_than_the_level_is_not_said)
{
    char *line = NULL;
    SAID(line, LOG_DEBUG, "noise");
    cr_expect(zero(str, line));
    free(line);
    SAID(line, LOG_INFO, "news");
    cr_expect(strstr(line, " event=news\n") != NULL, "%s", line);
    free(line);
}

Test(log, texts_cannot_break_out_of_their_line)
{
    char *line = NULL;
    SAID(line, LOG_ERROR, "x", log_text("a", "two\nlines"), log_text("b", "\"q\" \\ \x1b[31m"),
         log_text("c", ""), log_text("d", NULL), log_text("e", "k=v"),
         log_text("f", "gr\xc3\xbc\xc3\x9f"));
    cr_expect(eq(str, strstr(line, " a="),
                 (char *)" a=\"two\\nlines\" b=\"\\\"q\\\" \\\\ \\u001b[31m\" c=\"\" d=- e=\"k=v\" "
                         "f=\"gr\xc3\xbc\xc3\x9f\"\n"));
    free(line);
}

/* --- a strict parser of logfmt: one space between pairs, keys without special characters, values
 * plain or JSON strings --- */

enum { PAIRS_MAX = 16, VALUE_MAX = 256 };

struct pair {
    char key[VALUE_MAX], value[VALUE_MAX];
};

static bool ends_key(char letter)
{
    return (unsigned char)letter <= ' ' || letter == '=' || letter == '"' || letter == 0x7f;
}

static const char *read_escape(const char *at, char **out)
{
    static const char signs[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    if (*at == 'u') {
        char digits[5] = {at[1], at[2], at[3], at[4], '\0'};
        cr_assert(strspn(digits, "0123456789abcdef") == 4, "%s", at);
        *out += utf8_put((uint32_t)strtoul(digits, NULL, 16), *out);
        return at + 5;
    }
    const char *sign = strchr(signs, *at);
    cr_assert(sign && *at, "no escape of JSON: %s", at);
    *(*out)++ = means[sign - signs];
    return at + 1;
}

static const char *read_quoted(const char *at, char *out)
{
    while (*at != '"') {
        cr_assert(ge(int, (unsigned char)*at, ' '), "a control in: %s", at);
        if (*at == '\\')
            at = read_escape(at + 1, &out);
        else
            *out++ = *at++;
    }
    *out = '\0';
    return at + 1;
}

static const char *read_plain(const char *at, char *out)
{
    while (*at && *at != ' ' && *at != '\n') {
        cr_assert(not(ends_key(*at) || *at == '\\'), "not plain: %s", at);
        *out++ = *at++;
    }
    *out = '\0';
    return at;
}

static size_t read_line(const char *line, struct pair pairs[PAIRS_MAX])
{
    size_t count = 0;
    for (const char *at = line;; at++) {
        cr_assert(lt(sz, count, PAIRS_MAX));
        struct pair *pair = &pairs[count++];
        size_t length = 0;
        for (; !ends_key(*at); at++)
            pair->key[length++] = *at;
        pair->key[length] = '\0';
        cr_assert(gt(sz, length, 0), "a key is missing: %s", at);
        cr_assert(eq(chr, *at++, '='), "%s", line);
        at = *at == '"' ? read_quoted(at + 1, pair->value) : read_plain(at, pair->value);
        if (*at == '\n') {
            cr_assert(at[1] == '\0', "more than a line: %s", line);
            return count;
        }
        cr_assert(eq(chr, *at, ' '), "%s", line);
    }
}

Test(log, whatever_is_said_is_read_again_by_a_strict_reader)
{
    static const char *const values[] = {
        "",
        " ",
        "plain",
        "a b",
        "\"",
        "\\",
        "\"quoted\" and \\back\\",
        "=",
        "k=v k2=v2",
        "ends with \\",
        "two\nlines\r\n\ttabs",
        "\x01\x02\x1b[31m\x7f\b\f\v",
        "gr\u00fc\u00df \u6f22\u5b57 \U0001f600",
        "\xc2\x85\xc2\x9b"
        "31m",
        "level=error event=\"forged\"\ntime=2026",
        "'single'",
        "{\"json\": [1]}",
        "\u202eturned",
        "-",
        "null",
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char *line = NULL;
        struct pair pairs[PAIRS_MAX];
        SAID(line, LOG_ERROR, values[i], log_text("value", values[i]), log_integer("n", INT64_MIN),
             log_text("last", values[i]));
        cr_assert(eq(sz, read_line(line, pairs), 7), "%s", line);
        cr_expect(eq(str, pairs[0].key, (char *)"time"));
        for (size_t j = 3; j < 7; j++)
            if (j != 5)
                cr_expect(eq(str, pairs[j].value, (char *)(uintptr_t)values[i]), "%s", line);
        cr_expect(eq(str, pairs[5].value, (char *)"-9223372036854775808"));
        free(line);
    }
}

Test(log, bytes_that_are_no_utf8_and_keys_that_are_none_become_some)
{
    char *line = NULL;
    struct pair pairs[PAIRS_MAX];
    SAID(line, LOG_ERROR, "x", log_text("a", "\xff\xc3(\xe2\x82"), log_text("b c", "1"),
         log_text("d=\"e", "2"), log_text("", "3"), log_text("\n", "4"));
    cr_assert(eq(sz, read_line(line, pairs), 9), "%s", line);
    cr_expect(eq(str, pairs[4].value, (char *)"\ufffd\ufffd(\ufffd"));
    static const char *const keys[] = {"b_c", "d__e", "_", "_"};
    for (size_t i = 0; i < 4; i++)
        cr_expect(eq(str, pairs[5 + i].key, (char *)(uintptr_t)keys[i]));
    free(line);
}

Test(log, a_programs_name_with_a_space_is_one_value)
{
    char *line = NULL;
    size_t size;
    struct log log = {open_memstream(&line, &size), "spanmill results", LOG_INFO};
    log_say(&log, LOG_INFO, "x");
    fclose(log.file);
    struct pair pairs[PAIRS_MAX];
    cr_assert(eq(sz, read_line(line, pairs), 4));
    cr_expect(eq(str, pairs[2].value, (char *)"spanmill results"));
    free(line);
}
