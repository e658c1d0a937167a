#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/render/quantity.h"

#define EXPECT_TEXT(expression, expected)                                                          \
    do {                                                                                           \
        struct quantity found = expression;                                                        \
        cr_expect(eq(str, found.text, expected));                                                  \
    } while (0)

Test(quantity, counts_have_separators)
{
    EXPECT_TEXT(quantity_count(0), "0");
    EXPECT_TEXT(quantity_count(999), "999");
    EXPECT_TEXT(quantity_count(1000), "1,000");
    EXPECT_TEXT(quantity_count(48211903), "48,211,903");
    EXPECT_TEXT(quantity_count(UINT64_MAX), "18,446,744,073,709,551,615");
}

Test(quantity, bytes_have_binary_units_and_three_digits)
{
    EXPECT_TEXT(quantity_bytes(0), "0 B");
    EXPECT_TEXT(quantity_bytes(999), "999 B");
    EXPECT_TEXT(quantity_bytes(1000), "0.98 KiB");
    EXPECT_TEXT(quantity_bytes(1024), "1.00 KiB");
    EXPECT_TEXT(quantity_bytes(419430400), "400 MiB");
    EXPECT_TEXT(quantity_bytes(12687770), "12.1 MiB");
    EXPECT_TEXT(quantity_bytes(1048575), "1.00 MiB");
    EXPECT_TEXT(quantity_bytes(UINT64_MAX), "16.0 EiB");
}

Test(quantity, small_shares_are_not_none)
{
    EXPECT_TEXT(quantity_percent(0), "0.00 %");
    EXPECT_TEXT(quantity_percent(0.00001), "<0.01 %");
    EXPECT_TEXT(quantity_percent(0.0002), "0.02 %");
    EXPECT_TEXT(quantity_percent(0.5), "50.0 %");
    EXPECT_TEXT(quantity_percent(1), "100.0 %");
}

Test(quantity, the_sizes_of_a_column_have_one_unit)
{
    EXPECT_TEXT(quantity_bytes_in(22630, quantity_bytes_unit(1, 22630)), "22,630 B");
    EXPECT_TEXT(quantity_bytes_in(683, quantity_bytes_unit(683, 263168)), "0.67 KiB");
    EXPECT_TEXT(quantity_bytes_in(263168, quantity_bytes_unit(683, 263168)), "257 KiB");
    EXPECT_TEXT(quantity_bytes_in(4, quantity_bytes_unit(4, 13672448)), "<0.01 KiB");
    EXPECT_TEXT(quantity_bytes_in(13672448, quantity_bytes_unit(4, 13672448)), "13,352 KiB");
    EXPECT_TEXT(quantity_bytes_in(0, quantity_bytes_unit(0, 0)), "0 B");
}

Test(quantity, durations_of_a_column_have_the_greatest_unit_that_shows_all)
{
    struct duration_unit unit = duration_unit_of(1210000000, 10840000000);
    EXPECT_TEXT(quantity_in_column(10840000000, unit), "10.8 s");
    EXPECT_TEXT(quantity_in_column(1210000000, unit), "1.21 s");

    unit = duration_unit_of(6700, 9000000);
    EXPECT_TEXT(quantity_in_column(6700, unit), "6.70 us");
    EXPECT_TEXT(quantity_in_column(9000000, unit), "9,000 us");

    unit = duration_unit_of(6700, 26933800000);
    EXPECT_TEXT(quantity_in_column(6700, unit), "0.007 ms");
    EXPECT_TEXT(quantity_in_column(12345678, unit), "12.3 ms");
    EXPECT_TEXT(quantity_in_column(257133800, unit), "257 ms");
    EXPECT_TEXT(quantity_in_column(26933800000, unit), "26,934 ms");
    EXPECT_TEXT(quantity_in_column(0, unit), "0 ms");

    EXPECT_TEXT(quantity_in_column(17, duration_unit_of(17, 999)), "17 ns");
    EXPECT_TEXT(quantity_in_column(0, duration_unit_of(0, 0)), "0 ns");
    EXPECT_TEXT(quantity_in_column(999999999, duration_unit_of(999999999, 5000000000)), "1.000 s");
}

Test(quantity, durations_that_the_unit_does_not_show_have_their_own)
{
    struct duration_unit unit = duration_unit_of(400, 5120000000);
    EXPECT_TEXT(quantity_in_column(5120000000, unit), "5,120 ms");
    EXPECT_TEXT(quantity_in_column(400, unit), "400 ns");
    unit = duration_unit_of(540, 118000000);
    EXPECT_TEXT(quantity_about(540, unit), "~0.54 us");
    EXPECT_TEXT(quantity_in_column(118000000, unit), "118 ms");
    unit = duration_unit_of(1500, 100000000000);
    EXPECT_TEXT(quantity_in_column(1500, unit), "0.002 ms");
    EXPECT_TEXT(quantity_in_column(100000000000, unit), "100 s");
}

Test(quantity, a_greater_duration_is_not_shown_as_a_smaller_one)
{
    for (unsigned i = 0; i < DURATION_UNITS; i++) {
        double last = 0;
        struct duration_unit unit = {i, 100000};
        for (uint64_t ns = 1; ns < UINT64_C(1) << 50; ns += ns / 1009 + 1) {
            char number[40], *to = number;
            struct quantity exact = quantity_in_column(ns, unit), about = quantity_about(ns, unit);
            for (const char *from = exact.text; *from != ' '; from++)
                if (*from != ',')
                    *to++ = *from;
            *to = '\0';
            const char *name = strchr(exact.text, ' ') + 1;
            double shown = atof(number) * (*name == 'n'   ? 1
                                           : *name == 'u' ? 1e3
                                           : *name == 'm' ? 1e6
                                                          : 1e9);
            cr_assert(shown >= last * (1 - 1e-9), "%s after %g ns", exact.text, last);
            cr_assert(strncmp(about.text + 1, exact.text, strspn(about.text + 1, "0123456789,")) ==
                      0);
            last = shown;
        }
    }
}

Test(quantity, an_estimate_has_the_digits_that_it_has_in_the_unit_of_its_column)
{
    EXPECT_TEXT(quantity_about(3100000, (struct duration_unit){UNIT_US, 100000}), "~3,100 us");
    EXPECT_TEXT(quantity_about(3100000, (struct duration_unit){UNIT_MS, 100000}), "~3.1 ms");
    EXPECT_TEXT(quantity_about(3000000, (struct duration_unit){UNIT_MS, 100000}), "~3 ms");
    EXPECT_TEXT(quantity_about(30000000, (struct duration_unit){UNIT_MS, 100000}), "~30 ms");
    EXPECT_TEXT(quantity_about(48000, (struct duration_unit){UNIT_MS, 100000}), "~0.048 ms");
    EXPECT_TEXT(quantity_about(48, (struct duration_unit){UNIT_MS, 100000}), "~48 ns");
    EXPECT_TEXT(quantity_about(48, (struct duration_unit){UNIT_NS, 100000}), "~48 ns");
    EXPECT_TEXT(quantity_about(26900000000, (struct duration_unit){UNIT_MS, 100000}), "~26,900 ms");
}

Test(quantity, a_sum_has_five_digits_in_the_unit_of_the_greatest)
{
    struct duration_unit unit = duration_unit_of_sums(1323511000000);
    EXPECT_TEXT(quantity_sum(1323511000000, unit), "1,323.5 s");
    EXPECT_TEXT(quantity_sum(463000000, unit), "0.463 s");
    EXPECT_TEXT(quantity_sum(3741962, unit), "0.004 s");
    EXPECT_TEXT(quantity_sum(400000, unit), "<0.001 s");
    EXPECT_TEXT(quantity_sum(1999999999, unit), "2.000 s");
    EXPECT_TEXT(quantity_sum(999, duration_unit_of_sums(999)), "999 ns");
}

Test(quantity, a_lone_duration_has_three_digits_in_its_own_unit)
{
    EXPECT_TEXT(quantity_lone_duration(31400000000), "31.4 s");
    EXPECT_TEXT(quantity_lone_duration(999), "999 ns");
    EXPECT_TEXT(quantity_lone_duration(1000), "1.00 us");
    EXPECT_TEXT(quantity_lone_duration(0), "0 ns");
    EXPECT_TEXT(quantity_lone_duration(UINT64_MAX), "18,446,744,074 s");
}

Test(quantity, a_time_is_of_the_local_day)
{
    setenv("TZ", "UTC", 1);
    tzset();
    EXPECT_TEXT(quantity_time(1795388976258944395), "23:09:36.258944395");
    EXPECT_TEXT(quantity_time(-1), "23:59:59.999999999");
    setenv("TZ", "TST-2", 1);
    tzset();
    EXPECT_TEXT(quantity_time(1795388976258944395), "01:09:36.258944395");
}
