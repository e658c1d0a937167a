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

/* The unit of durations. */
enum duration_unit_name { UNIT_NS, UNIT_US, UNIT_MS, UNIT_S, DURATION_UNITS };
struct duration_unit {
    enum duration_unit_name name;
    uint64_t end; /* of the unit: durations from there on are shown in their own unit */
};

/* The unit of the durations in one column, or in columns that are compared with one another,
 * between `least` (the smallest above 0) and `most`. It shows all of them if one does. */
struct duration_unit duration_unit_of(uint64_t least, uint64_t most);

/* The unit of rows whose durations are not known yet: for those between 1 us and 100 s. */
struct duration_unit duration_unit_of_rows(void);

/* The unit of sums of which `most` is the greatest: the greatest one that is not above it. */
struct duration_unit duration_unit_of_sums(uint64_t most);

/* A duration in such a column: three significant digits, or all before the point, and at most three
 * decimals: 27.1 ms, 0.027 ms, 21,458 ms. Those that the unit does not show are in their own unit:
 * 300 ns, 271 s. A greater duration is never shown as a smaller one. */
struct quantity quantity_in_column(uint64_t ns, struct duration_unit unit);

/* The same with a tilde and only the significant digits of `ns`: ~2 us, ~1.06 ms. */
struct quantity quantity_about(uint64_t ns, struct duration_unit unit);

/* A sum, with at most five significant digits and three decimals: 1,323.5 s, 0.463 s; a value above
 * 0 that is too small is "<0.001 s". */
struct quantity quantity_sum(uint64_t ns, struct duration_unit unit);

/* A single duration, not in a column, with three significant digits. */
struct quantity quantity_lone_duration(uint64_t ns);

/* Time of the day in the local time zone, as babeltrace2 prints it: 12:18:50.432950815 */
struct quantity quantity_time(int64_t ns_since_epoch);

/* Date and time in the local time zone: 2026-11-22 12:18:50 */
struct quantity quantity_date(int64_t ns_since_epoch);

/* An age, in the largest unit with a value of at least two: 95 s, 14 min, 30 h, 6 d. */
struct quantity quantity_age(int64_t ns);

#endif
