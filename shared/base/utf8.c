#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>

#include "base/memory.h"

/* The number of bytes that follow `first`, and the range of the next one (Unicode 15, table 3-7);
 * -1 if no character begins with it. */
static int followers(uint8_t first, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first < 0x80)
        return 0;
    if (first >= 0xc2 && first <= 0xdf)
        return 1;
    if (first >= 0xe0 && first <= 0xef) {
        if (first == 0xe0)
            *low = 0xa0;
        if (first == 0xed)
            *high = 0x9f; /* no surrogates */
        return 2;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (first == 0xf0)
            *low = 0x90;
        if (first == 0xf4)
            *high = 0x8f;
        return 3;
    }
    return -1;
}

uint32_t utf8_take(struct text *rest)
{
    assert(rest->count > 0);
    uint8_t low = 0, high = 0;
    uint8_t first = (uint8_t)rest->at[0];
    int wanted = followers(first, &low, &high);
    rest->at++;
    rest->count--;
    if (wanted < 0)
        return UTF8_REPLACEMENT;

    uint32_t character = wanted == 0 ? first : first & (0x3fu >> wanted);
    for (; wanted > 0; wanted--) {
        uint8_t next = rest->count ? (uint8_t)rest->at[0] : 0;
        if (next < low || next > high)
            return UTF8_REPLACEMENT;
        character = character << 6 | (next & 0x3fu);
        low = 0x80;
        high = 0xbf;
        rest->at++;
        rest->count--;
    }
    return character;
}

size_t utf8_put(uint32_t character, char room[4])
{
    assert(character <= 0x10ffff);
    if (character < 0x80) {
        room[0] = (char)character;
        return 1;
    }
    size_t count = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = count - 1; i > 0; i--) {
        room[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    room[0] = (char)((0xf00u >> count & 0xff) | character);
    return count;
}

struct range {
    uint32_t first, last;
};

/* Characters without width: combining marks, joiners, variation selectors. */
static const struct range zero_wide[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f}, {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064}, {0x20d0, 0x20ff},
    {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
};

/* Blocks of East Asian width W or F (Unicode Standard Annex 11), and emoji. */
static const struct range double_wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static bool is_in(uint32_t character, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count && ranges[i].first <= character; i++)
        if (character <= ranges[i].last)
            return true;
    return false;
}

size_t utf8_width(struct text text)
{
    size_t width = 0;
    while (text.count) {
        uint32_t character = utf8_take(&text);
        if (is_in(character, double_wide, sizeof double_wide / sizeof *double_wide))
            width += 2;
        else if (!is_in(character, zero_wide, sizeof zero_wide / sizeof *zero_wide))
            width += 1;
    }
    return width;
}

bool utf8_is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
           (character >= 0x202a && character <= 0x202e); /* changes the writing direction */
}

char *utf8_printable(struct text text)
{
    /* A byte becomes at most four, a change of direction (3 bytes) six. */
    char *printable = memory_new(4 * text.count + 1);
    char *end = printable;
    while (text.count) {
        uint32_t character = utf8_take(&text);
        if (utf8_is_control(character))
            end += sprintf(end, character < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)character);
        else
            end += utf8_put(character, end);
    }
    return printable;
}
