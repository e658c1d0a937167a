#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
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

Test(quantity, a_column_has_one_unit_the_one_of_its_greatest_if_it_shows_its_least)
{
    struct duration_scale scale = duration_scale_of(1210000000, 10840000000);
    EXPECT_TEXT(quantity_duration(10840000000, scale), "10.84 s");
    EXPECT_TEXT(quantity_duration(1210000000, scale), "1.21 s");

    scale = duration_scale_of(400, 48021300);
    EXPECT_TEXT(quantity_duration(400, scale), "0.400 us");
    EXPECT_TEXT(quantity_duration(48021300, scale), "48,021.300 us");

    scale = duration_scale_of(12800, 257133800);
    EXPECT_TEXT(quantity_duration(12800, scale), "0.013 ms");
    EXPECT_TEXT(quantity_duration(257133800, scale), "257.134 ms");

    scale = duration_scale_of(17, 999);
    EXPECT_TEXT(quantity_duration(17, scale), "17 ns");
    scale = duration_scale_of(0, 0);
    EXPECT_TEXT(quantity_duration(0, scale), "0 ns");
}

Test(quantity, a_column_of_a_wide_range_says_what_it_does_not_show)
{
    struct duration_scale scale = duration_scale_of(400, 5120000000);
    EXPECT_TEXT(quantity_duration(5120000000, scale), "5,120.000 ms");
    EXPECT_TEXT(quantity_duration(400, scale), "<0.001 ms");
    EXPECT_TEXT(quantity_duration(0, scale), "0.000 ms");
}

Test(quantity, an_estimate_has_the_digits_that_it_has_in_the_unit_of_its_column)
{
    EXPECT_TEXT(quantity_about(3100000, (struct duration_scale){1, 0, false}), "~3,100 us");
    EXPECT_TEXT(quantity_about(3100000, (struct duration_scale){2, 0, false}), "~3.1 ms");
    EXPECT_TEXT(quantity_about(48000, (struct duration_scale){2, 0, false}), "~0.048 ms");
    EXPECT_TEXT(quantity_about(48, (struct duration_scale){2, 0, false}), "<0.001 ms");
    EXPECT_TEXT(quantity_about(48, (struct duration_scale){0, 0, false}), "~48 ns");
}

Test(quantity, a_column_shows_three_digits_and_great_values_in_a_greater_unit)
{
    struct duration_scale scale = duration_scale_of(400, 200211900);
    EXPECT_TEXT(quantity_in_column(400, scale), "0.400 us");
    EXPECT_TEXT(quantity_in_column(12345, scale), "12.3 us");
    EXPECT_TEXT(quantity_in_column(9876543, scale), "9,877 us");
    EXPECT_TEXT(quantity_in_column(27097430, scale), "27.1 ms");
    EXPECT_TEXT(quantity_in_column(200211900, scale), "200 ms");
    EXPECT_TEXT(quantity_about(27100000, scale), "~27.1 ms");
}

Test(quantity, a_summand_has_five_digits)
{
    struct duration_scale scale = duration_scale_below(1323511000000);
    EXPECT_TEXT(quantity_summand(1323511000000, scale), "1,323.5 s");
    EXPECT_TEXT(quantity_summand(463000000, scale), "0.463 s");
    EXPECT_TEXT(quantity_summand(999, duration_scale_below(999)), "999 ns");
}

Test(quantity, columns_to_be_compared_have_the_unit_of_the_greatest)
{
    EXPECT_TEXT(quantity_duration(253469207531, duration_scale_below(253469207531)), "253.469 s");
    EXPECT_TEXT(quantity_duration(3741962, duration_scale_below(253469207531)), "0.004 s");
    EXPECT_TEXT(quantity_duration(7, duration_scale_below(999)), "7 ns");
}

Test(quantity, rounding_carries)
{
    EXPECT_TEXT(quantity_duration(999999999, (struct duration_scale){3, 2, false}), "1.00 s");
    EXPECT_TEXT(quantity_duration(1994999999, (struct duration_scale){3, 2, false}), "1.99 s");
    EXPECT_TEXT(quantity_lone_duration(31400000000), "31.4 s");
    EXPECT_TEXT(quantity_lone_duration(999), "999 ns");
    EXPECT_TEXT(quantity_lone_duration(1000), "1.00 us");
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

Test(quantity, of_columns_that_are_compared_have_one_unit_if_it_shows_all)
{
    unsigned unit = 9;
    cr_expect(duration_unit_of_all(6700, 9000000, &unit));
    cr_expect(eq(uint, unit, 1), "two digits of the least");
    cr_expect(duration_unit_of_all(6700, 257133800, &unit));
    cr_expect(eq(uint, unit, 2));
    struct duration_scale scale = duration_scale_shared(unit, 6700);
    EXPECT_TEXT(quantity_in_column(6700, scale), "0.007 ms");
    EXPECT_TEXT(quantity_in_column(257133800, scale), "257 ms");
    EXPECT_TEXT(quantity_in_column(26933800000, scale), "26,934 ms");
    EXPECT_TEXT(quantity_about(26900000000, scale), "~26,900 ms");
    cr_expect(duration_unit_of_all(1500, 95000000000, &unit));
    cr_expect(eq(uint, unit, 2));
    cr_expect(not(duration_unit_of_all(900, 95000000000, &unit)), "it would be 0.000 ms");
    cr_expect(not(duration_unit_of_all(1500, 100000000000, &unit)));
}
