/* publish/fetch.h -- fetches the archive of an announced chunk from its location. */
#ifndef PUBLISH_FETCH_H
#define PUBLISH_FETCH_H

#include "base/bytes.h"
#include "base/failure.h"
#include "bus/producer.h"
#include "bus/bus_reader.h"
#include "wire/chunk_codec.h"

struct fetch_options {
    struct bus_reader *reader; /* for segments; its assignment is replaced */
    const char *store_root;    /* only file:// below it; NULL: none */
    size_t stored_max;         /* a larger archive is rejected */
    struct bus_patience patience;
    uint64_t timeout_ms; /* of all segments together */
};

/* The bytes of the archive, owned by the caller, checked by length and digest.
 * RETRY: the broker does not respond, or the file does not exist yet. END: deleted by retention, or
 * the topic or partition is deleted. REJECT: damaged, replaced, too large, or in a forbidden
 * place. */
MUST_CHECK enum status fetch_archive(const struct fetch_options *options,
                                     const struct chunk_ready *ready, struct bytes *out,
                                     struct failure *why);

#endif
