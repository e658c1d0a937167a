/* cli/story/line.h -- a growing line of text, optimized for logs with millions of lines. */
#ifndef CLI_STORY_LINE_H
#define CLI_STORY_LINE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"

/* Empty if all zero; free(line.at). */
struct line {
    char *at; /* not terminated */
    size_t count, room;
    /* The last quarter of an hour of line_clock(): its begin, also as seconds of the day. */
    int64_t quarter_s;
    unsigned quarter_of_day;
    bool knows_quarter;
    /* The last second of line_clock(), if `clock` has it: 23:09:36. */
    int64_t second;
    char clock[9];
};

/* Reserves room for `count` more bytes. */
static inline char *line_room(struct line *line, size_t count)
{
    if (line->room - line->count < count)
        line->at = memory_grow(line->at, &line->room, line->count + count, 1);
    assert(line->at);
    return line->at + line->count;
}

static inline void line_text(struct line *line, struct text text)
{
    if (text.count == 0)
        return;
    memcpy(line_room(line, text.count), text.at, text.count);
    line->count += text.count;
}

static inline void line_string(struct line *line, const char *string)
{
    line_text(line, text_of(string));
}

static inline void line_char(struct line *line, char c)
{
    *line_room(line, 1) = c;
    line->count++;
}

void line_int(struct line *line, int64_t number);
void line_uint(struct line *line, uint64_t number);
void line_hex(struct line *line, uint64_t number); /* 0x... */
/* The shortest text that reads back as the IEEE 754 number with these bits: 32 or 64 of them. */
void line_float(struct line *line, uint64_t bits, unsigned size);
/* In double quotes; `\"`, `\\`, `\n`, and `\x..` for all that is not printable ASCII or UTF-8;
 * truncated after 256 bytes, then with `...`. */
void line_quoted(struct line *line, struct text text);
/* Seconds with `digits` (0 to 9) decimals, rounded down: 0.000012. */
void line_seconds(struct line *line, uint64_t ns, unsigned digits);
/* The time of day in the local zone: 23:09:36.258944395. */
void line_clock(struct line *line, int64_t epoch_ns);

#endif
