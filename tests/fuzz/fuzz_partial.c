/* Any bytes as records of partials, each after its length in two bytes: accepted ones are joined
 * and reported, whatever their content. */
#include <stddef.h>
#include <stdint.h>

#include "reducer/reducer.h"
#include "results/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reducer *reducer = reducer_new();
    enum status status = STATUS_OK;
    while (size >= 2 && status != STATUS_STOP) {
        size_t count = (size_t)data[0] | (size_t)data[1] << 8;
        data += 2;
        size -= 2;
        if (count > size)
            count = size;
        struct failure why;
        status = reducer_add(reducer, (struct bytes){data, count}, &why);
        data += count;
        size -= count;
    }
    reducer_finish(reducer);
    struct report report = {.session_count = 0};
    reducer_report(reducer, 1, &report);
    report_clear(&report);
    reducer_free(reducer);
    return 0;
}
