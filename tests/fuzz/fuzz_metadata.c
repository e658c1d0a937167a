/* Any bytes as the metadata of a trace, and also as one of its streams and as its index. */
#include "chunk/metadata.h"
#include "chunk/packets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The length of the metadata comes first. */
    if (size < 2)
        return 0;
    size_t split = (size_t)data[0] << 8 | data[1];
    struct bytes rest = {data + 2, size - 2};
    if (split > rest.count)
        split = rest.count;
    struct bytes text = {rest.at, split}, stream = {rest.at + split, rest.count - split};

    struct metadata metadata;
    struct failure why;
    if (metadata_read(text, &metadata, &why) == STATUS_OK) {
        struct packet_list packets = {.at = NULL};
        (void)!packets_scan(&metadata, stream, stream, &packets, &why);
        (void)packets_seam(&packets, 1000);
        packets_clear(&packets);
    }
    metadata_clear(&metadata);
    return 0;
}
