#include "cli/story/line.h"

#include <time.h>

static const uint64_t SECOND_NS = 1000000000;
enum { QUOTED_MAX = 256, DIGITS_MAX = 20, QUARTER_S = 900 };

/* Writes the digits of `number` before `end`; returns their begin. */
static char *digits_before(char *end, uint64_t number)
{
    static const char PAIRS[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
        "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
        "8081828384858687888990919293949596979899";
    while (number >= 100) {
        end -= 2;
        memcpy(end, &PAIRS[number % 100 * 2], 2);
        number /= 100;
    }
    if (number >= 10) {
        memcpy(end - 2, &PAIRS[number * 2], 2);
        return end - 2;
    }
    *--end = (char)('0' + number);
    return end;
}

void line_uint(struct line *line, uint64_t number)
{
    char digits[DIGITS_MAX];
    char *end = digits + sizeof digits, *begin = digits_before(end, number);
    line_text(line, (struct text){begin, (size_t)(end - begin)});
}

void line_int(struct line *line, int64_t number)
{
    if (number < 0)
        line_char(line, '-');
    line_uint(line, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

void line_hex(struct line *line, uint64_t number)
{
    static const char HEX[] = "0123456789abcdef";
    char digits[DIGITS_MAX];
    size_t at = sizeof digits;
    do {
        digits[--at] = HEX[number & 15];
        number >>= 4;
    } while (number > 0);
    line_string(line, "0x");
    line_text(line, (struct text){digits + at, sizeof digits - at});
}

static void escaped(struct line *line, unsigned char c)
{
    static const char HEX[] = "0123456789abcdef";
    line_char(line, '\\');
    if (c == '\n' || c == '\t' || c == '"' || c == '\\') {
        line_char(line, (char)(c == '\n' ? 'n' : c == '\t' ? 't' : c));
        return;
    }
    line_char(line, 'x');
    line_char(line, HEX[c >> 4]);
    line_char(line, HEX[c & 15]);
}

void line_quoted(struct line *line, struct text text)
{
    size_t count = text.count < QUOTED_MAX ? text.count : QUOTED_MAX, plain = 0;
    line_char(line, '"');
    for (size_t i = 0; i < count; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c >= ' ' && c != 0x7F && c != '"' && c != '\\')
            continue;
        line_text(line, (struct text){text.at + plain, i - plain});
        escaped(line, c);
        plain = i + 1;
    }
    line_text(line, (struct text){text.at + plain, count - plain});
    line_char(line, '"');
    if (count < text.count)
        line_string(line, "...");
}

/* `count` digits of `number`, with leading zeros. */
static void padded(struct line *line, uint64_t number, unsigned count)
{
    char *digits = line_room(line, count);
    line->count += count;
    while (count > 0) {
        digits[--count] = (char)('0' + number % 10);
        number /= 10;
    }
}

void line_seconds(struct line *line, uint64_t ns, unsigned digits)
{
    uint64_t part = ns % SECOND_NS;
    line_uint(line, ns / SECOND_NS);
    if (digits == 0)
        return;
    for (unsigned i = 9; i > digits; i--)
        part /= 10;
    line_char(line, '.');
    padded(line, part, digits);
}

/* Time zones differ by multiples of 15 minutes, and change at such. */
static void find_quarter(struct line *line, int64_t second)
{
    time_t then = (time_t)second;
    struct tm day = {0};
    localtime_r(&then, &day);
    int64_t of_day = (day.tm_hour * 60 + day.tm_min) * 60 + day.tm_sec;
    line->quarter_s = second - of_day % QUARTER_S;
    line->quarter_of_day = (unsigned)(of_day - of_day % QUARTER_S);
    line->knows_quarter = true;
}

void line_clock(struct line *line, int64_t epoch_ns)
{
    int64_t second = epoch_ns / (int64_t)SECOND_NS, part = epoch_ns % (int64_t)SECOND_NS;
    if (part < 0) {
        part += (int64_t)SECOND_NS;
        second--;
    }
    if (!line->knows_quarter || second < line->quarter_s || second >= line->quarter_s + QUARTER_S)
        find_quarter(line, second);
    unsigned of_day = line->quarter_of_day + (unsigned)(second - line->quarter_s);
    padded(line, of_day / 3600, 2);
    line_char(line, ':');
    padded(line, of_day / 60 % 60, 2);
    line_char(line, ':');
    padded(line, of_day % 60, 2);
    line_char(line, '.');
    padded(line, (uint64_t)part, 9);
}
