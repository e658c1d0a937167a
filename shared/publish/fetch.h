/* publish/fetch.h -- the archive of an announced chunk, from wherever it is. */
#ifndef PUBLISH_FETCH_H
#define PUBLISH_FETCH_H

#include "base/bytes.h"
#include "base/failure.h"
#include "bus/producer.h"
#include "bus/bus_reader.h"
#include "wire/chunk_codec.h"

struct fetch_options {
    struct bus_reader *reader; /* for segments; what it was assigned is over then */
    const char *store_root;    /* file:// below it alone; NULL: none */
    size_t stored_max;         /* a longer archive is rejected */
    struct bus_patience patience;
    uint64_t timeout_ms; /* of all segments together */
};

/* The bytes of the archive, owned by the caller, checked by length and digest.
 * RETRY: not now: the broker does not answer, the file is not there yet. END: never: retention took
 * it, or the topic or partition is gone. REJECT: never: it is damaged, replaced, too long, or where it
 * must not be. */
MUST_CHECK enum status fetch_archive(const struct fetch_options *options,
                                     const struct chunk_ready *ready, struct bytes *out,
                                     struct failure *why);

#endif
