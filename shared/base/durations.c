#include "base/durations.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/attrs.h"
#include "base/invariant.h"
#include "base/memory.h"

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a <= UINT64_MAX - b ? a + b : UINT64_MAX;
}

static uint64_t bounded(uint64_t number, uint64_t least, uint64_t most)
{
    invariant(least <= most);
    return number < least ? least : number > most ? most : number;
}

/* --- few --- */

/* Of up to DURATIONS_EXACT, ascending. */
static uint64_t few_at(const struct durations *few, size_t at)
{
    assert(few->form == DURATIONS_FEW && at < few->count);
    if (at == 0)
        return few->min_ns;
    return at + 1 == few->count ? few->max_ns : few->middle_ns;
}

static bool next_of_few(const struct durations *few, size_t *at, struct durations_bucket *out)
{
    if (*at >= few->count)
        return false;
    *out = (struct durations_bucket){1, (uint16_t)durations_bucket(few_at(few, *at))};
    while (++*at < few->count && durations_bucket(few_at(few, *at)) == out->bucket)
        out->count++;
    return true;
}

/* --- counters --- */

/* Windows consist of whole steps, four doublings or 64 bytes each, so they seldom grow. */
enum { STEP = 4 * DURATIONS_PARTS };

static uint64_t counter(const struct durations *durations, size_t at)
{
    return durations->form == DURATIONS_NARROW ? durations->narrow[at] : durations->wide[at];
}

static bool next_counter(const struct durations *durations, size_t *at,
                         struct durations_bucket *out)
{
    while (*at < durations->size && counter(durations, *at) == 0)
        ++*at;
    if (*at >= durations->size)
        return false;
    *out = (struct durations_bucket){counter(durations, *at), (uint16_t)(durations->first + *at)};
    ++*at;
    return true;
}

bool durations_next(const struct durations *durations, size_t *at, struct durations_bucket *out)
{
    switch ((enum durations_form)durations->form) {
    case DURATIONS_FEW: return next_of_few(durations, at, out);
    case DURATIONS_NARROW:
    case DURATIONS_WIDE: return next_counter(durations, at, out);
    case DURATIONS_LISTED:
        if (*at >= durations->size)
            return false;
        *out = durations->listed[(*at)++];
        return true;
    }
    return false;
}

/* Invariant between calls: the buckets add up to the count, unless one is implausibly large; the
 * ends are valid buckets. */
static bool is_sound(const struct durations *durations)
{
    uint64_t whole = 0;
    unsigned first = DURATIONS_BUCKETS, last = 0;
    struct durations_bucket each;
    for (size_t at = 0; durations_next(durations, &at, &each); last = each.bucket) {
        whole = sum(whole, each.count);
        first = each.bucket < first ? each.bucket : first;
    }
    return durations->count == whole &&
           (whole == 0 || (durations->min_ns <= durations->max_ns &&
                           first == durations_bucket(durations->min_ns) &&
                           last == durations_bucket(durations->max_ns)));
}

static bool has_counters(const struct durations *durations)
{
    return durations->form == DURATIONS_NARROW || durations->form == DURATIONS_WIDE;
}

static void stretch(struct durations *durations, unsigned low, unsigned high)
{
    unsigned end = high - high % STEP + STEP;
    low -= low % STEP;
    if (has_counters(durations)) {
        unsigned old_end = (unsigned)durations->first + durations->size;
        low = low < durations->first ? low : durations->first;
        end = end > old_end ? end : old_end;
    }
    assert(low < end && end <= DURATIONS_BUCKETS);
    durations->first = (uint16_t)low;
    durations->size = (uint16_t)(end - low);
}

static void give_back(struct durations *durations)
{
    if (durations->form == DURATIONS_NARROW)
        free(durations->narrow);
    else if (durations->form == DURATIONS_WIDE)
        free(durations->wide);
}

/* Fills narrow counters from `old`, which has narrow ones or few durations. */
static void fill_narrow(struct durations *durations, const struct durations *old)
{
    assert(old->form == DURATIONS_NARROW || old->form == DURATIONS_FEW);
    if (old->form == DURATIONS_NARROW)
        memcpy(durations->narrow + (old->first - durations->first), old->narrow,
               old->size * sizeof *old->narrow);
    else
        for (size_t i = 0; i < old->count; i++)
            durations->narrow[durations_bucket(few_at(old, i)) - durations->first]++;
}

/* Counters are often short-lived, and calloc() is slow for them (glibc has no thread cache for
 * it). */
static void *new_counters(size_t count, size_t size)
{
    void *counters = memory_resize(NULL, count, size);
    return memset(counters, 0, count * size);
}

/* Makes counters for existing durations, and for the buckets from `low` to `high`. */
static void reshape(struct durations *durations, unsigned low, unsigned high, bool wide)
{
    struct durations old = *durations;
    stretch(durations, low, high);
    durations->form = wide ? DURATIONS_WIDE : DURATIONS_NARROW;
    durations->narrow_size = wide ? 0 : durations->size;
    if (!wide) {
        durations->narrow = new_counters(durations->size, sizeof *durations->narrow);
        fill_narrow(durations, &old);
    } else {
        durations->wide = new_counters(durations->size, sizeof *durations->wide);
        struct durations_bucket each;
        for (size_t at = 0; durations_next(&old, &at, &each);)
            durations->wide[each.bucket - durations->first] = each.count;
    }
    give_back(&old);
}

/* Ensures counters from `low` to `high`. Listed buckets become wide: they may have any count. */
static void need(struct durations *durations, unsigned low, unsigned high)
{
    bool is_there = has_counters(durations);
    if (is_there && low >= durations->first && high - durations->first < durations->size)
        return;
    if (!is_there && durations->count > 0) {
        unsigned least = durations_bucket(durations->min_ns);
        unsigned most = durations_bucket(durations->max_ns);
        low = least < low ? least : low;
        high = most > high ? most : high;
    }
    reshape(durations, low, high,
            durations->form == DURATIONS_WIDE || durations->form == DURATIONS_LISTED);
}

static void count_in(struct durations *to, unsigned bucket, uint64_t count)
{
    need(to, bucket, bucket);
    size_t at = bucket - to->first;
    invariant(bucket >= to->first && at < to->size);
    if (to->form == DURATIONS_NARROW && count > (uint64_t)UINT16_MAX - to->narrow[at])
        reshape(to, bucket, bucket, true);
    if (to->form == DURATIONS_NARROW)
        to->narrow[at] = (uint16_t)(to->narrow[at] + count);
    else
        to->wide[at] = sum(to->wide[at], count);
}

static void widen_ends(struct durations *to, uint64_t min_ns, uint64_t max_ns)
{
    if (to->count == 0 || min_ns < to->min_ns)
        to->min_ns = min_ns;
    if (to->count == 0 || max_ns > to->max_ns)
        to->max_ns = max_ns;
}

NEVER_INLINE void durations_add_slowly(struct durations *to, uint64_t ns)
{
    if (to->form != DURATIONS_FEW || to->count == DURATIONS_EXACT)
        count_in(to, durations_bucket(ns), 1);
    else if (to->count == DURATIONS_EXACT - 1)
        to->middle_ns = bounded(ns, to->min_ns, to->max_ns);
    widen_ends(to, ns, ns);
    to->count = sum(to->count, 1);
    to->total_ns = sum(to->total_ns, ns);
}

/* Adds listed buckets to existing narrow counters, up to the first that would overflow; returns how
 * many. */
static size_t count_listed(struct durations *to, const struct durations *other)
{
    uint16_t *narrow = to->narrow;
    size_t at = 0;
    for (; at < other->size; at++) {
        uint16_t *counter = &narrow[other->listed[at].bucket - to->first];
        if (other->listed[at].count > (uint64_t)UINT16_MAX - *counter)
            break;
        *counter = (uint16_t)(*counter + other->listed[at].count);
    }
    return at;
}

/* Of STEP counters: whether one would overflow. The constant number allows compilers to vectorize;
 * also in add_step(). */
static inline bool step_is_over(const uint16_t *counters, const uint16_t *add)
{
    unsigned sums = 0;
    for (size_t i = 0; i < STEP; i++)
        sums |= (unsigned)counters[i] + add[i];
    return sums > UINT16_MAX;
}

static inline void add_step(uint16_t *restrict counters, const uint16_t *restrict add)
{
    for (size_t i = 0; i < STEP; i++)
        counters[i] = (uint16_t)(counters[i] + add[i]);
}

/* Adds narrow counters to existing narrow counters; false, and nothing is added, if one would
 * overflow. */
static bool add_narrow(struct durations *to, const struct durations *other)
{
    uint16_t *sums = to->narrow + (other->first - to->first);
    const uint16_t *add = other->narrow;
    invariant(other->size % STEP == 0 && other->first >= to->first);
    for (size_t step = 0; step < other->size; step += STEP)
        if (step_is_over(sums + step, add + step))
            return false;
    for (size_t step = 0; step < other->size; step += STEP)
        add_step(sums + step, add + step);
    return true;
}

void durations_merge(struct durations *to, const struct durations *other)
{
    if (to->count == 0 && other->form == DURATIONS_FEW) {
        durations_clear(to);
        *to = *other;
        return;
    }
    if (other->form == DURATIONS_FEW) {
        for (size_t i = 0; i < other->count; i++)
            durations_add(to, few_at(other, i));
        return;
    }
    need(to, durations_bucket(other->min_ns), durations_bucket(other->max_ns));
    struct durations_bucket each;
    size_t at = 0;
    bool is_added = false;
    if (to->form == DURATIONS_NARROW && other->form == DURATIONS_LISTED)
        at = count_listed(to, other);
    else if (to->form == DURATIONS_NARROW && other->form == DURATIONS_NARROW)
        is_added = add_narrow(to, other);
    while (!is_added && durations_next(other, &at, &each))
        count_in(to, each.bucket, each.count);
    widen_ends(to, other->min_ns, other->max_ns);
    to->count = sum(to->count, other->count);
    to->total_ns = sum(to->total_ns, other->total_ns);
    invariant(is_sound(to));
}

void durations_clear(struct durations *durations)
{
    give_back(durations);
    *durations = (struct durations){0};
}

static size_t bucket_count(const struct durations *durations)
{
    struct durations_bucket each;
    size_t count = 0;
    for (size_t at = 0; durations_next(durations, &at, &each);)
        count++;
    return count;
}

struct durations durations_copy(struct arena *arena, const struct durations *durations)
{
    struct durations copy = *durations;
    if (durations->form == DURATIONS_FEW)
        return copy;
    copy.size = (uint16_t)bucket_count(durations);
    struct durations_bucket *listed = arena_take(arena, copy.size * sizeof *listed);
    struct durations_bucket each;
    size_t count = 0;
    for (size_t at = 0; durations_next(durations, &at, &each);)
        listed[count++] = each;
    copy.narrow_size = 0;
    copy.form = DURATIONS_LISTED;
    copy.listed = listed;
    assert(count == copy.size);
    invariant(is_sound(&copy));
    return copy;
}

/* --- reading --- */

void durations_log2(const struct durations *durations, uint64_t out[DURATIONS_POWERS])
{
    memset(out, 0, DURATIONS_POWERS * sizeof *out);
    struct durations_bucket each;
    for (size_t at = 0; durations_next(durations, &at, &each);) {
        uint64_t *power = &out[each.bucket / DURATIONS_PARTS];
        *power = sum(*power, each.count);
    }
}

/* The smallest integer duration of a bucket, or, if it has none, the one above. */
static uint64_t lower(unsigned bucket)
{
    unsigned power = bucket / DURATIONS_PARTS, part = bucket % DURATIONS_PARTS;
    if (bucket == 0)
        return 0;
    if (part == 0)
        return UINT64_C(1) << power;
    return (durations_border[part - 1] >> (63 - power)) + 1;
}

static uint64_t upper(unsigned bucket)
{
    return bucket + 1 < DURATIONS_BUCKETS ? lower(bucket + 1) - 1 : UINT64_MAX;
}

/* The geometric middle: half a bucket, or 4.4 %, from either end. */
static uint64_t middle(unsigned bucket)
{
    /* 2^(63 + (2 k + 1) / 16), rounded down */
    static const uint64_t mantissa[DURATIONS_PARTS] = {
        0x85aac367cc487b14, 0x91c3d373ab11c336, 0x9ef5326091a111ad, 0xad583eea42a14ac6,
        0xbd08a39f580c36be, 0xce248c151f8480e3, 0xe0ccdeec2a94e111, 0xf5257d152486cc2c};
    unsigned power = bucket / DURATIONS_PARTS;
    uint64_t whole = mantissa[bucket % DURATIONS_PARTS] >> (63 - power);
    uint64_t half = power < 63 ? mantissa[bucket % DURATIONS_PARTS] >> (62 - power) & 1 : 0;
    return bounded(whole + half, lower(bucket), upper(bucket));
}

/* A quantile is between `low` and `high`, most likely at `value`. */
struct estimate {
    uint64_t value, low, high;
};

static struct estimate exactly(uint64_t ns)
{
    return (struct estimate){ns, ns, ns};
}

static struct estimate estimate_of(const struct durations *durations, unsigned per_mille)
{
    assert(per_mille <= 1000);
    uint64_t count = durations->count, min_ns = durations->min_ns, max_ns = durations->max_ns;
    if (count == 0)
        return exactly(0);
    uint64_t rank = count / 1000 * per_mille + (count % 1000 * per_mille + 999) / 1000;
    if (rank <= 1)
        return exactly(min_ns);
    if (rank >= count)
        return exactly(max_ns);
    if (durations->form == DURATIONS_FEW)
        return exactly(few_at(durations, rank - 1));
    uint64_t before = 0;
    struct durations_bucket each;
    for (size_t at = 0; durations_next(durations, &at, &each); before = sum(before, each.count))
        if (each.count >= rank - before)
            return (struct estimate){bounded(middle(each.bucket), min_ns, max_ns),
                                     bounded(lower(each.bucket), min_ns, max_ns),
                                     bounded(upper(each.bucket), min_ns, max_ns)};
    return exactly(max_ns);
}

uint64_t durations_quantile(const struct durations *durations, unsigned per_mille)
{
    return estimate_of(durations, per_mille).value;
}

static uint64_t power_of_ten(uint64_t most)
{
    uint64_t power = 1;
    while (power <= most / 10)
        power *= 10;
    return power;
}

/* `value` without the digits below `step`, a power of ten. */
static uint64_t rounded(uint64_t value, uint64_t step)
{
    uint64_t over = value % step;
    return value - over + (over >= step - over && value - over <= UINT64_MAX - step ? step : 0);
}

/* No step changes the order of two quantiles, nor lets one pass the minimum or maximum. */
uint64_t durations_quantile_rounded(const struct durations *durations, unsigned per_mille)
{
    enum { THREE_DIGITS = 100 };
    if (durations->count == 0)
        return 0;
    struct estimate estimate = estimate_of(durations, per_mille);
    uint64_t value = rounded(estimate.value, power_of_ten(estimate.high - estimate.low));
    value = bounded(value, estimate.low, estimate.high);
    value = rounded(value, power_of_ten(value / THREE_DIGITS));
    return bounded(value, durations->min_ns, durations->max_ns);
}

/* --- encoding --- */

enum {
    COUNT_BITS = 2, /* below the distance */
    COUNT_MASK = (1 << COUNT_BITS) - 1
};

size_t durations_numbers(const struct durations *durations)
{
    return 4 + (durations->form == DURATIONS_FEW ? 0 : 2 * (size_t)durations->size);
}

static uint8_t *put_few(uint8_t *at, const struct durations *few)
{
    at = row_put(at, few->count);
    at = row_put(at, few->min_ns);
    if (few->count > 1)
        at = row_put(at, few->max_ns - few->min_ns);
    return few->count > 2 ? row_put(at, few->middle_ns - few->min_ns) : at;
}

static inline uint8_t *put_bucket(uint8_t *at, uint64_t distance, uint64_t count)
{
    uint64_t less = count - 1;
    at = row_put(at, distance << COUNT_BITS | (less < COUNT_MASK ? less : COUNT_MASK));
    /* Whether a count is small is unpredictable: the code has no branch for each. */
    if (less < COUNT_MASK + 0x80) {
        *at = (uint8_t)(less - COUNT_MASK);
        return at + (less >= COUNT_MASK);
    }
    return row_put(at, less - COUNT_MASK);
}

/* Whether a counter is 0 is also unpredictable: each is stored, and overwritten by the next if it
 * is 0. */
static uint8_t *put_narrow(uint8_t *at, const struct durations *durations, unsigned first)
{
    uint16_t used[DURATIONS_BUCKETS + 1];
    size_t count = 0, end = (size_t)durations_bucket(durations->max_ns) - durations->first + 1;
    for (size_t i = first - durations->first; i < end; i++) {
        invariant(i < durations->size);
        used[count] = (uint16_t)i;
        count += durations->narrow[i] != 0;
    }
    unsigned before = first - durations->first;
    for (size_t i = 0; i < count; before = used[i++])
        at = put_bucket(at, used[i] - before, durations->narrow[used[i]]);
    return at;
}

uint8_t *durations_put(uint8_t *at, const struct durations *durations)
{
    assert(durations->count > 0);
    if (durations->form == DURATIONS_FEW)
        return put_few(at, durations);
    at = row_put(at, DURATIONS_EXACT + 1);
    at = row_put(at, durations->total_ns);
    at = row_put(at, durations->min_ns);
    at = row_put(at, durations->max_ns - durations->min_ns);
    unsigned before = durations_bucket(durations->min_ns);
    if (durations->form == DURATIONS_NARROW)
        return put_narrow(at, durations, before);
    struct durations_bucket each;
    for (size_t i = 0; durations_next(durations, &i, &each); before = each.bucket)
        at = put_bucket(at, each.bucket - before, each.count);
    return at;
}

/* The row is bad if the sum overflows. */
static uint64_t take_above(struct row_reader *row, uint64_t least)
{
    uint64_t above = row_take(row);
    row_refuse_if(row, above > UINT64_MAX - least);
    return least + above;
}

/* Whether `count` durations from `min_ns` to `max_ns`, too many to be stored individually, can have
 * the sum `total_ns`. */
static bool may_be_listed(uint64_t total_ns, uint64_t count, uint64_t min_ns, uint64_t max_ns)
{
    uint64_t least, most;
    if (__builtin_mul_overflow(count, min_ns, &least))
        least = UINT64_MAX;
    if (__builtin_mul_overflow(count, max_ns, &most))
        most = UINT64_MAX;
    return count > DURATIONS_EXACT && least <= total_ns && total_ns <= most;
}

static void take_few(struct row_reader *row, uint64_t count, struct durations *to)
{
    uint64_t min_ns = row_take(row);
    uint64_t max_ns = count > 1 ? take_above(row, min_ns) : min_ns;
    uint64_t middle_ns = count > 2 ? take_above(row, min_ns) : min_ns;
    row_refuse_if(row, !durations_of_few(to, count, min_ns, middle_ns, max_ns));
}

static void take_buckets(struct row_reader *row, struct arena *arena, struct durations *to)
{
    uint64_t total_ns = row_take(row), min_ns = row_take(row), max_ns = take_above(row, min_ns);
    struct durations_bucket buckets[DURATIONS_BUCKETS];
    uint64_t bucket = durations_bucket(min_ns), last = durations_bucket(max_ns), whole = 0;
    size_t count = 0;
    const uint8_t *at = row->at;
    do {
        uint64_t head, more = 0;
        if (LIKELY(at < row->end && *at < 0x80))
            head = *at++;
        else
            at = row_take_from(row, at, &head);
        if ((head & COUNT_MASK) == COUNT_MASK)
            at = row_take_from(row, at, &more);
        uint64_t less = head & COUNT_MASK, distance = head >> COUNT_BITS;
        if (row->bad || more >= UINT64_MAX - less || distance > last - bucket ||
            (distance > 0) != (count > 0)) {
            row_refuse_if(row, true);
            return;
        }
        bucket += distance;
        whole = sum(whole, less + more + 1);
        buckets[count++] = (struct durations_bucket){less + more + 1, (uint16_t)bucket};
    } while (bucket < last);
    row->at = at;
    row_refuse_if(row, !may_be_listed(total_ns, whole, min_ns, max_ns));
    if (row->bad || !arena)
        return;
    *to = (struct durations){.count = whole,
                             .total_ns = total_ns,
                             .min_ns = min_ns,
                             .max_ns = max_ns,
                             .listed = arena_copy(arena, buckets, count * sizeof *buckets),
                             .size = (uint16_t)count,
                             .form = DURATIONS_LISTED};
    invariant(is_sound(to));
}

struct row_reader durations_skip(struct row_reader row)
{
    struct durations ignored;
    durations_take(&row, NULL, &ignored);
    return row;
}

void durations_take(struct row_reader *row, struct arena *arena, struct durations *to)
{
    *to = (struct durations){0};
    uint64_t count = row_take(row);
    if (count == 1) { /* the most frequent case */
        uint64_t ns = row_take(row);
        *to = (struct durations){.count = 1, .total_ns = ns, .min_ns = ns, .max_ns = ns};
    } else if (count <= DURATIONS_EXACT) {
        take_few(row, count, to);
    } else if (count == DURATIONS_EXACT + 1) {
        take_buckets(row, arena, to);
    } else {
        row_refuse_if(row, true);
    }
    if (row->bad)
        *to = (struct durations){0};
}

bool durations_of_buckets(struct durations *to, const struct durations_bucket *buckets,
                          size_t count, uint64_t total_ns, uint64_t min_ns, uint64_t max_ns)
{
    *to = (struct durations){0};
    if (count == 0 || count > DURATIONS_BUCKETS || buckets[0].bucket != durations_bucket(min_ns) ||
        buckets[count - 1].bucket != durations_bucket(max_ns) || min_ns > max_ns)
        return false;
    uint64_t whole = 0;
    for (size_t i = 0; i < count; i++) {
        if (buckets[i].count == 0 || (i > 0 && buckets[i].bucket <= buckets[i - 1].bucket))
            return false;
        whole = sum(whole, buckets[i].count);
    }
    if (!may_be_listed(total_ns, whole, min_ns, max_ns))
        return false;
    *to = (struct durations){.count = whole,
                             .total_ns = total_ns,
                             .min_ns = min_ns,
                             .max_ns = max_ns,
                             .listed = buckets,
                             .size = (uint16_t)count,
                             .form = DURATIONS_LISTED};
    return true;
}

bool durations_of_few(struct durations *to, uint64_t count, uint64_t min_ns, uint64_t middle_ns,
                      uint64_t max_ns)
{
    *to = (struct durations){0};
    if (count < 1 || count > DURATIONS_EXACT || min_ns > max_ns ||
        (count == 1 && min_ns != max_ns) ||
        (count > 2 && (middle_ns < min_ns || middle_ns > max_ns)))
        return false;
    *to = (struct durations){.count = count,
                             .total_ns = min_ns,
                             .min_ns = min_ns,
                             .max_ns = max_ns,
                             .middle_ns = count > 2 ? middle_ns : 0};
    if (count > 1)
        to->total_ns = sum(to->total_ns, max_ns);
    if (count > 2)
        to->total_ns = sum(to->total_ns, middle_ns);
    return true;
}
