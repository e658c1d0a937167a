/* cli/time_point.h -- a time as a user writes it, possibly relative to the trace. */
#ifndef CLI_TIME_POINT_H
#define CLI_TIME_POINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"

enum time_point_kind {
    TIME_POINT_NONE,
    TIME_EPOCH,     /* ns since the Unix epoch */
    TIME_OF_DAY,    /* ns since midnight of the trace's first day, local time zone */
    TIME_RELATIVE,  /* ns since the trace's begin */
    TIME_BEFORE_END /* ns before the trace's end */
};

struct time_point {
    enum time_point_kind kind;
    int64_t ns;
};

/* The first and last event of a trace, Unix epoch. For results, both are the current time. */
struct time_range {
    int64_t begin_ns, end_ns;
};

/* `2026-11-22T23:09:36[.258944395][+01:00]`, local time without a zone, also only the date, or with
 * hours and minutes; `1795388976.258944395`; `23:09[:36[.258944395]]`, as in the tables and in
 * babeltrace2; `+1.5s`, `+200ms` (ns, us, ms, s, m, h; default s); `5m` or `last 5m` (ns, us, ms,
 * s, m, h, d). */
MUST_CHECK enum status time_point_parse(const char *text, struct time_point *out,
                                        struct failure *why);

/* Nanoseconds since the epoch. False for TIME_POINT_NONE, or if out of range. */
bool time_point_resolve(struct time_point point, struct time_range range, int64_t *out_ns);

#endif
