/* Any bytes as a row: what is taken can be written, and is then read as the same bytes. */
#include <assert.h>
#include <string.h>

#include "core/row_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct schema *schema = schema_new(NULL);
    struct row row = {.count = 0}, again = {.count = 0};
    struct columns_out out = {.count = 0}, twice = {.count = 0};
    struct failure why;
    if (row_read((struct bytes){data, size}, schema, schema_own_set(schema), &row, &why) ==
        STATUS_OK) {
        row_write(&row, schema, &out);
        enum status status = row_read((struct bytes){out.at, out.count}, schema,
                                      schema_own_set(schema), &again, &why);
        assert(status == STATUS_OK);
        (void)status;
        row_write(&again, schema, &twice);
        assert(twice.count == out.count && memcmp(twice.at, out.at, out.count) == 0);
    }
    row_clear(&row);
    row_clear(&again);
    columns_clear(&out);
    columns_clear(&twice);
    schema_free(schema);
    return 0;
}
