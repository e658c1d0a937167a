#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/duration_text.h"

Test(duration_text, a_duration_is_rounded_to_the_unit_that_is_asked_for)
{
    static const struct {
        const char *text;
        uint64_t unit, value;
    } good[] = {
        {"0", 1, 0},
        {"17ns", 1, 17},
        {"1.5us", 1, 1500},
        {"1h30m", 1, 5400000000000},
        {"1 H 30 Min ", 1, 5400000000000},
        {"0.1s 1ms", 1, 101000000},
        {"1.4999ms", 1000000, 1},
        {"1.5ms", 1000000, 2},
        {"4503599627370497d", 86400000000000, 4503599627370497},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t value = 99;
        cr_expect(duration_read(text_of(good[i].text), good[i].unit, &value), "%s", good[i].text);
        cr_expect(eq(u64, value, good[i].value), "%s", good[i].text);
    }
}

Test(duration_text, what_is_no_duration_is_refused)
{
    static const char *const bad[] = {
        "",    " ",   "1",    "s",    "1x",  "1.s",   ".5s", "-1s",
        "1s2", "1us", "10ns", "1e3s", " 1s", "1..5s", "00",  "999999999999999999d"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t value = 0;
        cr_expect(not(duration_read(text_of(bad[i]), 1000000, &value)), "%s", bad[i]);
    }
}
