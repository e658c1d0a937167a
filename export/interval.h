/* export/interval.h -- the data of an interval for outputs: samples of the series that it has
 * changed, and its results. */
#ifndef EXPORT_INTERVAL_H
#define EXPORT_INTERVAL_H

#include "export/entities.h"
#include "export/family.h"
#include "wire/result_codec.h"

/* A function of the results up to this interval, so a restored exporter creates the same again.
 * Points into the exporter until it takes more records. */
struct export_interval {
    struct samples samples; /* `session`, `host` and `chunk` are set, even without samples */
    const struct result_record *records; /* all of the interval, in order */
    size_t record_count;
    /* Threads so far, and the names of their processes at the end of the interval. */
    const struct entities *entities;
    bool any_time;     /* this interval or an earlier one of the session has events */
    int64_t offset_ns; /* if so: from raw times of results to Unix time */
};

#endif
