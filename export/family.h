/* export/family.h -- exported data, independent of receivers: families of series, and their values
 * at the end of an interval.
 *
 * Views (export/views.h) define which results count in which family; outputs
 * (export/output/output.h) convert samples to the format of their receiver. They do not depend on
 * each other: a new analysis needs a family but no output, a new output needs no analysis. */
#ifndef EXPORT_FAMILY_H
#define EXPORT_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/durations.h"

enum family_kind {
    FAMILY_COUNTER,  /* a sum that never falls */
    FAMILY_GAUGE,    /* the newest number */
    FAMILY_DURATIONS /* number, sum and distribution of durations */
};

/* Unit of its numbers; the last two are exported in seconds. */
enum family_unit { FAMILY_ONE, FAMILY_NS, FAMILY_MS };

enum { FAMILY_LABELS_MAX = 4 };

struct family {
    const char
        *name; /* with its unit: ..._seconds; counters end with _total. The meaning never changes */
    const char *help;
    enum family_kind kind;
    enum family_unit unit;
    /* In addition to session and host, which all have. */
    const char *labels[FAMILY_LABELS_MAX];
    uint8_t label_count;
    /* The values of the first `open_count` labels come from the trace: beyond the limit of series,
     * they are `other`. */
    uint8_t open_count;
};

enum { EXEMPLAR_ID_ROOM = 32 };

/* A duration of the interval. */
struct exemplar {
    int64_t end_ns; /* since the Unix epoch */
    int64_t ns;     /* duration */
    uint8_t trace[16], span[8];
    char id[EXEMPLAR_ID_ROOM]; /* as `id` in JSON */
};

/* One series at the end of an interval. */
struct sample {
    const struct family *family;
    struct text labels[FAMILY_LABELS_MAX]; /* in the family's order; `count` 0: no label */
    int64_t number;                        /* a counter since the session's begin, or a gauge */
    const struct durations *durations;     /* since the session's begin; else NULL */
    /* No sample has its value at the begin of the interval: the series is new, or had none in the
     * previous interval. The value was `number_before`, or `durations_before`; if new, 0 and NULL.
     * Never for a gauge. */
    bool opens;
    int64_t number_before;
    const struct durations *durations_before;
    const struct exemplar *exemplar; /* NULL: none */
};

/* All series of a session that an interval has changed. They point into the session until it takes
 * more records. */
struct samples {
    struct text session, host;
    uint64_t chunk;
    int64_t begin_ms, end_ms; /* since the Unix epoch; begin_ms < end_ms */
    int64_t since_ms; /* when counters were 0: the begin of the first interval; 0: unknown */
    const struct sample *at;
    size_t count;
};

#endif
