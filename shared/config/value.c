#include "config/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/duration_text.h"
#include "base/nearest.h"

enum status value_integer(const char *text, long long *out, struct failure *why)
{
    char *end = NULL;
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (text[strspn(text, "-0123456789")] != '\0' || end == text || *end != '\0')
        return fail(why, STATUS_REJECT, "`%s` is not an integer", text);
    if (errno == ERANGE)
        return fail(why, STATUS_REJECT, "%s is out of range", text);
    return STATUS_OK;
}

/* Digits, optionally with a point and more digits; *end is the rest. False if there are none, or
 * too many. */
static bool read_decimal(const char *text, double *out, const char **end)
{
    size_t count = strspn(text, "0123456789");
    if (count == 0 || count > 18)
        return false;
    double number = 0;
    for (size_t i = 0; i < count; i++)
        number = 10 * number + (text[i] - '0');
    text += count;
    if (*text == '.') {
        double place = 1;
        if (!isdigit((unsigned char)*++text))
            return false;
        for (; isdigit((unsigned char)*text); text++)
            number += (*text - '0') * (place /= 10);
    }
    *out = number;
    *end = text;
    return true;
}

struct unit {
    const char *name;
    uint64_t size;
};

/* The size of the unit at the begin of `text` (*length characters), 0 if there is none. */
static uint64_t unit_size(const struct unit *units, size_t count, const char *text, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(units[i].name) == length && strncasecmp(units[i].name, text, length) == 0)
            return units[i].size;
    return 0;
}

static const struct unit byte_units[] = {
    {"", 1},          {"B", 1},       {"K", 1024},      {"KiB", 1024},     {"M", 1 << 20},
    {"MiB", 1 << 20}, {"G", 1 << 30}, {"GiB", 1 << 30}, {"T", 1ull << 40}, {"TiB", 1ull << 40},
};

enum { BYTE_UNITS = sizeof byte_units / sizeof *byte_units };

/* Above this, a double cannot represent every integer. */
#define NUMBER_MAX 9007199254740992.0

enum status value_bytes(const char *text, uint64_t *out, struct failure *why)
{
    double number = 0;
    const char *end = text;
    uint64_t unit = 0;
    if (read_decimal(text, &number, &end)) {
        end += strspn(end, " ");
        unit = unit_size(byte_units, BYTE_UNITS, end, strlen(end));
    }
    if (!unit || number * (double)unit > NUMBER_MAX)
        return fail(why, STATUS_REJECT, "`%s` is not a size such as 512K, 64M, or 1.5G", text);
    *out = (uint64_t)(number * (double)unit + 0.5);
    return STATUS_OK;
}

static const struct unit time_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

enum { TIME_UNITS = sizeof time_units / sizeof *time_units };

enum status value_duration_ms(const char *text, uint64_t *out, struct failure *why)
{
    if (!duration_read(text_of(text), 1000000, out) || *out > (uint64_t)NUMBER_MAX)
        return fail(why, STATUS_REJECT, "`%s` is not a duration such as 500ms, 30s, or 1h30m",
                    text);
    return STATUS_OK;
}

static const char *const yes_words[] = {"yes", "true", "on", "1"};
static const char *const no_words[] = {"no", "false", "off", "0"};

enum status value_flag(const char *text, bool *out, struct failure *why)
{
    for (size_t i = 0; i < sizeof yes_words / sizeof *yes_words; i++) {
        *out = strcasecmp(text, yes_words[i]) == 0;
        if (*out || strcasecmp(text, no_words[i]) == 0)
            return STATUS_OK;
    }
    return fail(why, STATUS_REJECT, "`%s` is neither yes nor no", text);
}

enum status value_word(const char *text, const char *const *words, size_t *out, struct failure *why)
{
    char list[256] = "";
    size_t count = 0;
    for (; words[count]; count++) {
        if (strcmp(text, words[count]) == 0) {
            *out = count;
            return STATUS_OK;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", count ? ", " : "", words[count]);
    }
    const char *nearest = nearest_word(text_of(text), words, count);
    if (nearest)
        return fail(why, STATUS_REJECT, "unknown `%s`; `%s` is the nearest", text, nearest);
    return fail(why, STATUS_REJECT, "unknown `%s`; known: %s", text, list);
}

void value_put_bytes(uint64_t bytes, char room[VALUE_TEXT_MAX])
{
    static const char *const names[] = {"", "K", "M", "G", "T"};
    size_t unit = 0;
    while (bytes && bytes % 1024 == 0 && unit + 1 < sizeof names / sizeof *names) {
        bytes /= 1024;
        unit++;
    }
    snprintf(room, VALUE_TEXT_MAX, "%" PRIu64 "%s", bytes, names[unit]);
}

void value_put_duration_ms(uint64_t ms, char room[VALUE_TEXT_MAX])
{
    size_t used = 0;
    room[0] = '\0';
    for (size_t i = 0; i < TIME_UNITS; i++) {
        uint64_t count = ms / time_units[i].size;
        if (count) {
            used += (size_t)snprintf(room + used, VALUE_TEXT_MAX - used, "%" PRIu64 "%s", count,
                                     time_units[i].name);
            ms %= time_units[i].size;
        }
    }
    if (used == 0)
        snprintf(room, VALUE_TEXT_MAX, "0");
}
