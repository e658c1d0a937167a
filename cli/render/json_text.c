#include "cli/render/json_text.h"

#include <stdio.h>

#include "base/utf8.h"
#include "results/report.h"

enum { DIGITS_MAX = 20 };

void json_number(struct json_text *json, uint64_t number)
{
    static const char PAIRS[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[DIGITS_MAX];
    size_t at = sizeof digits;
    while (number >= 10) {
        at -= 2;
        memcpy(digits + at, PAIRS + number % 100 * 2, 2);
        number /= 100;
    }
    if (number > 0 || at == sizeof digits)
        digits[--at] = (char)('0' + number);
    json_raw(json, digits + at, sizeof digits - at);
}

void json_signed(struct json_text *json, int64_t number)
{
    if (number == REPORT_NONE) {
        json_words(json, "null");
        return;
    }
    if (number < 0)
        json_words(json, "-");
    json_number(json, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

/* --- strings --- */

static bool is_plain(char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* Copies bytes that need no escape. */
static void take_plain(struct json_text *json, struct text *text)
{
    char *to = json_reserve(json, text->count);
    size_t count = 0;
    for (; count < text->count && is_plain(text->at[count]); count++)
        to[count] = text->at[count];
    json->count += count;
    *text = (struct text){text->at + count, text->count - count};
}

static void take_other(struct json_text *json, struct text *text)
{
    uint32_t character = utf8_take(text);
    char room[8];
    size_t count;
    if (character == '"' || character == '\\')
        count = (size_t)snprintf(room, sizeof room, "\\%c", (int)character);
    else if (character < 0x20 || character == 0x7f)
        count = (size_t)snprintf(room, sizeof room, "\\u%04x", (unsigned)character & 0xff);
    else
        count = utf8_put(character, room);
    json_raw(json, room, count);
}

void json_string(struct json_text *json, struct text text)
{
    json_words(json, "\"");
    for (take_plain(json, &text); text.count > 0; take_plain(json, &text))
        take_other(json, &text);
    json_words(json, "\"");
}

void json_string_or_null(struct json_text *json, const char *string)
{
    if (string)
        json_string(json, text_of(string));
    else
        json_words(json, "null");
}
