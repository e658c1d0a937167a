/* ctf/bits.h -- reads integers of any size, alignment, and byte order.
 *
 * Source: CTF 1.8.3, 4.1.1 to 4.1.5: little-endian bit fields begin at the lowest bit of the first
 * byte, big-endian ones at the highest. */
#ifndef CTF_BITS_H
#define CTF_BITS_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/invariant.h"

static inline uint64_t bits_little(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static inline uint64_t bits_big(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* Eight bytes at once. */
static inline uint64_t bits_word_little(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

static inline uint64_t bits_word(const uint8_t *at, bool big_endian)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return big_endian ? be64toh(word) : le64toh(word);
}

/* Of 1 to 64. */
static inline uint64_t bits_mask(unsigned size)
{
    invariant(size >= 1 && size <= 64);
    return UINT64_MAX >> (64 - size);
}

/* `size` (1 to 64) bits, `shift` (0 to 7) bits after the begin of `at`; reads up to the byte of the
 * last one. */
static inline uint64_t bits_read(const uint8_t *at, unsigned shift, unsigned size, bool big_endian)
{
    invariant(shift <= 7);
    unsigned bytes = (shift + size + 7) / 8, most = bytes < 8 ? bytes : 8;
    uint64_t value = 0;
    if (big_endian) {
        unsigned behind = bytes * 8 - shift - size;
        value = bits_big(at, most);
        value = bytes > 8 ? value << (8 - behind) | at[8] >> behind : value >> behind;
    } else {
        value = bits_little(at, most) >> shift;
        if (bytes > 8)
            value |= (uint64_t)at[8] << (64 - shift);
    }
    return value & bits_mask(size);
}

/* The `size` (1 to 64) bits of `value` in reverse order. */
static inline uint64_t bits_reversed(uint64_t value, unsigned size)
{
    uint64_t out = 0;
    for (unsigned i = 0; i < size; i++)
        out |= (value >> i & 1) << (size - 1 - i);
    return out;
}

static inline uint64_t bits_sign_extended(uint64_t value, unsigned size)
{
    invariant(size >= 1 && size <= 64);
    uint64_t sign = UINT64_C(1) << (size - 1);
    return (value ^ sign) - sign;
}

static inline uint64_t bits_aligned(uint64_t at, uint64_t align)
{
    invariant(align > 0 && (align & (align - 1)) == 0);
    return (at + align - 1) & ~(align - 1);
}

#endif
