#include "cli/story/line.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const uint64_t SECOND_NS = 1000000000;
enum { QUOTED_MAX = 256, DIGITS_MAX = 20, QUARTER_S = 900 };

static const char PAIRS[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

/* Writes the digits of `number` before `end`; returns their begin. */
static char *digits_before(char *end, uint64_t number)
{
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
    if (number < 10) {
        line_char(line, (char)('0' + number));
        return;
    }
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

/* Whether `text` reads back as `number`; never for NaN. */
static bool reads_as(const char *text, double number, unsigned size)
{
    double read = size == 32 ? (double)strtof(text, NULL) : strtod(text, NULL);
    return read >= number && read <= number;
}

void line_float(struct line *line, uint64_t bits, unsigned size)
{
    double number;
    if (size == 32) {
        float narrow;
        uint32_t low = (uint32_t)bits;
        memcpy(&narrow, &low, sizeof narrow);
        number = (double)narrow;
    } else {
        memcpy(&number, &bits, sizeof number);
    }
    char text[32];
    int digits = size == 32 ? FLT_DIG : DBL_DIG;
    const int most = size == 32 ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    do {
        snprintf(text, sizeof text, "%.*g", digits++, number);
    } while (digits <= most && !reads_as(text, number, size));
    line_string(line, text);
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

static bool is_plain(unsigned char c)
{
    return c >= ' ' && c != 0x7F && c != '"' && c != '\\';
}

/* Whether all eight bytes of `word` are plain. A byte of (x - 1) & ~x has its highest bit set if
 * that byte of x is zero; so it has for some others, next to such a byte. */
static bool are_plain(uint64_t word)
{
    static const uint64_t EACH = UINT64_C(0x0101010101010101);
    uint64_t quote = word ^ EACH * '"', slash = word ^ EACH * '\\', erase = word ^ EACH * 0x7F;
    uint64_t found = ((quote - EACH) & ~quote) | ((slash - EACH) & ~slash) |
                     ((erase - EACH) & ~erase) | ((word - EACH * ' ') & ~word);
    return (found & EACH * 0x80) == 0;
}

/* The number of plain characters from the begin on. */
static size_t plain_count(const char *at, size_t count)
{
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= count; i += sizeof word) {
        memcpy(&word, at + i, sizeof word);
        if (!are_plain(word))
            break;
    }
    while (i < count && is_plain((unsigned char)at[i]))
        i++;
    return i;
}

void line_quoted(struct line *line, struct text text)
{
    size_t count = text.count < QUOTED_MAX ? text.count : QUOTED_MAX;
    line_char(line, '"');
    for (size_t i = 0; i < count; i++) {
        size_t plain = plain_count(text.at + i, count - i);
        line_text(line, (struct text){text.at + i, plain});
        i += plain;
        if (i < count)
            escaped(line, (unsigned char)text.at[i]);
    }
    line_char(line, '"');
    if (count < text.count)
        line_string(line, "...");
}

/* Writes `count` digits of `number`, with leading zeros. */
static inline void put_digits(char *digits, uint32_t number, unsigned count)
{
    for (; count >= 2; count -= 2) {
        memcpy(digits + count - 2, &PAIRS[number % 100 * 2], 2);
        number /= 100;
    }
    if (count > 0)
        *digits = (char)('0' + number % 10);
}

static inline void padded(struct line *line, uint32_t number, unsigned count)
{
    put_digits(line_room(line, count), number, count);
    line->count += count;
}

void line_seconds(struct line *line, uint64_t ns, unsigned digits)
{
    static const uint32_t POWERS[] = {1,      10,      100,      1000,      10000,
                                      100000, 1000000, 10000000, 100000000, 1000000000};
    assert(digits < sizeof POWERS / sizeof *POWERS);
    line_uint(line, ns / SECOND_NS);
    if (digits == 0)
        return;
    line_char(line, '.');
    padded(line, (uint32_t)(ns % SECOND_NS) / POWERS[9 - digits], digits);
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

static void find_second(struct line *line, int64_t second)
{
    if (!line->knows_quarter || second < line->quarter_s || second >= line->quarter_s + QUARTER_S)
        find_quarter(line, second);
    unsigned of_day = line->quarter_of_day + (unsigned)(second - line->quarter_s);
    line->second = second;
    put_digits(line->clock, of_day / 3600, 2);
    line->clock[2] = line->clock[5] = ':';
    put_digits(line->clock + 3, of_day / 60 % 60, 2);
    put_digits(line->clock + 6, of_day % 60, 2);
    line->clock[8] = '.';
}

void line_clock(struct line *line, int64_t epoch_ns)
{
    int64_t second = epoch_ns / (int64_t)SECOND_NS, part = epoch_ns % (int64_t)SECOND_NS;
    if (part < 0) {
        part += (int64_t)SECOND_NS;
        second--;
    }
    if (second != line->second || line->clock[8] == '\0')
        find_second(line, second);
    line_text(line, (struct text){line->clock, sizeof line->clock});
    padded(line, (uint32_t)part, 9);
}
