/* base/durations.h -- statistics of durations: count, total, minimum, maximum, and distribution.
 * The order of adding and merging does not matter.
 *
 * The distribution has eight buckets per doubling: bucket 8 p + k has the durations from 2^(p +
 * k/8) ns to below 2^(p + (k + 1)/8) ns; bucket 0 also those of 0 ns. Powers of two are borders, so
 * eight buckets are one of floor(log2). These are the buckets of OpenTelemetry's exponential
 * histograms of scale 3, except that there an exact power of two is in the bucket below.
 *
 * Up to DURATIONS_EXACT durations are stored individually, without allocation. For more, there are
 * counters from the bucket of the minimum to that of the maximum, of two bytes each until one
 * overflows. */
#ifndef BASE_DURATIONS_H
#define BASE_DURATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/row.h"

enum {
    DURATIONS_EXACT = 3,
    DURATIONS_PARTS = 8, /* buckets per doubling */
    DURATIONS_POWERS = 64,
    DURATIONS_BUCKETS = DURATIONS_POWERS * DURATIONS_PARTS
};

struct durations_bucket {
    uint64_t count;
    uint16_t bucket;
};

enum durations_form {
    DURATIONS_FEW,    /* no counters: the middle one of three in `middle_ns` */
    DURATIONS_NARROW, /* `narrow`, owned */
    DURATIONS_WIDE,   /* `wide`, owned */
    DURATIONS_LISTED  /* `listed`, borrowed; converted to owned counters before a change */
};

/* All zero is empty; durations_clear() frees what it owns. A copy by assignment borrows from the
 * original, and must neither change nor be cleared, unless it replaces the original. */
struct durations {
    uint64_t count;
    uint64_t total_ns;       /* UINT64_MAX if it exceeds 64 bits */
    uint64_t min_ns, max_ns; /* undefined while count is 0 */
    union {
        uint64_t middle_ns; /* of three */
        uint16_t *narrow;   /* of the buckets from `first` on */
        uint64_t *wide;
        const struct durations_bucket *listed; /* ascending, none empty */
    };
    uint16_t first;       /* bucket of the first counter */
    uint16_t size;        /* number of counters, or of buckets in the list */
    uint16_t narrow_size; /* `size` if the counters are narrow, else 0 */
    uint8_t form;         /* enum durations_form */
};

_Static_assert(sizeof(struct durations) == 48, "most cells hold few durations");

/* The greatest 64-bit mantissa of each part of a doubling: 2^(63 + (k + 1) / 8), rounded down. Of
 * the eight linear parts of a doubling, each but the last contains one of these borders. */
static const uint64_t durations_border[DURATIONS_PARTS] = {
    0x8b95c1e3ea8bd6e6, 0x9837f0518db8a96f, 0xa5fed6a9b15138ea, 0xb504f333f9de6484,
    0xc5672a115506dadd, 0xd744fccad69d6af4, 0xeac0c6e7dd24392e, UINT64_MAX};

static inline unsigned durations_bucket(uint64_t ns)
{
    unsigned power = 63 ^ (unsigned)__builtin_clzll(ns | 1);
    uint64_t mantissa = ns << (63 ^ power);
    unsigned part = mantissa >> 60 & 7;
    return power * DURATIONS_PARTS + part + (mantissa > durations_border[part]);
}

/* Only for durations_add_in(): when there is no narrow counter for it. */
void durations_add_slowly(struct durations *to, uint64_t ns);

/* `bucket` is durations_bucket(ns): for callers that add one duration to several. */
static inline void durations_add_in(struct durations *to, uint64_t ns, unsigned bucket)
{
    unsigned at = bucket - to->first;
    if (at >= to->narrow_size || to->narrow[at] == UINT16_MAX) {
        durations_add_slowly(to, ns);
        return;
    }
    to->narrow[at]++;
    to->count++;
    if (ns < to->min_ns)
        to->min_ns = ns;
    if (ns > to->max_ns)
        to->max_ns = ns;
    if (__builtin_add_overflow(to->total_ns, ns, &to->total_ns))
        to->total_ns = UINT64_MAX;
}

static inline void durations_add(struct durations *to, uint64_t ns)
{
    durations_add_in(to, ns, durations_bucket(ns));
}

void durations_merge(struct durations *to, const struct durations *other);

/* Empties it, and frees its memory. */
void durations_clear(struct durations *durations);

/* A copy with its memory in `arena`, borrowed from there. */
struct durations durations_copy(struct arena *arena, const struct durations *durations);

/* --- reading --- */

/* The next bucket that is not empty, ascending; `*at` begins as 0. False: no more. */
bool durations_next(const struct durations *durations, size_t *at, struct durations_bucket *out);

/* `out[p]` is the number with p = floor(log2(ns)); 0 ns counts as p = 0. */
void durations_log2(const struct durations *durations, uint64_t out[DURATIONS_POWERS]);

/* The smallest duration that at least `per_mille` thousandths do not exceed; 0 if empty. Exact for
 * the minimum and maximum, and for up to DURATIONS_EXACT; else the middle of its bucket, which has
 * an error below 5 % before it is rounded to 1 ns. */
uint64_t durations_quantile(const struct durations *durations, unsigned per_mille);

/* The same with only the significant digits, three at most, unless it is the minimum or maximum. */
uint64_t durations_quantile_rounded(const struct durations *durations, unsigned per_mille);

/* --- encoding --- */

/* Maximum of numbers that durations_put() writes. */
size_t durations_numbers(const struct durations *durations);

/* Writes them as numbers of base/row.h, to a buffer of the caller. Returns the end.
 *
 *     1 to DURATIONS_EXACT: count; minimum; if more than one, maximum - minimum; if three,
 *     middle - minimum
 *     else: DURATIONS_EXACT + 1; total; minimum; maximum - minimum; for each non-empty bucket from
 *     that of the minimum to that of the maximum, 4 * distance from the previous one (first: 0)
 *     + count - 1, or + 3 and then count - 4 */
uint8_t *durations_put(uint8_t *at, const struct durations *durations);

/* Reads the output of durations_put(), with memory in `arena`. If it is inconsistent, the row is
 * bad, and `*to` empty. Without an arena, it only checks, and `*to` may have no buckets. */
void durations_take(struct row_reader *row, struct arena *arena, struct durations *to);

/* Only checks the output of durations_put(), and returns the position after it. */
struct row_reader durations_skip(struct row_reader row);

/* Makes `*to` of more than DURATIONS_EXACT durations in `count` buckets, ascending and not empty,
 * which it borrows. False, and `*to` is empty, if buckets and totals are inconsistent. */
bool durations_of_buckets(struct durations *to, const struct durations_bucket *buckets,
                          size_t count, uint64_t total_ns, uint64_t min_ns, uint64_t max_ns);

/* Of one to DURATIONS_EXACT; with less than three, `middle_ns` is ignored. False likewise. */
bool durations_of_few(struct durations *to, uint64_t count, uint64_t min_ns, uint64_t middle_ns,
                      uint64_t max_ns);

#endif
