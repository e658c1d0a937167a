#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <time.h>

#include "cli/time_point.h"

#define BEGIN_NS INT64_C(1795388976258944395) /* 2026-11-22 23:09:36 UTC */

#define END_NS (BEGIN_NS + INT64_C(60000000000))

static const struct time_range RANGE = {BEGIN_NS, END_NS};

static void use_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static int64_t resolved(const char *text)
{
    struct time_point point;
    struct failure why = {""};
    int64_t ns = -1;
    cr_assert(eq(int, (int)time_point_parse(text, &point, &why), STATUS_OK), "%s", why.text);
    cr_expect(time_point_resolve(point, RANGE, &ns), "%s", text);
    return ns;
}

Test(time_point, since_the_epoch_is_exact)
{
    cr_expect(eq(i64, resolved("1795388976.258944395"), BEGIN_NS));
    cr_expect(eq(i64, resolved("1795388976.25"), 1795388976250000000));
    cr_expect(eq(i64, resolved("0"), 0));
}

Test(time_point, relative_to_the_begin_in_any_unit)
{
    cr_expect(eq(i64, resolved("+1.5s"), BEGIN_NS + 1500000000));
    cr_expect(eq(i64, resolved("+2"), BEGIN_NS + 2000000000));
    cr_expect(eq(i64, resolved("+200ms"), BEGIN_NS + 200000000));
    cr_expect(eq(i64, resolved("+0.5us"), BEGIN_NS + 500));
    cr_expect(eq(i64, resolved("+7ns"), BEGIN_NS + 7));
    cr_expect(eq(i64, resolved("+1.5m"), BEGIN_NS + 90000000000));
    cr_expect(eq(i64, resolved("+0.25h"), BEGIN_NS + 900000000000));
}

Test(time_point, of_the_day_on_which_the_trace_begins)
{
    use_zone("UTC");
    cr_expect(eq(i64, resolved("23:09:36.258944395"), BEGIN_NS));
    cr_expect(eq(i64, resolved("23:09:37"), 1795388977000000000));
    use_zone("TST-2"); /* there, it is 01:09:36 of the next day */
    cr_expect(eq(i64, resolved("01:09:36.258944395"), BEGIN_NS));
    cr_expect(eq(i64, resolved("00:00:00"), 1795384800000000000));
}

Test(time_point, hours_and_minutes_are_enough)
{
    use_zone("UTC");
    cr_expect(eq(i64, resolved("23:09"), 1795388940000000000));
    cr_expect(eq(i64, resolved("2026-11-22 23:09"), 1795388940000000000));
}

Test(time_point, dates_are_local_without_a_zone)
{
    use_zone("TST-2");
    cr_expect(eq(i64, resolved("2026-11-23T01:09:36.258944395"), BEGIN_NS));
    cr_expect(eq(i64, resolved("2026-11-23"), 1795384800000000000));
    cr_expect(eq(i64, resolved("2026-11-22T23:09:36.258944395Z"), BEGIN_NS));
    cr_expect(eq(i64, resolved("2026-11-22 18:09:36.258944395-05:00"), BEGIN_NS));
    cr_expect(eq(i64, resolved("2026-11-23T00:09:36.258944395 +01"), BEGIN_NS));
}

Test(time_point, before_the_end_in_any_unit)
{
    cr_expect(eq(i64, resolved("5m"), END_NS - 300000000000));
    cr_expect(eq(i64, resolved("last 5m"), END_NS - 300000000000));
    cr_expect(eq(i64, resolved("1.5h"), END_NS - 5400000000000));
    cr_expect(eq(i64, resolved("1d"), END_NS - 86400000000000));
}

Test(time_point, what_is_none_is_refused)
{
    /* clang-format off */
    static const char *const wrong[] = {
        "", "x", "12z", "1.2.3", "-5", ".5", "1.", "1.1234567890", "12:3x", "24:00:00", "12:60:00",
        "12:00:61", "1.5:00:00", "12:00:00x", "12::00", "+", "+s", "+1.5d", "+-1", "+1 s",
        "2026-11-22T", "2026-11-22x", "2026-00-10", "2026-11-31", "2026-11-22T10:00 ",
        "2026-11-22T10:00+1", "2026-11-22T10:00+01:60", "1960-01-01", "last", "last 5", "5 x", "5mm", "0s",
        "9999999999999999999", "99999999999", "+999999999999h",
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct time_point point;
        struct failure why = {""};
        cr_expect(eq(int, (int)time_point_parse(wrong[i], &point, &why), STATUS_REJECT), "%s",
                  wrong[i]);
        cr_expect(strlen(why.text) > 0, "%s", wrong[i]);
    }
}

Test(time_point, none_resolves_to_nothing)
{
    int64_t ns = 7;
    cr_expect(not(time_point_resolve((struct time_point){0}, RANGE, &ns)));
    cr_expect(eq(i64, ns, 7));
}
