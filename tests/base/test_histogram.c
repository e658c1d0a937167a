/* Buckets tell a value within a factor of two, and count beyond 32 bits. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/histogram.h"

static uint64_t quantile(const struct histogram *histogram, double share)
{
    return histogram_quantile_rounded(histogram, share, 0, UINT64_MAX);
}

Test(histogram, quantiles_of_none_are_0)
{
    struct histogram none = {{0}};
    cr_expect(eq(u64, quantile(&none, 0.5), 0));
}

Test(histogram, quantiles_have_one_significant_digit)
{
    struct histogram histogram = {{0}};
    histogram.count[histogram_bucket(29876)] = 1000;
    cr_expect(eq(u64, quantile(&histogram, 0.5), 20000));
    cr_expect(eq(u64, quantile(&histogram, 0.99), 30000));
    histogram = (struct histogram){{0}};
    histogram.count[histogram_bucket(700)] = 7;
    cr_expect(eq(u64, quantile(&histogram, 0.5), 800));
}

Test(histogram, quantiles_have_the_digits_that_minimum_and_maximum_tell)
{
    struct histogram histogram = {{0}};
    histogram.count[histogram_bucket(1500)] = 4;
    cr_expect(eq(u64, histogram_quantile_rounded(&histogram, 0.5, 1500, 1500), 1500));
    cr_expect(eq(u64, histogram_quantile_rounded(&histogram, 0.5, 1040, 1100), 1070));
    cr_expect(eq(u64, histogram_quantile_rounded(&histogram, 0.99, 1234, 2000), 2000));
    cr_expect(eq(u64, histogram_quantile_rounded(&histogram, 0.01, 1600, 2047), 1600));
}

Test(histogram, counts_beyond_32_bits)
{
    struct histogram histogram = {{0}};
    histogram.count[histogram_bucket(40)] = UINT64_C(1) << 40;
    histogram.count[histogram_bucket(4000)] = UINT64_C(1) << 33;
    cr_expect(eq(u64, quantile(&histogram, 0.5), 50));
    cr_expect(eq(u64, quantile(&histogram, 0.999), 4000));
}
