/* One packet in memory, for tests. */
#ifndef TESTS_CHUNK_FAKE_PACKET_H
#define TESTS_CHUNK_FAKE_PACKET_H

#include <stdlib.h>

#include "base/memory.h"
#include "chunk/metadata.h"
#include "chunk/packet_row.h"

/* Reads the header of the packet at the begin of `file`; as packet_head(). */
static inline enum status fake_packet_read(const struct metadata *metadata, struct bytes file,
                                           struct packet *out, struct failure *why)
{
    struct packet_reading reading = {
        .times = metadata->times,
        .slots = memory_new(metadata->layout->slot_count * sizeof(uint64_t))};
    struct packet_at packet;
    enum status status = packet_head(metadata->layout, file, 0, &reading, &packet, why);
    free(reading.slots);
    if (status == STATUS_OK)
        *out = packet.head;
    return status;
}

#endif
