#include "map_piece.h"

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

void map_piece_end(struct map_piece *piece, const struct record_meta *meta, struct record_sink sink)
{
    core_map_end(piece->core);
    struct core_counts counts = core_counts(piece->core);
    struct interval_end *end = &piece->end;
    end->items = piece->row.count;
    end->events = counts.events;
    end->single_events = counts.single_events;
    end->tallies = counts.tallies;
    end->first_ns = counts.first_ns;
    end->last_ns = counts.last_ns;
    struct columns_out bytes = {.count = 0};
    row_write(&piece->row, piece->schema, &bytes);
    partial_encode((struct bytes){bytes.at, bytes.count}, meta, end, sink);
    columns_clear(&bytes);
    core_free(piece->core);
    row_clear(&piece->row);
}
