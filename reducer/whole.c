#include "reducer/whole.h"

#include <string.h>

#include "core/row_bytes.h"
#include "wire/partial_codec.h"

static enum status decode_all(const struct bytes *from, size_t count, struct schema *schema,
                              struct arena *arena, struct decoded_record *records,
                              struct failure *why)
{
    for (size_t i = 0; i < count; i++) {
        enum status status = partial_decode(from[i], schema, arena, &records[i], why);
        if (status != STATUS_OK)
            return status;
        if (records[i].is_gap || records[i].is_end != (i + 1 == count))
            return fail(why, STATUS_REJECT, "record %zu of %zu is of another kind", i, count);
    }
    return STATUS_OK;
}

/* The bytes of all records, one behind the other. */
static struct bytes row_bytes(const struct decoded_record *records, size_t count,
                              struct arena *arena)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += records[i].row.count;
    if (count == 2)
        return records[0].row; /* and the end */
    uint8_t *all = arena_buffer(arena, bytes + 1), *at = all;
    for (size_t i = 0; i < count; i++) {
        if (records[i].row.count > 0)
            memcpy(at, records[i].row.at, records[i].row.count);
        at += records[i].row.count;
    }
    return (struct bytes){all, bytes};
}

enum status whole_decode(const struct bytes *from, size_t count, struct schema *schema,
                         struct arena_store *store, struct whole_chunk *out, struct failure *why)
{
    *out = (struct whole_chunk){.row.arena.store = store};
    struct arena *arena = &out->row.arena;
    struct decoded_record *records = arena_take(arena, count * sizeof *records);
    enum status status = decode_all(from, count, schema, arena, records, why);
    if (status != STATUS_OK)
        return status;
    out->end = records[count - 1].end;
    const struct phase_set *phases =
        out->end.phases ? out->end.phases : schema_set(schema, NULL, 0);
    status = row_read(row_bytes(records, count, arena), schema, phases, &out->row, why);
    if (status == STATUS_OK && out->row.count != out->end.items)
        return fail(why, STATUS_REJECT, "%zu records of a row in place of %llu", out->row.count,
                    (unsigned long long)out->end.items);
    return status;
}

void whole_clear(struct whole_chunk *whole)
{
    row_clear(&whole->row);
}
