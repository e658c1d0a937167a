/* export/output/remote_write_message.h -- samples as a request of Prometheus remote write 1.0. */
#ifndef EXPORT_OUTPUT_REMOTE_WRITE_MESSAGE_H
#define EXPORT_OUTPUT_REMOTE_WRITE_MESSAGE_H

#include "base/arena.h"
#include "export/family.h"

enum remote_write_histograms {
    REMOTE_WRITE_NATIVE,  /* of scale 3 */
    REMOTE_WRITE_CLASSIC, /* ..._bucket, ..._sum, ..._count */
    REMOTE_WRITE_NONE
};

/* `samples->at[from..from + count)`, snappy around protobuf, in `arena`. `*out` is empty if there is
 * nothing to be sent of them. */
void remote_write_encode(const struct samples *samples, size_t from, size_t count,
                         enum remote_write_histograms histograms, struct arena *arena,
                         struct bytes *out);

#endif
