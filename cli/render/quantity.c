#include "cli/render/quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A column of bytes has the unit of its greatest value, or a smaller one if its least value would be
 * below 1/LEAST_PART of the unit and no value reaches BYTES_MAX of the smaller one. */
enum { LEAST_PART = 100, BYTES_MAX = 1000000 };

/* A unit shows durations below DURATION_MAX and from 1/DURATION_PART of it. */
enum { READABLE_MAX = 10000, DURATION_MAX = 100000, DURATION_PART = 1000 };
enum { DECIMALS = 3, COLUMN_DIGITS = 3, SUM_DIGITS = 5 };

static const char *const unit_names[DURATION_UNITS] = {"ns", "us", "ms", "s"};
static const uint64_t unit_ns[DURATION_UNITS] = {1, 1000, 1000000, 1000000000};
static const uint64_t powers[] = {1, 10, 100, 1000};

/* Writes `number` with separators; returns its length. */
static size_t put_count(char *room, uint64_t number)
{
    char digits[24];
    size_t count = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, number);
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        if (i && (count - i) % 3 == 0)
            room[written++] = ',';
        room[written++] = digits[i];
    }
    room[written] = '\0';
    return written;
}

struct quantity quantity_count(uint64_t count)
{
    struct quantity quantity;
    put_count(quantity.text, count);
    return quantity;
}

static const char *const byte_names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
enum { BYTE_UNITS = sizeof byte_names / sizeof *byte_names };

/* Bytes of a unit. */
static uint64_t unit_bytes(unsigned unit)
{
    return 1ULL << (10 * unit);
}

unsigned quantity_bytes_unit(uint64_t least, uint64_t most)
{
    unsigned unit = 0;
    /* Values that would round to 1000 use the next unit. */
    while (unit + 1 < BYTE_UNITS && (double)most / (double)unit_bytes(unit) >= 999.5)
        unit++;
    while (unit > 0 && least < unit_bytes(unit) / LEAST_PART &&
           most / unit_bytes(unit - 1) < BYTES_MAX)
        unit--;
    return unit;
}

struct quantity quantity_bytes_in(uint64_t bytes, unsigned unit)
{
    struct quantity quantity;
    double scaled = (double)bytes / (double)unit_bytes(unit);
    int decimals = unit == 0 || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
    if (bytes > 0 && scaled < 0.005) {
        snprintf(quantity.text, sizeof quantity.text, "<0.01 %s", byte_names[unit]);
        return quantity;
    }
    if (decimals > 0) {
        snprintf(quantity.text, sizeof quantity.text, "%.*f %s", decimals, scaled,
                 byte_names[unit]);
        return quantity;
    }
    size_t count = put_count(quantity.text, (uint64_t)(scaled + 0.5));
    snprintf(quantity.text + count, sizeof quantity.text - count, " %s", byte_names[unit]);
    return quantity;
}

struct quantity quantity_bytes(uint64_t bytes)
{
    return quantity_bytes_in(bytes, quantity_bytes_unit(bytes, bytes));
}

struct quantity quantity_percent(double share)
{
    struct quantity quantity;
    double percent = 100 * share;
    if (percent > 0 && percent < 0.01)
        snprintf(quantity.text, sizeof quantity.text, "<0.01 %%");
    else
        snprintf(quantity.text, sizeof quantity.text, "%.*f %%", percent < 9.995 ? 2 : 1, percent);
    return quantity;
}

/* The greatest unit that is not above `ns`. */
static unsigned unit_below(uint64_t ns)
{
    unsigned unit = 0;
    while (unit < DURATION_UNITS - 1 && ns >= unit_ns[unit + 1])
        unit++;
    return unit;
}

struct duration_unit duration_unit_of(uint64_t least, uint64_t most)
{
    static const struct {
        uint64_t end, part; /* of the unit, for the greatest and for the least value */
    } limits[] = {
        {READABLE_MAX, LEAST_PART}, {READABLE_MAX, DURATION_PART}, {DURATION_MAX, DURATION_PART}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        for (unsigned unit = unit_below(most) + 1; unit-- > 0;)
            if (most / unit_ns[unit] < limits[i].end && least >= unit_ns[unit] / limits[i].part)
                return (struct duration_unit){unit, DURATION_MAX};
    /* The unit of the geometric mean. */
    unsigned unit = UNIT_S;
    while (unit > UNIT_NS &&
           (double)unit_ns[unit] * (double)unit_ns[unit] > (double)least * (double)most)
        unit--;
    return (struct duration_unit){unit, READABLE_MAX};
}

struct duration_unit duration_unit_of_rows(void)
{
    return (struct duration_unit){UNIT_MS, DURATION_MAX};
}

struct duration_unit duration_unit_of_sums(uint64_t most)
{
    return (struct duration_unit){unit_below(most), UINT64_MAX};
}

/* With this number of decimals. */
static struct quantity rounded(uint64_t ns, unsigned unit, unsigned decimals)
{
    struct quantity quantity;
    uint64_t power = unit != UNIT_NS ? powers[decimals] : 1;
    uint64_t step = unit_ns[unit] / power; /* the value of the last digit */
    uint64_t whole = ns / unit_ns[unit];
    uint64_t part = (ns % unit_ns[unit] + step / 2) / step;
    if (part == power) {
        whole++;
        part = 0;
    }
    const char *below = "";
    if (ns > 0 && whole == 0 && part == 0) {
        below = "<";
        part = 1;
    }
    char digits[32];
    put_count(digits, whole);
    if (power > 1)
        snprintf(quantity.text, sizeof quantity.text, "%s%s.%0*" PRIu64 " %s", below, digits,
                 (int)decimals, part, unit_names[unit]);
    else
        snprintf(quantity.text, sizeof quantity.text, "%s %s", digits, unit_names[unit]);
    return quantity;
}

/* The decimals for at most so many significant digits. */
static unsigned decimals_for(uint64_t ns, unsigned unit, unsigned digits)
{
    unsigned whole = 0;
    for (uint64_t rest = ns / unit_ns[unit]; rest > 0; rest /= 10)
        whole++;
    unsigned most = digits > whole ? digits - whole : 0;
    return ns > 0 && most < DECIMALS ? most : ns > 0 ? DECIMALS : 0;
}

struct quantity quantity_sum(uint64_t ns, struct duration_unit unit)
{
    return rounded(ns, unit.name, decimals_for(ns, unit.name, SUM_DIGITS));
}

struct quantity quantity_in_column(uint64_t ns, struct duration_unit unit)
{
    uint64_t of_unit = unit_ns[unit.name];
    bool fits = ns == 0 || (ns / of_unit < unit.end && ns >= of_unit / DURATION_PART);
    unsigned name = fits ? unit.name : unit_below(ns);
    return rounded(ns, name, decimals_for(ns, name, COLUMN_DIGITS));
}

struct quantity quantity_lone_duration(uint64_t ns)
{
    return quantity_in_column(ns, (struct duration_unit){unit_below(ns), UINT64_MAX});
}

struct quantity quantity_about(uint64_t ns, struct duration_unit unit)
{
    struct quantity exact = quantity_in_column(ns, unit), about;
    size_t count = strcspn(exact.text, " "), digits = count;
    if (strchr(exact.text, '.')) {
        while (exact.text[digits - 1] == '0')
            digits--;
        digits -= exact.text[digits - 1] == '.';
    }
    snprintf(about.text, sizeof about.text, "~%.*s%.*s", (int)digits, exact.text,
             (int)(sizeof about.text / 2), exact.text + count);
    return about;
}

struct quantity quantity_time(int64_t ns_since_epoch)
{
    struct quantity quantity = {""};
    int64_t second = ns_since_epoch / 1000000000;
    int64_t ns = ns_since_epoch % 1000000000;
    if (ns < 0) {
        second--;
        ns += 1000000000;
    }
    time_t time = (time_t)second;
    struct tm tm;
    if (localtime_r(&time, &tm))
        snprintf(quantity.text, sizeof quantity.text, "%02d:%02d:%02d.%09" PRId64, tm.tm_hour,
                 tm.tm_min, tm.tm_sec, ns);
    return quantity;
}

struct quantity quantity_date(int64_t ns_since_epoch)
{
    struct quantity out;
    struct tm tm;
    time_t time = (time_t)(ns_since_epoch / 1000000000);
    if (!localtime_r(&time, &tm) ||
        strftime(out.text, sizeof out.text, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        snprintf(out.text, sizeof out.text, "?");
    return out;
}

struct quantity quantity_age(int64_t ns)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t unit = 0;
    int64_t seconds = ns > 0 ? ns / 1000000000 : 0;
    while (units[unit].seconds > 1 && seconds < 2 * units[unit].seconds)
        unit++;
    struct quantity out;
    snprintf(out.text, sizeof out.text, "%" PRId64 " %s", seconds / units[unit].seconds,
             units[unit].name);
    return out;
}
