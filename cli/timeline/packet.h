/* cli/timeline/packet.h -- encodes protobuf messages in memory, field by field.
 *
 * The length before an embedded message is only known at its end, so it is reserved as a redundant
 * varint of four bytes, as Perfetto's own writer does. */
#ifndef CLI_TIMELINE_PACKET_H
#define CLI_TIMELINE_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cli/story/line.h"

/* A varint: for unsigned numbers, enumerations, booleans, and negative numbers of int32 and int64.
 */
void packet_number(struct line *out, unsigned field, uint64_t number);
/* Invalid UTF-8 becomes U+FFFD: names in traces may have any bytes, protobuf strings may not. */
void packet_text(struct line *out, unsigned field, struct text text);

/* An embedded message, below 256 MiB: packet_open() returns the position for packet_close(). */
size_t packet_open(struct line *out, unsigned field);
void packet_close(struct line *out, size_t place);

#endif
