#include "cli/time_point.h"

#include <string.h>
#include <time.h>

#include "base/duration_text.h"

enum { FRACTION_DIGITS = 9 };

#define SECOND_NS INT64_C(1000000000)

/* An exact decimal number: its integer part, and its fraction in billionths. Returns the rest of
 * the text; NULL if there is no number or it has too many digits. */
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

/* whole.billionths times `unit_ns`; false on overflow of 64 bits. */
static bool scale(int64_t whole, int64_t billionths, int64_t unit_ns, int64_t *out_ns)
{
    if (whole > (INT64_MAX - unit_ns) / unit_ns)
        return false;
    /* Units above a second are whole seconds: products do not overflow. */
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
                    "`%s` is not a time; expected a number after `+`, as in +1.5s", text);
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

/* HH:MM[:SS[.ns]], as nanoseconds since midnight. Returns the rest of the text; NULL if invalid. */
static const char *take_time_of_day(const char *text, int64_t *ns)
{
    int64_t part[3] = {0}, billionths = 0;
    const char *rest = text;
    for (unsigned i = 0; i < 3 && rest; i++) {
        rest = take_decimal(rest, &part[i], &billionths);
        if (!rest || *rest != ':' || billionths != 0 || i == 2) {
            rest = i > 0 && (i == 2 || billionths == 0) ? rest : NULL;
            break;
        }
        rest++;
    }
    if (!rest || part[0] > 23 || part[1] > 59 || part[2] > 60)
        return NULL;
    *ns = ((part[0] * 60 + part[1]) * 60 + part[2]) * SECOND_NS + billionths;
    return rest;
}

static enum status parse_time_of_day(const char *text, struct time_point *out, struct failure *why)
{
    const char *rest = take_time_of_day(text, &out->ns);
    if (!rest || *rest)
        return fail(why, STATUS_REJECT, "`%s` is not a time of day such as 23:09:36.258944395",
                    text);
    out->kind = TIME_OF_DAY;
    return STATUS_OK;
}

/* --- dates --- */

static bool is_date(const char *text)
{
    static const char form[] = "0000-00-00";
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    return true;
}

static int two_digits(const char *text)
{
    return (text[0] - '0') * 10 + (text[1] - '0');
}

static bool is_digits(const char *text, size_t count)
{
    return strspn(text, "0123456789") >= count;
}

/* Z, +HH, +HHMM or +HH:MM, in seconds east of Greenwich. Returns the rest of the text; NULL if
 * invalid. */
static const char *take_zone(const char *text, int64_t *east_s)
{
    *east_s = 0;
    if (*text == 'Z' || *text == 'z')
        return text + 1;
    if ((*text != '+' && *text != '-') || !is_digits(text + 1, 2))
        return NULL;
    int hours = two_digits(text + 1), minutes = 0;
    const char *rest = text + 3;
    if (is_digits(rest, 2) || (*rest == ':' && is_digits(rest + 1, 2))) {
        rest += *rest == ':';
        minutes = two_digits(rest);
        rest += 2;
    }
    if (hours > 23 || minutes > 59)
        return NULL;
    *east_s = (hours * 60 + minutes) * 60 * (*text == '-' ? -1 : 1);
    return rest;
}

/* YYYY-MM-DD[THH:MM[:SS[.ns]][ZONE]]; a blank may replace the T and precede the zone. Without a
 * zone it is local time. */
static enum status parse_date(const char *text, struct time_point *out, struct failure *why)
{
    int64_t of_day = 0, east_s = 0;
    const char *rest = text + strlen("0000-00-00");
    if (*rest == 'T' || *rest == ' ')
        rest = take_time_of_day(rest + 1, &of_day);
    bool zoned = rest && *rest != '\0';
    if (zoned)
        rest = take_zone(rest + (*rest == ' '), &east_s);
    int month = two_digits(text + 5), day = two_digits(text + 8);
    int64_t second = of_day / SECOND_NS;
    struct tm tm = {.tm_year = two_digits(text) * 100 + two_digits(text + 2) - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = (int)(second / 3600),
                    .tm_min = (int)(second / 60 % 60),
                    .tm_sec = (int)(second % 60),
                    .tm_isdst = -1};
    struct tm only_day = {.tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday};
    time_t midnight = timegm(&only_day), then = zoned ? timegm(&tm) : mktime(&tm);
    bool is_day = midnight != (time_t)-1 && only_day.tm_mon == month - 1 && only_day.tm_mday == day;
    if (!rest || *rest || !is_day || then == (time_t)-1 || then - east_s < 0 ||
        then > INT64_MAX / SECOND_NS - 86400)
        return fail(why, STATUS_REJECT,
                    "`%s` is not a date and time such as 2026-11-22T23:09:36+01:00", text);
    out->kind = TIME_EPOCH;
    out->ns = ((int64_t)then - east_s) * SECOND_NS + of_day % SECOND_NS;
    return STATUS_OK;
}

/* 5m, or `last 5m`. */
static bool parse_last(const char *text, struct time_point *out)
{
    static const char last[] = "last ";
    uint64_t ns;
    if (strncmp(text, last, sizeof last - 1) == 0)
        text += sizeof last - 1;
    if (!duration_read(text_of(text), 1, &ns) || ns == 0 || ns > INT64_MAX)
        return false;
    *out = (struct time_point){TIME_BEFORE_END, (int64_t)ns};
    return true;
}

enum status time_point_parse(const char *text, struct time_point *out, struct failure *why)
{
    *out = (struct time_point){0};
    if (*text == '+')
        return parse_relative(text, out, why);
    if (is_date(text))
        return parse_date(text, out, why);
    if (strchr(text, ':'))
        return parse_time_of_day(text, out, why);
    int64_t whole = 0, billionths = 0;
    const char *rest = take_decimal(text, &whole, &billionths);
    if (rest && !*rest && scale(whole, billionths, SECOND_NS, &out->ns))
        out->kind = TIME_EPOCH;
    else if (!parse_last(text, out))
        return fail(why, STATUS_REJECT,
                    "`%s` is not a time; use 2026-11-22T23:09:36, 23:09:36.258, 5m (before the "
                    "end), +1.5s (after the begin), or 1795388976.258944395",
                    text);
    return STATUS_OK;
}

/* The second at which the local day of `begin_ns` began; `ns` is passed to mktime() as well,
 * because it knows the changes of the zone. */
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

bool time_point_resolve(struct time_point point, struct time_range range, int64_t *out_ns)
{
    int64_t begin_ns = range.begin_ns;
    switch (point.kind) {
    case TIME_POINT_NONE: return false;
    case TIME_EPOCH: *out_ns = point.ns; return true;
    case TIME_OF_DAY: return resolve_time_of_day(point.ns, begin_ns, out_ns);
    case TIME_BEFORE_END:
        *out_ns = range.end_ns > point.ns ? range.end_ns - point.ns : 0;
        return true;
    case TIME_RELATIVE:
        if (begin_ns > INT64_MAX - point.ns)
            return false;
        *out_ns = begin_ns + point.ns;
        return true;
    }
    return false;
}
