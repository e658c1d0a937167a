/* cli/render/quantity.h -- human-readable numbers: counts with separators, bytes in binary units,
 * durations in a suitable unit. All return a struct quantity by value. */
#ifndef CLI_RENDER_QUANTITY_H
#define CLI_RENDER_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quantity {
    char text[40];
};

/* 1,204,311 */
struct quantity quantity_count(uint64_t count);

/* 0 B, 418 B, 12.1 MiB, 400 MiB: three significant digits from KiB on. */
struct quantity quantity_bytes(uint64_t bytes);

/* The unit of the sizes in one column, between `least` (the smallest above 0) and `most`: 0 for B,
 * 1 for KiB, and so on. */
unsigned quantity_bytes_unit(uint64_t least, uint64_t most);

/* A size in such a unit: 22,630 B, 0.67 KiB, <0.01 MiB. */
struct quantity quantity_bytes_in(uint64_t bytes, unsigned unit);

/* 0.02 %, 12.3 %; values above 0 that are too small to show are "<0.01 %". */
struct quantity quantity_percent(double share);

/* Format of the durations in one column. */
struct duration_scale {
    unsigned unit;     /* index of ns, us, ms, s */
    unsigned decimals; /* after the point */
    bool is_shared;    /* with other columns: no value has a greater unit */
};

/* Fits values between `least` (the smallest above 0) and `most`: the unit of the greatest, or a
 * smaller one to show the least, unless the column would grow wider than 999,999.999. At most three
 * decimals. */
struct duration_scale duration_scale_of(uint64_t least, uint64_t most);

/* The unit that columns with values between `least` (the smallest above 0) and `most` share: three
 * decimals show the least, with two digits if a unit allows, and no value reaches 10,000, or else
 * 100,000. false: there is none. */
bool duration_unit_of_all(uint64_t least, uint64_t most, unsigned *unit);

/* For a column that shares this unit; `least` is its smallest value above 0. */
struct duration_scale duration_scale_shared(unsigned unit, uint64_t least);

/* For values that are compared with `most`, the greatest: its unit, three decimals. */
struct duration_scale duration_scale_below(uint64_t most);

/* 10.84 s; a value above 0 that is too small for the scale is "<0.001 ms". */
struct quantity quantity_duration(uint64_t ns, struct duration_scale scale);

/* The same with at most five significant digits: 1,323.5 s. */
struct quantity quantity_summand(uint64_t ns, struct duration_scale scale);

/* The same with at most three significant digits, but all before the point; from 10,000 of the unit
 * on, in a greater one: 27.1 ms in a column of us, unless the unit is shared. */
struct quantity quantity_in_column(uint64_t ns, struct duration_scale scale);

/* A single duration, not in a column. */
struct quantity quantity_lone_duration(uint64_t ns);

/* An estimated duration in the unit of its column, with its significant digits, up to three
 * decimals: ~2 us, ~1.06 ms; from 10,000 of the unit on, in a greater one, unless it is shared. */
struct quantity quantity_about(uint64_t ns, struct duration_scale scale);

/* Time of the day in the local time zone, as babeltrace2 prints it: 12:18:50.432950815 */
struct quantity quantity_time(int64_t ns_since_epoch);

/* Date and time in the local time zone: 2026-11-22 12:18:50 */
struct quantity quantity_date(int64_t ns_since_epoch);

/* An age, in the largest unit with a value of at least two: 95 s, 14 min, 30 h, 6 d. */
struct quantity quantity_age(int64_t ns);

#endif
