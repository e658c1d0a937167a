/* mapper/decode/cuts.h -- divides the time of a chunk into parts of about equal size, which several
 * threads can map at once. */
#ifndef MAPPER_DECODE_CUTS_H
#define MAPPER_DECODE_CUTS_H

#include "mapper/decode/stream.h"

/* Writes the begins of the second and later parts, ascending, to `cuts`; returns their number, less
 * than `parts_max`. A part has at least `bytes_min` bytes of packets. All cuts are after the seam.
 * 0 if a stream reports lost events or a packet has no times: a loss must be in exactly one
 * part. */
size_t cuts_find(const struct stream *streams, size_t stream_count, size_t parts_max,
                 size_t bytes_min, uint64_t *cuts);

/* Moves a stream that is not started to the first packet that may have events at or after
 * `begin_ns`. Only packets with times are skipped, and only if the packets do not overlap. No event
 * may be later than the end of its packet (stream.strict). */
void cuts_skip(struct stream *stream, uint64_t begin_ns);

#endif
