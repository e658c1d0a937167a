#include "reducer/join.h"

#include <assert.h>
#include <string.h>

bool interval_row_meets(const struct interval_row *left, const struct interval_row *right)
{
    const struct interval_end *a = &left->end, *b = &right->end;
    return a->end_ns == b->begin_ns && !b->gap_before && a->has_kernel == b->has_kernel &&
           a->counts_switches == b->counts_switches && a->phases == b->phases;
}

/* The CPUs of both, ascending. */
static void join_cpus(struct arena *arena, const struct interval_end *a,
                      const struct interval_end *b, struct interval_end *out)
{
    int32_t *cpus = arena_take(arena, (a->cpu_count + b->cpu_count) * sizeof *cpus);
    size_t count = 0, i = 0, k = 0;
    while (i < a->cpu_count || k < b->cpu_count) {
        bool from_a = k == b->cpu_count || (i < a->cpu_count && a->cpus[i] <= b->cpus[k]);
        int32_t cpu = from_a ? a->cpus[i++] : b->cpus[k++];
        if (count == 0 || cpus[count - 1] != cpu)
            cpus[count++] = cpu;
    }
    out->cpus = cpus;
    out->cpu_count = count;
}

struct interval_row interval_row_join(struct arena *arena, const struct interval_row *left,
                                      const struct interval_row *right)
{
    assert(interval_row_meets(left, right));
    struct item *items = arena_take(arena, (left->count + right->count) * sizeof *items);
    if (left->count)
        memcpy(items, left->items, left->count * sizeof *items);
    if (right->count)
        memcpy(items + left->count, right->items, right->count * sizeof *items);

    const struct interval_end *a = &left->end, *b = &right->end;
    struct interval_row row = {.items = items, .count = left->count + right->count, .end = *a};
    row.end.chunk = b->chunk;
    row.end.end_ns = b->end_ns;
    row.end.items += b->items;
    row.end.has_traces += b->has_traces;
    row.end.has_user |= b->has_user;
    row.end.events += b->events;
    row.end.single_events += b->single_events;
    tallies_add(&row.end.tallies, &b->tallies);
    row.end.uses = phase_uses_copy(arena, a->uses);
    phase_uses_add(&row.end.uses, arena, b->uses);
    row.end.left_events = b->left_events;
    row.end.knows_seam &= b->knows_seam;
    row.end.raw_bytes += b->raw_bytes;
    if (a->first_ns == TIME_NONE)
        row.end.first_ns = b->first_ns;
    if (b->last_ns != TIME_NONE)
        row.end.last_ns = b->last_ns;
    if (!a->has_offset) {
        row.end.has_offset = b->has_offset;
        row.end.offset_ns = b->offset_ns;
    }
    join_cpus(arena, a, b, &row.end);
    return row;
}
