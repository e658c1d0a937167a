#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "base/utf8.h"

/* Splits `bytes` into characters and joins them again. */
static void expect_taken(const char *bytes, const char *expected)
{
    struct text rest = text_of(bytes);
    char whole[64];
    size_t count = 0;
    while (rest.count)
        count += utf8_put(utf8_take(&rest), whole + count);
    whole[count] = '\0';
    cr_expect(eq(str, whole, (char *)(uintptr_t)expected));
}

Test(utf8, what_is_utf8_stays)
{
    expect_taken("a\u00e9\u20ac\U0001f600z", "a\u00e9\u20ac\U0001f600z");
}

Test(utf8, each_longest_part_of_a_character_becomes_one_replacement)
{
    expect_taken("a\xe2\x82", "a\ufffd");
    expect_taken("\xe2\x82z", "\ufffdz");
    expect_taken("\xff\xfe", "\ufffd\ufffd");
    expect_taken("\xc0\xaf", "\ufffd\ufffd");
    expect_taken("\xed\xa0\x80", "\ufffd\ufffd\ufffd");
    expect_taken("\xf0\x80\x80\x80", "\ufffd\ufffd\ufffd\ufffd");
    expect_taken("\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd");
}

Test(utf8, width_counts_columns_and_not_bytes)
{
    cr_expect(eq(sz, utf8_width(text_of("abc")), 3));
    cr_expect(eq(sz, utf8_width(text_of("n\u00e4h")), 3));
    cr_expect(eq(sz, utf8_width(text_of("e\u0301")), 1));
    cr_expect(eq(sz, utf8_width(text_of("\u6f22\u5b57")), 4));
    cr_expect(eq(sz, utf8_width(text_of("\U0001f600")), 2));
    cr_expect(eq(sz, utf8_width(text_of("")), 0));
}

Test(utf8, a_name_cannot_steer_a_terminal)
{
    char *printable = utf8_printable(text_of("a\033[31m\n\xff\u202ez\x7f"));
    cr_expect(eq(str, printable, "a\\x1b[31m\\x0a\ufffd\\u202ez\\x7f"));
    free(printable);
}
