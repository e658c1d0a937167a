/* export/interval.h -- what an interval has brought, as outputs get it: samples of the series that it
 * has changed, and the results themselves. */
#ifndef EXPORT_INTERVAL_H
#define EXPORT_INTERVAL_H

#include "export/entities.h"
#include "export/family.h"
#include "wire/result_codec.h"

/* A function of the results up to it: whoever is restored and takes it again gets the same. Views of
 * the exporter's, until it takes something more. */
struct export_interval {
    struct samples samples; /* `session`, `host` and `chunk` are set, also if there are none */
    const struct result_record *records; /* all of the interval, in order */
    size_t record_count;
    /* Threads that were told so far, and what their processes are called at its end. */
    const struct entities *entities;
    bool any_time;     /* an interval of the session, this or one before, has events */
    int64_t offset_ns; /* if so: from raw times of results to the Unix epoch */
};

#endif
