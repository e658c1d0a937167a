/* Any bytes as the tar of an archive. */
#include <assert.h>
#include <string.h>

#include "chunk/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t offset = 0;
    struct tar_entry entry;
    struct failure why;
    while (tar_next((struct bytes){data, size}, &offset, &entry, &why) == STATUS_OK) {
        assert(entry.name[0] != '/' && strncmp(entry.name, "../", 3) != 0);
        assert(!strstr(entry.name, "/../"));
        assert(entry.data.at >= data && entry.data.at + entry.data.count <= data + size);
    }
    return 0;
}
