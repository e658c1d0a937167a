#include "reducer/decoded_chunk.h"

#include <assert.h>

#include "core/row_bytes.h"
#include "wire/partial_codec.h"

enum status decoded_chunk_read(const struct bytes *from, size_t count, struct schema *schema,
                               struct arena_store *store, struct decoded_chunk *out,
                               struct failure *why)
{
    *out = (struct decoded_chunk){.row.arena.store = store};
    struct arena *arena = &out->row.arena;
    assert(count > 0);
    struct bytes row;
    enum status status = partial_decode_row(from, count - 1, arena, &row, why);
    if (status != STATUS_OK)
        return status;
    struct decoded_record last;
    status = partial_decode(from[count - 1], schema, arena, &last, why);
    if (status != STATUS_OK)
        return status;
    if (!last.is_end)
        return fail(why, STATUS_REJECT, "the last of %zu records is not an interval end", count);
    out->end = last.end;
    const struct phase_set *phases =
        out->end.phases ? out->end.phases : schema_set(schema, NULL, 0);
    status = row_read(row, schema, phases, &out->row, why);
    if (status == STATUS_OK && out->row.count != out->end.items)
        return fail(why, STATUS_REJECT, "%zu records of a row instead of %llu", out->row.count,
                    (unsigned long long)out->end.items);
    return status;
}

void decoded_chunk_clear(struct decoded_chunk *whole)
{
    row_clear(&whole->row);
}
