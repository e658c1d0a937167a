/* base/durations.h -- durations of one kind, added up: how many, total, least, longest, and how they
 * are spread. Adding and merging in any order come to the same.
 *
 * The spread has eight buckets per doubling: bucket 8 p + k has the durations from 2^(p + k/8) ns
 * up to below 2^(p + (k + 1)/8) ns; bucket 0 also those of 0 ns. Powers of two are borders, so
 * eight buckets are one of floor(log2). These are the buckets of OpenTelemetry's exponential
 * histograms of scale 3, except that there an exact power of two is in the bucket below.
 *
 * Up to DURATIONS_TOLD durations are held as they are, and take no memory of their own. Of more,
 * there are counters from the bucket of the least to that of the longest, each of two bytes until
 * one is full. */
#ifndef BASE_DURATIONS_H
#define BASE_DURATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/row.h"

enum {
    DURATIONS_TOLD = 3,
    DURATIONS_PARTS = 8, /* buckets per doubling */
    DURATIONS_POWERS = 64,
    DURATIONS_BUCKETS = DURATIONS_POWERS * DURATIONS_PARTS
};

struct durations_bucket {
    uint64_t count;
    uint16_t bucket;
};

enum durations_form {
    DURATIONS_FEW,    /* no counters: `middle_ns`, of three */
    DURATIONS_NARROW, /* `narrow`, owned */
    DURATIONS_WIDE,   /* `wide`, owned */
    DURATIONS_LISTED  /* `listed`, borrowed; becomes owned counters before it changes */
};

/* All zero is none; durations_clear() gives back what it owns. A copy by assignment is borrowed
 * from the original, and must neither change nor be cleared, unless it takes its place. */
struct durations {
    uint64_t count;
    uint64_t total_ns;       /* UINT64_MAX if 64 bits do not hold it */
    uint64_t min_ns, max_ns; /* mean nothing while count is 0 */
    union {
        uint64_t middle_ns; /* of three */
        uint16_t *narrow;   /* of the buckets from `first` on */
        uint64_t *wide;
        const struct durations_bucket *listed; /* ascending, none empty */
    };
    uint16_t first;       /* bucket of the first counter */
    uint16_t size;        /* counters, or buckets in the list */
    uint16_t narrow_size; /* `size` if the counters are narrow, else 0 */
    uint8_t form;         /* enum durations_form */
};

_Static_assert(sizeof(struct durations) == 48, "most cells hold few durations");

/* The greatest 64-bit mantissa of each part of a doubling: 2^(63 + (k + 1) / 8), rounded down. Of
 * the eight linear parts of a doubling, each but the last has one of these borders in it. */
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

/* For durations_add_in() alone: where no narrow counter is there for it. */
void durations_add_slowly(struct durations *to, uint64_t ns);

/* `bucket` is durations_bucket(ns): for those who add one to several. */
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

/* None again; gives back its memory. */
void durations_clear(struct durations *durations);

/* The same, with what it needs of memory taken from `arena`: borrowed from there. */
struct durations durations_copy(struct arena *arena, const struct durations *durations);

/* --- what is known of them --- */

/* The next bucket that is not empty, ascending; `*at` begins as 0. False: none is left. */
bool durations_next(const struct durations *durations, size_t *at, struct durations_bucket *out);

/* `out[p]` have p = floor(log2(ns)), those of 0 ns are with p = 0. */
void durations_log2(const struct durations *durations, uint64_t out[DURATIONS_POWERS]);

/* The least duration that `per_mille` thousandths of all are not above; 0 of none. Exact if it is
 * the least or the longest, or of up to DURATIONS_TOLD; else the middle of its bucket, which is
 * wrong by less than 5 % before it is rounded to 1 ns. */
uint64_t durations_quantile(const struct durations *durations, unsigned per_mille);

/* The same with no more digits than it is worth, three at most. */
uint64_t durations_quantile_rounded(const struct durations *durations, unsigned per_mille);

/* --- as bytes --- */

/* Numbers that durations_put() writes at most. */
size_t durations_numbers(const struct durations *durations);

/* Writes them as numbers of base/row.h, whose room the caller has made. Returns what is behind.
 *
 *     of 1 to DURATIONS_TOLD: how many; least; of more than one, longest - least; of three,
 *     middle - least
 *     else: DURATIONS_TOLD + 1; total; least; longest - least; of each bucket from that of the
 *     least to that of the longest that is not empty, 4 * distance from the one before (first: 0)
 *     + count - 1, or + 3 and then count - 4 */
uint8_t *durations_put(uint8_t *at, const struct durations *durations);

/* Reads what durations_put() wrote; its memory is of `arena`. If it contradicts itself, the row is
 * bad, and `*to` none. */
void durations_take(struct row_reader *row, struct arena *arena, struct durations *to);

/* `count` buckets, ascending and not empty, of more than DURATIONS_TOLD durations, become `*to`,
 * which borrows them. False, and `*to` is none, if they contradict themselves or the rest. */
bool durations_of_buckets(struct durations *to, const struct durations_bucket *buckets,
                          size_t count, uint64_t total_ns, uint64_t min_ns, uint64_t max_ns);

/* One to DURATIONS_TOLD; of less than three, `middle_ns` says nothing. False likewise. */
bool durations_of_few(struct durations *to, uint64_t count, uint64_t min_ns, uint64_t middle_ns,
                      uint64_t max_ns);

#endif
