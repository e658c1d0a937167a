#include "core/core_row.h"

#include <stdlib.h>

#include "base/memory.h"

static size_t record_bytes(enum record_kind kind)
{
    const size_t head = offsetof(struct record, let);
    switch (kind) {
    case RECORD_LET_CPU:
    case RECORD_LET_LIFE:
    case RECORD_AGAIN: return head + sizeof(struct let);
    case RECORD_LABEL: return head + sizeof(struct label_let);
    case RECORD_INSTANCE: return head + sizeof(struct instance_line);
    case RECORD_LIFE: return head + sizeof(struct life_line);
    case RECORD_CPU: return head + sizeof(struct cpu_line);
    case RECORD_EVENT: return head + sizeof(struct step);
    case RECORD_LET_PLACE: return head + sizeof(struct place_let);
    case RECORD_PLACE: return head + sizeof(struct place_line);
    case RECORD_USES: return head + sizeof(struct uses_line);
    case RECORD_USE: return head + sizeof(struct use_step);
    case RECORD_CHANGE: return head + sizeof(struct change_step);
    case RECORD_TIME: return head + sizeof(uint64_t);
    case RECORD_ANALYSIS: return head + sizeof(struct bytes);
    case RECORD_COUNT: return head + sizeof(struct count_line);
    case RECORD_SPAN: return head + sizeof(struct span_line);
    case RECORD_WAITS: return head + sizeof(struct waits_line);
    case RECORD_LAYERS: return head + sizeof(struct layers_line);
    }
    abort();
}

struct record *row_add_like(struct row *row, enum record_kind kind, const struct record *like)
{
    size_t bytes = record_bytes(kind);
    if (row->count == row->room)
        row->at = memory_grow(row->at, &row->room, row->count + 1, sizeof *row->at);
    struct record *record =
        like ? arena_copy(&row->arena, like, bytes) : arena_take(&row->arena, bytes);
    record->kind = (uint8_t)kind;
    row->at[row->count++] = record;
    return record;
}

struct record *row_add(struct row *row, enum record_kind kind)
{
    return row_add_like(row, kind, NULL);
}

const struct record *row_copy_of(struct row *row, const struct record *record)
{
    return arena_copy(&row->arena, record, record_bytes((enum record_kind)record->kind));
}

void row_clear(struct row *row)
{
    for (size_t i = 0; i < row->count && !row->is_read; i++) {
        struct record *record = row->at[i];
        if (record->kind == RECORD_INSTANCE) {
            time_vector_free(&record->instance.time);
            time_vector_free(&record->instance.eldest.time);
            time_vector_free(&record->instance.youngest.time);
            time_vector_free(&record->instance.segments.time);
        }
        if (record->kind == RECORD_PLACE)
            use_cell_clear(&record->place.cell);
        if (record->kind == RECORD_USES)
            use_cell_clear(&record->uses.cell);
        if (record->kind == RECORD_COUNT)
            count_cell_clear(&record->count.cell);
        if (record->kind == RECORD_WAITS)
            free(record->waits.sums);
        if (record->kind != RECORD_LIFE)
            continue;
        for (size_t k = 0; k < record->life.phase_count; k++)
            phase_cell_clear(&record->life.phases[k].cell);
        free(record->life.phases);
        for (size_t k = 0; k < record->life.ended_count; k++)
            ended_instance_clear(&record->life.ended[k].ended);
        free(record->life.ended);
        time_vector_free(&record->life.spent);
        time_vector_free(&record->life.spent_before);
        free(record->life.credits);
        durations_clear(&record->life.latency);
        for (size_t k = 0; k < record->life.call_count; k++)
            call_cell_clear(&record->life.calls[k].cell);
        free(record->life.calls);
    }
    arena_clear(&row->arena);
    free(row->at);
    *row = (struct row){.count = 0};
}
