/* Any bytes as a packed chunk; small, so that it is quick. */
#include "chunk/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes frame = {data, size};
    struct archive *archive;
    struct failure why;
    if (archive_open(frame, (size_t)1 << 20, NULL, &archive, &why) == STATUS_OK) {
        size_t count;
        (void)archive_entries(archive, &count);
        archive_close(archive);
    }
    struct archive_facts facts;
    (void)!archive_peek(frame, &facts, &why);
    return 0;
}
