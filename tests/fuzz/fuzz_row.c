/* Any bytes as a row: an accepted one can be written, is then read as the same bytes, and can be
 * joined, also after itself. */
#include <assert.h>
#include <string.h>

#include "analysis/analyses.h"
#include "core/row_bytes.h"
#include "reducer/joiner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_result(void *context, const struct result *result)
{
    *(size_t *)context += (size_t)result->type;
}

static void join(struct schema *schema, struct bytes bytes)
{
    size_t results = 0;
    struct joiner *joiner =
        joiner_new(schema, (struct result_sink){.take = take_result, .context = &results});
    for (uint64_t chunk = 0; chunk < 2; chunk++) {
        struct row row = {.count = 0};
        struct interval_end end = {.chunk = chunk,
                                   .begin_ns = chunk << 40,
                                   .end_ns = (chunk + 1) << 40,
                                   .first_ns = chunk << 40,
                                   .last_ns = (chunk << 40) + 1,
                                   .has_kernel = true,
                                   .counts_switches = true,
                                   .phases = schema_own_set(schema),
                                   .host = text_of(""),
                                   .session = text_of(""),
                                   .created = text_of("")};
        struct failure why;
        enum status status = row_read(bytes, schema, end.phases, &row, &why);
        assert(status == STATUS_OK);
        (void)status;
        joiner_add(joiner, &row, &end);
    }
    joiner_finish(joiner);
    joiner_free(joiner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct schema *schema = schema_new_with(NULL, NULL, analyses_count);
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
        join(schema, (struct bytes){out.at, out.count});
    }
    row_clear(&row);
    row_clear(&again);
    columns_clear(&out);
    columns_clear(&twice);
    schema_free(schema);
    return 0;
}
