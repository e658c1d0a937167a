#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "config/value.h"

struct pair {
    const char *text;
    uint64_t value;
};

Test(value, sizes_are_binary_whatever_the_unit_is_called)
{
    static const struct pair pairs[] = {
        {"0", 0},
        {"900", 900},
        {"7B", 7},
        {"512K", 512 << 10},
        {"64M", 64 << 20},
        {"64MiB", 64 << 20},
        {"64 mib", 64 << 20},
        {"1.5G", 3ull << 29},
        {"2T", 2ull << 40},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        uint64_t bytes = 1;
        struct failure why = {""};
        cr_expect(eq(int, value_bytes(pairs[i].text, &bytes, &why), STATUS_OK), "%s: %s",
                  pairs[i].text, why.text);
        cr_expect(eq(u64, bytes, pairs[i].value), "%s", pairs[i].text);
    }
}

Test(value, what_is_no_size_is_refused)
{
    static const char *const texts[] = {"",    "M",   "-1M", "64X", "64M!",
                                        "1.M", "0x1", "1e9", " 1",  "9000000T"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint64_t bytes;
        cr_expect(eq(int, value_bytes(texts[i], &bytes, NULL), STATUS_REJECT), "%s", texts[i]);
    }
}

Test(value, durations_may_have_several_parts)
{
    static const struct pair pairs[] = {
        {"0", 0},          {"0s", 0},         {"500ms", 500},
        {"30s", 30000},    {"1.5h", 5400000}, {"1h30m", 5400000},
        {"15min", 900000}, {"2d", 172800000}, {"1 h 30 m", 5400000},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        uint64_t ms = 1;
        struct failure why = {""};
        cr_expect(eq(int, value_duration_ms(pairs[i].text, &ms, &why), STATUS_OK), "%s: %s",
                  pairs[i].text, why.text);
        cr_expect(eq(u64, ms, pairs[i].value), "%s", pairs[i].text);
    }
}

Test(value, a_duration_without_a_unit_is_refused)
{
    static const char *const texts[] = {"", "30", "s", "30x", "-1s", "1h30", "1..5s", "10us", "00"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint64_t ms;
        cr_expect(eq(int, value_duration_ms(texts[i], &ms, NULL), STATUS_REJECT), "%s", texts[i]);
    }
}

Test(value, what_is_written_is_read_back)
{
    for (uint64_t value = 1; value < UINT64_C(1) << 52; value = value * 3 + value % 7) {
        char room[VALUE_TEXT_MAX];
        uint64_t back = 0;
        value_put_bytes(value, room);
        cr_assert(eq(int, value_bytes(room, &back, NULL), STATUS_OK), "%s", room);
        cr_assert(eq(u64, back, value), "%s", room);
        value_put_duration_ms(value, room);
        cr_assert(eq(int, value_duration_ms(room, &back, NULL), STATUS_OK), "%s", room);
        cr_assert(eq(u64, back, value), "%s", room);
    }
    char room[VALUE_TEXT_MAX];
    value_put_bytes(64 << 20, room);
    cr_expect(eq(str, room, (char *)"64M"));
    value_put_duration_ms(5400000, room);
    cr_expect(eq(str, room, (char *)"1h30m"));
}

Test(value, flags_and_words)
{
    bool flag = false;
    cr_expect(eq(int, value_flag("Yes", &flag, NULL), STATUS_OK));
    cr_expect(flag);
    cr_expect(eq(int, value_flag("off", &flag, NULL), STATUS_OK));
    cr_expect(not(flag));
    cr_expect(eq(int, value_flag("maybe", &flag, NULL), STATUS_REJECT));

    static const char *const words[] = {"error", "warning", "info", NULL};
    size_t index = 9;
    struct failure why = {""};
    cr_expect(eq(int, value_word("info", words, &index, &why), STATUS_OK));
    cr_expect(eq(sz, index, 2));
    cr_expect(eq(int, value_word("waring", words, &index, &why), STATUS_REJECT));
    cr_expect(eq(str, why.text, (char *)"unknown `waring`; `warning` is the nearest"));
    cr_expect(eq(int, value_word("x", words, &index, &why), STATUS_REJECT));
    cr_expect(eq(str, why.text, (char *)"unknown `x`; known: error, warning, info"));
}

Test(value, integers_are_digits_alone)
{
    long long integer = 0;
    cr_expect(eq(int, value_integer("-17", &integer, NULL), STATUS_OK));
    cr_expect(integer == -17);
    cr_expect(eq(int, value_integer("0x10", &integer, NULL), STATUS_REJECT));
    cr_expect(eq(int, value_integer("", &integer, NULL), STATUS_REJECT));
    cr_expect(eq(int, value_integer("99999999999999999999", &integer, NULL), STATUS_REJECT));
}
