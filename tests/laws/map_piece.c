#include "map_piece.h"

#include <assert.h>
#include <string.h>

#include "core/row_bytes.h"

void map_piece_begin(struct map_piece *piece, struct schema *schema, const struct interval_end *end)
{
    *piece = (struct map_piece){.schema = schema, .end = *end};
    struct core_mapping mapping = {.facts = {end->has_kernel, end->counts_switches, end->no_calls},
                                   .begin_ns = end->begin_ns,
                                   .end_ns = end->end_ns};
    piece->core = core_new_mapping(schema, &mapping, &piece->row);
    piece->end.phases = schema_own_set(schema);
}

void map_piece_add(struct map_piece *piece, const struct event *events, size_t count)
{
    enum { BATCH = 3 };
    for (size_t at = 0; at < count; at += BATCH) {
        core_map(piece->core, events + at, count - at < BATCH ? count - at : BATCH);
        row_write_some(&piece->row, piece->schema, &piece->bytes);
    }
}

void map_piece_end(struct map_piece *piece, const struct record_meta *meta, struct record_sink sink)
{
    core_map_end(piece->core);
    struct core_counts counts = core_counts(piece->core);
    struct interval_end *end = &piece->end;
    row_write_rest(&piece->row, piece->schema, &piece->bytes);
    end->items = piece->row.passed;
    end->events = counts.events;
    end->single_events = counts.single_events;
    end->tallies = counts.tallies;
    end->first_ns = counts.first_ns;
    end->last_ns = counts.last_ns;
    partial_encode((struct bytes){piece->bytes.at, piece->bytes.count}, meta, end, true, sink);
    columns_clear(&piece->bytes);
    core_free(piece->core);
    row_clear(&piece->row);
}

void piece_records_take(void *context, struct text key, struct bytes record)
{
    struct piece_records *records = context;
    (void)key;
    assert(records->count < sizeof records->at / sizeof *records->at);
    uint8_t *copy = arena_take(&records->arena, record.count);
    memcpy(copy, record.at, record.count);
    records->at[records->count++] = (struct bytes){copy, record.count};
}
