/* wire/partial_tags.h -- the field numbers of proto/partial.proto, in order, for code that reads
 * and writes records without protobuf-c. */
#ifndef WIRE_PARTIAL_TAGS_H
#define WIRE_PARTIAL_TAGS_H

enum record_tag {
    TAG_RECORD_FORMAT = 1,
    TAG_RECORD_SESSION,
    TAG_RECORD_CHUNK,
    TAG_RECORD_FIRST_CHUNK,
    TAG_RECORD_ATTEMPT,
    TAG_RECORD_INDEX,
    TAG_RECORD_PARTIAL,
    TAG_RECORD_END,
    TAG_RECORD_ZSTD_PARTIAL,
    TAG_RECORD_GAP
};

/* The encoding of a field. */
enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

#endif
