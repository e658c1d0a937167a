/* export/output/remote_write_message.h -- samples as a request of Prometheus remote write. */
#ifndef EXPORT_OUTPUT_REMOTE_WRITE_MESSAGE_H
#define EXPORT_OUTPUT_REMOTE_WRITE_MESSAGE_H

#include "base/arena.h"
#include "export/family.h"

enum remote_write_histograms {
    REMOTE_WRITE_NATIVE,  /* of scale 3 */
    REMOTE_WRITE_CLASSIC, /* ..._bucket, ..._sum, ..._count */
    REMOTE_WRITE_NONE
};

enum remote_write_version { REMOTE_WRITE_1, REMOTE_WRITE_2, REMOTE_WRITE_VERSIONS };

/* The content of a request, as receivers of 2.0 count it. */
struct remote_write_counts {
    uint64_t samples, histograms, exemplars;
};

struct remote_write_request {
    struct bytes body; /* empty: nothing to send */
    struct remote_write_counts counts;
};

/* `samples->at[from..from + count)`, snappy around protobuf, in `arena`. */
void remote_write_encode(const struct samples *samples, size_t from, size_t count,
                         enum remote_write_histograms histograms, enum remote_write_version version,
                         struct arena *arena, struct remote_write_request *out);

#endif
