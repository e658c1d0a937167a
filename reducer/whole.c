#include "reducer/whole.h"

#include "wire/partial_codec.h"

/* The end, which is the last, says by which definitions of phases the others are to be read. */
static enum status decode_all(const struct bytes *from, size_t count, struct schema *schema,
                              struct arena *arena, struct decoded_record *records,
                              struct failure *why)
{
    const struct phase_set *phases = NULL;
    for (size_t i = count; i-- > 0;) {
        enum status status = partial_decode(from[i], schema, phases, arena, &records[i], why);
        if (status != STATUS_OK)
            return status;
        if (records[i].is_end)
            phases = records[i].end.phases;
        if (records[i].is_gap || records[i].is_end != (i + 1 == count))
            return fail(why, STATUS_REJECT, "record %zu of %zu is of another kind", i, count);
    }
    return STATUS_OK;
}

/* Puts the items of all records into the one row that they were taken from. */
static enum status merge_rows(struct whole_chunk *whole, const struct decoded_record *records,
                              size_t record_count, struct failure *why)
{
    uint64_t count = 0;
    for (size_t i = 0; i < record_count; i++)
        count += records[i].count;
    if (count != whole->end.items)
        return fail(why, STATUS_REJECT, "%llu items of %llu", (unsigned long long)count,
                    (unsigned long long)whole->end.items);
    whole->row = arena_take(&whole->arena, (size_t)count * sizeof *whole->row);
    for (size_t i = 0; i < record_count; i++)
        for (size_t j = 0; j < records[i].count; j++) {
            const struct placed_item *placed = &records[i].items[j];
            if (placed->position >= count || whole->row[placed->position])
                return fail(why, STATUS_REJECT, "two items at %llu, or none elsewhere",
                            (unsigned long long)placed->position);
            whole->row[placed->position] = placed->item;
        }
    return STATUS_OK;
}

enum status whole_decode(const struct bytes *from, size_t count, struct schema *schema,
                         struct arena_store *store, struct whole_chunk *out, struct failure *why)
{
    *out = (struct whole_chunk){.arena = {.store = store}};
    struct decoded_record *records = arena_take(&out->arena, count * sizeof *records);
    enum status status = decode_all(from, count, schema, &out->arena, records, why);
    if (status != STATUS_OK)
        return status;
    out->end = records[count - 1].end;
    return merge_rows(out, records, count, why);
}

void whole_clear(struct whole_chunk *whole)
{
    arena_clear(&whole->arena);
}
