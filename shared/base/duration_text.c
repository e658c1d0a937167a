#include "base/duration_text.h"

#include <ctype.h>
#include <stddef.h>
#include <strings.h>

__extension__ typedef unsigned __int128 wide;

static const struct {
    const char *name;
    uint64_t ns;
} units[] = {
    {"ns", 1},          {"us", 1000},         {"ms", 1000000},      {"s", 1000000000},
    {"m", 60000000000}, {"min", 60000000000}, {"h", 3600000000000}, {"d", 86400000000000},
};

/* The rest of `text` after its first `count` bytes and following blanks. */
static struct text behind(struct text text, size_t count)
{
    while (count < text.count && text.at[count] == ' ')
        count++;
    return (struct text){text.at + count, text.count - count};
}

static uint64_t unit_of(struct text word)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == word.count &&
            strncasecmp(units[i].name, word.at, word.count) == 0)
            return units[i].ns;
    return 0;
}

/* Takes digits from the front of `rest`; false if there are none, or too many. */
static bool take_digits(struct text *rest, uint64_t *number, uint64_t *place)
{
    size_t count = 0;
    for (*number = 0, *place = 1; count < rest->count && isdigit((unsigned char)rest->at[count]);
         count++) {
        if (count == 18)
            return false;
        *number = *number * 10 + (uint64_t)(rest->at[count] - '0');
        *place *= 10;
    }
    *rest = (struct text){rest->at + count, rest->count - count};
    return count > 0;
}

/* Takes one number and its unit from the front of `rest`, and adds it to *sum. */
static bool take_part(struct text *rest, uint64_t unit_ns, wide *sum)
{
    uint64_t whole, place, fraction = 0, fraction_place = 1;
    if (!take_digits(rest, &whole, &place))
        return false;
    if (rest->count > 0 && rest->at[0] == '.') {
        *rest = (struct text){rest->at + 1, rest->count - 1};
        if (!take_digits(rest, &fraction, &fraction_place))
            return false;
    }
    *rest = behind(*rest, 0);
    size_t length = 0;
    while (length < rest->count && isalpha((unsigned char)rest->at[length]))
        length++;
    uint64_t unit = unit_of((struct text){rest->at, length});
    *rest = behind(*rest, length);
    *sum += (wide)whole * unit + (wide)fraction * unit / fraction_place;
    return unit >= unit_ns;
}

bool duration_read(struct text text, uint64_t unit_ns, uint64_t *out)
{
    wide sum = 0;
    *out = 0;
    if (text_equal(text, text_of("0")))
        return true;
    if (text.count == 0)
        return false;
    while (text.count > 0)
        if (!take_part(&text, unit_ns, &sum) || sum / unit_ns >= UINT64_MAX)
            return false;
    *out = (uint64_t)((sum + unit_ns / 2) / unit_ns);
    return true;
}
