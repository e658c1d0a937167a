#include "core/core_row.h"

#include <assert.h>
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
    case RECORD_PASSED: return head + sizeof(struct passed_line);
    }
    abort();
}

struct record *row_add_like(struct row *row, enum record_kind kind, const struct record *like)
{
    size_t bytes = record_bytes(kind);
    struct arena *arena = row->is_read ? &row->arena : &row->records;
    if (row->count == row->room)
        row->at = memory_grow(row->at, &row->room, row->count + 1, sizeof *row->at);
    struct record *record = like ? arena_copy(arena, like, bytes) : arena_take(arena, bytes);
    record->kind = (uint8_t)kind;
    row->at[row->count++] = record;
    if (kind == RECORD_LET_CPU)
        row->cpu_lets = row->count;
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

static void clear_life(struct life_line *line)
{
    for (size_t i = 0; i < line->phase_count; i++)
        phase_cell_clear(&line->phases[i].cell);
    free(line->phases);
    for (size_t i = 0; i < line->ended_count; i++)
        ended_instance_clear(&line->ended[i].ended);
    free(line->ended);
    time_vector_free(&line->spent);
    time_vector_free(&line->spent_before);
    free(line->credits);
    durations_clear(&line->latency);
    for (size_t i = 0; i < line->call_count; i++)
        call_cell_clear(&line->calls[i].cell);
    free(line->calls);
}

/* Frees what a record owns while its row is written. */
static void clear_record(struct record *record)
{
    switch ((enum record_kind)record->kind) {
    case RECORD_LIFE: clear_life(&record->life); return;
    case RECORD_INSTANCE:
        time_vector_free(&record->instance.time);
        time_vector_free(&record->instance.oldest.time);
        time_vector_free(&record->instance.youngest.time);
        time_vector_free(&record->instance.segments.time);
        return;
    case RECORD_PLACE: use_cell_clear(&record->place.cell); return;
    case RECORD_USES: use_cell_clear(&record->uses.cell); return;
    case RECORD_COUNT: count_cell_clear(&record->count.cell); return;
    case RECORD_WAITS: free(record->waits.sums); return;
    case RECORD_LET_CPU:
    case RECORD_LET_LIFE:
    case RECORD_AGAIN:
    case RECORD_LABEL:
    case RECORD_LET_PLACE:
    case RECORD_CPU:
    case RECORD_USE:
    case RECORD_CHANGE:
    case RECORD_EVENT:
    case RECORD_TIME:
    case RECORD_ANALYSIS:
    case RECORD_SPAN:
    case RECORD_LAYERS:
    case RECORD_PASSED: return;
    }
}

void row_pass(struct row *row)
{
    assert(!row->is_read);
    for (size_t i = 0; i < row->count; i++)
        clear_record(row->at[i]);
    row->passed += row->count;
    row->count = row->cpu_lets = 0;
    arena_reuse(&row->records);
}

void row_clear(struct row *row)
{
    if (!row->is_read)
        row_pass(row);
    arena_clear(&row->records);
    arena_clear(&row->arena);
    free(row->at);
    *row = (struct row){.count = 0};
}
