/* Any bytes as the saved state of a session: records, each after its length in two bytes; the first
 * is that of the joiner. The highest bit of a length marks the record of the phase definitions.
 * Restored state saves the same number of records again, can be restored from them, and can be
 * ended. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analyses.h"
#include "base/memory.h"
#include "reducer/joiner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS_MAX = 512 };

struct saved {
    struct kept_record at[RECORDS_MAX];
    size_t count, seen;
};

static void take_result(void *context, const struct result *result)
{
    *(size_t *)context += (size_t)result->type;
}

static void keep_record(void *context, struct text key, struct bytes record)
{
    struct saved *saved = context;
    saved->seen++;
    if (saved->count == RECORDS_MAX)
        return;
    uint8_t *copy = memory_new(record.count + 1);
    memcpy(copy, record.at, record.count);
    saved->at[saved->count++] =
        (struct kept_record){{memory_string(key), key.count}, {copy, record.count}};
}

static void saved_clear(struct saved *saved)
{
    for (size_t i = 0; i < saved->count; i++) {
        free((void *)(uintptr_t)saved->at[i].key.at);
        free((void *)(uintptr_t)saved->at[i].record.at);
    }
}

static size_t read_records(const uint8_t *data, size_t size, struct kept_record *records)
{
    size_t count = 0;
    while (size >= 2 && count < RECORDS_MAX) {
        size_t length = (size_t)data[0] | (size_t)(data[1] & 0x7f) << 8;
        const char *key = count == 0 ? "joiner" : data[1] & 0x80 ? "phases" : "core/r";
        data += 2;
        size -= 2;
        if (length > size)
            length = size;
        records[count] = (struct kept_record){text_of(key), {data, length}};
        count++;
        data += length;
        size -= length;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kept_record records[RECORDS_MAX];
    size_t count = read_records(data, size, records), results = 0;
    struct schema *schema = schema_new_with(NULL, NULL, analyses_count);
    struct result_sink sink = {.take = take_result, .context = &results};
    struct joiner *joiner;
    if (joiner_restore(schema, sink, records, count, &joiner, NULL) == STATUS_OK) {
        struct saved saved = {.count = 0};
        joiner_save(joiner, (struct keep_sink){.take = keep_record, .context = &saved});
        struct joiner *again;
        if (saved.seen == saved.count) {
            enum status status = joiner_restore(schema, sink, saved.at, saved.count, &again, NULL);
            assert(status == STATUS_OK);
            joiner_finish(again);
            joiner_free(again);
        }
        joiner_republish(joiner, 0, 1);
        joiner_finish(joiner);
        joiner_free(joiner);
        saved_clear(&saved);
    }
    schema_free(schema);
    return 0;
}
