/* Any bytes as a thread directory: accepted ones are written as the same bytes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "chunk/threads.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct thread_directory threads = {.at = NULL}, again = {.at = NULL};
    struct failure why;
    if (threads_read((struct bytes){data, size}, &threads, &why) == STATUS_OK) {
        char *text = threads_text(&threads);
        enum status status =
            threads_read((struct bytes){(const uint8_t *)text, strlen(text)}, &again, &why);
        assert(status == STATUS_OK && again.count == threads.count);
        free(text);
    }
    thread_directory_clear(&threads);
    thread_directory_clear(&again);
    return 0;
}
