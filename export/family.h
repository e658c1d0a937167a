/* export/family.h -- what is exported, in the words of no receiver: families of series, and what they
 * come to at the end of an interval.
 *
 * Views (export/views.h) say which results count in which family; outputs (export/output/output.h)
 * put samples into the form of their receiver. Neither knows the other: an analysis needs a family
 * and no output, an output needs no analysis. */
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
    FAMILY_DURATIONS /* how many durations, their sum and their distribution */
};

/* What its numbers are; the last two are shown in seconds. */
enum family_unit { FAMILY_ONE, FAMILY_NS, FAMILY_MS };

enum { FAMILY_LABELS_MAX = 4 };

struct family {
    const char
        *name; /* with its unit: ..._seconds; counters end with _total. Never another meaning */
    const char *help;
    enum family_kind kind;
    enum family_unit unit;
    /* Besides session and host, which all have. */
    const char *labels[FAMILY_LABELS_MAX];
    uint8_t label_count;
    /* So many of them, from the first on, have values that come from the trace: beyond the limit of
     * series they are `other`. */
    uint8_t open_count;
};

enum { EXEMPLAR_ID_ROOM = 32 };

/* One of the durations that the interval has added. */
struct exemplar {
    int64_t end_ns; /* since the Unix epoch */
    int64_t ns;     /* how long it took */
    uint8_t trace[16], span[8];
    char id[EXEMPLAR_ID_ROOM]; /* as `id` in JSON */
};

/* One series at the end of an interval. */
struct sample {
    const struct family *family;
    struct text labels[FAMILY_LABELS_MAX]; /* in the order of the family's; of none, `count` is 0 */
    int64_t number;                        /* of a counter since the session's begin, or a gauge */
    const struct durations *durations;     /* since the session's begin; else NULL */
    /* No sample says what it was at the begin: it is new, or was silent in the interval before. It was
     * `number_before`, or `durations_before`: else 0 and NULL. Never of a gauge. */
    bool opens;
    int64_t number_before;
    const struct durations *durations_before;
    const struct exemplar *exemplar; /* NULL: none */
};

/* All series of a session that an interval has changed. Views of the session's, until it takes
 * something more. */
struct samples {
    struct text session, host;
    uint64_t chunk;
    int64_t begin_ms, end_ms; /* since the Unix epoch; begin_ms < end_ms */
    int64_t since_ms; /* when counters were 0: the begin of the first interval; 0: not known */
    const struct sample *at;
    size_t count;
};

#endif
