/* cli/timeline/packet.h -- protobuf messages put together in memory, field by field.
 *
 * A message in a message has its length in front. It is known only in the end, so it has four
 * bytes, as a varint that is longer than it must be: what a writer of Perfetto's own does as
 * well. */
#ifndef CLI_TIMELINE_PACKET_H
#define CLI_TIMELINE_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cli/story/line.h"

/* A varint: of unsigned numbers, enumerations and booleans; negative numbers as int32 and int64
 * have them. */
void packet_number(struct line *out, unsigned field, uint64_t number);
/* Invalid UTF-8 becomes U+FFFD: names in traces may have any bytes, protobuf strings may not. */
void packet_text(struct line *out, unsigned field, struct text text);

/* An embedded message, below 256 MiB: packet_open() returns the position for packet_close(). */
size_t packet_open(struct line *out, unsigned field);
void packet_close(struct line *out, size_t place);

#endif
