/* base/row.h -- sequences of numbers, each as a protobuf varint: the encoding of rows in partials
 * (proto/partial.proto has their meaning).
 *
 * Most have two to five bytes, and their length is not predictable, so both directions avoid
 * branches per byte. */
#ifndef BASE_ROW_H
#define BASE_ROW_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attrs.h"
#include "base/invariant.h"

enum {
    ROW_NUMBER = 10, /* maximum bytes of a number */
    ROW_SLACK = 8    /* bytes after a number that may be overwritten */
};

static inline uint64_t zigzag(int64_t number)
{
    return (uint64_t)number << 1 ^ (uint64_t)(number < 0 ? -1 : 0);
}

static inline int64_t unzigzag(uint64_t number)
{
    return (int64_t)(number >> 1 ^ -(number & 1));
}

/* Writes a number, and may overwrite up to ROW_SLACK bytes after it. Returns its end. */
static inline uint8_t *row_put(uint8_t *at, uint64_t number)
{
    if (number < 0x80) {
        *at = (uint8_t)number;
        return at + 1;
    }
    if (number >> 56) {
        for (; number >= 0x80; number >>= 7)
            *at++ = (uint8_t)(number | 0x80);
        *at++ = (uint8_t)number;
        return at;
    }
    unsigned bytes = (70 - (unsigned)__builtin_clzll(number)) / 7;
    invariant(bytes >= 2 && bytes <= ROW_SLACK);
    /* 56 bits to 28 and 28, to 14 each, to 7 each */
    uint64_t word = (number & 0x000000000fffffff) | (number & 0x00fffffff0000000) << 4;
    word = (word & 0x00003fff00003fff) | (word & 0x0fffc0000fffc000) << 2;
    word = (word & 0x007f007f007f007f) | (word & 0x3f803f803f803f80) << 1;
    /* Set the continuation bit of all but the last byte. */
    word |= 0x8080808080808080 & ((UINT64_C(1) << 8 * (bytes - 1)) - 1);
    word = htole64(word);
    memcpy(at, &word, sizeof word);
    return at + bytes;
}

static inline uint8_t *row_put_signed(uint8_t *at, int64_t number)
{
    return row_put(at, zigzag(number));
}

/* The read position. Once it is `bad`, all numbers are 0. */
struct row_reader {
    const uint8_t *at, *end;
    bool bad;
};

static inline size_t row_left(const struct row_reader *row)
{
    invariant(row->at <= row->end && (!row->bad || row->at == row->end));
    return (size_t)(row->end - row->at);
}

/* Marks the row as bad if a value is invalid. */
static inline void row_refuse_if(struct row_reader *row, bool is_wrong)
{
    if (!is_wrong)
        return;
    row->bad = true;
    row->at = row->end;
}

/* As row_take(), byte by byte. */
uint64_t row_take_slowly(struct row_reader *row);

/* Reads the number at `at`, where at least eight bytes are; returns its end, or NULL: it is
 * longer. */
static inline const uint8_t *row_take_at(const uint8_t *at, uint64_t *number)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    word = le64toh(word);
    if (!(word & 0x80)) {
        *number = word & 0x7f;
        return at + 1;
    }
    uint64_t last = ~word & 0x8080808080808080;
    if (last == 0)
        return NULL;
    word &= last ^ (last - 1); /* up to its last byte */
    word &= 0x7f7f7f7f7f7f7f7f;
    word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
    word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
    *number = (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
    return at + ((unsigned)__builtin_ctzll(last) + 1) / 8;
}

static inline uint64_t row_take(struct row_reader *row)
{
    uint64_t number;
    const uint8_t *next = row_left(row) < sizeof(uint64_t) ? NULL : row_take_at(row->at, &number);
    if (!next)
        return row_take_slowly(row);
    row->at = next;
    return number;
}

/* The same at `at`, the read position, kept in a register by the caller; returns the end. */
static inline const uint8_t *row_take_from(struct row_reader *row, const uint8_t *at,
                                           uint64_t *number)
{
    const uint8_t *next = (size_t)(row->end - at) < sizeof *number ? NULL : row_take_at(at, number);
    if (LIKELY(next))
        return next;
    row->at = at;
    *number = row_take_slowly(row);
    return row->at;
}

static inline int64_t row_take_signed(struct row_reader *row)
{
    return unzigzag(row_take(row));
}

/* A number of elements that follow, each of at least `least` bytes: 0, and bad, if the rest is too
 * short. */
static inline size_t row_take_count(struct row_reader *row, size_t least)
{
    invariant(least > 0);
    uint64_t count = row_take(row);
    if (count <= row_left(row) / least)
        return (size_t)count;
    row_refuse_if(row, true);
    return 0;
}

#endif
