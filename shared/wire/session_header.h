/* wire/session_header.h -- the joining progress of a session, as a record of spanmill.state. The
 * format is proto/session.proto. */
#ifndef WIRE_SESSION_HEADER_H
#define WIRE_SESSION_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/failure.h"

struct session_header {
    uint64_t next; /* the oldest chunk whose partials are still needed */
    uint64_t first_chunk;
    bool gap;        /* `next` follows a gap */
    uint64_t end_ns; /* of the interval before `next`, raw clock */
    bool ended;
    uint8_t clock_uuid[16]; /* zeros if unknown */
    int64_t changed_ms;     /* Unix epoch, of the last record joined */
};

/* The record; the caller frees it. */
struct bytes session_header_encode(const struct session_header *header);
/* REJECT: not a header. STOP: a newer format than this program knows. */
MUST_CHECK enum status session_header_decode(struct bytes record, struct session_header *out,
                                             struct failure *why);

#endif
