#include "cli/time_point.h"

#include <string.h>
#include <time.h>

enum { FRACTION_DIGITS = 9 };

#define SECOND_NS INT64_C(1000000000)

/* A decimal number, exactly: its whole part, and its fraction in billionths. Returns what comes
 * after it; NULL if there is none or it has too many digits. */
static const char *take_decimal(const char *text, int64_t *whole, int64_t *billionths)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 12)
        return NULL;
    *whole = 0;
    for (size_t i = 0; i < digits; i++)
        *whole = *whole * 10 + (text[i] - '0');
    text += digits;
    *billionths = 0;
    if (*text != '.')
        return text;
    text++;
    digits = strspn(text, "0123456789");
    if (digits == 0 || digits > FRACTION_DIGITS)
        return NULL;
    for (size_t i = 0; i < FRACTION_DIGITS; i++)
        *billionths = *billionths * 10 + (i < digits ? text[i] - '0' : 0);
    return text + digits;
}

/* whole.billionths times `unit_ns`; false if that is more than 64 bits hold. */
static bool scale(int64_t whole, int64_t billionths, int64_t unit_ns, int64_t *out_ns)
{
    if (whole > (INT64_MAX - unit_ns) / unit_ns)
        return false;
    /* Units above a second are whole seconds: no product overflows. */
    int64_t fraction =
        unit_ns > SECOND_NS ? billionths * (unit_ns / SECOND_NS) : billionths * unit_ns / SECOND_NS;
    *out_ns = whole * unit_ns + fraction;
    return true;
}

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"", SECOND_NS},         {"ns", 1},        {"us", 1000},
    {"ms", 1000000},         {"s", SECOND_NS}, {"m", 60 * SECOND_NS},
    {"h", 3600 * SECOND_NS},
};

static enum status parse_relative(const char *text, struct time_point *out, struct failure *why)
{
    int64_t whole = 0, billionths = 0;
    const char *unit = take_decimal(text + 1, &whole, &billionths);
    if (!unit)
        return fail(why, STATUS_REJECT,
                    "`%s` is no time; after the + a number is wanted, as in "
                    "+1.5s",
                    text);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(unit, units[i].name) != 0)
            continue;
        out->kind = TIME_RELATIVE;
        if (!scale(whole, billionths, units[i].ns, &out->ns))
            return fail(why, STATUS_REJECT, "`%s` is too long", text);
        return STATUS_OK;
    }
    return fail(why, STATUS_REJECT, "`%s`: unknown unit `%s`; known: ns, us, ms, s, m, h", text,
                unit);
}

/* HH:MM:SS[.ns] */
static enum status parse_time_of_day(const char *text, struct time_point *out, struct failure *why)
{
    int64_t part[3] = {0}, billionths = 0;
    const char *rest = text;
    for (unsigned i = 0; i < 3 && rest; i++) {
        rest = take_decimal(rest, &part[i], &billionths);
        if (rest && i < 2)
            rest = *rest == ':' && billionths == 0 ? rest + 1 : NULL;
    }
    if (!rest || *rest || part[0] > 23 || part[1] > 59 || part[2] > 60)
        return fail(why, STATUS_REJECT, "`%s` is no time of a day, as 23:09:36.258944395", text);
    out->kind = TIME_OF_DAY;
    out->ns = ((part[0] * 60 + part[1]) * 60 + part[2]) * SECOND_NS + billionths;
    return STATUS_OK;
}

enum status time_point_parse(const char *text, struct time_point *out, struct failure *why)
{
    *out = (struct time_point){0};
    if (*text == '+')
        return parse_relative(text, out, why);
    if (strchr(text, ':'))
        return parse_time_of_day(text, out, why);
    int64_t whole = 0, billionths = 0;
    const char *rest = take_decimal(text, &whole, &billionths);
    if (!rest || *rest || !scale(whole, billionths, SECOND_NS, &out->ns))
        return fail(why, STATUS_REJECT,
                    "`%s` is no time; write 1795388976.258944395, "
                    "23:09:36.258 or +1.5s",
                    text);
    out->kind = TIME_EPOCH;
    return STATUS_OK;
}

/* The second at which the local day of `begin_ns` began; as mktime() knows the zone's changes,
 * `ns` of that day is asked of it too. */
static bool resolve_time_of_day(int64_t ns, int64_t begin_ns, int64_t *out_ns)
{
    time_t begin = (time_t)(begin_ns / SECOND_NS);
    struct tm day;
    if (!localtime_r(&begin, &day))
        return false;
    int64_t second = ns / SECOND_NS;
    day.tm_hour = (int)(second / 3600);
    day.tm_min = (int)(second / 60 % 60);
    day.tm_sec = (int)(second % 60);
    day.tm_isdst = -1;
    time_t then = mktime(&day);
    if (then == (time_t)-1)
        return false;
    *out_ns = (int64_t)then * SECOND_NS + ns % SECOND_NS;
    return true;
}

bool time_point_resolve(struct time_point point, int64_t begin_ns, int64_t *out_ns)
{
    switch (point.kind) {
    case TIME_POINT_NONE: return false;
    case TIME_EPOCH: *out_ns = point.ns; return true;
    case TIME_OF_DAY: return resolve_time_of_day(point.ns, begin_ns, out_ns);
    case TIME_RELATIVE:
        if (begin_ns > INT64_MAX - point.ns)
            return false;
        *out_ns = begin_ns + point.ns;
        return true;
    }
    return false;
}
